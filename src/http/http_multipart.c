/*
 * A delimiter is found by its bytes, so a part may contain anything else. It begins with CR and has no other,
 * so bytes that began like one and went on differently hold no second beginning: they are content, and as
 * they equal the delimiter's own first bytes they need not be kept. What stands before the first delimiter
 * and behind the last is dropped; the first may lack its CRLF (RFC 2046 section 5.1.1).
 */
#include "http/http_multipart.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_parameter.h"
#include "http/http_text.h"

static bool has_control(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (ascii_is_control(text.data[i]))
			return true;
	return false;
}

bool http_multipart_init(struct http_multipart *m, struct bytes content_type, unsigned max_parts)
{
	struct bytes boundary = http_parameter(content_type, "boundary");

	if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX || has_control(boundary))
		return false;
	m->state = HTTP_MULTIPART_PREAMBLE;
	m->parts = 0;
	m->max_parts = max_parts;
	m->part = (struct http_part){ 0 };
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.data, boundary.len);
	m->delimiter_len = 4 + boundary.len;
	m->matched = 2;
	return true;
}

/* ---- content ---- */

/* How many of the bytes go on with the delimiter, as far as it has been seen. */
static size_t follow(const struct http_multipart *m, struct bytes data)
{
	size_t left = m->delimiter_len - m->matched, n = 0;

	while (n < data.len && n < left && data.data[n] == (uint8_t)m->delimiter[m->matched + n])
		n++;
	return n;
}

/* How many of the bytes come before a delimiter, or before what may become one. None of it has been seen. */
static size_t count_content(const struct http_multipart *m, struct bytes data)
{
	size_t len = data.len;

	while (data.len > 0) {
		const uint8_t *cr = memchr(data.data, '\r', data.len);
		size_t n;

		if (cr == NULL)
			return len;
		bytes_skip(&data, (size_t)(cr - data.data));
		n = follow(m, data);
		if (n == m->delimiter_len || n == data.len)
			return len - data.len;
		bytes_skip(&data, n);
	}
	return len;
}

/* PART_END: a delimiter has been taken. */
static enum http_multipart_event take_content(struct http_multipart *m, struct bytes *data, struct bytes *run)
{
	size_t n = m->matched == 0 ? count_content(m, *data) : 0;

	if (n > 0) {
		bytes_take(data, n, run);
		return HTTP_MULTIPART_DATA;
	}
	n = follow(m, *data);
	m->matched += n;
	bytes_skip(data, n);
	if (m->matched == m->delimiter_len) {
		m->state = HTTP_MULTIPART_DELIMITED;
		m->before = 0;
		return HTTP_MULTIPART_PART_END;
	}
	if (data->len == 0)
		return HTTP_MULTIPART_MORE;
	*run = bytes_of(m->delimiter, m->matched);
	m->matched = 0;
	return HTTP_MULTIPART_DATA;
}

/* ---- between parts ---- */

static void begin_fields(struct http_multipart *m)
{
	m->state = HTTP_MULTIPART_FIELDS;
	m->part = (struct http_part){ 0 };
	m->fields_len = 0;
}

/* One more byte of a delimiter's line: two hyphens behind the last one, blanks and CRLF behind others. */
static bool take_delimited(struct http_multipart *m, uint8_t c)
{
	uint8_t before = m->before;

	m->before = c;
	if (before == '\r' && c == '\n')
		begin_fields(m);
	else if (before == '-' && c == '-')
		m->state = HTTP_MULTIPART_EPILOGUE;
	else if (before == '\r' || before == '-')
		return false;
	else
		return c == ' ' || c == '\t' || c == '\r' || (c == '-' && before == 0);
	return true;
}

/* ---- fields ---- */

static void take_disposition(struct bytes value, struct http_part *out)
{
	struct bytes kind = http_without_parameters(value);

	if (!http_text_is(kind, "form-data"))
		return;
	out->name = http_parameter(value, "name");
	out->filename = http_parameter(value, "filename");
	out->extended_filename = http_parameter(value, "filename*");
}

/* Takes a line off the fields, of which each ends in CRLF. */
static struct bytes take_line(struct bytes *fields)
{
	const uint8_t *end = memmem(fields->data, fields->len, "\r\n", 2);
	struct bytes line = bytes_of(fields->data, (size_t)(end - fields->data));

	bytes_skip(fields, line.len + 2);
	return line;
}

/* Fields other than Content-Disposition are dropped. False: one is malformed, or there is no name. */
static bool read_fields(struct http_multipart *m)
{
	struct bytes rest = bytes_of(m->fields, m->fields_len - 2);

	while (rest.len > 0) {
		struct bytes value = take_line(&rest), name = http_text_take(&value, ':');

		if (value.data == name.data + name.len)
			return false; /* no colon */
		if (http_text_is(name, "content-disposition"))
			take_disposition(value, &m->part);
	}
	return m->part.name.data != NULL;
}

static bool fields_end(const struct http_multipart *m)
{
	const char *end = m->fields + m->fields_len;

	if (m->fields_len < 4)
		return m->fields_len == 2 && memcmp(m->fields, "\r\n", 2) == 0;
	return memcmp(end - 4, "\r\n\r\n", 4) == 0;
}

/* One more byte of a part's fields. */
static enum http_multipart_event take_field_byte(struct http_multipart *m, uint8_t c)
{
	if (m->fields_len == sizeof m->fields)
		return HTTP_MULTIPART_TOO_LARGE;
	m->fields[m->fields_len++] = (char)c;
	if (c != '\n' || !fields_end(m))
		return HTTP_MULTIPART_MORE;
	if (!read_fields(m))
		return HTTP_MULTIPART_BAD;
	if (m->parts++ == m->max_parts)
		return HTTP_MULTIPART_TOO_LARGE;
	m->state = HTTP_MULTIPART_CONTENT;
	m->matched = 0;
	return HTTP_MULTIPART_PART;
}

/* ---- the body ---- */

static enum http_multipart_event step(struct http_multipart *m, struct bytes *data, struct bytes *run)
{
	enum http_multipart_event event;
	uint8_t c;

	switch (m->state) {
	case HTTP_MULTIPART_PREAMBLE:
		event = take_content(m, data, run);
		return event == HTTP_MULTIPART_DATA || event == HTTP_MULTIPART_PART_END ? HTTP_MULTIPART_MORE
											: event;
	case HTTP_MULTIPART_CONTENT:
		return take_content(m, data, run);
	case HTTP_MULTIPART_DELIMITED:
		bytes_take_u8(data, &c);
		return take_delimited(m, c) ? HTTP_MULTIPART_MORE : HTTP_MULTIPART_BAD;
	case HTTP_MULTIPART_FIELDS:
		bytes_take_u8(data, &c);
		return take_field_byte(m, c);
	case HTTP_MULTIPART_EPILOGUE:
	default:
		bytes_skip(data, data->len);
		return HTTP_MULTIPART_MORE;
	}
}

enum http_multipart_event http_multipart_next(struct http_multipart *m, struct bytes *data, struct bytes *run)
{
	enum http_multipart_event event = HTTP_MULTIPART_MORE;

	while (event == HTTP_MULTIPART_MORE && data->len > 0)
		event = step(m, data, run);
	return event;
}
