/* Who answers a request: a location of the site, or its files. */
#ifndef HTTP_HTTP_ROUTE_H
#define HTTP_HTTP_ROUTE_H

#include "base/stream.h"
#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_static.h"

struct http_router {
	const struct http_sites *sites;
	struct http_buffers *buffers;
	struct http_static files;
};

/* The status that refuses the request whatever its body will be; 0 if none does. */
unsigned http_route_refuses(const struct http_request *r);

/* Decides on the answer to a complete request that came over this stream; references in *out are the
 * caller's. */
void http_route_answer(const struct http_router *router, const struct stream *stream,
		       const struct http_request *r, const struct http_target *t, struct http_answer *out);

#endif
