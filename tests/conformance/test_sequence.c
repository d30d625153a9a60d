/*
 * Segment acceptance and the receive queue (RFC 9293 sections 3.4 and 3.10.7.4 first and seventh): what lies
 * in the window, trimming, text out of order, the wrap of sequence numbers, and the bounds on memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

/* Text of the connection's pattern (byte n is n mod 251) from byte `from` on. */
static void inject_text(struct peer *p, uint32_t from, uint32_t len, uint8_t flags)
{
	static uint8_t text[70000];

	for (uint32_t i = 0; i < len; i++)
		text[i] = (uint8_t)((from + i) % 251);
	peer_inject(p, SEG(.flags = (uint8_t)(A | flags), .seq = p->irs + 1 + from,
			   .ack = peer_info(p).snd_nxt, .data = text, .len = len));
}

static void expect_ack(struct peer *p, uint32_t bytes)
{
	peer_expect(p, SEG(.flags = A, .ack = p->irs + 1 + bytes));
}

static void window_1000(struct stack_config *c)
{
	c->tcp.receive_buffer = 1000;
}

/* A connection whose application takes nothing, with its window of 1000 shut. */
static void with_closed_window(struct peer *p)
{
	p->take = false;
	peer_established(p, NULL);
	inject_text(p, 0, 1000, P);
	peer_advance(p, SECOND);
	peer_expect(p, SEG(.flags = A, .ack = p->irs + 1001, .zero_win = true));
	p->snd = p->irs + 1001;
}

/* ---- RFC 9293 table 6 ---- */

static void rfc9293_3_4_empty_segment_and_open_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	peer_established(&p, NULL);
	/* rcv.nxt =< seg.seq < rcv.nxt + rcv.wnd: silence */
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = p.iss + 1));
	peer_inject(&p, SEG(.flags = A, .seq = 2000, .ack = p.iss + 1));
	peer_expect_nothing(&p);
	/* else an ACK */
	peer_inject(&p, SEG(.flags = A, .seq = 1000, .ack = p.iss + 1));
	expect_ack(&p, 0);
	peer_inject(&p, SEG(.flags = A, .seq = 2001, .ack = p.iss + 1));
	expect_ack(&p, 0);
	assert_int_equal(peer_drops(&p, DROP_TCP_OUT_OF_WINDOW), 2);
	peer_fini(&p);
}

static void rfc9293_3_4_text_and_open_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	peer_established(&p, NULL);
	/* Neither its first nor its last octet in the window. */
	inject_text(&p, 1000, 1, 0);
	expect_ack(&p, 0);
	peer_inject(&p, SEG(.flags = A, .seq = 901, .ack = p.iss + 1, .len = 100));
	expect_ack(&p, 0);
	assert_int_equal(p.received_len, 0);
	/* The last octet in the window: what is new is taken. */
	peer_inject(&p, SEG(.flags = A, .seq = 1000, .ack = p.iss + 1, .data = "\xff\0\1\2", .len = 4));
	peer_assert_received(&p, 3);
	/* The first in the window. */
	inject_text(&p, 3, 997, 0);
	peer_assert_received(&p, 1000);
	peer_fini(&p);
}

static void rfc9293_3_4_empty_segment_and_closed_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	with_closed_window(&p);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .len = 10));
	/* seg.seq = rcv.nxt is acceptable: its ACK counts */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 11));
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).snd_una, p.iss + 11);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 11));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd, .zero_win = true));
	peer_fini(&p);
}

static void rfc9293_3_4_text_and_closed_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	with_closed_window(&p);
	inject_text(&p, 1000, 1, 0); /* a window probe */
	peer_expect(&p, SEG(.flags = A, .ack = p.snd, .zero_win = true));
	assert_int_equal(peer_info(&p).unread, 1000);
	assert_int_equal(peer_drops(&p, DROP_TCP_RECEIVE_FULL), 1);
	peer_read(&p);
	peer_assert_received(&p, 1000);
	peer_fini(&p);
}

static void rfc9293_must_66_ack_of_a_segment_beyond_a_closed_window_counts(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	with_closed_window(&p);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .len = 10));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 11, .len = 5));
	assert_int_equal(peer_info(&p).snd_una, p.iss + 11);
	assert_int_equal(peer_info(&p).unread, 1000);
	peer_fini(&p);
}

static void rfc9293_must_66_reset_at_a_closed_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	with_closed_window(&p);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_fini(&p);
}

/* ---- trimming ---- */

static void rfc9293_3_10_7_4_text_received_before_is_cut_off(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	inject_text(&p, 0, 100, 0);
	inject_text(&p, 50, 100, 0);
	peer_assert_received(&p, 150);
	inject_text(&p, 0, 150, 0); /* all of it again */
	expect_ack(&p, 150);
	peer_assert_received(&p, 150);
	assert_int_equal(peer_drops(&p, DROP_TCP_DUPLICATE), 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_text_beyond_the_window_is_cut_off(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, window_1000);
	p.take = false;
	peer_established(&p, NULL);
	inject_text(&p, 0, 1200, F); /* the FIN goes with what is cut */
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A, .ack = p.irs + 1001, .zero_win = true));
	assert_int_equal(peer_info(&p).unread, 1000);
	assert_int_equal(p.ended, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_read(&p);
	peer_expect(&p, SEG(.flags = A, .ack = p.irs + 1001, .win = 1000));
	inject_text(&p, 1000, 200, F);
	peer_assert_received(&p, 1200);
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

/* ---- out of order (SHLD-31) ---- */

static void rfc9293_shld_31_segments_out_of_order_are_held(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	inject_text(&p, 100, 100, 0);
	expect_ack(&p, 0); /* at once (MAY-13, RFC 5681 section 4.2) */
	inject_text(&p, 300, 100, 0);
	expect_ack(&p, 0);
	assert_int_equal(p.received_len, 0);
	inject_text(&p, 0, 100, 0);
	expect_ack(&p, 200);
	peer_assert_received(&p, 200);
	inject_text(&p, 200, 100, 0);
	expect_ack(&p, 400);
	peer_assert_received(&p, 400);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void permute(unsigned n, uint8_t *order, unsigned k, void (*visit)(const uint8_t *order))
{
	if (k == n) {
		visit(order);
		return;
	}
	for (unsigned i = k; i < n; i++) {
		uint8_t t = order[k];
		order[k] = order[i];
		order[i] = t;
		permute(n, order, k + 1, visit);
		order[i] = order[k];
		order[k] = t;
	}
}

/* Five segments of which some overlap, across the wrap of the sequence numbers, the last with FIN. */
static void in_this_order(const uint8_t *order)
{
	static const struct {
		uint32_t from, len;
		uint8_t flags;
	} segments[] = {
		{ 0, 1460, 0 }, { 1460, 2000, 0 }, { 3000, 1460, 0 }, { 4400, 700, 0 }, { 5100, 900, F }
	};
	struct peer p;

	peer_init(&p, NULL);
	p.irs = UINT32_MAX - 2500;
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 5; i++)
		inject_text(&p, segments[order[i]].from, segments[order[i]].len, segments[order[i]].flags);
	peer_assert_received(&p, 6000);
	assert_int_equal(p.ended, 1);
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(peer_info(&p).rcv_nxt, p.irs + 6002);
	peer_fini(&p);
}

static void rfc9293_shld_31_every_order_of_five_segments(void **state)
{
	uint8_t order[] = { 0, 1, 2, 3, 4 };

	(void)state;
	permute(5, order, 0, in_this_order);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void tiny_memory(struct stack_config *c)
{
	c->tcp.memory = 8 * TCP_CHUNK_SIZE;
	c->tcp.receive_buffer = 40000;
}

/* Text cut, repeated, overlapped and mixed at random within the window, memory short, a reader that takes
 * bites. */
static void any_mess(uint32_t seed)
{
	enum { TOTAL = 30000 };
	struct peer p;
	uint32_t r = seed, steps = 0;

	peer_init(&p, tiny_memory);
	p.irs = UINT32_MAX - TOTAL / 2;
	peer_established(&p, NULL);
	while (p.received_len < TOTAL) {
		uint32_t done = peer_info(&p).rcv_nxt - p.irs - 1;
		uint32_t from = done + next_random(&r) % 12000, len = 1 + next_random(&r) % 3000;
		if (next_random(&r) % 3 == 0)
			from = done > 50 ? done - 50 : 0;
		if (next_random(&r) % 8 == 0)
			p.take = !p.take;
		if (p.take)
			stream_resume(p.stream);
		if (from >= TOTAL)
			continue;
		if (len > TOTAL - from)
			len = TOTAL - from;
		inject_text(&p, from, len, 0);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		if (++steps > 5000)
			fail_msg("seed %u: only %u bytes arrived", seed, p.received_len);
	}
	peer_assert_received(&p, TOTAL);
	peer_fini(&p);
}

static void rfc9293_shld_31_any_mess_is_put_in_order(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++)
		any_mess(seed);
}

static void rfc9293_shld_31_first_arrived_wins(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = 1004, .ack = p.iss + 1, .data = "def", .len = 3));
	peer_inject(&p, SEG(.flags = A, .seq = 1003, .ack = p.iss + 1, .data = "cXXXg", .len = 5));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = p.iss + 1, .data = "abYYY", .len = 5));
	/* The last filled 1001 to 1005; what was taken in order replaces what only waited. */
	assert_int_equal(p.received_len, 7);
	assert_int_equal(p.received[0], 'a');
	assert_int_equal(p.received[5], 'f');
	assert_int_equal(p.received[6], 'g');
	peer_fini(&p);
}

/* ---- the wrap ---- */

static void rfc9293_3_4_receive_sequence_numbers_wrap(void **state)
{
	struct peer p;

	(void)state;
	for (uint32_t before = 0; before < 3000; before += 499) {
		peer_init(&p, NULL);
		p.irs = UINT32_MAX - before;
		peer_established(&p, NULL);
		for (unsigned i = 0; i < 5; i++)
			peer_send(&p, 1000);
		peer_assert_received(&p, 5000);
		peer_fini(&p);
	}
}

/* Time until the ISN clock gives the connection's next ISN just before the wrap. */
static void wait_for_isn(struct peer *p, uint32_t before)
{
	uint32_t isn = tcp_isn(p->stack->tcp, &p->ours, p->our_port, &p->addr, p->port).n;

	peer_advance(p, 4ull * (UINT32_MAX - before - isn));
	assert_int_equal(tcp_isn(p->stack->tcp, &p->ours, p->our_port, &p->addr, p->port).n,
			 UINT32_MAX - before);
}

static void rfc9293_3_4_send_sequence_numbers_wrap(void **state)
{
	struct peer p;

	(void)state;
	for (uint32_t before = 0; before < 6000; before += 997) {
		uint32_t at;
		peer_init(&p, NULL);
		wait_for_isn(&p, before);
		peer_established(&p, NULL);
		assert_int_equal(p.iss, UINT32_MAX - before);
		peer_write(&p, 7300);
		at = p.iss + 1;
		for (unsigned i = 0; i < 5; i++) {
			struct seg got = peer_any(&p);
			assert_int_equal(got.seq, at);
			assert_int_equal(got.len, 1460);
			at += got.len;
		}
		/* The first again after a timeout; then an ACK across the wrap, then all. */
		peer_advance(&p, 1100000);
		assert_int_equal(peer_any(&p).seq, p.iss + 1);
		peer_ack(&p, p.iss + 1 + 4380);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		assert_int_equal(peer_info(&p).snd_una, p.iss + 1 + 4380);
		peer_ack(&p, at);
		assert_int_equal(peer_info(&p).bytes_acked, 7300);
		stream_shutdown(p.stream);
		assert_int_equal(peer_any(&p).seq, at);
		peer_ack(&p, at + 1);
		assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
		peer_fini(&p);
	}
}

static void rfc9293_3_4_fast_retransmit_across_the_wrap(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	wait_for_isn(&p, 2000);
	peer_established(&p, NULL);
	peer_write(&p, 7300);
	for (unsigned i = 0; i < 5; i++)
		peer_any(&p);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, p.iss + 1);
	assert_int_equal(peer_any(&p).seq, p.iss + 1);
	peer_ack(&p, p.iss + 1 + 7300);
	assert_int_equal(peer_info(&p).in_flight, 0);
	peer_fini(&p);
}

/* ---- limits ---- */

static void small_window(struct stack_config *c)
{
	c->tcp.receive_buffer = 20000;
}

static uint32_t chunks_in_use(const struct peer *p)
{
	return (uint32_t)p->stack->tcp->chunk_pool.in_use;
}

/* Every other octet, one by one: each takes a chunk of its own. */
static void rfc9293_3_10_7_4_one_octet_segments_are_bounded(void **state)
{
	struct peer p;
	uint32_t limit = 2 * (20000 / TCP_CHUNK_ROOM) + 8;

	(void)state;
	peer_init(&p, small_window);
	peer_established(&p, NULL);
	for (uint32_t at = 1; at < 4000; at += 2) {
		inject_text(&p, at, 1, 0);
		peer_any(&p);
	}
	assert_int_equal(chunks_in_use(&p), limit);
	assert_true(peer_drops(&p, DROP_TCP_OUT_OF_ORDER_LIMIT) > 0);
	assert_int_equal(tcp_counters(p.stack->tcp)->ooo_dropped, 2000 - limit);
	/* In order it goes on, and the memory comes back. */
	inject_text(&p, 0, 4000, 0);
	peer_assert_received(&p, 4000);
	assert_int_equal(chunks_in_use(&p), 0);
	peer_fini(&p);
}

/* In-order octets, one by one, that nobody reads: the buffer's limit holds, whatever the window's scale. */
static void rfc9293_3_8_6_unread_octets_never_exceed_the_buffer(void **state)
{
	struct peer p;
	uint32_t buffer = 256 << 10, sent = 0;

	(void)state;
	peer_init(&p, NULL);
	p.take = false;
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 7));
	while (sent < buffer - 2000) {
		inject_text(&p, sent, 1461, 0);
		sent += 1461;
		while (peer_pending(&p) > 0)
			peer_any(&p);
	}
	for (unsigned i = 0; i < 6000; i++) {
		inject_text(&p, sent, 1, 0);
		sent = peer_info(&p).rcv_nxt - p.irs - 1;
		while (peer_pending(&p) > 0)
			peer_any(&p);
		assert_true(peer_info(&p).unread <= buffer);
	}
	assert_int_equal(peer_info(&p).unread, buffer);
	assert_int_equal(peer_info(&p).rcv_wnd, 0);
	peer_fini(&p);
}

static void no_memory(struct stack_config *c)
{
	c->tcp.memory = 2 * TCP_CHUNK_SIZE;
}

static void rfc9293_3_10_7_4_what_finds_no_memory_is_not_acknowledged(void **state)
{
	struct peer p;
	uint32_t held = 2 * TCP_CHUNK_ROOM;

	(void)state;
	peer_init(&p, no_memory);
	p.take = false;
	peer_established(&p, NULL);
	inject_text(&p, 0, 6000, F);
	expect_ack(&p, held);
	assert_int_equal(peer_info(&p).unread, held);
	assert_true(peer_drops(&p, DROP_NO_MEMORY) > 0);
	assert_int_equal(p.ended, 0);
	peer_read(&p);
	peer_assert_received(&p, held);
	inject_text(&p, held, 6000 - held, F); /* sent again */
	peer_assert_received(&p, 6000);
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

/* ---- checksum and header ---- */

static void rfc9293_must_2_checksum_is_filled_in(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	/* The harness checks the checksum of every segment; here of texts of odd and even length. */
	for (uint32_t len = 1; len < 20; len++) {
		peer_write(&p, len);
		peer_expect(&p, SEG(.flags = A | P, .len = len));
		peer_ack(&p, peer_info(&p).snd_nxt);
	}
	/* Text of several pieces, each beginning at an odd or an even place. */
	tcp_set_nodelay(p.stream, true);
	for (uint32_t first = 1; first < 6; first++) {
		static const uint8_t text[] = "the quick brown fox jumps over the lazy dog";
		struct span spans[] = { { text, first, NULL }, { text, 3, NULL }, { text, 8, NULL },
					{ text, 5, NULL } };
		assert_int_equal(stream_send(p.stream, spans, ARRAY_LENGTH(spans), 0), 0);
		peer_expect(&p, SEG(.flags = A | P, .len = first + 16));
		peer_ack(&p, peer_info(&p).snd_nxt);
	}
	peer_fini(&p);
}

/* Every value that the sum of a header can take, with text in two pieces: no carry is lost. (The harness
 * checks the checksum of each segment.) */
static void rfc9293_must_2_no_carry_is_lost_between_pieces(void **state)
{
	struct span spans[2] = { { (const uint8_t *)"\xff\xff\xff", 3, NULL },
				 { (const uint8_t *)"\xff\xff", 2, NULL } };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 1));
	tcp_set_nodelay(p.stream, true);
	for (uint32_t i = 0; i < 100000; i++) {
		assert_int_equal(stream_send(p.stream, spans, 2, 0), 0);
		peer_flush(&p);
		assert_int_equal(peer_any(&p).len, 5);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = peer_info(&p).snd_nxt, .has_ts = true,
				    .ts_val = 2 + i, .ts_ecr = 0));
	}
	peer_fini(&p);
}

static void rfc9293_must_3_bad_checksum_is_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = p.iss + 1, .len = 100, .bad_checksum = true));
	peer_inject(&p, SEG(.flags = R, .seq = 1001, .bad_checksum = true));
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 5, .bad_checksum = true));
	peer_expect_nothing(&p);
	assert_int_equal(p.received_len, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(tcp_counters(p.stack->tcp)->in_csum_errors, 3);
	assert_int_equal(tcp_counters(p.stack->tcp)->in_errs, 3);
	peer_fini(&p);
}

static void rfc9293_3_1_header_lengths_that_cannot_be(void **state)
{
	struct peer p;
	uint8_t t[24] = { 0, 99, 0, 80 };

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (uint32_t len = 0; len < 20; len++)
		peer_inject_ip(&p, IP_PROTO_TCP, t, len); /* shorter than a header */
	t[13] = S;
	t[12] = 4 << 4; /* data offset too small */
	peer_inject_ip(&p, IP_PROTO_TCP, t, 24);
	t[12] = 15 << 4; /* and beyond the segment */
	peer_inject_ip(&p, IP_PROTO_TCP, t, 24);
	peer_expect_nothing(&p);
	assert_int_equal(peer_drops(&p, DROP_TCP_SHORT), 22);
	peer_fini(&p);
}

/* A SYN in a packet with these IP options, `words` of four octets. */
static void inject_syn_with_ip_options(struct peer *p, const uint8_t *options, uint8_t words)
{
	uint8_t frame[14 + 60 + 20] = { [12] = 8, [20] = 0x40, [22] = 64, [23] = IP_PROTO_TCP };
	uint32_t ip_len = 20 + 4u * words;
	uint8_t *ip = frame + 14, *t = ip + ip_len;
	struct rx_frame rx = { .data = frame, .len = 14 + ip_len + 20 };
	uint16_t sum;

	memcpy(frame, p->mac, 6);
	frame[6] = 2;
	ip[0] = (uint8_t)(0x45 + words);
	store_be16(ip + 2, (uint16_t)(ip_len + 20));
	store_be32(ip + 12, ip_addr_to_4(&p->addr));
	store_be32(ip + 16, ip_addr_to_4(&p->ours));
	memcpy(ip + 20, options, 4u * words);
	sum = checksum_finish(checksum_add(0, ip, ip_len));
	memcpy(ip + 10, &sum, 2);
	store_be16(t, p->port);
	store_be16(t + 2, 80);
	store_be32(t + 4, 1000);
	t[12] = 5 << 4;
	t[13] = S;
	store_be16(t + 14, 65535);
	sum = checksum_finish(checksum_add(ip_pseudo_sum(&p->addr, &p->ours, IP_PROTO_TCP, 20), t, 20));
	memcpy(t + 16, &sum, 2);
	stack_input(p->stack, &rx, 1, p->now_us);
	peer_flush(p);
}

static void rfc9293_must_50_ip_options_are_ignored(void **state)
{
	static const struct {
		uint8_t words, octets[12];
	} options[] = {
		{ 1, { 0x94, 4, 0, 0 } },                          /* router alert */
		{ 2, { 7, 7, 4, 0, 0, 0, 0, 0 } },                 /* record route (MAY-11) */
		{ 3, { 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0 } },   /* timestamp (MAY-10) */
		{ 2, { 1, 130, 6, 0, 0, 0, 0, 0 } },               /* security, at an odd place */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(options); i++) {
		struct peer p;
		peer_init(&p, NULL);
		peer_listen(&p, 80);
		inject_syn_with_ip_options(&p, options[i].octets, options[i].words);
		peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
		peer_fini(&p);
	}
}

/* So none is saved, and none is to be replaced. */
static void rfc9293_must_53_shld_24_source_routed_packets_are_dropped(void **state)
{
	static const uint8_t loose_or_strict[] = { 131, 137 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct peer p;
		peer_init(&p, NULL);
		peer_listen(&p, 80);
		inject_syn_with_ip_options(&p, (uint8_t[]){ loose_or_strict[i], 7, 8, 10, 77, 0, 9, 0 }, 2);
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(peer_drops(&p, DROP_IP_OPTIONS), 1);
		peer_fini(&p);
	}
}

static void rfc9293_3_1_reserved_bits_are_ignored(void **state)
{
	struct peer p;
	uint8_t t[20] = { 0x9c, 0x40, 0, 80, 0, 0, 3, 232, [12] = 5 << 4 | 0xe, [13] = S | 0xc0, 0xff, 0xff };
	uint16_t sum;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	sum = checksum_finish(checksum_add(ip_pseudo_sum(&p.addr, &p.ours, IP_PROTO_TCP, 20), t, 20));
	memcpy(t + 16, &sum, 2);
	peer_inject_ip(&p, IP_PROTO_TCP, t, 20);
	peer_expect(&p, SEG(.flags = S | A | E, .ack = 1001)); /* the last two are ECN's by now (RFC 3168) */
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_4_empty_segment_and_open_window),
		cmocka_unit_test(rfc9293_3_4_text_and_open_window),
		cmocka_unit_test(rfc9293_3_4_empty_segment_and_closed_window),
		cmocka_unit_test(rfc9293_3_4_text_and_closed_window),
		cmocka_unit_test(rfc9293_must_66_ack_of_a_segment_beyond_a_closed_window_counts),
		cmocka_unit_test(rfc9293_must_66_reset_at_a_closed_window),
		cmocka_unit_test(rfc9293_3_10_7_4_text_received_before_is_cut_off),
		cmocka_unit_test(rfc9293_3_10_7_4_text_beyond_the_window_is_cut_off),
		cmocka_unit_test(rfc9293_shld_31_segments_out_of_order_are_held),
		cmocka_unit_test(rfc9293_shld_31_every_order_of_five_segments),
		cmocka_unit_test(rfc9293_shld_31_any_mess_is_put_in_order),
		cmocka_unit_test(rfc9293_shld_31_first_arrived_wins),
		cmocka_unit_test(rfc9293_3_4_receive_sequence_numbers_wrap),
		cmocka_unit_test(rfc9293_3_4_send_sequence_numbers_wrap),
		cmocka_unit_test(rfc9293_3_4_fast_retransmit_across_the_wrap),
		cmocka_unit_test(rfc9293_3_10_7_4_one_octet_segments_are_bounded),
		cmocka_unit_test(rfc9293_3_8_6_unread_octets_never_exceed_the_buffer),
		cmocka_unit_test(rfc9293_3_10_7_4_what_finds_no_memory_is_not_acknowledged),
		cmocka_unit_test(rfc9293_must_2_checksum_is_filled_in),
		cmocka_unit_test(rfc9293_must_2_no_carry_is_lost_between_pieces),
		cmocka_unit_test(rfc9293_must_3_bad_checksum_is_dropped),
		cmocka_unit_test(rfc9293_3_1_header_lengths_that_cannot_be),
		cmocka_unit_test(rfc9293_must_50_ip_options_are_ignored),
		cmocka_unit_test(rfc9293_must_53_shld_24_source_routed_packets_are_dropped),
		cmocka_unit_test(rfc9293_3_1_reserved_bits_are_ignored),
	};

	return cmocka_run_group_tests_name("conformance: sequence numbers and the receive queue", tests, NULL,
					   NULL);
}
