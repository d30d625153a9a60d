/*
 * Spans collected for one stream_send(): the responses of all requests that came in one piece leave in one
 * call, head and body together, so that they share segments.
 */
#ifndef HTTP_HTTP_BATCH_H
#define HTTP_HTTP_BATCH_H

#include <stdbool.h>

#include "base/stream.h"

enum { HTTP_BATCH_SPANS = 64 };

struct http_batch {
	struct stream *stream;
	size_t count;
	size_t bytes; /* in spans that are not sent yet */
	int error;    /* of the first send that failed; nothing more is sent after it */
	struct span spans[HTTP_BATCH_SPANS];
};

static inline void http_batch_init(struct http_batch *b, struct stream *s)
{
	b->stream = s;
	b->count = b->bytes = 0;
	b->error = 0;
}

/* Adds bytes; takes a reference of owner. Bytes right behind the last ones of the same owner join their
 * span. */
void http_batch_add(struct http_batch *b, const void *data, size_t len, struct span_owner *owner);

/* As above, and the caller's reference of owner goes over to the batch. */
void http_batch_give(struct http_batch *b, const void *data, size_t len, struct span_owner *owner);

/* Makes sure that n more spans fit without a send in between: a caller that has looked at the room after
 * this may exceed it with them. */
void http_batch_reserve(struct http_batch *b, size_t n);

/* Sends what there is. False if that, or a send before, failed: the stream cannot be used further. */
bool http_batch_send(struct http_batch *b);

/* Bytes that the stream still takes beside those that wait here; none after a failure. */
static inline size_t http_batch_room(const struct http_batch *b)
{
	size_t room = b->error == 0 ? stream_room(b->stream) : 0;

	return room > b->bytes ? room - b->bytes : 0;
}

#endif
