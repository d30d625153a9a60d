/* Answers to GET and HEAD of files. */
#ifndef HTTP_HTTP_STATIC_H
#define HTTP_HTTP_STATIC_H

#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_target.h"

struct http_static {
	struct http_cache *cache;
	struct http_clock *clock;
	struct http_buffers *buffers;
	struct random *random;
};

/* Decides on status and entry; the reference in *out is the caller's. 301: the path lacks a slash at its
 * end. */
void http_static_answer(const struct http_static *s, const struct http_request *r,
			const struct http_open_policy *policy, const struct http_path *path,
			struct http_answer *out);

/* Gives an error the page that the policy has for it, if it has one that can be read. */
void http_static_error_page(const struct http_static *s, const struct http_open_policy *policy,
			    struct http_answer *out);

#endif
