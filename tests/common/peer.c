/* One stack and a scripted peer. */
#include "common/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "tcp/tcp_conn.h"

static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 1 };

/* TEST_FILTER='rfc9293_must_13_*' in the environment: only these tests. */
__attribute__((constructor)) static void take_filter(void)
{
	const char *filter = getenv("TEST_FILTER");

	if (filter != NULL)
		cmocka_set_test_filter(filter);
}

/* ---- application side ---- */

static void on_open(struct stream *s)
{
	((struct peer *)s->user)->opened++;
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	struct peer *p = s->user;

	if (!p->take)
		return 0;
	assert_true(p->received_len + data.len <= sizeof p->received);
	memcpy(p->received + p->received_len, data.data, data.len);
	p->received_len += (uint32_t)data.len;
	return data.len;
}

static void on_end(struct stream *s)
{
	((struct peer *)s->user)->ended++;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	struct peer *p = s->user;

	p->closed++;
	p->why = why;
	p->stream = NULL;
}

static const struct stream_handler handler = {
	.on_open = on_open, .on_receive = on_receive, .on_end = on_end, .on_closed = on_closed
};

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct peer *p = context;
	struct stream *s;

	if (!p->accept)
		return;
	s = tcp_accept(l);
	assert_non_null(s);
	p->accepted++;
	s->handler = p->handler;
	s->user = p;
	p->stream = s;
}

/* ---- frames into the stack ---- */

static void input_frame(struct peer *p, uint16_t ethertype, const uint8_t *payload, uint32_t len)
{
	static uint8_t frame[70000];
	struct rx_frame rx = { .data = frame, .len = 14 + len };

	memcpy(frame, p->mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	store_be16(frame + 12, ethertype);
	memcpy(frame + 14, payload, len);
	stack_input(p->stack, &rx, 1, p->now_us);
}

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

static void input_arp(struct peer *p, uint8_t operation)
{
	uint8_t arp[28] = { 0, 1, 8, 0, 6, 4, 0, operation };

	memcpy(arp + 18, p->mac, 6);
	memcpy(arp + 8, peer_mac, 6);
	store_be32(arp + 14, ip_addr_to_4(&p->addr));
	store_be32(arp + 24, ip_addr_to_4(&p->ours));
	input_frame(p, ETH_TYPE_ARP, arp, sizeof arp);
}

/* ---- what leaves the stack ---- */

static void parse_options(const uint8_t *o, size_t len, struct seg *s)
{
	size_t i = 0;

	while (i < len && o[i] != 0) {
		if (o[i] == 1) {
			i++;
			continue;
		}
		assert_true(i + 1 < len && o[i + 1] >= 2 && i + o[i + 1] <= len);
		switch (o[i]) {
		case 2:
			s->mss = load_be16(o + i + 2);
			break;
		case 3:
			s->has_wscale = true;
			s->wscale = o[i + 2];
			break;
		case 4:
			s->sack_permitted = true;
			break;
		case 8:
			s->has_ts = true;
			s->ts_val = load_be32(o + i + 2);
			s->ts_ecr = load_be32(o + i + 6);
			break;
		case 34:
			assert_true(o[i + 1] == 10);
			s->fast_open = FAST_OPEN_COOKIE;
			memcpy(&s->fast_open_cookie, o + i + 2, sizeof s->fast_open_cookie);
			break;
		case 28:
			assert_int_equal(o[i + 1], 4);
			s->uto_s = load_be16(o + i + 2) & 0x7fffu;
			s->uto_s *= (o[i + 2] & 0x80) != 0 ? 60 : 1;
			break;
		case 5:
			s->n_sack = (uint8_t)((o[i + 1] - 2) / 8);
			assert_true(o[i + 1] % 8 == 2 && s->n_sack <= 4);
			for (unsigned n = 0; n < s->n_sack; n++) {
				s->sack[n].left = load_be32(o + i + 2 + 8 * n);
				s->sack[n].right = load_be32(o + i + 6 + 8 * n);
			}
			break;
		default:
			break;
		}
		i += o[i + 1];
	}
	for (; i < len; i++) /* End of Option List and what follows it (RFC 9293 MUST-69) */
		assert_int_equal(o[i], 0);
}

static void check_checksums(const struct peer *p, const uint8_t *ip, const uint8_t *tcp, uint32_t tcp_len)
{
	uint32_t sum = ip_pseudo_sum(&p->ours, &p->addr, IP_PROTO_TCP, tcp_len);

	assert_int_equal(checksum_finish(checksum_add(0, ip, 20)), 0);
	assert_int_equal(checksum_finish(checksum_add(sum, tcp, tcp_len)), 0);
}

static void collect_segment(struct peer *p, const uint8_t *ip, uint32_t len, uint16_t gso_size)
{
	const uint8_t *t = ip + 20;
	uint32_t tcp_len = len - 20, header = (uint32_t)(t[12] >> 4) * 4;
	unsigned at = (p->out_first + p->out_count) % PEER_QUEUE;
	struct seg *s = &p->out[at];

	assert_true(p->out_count < PEER_QUEUE);
	assert_true(tcp_len >= header && header >= 20);
	*s = (struct seg){ .flags = t[13],
			   .seq = load_be32(t + 4),
			   .ack = load_be32(t + 8),
			   .win = load_be16(t + 14),
			   .urgent = load_be16(t + 18),
			   .src_port = load_be16(t),
			   .dst_port = load_be16(t + 2),
			   .len = tcp_len - header,
			   .ttl = ip[8],
			   .tos = ip[1],
			   .ip_id = load_be16(ip + 4),
			   .gso_size = gso_size };
	parse_options(t + 20, header - 20, s);
	p->out_text[at] = malloc(s->len + 1);
	assert_non_null(p->out_text[at]);
	memcpy(p->out_text[at], t + header, s->len);
	s->data = p->out_text[at];
	p->out_at_us[at] = p->now_us;
	p->out_count++;
}

static void collect(struct peer *p, const struct tx_frame *f)
{
	static uint8_t frame[70000];
	uint32_t len = tx_flatten(f, frame);

	assert_true(len >= 14);
	if (load_be16(frame + 12) == ETH_TYPE_ARP && load_be16(frame + 20) == 1 &&
	    load_be32(frame + 38) == ip_addr_to_4(&p->addr))
		p->arp_asked = true;
	if (load_be16(frame + 12) != ETH_TYPE_IPV4)
		return;
	assert_int_equal(load_be16(frame + 16), len - 14);
	if (frame[23] != IP_PROTO_TCP)
		return;
	if ((f->flags & TX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(frame, len, f->checksum_start, f->checksum_offset);
	check_checksums(p, frame + 14, frame + 34, len - 34);
	collect_segment(p, frame + 14, len - 14, f->gso_size);
}

static void send_all(struct peer *p)
{
	struct tx_frame *frames;
	int n;

	while ((n = stack_poll(p->stack, p->now_us, &frames)) > 0)
		for (int i = 0; i < n; i++)
			collect(p, &frames[i]);
}

void peer_flush(struct peer *p)
{
	send_all(p);
	while (p->arp_asked) {
		p->arp_asked = false;
		input_arp(p, ARP_REPLY);
		send_all(p);
	}
}

void peer_advance(struct peer *p, uint64_t us)
{
	uint64_t end = p->now_us + us;

	for (;;) {
		uint64_t next;
		peer_flush(p);
		next = stack_deadline(p->stack);
		if (next > end)
			break;
		p->now_us = next > p->now_us ? next : p->now_us + 1;
	}
	p->now_us = end;
	peer_flush(p);
}

/* ---- segments into the stack ---- */

static void input_ip(struct peer *p, uint8_t tos, uint8_t protocol, const void *payload, uint32_t len)
{
	static uint8_t ip[70000];
	uint16_t sum;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = tos;
	store_be16(ip + 2, (uint16_t)(20 + len));
	ip[6] = 0x40; /* DF */
	ip[8] = 64;
	ip[9] = protocol;
	store_be32(ip + 12, ip_addr_to_4(&p->addr));
	store_be32(ip + 16, ip_addr_to_4(&p->ours));
	sum = checksum_finish(checksum_add(0, ip, 20));
	memcpy(ip + 10, &sum, 2);
	memcpy(ip + 20, payload, len);
	input_frame(p, ETH_TYPE_IPV4, ip, 20 + len);
}

void peer_inject_ip(struct peer *p, uint8_t protocol, const void *payload, uint32_t len)
{
	input_ip(p, 0, protocol, payload, len);
}

static unsigned write_options(const struct seg *s, uint8_t *out)
{
	struct tcp_options o = { .has_mss = s->mss != 0,
				 .mss = s->mss,
				 .has_wscale = s->has_wscale,
				 .wscale = s->wscale,
				 .fast_open = s->fast_open,
				 .fast_open_cookie = s->fast_open_cookie,
				 .sack_permitted = s->sack_permitted,
				 .has_timestamp = s->has_ts,
				 .ts_val = s->ts_val,
				 .ts_ecr = s->ts_ecr,
				 .user_timeout_s = s->uto_s,
				 .n_sack = s->n_sack };

	for (unsigned i = 0; i < s->n_sack; i++)
		o.sack[i] = (struct sack_block){ seq_of(s->sack[i].left), seq_of(s->sack[i].right) };
	if (s->raw_options == NULL)
		return tcp_options_emit(&o, out);
	memcpy(out, s->raw_options, s->raw_options_len);
	return s->raw_options_len;
}

void peer_inject_held(struct peer *p, const struct seg *s)
{
	static uint8_t t[70000];
	unsigned options = write_options(s, t + 20), header = 20 + options;
	uint32_t len = header + s->len;
	uint16_t sum;

	store_be16(t, s->src_port != 0 ? s->src_port : p->port);
	store_be16(t + 2, s->dst_port != 0 ? s->dst_port : p->our_port);
	store_be32(t + 4, s->seq);
	store_be32(t + 8, s->ack);
	t[12] = (uint8_t)(header / 4 << 4);
	t[13] = s->flags;
	store_be16(t + 14, s->win == 0 && !s->zero_win ? 65535 : s->win);
	store_be16(t + 16, 0);
	store_be16(t + 18, s->urgent);
	if (s->data != NULL)
		memcpy(t + header, s->data, s->len);
	else
		memset(t + header, 'x', s->len);
	sum = checksum_finish(checksum_add(ip_pseudo_sum(&p->addr, &p->ours, IP_PROTO_TCP, len), t, len));
	if (s->bad_checksum)
		sum ^= 0x0101;
	memcpy(t + 16, &sum, 2);
	input_ip(p, s->tos, IP_PROTO_TCP, t, len);
}

void peer_inject(struct peer *p, const struct seg *s)
{
	peer_inject_held(p, s);
	peer_flush(p);
}

void peer_ack(struct peer *p, uint32_t ack)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = ack));
}

void peer_send(struct peer *p, uint32_t len)
{
	static uint8_t text[70000];
	uint32_t at = p->snd - p->irs - 1;

	for (uint32_t i = 0; i < len; i++)
		text[i] = (uint8_t)((at + i) % 251);
	peer_inject(
		p, SEG(.flags = A | P, .seq = p->snd, .ack = peer_info(p).snd_nxt, .data = text, .len = len));
	p->snd += len;
}

void peer_icmp(struct peer *p, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq)
{
	uint8_t m[8 + 20 + 8] = { type, code, [8] = 0x45, [16] = 64, [17] = IP_PROTO_TCP };
	uint16_t sum;

	store_be32(m + 4, rest);
	store_be16(m + 10, 1500);
	store_be32(m + 20, ip_addr_to_4(&p->ours));
	store_be32(m + 24, ip_addr_to_4(&p->addr));
	store_be16(m + 28, p->our_port);
	store_be16(m + 30, p->port);
	store_be32(m + 32, seq);
	sum = checksum_finish(checksum_add(0, m, sizeof m));
	memcpy(m + 2, &sum, 2);
	peer_inject_ip(p, IP_PROTO_ICMP, m, sizeof m);
	peer_flush(p);
}

void peer_init(struct peer *p, void (*tune)(struct stack_config *c))
{
	struct stack_config config;
	struct ip_prefix prefix;
	struct failure why;

	memset(p, 0, sizeof *p);
	p->now_us = 5000000;
	p->accept = p->take = true;
	p->handler = &handler;
	p->port = 40000;
	p->our_port = 80;
	p->addr = ip_addr_from_4(0x0a4d0001);
	p->ours = ip_addr_from_4(0x0a4d0002);
	stack_config_default(&config);
	config.caps.mtu = 1500;
	config.seed = 42;
	config.tcp.pacing = false; /* most tests ask what is sent, not when: it goes at once */
	if (tune != NULL)
		tune(&config);
	if (stack_new(&config, p->now_us, &p->stack, &why) != 0)
		fail_msg("%s", why.text);
	memcpy(p->mac, p->stack->link.mac.b, 6);
	prefix = (struct ip_prefix){ p->ours, 96 + 24 };
	assert_int_equal(ip_add_address(&p->stack->ip, &prefix), 0);
	input_arp(p, ARP_REQUEST); /* the peer makes itself known */
	peer_flush(p);
}

void peer_fini(struct peer *p)
{
	while (p->out_count > 0)
		peer_any(p);
	free(p->last_text);
	stack_free(p->stack);
}

void peer_listen(struct peer *p, uint16_t port)
{
	struct ip_addr any = { { 0 } };
	struct tcp_listener_handler h = { on_acceptable, p };

	p->our_port = port;
	assert_int_equal(tcp_listen(p->stack->tcp, &any, port, &h, NULL, &p->listener), 0);
}

void peer_connect(struct peer *p, uint16_t port)
{
	struct ip_addr any = { { 0 } };

	p->port = port;
	assert_int_equal(tcp_connect(p->stack->tcp, &any, 0, &p->addr, port, p->handler, p, &p->stream), 0);
	peer_flush(p);
}

/* ---- expectations ---- */

unsigned peer_pending(const struct peer *p)
{
	return p->out_count;
}

uint64_t peer_sent_at(const struct peer *p)
{
	return p->out_at_us[(p->out_first + PEER_QUEUE - 1) % PEER_QUEUE];
}

struct seg peer_any(struct peer *p)
{
	struct seg s;

	peer_flush(p);
	if (p->out_count == 0)
		fail_msg("a segment was expected, none was sent");
	s = p->out[p->out_first];
	free(p->last_text);
	p->last_text = p->out_text[p->out_first];
	p->out_first = (p->out_first + 1) % PEER_QUEUE;
	p->out_count--;
	return s;
}

static const char *describe(const struct seg *s, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s%s%s%s seq %u ack %u win %u len %u", s->flags & S ? "S" : "",
		 s->flags & F ? "F" : "", s->flags & R ? "R" : "", s->flags & P ? "P" : "",
		 s->flags & A ? "A" : "", s->flags & U ? "U" : "", s->seq, s->ack, s->win, s->len);
	return text;
}

struct seg peer_expect(struct peer *p, const struct seg *want)
{
	struct seg got = peer_any(p);
	char w[128], g[128];
	bool same = got.flags == want->flags && got.len == want->len &&
		    (want->seq == 0 || got.seq == want->seq) && (want->ack == 0 || got.ack == want->ack) &&
		    (want->win == 0 || got.win == want->win) && (!want->zero_win || got.win == 0);

	if (!same)
		fail_msg("expected %s, got %s", describe(want, w, sizeof w), describe(&got, g, sizeof g));
	return got;
}

void peer_expect_nothing(struct peer *p)
{
	char g[128];

	peer_flush(p);
	if (p->out_count > 0) {
		struct seg got = peer_any(p);
		fail_msg("nothing was expected, got %s", describe(&got, g, sizeof g));
	}
}

/* ---- the application ---- */

struct block {
	struct span_owner owner;
	uint8_t data[];
};

static void free_block(struct span_owner *o)
{
	free(CONTAINER_OF(o, struct block, owner));
}

void peer_write(struct peer *p, uint32_t len)
{
	struct block *b = malloc(sizeof *b + len);
	struct span span;

	assert_non_null(b);
	span_owner_init(&b->owner, free_block);
	for (uint32_t i = 0; i < len; i++)
		b->data[i] = (uint8_t)(i % 251);
	span = (struct span){ b->data, len, &b->owner };
	assert_int_equal(stream_send(p->stream, &span, 1, 0), 0);
	peer_flush(p);
}

void peer_read(struct peer *p)
{
	p->take = true;
	stream_resume(p->stream);
	peer_flush(p);
}

void peer_assert_received(const struct peer *p, uint32_t len)
{
	assert_int_equal(p->received_len, len);
	for (uint32_t i = 0; i < len; i++)
		if (p->received[i] != (uint8_t)(i % 251))
			fail_msg("byte %u is %u, not %u", i, p->received[i], i % 251);
}

/* ---- constructors ---- */

void peer_established(struct peer *p, const struct seg *syn)
{
	struct seg s = syn != NULL ? *syn : (struct seg){ .mss = 1460 };
	struct seg got;

	if (p->listener == NULL)
		peer_listen(p, p->our_port);
	if (p->irs == 0)
		p->irs = 1000;
	p->snd = p->irs + 1;
	s.flags = S;
	s.seq = p->irs;
	peer_inject(p, &s);
	got = peer_expect(p, SEG(.flags = S | A, .ack = p->irs + 1));
	p->iss = got.seq;
	peer_inject(p, SEG(.flags = A, .seq = p->irs + 1, .ack = p->iss + 1, .win = s.win, .has_ts = s.has_ts,
				      .ts_val = s.ts_val + 1, .ts_ecr = got.ts_val));
	peer_expect_nothing(p);
	assert_int_equal(peer_state(p), TCP_ESTABLISHED);
}

void peer_close_wait(struct peer *p)
{
	peer_established(p, NULL);
	peer_inject(p, SEG(.flags = F | A, .seq = p->irs + 1, .ack = p->iss + 1));
	peer_expect(p, SEG(.flags = A, .seq = p->iss + 1, .ack = p->irs + 2));
	p->snd++;
	assert_int_equal(peer_state(p), TCP_CLOSE_WAIT);
}

void peer_fin_wait_1(struct peer *p)
{
	peer_established(p, NULL);
	stream_shutdown(p->stream);
	peer_expect(p, SEG(.flags = F | A, .seq = p->iss + 1, .ack = p->irs + 1));
	assert_int_equal(peer_state(p), TCP_FIN_WAIT_1);
}

void peer_fin_wait_2(struct peer *p)
{
	peer_fin_wait_1(p);
	peer_inject(p, SEG(.flags = A, .seq = p->irs + 1, .ack = p->iss + 2));
	assert_int_equal(peer_state(p), TCP_FIN_WAIT_2);
}

void peer_closing(struct peer *p)
{
	peer_fin_wait_1(p);
	peer_inject(p, SEG(.flags = F | A, .seq = p->irs + 1, .ack = p->iss + 1));
	peer_expect(p, SEG(.flags = A, .seq = p->iss + 2, .ack = p->irs + 2));
	p->snd++;
	assert_int_equal(peer_state(p), TCP_CLOSING);
}

void peer_last_ack(struct peer *p)
{
	peer_close_wait(p);
	stream_shutdown(p->stream);
	peer_expect(p, SEG(.flags = F | A, .seq = p->iss + 1, .ack = p->irs + 2));
	assert_int_equal(peer_state(p), TCP_LAST_ACK);
}

void peer_time_wait(struct peer *p)
{
	peer_fin_wait_2(p);
	peer_inject(p, SEG(.flags = F | A, .seq = p->irs + 1, .ack = p->iss + 2));
	peer_expect(p, SEG(.flags = A, .seq = p->iss + 2, .ack = p->irs + 2));
	p->snd++;
	assert_int_equal(peer_state(p), TCP_TIME_WAIT);
}

void peer_syn_sent(struct peer *p)
{
	struct seg got;

	peer_connect(p, p->port);
	got = peer_expect(p, SEG(.flags = S));
	p->iss = got.seq;
	p->our_port = got.src_port;
	assert_int_equal(peer_state(p), TCP_SYN_SENT);
}

void peer_connected(struct peer *p, const struct seg *syn_ack)
{
	struct seg s = syn_ack != NULL ? *syn_ack : (struct seg){ .mss = 1460 };

	peer_syn_sent(p);
	if (p->irs == 0)
		p->irs = 1000;
	p->snd = p->irs + 1;
	s.flags = S | A;
	s.seq = p->irs;
	s.ack = p->iss + 1;
	peer_inject(p, &s);
	peer_expect(p, SEG(.flags = A, .seq = p->iss + 1, .ack = p->irs + 1));
	peer_expect_nothing(p);
	assert_int_equal(peer_state(p), TCP_ESTABLISHED);
}

static const struct tcp_conn *conn(const struct peer *p)
{
	struct tcp *tcp = p->stack->tcp;
	uint64_t hash = tcp_hash(tcp, &p->ours, p->our_port, &p->addr, p->port);

	return tcp_table_find(tcp, hash, &p->ours, p->our_port, &p->addr, p->port);
}

enum tcp_state peer_state(const struct peer *p)
{
	struct tcp *tcp = p->stack->tcp;
	uint64_t hash = tcp_hash(tcp, &p->ours, p->our_port, &p->addr, p->port);
	struct ip_packet packet = { .src = p->addr, .dst = p->ours };
	struct tcp_in in = { .tcp = tcp, .packet = &packet, .src_port = p->port, .dst_port = p->our_port };
	const struct tcp_conn *c = conn(p);

	if (c != NULL)
		return c->state;
	if (tcp_timewait_find(tcp, hash, &in) != NULL)
		return TCP_TIME_WAIT;
	if (tcp_syn_find(tcp, hash, &p->ours, p->our_port, &p->addr, p->port) != NULL)
		return TCP_SYN_RECEIVED;
	return TCP_CLOSED;
}

struct tcp_info peer_info(const struct peer *p)
{
	const struct tcp_conn *c = conn(p);
	struct tcp_info info;

	assert_non_null(c);
	tcp_conn_info(c, &info);
	return info;
}

uint64_t peer_drops(const struct peer *p, enum drop_reason reason)
{
	return p->stack->world.drops[reason];
}
