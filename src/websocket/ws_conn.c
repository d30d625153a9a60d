/*
 * A connection's life: OPEN, PINGED when nothing was heard of the client for a while and OPEN again when
 * something is; CLOSING when our close frame was first, LINGER when both have been sent, or the client
 * failed; DEAD when the stream is gone. A server ends the TCP connection first (RFC 6455 section 7.1.1): our
 * side is shut down, and what still arrives is dropped until the client's FIN, because closing at once would
 * reset what it has not read yet.
 *
 * Nothing is freed, and no handler told of an end, but in ws_conn_reap(), which a timer calls: whoever walks
 * over connections, as to publish a message, finds them all where they were.
 */
#include "websocket/ws_trace.h"

static void leave_queue(struct ws_conn *c)
{
	http_queue_leave(&c->endpoint->queues[c->state], &c->node);
}

static void enter(struct ws_conn *c, enum ws_state state)
{
	leave_queue(c);
	c->state = (uint8_t)state;
	http_queue_enter(&c->endpoint->queues[state], &c->node);
}

/* ---- the end ---- */

static void reap_later(struct ws_conn *c)
{
	struct ws_server *s = ws_conn_server(c);

	if (!list_is_linked(&c->ended))
		list_append(&s->ended, &c->ended);
	if (!timer_is_set(&s->reap))
		timer_set(&s->world->timers, &s->reap, s->world->now_us);
}

/* The code counts that comes first. */
static void note_end(struct ws_conn *c, unsigned code)
{
	if (c->code == 0)
		c->code = (uint16_t)code;
	timer_cancel(&ws_conn_server(c)->world->timers, &c->message_timer);
	reap_later(c);
}

/* The stream is gone, or was let go of. */
static void die(struct ws_conn *c)
{
	note_end(c, WS_CLOSE_ABNORMAL);
	leave_queue(c);
	list_remove(&c->turn);
	c->state = WS_DEAD;
	c->stream = NULL;
}

static void close_stream(struct ws_conn *c)
{
	stream_close(c->stream);
	die(c);
}

void ws_conn_abort(struct ws_conn *c, unsigned code)
{
	note_end(c, code);
	stream_abort(c->stream);
	die(c);
}

/* Takes what the stream holds. */
static void resume(struct ws_conn *c)
{
	c->flags &= (uint8_t)~WS_CONN_HELD;
	stream_resume(c->stream);
	if (c->state != WS_DEAD && (c->flags & (WS_CONN_HELD | WS_CONN_ENDED)) == WS_CONN_ENDED)
		close_stream(c);
}

void ws_conn_on_turn(struct list *node)
{
	struct ws_conn *c = CONTAINER_OF(node, struct ws_conn, turn);

	if (c->flags & WS_CONN_HELD)
		resume(c);
}

static void free_conn(struct ws_conn *c)
{
	struct ws_server *s = ws_conn_server(c);

	ws_reader_fini(&c->reader);
	ws_window_fini(&c->received);
	ws_window_fini(&c->sent);
	ws_buffer_give(c->close_due);
	addr_counts_remove(&s->clients, &c->client);
	ws_endpoint_unref(c->endpoint);
	pool_give(&s->conns, c);
}

static void tell_end(struct ws_conn *c)
{
	const struct ws_handler *handler = c->endpoint->handler;

	c->flags |= WS_CONN_TOLD;
	ws_conn_unsubscribe_all(c);
	if (handler->on_close != NULL)
		handler->on_close(c, c->code);
}

void ws_conn_reap(struct ws_server *s)
{
	struct list ended, *n;

	list_init(&ended);
	list_splice(&ended, &s->ended); /* what handlers close meanwhile has its own turn */
	while ((n = list_first(&ended)) != NULL) {
		struct ws_conn *c = LIST_ENTRY(n, struct ws_conn, ended);

		list_remove(n);
		if (!(c->flags & WS_CONN_TOLD))
			tell_end(c);
		if (c->state == WS_CLOSING && (c->flags & WS_CONN_HELD))
			resume(c); /* the client's close frame stands behind what we did not read */
		if (c->state == WS_DEAD)
			free_conn(c);
	}
}

/* ---- control frames ---- */

/* Without memory or room a control frame is left out; a close frame is kept until there is room. */
static void send_control(struct ws_conn *c, enum ws_opcode opcode, struct bytes payload)
{
	struct ws_buffer *b = ws_message_new(ws_conn_server(c), payload);

	if (b == NULL)
		return;
	if (ws_conn_room(c) > 0) {
		ws_conn_send_frame(c, WS_FIN | (uint8_t)opcode, b);
	} else if (opcode == WS_CLOSE) {
		c->close_due = b;
		return;
	}
	ws_buffer_give(b);
}

/* Both have said that it is over, or the client never will. */
static void enter_linger(struct ws_conn *c)
{
	if (c->state == WS_DEAD)
		return;
	enter(c, WS_LINGER);
	if (c->out == NULL && c->close_due == NULL)
		stream_shutdown(c->stream);
}

static void send_close(struct ws_conn *c, unsigned code, struct bytes reason)
{
	uint8_t payload[2 + WS_CLOSE_REASON_MAX];
	size_t len = ws_close_format(payload, code, reason);

	send_control(c, WS_CLOSE, bytes_of(payload, len));
}

void ws_close(struct ws_conn *c, unsigned code, const char *reason)
{
	if (!ws_conn_is_open(c))
		return;
	note_end(c, code);
	enter(c, WS_CLOSING);
	send_close(c, code, bytes_of(reason, strlen(reason)));
}

/* ---- messages in ---- */

static void count_failure(struct ws_usage *usage, unsigned code)
{
	if (code == WS_CLOSE_TOO_BIG)
		usage->closed_big++;
	else if (code == WS_CLOSE_TRY_AGAIN_LATER)
		usage->closed_full++;
	else
		usage->closed_invalid++;
}

/* Section 7.1.7: the client is told why, and no answer to that is awaited. */
static void fail(struct ws_conn *c, unsigned code, const char *why)
{
	count_failure(&ws_conn_server(c)->usage, code);
	if (ws_conn_is_open(c)) {
		note_end(c, code);
		send_close(c, code, bytes_of(why, strlen(why)));
	}
	enter_linger(c);
}

static void take_close(struct ws_conn *c)
{
	struct bytes payload = ws_reader_control(&c->reader), reason;
	unsigned code, refusal = ws_close_parse(payload, &code, &reason);

	if (refusal != 0) {
		fail(c, refusal, refusal == WS_CLOSE_INVALID_DATA ? "close reason is not UTF-8"
								  : "bad close frame");
		return;
	}
	if (ws_conn_is_open(c)) {
		note_end(c, code);
		send_close(c, code, (struct bytes){ 0 });
	}
	enter_linger(c);
}

static void take_message(struct ws_conn *c)
{
	struct ws_usage *usage = &ws_conn_server(c)->usage;
	struct ws_buffer *message = ws_reader_message(&c->reader);

	timer_cancel(&ws_conn_server(c)->world->timers, &c->message_timer);
	usage->messages_in++;
	usage->bytes_in += message->len;
	usage->compressed_in += c->reader.is_compressed;
	if (c->reader.is_compressed)
		turns_count(&ws_conn_server(c)->turns, message->len + WS_WORK_CODEC);
	if (ws_conn_is_open(c))
		c->endpoint->handler->on_message(c, (enum ws_opcode)c->reader.opcode, message);
	ws_buffer_give(message);
}

static void take_event(struct ws_conn *c, enum ws_event event)
{
	ws_trace_event(c, event);
	switch (event) {
	case WS_EVENT_MESSAGE:
		take_message(c);
		return;
	case WS_EVENT_PING:
		if (ws_conn_is_open(c))
			send_control(c, WS_PONG, ws_reader_control(&c->reader));
		return;
	case WS_EVENT_CLOSE:
		take_close(c);
		return;
	case WS_EVENT_FAIL:
		fail(c, c->reader.code, c->reader.why);
		return;
	case WS_EVENT_PONG:
	case WS_EVENT_NONE:
		return;
	}
}

/* Who does not read is not read from, and who makes much work is made to wait. While the client's close frame
 * is awaited nothing is sent any more. */
static bool takes_input(struct ws_conn *c)
{
	if (c->state == WS_CLOSING)
		return true;
	return ws_conn_is_open(c) && ws_conn_room(c) > 0 && turns_has(&ws_conn_server(c)->turns, &c->turn);
}

/* False: what is to be sent could not be. */
static bool take_all(struct ws_conn *c, struct bytes *data)
{
	struct http_batch out;

	do {
		http_batch_init(&out, c->stream);
		c->out = &out;
		while (data->len > 0 && takes_input(c))
			take_event(c, ws_reader_take(&c->reader, data));
		c->out = NULL;
		if (!http_batch_send(&out))
			return false;
	} while (c->state != WS_DEAD && data->len > 0 && takes_input(c));
	return true;
}

/* A message that has begun has a time limit, whatever its pieces; not while we do not read. */
static void watch_message(struct ws_conn *c)
{
	struct ws_server *s = ws_conn_server(c);

	if (!ws_reader_is_waiting(&c->reader))
		timer_cancel(&s->world->timers, &c->message_timer);
	else if (!timer_is_set(&c->message_timer))
		timer_set(&s->world->timers, &c->message_timer,
			  s->world->now_us + c->endpoint->config.message_timeout_us);
}

static size_t take_input(struct ws_conn *c, struct bytes data)
{
	size_t len = data.len;
	bool sent;

	c->flags |= WS_CONN_BUSY;
	c->flags &= (uint8_t)~WS_CONN_HELD;
	sent = take_all(c, &data);
	c->flags &= (uint8_t)~WS_CONN_BUSY;
	if (c->state == WS_DEAD)
		return len;
	if (!sent) {
		ws_conn_abort(c, WS_CLOSE_ABNORMAL);
		return len;
	}
	if (c->state == WS_LINGER) {
		if (c->close_due == NULL)
			stream_shutdown(c->stream);
		return len;
	}
	if (data.len > 0)
		c->flags |= WS_CONN_HELD;
	if (ws_conn_is_open(c)) {
		enter(c, WS_OPEN);
		watch_message(c);
	}
	return len - data.len;
}

static void on_message_timeout(struct timer *t, uint64_t now_us)
{
	struct ws_conn *c = CONTAINER_OF(t, struct ws_conn, message_timer);

	(void)now_us;
	if (c->flags & WS_CONN_HELD)
		watch_message(c);
	else
		fail(c, WS_CLOSE_POLICY, "message took too long");
}

/* ---- what the stream tells ---- */

static size_t on_receive(struct stream *stream, struct bytes data)
{
	struct ws_conn *c = stream->user;

	if (c->flags & WS_CONN_BUSY) {
		c->flags |= WS_CONN_HELD;
		return 0;
	}
	return c->state == WS_LINGER ? data.len : take_input(c, data);
}

static void send_close_due(struct ws_conn *c)
{
	struct ws_buffer *b = c->close_due;

	c->close_due = NULL;
	ws_conn_send_frame(c, WS_FIN | WS_CLOSE, b);
	ws_buffer_give(b);
	if (c->state == WS_LINGER)
		stream_shutdown(c->stream);
}

static void on_writable(struct stream *stream)
{
	struct ws_conn *c = stream->user;

	if (c->flags & WS_CONN_BUSY)
		return;
	if (c->close_due != NULL)
		send_close_due(c);
	if ((c->flags & WS_CONN_LACKING) && ws_conn_is_open(c)) {
		c->flags &= (uint8_t)~WS_CONN_LACKING;
		if (c->endpoint->handler->on_drained != NULL)
			c->endpoint->handler->on_drained(c);
	}
	if (c->state != WS_DEAD && (c->flags & WS_CONN_HELD))
		resume(c);
}

static void on_end(struct stream *stream)
{
	struct ws_conn *c = stream->user;

	c->flags |= WS_CONN_ENDED;
	if (!(c->flags & (WS_CONN_BUSY | WS_CONN_HELD)) || c->state == WS_LINGER)
		close_stream(c);
}

static void on_closed(struct stream *stream, enum stream_end why)
{
	(void)why;
	die(stream->user);
}

static const struct stream_handler handler = {
	.on_receive = on_receive, .on_writable = on_writable, .on_end = on_end, .on_closed = on_closed,
};

/* ---- the beginning ---- */

static struct ws_conn *take_place(struct ws_server *s, const struct ip_addr *client)
{
	struct ws_conn *c;

	if (!addr_counts_add(&s->clients, client, s->limits.max_connections_per_address))
		return NULL;
	c = pool_take(&s->conns);
	if (c == NULL)
		addr_counts_remove(&s->clients, client);
	return c;
}

struct ws_conn *ws_conn_new(struct ws_endpoint *e, const struct ip_addr *client, const struct ws_handshake *h)
{
	struct ws_server *s = e->server;
	struct ws_conn *c = take_place(s, client);

	if (c == NULL)
		return NULL;
	*c = (struct ws_conn){ .endpoint = e, .client = *client, .deflate = h->deflate, .state = WS_DEAD };
	e->references++;
	list_init(&c->ended);
	list_init(&c->turn);
	list_init(&c->subscriptions);
	list_init(&c->node.list);
	timer_init(&c->message_timer, on_message_timeout);
	if (!h->deflate.client_no_takeover)
		c->received.bits = h->deflate.client_bits;
	if (!h->deflate.server_no_takeover)
		c->sent.bits = h->deflate.server_bits;
	ws_reader_init(&c->reader, &s->budget, h->deflate.agreed ? s->codecs : NULL, &c->received,
		       e->config.max_message < SIZE_MAX ? (size_t)e->config.max_message : SIZE_MAX);
	return c;
}

void ws_conn_discard(struct ws_conn *c)
{
	free_conn(c);
}

size_t ws_conn_open(struct ws_conn *c, const struct ws_opening *opening, struct stream *stream,
		    struct bytes rest, bool ended)
{
	size_t taken = rest.len;

	c->stream = stream;
	c->state = WS_OPEN;
	http_queue_enter(&c->endpoint->queues[WS_OPEN], &c->node);
	stream->handler = &handler;
	stream->user = c;
	ws_conn_server(c)->usage.opened++;
	if (c->endpoint->handler->on_open != NULL)
		c->endpoint->handler->on_open(c, opening);
	if (ended)
		c->flags |= WS_CONN_ENDED;
	if (rest.len > 0 && c->state != WS_DEAD)
		taken = on_receive(stream, rest);
	if (c->state != WS_DEAD && (c->flags & (WS_CONN_HELD | WS_CONN_ENDED)) == WS_CONN_ENDED)
		close_stream(c);
	return taken;
}

/* ---- time ---- */

static uint32_t acked(const struct ws_conn *c)
{
	struct stream_info info;

	stream_info(c->stream, &info);
	return (uint32_t)info.bytes_acked;
}

static void ping(struct ws_conn *c)
{
	enter(c, WS_PINGED);
	send_control(c, WS_PING, (struct bytes){ 0 });
	if (c->state != WS_DEAD)
		c->mark = acked(c);
}

/* One that still takes what was sent before the ping has not come to it yet. */
static void look_for_life(struct ws_conn *c)
{
	uint32_t before = c->mark;

	c->mark = acked(c);
	if (c->mark != before) {
		enter(c, WS_PINGED);
		return;
	}
	ws_conn_server(c)->usage.closed_dead++;
	ws_conn_abort(c, WS_CLOSE_ABNORMAL);
}

void ws_conn_expire(struct http_queue_node *n)
{
	struct ws_conn *c = ws_conn_of(n);

	switch ((enum ws_state)c->state) {
	case WS_OPEN:
		ping(c);
		return;
	case WS_PINGED:
		look_for_life(c);
		return;
	case WS_CLOSING:
		enter_linger(c);
		return;
	default:
		if (c->close_due != NULL)
			ws_conn_abort(c, WS_CLOSE_ABNORMAL);
		else
			close_stream(c);
	}
}

struct ws_endpoint *ws_endpoint_of(const struct ws_conn *c)
{
	return c->endpoint;
}

void ws_set_user(struct ws_conn *c, void *user)
{
	c->user = user;
}

void *ws_user(const struct ws_conn *c)
{
	return c->user;
}
