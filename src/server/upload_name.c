/*
 * A name goes through four steps, in place: decoded, its directories dropped, each character looked at, its
 * ends trimmed. RFC 7578 section 4.2 wants non-ASCII names as they are, in UTF-8, and not in filename*;
 * browsers do so, and escape a quote and line ends as "%22", "%0D" and "%0A" (WHATWG HTML,
 * multipart/form-data). Other programs send filename*, which then is the better name (RFC 6266 section 4.3).
 * No other percent signs are decoded: they may well be the name's own.
 */
#include "server/upload_name.h"

#include <stdio.h>

#include "http/http_parameter.h"
#include "server/json.h"

enum { EXTENSION_MAX = 16 }; /* a longer one is just part of the name */

struct name {
	char text[HTTP_PART_FIELDS]; /* a name is a piece of a part's fields */
	size_t len;
};

static void decode(const struct http_part *part, struct name *n)
{
	if (http_parameter_decode(part->extended_filename, n->text, &n->len) && n->len > 0)
		return;
	n->len = part->filename.len;
	if (n->len > 0)
		memcpy(n->text, part->filename.data, n->len);
}

/* Both kinds of slashes: some browsers once sent paths of Windows. */
static void drop_directories(struct name *n)
{
	size_t at = n->len;

	while (at > 0 && n->text[at - 1] != '/' && n->text[at - 1] != '\\')
		at--;
	n->len -= at;
	if (at > 0)
		memmove(n->text, n->text + at, n->len);
}

/* How many bytes at p make one character that is to be seen as "_": controls, also those of
 * U+0080 on, marks and overrides of direction, which make "exe.txt" of "txt.exe", bytes that are
 * no UTF-8, and browsers' escapes. */
static size_t count_unwanted(const uint8_t *p, size_t left)
{
	size_t len = utf8_length(p, left);

	if (len == 0)
		return 1;
	if (p[0] == '%' && left >= 3)
		return memcmp(p, "%22", 3) == 0 || memcmp(p, "%0D", 3) == 0 || memcmp(p, "%0A", 3) == 0 ? 3
													: 0;
	if (len == 1)
		return p[0] < ' ' || p[0] == 0x7f;
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0;
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae) ? 3 : 0;
	return p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

static void replace_unwanted(struct name *n)
{
	const uint8_t *from = (const uint8_t *)n->text, *end = from + n->len;
	size_t kept = 0;

	while (from < end) {
		size_t left = (size_t)(end - from), unwanted = count_unwanted(from, left);
		size_t len = unwanted > 0 ? 1 : utf8_length(from, left);

		if (unwanted > 0)
			n->text[kept] = '_';
		else
			memmove(n->text + kept, from, len);
		kept += len;
		from += unwanted > 0 ? unwanted : len;
	}
	n->len = kept;
}

/* A file that begins with a dot is hidden, with a hyphen an option, with a tilde a user's home. */
static void trim(struct name *n)
{
	while (n->len > 0 && (n->text[n->len - 1] == ' ' || n->text[n->len - 1] == '.'))
		n->len--;
	if (n->len > 0 && (n->text[0] == '.' || n->text[0] == '-' || n->text[0] == '~' || n->text[0] == ' '))
		n->text[0] = '_';
}

/* Where the extension begins; the end of the name if it has none. */
static size_t find_extension(const char *text, size_t len)
{
	for (size_t i = 1; i <= EXTENSION_MAX && i < len; i++)
		if (text[len - i] == '.')
			return len - i;
	return len;
}

/* Cuts the name before its extension, at a whole character. */
static void shorten(struct name *n, size_t limit)
{
	size_t extension = find_extension(n->text, n->len), extension_len = n->len - extension, at;

	if (n->len <= limit)
		return;
	at = limit - extension_len;
	while (at > 0 && ((uint8_t)n->text[at] & 0xc0) == 0x80)
		at--;
	memmove(n->text + at, n->text + extension, extension_len);
	n->len = at + extension_len;
}

void upload_name(const struct http_part *part, char out[static UPLOAD_NAME_SIZE])
{
	struct name n;

	decode(part, &n);
	drop_directories(&n);
	replace_unwanted(&n);
	trim(&n);
	shorten(&n, UPLOAD_NAME_SIZE - 1);
	if (n.len == 0)
		n.len = (size_t)sprintf(n.text, "file");
	memcpy(out, n.text, n.len);
	out[n.len] = '\0';
}

void upload_name_number(const char *name, unsigned number, char out[static UPLOAD_NUMBERED_SIZE])
{
	size_t len = strlen(name), extension = find_extension(name, len);

	if (number == 1)
		snprintf(out, UPLOAD_NUMBERED_SIZE, "%s", name);
	else
		snprintf(out, UPLOAD_NUMBERED_SIZE, "%.*s-%u%s", (int)extension, name, number,
			 name + extension);
}
