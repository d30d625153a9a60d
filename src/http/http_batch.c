/* Batches of spans. One that is full while a span is added is sent with STREAM_MORE: that span follows. */
#include "http/http_batch.h"

static void drop_spans(struct http_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		span_owner_unref(b->spans[i].owner);
}

static void send_spans(struct http_batch *b, unsigned flags)
{
	if (b->count == 0)
		return;
	if (b->error == 0)
		b->error = stream_send(b->stream, b->spans, b->count, flags);
	if (b->error != 0)
		drop_spans(b);
	b->count = b->bytes = 0;
}

/* Lets the last span grow over data, if it ends there. */
static bool extend_last(struct http_batch *b, const void *data, size_t len, const struct span_owner *owner)
{
	struct span *last = b->count > 0 ? &b->spans[b->count - 1] : NULL;

	if (last == NULL || last->owner != owner || last->data + last->len != data)
		return false;
	last->len += len;
	b->bytes += len;
	return true;
}

void http_batch_give(struct http_batch *b, const void *data, size_t len, struct span_owner *owner)
{
	if (b->count == HTTP_BATCH_SPANS)
		send_spans(b, STREAM_MORE);
	b->spans[b->count++] = (struct span){ .data = data, .len = len, .owner = owner };
	b->bytes += len;
}

void http_batch_add(struct http_batch *b, const void *data, size_t len, struct span_owner *owner)
{
	if (len == 0 || extend_last(b, data, len, owner))
		return;
	span_owner_ref(owner);
	http_batch_give(b, data, len, owner);
}

/* Without STREAM_MORE: what the room is reserved for may turn out to be incomplete yet. */
void http_batch_reserve(struct http_batch *b, size_t n)
{
	if (b->count + n > HTTP_BATCH_SPANS)
		send_spans(b, 0);
}

bool http_batch_send(struct http_batch *b)
{
	send_spans(b, 0);
	return b->error == 0;
}
