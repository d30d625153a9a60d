/* What is to be sent for a request, before it is bytes. */
#ifndef HTTP_HTTP_ANSWER_H
#define HTTP_HTTP_ANSWER_H

#include "base/span.h"
#include "http/http_cache.h"
#include "http/http_pages.h"

struct http_answer {
	unsigned status;
	struct span extra;        /* field lines of this answer alone, whole lines; holds a reference */
	struct http_entry *entry; /* 200, 304: the file; holds a reference */
	struct span document;     /* 200 without entry: the body, whose field lines are extra; holds a reference */
};

/* A stretch of contents still to be sent: memory, or a file's. Holds a reference of what it points at. */
struct http_body {
	uint64_t left;
	uint64_t at;              /* offset of the next byte */
	const uint8_t *data;      /* NULL: read from entry->fd */
	struct http_entry *entry; /* may be NULL */
	struct span_owner *owner; /* of data or of the entry; NULL: nothing is held */
};

void http_body_release(struct http_body *b);

#endif
