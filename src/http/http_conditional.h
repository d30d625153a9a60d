/* Conditional requests (RFC 9110 section 13): whether the client, or somebody else, has another version. */
#ifndef HTTP_HTTP_CONDITIONAL_H
#define HTTP_HTTP_CONDITIONAL_H

#include <stdbool.h>

#include "http/http_parser.h"

/* The validators of what would be sent. */
struct http_validators {
	struct bytes etag;       /* with its quotes; weak if it begins with W/ */
	int64_t last_modified_s; /* 0: unknown */
};

enum {
	HTTP_PRECONDITIONS = HTTP_FIELD_BIT(IF_MATCH) | HTTP_FIELD_BIT(IF_NONE_MATCH) |
			     HTTP_FIELD_BIT(IF_MODIFIED_SINCE) | HTTP_FIELD_BIT(IF_UNMODIFIED_SINCE),
};

/* The status that preconditions answer a GET or HEAD with, by RFC 9110 section 13.2.2: 304 or 412; 200 if
 * they hold, or there is none. If-Range is not among them. */
unsigned http_evaluate_conditions(const struct http_request *r, const struct http_validators *v,
				  int64_t now_s);

/* If-None-Match says that the client has what is tagged so. */
bool http_client_has(const struct http_request *r, struct bytes etag);

/* If-Range is absent, or says that ranges of this version are wanted. */
bool http_if_range_holds(const struct http_request *r, const struct http_validators *v, int64_t now_s);

#endif
