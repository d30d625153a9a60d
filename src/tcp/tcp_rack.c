/*
 * RACK-TLP (RFC 8985): losses are told by time. A segment is lost when one that was sent later has been
 * delivered, and a reordering window of time has passed since. So a retransmission that is lost again is
 * found like any other, and reordering costs patience, not needless retransmissions. When the tail of a
 * flight is lost and nothing later can tell of it, a probe is sent after two round trips instead of waiting
 * for the retransmission timer.
 *
 * Needs SACK; without it tcp_newreno.c counts duplicate acknowledgements. Names in comments are the RFC's.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	REO_WND_PERSIST = 16,        /* recoveries that a widened window outlasts */
	REO_WND_MULT_MAX = 255,
	MAX_ACK_DELAY_US = 200000,   /* WCDelAckT: how long a peer may hold the ACK of a single segment */
	NO_RTT_PROBE_US = 1000000,   /* PTO before the first sample */
};

/*
 * RACK_sent_after. What leaves in one batch has one time, so that the order is counted; the RFC's tie-break
 * by sequence numbers would take a retransmission for older than the new data that left before it. It does
 * hold for the parts of a super-segment.
 */
static bool was_sent_after(const struct tcp_rack *r, const struct tcp_segment *s)
{
	int32_t order = (int32_t)(r->order - s->order);

	return order > 0 || (order == 0 && seq_gt(r->end, seq_add(s->seq, s->len)));
}

/* Section 6.2 step 2: an ACK of what was sent twice may answer the first transmission. */
static bool answers_earlier_transmission(const struct tcp_conn *c, const struct tcp_in *in,
					 const struct tcp_segment *s)
{
	uint32_t sent_ms = (uint32_t)(s->sent_us / 1000) + c->ts_offset;

	if ((s->flags & SEG_RETRANSMITTED) == 0)
		return false;
	if ((c->flags & CONN_TIMESTAMPS) != 0 && in->options.has_timestamp &&
	    (int32_t)(in->options.ts_ecr - sent_ms) < 0)
		return true;
	return in->now_us - s->sent_us < c->min_rtt_us;
}

/* Steps 2 and 3, for each segment delivered. What one acknowledgement delivers may have arrived in any order:
 * only what lies below an earlier one's came late. */
void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_segment *s)
{
	struct tcp_rack *r = &c->busy->rack;
	struct seq end = seq_add(s->seq, s->len);

	r->fack = seq_max(r->fack, end);
	if (seq_lt(end, d->fack) && (s->flags & SEG_RETRANSMITTED) == 0) {
		c->tcp->counters.sack_reorder += !r->reordering_seen;
		r->reordering_seen = true;
	}
	if (answers_earlier_transmission(c, d->in, s) || was_sent_after(r, s))
		return;
	r->sent_us = s->sent_us;
	r->order = s->order;
	r->end = end;
	r->rtt_us = (uint32_t)min_u64(d->in->now_us - s->sent_us, UINT32_MAX);
}

/* At least DupThresh segments are sacked (RFC 6675's IsLost), so that no more proof is needed. */
static bool enough_sacked(const struct tcp_conn *c)
{
	return c->busy->sacked_segments >= TCP_DUP_ACK_THRESHOLD ||
	       c->busy->sacked_bytes > (TCP_DUP_ACK_THRESHOLD - 1u) * c->mss;
}

/* RACK_update_reo_wnd, its second half. */
static uint32_t reordering_window_us(const struct tcp_conn *c)
{
	uint64_t us = (uint64_t)c->busy->rack.reo_wnd_mult * c->min_rtt_us / 4;

	if (!c->busy->rack.reordering_seen && (is_recovering(c) || enough_sacked(c)))
		return 0;
	return us < c->srtt_us ? (uint32_t)us : c->srtt_us;
}

/* Its first half: duplicates reported say that the window was too short. */
static void adapt_reordering_window(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_rack *r = &c->busy->rack;

	if (r->dsack_in_round && seq_ge(c->snd_una, r->dsack_round))
		r->dsack_in_round = false;
	if (!d->dsack || r->dsack_in_round)
		return;
	r->dsack_in_round = true;
	r->dsack_round = c->snd_nxt;
	r->reo_wnd_persist = REO_WND_PERSIST;
	if (r->reo_wnd_mult < REO_WND_MULT_MAX)
		r->reo_wnd_mult++;
}

void tcp_rack_recovered(struct tcp_conn *c)
{
	struct tcp_rack *r = &c->busy->rack;

	if (r->reo_wnd_persist > 0 && --r->reo_wnd_persist == 0)
		r->reo_wnd_mult = 1;
}

static void deem_lost(struct tcp_conn *c, struct tcp_segment *s, struct tcp_delivery *d)
{
	if ((s->flags & SEG_MTU_PROBE) != 0) { /* RFC 4821 section 7.5: no sign of congestion */
		tcp_mtu_probe_lost(c, s);
		tcp_segment_lost(c, s);
		tcp_want_output(c);
		return;
	}
	if ((s->flags & SEG_RETRANSMITTED) != 0)
		c->tcp->counters.lost_retransmit++;
	d->lost += s->len;
	tcp_mark_lost(c, s);
}

/* RACK_detect_loss; the list is in order of transmission, so that it is left at the first that is too
 * young. */
bool tcp_rack_detect(struct tcp_conn *c, struct tcp_delivery *d)
{
	const struct tcp_rack *r = &c->busy->rack;
	uint64_t window = (uint64_t)r->rtt_us + reordering_window_us(c), wait = 0, now = tcp_now(c->tcp);
	uint32_t lost_before = d->lost;

	LIST_FOR_EACH_SAFE(n, &c->busy->outstanding) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, condition);
		if (!was_sent_after(r, s))
			break;
		if (s->sent_us + window <= now)
			deem_lost(c, s, d);
		else if (s->sent_us + window - now > wait)
			wait = s->sent_us + window - now;
	}
	tcp_timers_reordering(c, wait);
	return d->lost > lost_before;
}

/* Section 6.3: the first, and all that is older than the reordering window. */
void tcp_rack_mark_on_timeout(struct tcp_conn *c)
{
	uint64_t window = (uint64_t)c->busy->rack.rtt_us + reordering_window_us(c), now = tcp_now(c->tcp);

	LIST_FOR_EACH(n, &c->busy->flight) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		if (seq_eq(s->seq, c->snd_una) || s->sent_us + window <= now)
			tcp_mark_lost(c, s);
	}
	tcp_timers_reordering(c, 0);
}

/* ---- tail loss probes (section 7) ---- */

bool tcp_rack_probe_timeout(const struct tcp_conn *c, uint64_t *us)
{
	bool single = c->busy->flight_segments == 1 && seq_len(c->snd_nxt, c->snd_una) <= c->mss;

	if ((c->flags & CONN_SACK) == 0 || is_recovering(c) || !in_state(c, TCP_SYNCHRONISED) ||
	    list_is_empty(&c->busy->flight) || c->busy->rack.probe_out ||
	    c->busy->rack.probe_unmeasured || c->busy->sacked_bytes > 0 || c->snd_wnd == 0)
		return false;
	*us = c->srtt_us == 0 ? NO_RTT_PROBE_US : 2ull * c->srtt_us + (single ? MAX_ACK_DELAY_US : 0);
	return true;
}

void tcp_rack_probe_sent(struct tcp_conn *c, bool retransmits)
{
	c->tcp->counters.loss_probes++;
	c->busy->rack.probe_out = c->busy->rack.probe_unmeasured = true;
	c->busy->rack.probe_retransmits = retransmits;
	c->busy->rack.probe_end = c->snd_nxt;
}

/* The probe repaired a loss: that is congestion (section 7.4.2). One reduction, and nothing to send again. */
static void probe_repaired_a_loss(struct tcp_conn *c, const struct tcp_delivery *d)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, d);

	c->tcp->counters.loss_probe_recovery++;
	tcp_undo_forget(c);
	c->busy->cc.ops->on_loss(&c->busy->cc, &e);
	c->busy->cc.cwnd = min_u32(c->busy->cc.cwnd, before);
	tcp_ecn_reduced(c);
	tcp_tell_recovery(c, before, "loss: repaired by a tail loss probe");
}

/* TLP_process_ack. */
static void check_probe(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_rack *r = &c->busy->rack;

	if (!r->probe_out || seq_lt(d->in->ack, r->probe_end))
		return;
	if (!r->probe_retransmits) {
		r->probe_out = false; /* it was new data, and has arrived */
	} else if (d->dsack && seq_eq(d->duplicate.right, r->probe_end)) {
		r->probe_out = false; /* both it and the original arrived */
	} else if (seq_gt(d->in->ack, r->probe_end)) {
		r->probe_out = false;
		probe_repaired_a_loss(c, d);
	} else if (d->repeats && d->in->options.n_sack == 0) {
		r->probe_out = false; /* a duplicate ACK from a peer without D-SACK: original and probe
					arrived */
	}
}

void tcp_rack_on_ack(struct tcp_conn *c, const struct tcp_delivery *d)
{
	adapt_reordering_window(c, d);
	check_probe(c, d);
}
