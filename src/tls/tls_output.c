/* Records on their way down: a chain of buffers, filled one after the other. */
#include "tls/tls_output.h"

#include <string.h>

enum { SPANS = 64 }; /* of one send */

static void append(struct tls_output *o, struct tls_buffer *buffer)
{
	if (o->last != NULL)
		o->last->next = buffer;
	else
		o->first = buffer;
	o->last = buffer;
}

/* A record that does not fit what the last buffer has left goes to a new one: none is larger than that. */
uint8_t *tls_output_reserve(struct tls_output *o, struct tls_buffers *b, size_t len, size_t more)
{
	struct tls_buffer *buffer = o->last;

	if (len > TLS_BUFFER_LARGE)
		return NULL;
	if (buffer == NULL || buffer->room - buffer->len < len) {
		buffer = tls_buffer_take(b, len + more);
		if (buffer == NULL)
			return NULL;
		append(o, buffer);
	}
	return buffer->data + buffer->len;
}

void tls_output_commit(struct tls_output *o, size_t len)
{
	o->last->len += (uint32_t)len;
}

bool tls_output_put(struct tls_output *o, struct tls_buffers *b, const void *data, size_t len)
{
	uint8_t *room = tls_output_reserve(o, b, len, 0);

	if (room == NULL)
		return false;
	memcpy(room, data, len);
	tls_output_commit(o, len);
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
