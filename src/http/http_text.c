/* Small steps through texts. */
#include "http/http_text.h"

#include <string.h>

#include "base/ascii.h"

#define ALL (HTTP_CHAR_TOKEN | HTTP_CHAR_NAME | HTTP_CHAR_TARGET)
#define NO_NAME (HTTP_CHAR_TOKEN | HTTP_CHAR_TARGET)
#define NO_TOKEN (HTTP_CHAR_NAME | HTTP_CHAR_TARGET)

/* All visible characters, in the order of their numbers. */
const uint8_t http_char_classes[256] = {
	['!'] = ALL, ['"'] = HTTP_CHAR_TARGET, ['#'] = HTTP_CHAR_TOKEN, ['$'] = ALL, ['%'] = NO_NAME,
	['&' ... '\''] = ALL, ['(' ... ')'] = NO_TOKEN, ['*' ... '+'] = ALL, [','] = NO_TOKEN,
	['-' ... '.'] = ALL, ['/'] = HTTP_CHAR_TARGET, ['0' ... '9'] = ALL, [':'] = HTTP_CHAR_TARGET,
	[';'] = NO_TOKEN, ['<'] = HTTP_CHAR_TARGET, ['='] = NO_TOKEN, ['>' ... '@'] = HTTP_CHAR_TARGET,
	['A' ... 'Z'] = ALL, ['[' ... ']'] = HTTP_CHAR_TARGET, ['^'] = NO_NAME, ['_'] = ALL, ['`'] = NO_NAME,
	['a' ... 'z'] = ALL, ['{'] = HTTP_CHAR_TARGET, ['|'] = NO_NAME, ['}'] = HTTP_CHAR_TARGET, ['~'] = ALL,
};

bool http_text_is_same(struct bytes a, struct bytes b)
{
	return a.len == b.len && ascii_is_same(a.data, b.data, a.len);
}

bool http_text_is(struct bytes text, const char *word)
{
	return http_text_is_same(text, bytes_of(word, strlen(word)));
}

bool http_text_take_word(struct bytes *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len < len || !http_text_is(bytes_of(text->data, len), word))
		return false;
	bytes_skip(text, len);
	return true;
}

bool http_text_lists(struct bytes list, const char *word)
{
	while (list.len > 0)
		if (http_text_is(http_text_trim(http_text_take(&list, ',')), word))
			return true;
	return false;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

void http_text_skip_blanks(struct bytes *text)
{
	while (text->len > 0 && is_blank(text->data[0]))
		bytes_skip(text, 1);
}

struct bytes http_text_trim(struct bytes text)
{
	http_text_skip_blanks(&text);
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

struct bytes http_text_take(struct bytes *text, char separator)
{
	struct bytes part = *text;
	const uint8_t *end;

	if (text->len == 0)
		return part;
	end = memchr(text->data, separator, text->len);
	if (end != NULL)
		part.len = (size_t)(end - text->data);
	bytes_skip(text, end != NULL ? part.len + 1 : part.len);
	return part;
}

bool http_text_is_token(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!http_text_is_token_char((char)text.data[i]))
			return false;
	return text.len > 0;
}

bool http_text_is_field_value(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (ascii_is_control(text.data[i]) && text.data[i] != '\t')
			return false;
	return true;
}

bool http_text_number(struct bytes text, uint64_t *out)
{
	enum { DIGITS = 18 }; /* as many as always fit */

	if (text.len == 0 || text.len > DIGITS)
		return false;
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_digit(text.data[i]))
			return false;
		*out = *out * 10 + (text.data[i] - '0');
	}
	return true;
}

int http_text_octet(uint8_t high, uint8_t low)
{
	int h = ascii_hex(high), l = ascii_hex(low);

	return h >= 0 && l >= 0 ? h << 4 | l : -1;
}

/* Up to three digits after the point. */
bool http_text_weight(struct bytes parameter, uint16_t *out)
{
	unsigned value = 0, unit = 1000;

	if (parameter.len < 3 || parameter.len > 7 || (parameter.data[0] | 0x20) != 'q' ||
	    parameter.data[1] != '=')
		return false;
	for (size_t i = 2; i < parameter.len; i++) {
		uint8_t c = parameter.data[i];

		if (i == 3 ? c != '.' : !ascii_is_digit(c))
			return false;
		if (i == 3)
			continue;
		value += (unsigned)(c - '0') * unit;
		unit /= 10;
	}
	*out = (uint16_t)value;
	return value <= 1000;
}
