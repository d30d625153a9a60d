/* Recursive descent along RFC 8259's sections 2 to 7; *text is what is still to be read. */
#include "server/json_check.h"

#include <string.h>

#include "base/ascii.h"
#include "server/json.h"

static bool take_value(struct bytes *text, unsigned depth);

static void skip_space(struct bytes *text)
{
	while (text->len > 0 && text->data[0] != '\0' && strchr(" \t\r\n", text->data[0]) != NULL)
		bytes_skip(text, 1);
}

/* Takes this character and the white space behind it. */
static bool take(struct bytes *text, char c)
{
	if (text->len == 0 || text->data[0] != (uint8_t)c)
		return false;
	bytes_skip(text, 1);
	skip_space(text);
	return true;
}

static bool take_escape(struct bytes *text)
{
	bytes_skip(text, 1);
	if (text->len == 0)
		return false;
	if (text->data[0] != 'u') {
		bool known = text->data[0] != '\0' && strchr("\"\\/bfnrt", text->data[0]) != NULL;

		bytes_skip(text, 1);
		return known;
	}
	if (text->len < 5)
		return false;
	for (size_t i = 1; i < 5; i++)
		if (!ascii_is_hex(text->data[i]))
			return false;
	bytes_skip(text, 5);
	return true;
}

static bool take_string(struct bytes *text)
{
	if (text->len == 0 || text->data[0] != '"')
		return false;
	bytes_skip(text, 1);
	while (text->len > 0 && text->data[0] != '"') {
		size_t len = utf8_length(text->data, text->len);

		if (text->data[0] == '\\') {
			if (!take_escape(text))
				return false;
		} else if (len == 0 || text->data[0] < 0x20) {
			return false;
		} else {
			bytes_skip(text, len);
		}
	}
	return take(text, '"');
}

static bool take_digits(struct bytes *text)
{
	bool any = false;

	for (; text->len > 0 && ascii_is_digit(text->data[0]); any = true)
		bytes_skip(text, 1);
	return any;
}

static bool take_one_of(struct bytes *text, const char *set)
{
	if (text->len == 0 || text->data[0] == '\0' || strchr(set, text->data[0]) == NULL)
		return false;
	bytes_skip(text, 1);
	return true;
}

static bool take_number(struct bytes *text)
{
	take_one_of(text, "-");
	if (!take_one_of(text, "0") && !take_digits(text))
		return false;
	if (take_one_of(text, ".") && !take_digits(text))
		return false;
	if (take_one_of(text, "eE")) {
		take_one_of(text, "+-");
		if (!take_digits(text))
			return false;
	}
	skip_space(text);
	return true;
}

static bool take_word(struct bytes *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len < len || memcmp(text->data, word, len) != 0)
		return false;
	bytes_skip(text, len);
	skip_space(text);
	return true;
}

static bool take_member(struct bytes *text, unsigned depth)
{
	return take_string(text) && take(text, ':') && take_value(text, depth);
}

/* What stands between brackets, the opening one having been taken. */
static bool take_items(struct bytes *text, char end, bool (*item)(struct bytes *text, unsigned depth),
		       unsigned depth)
{
	if (depth == JSON_DEPTH)
		return false;
	if (take(text, end))
		return true;
	do
		if (!item(text, depth + 1))
			return false;
	while (take(text, ','));
	return take(text, end);
}

static bool take_value(struct bytes *text, unsigned depth)
{
	if (take(text, '{'))
		return take_items(text, '}', take_member, depth);
	if (take(text, '['))
		return take_items(text, ']', take_value, depth);
	if (text->len > 0 && text->data[0] == '"')
		return take_string(text);
	return take_word(text, "true") || take_word(text, "false") || take_word(text, "null") ||
	       take_number(text);
}

bool json_is_object(struct bytes text)
{
	skip_space(&text);
	return text.len > 0 && text.data[0] == '{' && take_value(&text, 0) && text.len == 0;
}
