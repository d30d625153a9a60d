/*
 * Episodes of loss recovery: how one begins (a loss was found, or the retransmission timer fired), how many
 * bytes may be in flight during it, and how it ends. What finds losses is tcp_rack.c with SACK and
 * tcp_newreno.c without; what shows that a loss was none is tcp_undo.c.
 *
 * Nothing is sent from here: segments are marked lost and so taken out of `pipe`, and tcp_output.c sends them
 * again as the congestion window allows. With SACK proportional rate reduction (RFC 9937) sets the window
 * during fast recovery, from what each acknowledgement delivers; an algorithm that owns its window does it
 * itself.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

void tcp_tell_cwnd(struct tcp_conn *c, uint32_t before, const char *note)
{
	uint32_t ssthresh_before = c->busy->ssthresh_told;

	if (!world_is_observed(c->tcp->world, TRACE_TCP_SSTHRESH | TRACE_TCP_CWND))
		return;
	c->busy->ssthresh_told = c->busy->cc.ssthresh;
	if (c->busy->cc.ssthresh != ssthresh_before)
		tcp_tell(c, TRACE_TCP_SSTHRESH, note, ssthresh_before, c->busy->cc.ssthresh);
	if (c->busy->cc.cwnd != before)
		tcp_tell(c, TRACE_TCP_CWND, note, before, c->busy->cc.cwnd);
}

void tcp_tell_recovery(struct tcp_conn *c, uint32_t before, const char *note)
{
	tcp_tell(c, TRACE_TCP_RECOVERY, note, before, c->busy->cc.cwnd);
	tcp_tell_cwnd(c, before, note);
}

struct tcp_cc_event tcp_cc_event(const struct tcp_conn *c, const struct tcp_delivery *d)
{
	uint32_t flight = d != NULL ? d->flight : tcp_in_flight(c);

	return (struct tcp_cc_event){
		.now_us = tcp_now(c->tcp),
		.mss = c->mss,
		.acked = d != NULL ? d->delivered : 0,
		.newly_lost = d != NULL ? d->lost : 0,
		.flight = flight,
		.in_flight = tcp_in_flight(c),
		.srtt_us = c->srtt_us,
		.min_rtt_us = c->min_rtt_us,
		.rtt_us = d != NULL ? d->rtt_us : 0,
		.delivered = c->busy->rate.delivered,
		.lost = c->busy->rate.lost,
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_nxt,
		/* In slow start more than half a window in flight will do: it doubles in a round trip. */
		.cwnd_limited = (c->flags & CONN_CWND_LIMITED) != 0 ||
				(c->busy->cc.cwnd < c->busy->cc.ssthresh && flight > c->busy->cc.cwnd / 2),
		.app_limited = c->busy->rate.app_limited != 0,
		.in_recovery = is_recovering(c),
		.rate = d != NULL && d->rate.rate > 0 ? &d->rate : NULL,
		.random = &c->tcp->world->random,
	};
}

void tcp_init_congestion(struct tcp_conn *c)
{
	const struct tcp_cc_event e = {
		.now_us = tcp_now(c->tcp),
		.mss = c->mss,
		.srtt_us = c->srtt_us,
		.min_rtt_us = c->min_rtt_us,
	};

	c->busy->cc.pacing_rate = 0;
	c->busy->cc.prior_cwnd = c->busy->cc.prior_ssthresh = 0;
	c->busy->cc.ops->init(&c->busy->cc, &e);
	c->busy->ssthresh_told = c->busy->cc.ssthresh;
	c->busy->rack = (struct tcp_rack){ .fack = c->snd_una, .end = c->snd_una, .reo_wnd_mult = 1 };
	c->busy->undo = (struct tcp_undo){ .armed = false };
}

/* FlightSize (RFC 5681 section 2): sent and not cumulatively acknowledged. What limited transmit sent beyond
 * the window does not count (section 3.2 step 2). */
static uint32_t flight_size(const struct tcp_conn *c)
{
	return min_u32(seq_len(c->snd_nxt, c->snd_una), c->busy->cc.cwnd);
}

/* ---- what is lost ---- */

void tcp_mark_lost(struct tcp_conn *c, struct tcp_segment *s)
{
	if ((s->flags & (SEG_LOST | SEG_SACKED)) != 0)
		return;
	if ((s->flags & SEG_MTU_PROBE) != 0)
		tcp_mtu_probe_lost(c, s);
	c->busy->rate.lost += s->len;
	tcp_segment_lost(c, s);
	if (c->busy->cc.ops->on_segment_lost != NULL) {
		struct tcp_cc_event e = tcp_cc_event(c, NULL);
		struct tcp_cc_lost lost = {
			.len = s->len,
			.tx_in_flight = s->mark.in_flight,
			.prior_lost = s->mark.lost,
			.prior_delivered = s->mark.delivered,
			.app_limited = (s->flags & SEG_APP_LIMITED) != 0,
		};
		c->busy->cc.ops->on_segment_lost(&c->busy->cc, &e, &lost);
	}
}

/* The first unacknowledged segment, and no more than one: of a super-segment only its first MSS. */
void tcp_mark_head_lost(struct tcp_conn *c)
{
	struct list *n = list_first(&c->busy->flight);
	struct tcp_segment *s;

	if (n == NULL)
		return;
	s = LIST_ENTRY(n, struct tcp_segment, node);
	if (s->len > c->mss && (s->flags & SEG_LOST) == 0)
		tcp_segment_split(c, s, c->mss); /* no memory to split: all of it is sent again */
	tcp_mark_lost(c, s);
	c->flags |= CONN_RETRANSMIT_NOW;
	tcp_want_output(c);
}

/* ---- fast recovery ---- */

/* Reno and CUBIC with SACK. Without SACK what duplicate ACKs tell of is counted in reno_sacked instead. */
static bool uses_prr(const struct tcp_conn *c)
{
	return (c->flags & CONN_SACK) != 0 && !c->busy->cc.ops->owns_window;
}

void tcp_enter_recovery(struct tcp_conn *c, struct tcp_delivery *d, const char *why)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, d);

	e.flight = flight_size(c);
	tcp_undo_begin(c);
	c->flags |= CONN_RECOVERY | CONN_RETRANSMIT_NOW;
	c->recover = c->snd_nxt;
	c->busy->rack.probe_out = false;
	c->busy->prr = (struct tcp_prr){ .recover_flight = max_u32(d->flight, c->mss) };
	c->busy->cc.ops->on_loss(&c->busy->cc, &e);
	tcp_ecn_reduced(c);
	if ((c->flags & CONN_SACK) != 0)
		c->tcp->counters.sack_recovery++;
	else
		c->tcp->counters.reno_recovery++;
	tcp_tell_recovery(c, before, why);
	tcp_want_output(c);
}

/* RFC 9937 section 6.2 (RFC 6937 section 3, mended): as much is sent as was delivered, less what the window
 * is to shrink by; below ssthresh a segment more, as slow start would, but only while recovery makes progress
 * and no more losses come to light. */
static void reduce_proportionally(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_prr *p = &c->busy->prr;
	uint32_t pipe = c->busy->pipe, ssthresh = c->busy->cc.ssthresh, room;

	p->delivered += d->delivered;
	if (pipe > ssthresh) {
		uint64_t target = ((uint64_t)p->delivered * ssthresh + p->recover_flight - 1) /
				  p->recover_flight;
		room = target > p->out ? (uint32_t)(target - p->out) : 0;
	} else {
		uint32_t limit = max_u32(p->delivered > p->out ? p->delivered - p->out : 0, d->delivered);
		if (d->acked > 0 && d->lost == 0)
			limit += c->mss;
		room = min_u32(ssthresh - pipe, limit);
	}
	if (p->out == 0) /* the first retransmission does not wait */
		room = max_u32(room, c->mss);
	c->busy->cc.cwnd = pipe + room;
}

void tcp_recovery_sent(struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((c->flags & CONN_RECOVERY) != 0)
		c->busy->prr.out += s->len;
}

static void leave_recovery(struct tcp_conn *c, struct tcp_delivery *d)
{
	uint32_t before = c->busy->cc.cwnd;
	bool was_fast = (c->flags & CONN_RECOVERY) != 0;

	d->ends_recovery = true;
	c->flags &= ~(unsigned)(CONN_RECOVERY | CONN_RTO_RECOVERY);
	c->busy->undo.frto = FRTO_OFF;
	tcp_rack_recovered(c);
	if (was_fast && uses_prr(c))
		c->busy->cc.cwnd = c->busy->cc.ssthresh;
	/* RFC 6582 section 3.2 step 3: no burst out of recovery. */
	else if (was_fast && c->busy->cc.cwnd > tcp_in_flight(c) + 2 * (uint32_t)c->mss &&
		 c->busy->cc.cwnd > c->busy->cc.ssthresh && !c->busy->cc.ops->owns_window)
		c->busy->cc.cwnd = c->busy->cc.ssthresh;
	if (c->busy->cc.ops->on_recovered != NULL) {
		struct tcp_cc_event e = tcp_cc_event(c, d);
		c->busy->cc.ops->on_recovered(&c->busy->cc, &e);
	}
	tcp_tell_recovery(c, before, "recovered");
}

/* ---- acknowledgements ---- */

static void grow(struct tcp_conn *c, const struct tcp_delivery *d)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e;

	if (d->delivered == 0)
		return;
	/* Only what is acknowledged cumulatively widens the window (RFC 5681 section 3.1, RFC 3042 section
	 * 2). */
	if (!c->busy->cc.ops->owns_window &&
	    (d->acked == 0 || d->ends_recovery || (c->flags & CONN_RECOVERY) != 0))
		return;
	e = tcp_cc_event(c, d);
	c->busy->cc.ops->on_ack(&c->busy->cc, &e);
	/* RFC 5682 section 2.1 (2b) */
	if (c->busy->undo.frto == FRTO_NEW_DATA && !c->busy->cc.ops->owns_window)
		c->busy->cc.cwnd = min_u32(c->busy->cc.cwnd, tcp_in_flight(c) + 2u * c->mss);
	tcp_tell_cwnd(c, before,
		      c->busy->cc.cwnd <= c->busy->cc.ssthresh ? "slow start" : "congestion avoidance");
}

static void recover_with_sack(struct tcp_conn *c, struct tcp_delivery *d)
{
	tcp_rack_on_ack(c, d);
	if (is_recovering(c) && seq_ge(c->snd_una, c->recover))
		leave_recovery(c, d);
	if (d->delivered == 0 && !d->dsack)
		return;
	if (tcp_rack_detect(c, d)) {
		tcp_want_output(c);
		if (!is_recovering(c))
			tcp_enter_recovery(c, d, "loss: RACK");
	}
	if ((c->flags & CONN_RECOVERY) != 0 && uses_prr(c))
		reduce_proportionally(c, d);
}

static void recover_without_sack(struct tcp_conn *c, struct tcp_delivery *d)
{
	if (d->is_duplicate)
		tcp_newreno_on_duplicate_ack(c, d);
	if (d->acked == 0)
		return;
	c->dup_acks = 0;
	c->busy->last_acked = d->acked;
	if (is_recovering(c) && seq_ge(c->snd_una, c->recover)) {
		leave_recovery(c, d);
		c->busy->reno_sacked = 0;
	} else if ((c->flags & CONN_RECOVERY) != 0) {
		tcp_newreno_on_partial_ack(c, d->acked);
	} else {
		c->busy->reno_sacked = 0;
	}
	c->busy->reno_sacked = min_u32(c->busy->reno_sacked, c->busy->pipe);
}

void tcp_recover(struct tcp_conn *c, struct tcp_delivery *d)
{
	if (is_recovering(c) || c->busy->undo.armed)
		tcp_undo_on_ack(c, d);
	if ((c->flags & CONN_SACK) != 0)
		recover_with_sack(c, d);
	else
		recover_without_sack(c, d);
	if (tcp_uses_ecn(c))
		tcp_ecn_on_ack(c, d);
	grow(c, d);
	tcp_pacing_update(c);
	if (seq_gt(c->snd_una, c->recover)) /* it comes along: 2^31 bytes later it would lie ahead */
		c->recover = seq_sub(c->snd_una, 1);
}

/* ---- timers ---- */

void tcp_on_syn_lost(struct tcp_conn *c, unsigned times)
{
	tcp_init_congestion(c);
	if (times > 1) /* RFC 5681 section 3.1, as RFC 6928 section 2 relaxes it: one may be chance */
		c->busy->cc.cwnd = c->mss;
	c->rto_us = 3 * c->tcp->config.initial_rto_us; /* RFC 6298 (5.7) */
	c->backoff = 0;
}

void tcp_on_reordering_timeout(struct tcp_conn *c)
{
	struct tcp_delivery d = { .flight = tcp_in_flight(c) };

	if (!tcp_rack_detect(c, &d))
		return;
	if (!is_recovering(c))
		tcp_enter_recovery(c, &d, "loss: RACK's reordering window is over");
	if ((c->flags & CONN_RECOVERY) != 0 && uses_prr(c))
		reduce_proportionally(c, &d);
	tcp_want_output(c);
}

/* A peer that does not hold what it has sacked (RFC 2018 section 8): then the first segment would be
 * sacked. */
static bool has_reneged(const struct tcp_conn *c)
{
	struct list *n = list_first(&c->busy->flight);

	return n != NULL && (LIST_ENTRY(n, struct tcp_segment, node)->flags & SEG_SACKED) != 0;
}

static void mark_all_lost(struct tcp_conn *c)
{
	if (has_reneged(c)) {
		c->tcp->counters.sack_reneging++;
		tcp_sack_forget(c);
	}
	if ((c->flags & CONN_SACK) != 0) {
		tcp_rack_mark_on_timeout(c);
		return;
	}
	LIST_FOR_EACH(n, &c->busy->flight)
		tcp_mark_lost(c, LIST_ENTRY(n, struct tcp_segment, node));
}

void tcp_on_retransmission_timeout(struct tcp_conn *c)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_delivery d = { .flight = tcp_in_flight(c) };
	struct tcp_cc_event e;
	bool first = c->timeouts == 0, was_recovering = is_recovering(c);

	c->tcp->counters.timeouts++;
	if (first && !was_recovering)
		tcp_undo_begin(c);
	mark_all_lost(c);
	e = tcp_cc_event(c, &d);
	e.flight = flight_size(c);
	/* ssthresh is set once for the same data, not at each back-off (RFC 5681 equation 4's note). */
	if (first)
		c->busy->cc.ops->on_timeout(&c->busy->cc, &e);
	tcp_ecn_reduced(c);
	tcp_mtu_on_timeout(c);
	c->flags &= ~(unsigned)CONN_RECOVERY;
	c->flags |= CONN_RTO_RECOVERY | CONN_RETRANSMIT_NOW;
	c->recover = c->snd_nxt;
	c->busy->reno_sacked = 0;
	c->dup_acks = 0;
	c->busy->rack.probe_out = false;
	if (first && !was_recovering && c->tcp->config.frto) /* RFC 5682 section 2.1 step 1 */
		tcp_frto_begin(c);
	else
		c->busy->undo.frto = FRTO_OFF;
	tcp_pacing_update(c);
	tcp_tell_recovery(c, before, "loss: retransmission timeout");
	tcp_want_output(c);
}
