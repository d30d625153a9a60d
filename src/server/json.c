/* JSON values, one after the other. What was written last tells whether a comma is due (a value never ends in
 * an opening bracket), that what follows a closing bracket begins a line, and that behind a line another text
 * begins. */
#include "server/json.h"

#include <stdio.h>
#include <string.h>

static void begin(struct document *d, const char *key)
{
	char last = d->len > 0 ? d->text[d->len - 1] : '[';

	if (last == '}' || last == ']')
		document_add(d, ",\n", 2);
	else if (last != '{' && last != '[' && last != ':' && last != '\n')
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

void json_seconds(struct document *d, const char *key, uint64_t us)
{
	begin(d, key);
	document_add_seconds(d, us);
}

void json_bool(struct document *d, const char *key, bool value)
{
	begin(d, key);
	document_add_text(d, value ? "true" : "false");
}

void json_values(struct document *d, const struct document *from)
{
	if (from->len == 0)
		return;
	begin(d, NULL);
	document_add(d, from->text, from->len);
}

size_t utf8_length(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf; /* range of the second byte */
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;

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

/* Beside what RFC 8259 section 7 wants escaped: controls that terminals obey, and the line and paragraph
 * separators, at which some readers end a line. */
static bool is_escaped_by_choice(const uint8_t *p, size_t len)
{
	switch (len) {
	case 1:
		return p[0] == 0x7f;
	case 2:
		return p[0] == 0xc2 && p[1] < 0xa0; /* U+0080 to U+009F */
	case 3:
		return p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9); /* U+2028, U+2029 */
	default:
		return false;
	}
}

/* How many bytes of text stand for themselves. */
static size_t plain_length(const uint8_t *text, size_t left)
{
	size_t n = 0, len;

	while (n < left && text[n] >= 0x20 && text[n] != '"' && text[n] != '\\') {
		len = utf8_length(text + n, left - n);
		if (len == 0 || is_escaped_by_choice(text + n, len))
			break;
		n += len;
	}
	return n;
}

/* The first character that does not stand for itself. How many bytes it has. */
static size_t add_escaped(struct document *d, const uint8_t *p, size_t left)
{
	size_t len = utf8_length(p, left);
	char escape[8];

	if (*p == '"' || *p == '\\')
		snprintf(escape, sizeof escape, "\\%c", *p);
	else
		snprintf(escape, sizeof escape, "\\u%04x",
			 len == 0 ? 0xfffdU : len == 1 ? p[0] : len == 2 ? p[1] : 0x2000U | (p[2] & 0x3f));
	document_add_text(d, escape);
	return len == 0 ? 1 : len;
}

static void add_string(struct document *d, const uint8_t *text, size_t left)
{
	document_add(d, "\"", 1);
	while (left > 0) {
		size_t len = plain_length(text, left);

		if (len > 0)
			document_add(d, text, len);
		else
			len = add_escaped(d, text, left);
		text += len;
		left -= len;
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
