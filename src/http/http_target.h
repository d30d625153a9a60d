/*
 * What a request is for (RFC 9112 section 3.2, 3.3): the forms of a target, the Host field, and the
 * authority, path and query that come of them.
 */
#ifndef HTTP_HTTP_TARGET_H
#define HTTP_HTTP_TARGET_H

#include <stdbool.h>

#include "http/http_parser.h"

struct http_target {
	struct bytes authority; /* "example.com:8080": of an absolute target, else Host; may be absent */
	struct bytes path;      /* begins with a slash, or is "*"; absent for CONNECT */
	struct bytes query;     /* with its question mark; may be empty */
	bool is_https;          /* of an absolute target */
};

/* Looks at a request whose head is complete. 0, or the status that refuses it. */
unsigned http_target_parse(const struct http_request *r, struct http_target *out);

/* host [":" port] of RFC 3986, not empty, without user. */
bool http_authority_is_valid(struct bytes authority);

/* The authority without its port, and without the dot that ends a fully qualified name. */
struct bytes http_authority_host(struct bytes authority);

#endif
