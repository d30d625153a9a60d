/* A multipart/form-data body (RFC 7578, RFC 2046 section 5.1), whole in memory, taken apart. */
#ifndef HTTP_HTTP_MULTIPART_H
#define HTTP_HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/bytes.h"

enum { HTTP_BOUNDARY_MAX = 70 }; /* RFC 2046 section 5.1.1 */

struct http_multipart {
	struct bytes rest;
	bool begun; /* a delimiter has been taken */
	size_t delimiter_len;
	char delimiter[4 + HTTP_BOUNDARY_MAX]; /* CRLF, two hyphens, the boundary */
};

/* Points into the body. */
struct http_part {
	struct bytes name;
	struct bytes filename; /* data NULL: it is no file */
	struct bytes content;
};

enum http_multipart_outcome {
	HTTP_MULTIPART_PART, /* *out is the next one */
	HTTP_MULTIPART_END,
	HTTP_MULTIPART_BAD,  /* malformed; nothing more can be said of it */
};

/* False: the Content-Type has no boundary that could be one. */
bool http_multipart_init(struct http_multipart *m, struct bytes content_type, struct bytes body);

enum http_multipart_outcome http_multipart_next(struct http_multipart *m, struct http_part *out);

/* The value of a parameter, "; name=value" or "; name=\"value\"", of a field value; data NULL: there is none.
 * Within quotes a backslash stands for itself: browsers write "%22" for a quote. */
struct bytes http_parameter(struct bytes value, const char *name);

/* The field value up to its parameters. */
struct bytes http_without_parameters(struct bytes value);

#endif
