/*
 * Paths, RFC 3986 sections 3.3 and 5.2.4. Percent-encoding is undone once, repeated slashes count as
 * one, dot segments (also encoded ones: a dot is the same character either way) are resolved, and a path
 * that climbs above its root is refused rather than clamped. A backslash is an ordinary byte.
 *
 * %2F is data, not a separator (RFC 3986 section 2.2). No file name can hold a slash, so such a path
 * names nothing and is hidden; decoding it into a separator would let a front end's access rule and us
 * disagree about what is asked for.
 */
#include "http/http_path.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "http/http_text.h"

/* The byte of %hh at text, or -1. */
static int decode(const char *text, size_t left)
{
	return left < 3 ? -1 : http_text_octet((uint8_t)text[1], (uint8_t)text[2]);
}

/* A path being written, segment by segment. */
struct writer {
	char *start;
	char *segment; /* where the segment under way begins */
	char *at;
	bool dotfile; /* a segment with a leading dot was seen */
};

static bool segment_is(const struct writer *w, const char *text, size_t len)
{
	return (size_t)(w->at - w->segment) == len && memcmp(w->segment, text, len) == 0;
}

/* Takes back the segment before the one under way; false at the root. */
static bool climb(struct writer *w)
{
	char *p = w->segment;

	if (p == w->start)
		return false;
	for (p--; p > w->start && p[-1] != '/'; p--)
		;
	w->segment = w->at = p;
	return true;
}

/* Ends the segment under way at a slash, or at the end of the path. */
static bool end_segment(struct writer *w, bool at_slash)
{
	if (w->at == w->segment)
		return true;
	if (w->segment[0] == '.') {
		if (segment_is(w, ".", 1)) {
			w->at = w->segment;
			return true;
		}
		if (segment_is(w, "..", 2))
			return climb(w);
		w->dotfile = true;
	}
	if (at_slash)
		*w->at++ = '/';
	w->segment = w->at;
	return true;
}

/* Dotfiles hold secrets (.git, .htpasswd, .env); /.well-known/ is there to be read (RFC 8615). */
static bool has_hidden_segment(const char *path, size_t len)
{
	static const char well_known[] = ".well-known";

	for (size_t i = 0; i < len; i++) {
		if (path[i] != '.' || (i > 0 && path[i - 1] != '/'))
			continue;
		if (i > 0 || len < sizeof well_known - 1 ||
		    memcmp(path, well_known, sizeof well_known - 1) != 0)
			return true;
		if (len > sizeof well_known - 1 && path[sizeof well_known - 1] != '/')
			return true;
	}
	return false;
}

enum http_path_verdict http_path_resolve(const char *raw, size_t len, struct http_path *out)
{
	struct writer w = { .start = out->text, .segment = out->text, .at = out->text };
	const char *last = out->text + HTTP_PATH_SIZE - 2; /* a slash and the NUL still fit behind it */
	bool hidden = false;

	for (size_t i = 1; i < len; i++) {
		int byte = (unsigned char)raw[i];

		if (byte == '/') {
			if (!end_segment(&w, true))
				return HTTP_PATH_BAD;
			continue;
		}
		if (byte == '%') {
			byte = decode(raw + i, len - i);
			if (byte <= 0)
				return HTTP_PATH_BAD;
			hidden |= byte == '/';
			i += 2;
		}
		if (w.at < last)
			*w.at++ = (char)byte;
		else
			hidden = true;
	}
	if (!end_segment(&w, false))
		return HTTP_PATH_BAD;
	*w.at = '\0';
	out->len = (size_t)(w.at - w.start);
	if (hidden)
		return HTTP_PATH_HIDDEN;
	return w.dotfile && has_hidden_segment(out->text, out->len) ? HTTP_PATH_DOTFILE : HTTP_PATH_OK;
}

bool http_path_of_file(const char *name, struct http_path *out)
{
	char raw[HTTP_PATH_SIZE];
	int len = snprintf(raw, sizeof raw, "%s%s", *name == '/' ? "" : "/", name);

	return len > 0 && (size_t)len < sizeof raw &&
	       http_path_resolve(raw, (size_t)len, out) == HTTP_PATH_OK && !http_path_is_directory(out);
}

/* Encodes all but letters, digits, and what is kept. */
static size_t encode(const char *text, size_t len, const char *kept, char *out, size_t room)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (room - n < 3)
			return 0;
		if (ascii_is_alphanumeric(text[i]) || (byte != 0 && strchr(kept, byte) != NULL)) {
			out[n++] = text[i];
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[byte >> 4];
		out[n++] = digits[byte & 15];
	}
	return n;
}

/* RFC 3986: pchar without percent, and the slash. */
size_t http_path_encode(const char *path, size_t len, char *out, size_t room)
{
	return encode(path, len, "-._~!$&'()*+,;=:@/", out, room);
}

/* Without what separates a value from the next in a query, or from its name, or means a space there. */
size_t http_path_encode_value(const char *value, size_t len, char *out, size_t room)
{
	return encode(value, len, "-._~!$'()*,:@/", out, room);
}
