/*
 * The receive queue. In-order text is offered to the layer above straight from the frame; what it does not
 * take, and what arrives out of order (tcp_reorder.c), is copied into chunks of one size from a pool with a
 * limit, so memory is bounded a connection (rcv_buffer, which the window advertises, and which grows with
 * what is taken: tcp_receive_space.c) and over all (tcp.memory).
 */
#include "tcp/tcp_conn.h"

#include <assert.h>

#include "base/minmax.h"

uint32_t tcp_receive_room(const struct tcp_conn *c)
{
	return c->rcv_buffer - min_u32(c->busy->received_bytes, c->rcv_buffer);
}

uint32_t tcp_receive_window(const struct tcp_conn *c)
{
	uint32_t room = tcp_receive_room(c);
	uint32_t advertised = seq_len(c->rcv_adv, c->rcv_nxt);

	/* Never back (SHLD-14), and forward only by a worthwhile step (MUST-39; RFC 9293 section
	 * 3.8.6.2.2). */
	if (room <= advertised || room - advertised < min_u32(c->rcv_buffer / 2, c->rcv_mss))
		return advertised;
	return room;
}

void tcp_receive_measure(struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t ms = tcp_now_ms(c->tcp) + c->ts_offset - in->options.ts_ecr;

	if ((c->flags & CONN_TIMESTAMPS) == 0)
		tcp_receive_space_moved(&c->busy->space, in->now_us, c->rcv_nxt, c->rcv_adv);
	else if (in->options.has_timestamp && in->text.len >= c->rcv_mss)
		tcp_receive_space_echo(&c->busy->space, in->options.ts_ecr, ms * 1000ull);
}

/* The buffer grows with what the layer above takes, while less than half of all memory is in use; and no
 * further than the window field can tell. */
static void grow_buffer(struct tcp_conn *c)
{
	const struct pool *pool = &c->tcp->chunk_pool;
	uint32_t largest = min_u32(c->tcp->config.receive_buffer_max, (uint32_t)UINT16_MAX << c->rcv_wscale);
	uint64_t wanted = tcp_receive_space_wanted(&c->busy->space, tcp_now(c->tcp),
						   c->bytes_received - c->busy->received_bytes, c->srtt_us,
						   c->rcv_mss);

	if (min_u64(wanted, largest) <= c->rcv_buffer || pool->in_use >= pool->limit / 2)
		return;
	c->rcv_buffer = (uint32_t)min_u64(wanted, largest);
	c->tcp->counters.receive_buffers_grown++;
}

static void free_chunk(struct tcp_conn *c, struct rx_chunk *k)
{
	list_remove(&k->node);
	pool_give(&c->tcp->chunk_pool, k);
}

/* Keeps in-order text; what found no memory is left in *text. */
static void keep(struct tcp_conn *c, struct seq seq, struct bytes *text)
{
	size_t before = text->len;
	struct list *last = list_last(&c->busy->received);

	if (last != NULL)
		rx_chunk_fill(rx_chunk_of(last), text);
	while (text->len > 0) {
		struct rx_chunk *k = rx_chunk_new(&c->tcp->chunk_pool,
						  seq_add(seq, (uint32_t)(before - text->len)));
		if (k == NULL)
			break;
		rx_chunk_fill(k, text);
		list_append(&c->busy->received, &k->node);
	}
	c->busy->received_bytes += (uint32_t)(before - text->len);
}

static bool can_offer(const struct tcp_conn *c)
{
	return (c->flags & (CONN_ACCEPTED | CONN_DETACHED | CONN_DELIVERING)) == CONN_ACCEPTED &&
	       c->stream.handler != NULL && c->stream.handler->on_receive != NULL;
}

/* How much of data the layer above takes. Afterwards the connection may be gone. */
static size_t offer(struct tcp_conn *c, struct bytes data)
{
	size_t taken;

	c->flags |= CONN_DELIVERING;
	taken = c->stream.handler->on_receive(&c->stream, data);
	c->flags &= ~(unsigned)CONN_DELIVERING;
	assert(taken <= data.len);
	return taken;
}

/* In-order text: rcv.nxt moves over what was taken or kept, and no further. */
static enum drop_reason take_in_order(struct tcp_conn *c, struct bytes text)
{
	struct seq seq = c->rcv_nxt;
	size_t taken = 0;

	c->rcv_nxt = seq_add(c->rcv_nxt, (uint32_t)text.len);
	c->bytes_received += text.len;
	if (list_is_empty(&c->busy->received) && can_offer(c)) {
		taken = offer(c, text);
		if (is_dead(c) || (c->flags & CONN_DETACHED) != 0)
			return DROP_NONE;
	}
	bytes_skip(&text, taken);
	if (text.len == 0)
		return DROP_NONE;
	keep(c, seq_add(seq, (uint32_t)taken), &text);
	if (text.len == 0)
		return DROP_NONE;
	/* Not acknowledged: the peer sends it again, when there may be memory. */
	c->rcv_nxt = seq_sub(c->rcv_nxt, (uint32_t)text.len);
	c->bytes_received -= text.len;
	return world_drop(c->tcp->world, DROP_NO_MEMORY);
}

/* A one-byte segment takes a whole chunk: twice the buffer in chunks bounds what a hostile peer can hold. And
 * text out of order gets none of the last quarter of all memory: it is refused rather than that text in
 * order, which alone brings a connection on, finds none. */
static uint32_t out_of_order_limit(const struct tcp_conn *c)
{
	const struct pool *pool = &c->tcp->chunk_pool;

	if (pool->in_use >= pool->limit - pool->limit / 4)
		return 0;
	return 2 * (c->rcv_buffer / TCP_CHUNK_ROOM) + 8;
}

static enum drop_reason store_out_of_order(struct tcp_conn *c, struct seq seq, struct bytes text)
{
	struct tcp_counters *counters = &c->tcp->counters;
	struct sack_block held;
	enum tcp_reorder_result result;

	result = tcp_reorder_store(&c->busy->reorder, seq, text, out_of_order_limit(c), &held);
	tcp_sack_duplicate(c, held);
	if (!seq_eq(held.left, held.right))
		counters->ooo_merged++;
	if (result == TCP_REORDER_HELD)
		return world_drop(c->tcp->world, DROP_TCP_DUPLICATE);
	if (result == TCP_REORDER_FULL) {
		counters->ooo_dropped++;
		return world_drop(c->tcp->world, DROP_TCP_OUT_OF_ORDER_LIMIT);
	}
	counters->ooo_queued++;
	return DROP_NONE;
}

/* A chunk whose turn has come: offered, and what is not taken moves over without a copy. */
static void take_chunk(struct tcp_conn *c, struct rx_chunk *k)
{
	size_t taken = 0;

	c->rcv_nxt = seq_add(c->rcv_nxt, k->len);
	c->bytes_received += k->len;
	if (list_is_empty(&c->busy->received) && can_offer(c)) {
		taken = offer(c, rx_chunk_bytes(k));
		if (is_dead(c) || (c->flags & CONN_DETACHED) != 0)
			taken = k->len;
	}
	if (taken == k->len) {
		pool_give(&c->tcp->chunk_pool, k);
		return;
	}
	rx_chunk_drop_front(k, (uint32_t)taken);
	list_append(&c->busy->received, &k->node);
	c->busy->received_bytes += k->len;
}

/* What was held out of order and has become the next in order. */
static void absorb(struct tcp_conn *c)
{
	struct rx_chunk *k;

	tcp_sack_duplicate(c, tcp_reorder_covered(&c->busy->reorder, c->rcv_nxt));
	while (!is_dead(c) && (k = tcp_reorder_take(&c->busy->reorder, c->rcv_nxt)) != NULL)
		take_chunk(c, k);
}

enum drop_reason tcp_receive_text(struct tcp_conn *c, struct seq seq, struct bytes text)
{
	enum drop_reason reason;

	if (!seq_eq(seq, c->rcv_nxt))
		return store_out_of_order(c, seq, text);
	reason = take_in_order(c, text);
	if (!tcp_reorder_is_empty(&c->busy->reorder))
		absorb(c); /* even if memory ran out: rcv.nxt may have moved over what was held */
	if (!is_dead(c))
		grow_buffer(c);
	return reason;
}

/* Tells the peer of a window that opened, when that is worth a segment. */
static void announce_window(struct tcp_conn *c)
{
	if (in_state(c, TCP_CAN_RECEIVE_TEXT) && tcp_receive_window(c) > seq_len(c->rcv_adv, c->rcv_nxt))
		tcp_ack_now(c);
}

/* After data was taken from the queue: a wider window is told, and a connection that only waited for this
 * ends. */
static void after_taking(struct tcp_conn *c)
{
	if (is_dead(c))
		return;
	if ((c->flags & CONN_TABLED) == 0 && list_is_empty(&c->busy->received)) {
		tcp_conn_finish(c);
		return;
	}
	grow_buffer(c);
	announce_window(c);
}

/* Offers a chunk of the queue. While the layer above has it in its hands it does not count as unread: closing
 * then is no reset. False if the offers end here: it took less than all, or the connection is gone. */
static bool offer_chunk(struct tcp_conn *c, struct rx_chunk *k)
{
	size_t taken;

	list_remove(&k->node);
	c->busy->received_bytes -= k->len;
	taken = offer(c, rx_chunk_bytes(k));
	if (is_dead(c) || (c->flags & CONN_DETACHED) != 0 || taken == k->len) {
		pool_give(&c->tcp->chunk_pool, k);
		return !is_dead(c);
	}
	rx_chunk_drop_front(k, (uint32_t)taken);
	list_prepend(&c->busy->received, &k->node);
	c->busy->received_bytes += k->len;
	return false;
}

void tcp_receive_resume(struct tcp_conn *c)
{
	struct list *n;

	/* Nothing taken, nothing to announce: a new connection's wider window rides on its first
	 * acknowledgement. */
	if (list_is_empty(&c->busy->received))
		return;
	while (can_offer(c) && (n = list_first(&c->busy->received)) != NULL)
		if (!offer_chunk(c, rx_chunk_of(n)))
			break;
	after_taking(c);
}

size_t tcp_recv(struct stream *s, void *buf, size_t len)
{
	struct tcp_conn *c = tcp_conn_of(s);
	size_t copied = 0;
	struct list *n;

	/* Nothing is held, or the data is in on_receive()'s hands. */
	if (c->busy == NULL || (c->flags & CONN_DELIVERING) != 0)
		return 0;
	while (copied < len && (n = list_first(&c->busy->received)) != NULL) {
		struct rx_chunk *k = rx_chunk_of(n);
		uint32_t take = min_u32(k->len,
					(uint32_t)(len - copied < UINT32_MAX ? len - copied : UINT32_MAX));
		memcpy((char *)buf + copied, k->data + k->start, take);
		copied += take;
		c->busy->received_bytes -= take;
		if (take == k->len)
			free_chunk(c, k);
		else
			rx_chunk_drop_front(k, take);
	}
	after_taking(c);
	return copied;
}

void tcp_receive_free(struct tcp_conn *c)
{
	struct list *n;

	while ((n = list_first(&c->busy->received)) != NULL)
		free_chunk(c, rx_chunk_of(n));
	tcp_reorder_free(&c->busy->reorder);
	c->busy->received_bytes = 0;
}
