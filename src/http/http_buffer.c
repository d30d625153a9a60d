/*
 * Buffers come from pools, which hand out the last one given back first: a file sent at the speed of the
 * acknowledgements passes through a few buffers that stay in the processor's cache.
 */
#include "http/http_buffer.h"

void http_buffers_init(struct http_buffers *b, uint32_t large_bytes, uint32_t large_limit,
		       uint32_t small_limit, struct span_owner *keeper, void (*on_returned)(void *),
		       void *context)
{
	*b = (struct http_buffers){
		.large_bytes = large_bytes,
		.keeper = keeper,
		.on_returned = on_returned,
		.context = context,
	};
	pool_init(&b->large, "http_file_buffer", sizeof(struct http_buffer) + large_bytes, large_limit);
	pool_init(&b->slow, "http_slow_buffer", sizeof(struct http_buffer) + HTTP_BUFFER_SLOW, small_limit);
	pool_init(&b->medium, "http_medium_buffer", sizeof(struct http_buffer) + HTTP_BUFFER_MEDIUM,
		  small_limit);
	pool_init(&b->small, "http_small_buffer", sizeof(struct http_buffer) + HTTP_BUFFER_SMALL,
		  small_limit);
}

void http_buffers_fini(struct http_buffers *b)
{
	pool_fini(&b->large);
	pool_fini(&b->slow);
	pool_fini(&b->medium);
	pool_fini(&b->small);
}

static void buffer_release(struct span_owner *owner)
{
	struct http_buffer *buffer = (struct http_buffer *)(void *)owner;
	struct http_buffers *b = buffer->from;
	struct pool *pool = buffer->pool;

	pool_give(pool, buffer);
	if (pool == &b->large || pool == &b->slow)
		b->on_returned(b->context);
	span_owner_unref(b->keeper);
}

static struct http_buffer *take(struct http_buffers *b, struct pool *pool, size_t room)
{
	struct http_buffer *buffer = pool_take(pool);

	if (buffer == NULL)
		return NULL;
	span_owner_init(&buffer->owner, buffer_release);
	span_owner_ref(b->keeper);
	buffer->from = b;
	buffer->pool = pool;
	buffer->room = room;
	return buffer;
}

struct http_buffer *http_buffer_take_large(struct http_buffers *b)
{
	return take(b, &b->large, b->large_bytes);
}

struct http_buffer *http_buffer_take_slow(struct http_buffers *b)
{
	return take(b, &b->slow, HTTP_BUFFER_SLOW);
}

struct http_buffer *http_buffer_take(struct http_buffers *b, size_t room)
{
	if (room <= HTTP_BUFFER_SMALL)
		return take(b, &b->small, HTTP_BUFFER_SMALL);
	if (room <= HTTP_BUFFER_MEDIUM)
		return take(b, &b->medium, HTTP_BUFFER_MEDIUM);
	return room <= b->large_bytes ? http_buffer_take_large(b) : NULL;
}
