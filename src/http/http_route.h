/* Who answers a request: a location of the site, or its files. */
#ifndef HTTP_HTTP_ROUTE_H
#define HTTP_HTTP_ROUTE_H

#include "base/stream.h"
#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_call.h"
#include "http/http_static.h"

struct http_router {
	const struct http_sites *sites;
	struct http_buffers *buffers;
	struct http_static files;
};

/*
 * The head of a request is there that came over this stream, and a body will follow: its handler begins, if
 * it has one. 0, or the status that http_route_answer() will give whatever the body is.
 */
unsigned http_route_begin(const struct http_router *router, const struct stream *stream,
			  struct http_request *r, const struct http_target *t, struct http_call *call);

/* Decides on the answer to a complete request, or to one that http_route_begin() refused; references in *out
 * are the caller's. Its status is HTTP_LATER if the handler will complete the call. */
void http_route_answer(const struct http_router *router, const struct stream *stream, struct http_request *r,
		       const struct http_target *t, struct http_call *call, struct http_answer *out);

/* The answer that a handler put off: status and document as its answer() would have given them. */
void http_route_complete(const struct http_router *router, struct http_call *call, unsigned status,
			 struct http_document *document, struct http_answer *out);

/* The answer to a request that is refused before it can be routed. */
void http_route_refuse(const struct http_router *router, const struct http_request *r,
		       const struct http_target *t, unsigned status, struct http_answer *out);

#endif
