/*
 * Sending: frames into the stream, or into the batch of the turn; messages compressed for one connection, or
 * once for all that agreed on the same; and what becomes of those for a client that does not read.
 */
#include "websocket/ws_trace.h"

/* Shorter messages, and longer ones, are sent as they are: a megabyte holds the worker for some 12 ms. */
enum { COMPRESS_MIN = 64, COMPRESS_MAX = 1 << 20 };

size_t ws_conn_room(const struct ws_conn *c)
{
	return c->out != NULL ? http_batch_room(c->out) : stream_room(c->stream);
}

void ws_conn_send_frame(struct ws_conn *c, uint8_t first, struct ws_buffer *payload)
{
	struct span frame = ws_buffer_frame(payload, first);

	ws_trace_sent(c, first, bytes_of(payload->data, payload->len));
	if (c->out != NULL) {
		http_batch_add(c->out, frame.data, frame.len, frame.owner);
		return;
	}
	span_owner_ref(frame.owner);
	if (stream_send(c->stream, &frame, 1, 0) == 0)
		return;
	span_owner_unref(frame.owner);
	ws_conn_abort(c, WS_CLOSE_ABNORMAL);
}

struct ws_buffer *ws_message_new(struct ws_server *s, struct bytes data)
{
	struct ws_buffer *b = ws_buffer_new(&s->budget, data.len);

	if (b == NULL)
		return NULL;
	if (data.len > 0)
		memcpy(b->data, data.data, data.len);
	b->len = data.len;
	return b;
}

static bool is_worth_packing(const struct ws_conn *c, const struct ws_outgoing *o)
{
	return c->deflate.agreed && o->plain->len >= COMPRESS_MIN && o->plain->len <= COMPRESS_MAX;
}

static struct bytes text_of(const struct ws_outgoing *o)
{
	return bytes_of(o->plain->data, o->plain->len);
}

/* What came before is in w. NULL: it goes as it is. */
static struct ws_buffer *pack(struct ws_conn *c, const struct ws_window *w, const struct ws_outgoing *o)
{
	struct ws_server *s = ws_conn_server(c);

	turns_count(&s->turns, o->plain->len + WS_WORK_CODEC);
	return ws_deflate(s->codecs, c->deflate.server_bits, w, text_of(o), &s->budget);
}

static struct ws_buffer *pack_for_all(struct ws_conn *c, struct ws_outgoing *o)
{
	static const struct ws_window none = { .bits = 0 };
	unsigned bits = c->deflate.server_bits;
	struct ws_buffer **b = &o->packed[bits];

	if ((o->tried >> bits & 1) == 0)
		*b = pack(c, &none, o);
	o->tried |= (uint16_t)(1u << bits);
	if (*b != NULL)
		span_owner_ref(&(*b)->owner);
	return *b;
}

/* A message as long as the window would find little in it: it refers to nothing before it, as RFC 7692
 * section 7.2.1 leaves open, and is compressed once, however many it is sent to. */
static bool is_for_one(const struct ws_conn *c, const struct ws_outgoing *o)
{
	return !c->deflate.server_no_takeover && o->plain->len < (size_t)1 << c->sent.bits;
}

static struct ws_buffer *pack_for(struct ws_conn *c, struct ws_outgoing *o)
{
	struct ws_buffer *b = is_for_one(c, o) ? pack(c, &c->sent, o) : pack_for_all(c, o);

	if (b == NULL || ws_window_add(&c->sent, text_of(o)))
		return b;
	ws_buffer_give(b);
	return NULL;
}

static enum ws_sent refuse_slow(struct ws_conn *c)
{
	struct ws_usage *usage = &ws_conn_server(c)->usage;

	c->flags |= WS_CONN_LACKING;
	if (c->endpoint->config.slow_reader == WS_SLOW_DROP) {
		usage->dropped++;
		return WS_SENT_DROPPED;
	}
	usage->closed_slow++;
	ws_close(c, WS_CLOSE_POLICY, "not reading");
	return WS_SENT_CLOSED;
}

enum ws_sent ws_conn_send(struct ws_conn *c, struct ws_outgoing *o)
{
	struct ws_usage *usage = &ws_conn_server(c)->usage;
	struct ws_buffer *packed = NULL;

	if (!ws_conn_is_open(c))
		return WS_SENT_CLOSED;
	if (ws_conn_room(c) == 0)
		return refuse_slow(c);
	turns_count(&ws_conn_server(c)->turns, WS_WORK_SEND);
	if (is_worth_packing(c, o))
		packed = pack_for(c, o);
	ws_conn_send_frame(c, (uint8_t)(WS_FIN | o->opcode | (packed != NULL ? WS_RSV1 : 0)),
		   packed != NULL ? packed : o->plain);
	usage->messages_out++;
	usage->bytes_out += o->plain->len;
	usage->compressed_out += packed != NULL;
	ws_buffer_give(packed);
	return c->state == WS_DEAD ? WS_SENT_CLOSED : WS_SENT;
}

void ws_outgoing_fini(struct ws_outgoing *o)
{
	for (size_t i = 0; i < ARRAY_LENGTH(o->packed); i++)
		ws_buffer_give(o->packed[i]);
}

enum ws_sent ws_send_buffer(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	struct ws_outgoing o = { .plain = message, .opcode = opcode };
	enum ws_sent sent = ws_conn_send(c, &o);

	ws_outgoing_fini(&o);
	return sent;
}

enum ws_sent ws_send(struct ws_conn *c, enum ws_opcode opcode, struct bytes data)
{
	struct ws_buffer *b = ws_message_new(ws_conn_server(c), data);
	enum ws_sent sent;

	if (b == NULL) {
		ws_conn_server(c)->usage.dropped++;
		return WS_SENT_DROPPED;
	}
	sent = ws_send_buffer(c, opcode, b);
	ws_buffer_give(b);
	return sent;
}
