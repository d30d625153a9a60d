/*
 * What may be sent now, and in which order (tcp_emit.c makes the segments). Connections that may have
 * something to send stand in a list; tcp_output() visits them once all received frames are processed, so that
 * acknowledgements ride on responses and are aggregated (RFC 9293 MUST-58, MUST-59).
 *
 * A visit sends, in this order: what is deemed lost, new data as the windows allow, the FIN, and, if none of
 * these carried it, the acknowledgement that is owed. Each visit is bounded, so that one bulk transfer does
 * not hold up the rest.
 */
#include "tcp/tcp_conn.h"

#include <assert.h>

#include "base/minmax.h"

enum { SEGMENTS_A_VISIT = 4 };

void tcp_want_output(struct tcp_conn *c)
{
	if (!list_is_linked(&c->output))
		list_append(&c->tcp->output, &c->output);
}

void tcp_ack_now(struct tcp_conn *c)
{
	c->flags |= CONN_ACK_NOW;
	tcp_want_output(c);
}

static uint8_t segment_tcp_flags(const struct tcp_conn *c, const struct tcp_segment *s)
{
	uint8_t flags = 0;

	if ((s->flags & SEG_SYN) != 0)
		flags |= TH_SYN;
	if ((s->flags & SEG_FIN) != 0)
		flags |= TH_FIN;
	if ((s->flags & SEG_PUSH) != 0)
		flags |= TH_PSH;
	if ((s->flags & SEG_SYN) != 0 && (c->ecn.flags & ECN_AGREED) != 0)
		flags |= TH_ECE; /* RFC 3168 section 6.1.1 */
	if (!in_state(c, TCP_SYN_SENT))
		flags |= TH_ACK;
	else if (c->tcp->config.ecn == TCP_ECN_OFFER && s->transmissions == 1)
		flags |= TH_ECE | TH_CWR; /* not again: the path may dislike it (RFC 3168 6.1.1.1) */
	return flags;
}

static void note_retransmission(struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_counters *n = &c->tcp->counters;

	s->flags |= SEG_RETRANSMITTED;
	c->retransmissions++;
	n->retrans_segs++;
	n->fast_retrans += (c->flags & CONN_RECOVERY) != 0;
	n->slow_start_retrans += (c->flags & CONN_RTO_RECOVERY) != 0;
	tcp_undo_retransmitted(c, s);
}

static void emit_record(struct tcp_conn *c, struct tcp_segment *s, const char *note)
{
	uint32_t payload = s->len - ((s->flags & (SEG_SYN | SEG_FIN)) != 0 ? 1 : 0);
	/* For ECN a window probe is none, though it is new (RFC 3168 section 6.1.6). */
	bool new_text = s->transmissions == 0 && payload > 0 && (c->flags & CONN_PROBING) == 0;
	struct tcp_outgoing o;

	s->transmissions++;
	if (s->transmissions > 1)
		note_retransmission(c, s);
	tcp_segment_sent(c, s);
	c->data_sent_us = s->sent_us;
	if (UNLIKELY(is_recovering(c)))
		tcp_recovery_sent(c, s);
	o = (struct tcp_outgoing){
		.seq = s->seq,
		.flags = segment_tcp_flags(c, s),
		.from = s->from,
		.len = payload,
		.whole = (s->flags & SEG_MTU_PROBE) != 0,
		.note = note,
	};
	if (tcp_uses_ecn(c)) {
		o.flags |= tcp_ecn_flags(c, new_text);
		o.ecn = tcp_ecn_codepoint(c, new_text);
	}
	tcp_emit(c, &o);
	if (tcp_is_paced(c))
		tcp_pacing_sent(c, payload);
	tcp_timers_data_sent(c, s);
}

/* ---- what may be sent ---- */

/* How many of the next len bytes of the queue one frame can refer to. */
static uint32_t reachable(struct send_cursor from, uint32_t len)
{
	size_t n = 0;

	for (unsigned pieces = 0; from.piece != NULL && pieces < TX_PIECES && n < len; pieces++) {
		n += from.piece->span.len - from.offset;
		from = (struct send_cursor){ from.piece->next, 0 };
	}
	return n < len ? (uint32_t)n : len;
}

/* Largest payload of one frame: one segment, or as many full ones as the device cuts and pacing lets go at
 * once. The segment that says CWR stands alone: a device would repeat it on each that it cuts. */
static uint32_t frame_payload(const struct tcp_conn *c)
{
	uint32_t gso_max = c->tcp->ip->link->caps.gso_max;
	uint32_t headers = ip_header_len(&c->remote) + TCP_HEADER_LEN + TCP_OPTIONS_MAX;

	/* A device that cuts copies the urgent pointer, which would then name a later octet. */
	if (gso_max < headers + c->mss || (c->ecn.flags & ECN_CWR_DUE) != 0 || tcp_urgent_outstanding(c))
		return c->mss;
	return min_u32(gso_max - headers, tcp_pacing_burst(c)) / c->mss * c->mss;
}

static uint32_t congestion_room(const struct tcp_conn *c)
{
	uint32_t flight = tcp_in_flight(c);
	return c->busy->cc.cwnd > flight ? c->busy->cc.cwnd - flight : 0;
}

/* The usable window (RFC 9293 section 3.8.6.2.1); 0 when the peer shrank it under what was sent (MUST-34). */
static uint32_t window_room(const struct tcp_conn *c, struct seq from)
{
	int32_t room = seq_diff(seq_add(c->snd_una, c->snd_wnd), from);
	return room > 0 ? (uint32_t)room : 0;
}

/* A partial segment waits (Nagle, RFC 9293 section 3.7.4; the sender's silly window rule, MUST-38) unless one
 * of these holds. */
static bool may_send_partial(const struct tcp_conn *c, uint32_t len)
{
	bool all = len == c->busy->unsent;
	bool no_text_before = seq_eq(c->snd_nxt, seq_add(c->iss, 1)); /* but a SYN may be in flight */
	bool nothing_unacknowledged = no_text_before || seq_eq(c->snd_una, c->snd_nxt);

	if (all && ((c->flags & (CONN_NODELAY | CONN_SHUTDOWN)) != 0 || nothing_unacknowledged))
		return true;
	return len >= (c->max_snd_wnd + 1) / 2;
}

/* Of several segments at once only whole ones: the rest, with these unacknowledged before it, is Nagle's to
 * decide. */
static uint32_t whole_segments(const struct tcp_conn *c, uint32_t len)
{
	bool all = len == c->busy->unsent && (c->flags & (CONN_NODELAY | CONN_SHUTDOWN)) != 0;

	return len > c->mss && !all ? len - len % c->mss : len;
}

/* By Fast Open also before the third ACK (RFC 7413 section 4.2.2). */
static bool may_send_text(const struct tcp_conn *c)
{
	return in_state(c, (c->flags & CONN_FAST_OPEN) != 0 ? TCP_CAN_SEND_TEXT | TCP_SYN_RECEIVED
							    : TCP_CAN_SEND_TEXT);
}

bool tcp_may_send_new(const struct tcp_conn *c, uint32_t *len)
{
	uint32_t allowed = min_u32(c->busy->unsent,
				   min_u32(congestion_room(c), window_room(c, c->snd_nxt)));
	uint32_t in_a_frame, n;

	if (allowed == 0 || !may_send_text(c) || tcp_flight_is_full(c))
		return false;
	if (allowed > c->mss)
		allowed = min_u32(allowed, frame_payload(c));
	in_a_frame = reachable(c->busy->send_next, allowed);
	n = whole_segments(c, in_a_frame);
	/* A frame full of tiny pieces is as long as it can be. */
	if (n < c->mss && in_a_frame == allowed && !may_send_partial(c, n))
		return false;
	*len = n;
	return true;
}

static bool may_send_fin(const struct tcp_conn *c)
{
	return (c->flags & (CONN_SHUTDOWN | CONN_FIN_SENT)) == CONN_SHUTDOWN &&
	       in_state(c, TCP_CAN_SEND_TEXT);
}

/* The first segment that is to be sent again, or NULL. */
static struct tcp_segment *first_lost(const struct tcp_conn *c)
{
	struct list *n = list_first(&c->busy->lost);

	return n == NULL ? NULL : LIST_ENTRY(n, struct tcp_segment, condition);
}

/* Makes s no longer than what may be sent of it now; false if that is nothing. */
static bool fit_retransmission(struct tcp_conn *c, struct tcp_segment *s)
{
	uint32_t room = congestion_room(c);
	uint32_t window = window_room(c, s->seq);
	uint32_t fits;

	if ((s->flags & SEG_SYN) != 0)
		return true;
	/* The segment that duplicate ACKs ask for goes at once (RFC 5681 section 3.2), and any lost one when
	 * nothing is on the way. */
	if (room < c->mss && ((c->flags & CONN_RETRANSMIT_NOW) != 0 || tcp_in_flight(c) == 0))
		room = c->mss;
	fits = min_u32(min_u32(room, window), frame_payload(c));
	if (s->len == 1 && (s->flags & SEG_FIN) != 0) /* FIN alone needs no window */
		return room > 0;
	if (s->len <= fits)
		return true;
	if (fits > c->mss)
		fits -= fits % c->mss;
	if (fits == 0 || (fits < c->mss && fits < window)) /* no slivers for want of congestion window */
		return false;
	return tcp_segment_split(c, s, fits);
}

static const char *retransmission_note(const struct tcp_conn *c, const struct tcp_segment *s)
{
	if (s->transmissions == 0)
		return NULL; /* a SYN on its first way */
	return (c->flags & CONN_RTO_RECOVERY) != 0 ? "retransmission (RTO)" : "fast retransmission";
}

static bool retransmit_one(struct tcp_conn *c)
{
	struct tcp_segment *s = first_lost(c);

	if (s == NULL || !fit_retransmission(c, s))
		return false;
	c->flags &= ~(unsigned)CONN_RETRANSMIT_NOW;
	emit_record(c, s, retransmission_note(c, s));
	return true;
}

static void fin_sent(struct tcp_conn *c)
{
	c->flags |= CONN_FIN_SENT;
	tcp_enter(c, in_state(c, TCP_ESTABLISHED) ? TCP_FIN_WAIT_1 : TCP_LAST_ACK);
}

/* Is it the congestion window that holds data back? Only then may it grow. */
static void note_limit(struct tcp_conn *c)
{
	if (c->busy->unsent > 0 && congestion_room(c) < min_u32(c->busy->unsent, c->mss))
		c->flags |= CONN_CWND_LIMITED;
	else
		c->flags &= ~(unsigned)CONN_CWND_LIMITED;
}

enum mtu_probe { MTU_PROBE_NONE, MTU_PROBE_SENT, MTU_PROBE_WAITS };

/* A single segment larger than the path is known to carry (RFC 4821 section 7). Acknowledgements make room
 * for less than that at a time: new data then waits for the next one. */
static enum mtu_probe send_mtu_probe(struct tcp_conn *c)
{
	struct tcp_segment *s;
	uint32_t len;

	if (!in_state(c, TCP_CAN_SEND_TEXT) || !tcp_mtu_wants_probe(c, &len) ||
	    reachable(c->busy->send_next, len) < len)
		return MTU_PROBE_NONE;
	if (min_u32(congestion_room(c), window_room(c, c->snd_nxt)) < len)
		return tcp_in_flight(c) > len ? MTU_PROBE_WAITS : MTU_PROBE_NONE;
	s = tcp_segment_new(c, len, SEG_MTU_PROBE);
	if (s == NULL)
		return MTU_PROBE_NONE;
	tcp_mtu_probe_sent(c, len);
	emit_record(c, s, "path MTU probe");
	return MTU_PROBE_SENT;
}

static bool send_new(struct tcp_conn *c)
{
	uint32_t len = 0;
	uint16_t flags = 0;
	struct tcp_segment *s;
	enum mtu_probe probe;
	bool text;

	if (c->busy->unsent == 0 && !may_send_fin(c)) {
		c->flags &= ~(unsigned)CONN_CWND_LIMITED;
		return false;
	}
	probe = send_mtu_probe(c);
	if (UNLIKELY(probe != MTU_PROBE_NONE))
		return probe == MTU_PROBE_SENT;
	text = tcp_may_send_new(c, &len);
	note_limit(c);
	if (may_send_fin(c) && len == c->busy->unsent)
		flags |= SEG_FIN;
	if (!text && flags == 0)
		return false;
	if (text && len == c->busy->unsent)
		flags |= SEG_PUSH; /* MUST-61 */
	s = tcp_segment_new(c, len, flags);
	if (s == NULL) {
		world_drop(c->tcp->world, DROP_NO_MEMORY);
		return false;
	}
	if ((flags & SEG_FIN) != 0)
		fin_sent(c);
	emit_record(c, s, NULL);
	return true;
}

/* Acknowledgements that nothing else carried, or that tell what did not fit into one. Without SACK the peer
 * counts them: one for each segment out of order (RFC 5681). False: the ring has no room for all. */
static bool send_owed_acks(struct tcp_conn *c)
{
	unsigned owed = (c->flags & CONN_SACK) != 0 ? tcp_sack_acks_owed(c) : c->dup_acks_owed;

	if (owed == 0 && (c->flags & CONN_ACK_NOW) != 0)
		owed = 1;
	for (; owed > 0 && link_tx_room(c->tcp->ip->link) > 0; owed--) {
		c->tcp->counters.pure_acks++;
		tcp_emit_empty(c, c->snd_nxt, TH_ACK, NULL);
	}
	c->dup_acks_owed = (c->flags & CONN_SACK) != 0 ? 0 : (uint8_t)owed;
	return owed == 0;
}

/* The window is open, though too little for a full segment: the override of the silly window rule (section
 * 3.8.6.2.1 (4)). */
static void send_sliver(struct tcp_conn *c)
{
	uint32_t len = min_u32(min_u32(c->busy->unsent, c->mss), window_room(c, c->snd_nxt));
	struct tcp_segment *s = tcp_segment_new(c, reachable(c->busy->send_next, len), 0);

	if (s != NULL)
		emit_record(c, s, NULL);
}

/* A window probe: one octet, new data if none is in flight, else the first again (RFC 9293 section
 * 3.8.6.1). */
static void send_window_probe(struct tcp_conn *c)
{
	struct list *n = list_first(&c->busy->flight);
	struct tcp_segment *s = n == NULL ? NULL : LIST_ENTRY(n, struct tcp_segment, node);

	c->tcp->counters.window_probes++;
	c->flags |= CONN_PROBING;
	if (s == NULL) {
		s = tcp_segment_new(c, 1, 0);
		if (s == NULL)
			return;
	} else if (s->len > 1 && !tcp_segment_split(c, s, 1)) {
		return;
	}
	emit_record(c, s, "window probe");
}

/* The time for a probe has come. */
static void probe(struct tcp_conn *c)
{
	c->flags &= ~(unsigned)CONN_PROBE_DUE;
	if (c->snd_wnd == 0 && (c->busy->unsent > 0 || !list_is_empty(&c->busy->flight)))
		send_window_probe(c);
	else if (c->busy->unsent > 0 && list_is_empty(&c->busy->flight))
		send_sliver(c);
}

/* Of the last segment no more than its last full one. */
static struct tcp_segment *last_segment(struct tcp_conn *c)
{
	struct tcp_segment *s = LIST_ENTRY(list_last(&c->busy->flight), struct tcp_segment, node);

	if (s->len > c->mss && tcp_segment_split(c, s, (s->len - 1) / c->mss * c->mss))
		s = LIST_ENTRY(list_last(&c->busy->flight), struct tcp_segment, node);
	return s;
}

/* A tail loss probe (RFC 8985 section 7.3): new data if there is some, else the last segment again, whatever
 * the congestion window says. */
static void send_loss_probe(struct tcp_conn *c)
{
	uint32_t len = min_u32(c->busy->unsent, c->mss);
	struct tcp_segment *s = NULL;
	uint64_t timeout;
	bool again;

	c->busy->rack.probe_due = false;
	if (!tcp_rack_probe_timeout(c, &timeout))
		return; /* what it was to ask about was answered meanwhile */
	if (len > 0 && in_state(c, TCP_CAN_SEND_TEXT) && window_room(c, c->snd_nxt) >= len)
		s = tcp_segment_new(c, reachable(c->busy->send_next, len),
				    len == c->busy->unsent ? SEG_PUSH : 0);
	again = s == NULL;
	if (again)
		s = last_segment(c);
	tcp_rack_probe_sent(c, again);
	emit_record(c, s, "tail loss probe");
}

/* The next segment of a visit; false if none may go now. */
static bool send_next(struct tcp_conn *c)
{
	if (tcp_is_paced(c) && !tcp_pacing_allows(c)) {
		if (c->busy->lost_bytes > 0 || c->busy->unsent > 0 || may_send_fin(c))
			tcp_timers_paced(c);
		return false;
	}
	/* F-RTO's second step: new data asks whether the old is lost. Where none can be sent, it is taken to
	 * be. */
	if (c->busy->undo.frto == FRTO_NEW_DATA) {
		bool asked = seq_gt(c->snd_nxt, c->recover);
		if (send_new(c))
			return true;
		if (tcp_in_flight(c) > 0 && (asked || congestion_room(c) < c->mss))
			return false;
		c->busy->undo.frto = FRTO_OFF;
	}
	return retransmit_one(c) || send_new(c);
}

enum visit { VISIT_DONE, VISIT_MORE, VISIT_RING_FULL };

static void idle(struct tcp_conn *c)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, NULL);

	c->busy->cc.ops->on_idle(&c->busy->cc, &e);
	tcp_pacing_update(c);
	tcp_tell_cwnd(c, before, "restart after idle");
}

/* One that rested begins like a new one, but with the window that it had. */
static bool has_restarted(const struct tcp_conn *c)
{
	return c->busy->transmissions == 0 && !c->busy->cc.ops->owns_window &&
	       c->busy->cc.cwnd <= tcp_initial_window(c->mss);
}

/* An idle connection's window tells nothing of the path any more (RFC 5681 section 4.1). */
static void restart_after_idle(struct tcp_conn *c)
{
	if (c->busy->unsent > 0 && seq_eq(c->snd_una, c->snd_nxt) && c->data_sent_us != 0 &&
	    tcp_now(c->tcp) - c->data_sent_us > c->rto_us && !has_restarted(c))
		idle(c);
}

static enum visit visit(struct tcp_conn *c)
{
	const struct link *link = c->tcp->ip->link;
	unsigned sent = 0;

	restart_after_idle(c);
	if ((c->flags & CONN_PROBE_DUE) != 0 && link_tx_room(link) > 0)
		probe(c);
	if (c->busy->rack.probe_due && link_tx_room(link) > 0)
		send_loss_probe(c);
	while (link_tx_room(link) > 0) {
		if (sent == SEGMENTS_A_VISIT)
			return VISIT_MORE;
		if (!send_next(c)) {
			if (in_state(c, TCP_SYNCHRONISED | TCP_SYN_RECEIVED) && !send_owed_acks(c))
				return VISIT_RING_FULL;
			if (sent == 0)
				tcp_timers_blocked(c);
			tcp_rate_check_app_limited(c);
			return VISIT_DONE;
		}
		sent++;
	}
	return VISIT_RING_FULL;
}

#ifdef TH_CHECKS
static bool may_retransmit(const struct tcp_conn *c)
{
	const struct tcp_segment *s = first_lost(c);

	return s != NULL && c->busy->undo.frto != FRTO_NEW_DATA && congestion_room(c) >= c->mss &&
	       window_room(c, s->seq) >= min_u32(s->len, c->mss);
}

bool tcp_is_stalled(const struct tcp_conn *c)
{
	bool mtu_probe_waits = c->mtu.searching && tcp_in_flight(c) > 0; /* and what is behind it, too */
	const struct pool *pool = &c->tcp->segment_pool;
	bool was_scarce = pool->refused > 0 || pool->peak >= pool->limit / 2;
	uint32_t len;

	if (list_is_linked(&c->output) || c->busy->pace_at != TIMER_NEVER || was_scarce)
		return false;
	return may_retransmit(c) || (!mtu_probe_waits && tcp_may_send_new(c, &len)) ||
	       (c->busy->unsent == 0 && may_send_fin(c) && !tcp_flight_is_full(c));
}
#endif

bool tcp_wants_output(const struct tcp *tcp)
{
	return !list_is_empty(&tcp->output);
}

bool tcp_output(struct tcp *tcp)
{
	struct list *n;

	tcp_bury(tcp);
	while ((n = list_first(&tcp->output)) != NULL) {
		struct tcp_conn *c = LIST_ENTRY(n, struct tcp_conn, output);
		list_remove(n);
		switch (visit(c)) {
		case VISIT_MORE:
			list_append(&tcp->output, n);
			break;
		case VISIT_RING_FULL:
			list_prepend(&tcp->output, n);
			return true;
		case VISIT_DONE:
			break;
		}
		tcp_check(c);
	}
	return false;
}
