/* Conditional requests (RFC 9110 section 13): whether the client has the current version already. */
#ifndef HTTP_HTTP_CONDITIONAL_H
#define HTTP_HTTP_CONDITIONAL_H

#include <stdbool.h>

#include "http/http_parser.h"

/* The validators of what would be sent. */
struct http_validators {
	struct bytes etag;       /* with its quotes */
	int64_t last_modified_s; /* 0: unknown */
};

/* A GET or HEAD is to be answered by 304, by RFC 9110 section 13.2.2. */
bool http_is_not_modified(const struct http_request *r, const struct http_validators *v, int64_t now_s);

/* The entity-tag list in value holds etag, by weak comparison; "*" holds every one. */
bool http_etag_is_listed(struct bytes value, struct bytes etag);

#endif
