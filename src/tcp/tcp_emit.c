/*
 * Segments as they leave: header, options, acknowledgement, window, payload by reference, checksum; then they
 * are IP's. Which segment leaves, and when, is decided elsewhere (tcp_output.c); here every one of a
 * connection gets the newest acknowledgement and window, and what must ride on it: timestamps, SACK blocks,
 * ECN, the urgent mark.
 */
#include "tcp/tcp_conn.h"

#include <assert.h>

#include "base/checksum.h"
#include "base/minmax.h"

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

static void add_timestamp(const struct tcp_conn *c, uint8_t flags, struct tcp_options *o)
{
	if ((c->flags & CONN_TIMESTAMPS) == 0)
		return;
	o->has_timestamp = true;
	o->ts_val = tcp_now_ms(c->tcp) + c->ts_offset;
	o->ts_ecr = (flags & TH_ACK) != 0 ? c->ts_recent : 0;
}

/* What only SYNs carry; among it the MSS (MUST-65). */
static void add_syn_options(const struct tcp_conn *c, struct tcp_options *o)
{
	struct tcp *tcp = c->tcp;

	o->has_mss = true;
	o->mss = (uint16_t)(ip_mtu(tcp->ip, &c->remote) - ip_header_len(&c->remote) - TCP_HEADER_LEN);
	o->has_wscale = (c->flags & CONN_WSCALE) != 0;
	o->wscale = c->rcv_wscale;
	o->sack_permitted = (c->flags & CONN_SACK) != 0;
	tcp_user_timeout_offer(tcp, c->busy->user_timeout.us, o);
	tcp_fast_open_renew(c, o);
}

/* SACK blocks, as many as find room beside len bytes of text: the MSS has none set aside for them, so that
 * full segments are of one length. */
static void add_sack(struct tcp_conn *c, uint8_t flags, uint32_t len, struct tcp_options *o)
{
	uint32_t spare = c->mss - min_u32(len, c->mss);
	unsigned room = tcp_options_sack_room(o->has_timestamp);

	if ((c->flags & CONN_SACK) == 0 || (flags & (TH_SYN | TH_RST)) != 0 ||
	    LIKELY(c->busy->reorder.n_ranges == 0 && c->busy->n_duplicates == 0))
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

static void acknowledge(struct tcp_conn *c, const struct tcp_outgoing *o, struct tcp_reply *r)
{
	r->ack = c->rcv_nxt;
	c->last_ack_sent = c->rcv_nxt;
	add_sack(c, o->flags, o->len, &r->options);
	if (UNLIKELY(c->busy->user_timeout.due) && (o->flags & (TH_SYN | TH_RST)) == 0)
		tcp_user_timeout_add(c, c->mss - min_u32(o->len, c->mss), &r->options);
	/* What found no room beside text goes by itself. */
	if (tcp_sack_acks_owed(c) == 0)
		c->flags &= ~(unsigned)CONN_ACK_NOW;
}

void tcp_emit(struct tcp_conn *c, const struct tcp_outgoing *o)
{
	struct tx_frame *f = link_tx_slot(c->tcp->ip->link);
	struct tcp_reply r = {
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.seq = o->seq,
		.flags = o->flags,
		.note = o->note,
	};

	if (f == NULL)
		return; /* callers look for room; what is lost here is found by the timers */
	add_timestamp(c, o->flags, &r.options);
	if (UNLIKELY((o->flags & TH_SYN) != 0))
		add_syn_options(c, &r.options);
	r.window = advertise(c, (o->flags & TH_SYN) != 0);
	if ((o->flags & TH_ACK) != 0)
		acknowledge(c, o, &r);
	if (UNLIKELY(c->busy->urgent.sending))
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

void tcp_emit_empty(struct tcp_conn *c, struct seq seq, uint8_t flags, const char *note)
{
	flags |= tcp_ecn_flags(c, false);
	tcp_emit(c, &(struct tcp_outgoing){ .seq = seq, .flags = flags, .note = note });
}

/* ---- segments outside of the usual order ---- */

void tcp_send_rst(struct tcp_conn *c)
{
	if (!in_state(c, TCP_SYNCHRONISED | TCP_SYN_RECEIVED))
		return;
	c->tcp->counters.out_rsts++;
	tcp_emit_empty(c, c->snd_nxt, TH_RST | TH_ACK, NULL);
}

void tcp_send_last_ack(struct tcp_conn *c)
{
	c->tcp->counters.pure_acks++;
	tcp_emit_empty(c, c->snd_nxt, TH_ACK, NULL);
}

void tcp_send_probe(struct tcp_conn *c, const char *note)
{
	/* One before snd.nxt: outside the peer's window, so that it must answer (RFC 9293 section 3.8.4;
	 * SHLD-12: no data). */
	tcp_emit_empty(c, seq_sub(c->snd_nxt, 1), TH_ACK, note);
}
