/*
 * The state of a connection: the diagram, the transitions that it allows, what holds in each state, and the
 * one function that changes it (RFC 9293 section 3.3.2).
 *
 *   from           to             by
 *   CLOSED         SYN-SENT       tcp_connect
 *   CLOSED         SYN-RECEIVED   the third ACK of a half-open record, or one with a SYN cookie, made a block
 *   CLOSED         SYN-RECEIVED   tcp_fast_open: a SYN with a Fast Open cookie and text
 *   SYN-SENT       SYN-RECEIVED   SYN arrives: simultaneous open
 *   SYN-SENT       ESTABLISHED    SYN and ACK of ours arrive
 *   SYN-RECEIVED   ESTABLISHED    ACK of our SYN
 *   ESTABLISHED    FIN-WAIT-1     shut down: FIN sent
 *   ESTABLISHED    CLOSE-WAIT     FIN arrives
 *   FIN-WAIT-1     FIN-WAIT-2     ACK of our FIN
 *   FIN-WAIT-1     CLOSING        FIN arrives: simultaneous close
 *   FIN-WAIT-1     TIME-WAIT      FIN with the ACK of ours (by way of FIN-WAIT-2)
 *   FIN-WAIT-2     TIME-WAIT      FIN arrives
 *   CLOSE-WAIT     LAST-ACK       shut down: FIN sent
 *   CLOSING        TIME-WAIT      ACK of our FIN
 *   LAST-ACK       CLOSED         ACK of our FIN
 *   any            CLOSED         RST, abort, timeout; TIME-WAIT: a compact record has taken over
 *
 * FIN-WAIT-1 and LAST-ACK are entered when the FIN is sent, not when it is queued: until then the state is
 * what the peer can see. A FIN that comes with the third ACK finds ESTABLISHED, and so does a shutdown from
 * before.
 */
#include "tcp/tcp_conn.h"

#include <assert.h>
#include <string.h>

static const char *const names[TCP_STATES] = {
	"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
	"FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
};

/* Index: number of the bit of the state gone from. */
static const unsigned allowed[TCP_STATES] = {
	TCP_SYN_SENT | TCP_SYN_RECEIVED,
	TCP_SYN_RECEIVED,
	TCP_SYN_RECEIVED | TCP_ESTABLISHED | TCP_CLOSED,
	TCP_ESTABLISHED | TCP_CLOSED,
	TCP_FIN_WAIT_1 | TCP_CLOSE_WAIT | TCP_CLOSED,
	TCP_FIN_WAIT_2 | TCP_CLOSING | TCP_TIME_WAIT | TCP_CLOSED,
	TCP_TIME_WAIT | TCP_CLOSED,
	TCP_LAST_ACK | TCP_CLOSED,
	TCP_TIME_WAIT | TCP_CLOSED,
	TCP_CLOSED,
	TCP_CLOSED,
};

static unsigned number(enum tcp_state s)
{
	return (unsigned)__builtin_ctz((unsigned)s);
}

const char *tcp_state_name(enum tcp_state s)
{
	return names[number(s)];
}

static void tell(struct tcp *tcp, const struct tcp_conn *c, enum tcp_state from, enum tcp_state to)
{
	char note[32]; /* two names of at most 12, without the time that printf() takes */

	stpcpy(stpcpy(stpcpy(note, tcp_state_name(from)), " -> "), tcp_state_name(to));
	observers_tell(tcp->world->observer, &(struct trace_event){ .kind = TRACE_TCP_STATE,
								    .now_us = tcp_now(tcp),
								    .conn = c,
								    .note = note,
								    .old_value = from,
								    .new_value = to });
}

void tcp_note_state(struct tcp *tcp, enum tcp_state from, enum tcp_state to)
{
	if (world_is_observed(tcp->world, TRACE_TCP_STATE))
		tell(tcp, NULL, from, to);
}

void tcp_enter(struct tcp_conn *c, enum tcp_state to)
{
	enum tcp_state from = c->state;

	assert((allowed[number(from)] & (unsigned)to) != 0);
	c->state = to;
	if (world_is_observed(c->tcp->world, TRACE_TCP_STATE))
		tell(c->tcp, c, from, to);
	if (to != TCP_CLOSED)
		tcp_timers_state_entered(c);
}

void tcp_hand_over(struct tcp_conn *c)
{
	assert(in_state(c, TCP_TIME_WAIT));
	c->state = TCP_CLOSED;
}

#ifdef TH_CHECKS
static void check_flight(const struct tcp_conn *c)
{
	struct seq at = c->snd_una;
	uint32_t pipe = 0, lost = 0, sacked = 0, segments = 0;

	LIST_FOR_EACH(n, &c->busy->flight) {
		const struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		assert(seq_eq(s->seq, at)); /* no gap, no overlap */
		assert(s->len > 0);
		at = seq_add(at, s->len);
		assert((s->flags & (SEG_LOST | SEG_SACKED)) != (SEG_LOST | SEG_SACKED));
		assert(list_is_linked(&s->condition) == ((s->flags & SEG_SACKED) == 0));
		if ((s->flags & SEG_SACKED) != 0)
			sacked += s->len;
		else if ((s->flags & SEG_LOST) != 0)
			lost += s->len;
		else
			pipe += s->len;
		segments++;
	}
	assert(seq_eq(at, c->snd_nxt));
	assert(pipe == c->busy->pipe && lost == c->busy->lost_bytes && sacked == c->busy->sacked_bytes);
	assert(segments == c->busy->flight_segments);
}

static void check_conditions(const struct tcp_conn *c)
{
	const struct tcp_segment *before = NULL;

	LIST_FOR_EACH(n, &c->busy->outstanding) {
		const struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, condition);
		assert((s->flags & (SEG_LOST | SEG_SACKED)) == 0);
		assert(before == NULL || (int32_t)(s->order - before->order) >= 0);
		before = s;
	}
	before = NULL;
	LIST_FOR_EACH(m, &c->busy->lost) {
		const struct tcp_segment *s = LIST_ENTRY(m, struct tcp_segment, condition);
		assert((s->flags & SEG_LOST) != 0);
		assert(before == NULL || seq_lt(before->seq, s->seq));
		before = s;
	}
}

/* What the numbers of both directions may be (RFC 9293 section 3.4). */
static void check_sequence_space(const struct tcp_conn *c)
{
	assert(seq_le(c->iss, c->snd_una) ||
	       seq_len(c->snd_una, c->iss) > UINT32_MAX / 2); /* or 2 GB later */
	assert(seq_le(c->snd_una, c->snd_nxt));
	assert(seq_le(c->recover, c->snd_nxt));
	assert(c->snd_wnd <= c->max_snd_wnd);
	if (!in_state(c, TCP_SYNCHRONISED))
		return;
	assert(seq_le(c->last_ack_sent, c->rcv_nxt));
	/* A FIN takes a number beyond the window. */
	assert(seq_le(c->rcv_nxt, seq_add(c->rcv_adv, (c->flags & CONN_FIN_RECEIVED) != 0 ? 1 : 0)));
}

static void check_receive(const struct tcp_conn *c)
{
	uint32_t bytes = 0;

	LIST_FOR_EACH(n, &c->busy->received)
		bytes += LIST_ENTRY(n, struct rx_chunk, node)->len;
	assert(bytes == c->busy->received_bytes);
	tcp_reorder_check(&c->busy->reorder, c->rcv_nxt);
}

static void check_send_queue(const struct tcp_conn *c)
{
	uint32_t bytes = 0;

	for (const struct send_piece *p = c->busy->send_head.piece; p != NULL; p = p->next)
		bytes += (uint32_t)p->span.len;
	if (c->busy->send_head.piece != NULL)
		bytes -= (uint32_t)c->busy->send_head.offset;
	assert(bytes == c->busy->queued);
	assert(c->busy->unsent <= c->busy->queued);
}

/* Nothing waits for the peer, nor the peer for us. */
static void check_rest(const struct tcp_conn *c)
{
	assert(in_state(c, TCP_ESTABLISHED));
	assert(seq_eq(c->snd_una, c->snd_nxt) && seq_eq(c->last_ack_sent, c->rcv_nxt));
	assert(!list_is_linked(&c->output));
	assert(tcp_timers_run(c));
}

void tcp_check(const struct tcp_conn *c)
{
	if ((c->flags & CONN_DEAD) != 0) {
		assert(c->state == TCP_CLOSED);
		return;
	}
	check_sequence_space(c);
	if (c->busy == NULL) {
		check_rest(c);
		return;
	}
	check_flight(c);
	check_conditions(c);
	check_receive(c);
	check_send_queue(c);
	/* A connection that waits for an acknowledgement has a timer running. */
	if (!list_is_empty(&c->busy->flight))
		assert(c->busy->retransmit_at != TIMER_NEVER);
	assert(tcp_timers_run(c));
	/* Nothing stands still: what may be sent is in line to be, or waits for its turn by the pacing timer;
	 * and what may not has a timer that asks again. */
	assert(!tcp_is_stalled(c));
	if (c->busy->unsent > 0 && in_state(c, TCP_CAN_SEND_TEXT))
		assert(list_is_linked(&c->output) || c->busy->retransmit_at != TIMER_NEVER ||
		       c->busy->pace_at != TIMER_NEVER);
	/* FIN is the last thing sent, and these states mean that it was. */
	if (in_state(c, TCP_FIN_WAIT_1 | TCP_FIN_WAIT_2 | TCP_CLOSING | TCP_LAST_ACK | TCP_TIME_WAIT))
		assert((c->flags & CONN_FIN_SENT) != 0 && c->busy->unsent == 0);
	if (in_state(c, TCP_CLOSE_WAIT | TCP_CLOSING | TCP_LAST_ACK | TCP_TIME_WAIT))
		assert((c->flags & CONN_FIN_RECEIVED) != 0);
	if (in_state(c, TCP_SYN_SENT))
		assert(c->rcv_nxt.n == 0 && c->busy->received_bytes == 0);
}

struct sums {
	size_t conns, busy, segments, pieces, chunks, ranges;
	uint32_t orphans, accept_queued;
};

static void add_conn(struct sums *sum, const struct tcp_conn *c)
{
	sum->conns++;
	sum->orphans += (c->flags & (CONN_DETACHED | CONN_DEAD)) == CONN_DETACHED;
	if (c->busy == NULL)
		return;
	sum->busy++;
	sum->segments += c->busy->flight_segments;
	for (const struct send_piece *p = c->busy->send_head.piece; p != NULL; p = p->next)
		sum->pieces++;
	LIST_FOR_EACH(n, &c->busy->received)
		sum->chunks++;
	sum->chunks += c->busy->reorder.n_chunks;
	sum->ranges += c->busy->reorder.n_ranges;
	sum->accept_queued += list_is_linked(&c->busy->accept);
}

void tcp_check_memory(const struct tcp *tcp)
{
	struct sums sum = { 0 };

	for (uint32_t i = 0; i < tcp->n_buckets; i++)
		for (const struct tcp_conn *c = tcp->conns[i]; c != NULL; c = c->hash_next)
			add_conn(&sum, c);
	LIST_FOR_EACH(n, &tcp->lingering)
		add_conn(&sum, LIST_ENTRY(n, struct tcp_conn, output));
	LIST_FOR_EACH(m, &tcp->graveyard)
		add_conn(&sum, LIST_ENTRY(m, struct tcp_conn, output));
	assert(sum.conns == tcp->conn_pool.in_use && sum.busy == tcp->busy_pool.in_use);
	assert(sum.segments == tcp->segment_pool.in_use && sum.pieces == tcp->piece_pool.in_use);
	assert(sum.chunks == tcp->chunk_pool.in_use && sum.ranges == tcp->range_pool.in_use);
	assert(sum.orphans == tcp->orphans && sum.accept_queued == tcp->accept_queued);
}
#else
void tcp_check(const struct tcp_conn *c)
{
	(void)c;
}

void tcp_check_memory(const struct tcp *tcp)
{
	(void)tcp;
}
#endif
