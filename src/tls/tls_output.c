/* Records on their way down: a chain of buffers, filled one after the other. */
#include "tls/tls_output.h"

#include <string.h>

#include "base/bytes.h"

struct tls_buffer {
	struct span_owner owner;
	struct tls_buffers *buffers;
	struct tls_buffer *next;
	uint32_t len, room;
	uint8_t data[];
};

enum { SPANS = 64 }; /* of one send */

void tls_buffers_init(struct tls_buffers *b, size_t limit, struct span_owner *keeper)
{
	pool_init(&b->small, "tls_small_buffer", sizeof(struct tls_buffer) + TLS_BUFFER_SMALL, limit);
	pool_init(&b->large, "tls_large_buffer", sizeof(struct tls_buffer) + TLS_BUFFER_LARGE, limit);
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

static struct tls_buffer *take(struct tls_buffers *b, size_t wanted)
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

static void append(struct tls_output *o, struct tls_buffer *buffer)
{
	if (o->last != NULL)
		o->last->next = buffer;
	else
		o->first = buffer;
	o->last = buffer;
}

/* A record that does not fit what the last buffer has left goes to a new one: none is larger than that. */
bool tls_output_put(struct tls_output *o, struct tls_buffers *b, const void *data, size_t len)
{
	struct tls_buffer *buffer = o->last;

	if (len > TLS_BUFFER_LARGE)
		return false;
	if (buffer == NULL || buffer->room - buffer->len < len) {
		buffer = take(b, len + o->more);
		if (buffer == NULL)
			return false;
		append(o, buffer);
	}
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += (uint32_t)len;
	return true;
}

static size_t list_spans(const struct tls_output *o, struct span spans[static SPANS])
{
	size_t n = 0;

	for (struct tls_buffer *b = o->first; b != NULL && n < SPANS; b = b->next)
		spans[n++] = (struct span){ .data = b->data, .len = b->len, .owner = &b->owner };
	return n;
}

/* Taken out before they are sent: the lower stream may call back, to be given
 * more, before its send returns. */
static int send_some(struct tls_output *o, struct stream *lower)
{
	struct span spans[SPANS];
	size_t n = list_spans(o, spans);
	struct tls_buffer *first = o->first,
			  *last = CONTAINER_OF(spans[n - 1].owner, struct tls_buffer, owner);
	int error;

	o->first = last->next;
	if (o->first == NULL)
		o->last = NULL;
	error = stream_send(lower, spans, n, o->first != NULL ? STREAM_MORE : 0);
	if (error != 0) {
		o->first = first;
		o->last = o->last != NULL ? o->last : last;
	}
	return error;
}

int tls_output_send(struct tls_output *o, struct stream *lower)
{
	int error = 0;

	while (error == 0 && o->first != NULL && stream_room(lower) > 0)
		error = send_some(o, lower);
	return error;
}

void tls_output_free(struct tls_output *o)
{
	while (o->first != NULL) {
		struct tls_buffer *b = o->first;

		o->first = b->next;
		span_owner_unref(&b->owner);
	}
	o->last = NULL;
}
