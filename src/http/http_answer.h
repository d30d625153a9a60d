/* What is to be sent for a request, before it is bytes. */
#ifndef HTTP_HTTP_ANSWER_H
#define HTTP_HTTP_ANSWER_H

#include "base/span.h"
#include "http/http_cache.h"
#include "http/http_given.h"
#include "http/http_pages.h"
#include "http/http_range.h"

struct http_parts;

struct http_answer {
	unsigned status;
	const struct http_open_policy *policy; /* of the place that was asked for */
	struct span cors;         /* field lines for its origin (http_cors.h); holds a reference */
	struct span extra;        /* field lines of this answer alone, whole lines; holds a reference */
	size_t line_len;          /* before them in there: the status line; 0: as the status has it */
	struct http_entry *entry; /* 200, 206, 304: the file; 4xx, 5xx: the page; holds a reference */
	struct http_range range;  /* 206 without parts: what of the file is sent */
	struct http_parts *parts; /* 206: several ranges, with the lines between them; holds a reference */
	struct span document;     /* without entry: the body, whose field lines are
				   * extra; holds a reference */
	struct http_given given;  /* without document, if its call is not NULL: who gives the body, */
	uint64_t given_len;       /* and its length; UINT64_MAX: unknown */
	enum http_ending ending;
	bool no_store;            /* nobody is to keep it */
	const char *congestion;   /* control of the connection from now on; NULL: its own */
};

#endif
