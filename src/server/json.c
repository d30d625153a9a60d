/* JSON values, one after the other. What was written last tells whether a comma is due (a value never ends in
 * an opening bracket), and that what follows a closing bracket begins a line. */
#include "server/json.h"

#include <stdio.h>
#include <string.h>

static void begin(struct document *d, const char *key)
{
	char last = d->len > 0 ? d->text[d->len - 1] : '[';

	if (last == '}' || last == ']')
		document_add(d, ",\n", 2);
	else if (last != '{' && last != '[' && last != ':')
		document_add(d, ",", 1);
	if (key == NULL)
		return;
	document_add(d, "\"", 1);
	document_add_text(d, key);
	document_add(d, "\":", 2);
}

void json_open_object(struct document *d, const char *key)
{
	begin(d, key);
	document_add(d, "{", 1);
}

void json_close_object(struct document *d)
{
	document_add(d, "}", 1);
}

void json_open_array(struct document *d, const char *key)
{
	begin(d, key);
	document_add(d, "[", 1);
}

void json_close_array(struct document *d)
{
	document_add(d, "]", 1);
}

void json_number(struct document *d, const char *key, uint64_t n)
{
	begin(d, key);
	document_add_number(d, n);
}

void json_bool(struct document *d, const char *key, bool value)
{
	begin(d, key);
	document_add_text(d, value ? "true" : "false");
}

size_t utf8_length(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf; /* range of the second byte */
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (p[0] == 0xe0)
		low = 0xa0; /* longer than needed */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (len > left || (len > 1 && (p[1] < low || p[1] > high)))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

static void add_escaped(struct document *d, uint8_t c)
{
	char escape[8];

	if (c == '"' || c == '\\')
		snprintf(escape, sizeof escape, "\\%c", c);
	else
		snprintf(escape, sizeof escape, "\\u%04x", c);
	document_add_text(d, escape);
}

/* How many bytes of text stand for themselves. */
static size_t plain_length(const uint8_t *text, size_t left)
{
	size_t n = 0, len;

	while (n < left && text[n] >= 0x20 && text[n] != '"' && text[n] != '\\') {
		len = utf8_length(text + n, left - n);
		if (len == 0)
			break;
		n += len;
	}
	return n;
}

static void add_string(struct document *d, const uint8_t *text, size_t left)
{
	document_add(d, "\"", 1);
	while (left > 0) {
		size_t len = plain_length(text, left);

		document_add(d, text, len);
		text += len;
		left -= len;
		if (left == 0)
			break;
		if (*text < 0x80)
			add_escaped(d, *text);
		else
			document_add_text(d, "\\ufffd");
		text++;
		left--;
	}
	document_add(d, "\"", 1);
}

void json_key(struct document *d, const void *name, size_t len)
{
	begin(d, NULL);
	add_string(d, name, len);
	document_add(d, ":", 1);
}

void json_bytes(struct document *d, const char *key, const void *data, size_t len)
{
	begin(d, key);
	add_string(d, data, len);
}

void json_text(struct document *d, const char *key, const char *text)
{
	if (text != NULL) {
		json_bytes(d, key, text, strlen(text));
		return;
	}
	begin(d, key);
	document_add_text(d, "null");
}
