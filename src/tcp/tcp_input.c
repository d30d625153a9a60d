/*
 * Segment arrives (RFC 9293 section 3.10.7). CLOSED is answered by the demultiplexer, tcp_input(); LISTEN and
 * half-open records are in tcp_listen.c; SYN-SENT is a function of its own; every other state runs the same
 * steps in the order of section 3.10.7.4, so that the two can be read side by side:
 *
 *   check_sequence (PAWS first), check_reset, check_security, check_syn, check_ack, check_urgent, take_text,
 *   check_fin
 */
#include "tcp/tcp_conn.h"

#include "base/checksum.h"

enum step {
	STEP_NEXT, /* go on with the next step */
	STEP_DONE, /* nothing more to do */
	STEP_DROP, /* discarded: in->reason says why */
};

enum {
	CHALLENGES_A_SECOND = 10, /* RFC 5961 section 7 */
	PAWS_DAYS_US = 24,
};

static enum step drop(struct tcp_in *in, enum drop_reason reason)
{
	in->reason = world_drop(in->tcp->world, reason);
	return STEP_DROP;
}

/* A challenge ACK (RFC 5961), at most so many a second and connection: an attacker must not make us count or
 * shout. */
static void challenge(struct tcp_conn *c)
{
	uint64_t now = tcp_now(c->tcp);

	if (now - c->busy->challenge_us >= 1000000) {
		c->busy->challenge_us = now;
		c->busy->challenge_count = 0;
	}
	if (c->busy->challenge_count >= CHALLENGES_A_SECOND)
		return;
	c->busy->challenge_count++;
	c->tcp->counters.challenge_acks++;
	tcp_ack_now(c);
}

/* ---- first: sequence number ---- */

/* An acknowledgement that was overtaken on its way: it moves nothing, and is young enough to be of this
 * round trip. It may carry SACK blocks, and dropping it would make recovery blind wherever packets are
 * reordered; Linux takes it too. */
static bool is_overtaken_ack(const struct tcp_conn *c, const struct tcp_in *in)
{
	return in->len == 0 && (in->flags & (TH_SYN | TH_FIN | TH_RST | TH_ACK)) == TH_ACK &&
	       seq_eq(in->seq, c->rcv_nxt) && seq_eq(in->ack, c->snd_una) &&
	       (uint32_t)in->window << c->snd_wscale == c->snd_wnd &&
	       c->ts_recent - in->options.ts_val <= c->rto_us / 1000;
}

/* RFC 7323 section 5.3: an older timestamp is an old duplicate, unless ours is so old that the clocks may
 * have wrapped. */
static bool fails_paws(const struct tcp_conn *c, const struct tcp_in *in)
{
	return (c->flags & CONN_TIMESTAMPS) != 0 && in->options.has_timestamp && (in->flags & TH_RST) == 0 &&
	       (int32_t)(in->options.ts_val - c->ts_recent) < 0 &&
	       in->now_us - c->ts_recent_us < PAWS_DAYS_US * 86400ull * 1000000 && !is_overtaken_ack(c, in);
}

/* RFC 7323 section 3.2: dropped in silence, for it would get around PAWS. A SYN is another connection's, and
 * challenged. */
static bool lacks_timestamp(const struct tcp_conn *c, const struct tcp_in *in)
{
	return (c->flags & CONN_TIMESTAMPS) != 0 && !in->options.has_timestamp &&
	       (in->flags & (TH_RST | TH_SYN)) == 0;
}

/* RFC 9293 table 6. */
static bool is_acceptable(const struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t window = seq_len(c->rcv_adv, c->rcv_nxt);
	uint32_t first = seq_len(in->seq, c->rcv_nxt);

	if (in->len == 0)
		return window == 0 ? first == 0 : first < window;
	return window > 0 && (first < window || seq_len(seq_add(in->seq, in->len - 1), c->rcv_nxt) < window);
}

/* Simultaneous open: the peer's SYN, which we have, comes again with the ACK of ours (RFC 9293 figure 8 line
 * 7). */
static void strip_repeated_syn(const struct tcp_conn *c, struct tcp_in *in)
{
	if (in_state(c, TCP_SYN_RECEIVED) && (in->flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK) &&
	    seq_eq(in->seq, c->irs)) {
		in->flags &= (uint8_t)~TH_SYN;
		in->seq = seq_add(in->seq, 1);
		in->len--;
	}
}

/* What of the segment lies before rcv.nxt has arrived twice. */
static void note_duplicate(struct tcp_conn *c, const struct tcp_in *in)
{
	struct seq left = (in->flags & TH_SYN) != 0 ? seq_add(in->seq, 1) : in->seq;

	if (seq_lt(left, c->rcv_nxt))
		tcp_sack_duplicate(c, (struct sack_block){
					      left, seq_min(seq_add(in->seq, in->len), c->rcv_nxt) });
}

/* Cuts off what lies left and right of the window; what is cut takes its SYN or FIN along. */
static void trim(struct tcp_conn *c, struct tcp_in *in)
{
	uint32_t window = seq_len(c->rcv_adv, c->rcv_nxt);

	if (seq_lt(in->seq, c->rcv_nxt)) {
		note_duplicate(c, in);
		uint32_t old = seq_len(c->rcv_nxt, in->seq);
		if ((in->flags & TH_SYN) != 0) {
			in->flags &= (uint8_t)~TH_SYN;
			old--;
		}
		bytes_skip(&in->text, old);
		in->seq = c->rcv_nxt;
		in->len = (uint32_t)in->text.len + ((in->flags & TH_FIN) != 0 ? 1 : 0);
	}
	if (seq_len(in->seq, c->rcv_nxt) + in->text.len > window) {
		in->text.len = window - seq_len(in->seq, c->rcv_nxt);
		in->flags &= (uint8_t)~TH_FIN;
		in->len = (uint32_t)in->text.len;
	}
}

static void note_timestamp(struct tcp_conn *c, const struct tcp_in *in)
{
	/* RFC 7323 section 4.3 (2): only a segment at or before the last acknowledged byte gives a timestamp
	 * to echo. */
	if ((c->flags & CONN_TIMESTAMPS) == 0 || !in->options.has_timestamp ||
	    seq_gt(in->seq, c->last_ack_sent))
		return;
	if ((int32_t)(in->options.ts_val - c->ts_recent) >= 0) {
		c->ts_recent = in->options.ts_val;
		c->ts_recent_us = in->now_us;
	}
}

/* Not acceptable: an ACK says what would be, unless it is a reset. */
static enum step refuse(struct tcp_conn *c, struct tcp_in *in, enum drop_reason reason)
{
	if ((in->flags & TH_RST) != 0)
		return drop(in, reason);
	if (in->text.len > 0) { /* data that came twice: the peer missed our ACK, and is owed one */
		note_duplicate(c, in);
		tcp_ack_now(c);
	} else {
		challenge(c); /* the same, and bounded: two such peers must not answer each other for ever */
	}
	return drop(in, reason);
}

static enum step check_sequence(struct tcp_conn *c, struct tcp_in *in)
{
	bool closed;

	if (UNLIKELY((c->flags & CONN_FAST_OPEN) != 0) && tcp_fast_open_repeats(c, in))
		return drop(in, DROP_TCP_DUPLICATE);
	strip_repeated_syn(c, in);
	if (lacks_timestamp(c, in))
		return drop(in, DROP_TCP_NO_TIMESTAMP);
	if (fails_paws(c, in)) {
		c->tcp->counters.paws_rejected++;
		return refuse(c, in, DROP_TCP_PAWS);
	}
	closed = seq_eq(c->rcv_adv, c->rcv_nxt) && seq_eq(in->seq, c->rcv_nxt) && (in->flags & TH_SYN) == 0;
	if (closed && in->text.len > 0) { /* no text, but valid ACKs, RSTs (MUST-66) and a bare FIN */
		world_drop(in->tcp->world, DROP_TCP_RECEIVE_FULL);
		tcp_ack_now(c);
	} else if (!closed && !is_acceptable(c, in)) {
		bool old = in->len > 0 && seq_le(seq_add(in->seq, in->len), c->rcv_nxt);
		return refuse(c, in, old ? DROP_TCP_DUPLICATE : DROP_TCP_OUT_OF_WINDOW);
	}
	note_timestamp(c, in);
	c->rcv_tos = in->packet->tos;
	trim(c, in);
	return STEP_NEXT;
}

/* ---- second: RST ---- */

/* What the layer above is told of a reset (RFC 9293 section 3.10.7.4, second). */
static enum stream_end end_by_reset(const struct tcp_conn *c)
{
	if (in_state(c, TCP_SYN_RECEIVED))
		return STREAM_END_REFUSED;
	/* Only the ACK of our FIN was missing: the peer has long closed, and its TIME-WAIT is over. */
	if (in_state(c, TCP_CLOSING | TCP_LAST_ACK) && c->busy->queued == 0)
		return STREAM_END_NORMAL;
	return STREAM_END_RESET;
}

static enum step check_reset(struct tcp_conn *c, struct tcp_in *in)
{
	if ((in->flags & TH_RST) == 0)
		return STEP_NEXT;
	if (!seq_eq(in->seq, c->rcv_nxt)) { /* RFC 5961 section 3.2 */
		challenge(c);
		return drop(in, DROP_TCP_CHALLENGE);
	}
	if (in_state(c, TCP_SYN_RECEIVED))
		c->tcp->counters.attempt_fails++;
	else if (in_state(c, TCP_ESTABLISHED | TCP_CLOSE_WAIT))
		c->tcp->counters.estab_resets++;
	drop(in, DROP_TCP_RESET);
	tcp_conn_end(c, end_by_reset(c));
	return STEP_DROP;
}

/* ---- third: security and compartment (RFC 9293 appendix A.1): IPv4 options that this host does not speak
 * ---- */

static enum step check_security(struct tcp_conn *c, struct tcp_in *in)
{
	(void)c;
	(void)in;
	return STEP_NEXT;
}

/* ---- fourth: SYN ---- */

static enum step check_syn(struct tcp_conn *c, struct tcp_in *in)
{
	if ((in->flags & TH_SYN) == 0)
		return STEP_NEXT;
	challenge(c); /* RFC 5961 section 4.2, whatever its sequence number */
	return drop(in, DROP_TCP_CHALLENGE);
}

/* ---- fifth: ACK ---- */

static void set_window(struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t before = c->snd_wnd;

	c->snd_wnd = (uint32_t)in->window << (in->had_syn ? 0 : c->snd_wscale); /* RFC 7323 section 2.2 */
	c->snd_wl1 = in->seq;
	c->snd_wl2 = in->ack;
	if (c->snd_wnd > c->max_snd_wnd)
		c->max_snd_wnd = c->snd_wnd;
	if (c->snd_wnd == before)
		return;
	tcp_tell(c, TRACE_TCP_WINDOW, NULL, before, c->snd_wnd);
	tcp_want_output(c);
}

/* The window opened: what was sent as a probe, or lay beyond the edge, goes again at once, not after the
 * probe's back-off. */
static void window_opened(struct tcp_conn *c)
{
	LIST_FOR_EACH(n, &c->busy->flight) /* not for want of room: congestion control is not told */
		tcp_segment_lost(c, LIST_ENTRY(n, struct tcp_segment, node));
	c->flags &= ~(unsigned)CONN_PROBING;
	tcp_timers_window_opened(c);
}

static void update_window(struct tcp_conn *c, const struct tcp_in *in)
{
	bool newer = seq_lt(c->snd_wl1, in->seq) ||
		     (seq_eq(c->snd_wl1, in->seq) && seq_le(c->snd_wl2, in->ack));

	if (!newer)
		return;
	set_window(c, in);
	if ((c->flags & CONN_PROBING) != 0 && c->snd_wnd > 0)
		window_opened(c);
}

static void become_established(struct tcp_conn *c, struct tcp_in *in)
{
	if (c->timeouts > 0)
		tcp_on_syn_lost(c, c->timeouts);
	set_window(c, in);
	tcp_enter(c, TCP_ESTABLISHED);
	if ((c->flags & CONN_FAST_OPEN) != 0) /* the listener has known since the SYN */
		tcp_fast_open_over(c, false);
	else if ((c->flags & CONN_PASSIVE) != 0)
		tcp_listener_established(c);
	else if ((c->flags & CONN_DETACHED) == 0 && c->stream.handler->on_open != NULL)
		c->stream.handler->on_open(&c->stream);
}

/* RFC 5681 section 2: (b) no text, (c) no SYN or FIN, (d) ACK = snd.una, (e) the same window. With (a), data
 * outstanding, it is a duplicate acknowledgement. */
static bool repeats_ack(const struct tcp_conn *c, const struct tcp_in *in)
{
	return seq_eq(in->ack, c->snd_una) && in->len == 0 &&
	       (uint32_t)in->window << c->snd_wscale == c->snd_wnd && c->snd_wnd > 0;
}

static void tell_writable(struct tcp_conn *c)
{
	const struct stream_handler *h = c->stream.handler;
	bool attached = (c->flags & (CONN_DETACHED | CONN_ACCEPTED)) == CONN_ACCEPTED && h != NULL;

	if (attached && c->busy->queued == 0 && h->on_drained != NULL) {
		h->on_drained(&c->stream);
		h = c->stream.handler;
		attached = !is_dead(c) && (c->flags & CONN_DETACHED) == 0 && h != NULL;
	}
	if (attached && (c->flags & CONN_WANTS_WRITABLE) != 0 &&
	    c->busy->queued <= tcp_send_buffer(c) / 2) {
		c->flags &= ~(unsigned)CONN_WANTS_WRITABLE;
		if (h->on_writable != NULL)
			h->on_writable(&c->stream);
	}
}

/* ACK of our FIN? Then these states go on; true if the connection is over. */
static bool fin_acknowledged(struct tcp_conn *c)
{
	if ((c->flags & CONN_FIN_SENT) == 0 || !seq_eq(c->snd_una, c->snd_nxt))
		return false;
	if (in_state(c, TCP_FIN_WAIT_1)) {
		tcp_enter(c, TCP_FIN_WAIT_2);
	} else if (in_state(c, TCP_CLOSING)) {
		tcp_enter(c, TCP_TIME_WAIT);
		if ((c->flags & CONN_ACK_NOW) != 0) /* the peer's FIN came in the same batch */
			tcp_send_last_ack(c);
		tcp_timewait_add(c);
		tcp_conn_finish(c);
		return true;
	} else if (in_state(c, TCP_LAST_ACK)) {
		tcp_conn_finish(c);
		return true;
	}
	return false;
}

/*
 * Does the echoed timestamp show that the ACK answers the last transmission (RFC 7323 section 4)? An older
 * echo need not be the answer to the first: the ACK of a retransmission may have been lost, and a duplicate's
 * timestamp is not echoed.
 */
static bool answers_last_transmission(const struct tcp_conn *c, const struct tcp_in *in, uint64_t ago_us)
{
	int32_t ms = (int32_t)(tcp_now_ms(c->tcp) + c->ts_offset - in->options.ts_ecr);

	return (c->flags & CONN_TIMESTAMPS) != 0 && in->options.has_timestamp && ms >= 0 &&
	       (uint64_t)ms * 1000 <= ago_us + 1000;
}

/* Takes a sample of the round trip, if the ACK gives one. Karn's rule (MUST-18) also holds for what was sent
 * once and had to wait for what was sent again. */
static bool measure(struct tcp_conn *c, struct tcp_delivery *d)
{
	if (!d->whole || (d->retransmitted && !answers_last_transmission(c, d->in, d->ago_us)))
		return false;
	d->rtt_us = tcp_rtt_sample(c, d->ago_us);
	c->busy->rack.probe_unmeasured = false;
	return true;
}

/* What an acknowledgement, cumulative or selective, says of the flight. */
static void take_ack(struct tcp_conn *c, const struct tcp_in *in)
{
	bool had_queue = c->busy->queued > 0, sampled;
	bool repeats = repeats_ack(c, in);
	struct tcp_delivery d = {
		.in = in,
		.flight = c->busy->pipe,
		.fack = c->busy->rack.fack,
		.repeats = repeats,
		.is_duplicate = repeats && !list_is_empty(&c->busy->flight),
	};

	c->tcp->counters.dup_acks_in += d.is_duplicate;
	if (UNLIKELY(in->options.n_sack > 0))
		tcp_sack_input(c, &d);
	if (seq_gt(in->ack, c->snd_una))
		tcp_send_acked(c, in->ack, &d);
	sampled = measure(c, &d);
	tcp_rate_sample(c, &d);
	tcp_recover(c, &d);
	if (d.acked > 0 || d.delivered > 0 || d.is_duplicate)
		tcp_want_output(c);
	if (d.acked == 0)
		return;
	tcp_timers_acked(c, sampled);
	link_confirm(c->tcp->ip->link, c->neighbour_hint);
	if (had_queue)
		tell_writable(c);
}

static enum step check_ack(struct tcp_conn *c, struct tcp_in *in)
{
	if ((in->flags & TH_ACK) == 0)
		return drop(in, DROP_TCP_NO_ACK);
	if (in_state(c, TCP_SYN_RECEIVED)) {
		/* A block made from a half-open record has its SYN acknowledged already: there snd.una is a
		 * fit ACK too. By Fast Open text may be in flight behind the SYN. */
		if (seq_lt(in->ack, c->snd_una) || seq_gt(in->ack, c->snd_nxt) || seq_eq(in->ack, c->iss)) {
			tcp_reply_rst(in);
			return drop(in, DROP_TCP_BAD_ACK);
		}
		become_established(c, in);
		if (is_dead(c))
			return STEP_DONE;
	}
	if (seq_gt(in->ack, c->snd_nxt)) {
		challenge(c);
		return drop(in, DROP_TCP_BAD_ACK);
	}
	if (seq_lt(in->ack, seq_sub(c->snd_una, c->max_snd_wnd))) { /* RFC 5961 section 5.2 */
		challenge(c);
		return drop(in, DROP_TCP_OLD_ACK);
	}
	if (UNLIKELY(in->options.user_timeout_s != 0))
		tcp_user_timeout_received(c, in);
	if (seq_ge(in->ack, c->snd_una))
		take_ack(c, in);
	if (is_dead(c))
		return STEP_DONE;
	if (seq_ge(in->ack, c->snd_una))
		update_window(c, in);
	return fin_acknowledged(c) ? STEP_DONE : STEP_NEXT;
}

/* ---- sixth: URG ---- */

static enum step check_urgent(struct tcp_conn *c, struct tcp_in *in)
{
	if (LIKELY((in->flags & TH_URG) == 0 && !c->busy->urgent.receiving))
		return STEP_NEXT;
	tcp_urgent_received(c, in);
	return is_dead(c) ? STEP_DONE : STEP_NEXT;
}

/* ---- seventh: text ---- */

static void note_segment_size(struct tcp_conn *c, const struct tcp_in *in)
{
	size_t size = in->packet->gso_size > 0 ? in->packet->gso_size : in->text.len;

	if (size > c->rcv_mss)
		c->rcv_mss = size > UINT16_MAX ? UINT16_MAX : (uint16_t)size;
}

/* Data for an application that has closed: nobody will read it, and the peer must learn so (RFC 9293
 * SHLD-3). */
static enum step refuse_text(struct tcp_conn *c, struct tcp_in *in)
{
	c->tcp->counters.abort_on_data++;
	drop(in, DROP_TCP_AFTER_CLOSE);
	tcp_send_rst(c);
	tcp_conn_end(c, STREAM_END_RESET);
	return STEP_DROP;
}

/* Nothing follows a FIN: text from beyond it is cut off, or it would never come to be the next in order. */
static void cut_at_fin(const struct tcp_conn *c, struct tcp_in *in)
{
	uint32_t left = seq_lt(in->seq, c->fin_seq) ? seq_len(c->fin_seq, in->seq) : 0;

	if ((c->flags & CONN_FIN_KNOWN) != 0 && in->text.len > left)
		in->text.len = left;
}

static enum step take_text(struct tcp_conn *c, struct tcp_in *in)
{
	bool in_order = seq_eq(in->seq, c->rcv_nxt), had_hole = !tcp_reorder_is_empty(&c->busy->reorder);
	enum drop_reason reason;

	if ((in->flags & TH_FIN) != 0 && (c->flags & CONN_FIN_KNOWN) == 0) {
		c->flags |= CONN_FIN_KNOWN;
		c->fin_seq = seq_add(in->seq, (uint32_t)in->text.len);
	}
	cut_at_fin(c, in);
	if (in->text.len == 0 || !in_state(c, TCP_CAN_RECEIVE_TEXT))
		return STEP_NEXT;
	if ((c->flags & CONN_DETACHED) != 0)
		return refuse_text(c, in);
	note_segment_size(c, in);
	if (tcp_uses_ecn(c))
		tcp_ecn_received(c, in);
	c->tcp->counters.in_bytes += in->text.len;
	tcp_receive_measure(c, in);
	reason = tcp_receive_text(c, in->seq, in->text);
	if (is_dead(c))
		return STEP_DONE;
	/* Closed on the way, and more came. */
	if ((c->flags & CONN_DETACHED) != 0 && c->busy->received_bytes > 0)
		return refuse_text(c, in);
	if (in_order && !had_hole && reason == DROP_NONE) {
		tcp_timers_text_received(c);
		return STEP_NEXT;
	}
	/* A hole, or one being filled: the peer's loss recovery lives on ACKs that come at once (RFC 5681
	 * section 4.2). */
	if (!in_order && (c->flags & CONN_SACK) == 0 && c->dup_acks_owed < TCP_MAX_DUP_ACKS_OWED)
		c->dup_acks_owed++;
	tcp_ack_now(c);
	in->reason = reason;
	return STEP_NEXT;
}

/* ---- eighth: FIN ---- */

void tcp_tell_end(struct tcp_conn *c)
{
	const struct stream_handler *h = c->stream.handler;

	if ((c->flags & (CONN_ACCEPTED | CONN_DETACHED)) != CONN_ACCEPTED || h == NULL ||
	    (c->flags & CONN_END_TOLD) != 0)
		return;
	c->flags |= CONN_END_TOLD;
	if (h->on_end != NULL)
		h->on_end(&c->stream);
}

static enum step check_fin(struct tcp_conn *c, struct tcp_in *in)
{
	if ((c->flags & (CONN_FIN_KNOWN | CONN_FIN_RECEIVED)) != CONN_FIN_KNOWN ||
	    !in_state(c, TCP_CAN_RECEIVE_TEXT))
		return STEP_DONE;
	if (seq_lt(c->rcv_nxt, c->fin_seq)) { /* something before it is missing */
		if ((in->flags & TH_FIN) != 0)
			tcp_ack_now(c);
		return STEP_DONE;
	}
	c->flags |= CONN_FIN_RECEIVED;
	c->rcv_nxt = seq_add(c->rcv_nxt, 1);
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt);
	tcp_ack_now(c);
	if (in_state(c, TCP_ESTABLISHED)) {
		tcp_enter(c, TCP_CLOSE_WAIT);
	} else if (in_state(c, TCP_FIN_WAIT_1)) {
		tcp_enter(c, TCP_CLOSING);
	} else {
		tcp_enter(c, TCP_TIME_WAIT);
		tcp_send_last_ack(c);
		tcp_timewait_add(c);
		tcp_tell_end(c);
		if (!is_dead(c))
			tcp_conn_finish(c);
		return STEP_DONE;
	}
	tcp_tell_end(c);
	return STEP_DONE;
}

/* ---- SYN-SENT (RFC 9293 section 3.10.7.3) ---- */

static void take_peer_syn(struct tcp_conn *c, const struct tcp_in *in)
{
	c->rcv_tos = in->packet->tos;
	c->irs = in->seq;
	c->rcv_nxt = c->last_ack_sent = seq_add(in->seq, 1);
	c->rcv_adv = seq_add(c->rcv_nxt, tcp_initial_receive_window(c->tcp));
	if (in->options.has_mss)
		c->peer_mss = in->options.mss < TCP_MIN_MSS ? TCP_MIN_MSS : in->options.mss;
	if (!in->options.has_wscale) {
		c->flags &= ~(unsigned)CONN_WSCALE;
		c->rcv_wscale = 0;
	} else if ((c->flags & CONN_WSCALE) != 0) {
		c->snd_wscale = in->options.wscale;
	}
	if (!in->options.sack_permitted)
		c->flags &= ~(unsigned)CONN_SACK;
	if (!in->options.has_timestamp) {
		c->flags &= ~(unsigned)CONN_TIMESTAMPS;
	} else {
		c->ts_recent = in->options.ts_val;
		c->ts_recent_us = in->now_us;
	}
	tcp_mtu_init(c);
	tcp_init_congestion(c);
}

static enum step open_actively(struct tcp_conn *c, struct tcp_in *in)
{
	struct tcp_delivery syn = { .in = in, .flight = c->busy->pipe, .fack = c->busy->rack.fack };

	tcp_send_acked(c, in->ack, &syn);
	if ((in->flags & (TH_ECE | TH_CWR)) == TH_ECE && c->tcp->config.ecn == TCP_ECN_OFFER)
		c->ecn.flags = ECN_AGREED; /* RFC 3168 section 6.1.1 */
	if (syn.retransmitted)
		tcp_on_syn_lost(c, c->timeouts);
	else
		tcp_rtt_sample(c, syn.ago_us);
	c->flags &= ~(unsigned)CONN_RTO_RECOVERY;
	tcp_timers_acked(c, !syn.retransmitted);
	tcp_user_timeout_received(c, in);
	set_window(c, in);
	tcp_ack_now(c);
	tcp_enter(c, TCP_ESTABLISHED);
	if ((c->flags & CONN_DETACHED) == 0 && c->stream.handler->on_open != NULL)
		c->stream.handler->on_open(&c->stream);
	if (is_dead(c))
		return STEP_DONE;
	/* Text or FIN with the SYN: on to the later steps with the SYN taken off. */
	in->seq = c->rcv_nxt;
	in->flags &= (uint8_t)~TH_SYN;
	in->len--;
	trim(c, in);
	return STEP_NEXT;
}

static enum step open_simultaneously(struct tcp_conn *c, struct tcp_in *in)
{
	struct tcp_segment *syn = LIST_ENTRY(list_first(&c->busy->flight), struct tcp_segment, node);

	set_window(c, in);
	tcp_enter(c, TCP_SYN_RECEIVED);
	tcp_segment_lost(c, syn); /* it goes again, with an ACK now */
	tcp_want_output(c);
	return STEP_DONE;
}

static enum step syn_sent(struct tcp_conn *c, struct tcp_in *in)
{
	bool acks = (in->flags & TH_ACK) != 0;
	enum step step;

	if (acks && (seq_le(in->ack, c->iss) || seq_gt(in->ack, c->snd_nxt))) { /* first */
		tcp_reply_rst(in);
		return drop(in, DROP_TCP_BAD_ACK);
	}
	if ((in->flags & TH_RST) != 0) { /* second */
		if (!acks)
			return drop(in, DROP_TCP_BAD_ACK);
		/* RFC 5961. Who answers a SYN that he knows nothing of has the number 0. */
		if (!seq_eq(in->seq, c->rcv_nxt))
			return drop(in, DROP_TCP_OUT_OF_WINDOW);
		c->tcp->counters.attempt_fails++;
		drop(in, DROP_TCP_RESET);
		tcp_conn_end(c, STREAM_END_REFUSED);
		return STEP_DROP;
	}
	if ((in->flags & TH_SYN) == 0) /* fourth, fifth */
		return drop(in, DROP_TCP_BAD_FLAGS);
	take_peer_syn(c, in);
	if (!acks)
		return open_simultaneously(c, in);
	step = open_actively(c, in);
	if (step == STEP_NEXT)
		step = check_urgent(c, in);
	if (step == STEP_NEXT)
		step = take_text(c, in);
	return step == STEP_NEXT ? check_fin(c, in) : step;
}

/* ---- a segment for a connection ---- */

static enum step run_steps(struct tcp_conn *c, struct tcp_in *in)
{
	enum step step = check_sequence(c, in);

	if (step == STEP_NEXT)
		step = check_reset(c, in);
	if (step == STEP_NEXT)
		step = check_security(c, in);
	if (step == STEP_NEXT)
		step = check_syn(c, in);
	if (step == STEP_NEXT)
		step = check_ack(c, in);
	if (step == STEP_NEXT)
		step = check_urgent(c, in);
	if (step == STEP_NEXT)
		step = take_text(c, in);
	if (step == STEP_NEXT)
		step = check_fin(c, in);
	return step;
}

enum drop_reason tcp_conn_input(struct tcp_conn *c, struct tcp_in *in)
{
	if (!tcp_wake(c))
		return world_drop(in->tcp->world, DROP_NO_MEMORY);
	c->segs_in++;
	tcp_timers_segment_received(c);
	in->reason = DROP_NONE;
	if (in_state(c, TCP_SYN_SENT))
		syn_sent(c, in);
	else
		run_steps(c, in);
	tcp_check(c);
	return in->reason;
}

/* ---- the demultiplexer ---- */

static bool has_valid_checksum(const struct ip_packet *p)
{
	uint32_t sum;

	if (p->checksum_valid)
		return true;
	sum = ip_pseudo_sum(&p->src, &p->dst, IP_PROTO_TCP, (uint32_t)p->payload.len);
	return checksum_finish(checksum_add(sum, p->payload.data, p->payload.len)) == 0; /* MUST-3 */
}

/* Takes the header apart. */
static enum drop_reason parse(struct tcp *tcp, const struct ip_packet *p, struct tcp_in *in)
{
	struct bytes segment = p->payload, fixed, options;
	unsigned header_len;

	if (!bytes_take(&segment, TCP_HEADER_LEN, &fixed))
		return DROP_TCP_SHORT;
	header_len = (fixed.data[12] >> 4) * 4u;
	if (header_len < TCP_HEADER_LEN || !bytes_take(&segment, header_len - TCP_HEADER_LEN, &options))
		return DROP_TCP_SHORT;
	if (!has_valid_checksum(p)) {
		tcp->counters.in_csum_errors++;
		return DROP_TCP_CHECKSUM;
	}
	*in = (struct tcp_in){
		.tcp = tcp,
		.packet = p,
		.src_port = load_be16(fixed.data),
		.dst_port = load_be16(fixed.data + 2),
		.seq = seq_of(load_be32(fixed.data + 4)),
		.ack = seq_of(load_be32(fixed.data + 8)),
		.flags = fixed.data[13],
		.window = load_be16(fixed.data + 14),
		.text = segment,
		.now_us = tcp_now(tcp),
	};
	in->urgent = seq_add(in->seq, load_be16(fixed.data + 18));
	in->had_syn = (in->flags & TH_SYN) != 0;
	in->len = (uint32_t)segment.len + ((in->flags & TH_SYN) != 0 ? 1 : 0) +
		  ((in->flags & TH_FIN) != 0 ? 1 : 0);
	if (!tcp_options_parse(options, (in->flags & TH_SYN) != 0, &in->options))
		return DROP_TCP_BAD_OPTION;
	return DROP_NONE;
}

/* CLOSED: all but a reset is answered by one (RFC 9293 section 3.10.7.1). */
static enum drop_reason no_connection(struct tcp_in *in)
{
	tcp_reply_rst(in);
	return world_drop(in->tcp->world, DROP_TCP_NO_CONNECTION);
}

static enum drop_reason demultiplex(struct tcp *tcp, struct tcp_in *in)
{
	const struct ip_packet *p = in->packet;
	uint64_t hash = tcp_hash(tcp, &p->dst, in->dst_port, &p->src, in->src_port);
	struct tcp_conn *c = tcp_table_find(tcp, hash, &p->dst, in->dst_port, &p->src, in->src_port);
	struct tcp_timewait *tw;
	struct tcp_listener *l;
	struct tcp_syn *syn;
	enum drop_reason reason;

	if (c != NULL)
		return tcp_conn_input(c, in);
	tw = tcp_timewait_find(tcp, hash, in);
	if (tw != NULL && !tcp_timewait_input(tw, in, hash))
		return world_drop(tcp->world, in->reason);
	syn = tcp_syn_find(tcp, hash, &p->dst, in->dst_port, &p->src, in->src_port);
	l = syn == NULL ? tcp_listener_find(tcp, &p->dst, in->dst_port) : NULL;
	if (syn != NULL)
		reason = tcp_syn_input(syn, in, hash, &c);
	else if (l != NULL)
		reason = tcp_listen_input(l, in, hash, &c);
	else
		reason = no_connection(in);
	return c != NULL ? tcp_conn_input(c, in) : reason;
}

enum drop_reason tcp_input(struct tcp *tcp, const struct ip_packet *packet)
{
	struct tcp_in in;
	enum drop_reason reason;

	tcp_bury(tcp);
	tcp->counters.in_segs++;
	if (packet->is_broadcast) /* MUST-57 */
		return world_drop(tcp->world, DROP_TCP_BROADCAST);
	reason = parse(tcp, packet, &in);
	if (reason != DROP_NONE) {
		tcp->counters.in_errs++;
		return world_drop(tcp->world, reason);
	}
	return demultiplex(tcp, &in);
}
