/* Status codes: their lines, and the words for people (RFC 9110 section 15). */
#ifndef HTTP_HTTP_STATUS_H
#define HTTP_HTTP_STATUS_H

#include <stdbool.h>
#include <stddef.h>

/* X(code, reason phrase, sentence for the page; NULL: never has a page) */
#define HTTP_STATUSES(X)                                                                               \
	X(101, "Switching Protocols", NULL)                                                            \
	X(200, "OK", NULL)                                                                             \
	X(201, "Created", NULL)                                                                        \
	X(202, "Accepted", NULL)                                                                       \
	X(204, "No Content", NULL)                                                                     \
	X(206, "Partial Content", NULL)                                                                \
	X(301, "Moved Permanently", "This page has moved to another address, and stays there.")        \
	X(302, "Found", "This page is at another address for now.")                                    \
	X(303, "See Other", "The answer is on another page.")                                          \
	X(304, "Not Modified", NULL)                                                                   \
	X(307, "Temporary Redirect", "This page is at another address for now.")                       \
	X(308, "Permanent Redirect", "This has moved, for good.")                                      \
	X(400, "Bad Request", "The request was malformed, and was not answered further.")              \
	X(401, "Unauthorized", "This is for those who give their name and password.")                  \
	X(403, "Forbidden", "This is here, but it may not be read.")                                   \
	X(404, "Not Found", "There is nothing at this address.")                                       \
	X(405, "Method Not Allowed", "This can be read with GET, and not used in another way.")        \
	X(406, "Not Acceptable", "This is not here in any form that the request accepts.")             \
	X(409, "Conflict", "Something is here already under this name, and stays.")                    \
	X(408, "Request Timeout", "The request did not arrive completely in time.")                    \
	X(410, "Gone", "This was here once, and will not come back.")                                  \
	X(412, "Precondition Failed", "This has changed since the request was made ready.")            \
	X(413, "Content Too Large", "The body of the request is larger than this server takes.")       \
	X(414, "URI Too Long", "The address in the request is longer than this server takes.")         \
	X(415, "Unsupported Media Type", "The body of the request is of a kind that is not read here.") \
	X(416, "Range Not Satisfiable", "The part that was asked for lies beyond the end.")            \
	X(417, "Expectation Failed", "The request expects something that this server does not know.")  \
	X(421, "Misdirected Request", "The request is for another server than this one.")              \
	X(422, "Unprocessable Content", NULL)                                                          \
	X(426, "Upgrade Required",                                                                     \
	  "This is spoken to in another protocol than HTTP, or another version of it.")               \
	X(429, "Too Many Requests",                                                                    \
	  "There were too many requests from your address. Please try again soon.")                   \
	X(431, "Request Header Fields Too Large", "The header of the request is too large.")           \
	X(500, "Internal Server Error", "Something went wrong on this server.")                        \
	X(501, "Not Implemented", "This server does not know what the request asks for.")              \
	X(502, "Bad Gateway", "The application behind this server gave no answer that can be used.")   \
	X(503, "Service Unavailable", "This server is busy. Please try again soon.")                   \
	X(504, "Gateway Timeout", "The application behind this server did not answer in time.")        \
	X(505, "HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0.")              \
	X(507, "Insufficient Storage", "There is no room left here for what was sent.")

enum {
#define X(code, reason, sentence) HTTP_STATUS_INDEX_##code,
	HTTP_STATUSES(X)
#undef X
	HTTP_STATUS_COUNT
};

struct http_status {
	unsigned code;
	const char *reason;
	const char *sentence;
	const char *line; /* "HTTP/1.1 404 Not Found\r\n" */
	size_t line_len;
};

/* NULL: it is none of the list. */
const struct http_status *http_status_find(unsigned code);

/* code must be one of the list. */
const struct http_status *http_status_get(unsigned code);

/* It is one of the list, and may be answered with a page. */
bool http_status_has_page(unsigned code);

/* All of them, HTTP_STATUS_COUNT in number. */
const struct http_status *http_status_all(void);

#endif
