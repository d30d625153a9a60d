/* Answers to requests for files: what GET, HEAD and OPTIONS mean on a site's directory. */
#ifndef HTTP_HTTP_STATIC_H
#define HTTP_HTTP_STATIC_H

#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_target.h"

struct http_static {
	const struct http_sites *sites;
	struct http_cache *cache;
	struct http_clock *clock;
	struct http_buffers *buffers;
};

/* The status that refuses the request whatever its body will be; 0 if none does. */
unsigned http_static_refuses(const struct http_request *r);

/* Decides on the answer to a complete request; references in *out are the caller's. */
void http_static_answer(const struct http_static *s, const struct http_request *r,
			const struct http_target *t, struct http_answer *out);

#endif
