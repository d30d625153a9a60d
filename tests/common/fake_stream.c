/*
 * The stream in memory. Sent bytes are copied when they are sent, and compared with the copy when they
 * are acknowledged: a sender that changes bytes in flight is caught. Plain asserts, so that fuzz targets
 * can use it.
 */
#include "fake_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fake_stream *fake_of(const struct stream *s)
{
	return (struct fake_stream *)(uintptr_t)s; /* its first member */
}

static void append(char **data, size_t *len, size_t *room, const void *more, size_t more_len)
{
	if (*len + more_len + 1 > *room) {
		*room = (*len + more_len + 1) * 2;
		*data = realloc(*data, *room);
		assert(*data != NULL);
	}
	if (more_len > 0)
		memcpy(*data + *len, more, more_len);
	*len += more_len;
	(*data)[*len] = '\0';
}

bool fake_stream_is_over(const struct fake_stream *f)
{
	return f->closed || f->aborted || f->gone;
}

size_t fake_stream_in_flight(const struct fake_stream *f)
{
	return f->sent_len - f->acked;
}

static size_t fake_room(const struct stream *s)
{
	const struct fake_stream *f = fake_of(s);
	size_t in_flight = fake_stream_in_flight(f);

	assert(!fake_stream_is_over(f));
	return in_flight < f->buffer ? f->buffer - in_flight : 0;
}

static int fake_send(struct stream *s, const struct span *spans, size_t count, unsigned flags)
{
	struct fake_stream *f = fake_of(s);

	assert(!fake_stream_is_over(f));
	assert(count > 0);
	if (f->send_error != 0)
		return f->send_error;
	if (f->shut_down)
		return -EPIPE;
	if (fake_room(s) == 0)
		return -ENOBUFS;
	assert(f->span_count + count <= FAKE_STREAM_SPANS);
	for (size_t i = 0; i < count; i++) {
		assert(spans[i].len > 0);
		f->spans[(f->first_span + f->span_count++) % FAKE_STREAM_SPANS] = spans[i];
		append(&f->sent, &f->sent_len, &f->sent_room, spans[i].data, spans[i].len);
	}
	f->calls++;
	f->last_flags = flags;
	f->was_full |= fake_room(s) == 0;
	if (f->instant)
		fake_stream_ack_all(f);
	return 0;
}

/* Offers what is held, as long as it is taken. */
static void offer(struct fake_stream *f)
{
	size_t taken = 1;

	if (f->offering)
		return;
	f->offering = true;
	while (taken > 0 && f->input_len > 0 && !fake_stream_is_over(f)) {
		/* An exact copy, so that reading past the end is seen. */
		size_t len = f->piece > 0 && f->piece < f->input_len ? f->piece : f->input_len;
		uint8_t *copy = malloc(len);

		assert(copy != NULL);
		memcpy(copy, f->input, len);
		taken = f->stream.handler->on_receive(&f->stream, bytes_of(copy, len));
		free(copy);
		assert(taken <= len);
		memmove(f->input, f->input + taken, f->input_len - taken);
		f->input_len -= taken;
		if (taken < len)
			break;
	}
	f->offering = false;
}

static void fake_resume(struct stream *s)
{
	struct fake_stream *f = fake_of(s);

	assert(!fake_stream_is_over(f));
	offer(f);
}

static void fake_shutdown(struct stream *s)
{
	assert(!fake_stream_is_over(fake_of(s)));
	fake_of(s)->shut_down = true;
}

static void fake_close(struct stream *s)
{
	assert(!fake_stream_is_over(fake_of(s)));
	fake_of(s)->closed = true;
	fake_of(s)->unread = fake_of(s)->input_len > 0;
}

static void release(struct fake_stream *f)
{
	for (; f->span_count > 0; f->span_count--) {
		span_owner_unref(f->spans[f->first_span].owner);
		f->first_span = (f->first_span + 1) % FAKE_STREAM_SPANS;
	}
}

static void fake_abort(struct stream *s)
{
	assert(!fake_stream_is_over(fake_of(s)));
	fake_of(s)->aborted = true;
	release(fake_of(s));
}

static void fake_info(const struct stream *s, struct stream_info *out)
{
	const struct fake_stream *f = fake_of(s);

	*out = f->facts;
	out->bytes_acked = f->acked;
	out->bytes_received = f->received;
}

static int fake_set_congestion(struct stream *s, const char *name)
{
	fake_of(s)->congestion = name;
	fake_of(s)->congestion_calls++;
	return 0;
}

static const struct stream_ops ops = {
	.send = fake_send,
	.room = fake_room,
	.resume = fake_resume,
	.shutdown = fake_shutdown,
	.close = fake_close,
	.abort = fake_abort,
	.info = fake_info,
	.set_congestion = fake_set_congestion,
};

void fake_stream_init(struct fake_stream *f, size_t buffer)
{
	memset(f, 0, sizeof *f);
	f->stream.ops = &ops;
	f->buffer = buffer;
	f->facts.peer_room = UINT32_MAX;
	append(&f->sent, &f->sent_len, &f->sent_room, NULL, 0);
}

void fake_stream_fini(struct fake_stream *f)
{
	if (!fake_stream_is_over(f) && f->stream.handler != NULL)
		fake_stream_lose(f, STREAM_END_RESET);
	release(f);
	free(f->sent);
	free(f->input);
}

void fake_stream_feed(struct fake_stream *f, const void *data, size_t len)
{
	if (fake_stream_is_over(f))
		return;
	assert(!f->ended);
	append(&f->input, &f->input_len, &f->input_room, data, len);
	f->received += len;
	offer(f);
}

void fake_stream_feed_text(struct fake_stream *f, const char *text)
{
	fake_stream_feed(f, text, strlen(text));
}

/* Acknowledges n bytes at most of the first span in flight, and returns how many. */
static size_t ack_first(struct fake_stream *f, size_t n)
{
	struct span *span = &f->spans[f->first_span];
	size_t left = span->len - f->first_offset;

	if (n > left)
		n = left;
	assert(memcmp(span->data + f->first_offset, f->sent + f->acked, n) == 0);
	f->first_offset += n;
	f->acked += n;
	if (f->first_offset == span->len) {
		struct span_owner *owner = span->owner;

		f->first_span = (f->first_span + 1) % FAKE_STREAM_SPANS;
		f->span_count--;
		f->first_offset = 0;
		span_owner_unref(owner);
	}
	return n;
}

void fake_stream_ack(struct fake_stream *f, size_t n)
{
	bool had = fake_stream_in_flight(f) > 0;

	if (f->aborted)
		return;
	while (n > 0 && f->span_count > 0)
		n -= ack_first(f, n);
	if (!fake_stream_is_over(f) && f->was_full && fake_room(&f->stream) >= f->buffer / 2) {
		f->was_full = false;
		f->stream.handler->on_writable(&f->stream);
	}
	if (!fake_stream_is_over(f) && had && fake_stream_in_flight(f) == 0 &&
	    f->stream.handler->on_drained != NULL)
		f->stream.handler->on_drained(&f->stream);
}

void fake_stream_ack_all(struct fake_stream *f)
{
	while (!f->aborted && fake_stream_in_flight(f) > 0)
		fake_stream_ack(f, fake_stream_in_flight(f));
}

void fake_stream_end(struct fake_stream *f)
{
	f->ended = true;
	if (!fake_stream_is_over(f))
		f->stream.handler->on_end(&f->stream);
}

void fake_stream_lose(struct fake_stream *f, enum stream_end why)
{
	if (fake_stream_is_over(f))
		return;
	f->stream.handler->on_closed(&f->stream, why);
	f->gone = true;
}
