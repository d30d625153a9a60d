/*
 * Finding losses and recovering from them without SACK: three duplicate acknowledgements (RFC 5681 section
 * 3.2, NewReno's partial acknowledgements of RFC 6582, limited transmit of RFC 3042), and the retransmission
 * timer (RFC 6298).
 *
 * Nothing is sent from here: segments are marked lost and taken out of `pipe`, and tcp_output.c sends them
 * again as the congestion window allows. A duplicate acknowledgement says that one segment has left the
 * network; it is counted in reno_sacked, which lowers what is deemed in flight and so lets one segment out.
 * (RFC 6582 says the same by inflating cwnd.)
 */
#include "tcp/tcp_conn.h"

uint32_t tcp_in_flight(const struct tcp_conn *c)
{
	return c->pipe > c->reno_sacked ? c->pipe - c->reno_sacked : 0;
}

static void tell_cwnd(struct tcp_conn *c, uint32_t before, const char *note)
{
	if (UNLIKELY(c->tcp->world->observer != NULL) && c->cc.cwnd != before)
		observers_tell(c->tcp->world->observer, &(struct trace_event){ .kind = TRACE_TCP_CWND,
									       .now_us = tcp_now(c->tcp),
									       .conn = c,
									       .note = note,
									       .old_value = before,
									       .new_value = c->cc.cwnd });
}

static struct tcp_cc_event event(const struct tcp_conn *c, uint32_t acked, uint32_t in_flight)
{
	return (struct tcp_cc_event){
		.now_us = tcp_now(c->tcp),
		.mss = c->mss,
		.acked = acked,
		.flight = in_flight,
		.srtt_us = c->srtt_us,
		/* In slow start more than half a window in flight will do: it doubles in a round trip. */
		.cwnd_limited = (c->flags & CONN_CWND_LIMITED) != 0 ||
				(c->cc.cwnd < c->cc.ssthresh && in_flight > c->cc.cwnd / 2),
	};
}

static void mark_lost(struct tcp_conn *c, struct tcp_segment *s)
{
	if ((s->flags & SEG_LOST) != 0)
		return;
	s->flags |= SEG_LOST;
	c->pipe -= s->len;
}

/* The first unacknowledged segment, and no more than one: of a super-segment only its first MSS. */
static void mark_head_lost(struct tcp_conn *c)
{
	struct list *n = list_first(&c->flight);
	struct tcp_segment *s;

	if (n == NULL)
		return;
	s = LIST_ENTRY(n, struct tcp_segment, node);
	if (s->len > c->mss && (s->flags & SEG_LOST) == 0)
		tcp_segment_split(c, s, c->mss); /* no memory to split: all of it is sent again */
	mark_lost(c, s);
	c->flags |= CONN_RETRANSMIT_NOW;
	tcp_want_output(c);
}

static void enter_recovery(struct tcp_conn *c)
{
	uint32_t before = c->cc.cwnd;
	/* What limited transmit sent beyond the window does not count as flight (RFC 5681 section 3.2 step
	 * 2). */
	struct tcp_cc_event e = event(c, 0, c->pipe < before ? c->pipe : before);

	c->flags |= CONN_RECOVERY;
	c->recover = c->snd_nxt;
	c->cc.ops->on_loss(&c->cc, &e);
	c->tcp->counters.fast_retrans++;
	tell_cwnd(c, before, "loss: three duplicate ACKs");
	mark_head_lost(c);
}

/*
 * Do three duplicate ACKs mean a loss? After recovery what had arrived may have been sent again, and they are
 * the answer to that: RFC 6582 section 3.2 step 2. But if ACKs came steadily before, nothing was sent
 * needlessly (section 4.1).
 */
static bool is_loss(const struct tcp_conn *c)
{
	return seq_gt(c->snd_una, c->recover) || (c->cc.cwnd > c->mss && c->last_acked <= 4u * c->mss);
}

void tcp_on_duplicate_ack(struct tcp_conn *c)
{
	c->tcp->counters.dup_acks_in++;
	if ((c->flags & CONN_RTO_RECOVERY) != 0)
		return;
	c->reno_sacked += c->mss;
	if (c->reno_sacked > c->pipe)
		c->reno_sacked = c->pipe;
	tcp_want_output(c);
	if ((c->flags & CONN_RECOVERY) != 0 || ++c->dup_acks < TCP_DUP_ACK_THRESHOLD)
		return;
	if (is_loss(c))
		enter_recovery(c);
	else
		c->dup_acks = 0;
}

static void leave_recovery(struct tcp_conn *c)
{
	uint32_t before = c->cc.cwnd;

	/* RFC 6582 section 3.2 step 3: no burst out of recovery. */
	if ((c->flags & CONN_RECOVERY) != 0 && c->cc.cwnd > tcp_in_flight(c) + 2 * (uint32_t)c->mss &&
	    c->cc.cwnd > c->cc.ssthresh)
		c->cc.cwnd = c->cc.ssthresh;
	c->flags &= ~(unsigned)(CONN_RECOVERY | CONN_RTO_RECOVERY);
	tell_cwnd(c, before, "recovered");
}

static void on_partial_ack(struct tcp_conn *c, uint32_t acked)
{
	/* The bytes acknowledged beyond the one segment that was sent again had been counted by duplicate
	 * ACKs. */
	uint32_t counted = acked > c->mss ? acked - c->mss : 0;

	c->reno_sacked = c->reno_sacked > counted ? c->reno_sacked - counted : 0;
	mark_head_lost(c);
}

void tcp_on_new_ack(struct tcp_conn *c, uint32_t acked, uint32_t flight_before)
{
	uint32_t before = c->cc.cwnd;
	struct tcp_cc_event e = event(c, acked, flight_before);

	c->dup_acks = 0;
	c->last_acked = acked;
	if ((c->flags & (CONN_RECOVERY | CONN_RTO_RECOVERY)) != 0 && seq_ge(c->snd_una, c->recover)) {
		leave_recovery(c);
		c->reno_sacked = 0;
	} else if ((c->flags & CONN_RECOVERY) != 0) {
		on_partial_ack(c, acked);
	} else {
		c->reno_sacked = 0;
		c->cc.ops->on_ack(&c->cc, &e);
		tell_cwnd(c, before, c->cc.cwnd <= c->cc.ssthresh ? "slow start" : "congestion avoidance");
	}
	if (c->reno_sacked > c->pipe)
		c->reno_sacked = c->pipe;
	if (seq_gt(c->snd_una, c->recover)) /* it comes along: 2^31 bytes later it would lie ahead */
		c->recover = seq_sub(c->snd_una, 1);
}

void tcp_on_syn_lost(struct tcp_conn *c, unsigned times)
{
	c->cc.ops->init(&c->cc, &(struct tcp_cc_event){ .mss = c->mss });
	if (times > 1) /* RFC 5681 section 3.1, as RFC 6928 section 2 relaxes it: one may be chance */
		c->cc.cwnd = c->mss;
	c->rto_us = 3 * c->tcp->config.initial_rto_us; /* RFC 6298 (5.7) */
	c->backoff = 0;
}

void tcp_on_retransmission_timeout(struct tcp_conn *c)
{
	uint32_t before = c->cc.cwnd;
	struct tcp_cc_event e = event(c, 0, c->pipe);

	c->tcp->counters.timeouts++;
	/* ssthresh is set once for the same data, not at each back-off (RFC 5681 equation 4's note). */
	if (c->timeouts == 0)
		c->cc.ops->on_timeout(&c->cc, &e);
	LIST_FOR_EACH(n, &c->flight)
		mark_lost(c, LIST_ENTRY(n, struct tcp_segment, node));
	c->flags &= ~(unsigned)(CONN_RECOVERY | CONN_RETRANSMIT_NOW);
	c->flags |= CONN_RTO_RECOVERY;
	c->recover = c->snd_nxt;
	c->reno_sacked = 0;
	c->dup_acks = 0;
	tell_cwnd(c, before, "loss: retransmission timeout");
	tcp_want_output(c);
}
