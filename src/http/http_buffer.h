/*
 * Recycled memory for what is made while a response is sent: large and slow buffers that a file passes
 * through, the former on its way to a peer that takes much at once, the latter to one that does not; and
 * small and medium ones for field lines that belong to one response.
 */
#ifndef HTTP_HTTP_BUFFER_H
#define HTTP_HTTP_BUFFER_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/span.h"

struct http_buffers {
	struct pool large, slow, medium, small;
	uint32_t large_bytes;
	struct span_owner *keeper;
	void (*on_returned)(void *context); /* a large or slow one has come back */
	void *context;
};

struct http_buffer {
	struct span_owner owner;
	struct http_buffers *from;
	struct pool *pool;
	size_t room;
	uint8_t data[];
};

enum { HTTP_BUFFER_SMALL = 1024, HTTP_BUFFER_MEDIUM = 5120, HTTP_BUFFER_SLOW = 8192 };

/* Each buffer that is out holds a reference of keeper. */
void http_buffers_init(struct http_buffers *b, uint32_t large_bytes, uint32_t large_limit,
		       uint32_t small_limit, struct span_owner *keeper, void (*on_returned)(void *),
		       void *context);
void http_buffers_fini(struct http_buffers *b);

/* One with one reference, or NULL at the limit. */
struct http_buffer *http_buffer_take_large(struct http_buffers *b);
struct http_buffer *http_buffer_take_slow(struct http_buffers *b);
/* As above with at least room bytes, the smallest of the three that is enough; NULL also if
 * room is more than a large one has. */
struct http_buffer *http_buffer_take(struct http_buffers *b, size_t room);

/* There is one for a file to pass through. */
static inline bool http_buffers_has_any(const struct http_buffers *b)
{
	return b->large.in_use < b->large.limit || b->slow.in_use < b->slow.limit;
}

/* More than half of the large ones are out: a connection should hold no more than one. */
static inline bool http_buffers_are_scarce(const struct http_buffers *b)
{
	return b->large.in_use > b->large.limit / 2;
}

#endif
