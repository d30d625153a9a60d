/*
 * What may be sent now, and segments as they leave. Connections that may have something to send stand in a
 * list; tcp_output() visits them once all received frames are processed, so that acknowledgements ride on
 * responses and are aggregated (RFC 9293 MUST-58, MUST-59).
 *
 * A visit sends, in this order: what is deemed lost, new data as the windows allow, the FIN, and, if none of
 * these carried it, the acknowledgement that is owed. Each visit is bounded, so that one bulk transfer does
 * not hold up the rest.
 */
#include "tcp/tcp_conn.h"

#include <assert.h>

#include "base/checksum.h"
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

/* ---- one segment onto the link ---- */

/* Sums pieces of any length: one that begins at an odd place counts byte-swapped (RFC 1071 section 2). */
static uint32_t sum_payload(const struct tx_frame *f, uint32_t sum)
{
	bool odd = false;

	sum = checksum_fold(sum); /* 16 bits a piece: their sum has room in 32 */
	for (unsigned i = 1; i <= f->pieces; i++) {
		uint16_t part = checksum_fold(checksum_add(0, f->iov[i].iov_base, f->iov[i].iov_len));
		sum += odd ? __builtin_bswap16(part) : part;
		odd ^= (f->iov[i].iov_len & 1) != 0;
	}
	return sum;
}

static void set_checksum(struct tcp *tcp, struct tx_frame *f, uint8_t *header, unsigned header_len,
			 const struct ip_send *how)
{
	uint32_t sum = ip_pseudo_sum(&how->src, &how->dst, IP_PROTO_TCP, header_len + f->payload_len);
	uint16_t field;

	if (tcp->ip->link->caps.tx_checksum) {
		field = checksum_fold(sum);
		f->flags |= TX_CHECKSUM_PARTIAL;
		f->checksum_start = (uint16_t)(link_header_len(tcp->ip->link) + ip_header_len(&how->dst));
		f->checksum_offset = 16;
	} else { /* MUST-2 */
		field = checksum_finish(sum_payload(f, checksum_add(sum, header, header_len)));
	}
	memcpy(header + 16, &field, sizeof field);
}

/* Puts the TCP header in front of the payload and hands the frame to IP. */
static void finish_segment(struct tcp *tcp, struct tx_frame *f, const struct tcp_reply *r, uint8_t ttl,
			   uint8_t tos, uint32_t *neighbour_hint)
{
	uint8_t options[TCP_OPTIONS_MAX];
	unsigned options_len = tcp_options_emit(&r->options, options);
	unsigned len = TCP_HEADER_LEN + options_len;
	uint8_t *h = tx_push(f, len);
	struct ip_send how = {
		.src = r->local,
		.dst = r->remote,
		.protocol = IP_PROTO_TCP,
		.ttl = ttl,
		.tos = tos,
		.neighbour_hint = neighbour_hint,
	};

	store_be16(h, r->local_port);
	store_be16(h + 2, r->remote_port);
	store_be32(h + 4, r->seq.n);
	store_be32(h + 8, r->ack.n);
	h[12] = (uint8_t)(len / 4 << 4);
	h[13] = r->flags;
	store_be16(h + 14, r->window);
	memset(h + 16, 0, 2); /* the checksum */
	store_be16(h + 18, r->urgent);
	memcpy(h + TCP_HEADER_LEN, options, options_len);
	set_checksum(tcp, f, h, len, &how);
	f->note = r->note;
	tcp->counters.out_segs++;
	tcp->counters.out_bytes += f->payload_len;
	ip_output(tcp->ip, f, &how); /* a drop is counted there; here the segment counts as sent, and lost */
}

void tcp_reply(struct tcp *tcp, const struct tcp_reply *r)
{
	struct tx_frame *f = link_tx_slot(tcp->ip->link);

	if (f == NULL)
		return; /* counted by the link; whatever this answered will be sent again */
	if ((r->flags & TH_RST) != 0)
		tcp->counters.out_rsts++;
	finish_segment(tcp, f, r, tcp->config.ttl, tcp->config.tos & TCP_TOS_DSCP, NULL);
}

void tcp_reply_rst(const struct tcp_in *in)
{
	struct tcp_reply r = {
		.local = in->packet->dst,
		.remote = in->packet->src,
		.local_port = in->dst_port,
		.remote_port = in->src_port,
		.flags = TH_RST,
	};

	if ((in->flags & TH_RST) != 0)
		return;
	if ((in->flags & TH_ACK) != 0) { /* RFC 9293 section 3.10.7.1 */
		r.seq = in->ack;
	} else {
		r.flags |= TH_ACK;
		r.ack = seq_add(in->seq, in->len);
	}
	tcp_reply(in->tcp, &r);
}

/*
 * The window field for what may be advertised, and the edge that it promises. Where rounding down would pull
 * the edge back it is rounded up, but not past the buffer: else octets sent one by one would push the edge on
 * and on. What is then pulled back is less than the field's unit, and still accepted: rcv_adv stays (RFC 7323
 * section 2.4).
 */
static uint16_t advertise(struct tcp_conn *c, bool syn)
{
	uint32_t window = tcp_receive_window(c);
	uint8_t shift = syn ? 0 : c->rcv_wscale; /* RFC 7323 section 2.2 */
	uint32_t field = window >> shift;

	if ((field << shift) < seq_len(c->rcv_adv, c->rcv_nxt) &&
	    ((field + 1) << shift) <= tcp_receive_room(c))
		field++;
	field = min_u32(field, UINT16_MAX);
	c->rcv_adv = seq_max(c->rcv_adv, seq_add(c->rcv_nxt, field << shift));
	return (uint16_t)field;
}

static struct tcp_options conn_options(const struct tcp_conn *c, uint8_t flags)
{
	struct tcp *tcp = c->tcp;
	struct tcp_options o = { 0 };

	if ((c->flags & CONN_TIMESTAMPS) != 0) {
		o.has_timestamp = true;
		o.ts_val = tcp_now_ms(tcp) + c->ts_offset;
		o.ts_ecr = (flags & TH_ACK) != 0 ? c->ts_recent : 0;
	}
	if ((flags & TH_SYN) != 0) { /* MSS on SYNs only (MUST-65) */
		o.has_mss = true;
		o.mss = (uint16_t)(ip_mtu(tcp->ip, &c->remote) - ip_header_len(&c->remote) - TCP_HEADER_LEN);
		o.has_wscale = (c->flags & CONN_WSCALE) != 0;
		o.wscale = c->rcv_wscale;
		o.sack_permitted = (c->flags & CONN_SACK) != 0;
		tcp_fast_open_renew(c, &o);
	}
	return o;
}

/* SACK blocks, as many as find room beside len bytes of text: the MSS has none set aside for them, so that
 * full segments are of one length. */
static void add_sack(struct tcp_conn *c, uint8_t flags, uint32_t len, struct tcp_options *o)
{
	uint32_t spare = c->mss - min_u32(len, c->mss);
	unsigned room = tcp_options_sack_room(o->has_timestamp);

	if ((c->flags & CONN_SACK) == 0 || (flags & (TH_SYN | TH_RST)) != 0)
		return;
	if (len > 0)
		room = min_u32(room, (spare - min_u32(spare, TCP_SACK_OPTION_LEN)) / TCP_SACK_BLOCK_LEN);
	tcp_sack_report(c, room, o);
}

/* Refers to len bytes of the send queue from `from` on; they fit: the segment was made to. */
static void add_payload(struct tx_frame *f, struct send_cursor from, uint32_t len)
{
	while (len > 0) {
		size_t n = from.piece->span.len - from.offset;
		bool added;
		if (n > len)
			n = len;
		added = tx_add_payload(f, from.piece->span.data + from.offset, n);
		assert(added);
		(void)added;
		len -= (uint32_t)n;
		from = (struct send_cursor){ from.piece->next, 0 };
	}
}

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

/* A segment of a connection: what is sent, and how it is marked. */
struct outgoing {
	struct seq seq;
	uint8_t flags;
	uint8_t ecn;              /* codepoint for the IP header */
	struct send_cursor from;
	uint32_t len;
	bool whole;               /* not cut into segments, though larger than one: a path MTU probe */
	const char *note;
};

/* Emits it; every one carries the newest acknowledgement and window. */
static void emit(struct tcp_conn *c, const struct outgoing *o)
{
	struct tx_frame *f = link_tx_slot(c->tcp->ip->link);
	struct tcp_reply r = {
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.seq = o->seq,
		.flags = o->flags,
		.options = conn_options(c, o->flags),
		.note = o->note,
	};

	if (f == NULL)
		return; /* callers look for room; what is lost here is found by the timers */
	r.window = advertise(c, (o->flags & TH_SYN) != 0);
	if ((o->flags & TH_ACK) != 0) {
		r.ack = c->rcv_nxt;
		c->last_ack_sent = c->rcv_nxt;
		add_sack(c, o->flags, o->len, &r.options);
		/* What found no room beside text goes by itself. */
		if (tcp_sack_acks_owed(c) == 0)
			c->flags &= ~(unsigned)CONN_ACK_NOW;
	}
	tcp_urgent_mark(c, &r);
	add_payload(f, o->from, o->len);
	if (o->len > c->mss && !o->whole) {
		f->gso = ip_addr_is_4(&c->remote) ? GSO_TCP4 : GSO_TCP6;
		f->gso_size = c->mss;
	}
	f->conn = c;
	c->segs_out++;
	tcp_timers_ack_sent(c);
	finish_segment(c->tcp, f, &r, c->ttl, c->tos | o->ecn, &c->neighbour_hint);
}

/* A segment without text at this sequence number. */
static void emit_empty(struct tcp_conn *c, struct seq seq, uint8_t flags, const char *note)
{
	flags |= tcp_ecn_flags(c, false);
	emit(c, &(struct outgoing){ .seq = seq, .flags = flags, .note = note });
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
		flags |= TH_ECE | TH_CWR; /* not again: something on the path may dislike it (RFC 3168
					6.1.1.1) */
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

	s->transmissions++;
	if (s->transmissions > 1)
		note_retransmission(c, s);
	tcp_segment_sent(c, s);
	c->data_sent_us = s->sent_us;
	tcp_recovery_sent(c, s);
	emit(c, &(struct outgoing){ .seq = s->seq,
				    .flags = segment_tcp_flags(c, s) | tcp_ecn_flags(c, new_text),
				    .ecn = tcp_ecn_codepoint(c, new_text),
				    .from = s->from,
				    .len = payload,
				    .whole = (s->flags & SEG_MTU_PROBE) != 0,
				    .note = note });
	tcp_pacing_sent(c, payload);
	tcp_timers_data_sent(c, s);
}

/* ---- what may be sent ---- */

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
	return c->cc.cwnd > flight ? c->cc.cwnd - flight : 0;
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
	bool all = len == c->unsent;
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
	bool all = len == c->unsent && (c->flags & (CONN_NODELAY | CONN_SHUTDOWN)) != 0;

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
	uint32_t allowed = min_u32(min_u32(c->unsent, frame_payload(c)),
				   min_u32(congestion_room(c), window_room(c, c->snd_nxt)));
	uint32_t in_a_frame, n;

	if (!may_send_text(c) || allowed == 0 || c->flight_segments >= tcp_max_flight(c))
		return false;
	in_a_frame = reachable(c->send_next, allowed);
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
	struct list *n = list_first(&c->lost);

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
	if (c->unsent > 0 && congestion_room(c) < min_u32(c->unsent, c->mss))
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
	    reachable(c->send_next, len) < len)
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
	enum mtu_probe probe = send_mtu_probe(c);
	bool text;

	if (UNLIKELY(probe != MTU_PROBE_NONE))
		return probe == MTU_PROBE_SENT;
	text = tcp_may_send_new(c, &len);
	note_limit(c);
	if (may_send_fin(c) && len == c->unsent)
		flags |= SEG_FIN;
	if (!text && flags == 0)
		return false;
	if (text && len == c->unsent)
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
		emit_empty(c, c->snd_nxt, TH_ACK, NULL);
	}
	c->dup_acks_owed = (c->flags & CONN_SACK) != 0 ? 0 : (uint8_t)owed;
	return owed == 0;
}

/* The window is open, though too little for a full segment: the override of the silly window rule (section
 * 3.8.6.2.1 (4)). */
static void send_sliver(struct tcp_conn *c)
{
	uint32_t len = min_u32(min_u32(c->unsent, c->mss), window_room(c, c->snd_nxt));
	struct tcp_segment *s = tcp_segment_new(c, reachable(c->send_next, len), 0);

	if (s != NULL)
		emit_record(c, s, NULL);
}

/* A window probe: one octet, new data if none is in flight, else the first again (RFC 9293 section
 * 3.8.6.1). */
static void send_window_probe(struct tcp_conn *c)
{
	struct list *n = list_first(&c->flight);
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
	if (c->snd_wnd == 0 && (c->unsent > 0 || !list_is_empty(&c->flight)))
		send_window_probe(c);
	else if (c->unsent > 0 && list_is_empty(&c->flight))
		send_sliver(c);
}

/* Of the last segment no more than its last full one. */
static struct tcp_segment *last_segment(struct tcp_conn *c)
{
	struct tcp_segment *s = LIST_ENTRY(list_last(&c->flight), struct tcp_segment, node);

	if (s->len > c->mss && tcp_segment_split(c, s, (s->len - 1) / c->mss * c->mss))
		s = LIST_ENTRY(list_last(&c->flight), struct tcp_segment, node);
	return s;
}

/* A tail loss probe (RFC 8985 section 7.3): new data if there is some, else the last segment again, whatever
 * the congestion window says. */
static void send_loss_probe(struct tcp_conn *c)
{
	uint32_t len = min_u32(c->unsent, c->mss);
	struct tcp_segment *s = NULL;
	uint64_t timeout;
	bool again;

	c->rack.probe_due = false;
	if (!tcp_rack_probe_timeout(c, &timeout))
		return; /* what it was to ask about was answered meanwhile */
	if (len > 0 && in_state(c, TCP_CAN_SEND_TEXT) && window_room(c, c->snd_nxt) >= len)
		s = tcp_segment_new(c, reachable(c->send_next, len), len == c->unsent ? SEG_PUSH : 0);
	again = s == NULL;
	if (again)
		s = last_segment(c);
	tcp_rack_probe_sent(c, again);
	emit_record(c, s, "tail loss probe");
}

/* The next segment of a visit; false if none may go now. */
static bool send_next(struct tcp_conn *c)
{
	if (!tcp_pacing_allows(c)) {
		if (c->lost_bytes > 0 || c->unsent > 0 || may_send_fin(c))
			tcp_timers_paced(c);
		return false;
	}
	/* F-RTO's second step: new data asks whether the old is lost. Where none can be sent, it is taken to
	 * be. */
	if (c->undo.frto == FRTO_NEW_DATA) {
		bool asked = seq_gt(c->snd_nxt, c->recover);
		if (send_new(c))
			return true;
		if (tcp_in_flight(c) > 0 && (asked || congestion_room(c) < c->mss))
			return false;
		c->undo.frto = FRTO_OFF;
	}
	return retransmit_one(c) || send_new(c);
}

enum visit { VISIT_DONE, VISIT_MORE, VISIT_RING_FULL };

static void idle(struct tcp_conn *c)
{
	uint32_t before = c->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, NULL);

	c->cc.ops->on_idle(&c->cc, &e);
	tcp_pacing_update(c);
	tcp_tell_cwnd(c, before, "restart after idle");
}

/* An idle connection's window tells nothing of the path any more (RFC 5681 section 4.1). */
static void restart_after_idle(struct tcp_conn *c)
{
	if (c->unsent > 0 && seq_eq(c->snd_una, c->snd_nxt) && c->data_sent_us != 0 &&
	    tcp_now(c->tcp) - c->data_sent_us > c->rto_us)
		idle(c);
}

static enum visit visit(struct tcp_conn *c)
{
	const struct link *link = c->tcp->ip->link;
	unsigned sent = 0;

	restart_after_idle(c);
	if ((c->flags & CONN_PROBE_DUE) != 0 && link_tx_room(link) > 0)
		probe(c);
	if (c->rack.probe_due && link_tx_room(link) > 0)
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

	return s != NULL && c->undo.frto != FRTO_NEW_DATA && congestion_room(c) >= c->mss &&
	       window_room(c, s->seq) >= min_u32(s->len, c->mss);
}

bool tcp_is_stalled(const struct tcp_conn *c)
{
	bool mtu_probe_waits = c->mtu.searching && tcp_in_flight(c) > 0; /* and what is behind it, too */
	const struct pool *pool = &c->tcp->segment_pool;
	bool was_scarce = pool->refused > 0 || pool->peak >= pool->limit / 2;
	uint32_t len;

	if (list_is_linked(&c->output) || c->pace_at != TIMER_NEVER || was_scarce)
		return false;
	return may_retransmit(c) || (!mtu_probe_waits && tcp_may_send_new(c, &len)) ||
	       (c->unsent == 0 && may_send_fin(c) && c->flight_segments < tcp_max_flight(c));
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

/* ---- segments outside of the usual order ---- */

void tcp_send_rst(struct tcp_conn *c)
{
	if (!in_state(c, TCP_SYNCHRONISED | TCP_SYN_RECEIVED))
		return;
	c->tcp->counters.out_rsts++;
	emit_empty(c, c->snd_nxt, TH_RST | TH_ACK, NULL);
}

void tcp_send_last_ack(struct tcp_conn *c)
{
	c->tcp->counters.pure_acks++;
	emit_empty(c, c->snd_nxt, TH_ACK, NULL);
}

void tcp_send_probe(struct tcp_conn *c, const char *note)
{
	/* One before snd.nxt: outside the peer's window, so that it must answer (RFC 9293 section 3.8.4;
	 * SHLD-12: no data). */
	emit_empty(c, seq_sub(c->snd_nxt, 1), TH_ACK, note);
}
