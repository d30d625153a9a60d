/* Buffers: taken, and given back by their last owner. */
#include "tls/tls_buffer.h"

void tls_buffers_init(struct tls_buffers *b, const char *small_name, const char *large_name, size_t limit,
		      struct span_owner *keeper)
{
	pool_init(&b->small, small_name, sizeof(struct tls_buffer) + TLS_BUFFER_SMALL, limit);
	pool_init(&b->large, large_name, sizeof(struct tls_buffer) + TLS_BUFFER_LARGE, limit);
	b->keeper = keeper;
}

void tls_buffers_fini(struct tls_buffers *b)
{
	pool_fini(&b->small);
	pool_fini(&b->large);
}

bool tls_buffers_are_scarce(const struct tls_buffers *b)
{
	return b->large.in_use >= b->large.limit - b->large.limit / 4;
}

static void release(struct span_owner *owner)
{
	struct tls_buffer *buffer = CONTAINER_OF(owner, struct tls_buffer, owner);
	struct tls_buffers *b = buffer->buffers;

	pool_give(buffer->room == TLS_BUFFER_SMALL ? &b->small : &b->large, buffer);
	span_owner_unref(b->keeper);
}

struct tls_buffer *tls_buffer_take(struct tls_buffers *b, size_t wanted)
{
	bool small = wanted <= TLS_BUFFER_SMALL;
	struct tls_buffer *buffer = pool_take(small ? &b->small : &b->large);

	if (buffer == NULL)
		return NULL;
	*buffer = (struct tls_buffer){ .buffers = b, .room = small ? TLS_BUFFER_SMALL : TLS_BUFFER_LARGE };
	span_owner_init(&buffer->owner, release);
	span_owner_ref(b->keeper);
	return buffer;
}
