/*
 * A stream over a stream. What arrives below is decrypted and offered above; what is sent above becomes
 * records, which are handed down. Neither way keeps more than it must: of what the layer above does not
 * take less than a record is kept here, and the rest stays with the lower stream, whose window closes; what
 * is sent is limited by the lower stream's room.
 *
 * The end (RFC 8446 section 6.1): each side says close_notify before it shuts its half. A FIN without it may
 * be a third party's: the data before it is not known to be complete, and so the layer above hears of an
 * error.
 *
 * Anything may end a stream that others up the call chain are at work on: they enter and leave it, and it is
 * freed when the last one leaves.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>

#include "base/minmax.h"
#include "tls/tls_internal.h"

enum {
	LINGER_BYTES = 256 << 10,  /* that are read and dropped after an alert */
	CLOSING_US = 60 * 1000000, /* records may wait so long for room after the layer above has let go */
};

void tls_stream_enter(struct tls_stream *s)
{
	s->depth++;
}

void tls_stream_leave(struct tls_stream *s)
{
	if (--s->depth == 0 && tls_stream_is_dead(s))
		pool_give(&s->tls->streams, s);
}

static bool has_upper(const struct tls_stream *s)
{
	return s->stream.handler != NULL;
}

static void detach(struct tls_stream *s)
{
	s->stream.handler = NULL;
	s->stream.user = NULL;
}

/* All records are made, and none will be read. */
static void free_cryptography(struct tls_stream *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	tls_records_end(&s->records);
}

void tls_stream_forget(struct tls_stream *s)
{
	if (s->state == TLS_HANDSHAKE)
		tls_handshake_over(s);
	timer_cancel(&s->tls->world->timers, &s->timer);
	list_remove(&s->node);
	tls_output_free(&s->output);
	free_cryptography(s);
	s->lower = NULL;
	tls_context_free(s->context);
	detach(s);
	s->flags |= TLS_DEAD;
}

/* The layer above hears of the end, for the last time. */
static void tell_closed(struct tls_stream *s, enum stream_end why)
{
	const struct stream_handler *handler = s->stream.handler;

	if (handler == NULL)
		return;
	handler->on_closed(&s->stream, why);
	detach(s);
}

void tls_stream_abort(struct tls_stream *s)
{
	stream_abort(s->lower);
	tls_stream_forget(s);
}

static void set_timer(struct tls_stream *s, uint64_t us)
{
	timer_set(&s->tls->world->timers, &s->timer, s->tls->world->now_us + us);
}

/* ---- down ---- */

/* All records are below. */
static void finish_sending(struct tls_stream *s)
{
	if (s->state == TLS_CLOSING) {
		stream_close(s->lower);
		tls_stream_forget(s);
	} else if ((s->flags & (TLS_SHUT | TLS_LOWER_SHUT)) == TLS_SHUT) {
		s->flags |= TLS_LOWER_SHUT;
		stream_shutdown(s->lower);
	}
}

/* 0, or the negative errno of a lower stream that failed. */
static int flush(struct tls_stream *s)
{
	int error = 0;

	if (!tls_output_is_empty(&s->output)) {
		s->flags |= TLS_UNDRAINED;
		error = tls_output_send(&s->output, s->lower);
	}
	if (error == 0 && !tls_stream_is_dead(s) && tls_output_is_empty(&s->output))
		finish_sending(s);
	return error;
}

void tls_stream_flush(struct tls_stream *s)
{
	if (tls_stream_is_dead(s) || flush(s) == 0)
		return;
	tell_closed(s, STREAM_END_ERROR);
	if (!tls_stream_is_dead(s))
		tls_stream_abort(s);
}

/* ---- what the layer above does ---- */

/* Records are a little longer than what is in them; a room that is not worth that may be exceeded once.
 * Where buffers are scarce, those who have some wait until these have come back. */
static size_t upper_room(const struct stream *stream)
{
	const struct tls_stream *s = (const struct tls_stream *)(const void *)stream;
	size_t room;

	if (s->state != TLS_OPEN || !tls_output_is_empty(&s->output))
		return 0;
	if ((s->flags & TLS_UNDRAINED) != 0 && tls_buffers_are_scarce(&s->tls->buffers))
		return 0;
	room = stream_room(s->lower);
	return room > 2 * TLS_RECORD_OVERHEAD ? room - room / 32 - TLS_RECORD_OVERHEAD : min_u64(room, 1);
}

/* -EIO: the connection is of no use any more. */
static int send_spans(struct tls_stream *s, const struct span *spans, size_t count)
{
	int error;

	if (!tls_records_send(s, spans, count))
		return -EIO;
	error = flush(s);
	if (error != 0)
		return error;
	for (size_t i = 0; i < count; i++)
		span_owner_unref(spans[i].owner);
	return 0;
}

static int upper_send(struct stream *stream, const struct span *spans, size_t count, unsigned flags)
{
	struct tls_stream *s = tls_stream_of(stream);
	int error;

	(void)flags; /* STREAM_MORE: a record holds nothing back; STREAM_URGENT: TLS knows no such thing */
	if (s->state != TLS_OPEN || (s->flags & TLS_SHUT) != 0)
		return -EPIPE;
	if (upper_room(stream) == 0)
		return -ENOBUFS;
	tls_stream_enter(s);
	error = send_spans(s, spans, count);
	tls_stream_leave(s);
	return error;
}

static void send_close_notify(struct tls_stream *s)
{
	if (s->state != TLS_OPEN || (s->flags & TLS_SHUT) != 0)
		return;
	tls_records_send_alert(s, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
	s->flags |= TLS_SHUT;
}

static void upper_shutdown(struct stream *stream)
{
	struct tls_stream *s = tls_stream_of(stream);

	tls_stream_enter(s);
	send_close_notify(s);
	tls_stream_flush(s);
	tls_stream_leave(s);
}

/* What is queued still goes down; nobody listens any more. */
static void let_go(struct tls_stream *s)
{
	detach(s);
	if (s->state == TLS_HANDSHAKE) {
		tls_stream_abort(s);
		return;
	}
	send_close_notify(s);
	free_cryptography(s);
	s->state = TLS_CLOSING;
	set_timer(s, CLOSING_US);
	tls_stream_flush(s);
}

static void upper_close(struct stream *stream)
{
	struct tls_stream *s = tls_stream_of(stream);

	tls_stream_enter(s);
	let_go(s);
	tls_stream_leave(s);
}

static void upper_abort(struct stream *stream)
{
	struct tls_stream *s = tls_stream_of(stream);

	tls_stream_enter(s);
	detach(s);
	tls_stream_abort(s);
	tls_stream_leave(s);
}

static void upper_info(const struct stream *stream, struct stream_info *out)
{
	const struct tls_stream *s = (const struct tls_stream *)(const void *)stream;

	if (s->lower == NULL) {
		*out = (struct stream_info){ 0 };
		return;
	}
	stream_info(s->lower, out);
	out->tls_version = s->version;
	out->tls_cipher = s->cipher;
	out->tls_resumed = s->is_resumed;
}

/* ---- up ---- */

void tls_stream_linger(struct tls_stream *s)
{
	tell_closed(s, STREAM_END_ERROR);
	free_cryptography(s);
	if ((s->flags & TLS_LOWER_ENDED) != 0) {
		s->state = TLS_CLOSING; /* nothing will arrive any more */
		set_timer(s, CLOSING_US);
	} else {
		s->state = TLS_LINGER;
		s->flags |= TLS_SHUT;
		s->linger_bytes = LINGER_BYTES;
		set_timer(s, s->tls->config.linger_timeout_us);
	}
	tls_stream_flush(s);
}

static void tell_end(struct tls_stream *s)
{
	if ((s->flags & TLS_ENDED) != 0 || !has_upper(s))
		return;
	s->flags |= TLS_ENDED;
	if (s->stream.handler->on_end != NULL)
		s->stream.handler->on_end(&s->stream);
}

/* There is no text: more is to come, or it is the end, or what came is not as it should be. */
static void receive_nothing(struct tls_stream *s, enum tls_records_result why)
{
	if (why == TLS_RECORDS_END)
		tell_end(s);
	if (why != TLS_RECORDS_BROKEN)
		return;
	s->tls->usage.broken++;
	tls_stream_linger(s);
}

static size_t offer(struct tls_stream *s, struct bytes text)
{
	size_t taken;

	s->flags |= TLS_DELIVERING;
	taken = s->stream.handler->on_receive(&s->stream, text);
	s->flags &= (uint16_t)~TLS_DELIVERING;
	assert(taken <= text.len);
	return taken;
}

static bool is_open(const struct tls_stream *s)
{
	return !tls_stream_is_dead(s) && s->state == TLS_OPEN;
}

/* What was left of the last record. False: it is not all wanted now. */
static bool deliver_kept(struct tls_stream *s)
{
	struct tls_buffer *buffer = s->records.input.rest;
	struct bytes text = tls_input_kept(&s->records.input);
	size_t taken;

	span_owner_ref(&buffer->owner); /* the layer above may let go of the stream, and read on */
	taken = offer(s, text);
	if (is_open(s))
		tls_input_skip(&s->records.input, taken);
	tls_buffer_release(buffer);
	if (taken < text.len)
		s->flags |= TLS_HELD;
	return is_open(s) && taken == text.len;
}

/* The contents of the next record that has some. What is not taken is kept. False: there is no more, or it
 * is not wanted now. */
static bool deliver_next(struct tls_stream *s)
{
	uint8_t room[TLS_CIPHERTEXT_MOST];
	enum tls_records_result result;
	struct bytes text;

	result = tls_records_receive(s, room, &text);
	if (result != TLS_RECORDS_TEXT) {
		receive_nothing(s, result);
		return false;
	}
	bytes_skip(&text, offer(s, text));
	if (!is_open(s) || text.len == 0)
		return is_open(s);
	s->flags |= TLS_HELD;
	if (!tls_records_keep(s, text))
		receive_nothing(s, TLS_RECORDS_BROKEN);
	return false;
}

static bool deliver(struct tls_stream *s)
{
	return s->records.input.rest != NULL ? deliver_kept(s) : deliver_next(s);
}

static bool can_deliver(const struct tls_stream *s)
{
	return s->state == TLS_OPEN && has_upper(s) && s->stream.handler->on_receive != NULL &&
	       (s->flags & (TLS_HELD | TLS_DELIVERING | TLS_ENDED | TLS_DEAD)) == 0;
}

static void pump(struct tls_stream *s)
{
	while (can_deliver(s) && deliver(s))
		;
	if (!tls_stream_is_dead(s))
		tls_stream_flush(s); /* answers to what the peer's TLS asked for */
}

/* The lower stream has ended, and all that it brought is read. */
static void lower_ended(struct tls_stream *s)
{
	switch ((enum tls_state)s->state) {
	case TLS_HANDSHAKE:
		tls_handshake_cut_off(s);
		return;
	case TLS_OPEN:
		if ((s->flags & TLS_ENDED) != 0)
			return;
		s->tls->usage.truncated++;
		snprintf(s->why, sizeof s->why, "the connection was cut off: no close_notify");
		tell_closed(s, STREAM_END_ERROR);
		if (!tls_stream_is_dead(s))
			let_go(s);
		return;
	case TLS_LINGER:
		stream_close(s->lower);
		tls_stream_forget(s);
		return;
	case TLS_CLOSING:
		return;
	}
}

static void look_for_end(struct tls_stream *s)
{
	if ((s->flags & (TLS_DEAD | TLS_LOWER_ENDED | TLS_LOWER_HELD | TLS_HELD | TLS_RECEIVING)) ==
	    TLS_LOWER_ENDED)
		lower_ended(s);
}

void tls_stream_take_held(struct tls_stream *s)
{
	tls_stream_enter(s);
	stream_resume(s->lower);
	look_for_end(s);
	tls_stream_leave(s);
}

static void upper_resume(struct stream *stream)
{
	struct tls_stream *s = tls_stream_of(stream);

	if ((s->flags & TLS_DELIVERING) != 0)
		return;
	tls_stream_enter(s);
	s->flags &= (uint16_t)~TLS_HELD;
	pump(s);
	if ((s->flags & (TLS_DEAD | TLS_LOWER_HELD | TLS_HELD | TLS_RECEIVING)) == TLS_LOWER_HELD)
		tls_stream_take_held(s);
	else
		look_for_end(s);
	tls_stream_leave(s);
}

static int upper_set_congestion(struct stream *stream, const char *name)
{
	struct stream *lower = tls_stream_of(stream)->lower;

	return lower != NULL ? stream_set_congestion(lower, name) : -EPIPE;
}

static const struct stream_ops upper_ops = {
	.send = upper_send,
	.room = upper_room,
	.resume = upper_resume,
	.shutdown = upper_shutdown,
	.close = upper_close,
	.abort = upper_abort,
	.info = upper_info,
	.set_congestion = upper_set_congestion,
};

/* ---- what the lower stream tells ---- */

/* Takes what it can of the input. */
static void take_input(struct tls_stream *s)
{
	if (s->state == TLS_HANDSHAKE)
		tls_handshake_input(s);
	if (tls_stream_is_dead(s))
		return;
	if (s->state == TLS_OPEN)
		pump(s);
	else if (s->state == TLS_LINGER && s->input.len > s->linger_bytes)
		tls_stream_abort(s);
	else if (s->state == TLS_LINGER)
		s->linger_bytes -= (uint32_t)s->input.len;
	if (s->state == TLS_LINGER || s->state == TLS_CLOSING)
		s->input.len = 0;
}

static size_t on_receive(struct stream *lower, struct bytes data)
{
	struct tls_stream *s = lower->user;
	size_t taken;

	if (data.len == 0)
		return 0;
	tls_stream_enter(s);
	s->flags = (uint16_t)((s->flags & ~TLS_LOWER_HELD) | TLS_RECEIVING);
	s->input = data;
	take_input(s);
	taken = tls_stream_is_dead(s) ? data.len : data.len - s->input.len;
	s->input = (struct bytes){ 0 };
	s->flags &= (uint16_t)~TLS_RECEIVING;
	if (taken < data.len)
		s->flags |= TLS_LOWER_HELD;
	tls_stream_leave(s);
	return taken;
}

static void on_open(struct stream *lower)
{
	struct tls_stream *s = lower->user;

	tls_stream_enter(s);
	tls_handshake_step(s);
	tls_stream_leave(s);
}

static void tell_writable(struct tls_stream *s)
{
	if (tls_stream_is_dead(s) || s->state != TLS_OPEN || !has_upper(s) ||
	    !tls_output_is_empty(&s->output))
		return;
	if (s->stream.handler->on_writable != NULL)
		s->stream.handler->on_writable(&s->stream);
}

static void on_writable(struct stream *lower)
{
	struct tls_stream *s = lower->user;

	tls_stream_enter(s);
	tls_stream_flush(s);
	tell_writable(s);
	tls_stream_leave(s);
}

static void tell_drained(struct tls_stream *s)
{
	if (s->state != TLS_OPEN || !has_upper(s) || !tls_output_is_empty(&s->output))
		return;
	if (s->stream.handler->on_drained != NULL)
		s->stream.handler->on_drained(&s->stream);
}

/* Buffers have come back too: it may be writable again for that. */
static void on_drained(struct stream *lower)
{
	struct tls_stream *s = lower->user;

	tls_stream_enter(s);
	s->flags &= (uint16_t)~TLS_UNDRAINED;
	tls_stream_flush(s);
	tell_drained(s);
	tell_writable(s);
	tls_stream_leave(s);
}

static void on_end(struct stream *lower)
{
	struct tls_stream *s = lower->user;

	tls_stream_enter(s);
	s->flags |= TLS_LOWER_ENDED;
	look_for_end(s);
	tls_stream_leave(s);
}

static void on_soft_error(struct stream *lower, enum stream_soft_error what)
{
	struct tls_stream *s = lower->user;

	if (has_upper(s) && s->stream.handler->on_soft_error != NULL)
		s->stream.handler->on_soft_error(&s->stream, what);
}

static void on_closed(struct stream *lower, enum stream_end why)
{
	struct tls_stream *s = lower->user;

	tls_stream_enter(s);
	if (s->state == TLS_HANDSHAKE)
		s->tls->usage.failed[TLS_FAILED_PEER_LEFT]++;
	tell_closed(s, why);
	if (!tls_stream_is_dead(s))
		tls_stream_forget(s);
	tls_stream_leave(s);
}

static const struct stream_handler lower_handler = {
	.on_open = on_open,
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_drained,
	.on_end = on_end,
	.on_soft_error = on_soft_error,
	.on_closed = on_closed,
};

/* ---- made ---- */

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct tls_stream *s = CONTAINER_OF(t, struct tls_stream, timer);

	(void)now_us;
	tls_stream_enter(s);
	if (s->state == TLS_HANDSHAKE) {
		tls_handshake_timeout(s);
	} else if (s->state == TLS_LINGER) {
		stream_close(s->lower);
		tls_stream_forget(s);
	} else {
		tls_stream_abort(s);
	}
	tls_stream_leave(s);
}

struct tls_stream *tls_stream_new(struct tls *tls, struct tls_context *context, struct stream *lower)
{
	struct tls_stream *s = pool_take(&tls->streams);

	if (s == NULL)
		return NULL;
	*s = (struct tls_stream){ .stream.ops = &upper_ops, .lower = lower, .tls = tls, .context = context };
	s->ssl = SSL_new(tls_context_first(context));
	if (s->ssl == NULL || !tls_bio_attach(s) || SSL_set_app_data(s->ssl, s) != 1) {
		ERR_clear_error();
		SSL_free(s->ssl);
		pool_give(&tls->streams, s);
		return NULL;
	}
	context->references++;
	timer_init(&s->timer, on_timer);
	list_init(&s->turn);
	list_init(&s->under_way);
	list_append(&tls->all, &s->node);
	lower->handler = &lower_handler;
	lower->user = s;
	return s;
}

const char *tls_failure_text(const struct stream *stream)
{
	return stream->ops == &upper_ops ? ((const struct tls_stream *)(const void *)stream)->why : "";
}

const struct tls_context *tls_context_of(const struct stream *stream)
{
	return stream->ops == &upper_ops ? ((const struct tls_stream *)(const void *)stream)->context : NULL;
}

const struct stream *tls_stream_over(const struct stream *lower)
{
	const struct tls_stream *s = lower->user;

	return lower->handler == &lower_handler ? &s->stream : NULL;
}

const struct stream *tls_stream_under(const struct stream *stream)
{
	return stream->ops == &upper_ops ? ((const struct tls_stream *)(const void *)stream)->lower : stream;
}
