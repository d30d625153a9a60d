/* Parameters are looked for from the left, each time anew: there are few. */
#include "http/http_parameter.h"

#include "http/http_text.h"

struct bytes http_without_parameters(struct bytes value)
{
	return http_text_trim(http_text_take(&value, ';'));
}

/* Takes the value of a parameter off the text, and the semicolon behind it. */
static struct bytes take_value(struct bytes *text)
{
	struct bytes value;

	*text = http_text_trim(*text);
	if (text->len == 0 || text->data[0] != '"')
		return http_text_trim(http_text_take(text, ';'));
	bytes_skip(text, 1);
	value = http_text_take(text, '"');
	http_text_take(text, ';');
	return value;
}

struct bytes http_parameter(struct bytes value, const char *name)
{
	http_text_take(&value, ';');
	while (value.len > 0) {
		struct bytes found = http_text_trim(http_text_take(&value, '=')),
			     content = take_value(&value);

		if (http_text_is(found, name))
			return content;
	}
	return (struct bytes){ 0 };
}

/* One character of the value, which may be written as "%XX". False: it is written wrongly. */
static bool decode_next(struct bytes *value, char *out)
{
	int c = value->data[0];

	if (c == '%') {
		c = value->len > 2 ? http_text_octet(value->data[1], value->data[2]) : -1;
		bytes_skip(value, 2);
	}
	bytes_skip(value, 1);
	*out = (char)c;
	return c >= 0;
}

bool http_parameter_decode(struct bytes value, char *out, size_t *len)
{
	struct bytes charset = http_text_take(&value, '\'');
	size_t n = 0;

	if (!http_text_is(charset, "utf-8"))
		return false;
	http_text_take(&value, '\''); /* the language */
	while (value.len > 0)
		if (!decode_next(&value, &out[n++]))
			return false;
	*len = n;
	return true;
}
