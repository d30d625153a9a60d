/*
 * Delimiters are found by their bytes, so a part may contain anything else. A first delimiter right at the
 * beginning lacks its CRLF; what stands before the first and behind the last is dropped (RFC 2046 section 5.1.1).
 */
#include "http/http_multipart.h"

#include <string.h>

#include "http/http_fields.h"
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
		struct bytes found = http_text_trim(http_text_take(&value, '=')), content = take_value(&value);

		if (http_text_is((const char *)found.data, found.len, name))
			return content;
	}
	return (struct bytes){ 0 };
}

bool http_multipart_init(struct http_multipart *m, struct bytes content_type, struct bytes body)
{
	struct bytes boundary = http_parameter(content_type, "boundary");

	if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX)
		return false;
	*m = (struct http_multipart){ .rest = body };
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.data, boundary.len);
	m->delimiter_len = 4 + boundary.len;
	return true;
}

/* Takes up to the next delimiter, and that too. False: there is none. */
static bool take_to_delimiter(struct http_multipart *m, struct bytes *before)
{
	const uint8_t *at = NULL;

	if (m->rest.len > 0)
		at = memmem(m->rest.data, m->rest.len, m->delimiter, m->delimiter_len);
	if (at == NULL)
		return false;
	*before = bytes_of(m->rest.data, (size_t)(at - m->rest.data));
	bytes_skip(&m->rest, before->len + m->delimiter_len);
	return true;
}

static bool begins_with(struct bytes text, const char *what, size_t len)
{
	return text.len >= len && memcmp(text.data, what, len) == 0;
}

/* The body begins with a delimiter. */
static bool take_first_delimiter(struct http_multipart *m)
{
	if (!begins_with(m->rest, m->delimiter + 2, m->delimiter_len - 2))
		return false;
	bytes_skip(&m->rest, m->delimiter_len - 2);
	return true;
}

static bool take_line(struct bytes *text, struct bytes *line)
{
	const uint8_t *end = text->len > 0 ? memmem(text->data, text->len, "\r\n", 2) : NULL;

	if (end == NULL)
		return false;
	*line = bytes_of(text->data, (size_t)(end - text->data));
	bytes_skip(text, line->len + 2);
	return true;
}

static void take_disposition(struct bytes value, struct http_part *out)
{
	struct bytes kind = http_without_parameters(value);

	if (!http_text_is((const char *)kind.data, kind.len, "form-data"))
		return;
	out->name = http_parameter(value, "name");
	out->filename = http_parameter(value, "filename");
}

/* The fields of a part, to the empty line; other than Content-Disposition they are dropped. */
static bool take_fields(struct bytes *text, struct http_part *out)
{
	struct bytes line;

	while (take_line(text, &line)) {
		struct bytes name;

		if (line.len == 0)
			return out->name.data != NULL;
		name = http_text_trim(http_text_take(&line, ':'));
		if (http_text_is((const char *)name.data, name.len, "content-disposition"))
			take_disposition(line, out);
	}
	return false;
}

enum http_multipart_outcome http_multipart_next(struct http_multipart *m, struct http_part *out)
{
	struct bytes part, blank;

	*out = (struct http_part){ 0 };
	if (!m->begun && !take_first_delimiter(m) && !take_to_delimiter(m, &part))
		return HTTP_MULTIPART_BAD;
	m->begun = true;
	if (begins_with(m->rest, "--", 2))
		return HTTP_MULTIPART_END;
	if (!take_line(&m->rest, &blank) || http_text_trim(blank).len > 0 || !take_to_delimiter(m, &part))
		return HTTP_MULTIPART_BAD;
	if (!take_fields(&part, out))
		return HTTP_MULTIPART_BAD;
	out->content = part;
	return HTTP_MULTIPART_PART;
}
