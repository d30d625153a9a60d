/*
 * The send queue: references to the bytes that the layer above queued (spans), in order, from snd.una on; and
 * over them the segments in flight, also in order and without gaps. Nothing is copied: a segment remembers
 * where in the queue its payload begins, and its retransmission points there again (design rule 3).
 */
#include "tcp/tcp_conn.h"

#include <assert.h>
#include <errno.h>

#include "base/minmax.h"

enum { SCARCE_PIECES = 64 };

/* Of the last quarter of a pool that all connections share each gets a few only, so that a hundred that
 * take what they can get (a tiny MSS and no acknowledgement; request after request and none answered)
 * cannot keep all others from going on. */
static bool is_scarce(const struct pool *pool)
{
	return pool->in_use >= pool->limit - pool->limit / 4;
}

static void advance(struct send_cursor *at, size_t n)
{
	while (n > 0) {
		size_t left = at->piece->span.len - at->offset;
		if (n < left) {
			at->offset += n;
			return;
		}
		n -= left;
		at->piece = at->piece->next;
		at->offset = 0;
	}
}

/* Pieces that are not in a queue yet. */
struct chain {
	struct send_piece *first, *last;
	uint32_t n, bytes;
};

/* One for each span that has bytes; none taken if the pool is empty. */
static bool make_pieces(struct tcp *tcp, const struct span *spans, size_t count, struct chain *out)
{
	struct send_piece **end = &out->first;

	*out = (struct chain){ .first = NULL };
	for (size_t i = 0; i < count; i++) {
		struct send_piece *p;
		if (spans[i].len == 0)
			continue;
		p = pool_take(&tcp->piece_pool);
		if (p == NULL)
			goto fail;
		p->next = NULL;
		p->span = spans[i];
		*end = out->last = p;
		end = &p->next;
		out->n++;
		out->bytes += (uint32_t)spans[i].len;
	}
	return true;
fail:
	for (struct send_piece *p = out->first, *next; p != NULL; p = next) {
		next = p->next;
		pool_give(&tcp->piece_pool, p);
	}
	return false;
}

static size_t total_of(const struct span *spans, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += spans[i].len;
	return bytes;
}

/* They have no piece to hold their owner. */
static void drop_empty(const struct span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (spans[i].len == 0)
			span_owner_unref(spans[i].owner);
}

static void append(struct tcp_busy *b, const struct chain *chain)
{
	if (b->send_tail != NULL)
		b->send_tail->next = chain->first;
	else
		b->send_head = (struct send_cursor){ chain->first, 0 };
	b->send_tail = chain->last;
	if (b->send_next.piece == NULL)
		b->send_next = (struct send_cursor){ chain->first, 0 };
	b->n_pieces += chain->n;
	b->queued += chain->bytes;
	b->unsent += chain->bytes;
}

int tcp_send_queue(struct tcp_conn *c, const struct span *spans, size_t count)
{
	struct chain chain;

	/* Once past the room by one call is allowed, past what a 32-bit sequence space can hold is not. */
	if (total_of(spans, count) > INT32_MAX - c->busy->queued)
		return -ENOBUFS;
	if (!make_pieces(c->tcp, spans, count, &chain))
		return -ENOMEM;
	if (UNLIKELY(chain.n < count))
		drop_empty(spans, count);
	if (chain.n > 0)
		append(c->busy, &chain);
	return 0;
}

bool tcp_segments_are_scarce(const struct tcp *tcp)
{
	return is_scarce(&tcp->segment_pool);
}

uint32_t tcp_max_flight(const struct tcp_conn *c)
{
	return tcp_segments_are_scarce(c->tcp) ? TCP_SCARCE_FLIGHT : TCP_MAX_FLIGHT;
}

uint32_t tcp_send_buffer(const struct tcp_conn *c)
{
	const struct tcp_config *config = &c->tcp->config;
	uint32_t cwnd = c->busy != NULL ? c->busy->cc.cwnd : c->rested.cwnd;
	uint32_t wanted = cwnd < config->send_buffer_max / 2 ? 2 * cwnd : config->send_buffer_max;

	return max_u32(wanted, config->send_buffer);
}

uint32_t tcp_send_room(const struct tcp_conn *c)
{
	uint32_t buffer = tcp_send_buffer(c);

	if (c->busy == NULL)
		return buffer;
	if (c->busy->n_pieces >= SCARCE_PIECES && is_scarce(&c->tcp->piece_pool))
		return 0;
	return c->busy->queued < buffer ? buffer - c->busy->queued : 0;
}

struct tcp_segment *tcp_segment_new(struct tcp_conn *c, uint32_t payload, uint16_t flags)
{
	struct tcp_segment *s;

	if (tcp_flight_is_full(c))
		return NULL;
	s = pool_take(&c->tcp->segment_pool);
	if (s == NULL)
		return NULL;
	assert(payload <= c->busy->unsent);
	*s = (struct tcp_segment){
		.from = c->busy->send_next,
		.sent_us = tcp_now(c->tcp),
		.seq = c->snd_nxt,
		.len = payload + ((flags & (SEG_SYN | SEG_FIN)) != 0 ? 1 : 0),
		.flags = flags,
	};
	list_init(&s->condition);
	advance(&c->busy->send_next, payload);
	c->busy->unsent -= payload;
	c->snd_nxt = seq_add(c->snd_nxt, s->len);
	c->busy->flight_segments++;
	list_append(&c->busy->flight, &s->node);
	return s;
}

/* ---- the conditions of a segment ---- */

/* Where the bytes of a segment that was sent, or is lost, are counted. */
static uint32_t *count_of(struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((s->flags & SEG_SACKED) != 0)
		return &c->busy->sacked_bytes;
	return (s->flags & SEG_LOST) != 0 ? &c->busy->lost_bytes : &c->busy->pipe;
}

/* Out of its condition; where it was not sent yet, it had none. */
static void leave(struct tcp_conn *c, struct tcp_segment *s)
{
	if ((s->flags & SEG_SACKED) == 0 && !list_is_linked(&s->condition))
		return;
	*count_of(c, s) -= s->len;
	if ((s->flags & SEG_SACKED) != 0)
		c->busy->sacked_segments--;
	if (c->busy->last_found == &s->condition)
		c->busy->last_found = s->condition.prev;
	if (c->busy->last_lost == &s->condition)
		c->busy->last_lost = s->condition.prev;
	list_remove(&s->condition);
	s->flags &= (uint16_t)~(SEG_SACKED | SEG_LOST);
}

static struct tcp_segment *by_condition(struct list *n)
{
	return LIST_ENTRY(n, struct tcp_segment, condition);
}

static bool was_sent_after(const struct tcp_segment *a, const struct tcp_segment *b)
{
	return (int32_t)(a->order - b->order) > 0;
}

static bool lies_behind(const struct tcp_segment *a, const struct tcp_segment *b)
{
	return seq_gt(a->seq, b->seq);
}

/* In order, into the list that *last, the one put in before, is of. They come in runs, each in
 * order: looked for from either end the places of a run would cost the product of two lengths, at
 * the will of a peer that sacks. */
static void insert(struct list *head, struct list **last, struct tcp_segment *s,
		   bool (*comes_after)(const struct tcp_segment *a, const struct tcp_segment *b))
{
	struct list *at = *last;

	while (at != head && comes_after(by_condition(at), s))
		at = at->prev;
	while (at->next != head && !comes_after(by_condition(at->next), s))
		at = at->next;
	list_insert_after(at, &s->condition);
	*last = &s->condition;
}

void tcp_segment_sent(struct tcp_conn *c, struct tcp_segment *s)
{
	leave(c, s);
	s->sent_us = tcp_now(c->tcp);
	s->order = ++c->busy->transmissions;
	tcp_rate_sent(c, s);
	list_append(&c->busy->outstanding, &s->condition);
	c->busy->pipe += s->len;
	s->mark.in_flight = c->busy->pipe;
}

void tcp_segment_lost(struct tcp_conn *c, struct tcp_segment *s)
{
	if ((s->flags & (SEG_LOST | SEG_SACKED)) != 0)
		return;
	leave(c, s);
	s->flags |= SEG_LOST;
	insert(&c->busy->lost, &c->busy->last_lost, s, lies_behind);
	c->busy->lost_bytes += s->len;
}

void tcp_segment_found(struct tcp_conn *c, struct tcp_segment *s)
{
	leave(c, s);
	insert(&c->busy->outstanding, &c->busy->last_found, s, was_sent_after);
	c->busy->pipe += s->len;
}

void tcp_segment_reneged(struct tcp_conn *c, struct tcp_segment *s)
{
	leave(c, s);
	tcp_segment_lost(c, s);
}

static void note_round_trip(struct tcp_delivery *d, const struct tcp_segment *s, uint64_t now_us)
{
	bool again = (s->flags & SEG_RETRANSMITTED) != 0;
	uint64_t ago_us = now_us - s->sent_us;

	if (!d->whole || again > d->retransmitted || (again == d->retransmitted && ago_us < d->ago_us))
		d->ago_us = ago_us;
	d->whole = true;
	d->retransmitted |= again;
}

/* A whole segment has arrived, and this is the first we hear of it. */
static void note_delivered(struct tcp_conn *c, struct tcp_segment *s, struct tcp_delivery *d)
{
	d->delivered += s->len;
	note_round_trip(d, s, tcp_now(c->tcp));
	tcp_rate_delivered(c, d, s);
	tcp_rack_delivered(c, d, s);
	tcp_mtu_delivered(c, s);
	if ((s->flags & SEG_RETRANSMITTED) == 0 && seq_le(seq_add(s->seq, s->len), c->recover))
		d->original = true;
}

void tcp_segment_sacked(struct tcp_conn *c, struct tcp_segment *s, struct tcp_delivery *d)
{
	note_delivered(c, s, d);
	leave(c, s);
	s->flags |= SEG_SACKED;
	c->busy->sacked_bytes += s->len;
	c->busy->sacked_segments++;
}

bool tcp_segment_split(struct tcp_conn *c, struct tcp_segment *s, uint32_t len)
{
	struct tcp_segment *rest;

	if (c->busy->flight_segments >= 2 * TCP_MAX_FLIGHT)
		return false;
	rest = pool_take(&c->tcp->segment_pool);
	if (rest == NULL)
		return false;
	assert(len > 0 && len < s->len && (s->flags & SEG_SYN) == 0);
	if ((s->flags & SEG_MTU_PROBE) != 0)
		tcp_mtu_probe_cut(c, s);
	*rest = *s;
	rest->seq = seq_add(s->seq, len);
	rest->len = s->len - len;
	if (rest->len > ((s->flags & SEG_FIN) != 0 ? 1u : 0u))
		advance(&rest->from, len);
	else
		rest->from = (struct send_cursor){ NULL, 0 }; /* FIN alone */
	s->len = len;
	s->flags &= (uint16_t)~(SEG_FIN | SEG_PUSH);
	list_insert_after(&s->node, &rest->node);
	list_init(&rest->condition);
	if (list_is_linked(&s->condition))
		list_insert_after(&s->condition, &rest->condition);
	if ((s->flags & SEG_SACKED) != 0)
		c->busy->sacked_segments++;
	c->busy->flight_segments++;
	return true;
}

/* Releases the first n bytes of the queue. */
static void release(struct tcp_conn *c, uint32_t n)
{
	c->busy->queued -= n;
	while (n > 0) {
		struct send_piece *p = c->busy->send_head.piece;
		size_t left = p->span.len - c->busy->send_head.offset;
		if (n < left) {
			c->busy->send_head.offset += n;
			return;
		}
		n -= (uint32_t)left;
		c->busy->send_head = (struct send_cursor){ p->next, 0 };
		if (p->next == NULL)
			c->busy->send_tail = NULL;
		span_owner_unref(p->span.owner);
		pool_give(&c->tcp->piece_pool, p);
		c->busy->n_pieces--;
	}
}

/* The part of s before ack is acknowledged and s goes on: it held payload in front, since SYN stands alone
 * and FIN last. */
static uint32_t cut_front(struct tcp_conn *c, struct tcp_segment *s, struct seq ack, struct tcp_delivery *d)
{
	uint32_t n = seq_len(ack, s->seq);
	bool only_fin_left = (s->flags & SEG_FIN) != 0 && n + 1 == s->len;

	if ((s->flags & SEG_SACKED) == 0) {
		d->delivered += n;
		tcp_rate_partly_delivered(c, n);
	}
	*count_of(c, s) -= n;
	if (only_fin_left)
		s->from = (struct send_cursor){ NULL, 0 };
	else
		advance(&s->from, n);
	s->seq = ack;
	s->len -= n;
	return n;
}

static void free_segment(struct tcp_conn *c, struct tcp_segment *s)
{
	leave(c, s);
	list_remove(&s->node);
	c->busy->flight_segments--;
	pool_give(&c->tcp->segment_pool, s);
}

void tcp_send_acked(struct tcp_conn *c, struct seq ack, struct tcp_delivery *d)
{
	uint32_t bytes = 0;
	struct list *n;

	d->acked = seq_len(ack, c->snd_una);
	while ((n = list_first(&c->busy->flight)) != NULL) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		if (seq_le(ack, s->seq))
			break;
		if (seq_lt(ack, seq_add(s->seq, s->len))) {
			bytes += cut_front(c, s, ack, d);
			break;
		}
		bytes += s->len - ((s->flags & (SEG_SYN | SEG_FIN)) != 0 ? 1 : 0);
		if ((s->flags & SEG_SACKED) == 0)
			note_delivered(c, s, d);
		free_segment(c, s);
	}
	c->snd_una = ack;
	c->bytes_acked += bytes;
	release(c, bytes);
}

void tcp_send_free(struct tcp_conn *c)
{
	struct list *n;

	while ((n = list_first(&c->busy->flight)) != NULL)
		free_segment(c, LIST_ENTRY(n, struct tcp_segment, node));
	release(c, c->busy->queued);
	c->busy->unsent = 0;
	c->busy->send_next = (struct send_cursor){ NULL, 0 };
	c->snd_una = c->snd_nxt;
}
