/* The request line (RFC 9112 section 3): method, target, version. */
#ifndef HTTP_HTTP_REQUEST_LINE_H
#define HTTP_HTTP_REQUEST_LINE_H

#include <stddef.h>
#include <stdint.h>

enum http_method {
	HTTP_METHOD_CONNECT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_PATCH,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_TRACE,
};

struct http_method_name {
	const char *name;
	enum http_method method;
};

/* All that are known, GET first; behind the last one stands a NULL. */
extern const struct http_method_name http_method_names[];

enum {
	HTTP_METHOD_MAX = 32, /* a longer one is unknown without being read to its end */
	HTTP_VERSION_LEN = 8, /* HTTP/1.1 */
	HTTP_REQUEST_LINE_EXTRA = HTTP_METHOD_MAX + 1 + 1 + HTTP_VERSION_LEN + 2, /* beside the target */
};

struct http_request_line {
	enum http_method method;
	uint32_t method_len; /* it stands at the beginning of the line */
	uint32_t target_at, target_len;
	uint8_t major, minor; /* 0.0 until the version has been understood */
};

/* What can be said of the first bytes of a line that is not complete: 0, or the status that refuses it.
 * The same status that the whole line would get, so that it does not matter how the line is cut on its
 * way. */
unsigned http_request_line_begin(const char *line, size_t len, uint32_t max_uri);

/* line with its LF. 0, or the status that refuses it: 400, 414, 501, 505. */
unsigned http_request_line_parse(const char *line, size_t len, uint32_t max_uri,
				 struct http_request_line *out);

#endif
