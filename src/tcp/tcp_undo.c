/*
 * Losses that were none. A delay on the path, or reordering, can look like loss; when the late segments turn
 * out to have arrived, what was done about them is taken back: the congestion window is as it was before, and
 * nothing more is sent again. Three things tell:
 *
 *   F-RTO (RFC 5682)   after a timeout only the first segment goes again, then two new ones: what arrives
 *                      though it was sent once and never again was not lost. Without SACK the second
 *                      acknowledgement decides, since the first may only tell of a hole that was filled.
 *   Eifel (RFC 3522)   the echoed timestamp is older than the first retransmission: an original was answered
 *   D-SACK (RFC 3708)  the peer reports each segment that was sent again as a duplicate
 *
 * The response is RFC 4015's: the window before the reduction. The timer's back-off stands until a round trip
 * is measured (RFC 6298 section 5): that the timeout was spurious says that the timer is too short.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

static uint32_t timestamp_now(const struct tcp_conn *c)
{
	return tcp_now_ms(c->tcp) + c->ts_offset;
}

void tcp_undo_begin(struct tcp_conn *c)
{
	c->busy->undo = (struct tcp_undo){ .marker = c->snd_una, .end = c->snd_una, .armed = true };
	c->busy->cc.prior_cwnd = c->busy->cc.cwnd;
	c->busy->cc.prior_ssthresh = c->busy->cc.ssthresh;
}

void tcp_undo_forget(struct tcp_conn *c)
{
	c->busy->undo.armed = false;
	c->busy->cc.prior_cwnd = c->busy->cc.prior_ssthresh = 0;
}

void tcp_undo_retransmitted(struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_undo *u = &c->busy->undo;

	/* A tail loss probe, or what the window held back, tells nothing of an episode that is over. */
	if (!u->armed || !is_recovering(c))
		return;
	u->end = seq_max(u->end, seq_add(s->seq, s->len));
	if (!u->stamped) {
		u->stamped = true;
		u->stamp = timestamp_now(c);
		u->first = s->seq;
	}
	u->retransmitted += (s->len + c->mss - 1) / c->mss;
}

void tcp_frto_begin(struct tcp_conn *c)
{
	c->busy->undo.frto = FRTO_TIMED_OUT;
}

/* ---- what tells ---- */

/* The first acknowledgement of what was first sent again answers something sent before that. (One of what
 * lies before it, and arrives as usual, tells nothing.) */
static bool eifel_detects(const struct tcp_conn *c, const struct tcp_delivery *d)
{
	const struct tcp_options *o = &d->in->options;

	return c->busy->undo.stamped && !c->busy->undo.acked && seq_gt(d->in->ack, c->busy->undo.first) &&
	       (c->flags & CONN_TIMESTAMPS) != 0 && o->has_timestamp && o->ts_ecr != 0 &&
	       (int32_t)(o->ts_ecr - c->busy->undo.stamp) < 0;
}

/* Every segment sent again in this episode has been reported to have come twice. */
static bool dsack_detects(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_undo *u = &c->busy->undo;
	uint32_t segments;

	if (!d->dsack || u->retransmitted == 0 || seq_lt(d->duplicate.left, u->marker) ||
	    seq_gt(d->duplicate.right, u->end))
		return false;
	segments = (seq_len(d->duplicate.right, d->duplicate.left) + c->mss - 1) / c->mss;
	u->retransmitted -= min_u32(segments, u->retransmitted);
	return u->retransmitted == 0;
}

/* The loss was real: slow start, in which the first that is sent again has room beside the two new ones (RFC
 * 5682 section 2.1 (3a)). */
static void go_on_in_slow_start(struct tcp_conn *c)
{
	uint32_t before = c->busy->cc.cwnd;

	if (c->busy->undo.frto == FRTO_NEW_DATA && !c->busy->cc.ops->owns_window)
		c->busy->cc.cwnd = 3u * c->mss;
	c->busy->undo.frto = FRTO_OFF;
	tcp_tell_cwnd(c, before, "slow start: the timeout was not spurious");
}

/* RFC 5682 section 2.1 step 3, and section 3.1 with SACK. */
static bool frto_detects(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_undo *u = &c->busy->undo;

	if (u->frto == FRTO_OFF)
		return false;
	if ((c->flags & CONN_SACK) != 0 && d->original)
		return true;
	if (d->is_duplicate || (u->frto == FRTO_NEW_DATA && d->acked == 0 && d->delivered > 0)) {
		go_on_in_slow_start(c); /* the new data arrives, the old is still missing: it is lost */
		return false;
	}
	if (d->acked == 0)
		return false;
	if (u->frto == FRTO_NEW_DATA && (c->flags & CONN_SACK) == 0)
		return d->original;
	u->frto = u->frto == FRTO_TIMED_OUT && c->busy->unsent > 0 ? FRTO_NEW_DATA : FRTO_OFF;
	return false;
}

/* ---- taking it back ---- */

/* What was deemed lost and not sent again yet is in flight after all. */
static void find_the_lost(struct tcp_conn *c)
{
	LIST_FOR_EACH_SAFE(n, &c->busy->lost)
		tcp_segment_found(c, LIST_ENTRY(n, struct tcp_segment, condition));
}

static void take_back(struct tcp_conn *c, const struct tcp_delivery *d, const char *note)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e;

	find_the_lost(c);
	c->busy->cc.cwnd = max_u32(c->busy->cc.cwnd, c->busy->cc.prior_cwnd);
	c->busy->cc.ssthresh = max_u32(c->busy->cc.ssthresh, c->busy->cc.prior_ssthresh);
	e = tcp_cc_event(c, d);
	if (c->busy->cc.ops->on_undo != NULL)
		c->busy->cc.ops->on_undo(&c->busy->cc, &e);
	c->flags &= ~(unsigned)(CONN_RECOVERY | CONN_RTO_RECOVERY | CONN_RETRANSMIT_NOW);
	c->busy->undo = (struct tcp_undo){ .armed = false };
	tcp_tell_recovery(c, before, note);
	tcp_want_output(c);
}

bool tcp_undo_on_ack(struct tcp_conn *c, const struct tcp_delivery *d)
{
	struct tcp_counters *n = &c->tcp->counters;
	bool after_timeout = (c->flags & CONN_RTO_RECOVERY) != 0;

	if (!c->busy->undo.armed)
		return false;
	if (dsack_detects(c, d)) {
		n->dsack_undo++;
		take_back(c, d, "undo: all retransmissions were duplicates");
	} else if (eifel_detects(c, d)) {
		n->full_undo += !after_timeout;
		n->spurious_rtos += after_timeout;
		take_back(c, d, "undo: the original was acknowledged");
	} else if (after_timeout && frto_detects(c, d)) {
		n->spurious_rtos++;
		take_back(c, d, "undo: the timeout was spurious (F-RTO)");
	} else {
		c->busy->undo.acked |= c->busy->undo.stamped && seq_gt(d->in->ack, c->busy->undo.first);
		return false;
	}
	return true;
}
