/*
 * Heads of CGI answers. A line ends with LF or CRLF, as applications have it. Fields that are the server's to
 * say are left out; Transfer-Encoding is refused, for what comes behind such a head is not the body.
 */
#include "server/cgi_head.h"

#include "base/ascii.h"
#include "http/http_call.h"
#include "http/http_text.h"

void cgi_head_init(struct cgi_head *h)
{
	h->status = 0;
	h->length = HTTP_LENGTH_UNKNOWN;
	h->tells_caching = h->redirects = false;
	h->n_fields = 0;
	h->line_len = h->fields_len = 0;
	h->why = NULL;
}

static bool refuse(struct cgi_head *h, const char *why)
{
	h->why = why;
	return false;
}

/* Digits only, up to the end or a blank. */
static bool take_number(struct bytes *text, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;
	size_t before = text->len;

	while (text->len > 0 && ascii_is_digit(*text->data)) {
		unsigned digit = (unsigned)(*text->data - '0');

		if (n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
		bytes_skip(text, 1);
	}
	*out = n;
	return text->len < before && (text->len == 0 || *text->data == ' ');
}

/* RFC 3875 section 6.3.3. An interim answer would be none. */
static bool take_status(struct cgi_head *h, struct bytes value)
{
	uint64_t status;

	if (h->status != 0)
		return refuse(h, "two Status fields");
	if (!take_number(&value, 599, &status) || status < 200)
		return refuse(h, "no valid Status");
	h->status = (unsigned)status;
	return true;
}

static bool take_length(struct cgi_head *h, struct bytes value)
{
	uint64_t length;

	if (h->length != HTTP_LENGTH_UNKNOWN)
		return refuse(h, "two Content-Length fields");
	if (!take_number(&value, INT64_MAX, &length) || value.len > 0)
		return refuse(h, "no valid Content-Length");
	h->length = length;
	return true;
}

static void put(struct cgi_head *h, const void *data, size_t len)
{
	if (len > 0)
		memcpy(h->fields + h->fields_len, data, len);
	h->fields_len += len;
}

static bool pass_on(struct cgi_head *h, struct bytes name, struct bytes value)
{
	if (name.len + 2 + value.len + 2 > sizeof h->fields - h->fields_len)
		return refuse(h, "the head is too large");
	put(h, name.data, name.len);
	put(h, ": ", 2);
	put(h, value.data, value.len);
	put(h, "\r\n", 2);
	return true;
}

/* What is about this connection (RFC 9110 section 7.6.1), and what the server says itself. */
static bool is_ours(struct bytes name)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "date", "server",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (http_text_is(name, names[i]))
			return true;
	return false;
}

static bool take_field(struct cgi_head *h, struct bytes name, struct bytes value)
{
	if (++h->n_fields > CGI_HEAD_FIELDS)
		return refuse(h, "too many fields");
	if (http_text_is(name, "status"))
		return take_status(h, value);
	if (http_text_is(name, "content-length"))
		return take_length(h, value);
	if (http_text_is(name, "transfer-encoding"))
		return refuse(h, "a Transfer-Encoding");
	if (is_ours(name))
		return true;
	h->tells_caching |= http_text_is(name, "cache-control");
	h->redirects |= http_text_is(name, "location");
	return pass_on(h, name, value);
}

static bool take_line(struct cgi_head *h)
{
	struct bytes value = bytes_of(h->line, h->line_len), name;

	if (memchr(h->line, ':', h->line_len) == NULL)
		return refuse(h, "a line without a colon");
	name = http_text_take(&value, ':');
	value = http_text_trim(value);
	if (!http_text_is_token(name))
		return refuse(h, "no valid field name");
	if (!http_text_is_field_value(value))
		return refuse(h, "a control character in a field");
	return take_field(h, name, value);
}

/* The line is whole, its LF aside. */
static enum cgi_head_verdict end_line(struct cgi_head *h)
{
	if (h->line_len > 0 && h->line[h->line_len - 1] == '\r')
		h->line_len--;
	if (h->line_len > 0) {
		bool good = take_line(h);

		h->line_len = 0;
		return good ? CGI_HEAD_MORE : CGI_HEAD_BAD;
	}
	if (h->n_fields == 0) { /* RFC 3875 section 6.2: one at least */
		refuse(h, "no field at all");
		return CGI_HEAD_BAD;
	}
	/* RFC 3875 section 6.2.3: who says where to go, and not what that is, means 302. */
	if (h->status == 0)
		h->status = h->redirects ? 302 : 200;
	return CGI_HEAD_DONE;
}

enum cgi_head_verdict cgi_head_read(struct cgi_head *h, struct bytes *data)
{
	enum cgi_head_verdict verdict = CGI_HEAD_MORE;

	while (verdict == CGI_HEAD_MORE && data->len > 0) {
		const uint8_t *end = memchr(data->data, '\n', data->len);
		size_t n = end != NULL ? (size_t)(end - data->data) : data->len;

		if (n > sizeof h->line - h->line_len) {
			refuse(h, "the head is too large");
			return CGI_HEAD_BAD;
		}
		memcpy(h->line + h->line_len, data->data, n);
		h->line_len += n;
		bytes_skip(data, end != NULL ? n + 1 : n);
		if (end != NULL)
			verdict = end_line(h);
	}
	return verdict;
}
