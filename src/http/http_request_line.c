/*
 * The request line, RFC 9112 section 3. Taken apart here and not by llhttp, which (9.2.1) skips any
 * number of blank lines and bare CRs before the method, takes several spaces for one, HTTP/0.9, RTSP and
 * a fragment in the target, and knows neither HTTP/1.2 nor the difference between a malformed and an
 * unknown method.
 *
 * One space stands between the three parts, CRLF at the end, and nothing else anywhere (section 3:
 * lenient splitting at whitespace is how requests are smuggled past those who split otherwise).
 */
#include "http/http_request_line.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"
#include "http/http_text.h"

const struct http_method_name http_method_names[] = {
	{ "GET", HTTP_METHOD_GET },     { "HEAD", HTTP_METHOD_HEAD },
	{ "POST", HTTP_METHOD_POST },   { "OPTIONS", HTTP_METHOD_OPTIONS },
	{ "PUT", HTTP_METHOD_PUT },     { "DELETE", HTTP_METHOD_DELETE },
	{ "PATCH", HTTP_METHOD_PATCH }, { "CONNECT", HTTP_METHOD_CONNECT },
	{ "TRACE", HTTP_METHOD_TRACE }, { 0 },
};

static bool method_find(const char *name, size_t len, enum http_method *out)
{
	for (const struct http_method_name *m = http_method_names; m->name != NULL; m++) {
		if (strlen(m->name) == len && memcmp(m->name, name, len) == 0) {
			*out = m->method;
			return true;
		}
	}
	return false;
}

/* Length of the method, or -1 when its end has not been seen; *status is set when it can be no good one. */
static int scan_method(const char *line, size_t len, unsigned *status)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == ' ' && i > 0)
			return (int)i;
		if (!http_text_is_token_char(line[i])) {
			*status = 400;
			return -1;
		}
		if (i + 1 > HTTP_METHOD_MAX) {
			*status = 501;
			return -1;
		}
	}
	return -1;
}

/* len bytes before the LF, CR among them, are too many for the longest target. */
static bool is_too_long(int method_len, size_t len, uint32_t max_uri)
{
	return len > (size_t)method_len + 1 + max_uri + 1 + HTTP_VERSION_LEN + 1;
}

unsigned http_request_line_begin(const char *line, size_t len, uint32_t max_uri)
{
	unsigned status = 0;
	int method_len = scan_method(line, len, &status);

	if (method_len >= 0 && is_too_long(method_len, len, max_uri))
		return 414;
	return status;
}

/*
 * Visible ASCII without the number sign: a fragment is never sent (RFC 9110 section 4.2.5). Quotes,
 * braces, the caret and their like are not URI characters, but browsers send some of them as they are.
 */
static bool is_target(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!http_char_is(text[i], HTTP_CHAR_TARGET))
			return false;
	return len > 0;
}

/* "HTTP/1.1" */
static unsigned parse_version(const char *text, size_t len, struct http_request_line *out)
{
	if (len != HTTP_VERSION_LEN || memcmp(text, "HTTP/", 5) != 0 || !ascii_is_digit(text[5]) ||
	    text[6] != '.' || !ascii_is_digit(text[7]))
		return 400;
	out->major = (uint8_t)(text[5] - '0');
	out->minor = (uint8_t)(text[7] - '0');
	if (out->major == 0)
		return 400;
	return out->major == 1 ? 0 : 505;
}

unsigned http_request_line_parse(const char *line, size_t len, uint32_t max_uri,
				 struct http_request_line *out)
{
	const char *target, *space;
	unsigned status = 0;
	int method_len;

	*out = (struct http_request_line){ 0 };
	len--;
	method_len = scan_method(line, len, &status);
	if (method_len < 0)
		return status != 0 ? status : 400;
	if (is_too_long(method_len, len, max_uri))
		return 414;
	if (line[len - 1] != '\r')
		return 400;
	len--;
	out->method_len = (uint32_t)method_len;
	out->target_at = out->method_len + 1;
	target = line + out->target_at;
	space = len > out->target_at ? memchr(target, ' ', len - out->target_at) : NULL;
	if (space == NULL)
		return 400;
	out->target_len = (uint32_t)(space - target);
	if (out->target_len > max_uri)
		return 414;
	status = parse_version(space + 1, len - out->target_at - out->target_len - 1, out);
	if (status != 0)
		return status;
	if (!method_find(line, out->method_len, &out->method))
		return 501;
	return is_target(target, out->target_len) ? 0 : 400;
}
