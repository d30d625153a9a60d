/* Names and values, one pair after the other. */
#include "server/pairs.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_form.h"
#include "http/http_text.h"
#include "server/json_check.h"

static bool is_type(struct bytes content_type, const char *type)
{
	return http_text_is(http_text_trim(http_text_take(&content_type, ';')), type);
}

bool pairs_begin(struct pairs *p, struct bytes content_type, struct bytes text)
{
	*p = (struct pairs){ .rest = text, .is_json = is_type(content_type, "application/json") };
	if (!p->is_json)
		return is_type(content_type, "application/x-www-form-urlencoded");
	if (!json_is_object(text))
		return false;
	while (p->rest.data[0] != '{')
		bytes_skip(&p->rest, 1);
	bytes_skip(&p->rest, 1);
	return true;
}

static bool fail(struct pairs *p)
{
	p->failed = true;
	return false;
}

static bool keep(char out[static PAIRS_TEXT], struct bytes text)
{
	if (text.len >= PAIRS_TEXT || memchr(text.data, '\0', text.len) != NULL)
		return false;
	memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

/* ---- forms ---- */

static bool decode(char out[static PAIRS_TEXT], struct bytes raw)
{
	char text[PAIRS_TEXT];

	return raw.len < PAIRS_TEXT && keep(out, bytes_of(text, http_form_decode(raw, text)));
}

static bool next_of_form(struct pairs *p, char name[static PAIRS_TEXT], char value[static PAIRS_TEXT])
{
	struct bytes raw_name, raw_value;

	if (!http_form_take(&p->rest, &raw_name, &raw_value))
		return false;
	return (decode(name, raw_name) && decode(value, raw_value)) || fail(p);
}

/* ---- JSON: it is an object, as was seen at the beginning ---- */

static void skip_to_token(struct bytes *text)
{
	while (text->len > 0 && text->data[0] != '\0' && strchr(" \t\r\n,:", text->data[0]) != NULL)
		bytes_skip(text, 1);
}

/* What stands between quotes, or a number. */
static bool take_token(struct bytes *text, struct bytes *token)
{
	bool is_string = text->data[0] == '"';
	const uint8_t *begin = text->data + is_string;

	bytes_skip(text, is_string);
	if (is_string) {
		while (text->data[0] != '"' && text->data[0] != '\\')
			bytes_skip(text, 1);
	} else {
		while (ascii_is_digit(text->data[0]) || memchr("+-.eE", text->data[0], 5) != NULL)
			bytes_skip(text, 1);
	}
	*token = bytes_of(begin, (size_t)(text->data - begin));
	if (!is_string)
		return token->len > 0;
	bytes_skip(text, 1);
	return begin[token->len] == '"';
}

static bool next_of_json(struct pairs *p, char name[static PAIRS_TEXT], char value[static PAIRS_TEXT])
{
	struct bytes token;

	skip_to_token(&p->rest);
	if (p->rest.data[0] == '}')
		return false;
	if (!take_token(&p->rest, &token) || !keep(name, token))
		return fail(p);
	skip_to_token(&p->rest);
	return (take_token(&p->rest, &token) && keep(value, token)) || fail(p);
}

bool pairs_next(struct pairs *p, char name[static PAIRS_TEXT], char value[static PAIRS_TEXT])
{
	if (p->failed)
		return false;
	return p->is_json ? next_of_json(p, name, value) : next_of_form(p, name, value);
}
