/*
 * Windows (RFC 9293 section 3.8.6, RFC 7323 section 2): the peer's, which we keep to, shrink with and probe;
 * ours, which we announce; Nagle and the silly window on either side; PSH.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
enum { MS = 1000, MSS = 1460 };

static unsigned drain(struct peer *p)
{
	unsigned n = 0;

	while (peer_pending(p) > 0) {
		peer_any(p);
		n++;
	}
	return n;
}

/* An ACK with this window; 0 is a closed one. */
static void ack_window(struct peer *p, uint32_t ack, uint16_t win)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = ack, .win = win, .zero_win = win == 0));
}

static struct seg expect_at(struct peer *p, uint64_t since, uint64_t us, const struct seg *want)
{
	struct seg got;

	peer_advance(p, since + us + 2 * MS - p->now_us);
	got = peer_expect(p, want);
	assert_in_range(peer_sent_at(p) - since, us, us + 2 * MS);
	return got;
}

/* ---- the peer's window ---- */

static void rfc9293_3_8_6_the_peers_window_is_kept_to(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 4000));
	peer_write(&p, 20000);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1461, .len = 1460));
	peer_expect_nothing(&p); /* 1080 are left: no full segment */
	ack_window(&p, p.iss + 1461, 4000);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2921, .len = 1460));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static uint32_t peer_room(const struct peer *p)
{
	struct stream_info info;

	stream_info(p->stream, &info);
	return info.peer_room;
}

/* What the layer above may go by when it fills buffers. */
static void rfc9293_3_8_6_the_layer_above_can_see_what_is_left_of_the_peers_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 4000));
	assert_int_equal(peer_room(&p), 4000);
	peer_write(&p, 1000);
	peer_any(&p);
	assert_int_equal(peer_room(&p), 3000);
	ack_window(&p, p.iss + 1001, 500);
	assert_int_equal(peer_room(&p), 500);
	peer_write(&p, 500);
	peer_any(&p);
	ack_window(&p, p.iss + 1001, 200); /* less than is in flight: a peer that has shrunk its window */
	assert_int_equal(peer_room(&p), 0);
	ack_window(&p, p.iss + 1501, 0);
	assert_int_equal(peer_room(&p), 0);
	peer_fini(&p);
}

static void rfc9293_must_1_rec_1_windows_are_unsigned_32_bits(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 65535, .has_wscale = true, .wscale = 14));
	assert_int_equal(peer_info(&p).snd_wnd, 65535u << 14); /* 1 GiB less 16 KiB */
	peer_write(&p, 100000);
	assert_int_equal(drain(&p), 10); /* cwnd is the limit */
	peer_fini(&p);
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 40000)); /* negative as a signed 16-bit number */
	assert_int_equal(peer_info(&p).snd_wnd, 40000);
	peer_write(&p, 100000);
	assert_int_equal(drain(&p), 10);
	peer_fini(&p);
}

static void rfc9293_must_34_shld_15_usable_window_may_be_negative(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 20 * MSS);
	assert_int_equal(drain(&p), 10);
	ack_window(&p, p.iss + 1 + MSS, 2 * MSS); /* 9 in flight, 2 allowed */
	peer_expect_nothing(&p); /* SHLD-15: nothing new */
	ack_window(&p, p.iss + 1 + 9 * MSS, 2 * MSS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1 + 10 * MSS, .len = MSS));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_shld_16_what_lies_in_a_shrunk_window_is_retransmitted(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 10 * MSS);
	drain(&p);
	ack_window(&p, p.iss + 1, 1000); /* not even a segment */
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1000));
	peer_expect_nothing(&p);
	ack_window(&p, p.iss + 1001, 1000);
	assert_int_equal(peer_any(&p).seq, p.iss + 1001);
	peer_fini(&p);
}

static void rto_of_2_s(struct stack_config *c)
{
	c->tcp.max_rto_us = 2 * SECOND;
}

static void rfc9293_shld_17_no_time_out_for_what_lies_beyond_a_shrunk_window(void **state)
{
	struct peer p;
	uint32_t at;

	(void)state;
	peer_init(&p, rto_of_2_s); /* several timeouts between two ACKs: each could be the last */
	peer_established(&p, NULL);
	peer_write(&p, 10 * MSS);
	drain(&p);
	at = p.iss + 1;
	for (unsigned i = 0; i < 30; i++) { /* 10 octets every 10 s: five minutes in all */
		ack_window(&p, at, 10);
		peer_advance(&p, 10 * SECOND);
		drain(&p);
		at += 10;
	}
	assert_int_equal(p.closed, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc9293_must_35_a_window_shrunk_to_zero_is_probed(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 3000);
	drain(&p);
	start = p.now_us;
	ack_window(&p, p.iss + 1, 0);
	expect_at(&p, start, SECOND, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	ack_window(&p, p.iss + 1, 0);
	expect_at(&p, start, 3 * SECOND, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	ack_window(&p, p.iss + 1, 65535);
	/* All that was beyond the edge goes again at once. */
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .len = MSS - 1));
	peer_any(&p);
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

/* ---- zero-window probes ---- */

/* Text waits for a closed window. */
static void blocked(struct peer *p, uint32_t len)
{
	peer_established(p, NULL);
	tcp_set_nodelay(p->stream, true);
	ack_window(p, p->iss + 1, 0);
	peer_write(p, len);
	peer_expect_nothing(p);
}

static void rfc9293_must_36_shld_29_shld_30_zero_window_probes(void **state)
{
	static const uint64_t at[] = { 1, 3, 7, 15, 31, 63, 123, 183, 243 };
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	start = p.now_us; /* first after one RTO, then exponentially, 60 s at most */
	for (unsigned i = 0; i < ARRAY_LENGTH(at); i++) {
		expect_at(&p, start, at[i] * SECOND, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
		peer_expect_nothing(&p);
		ack_window(&p, p.iss + 1, 0);
	}
	assert_int_equal(tcp_counters(p.stack->tcp)->window_probes, 9);
	peer_fini(&p);
}

static void rfc9293_must_37_for_ever_while_the_peer_answers(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	for (unsigned i = 0; i < 24 * 60; i++) { /* a day */
		peer_advance(&p, 60 * SECOND);
		if (drain(&p) > 0)
			ack_window(&p, p.iss + 1, 0);
	}
	assert_int_equal(p.closed, 0);
	assert_true(tcp_counters(p.stack->tcp)->window_probes > 1400);
	ack_window(&p, p.iss + 1, 65535);
	assert_true(drain(&p) >= 4);
	peer_fini(&p);
}

static void rfc9293_must_37_but_silence_is_the_end(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	peer_advance(&p, 99 * SECOND);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 100 * SECOND);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	peer_fini(&p);
}

static void rfc9293_3_8_6_1_reopening_lets_all_go_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	peer_advance(&p, 40 * SECOND); /* probes at 1, 3, 7, 15 and 31: the next at 63 */
	assert_int_equal(drain(&p), 5);
	ack_window(&p, p.iss + 1, 65535);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1)); /* the probe's octet was not taken */
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .len = MSS));
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A | P, .len = 5000 - 1 - 3 * MSS));
	peer_expect_nothing(&p);
	ack_window(&p, p.iss + 5001, 65535);
	/* and the probes' back-off is over */
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_fini(&p);
}

static void rfc9293_3_8_6_1_reopening_after_the_probe_was_taken(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	ack_window(&p, p.iss + 2, 65535);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .len = MSS));
	assert_int_equal(drain(&p), 3);
	peer_fini(&p);
}

/* A peer that takes probes octet by octet without opening its window is probed ever more slowly all the
 * same. */
static void rfc9293_shld_30_taken_probes_do_not_hasten_the_next(void **state)
{
	struct peer p;
	uint64_t last;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 5000);
	expect_at(&p, p.now_us, SECOND, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	for (uint32_t i = 1; i < 8; i++) {
		ack_window(&p, p.iss + 1 + i, 0); /* the first of these is a sample: the rto is 200 ms now */
		last = p.now_us;
		expect_at(&p, last, (uint64_t)(200 * MS) << i,
			  SEG(.flags = A, .seq = p.iss + 1 + i, .len = 1));
	}
	peer_fini(&p);
}

static void rfc9293_3_8_6_1_a_fin_behind_a_closed_window_gets_through(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	blocked(&p, 2);
	stream_shutdown(p.stream);
	peer_expect_nothing(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	ack_window(&p, p.iss + 2, 0);
	peer_advance(&p, 2100 * MS);
	assert_true(drain(&p) > 0);
	ack_window(&p, p.iss + 3, 65535);
	peer_advance(&p, 10 * SECOND);
	drain(&p);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	ack_window(&p, p.iss + 4, 65535);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_fini(&p);
}

/* The frame of a probe refers to bytes of the application: they must live until it is sent, though the same
 * instant ends the connection. */
static void keepalive_1_probe(struct stack_config *c)
{
	c->tcp.keepalive_idle_us = 2 * SECOND;
	c->tcp.keepalive_interval_us = 10 * SECOND;
	c->tcp.keepalive_probes = 1;
	c->tcp.user_timeout_us = 1000 * SECOND;
}

static void rfc9293_3_8_6_1_a_probe_and_the_end_at_one_time(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, keepalive_1_probe);
	peer_established(&p, NULL);
	tcp_set_keepalive(p.stream, true);
	ack_window(&p, p.iss + 1, 0);
	peer_advance(&p, 2100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss)); /* the keep-alive probe */
	peer_write(&p, 5000);
	p.now_us += 100 * SECOND; /* the machine slept: window probe and keep-alive are due together */
	peer_flush(&p);
	drain(&p);
	assert_int_equal(p.closed, 1);
	peer_fini(&p);
}

/* ---- silly windows ---- */

static void rfc9293_must_38_no_slivers_into_a_window_that_opens_slowly(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 10 * MSS);
	drain(&p);
	peer_write(&p, 20000);
	ack_window(&p, p.iss + 1 + 10 * MSS, 0);
	peer_expect_nothing(&p);
	for (uint16_t win = 100; win < MSS; win = (uint16_t)(win + 100)) {
		ack_window(&p, p.iss + 1 + 10 * MSS, win);
		peer_expect_nothing(&p);
	}
	ack_window(&p, p.iss + 1 + 10 * MSS, MSS);
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_fini(&p);
}

static void rfc9293_must_38_half_of_the_largest_window_will_do(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 1000)); /* never a full segment: Fs = 1/2 */
	peer_write(&p, 2500);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1000));
	ack_window(&p, p.iss + 1001, 400);
	peer_expect_nothing(&p);
	ack_window(&p, p.iss + 1001, 500);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1001, .len = 500));
	peer_fini(&p);
}

/* RFC 9293 section 3.8.6.2.1 (4): the override timeout. */
static void rfc9293_must_38_in_the_end_a_small_window_is_used(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	ack_window(&p, p.iss + 1, 100);
	peer_write(&p, 20000);
	peer_expect_nothing(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 100));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void receive_buffer_8000(struct stack_config *c)
{
	c->tcp.receive_buffer = 8000;
}

static void read_octets(struct peer *p, uint32_t n)
{
	static uint8_t sink[65536];

	assert_int_equal(tcp_recv(p->stream, sink, n), n);
	peer_flush(p);
}

/* The application reads nothing until 8000 are there. */
static void with_full_buffer(struct peer *p)
{
	p->take = false;
	peer_established(p, NULL);
	for (unsigned i = 0; i < 8; i++)
		peer_send(p, 1000);
	peer_advance(p, SECOND);
	drain(p);
	assert_int_equal(peer_info(p).rcv_wnd, 0);
}

static void rfc9293_must_39_the_window_opens_in_worthwhile_steps(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, receive_buffer_8000);
	with_full_buffer(&p);
	for (unsigned i = 0; i < 9; i++) {
		read_octets(&p, 100);
		peer_expect_nothing(&p);
	}
	/* A probe meanwhile is told the same. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 1));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd, .zero_win = true));
	read_octets(&p, 100); /* the peer's largest segment: 1000 */
	peer_expect(&p, SEG(.flags = A, .ack = p.snd, .win = 1000));
	peer_fini(&p);
}

static void receive_buffer_1000(struct stack_config *c)
{
	c->tcp.receive_buffer = 1000;
}

static void rfc9293_must_39_or_by_half_of_the_buffer(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, receive_buffer_1000);
	p.take = false;
	peer_established(&p, NULL);
	peer_send(&p, 1000);
	peer_advance(&p, SECOND);
	drain(&p);
	read_octets(&p, 499);
	peer_expect_nothing(&p);
	read_octets(&p, 1);
	peer_expect(&p, SEG(.flags = A, .win = 500));
	peer_fini(&p);
}

static void rfc9293_shld_14_the_right_edge_is_never_pulled_back(void **state)
{
	struct peer p;
	uint32_t edge;

	(void)state;
	peer_init(&p, NULL);
	p.take = false;
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 0));
	edge = p.irs + 1 + 65535;
	for (unsigned i = 0; i < 400; i++) {
		uint32_t len = 1 + (i * 7919) % 1460;
		if (peer_info(&p).rcv_wnd < len)
			break;
		peer_send(&p, len);
		while (peer_pending(&p) > 0) {
			struct seg got = peer_any(&p);
			uint32_t now = got.ack + ((uint32_t)got.win << peer_info(&p).rcv_wscale);
			/* Where the buffer is full rounding may cost less than a unit (RFC 7323 section
			 * 2.4). */
			assert_true((int32_t)(now + (1u << peer_info(&p).rcv_wscale) - 1 - edge) >= 0);
			edge = (int32_t)(now - edge) > 0 ? now : edge;
		}
		if (i % 5 == 0)
			read_octets(&p, peer_info(&p).unread / 2);
	}
	peer_fini(&p);
}

static void rfc9293_may_8_a_window_may_stay_closed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, receive_buffer_8000);
	with_full_buffer(&p);
	for (unsigned i = 0; i < 200; i++) {
		peer_advance(&p, 60 * SECOND);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 1));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd, .zero_win = true));
	}
	peer_read(&p);
	peer_expect(&p, SEG(.flags = A, .win = 8000));
	peer_assert_received(&p, 8000);
	peer_fini(&p);
}

static void rfc9293_3_8_6_reading_all_is_told_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, receive_buffer_8000);
	with_full_buffer(&p);
	peer_read(&p);
	peer_expect(&p, SEG(.flags = A, .ack = p.snd, .win = 8000));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* ---- Nagle ---- */

static void rfc9293_shld_7_nagle(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .len = 10)); /* nothing in flight: at once */
	peer_write(&p, 10);
	peer_write(&p, 20);
	peer_expect_nothing(&p); /* small, and something unacknowledged */
	peer_ack(&p, p.iss + 11);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 11, .len = 30)); /* together */
	peer_write(&p, MSS + 100);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 41, .len = MSS)); /* a full one may go */
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 41 + MSS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_fini(&p);
}

static void with_gso(struct stack_config *c)
{
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static void rfc9293_shld_7_nagle_with_a_device_that_cuts(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, with_gso);
	peer_established(&p, NULL);
	peer_write(&p, 3 * MSS + 100);
	got = peer_expect(&p, SEG(.flags = A, .len = 3 * MSS));
	assert_int_equal(got.gso_size, MSS);
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 1 + 3 * MSS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_fini(&p);
}

static void rfc9293_must_17_nagle_can_be_turned_off(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	tcp_set_nodelay(p.stream, true);
	for (unsigned i = 0; i < 3; i++) {
		peer_write(&p, 10);
		peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1 + 10 * i, .len = 10));
	}
	tcp_set_nodelay(p.stream, false);
	peer_write(&p, 10);
	peer_expect_nothing(&p);
	tcp_set_nodelay(p.stream, true); /* what waited goes */
	peer_expect(&p, SEG(.flags = A | P, .len = 10));
	peer_fini(&p);
}

static void rfc9293_3_7_4_the_last_text_before_a_fin_does_not_wait(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 10);
	peer_any(&p);
	peer_write(&p, 10);
	peer_expect_nothing(&p);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = A | P | F, .seq = p.iss + 11, .len = 10));
	peer_fini(&p);
}

/* ---- PSH, sizes ---- */

static void rfc9293_must_61_psh_on_the_last_segment(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 3 * MSS);
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A | P, .len = MSS));
	peer_fini(&p);
}

static void rfc9293_must_60_text_is_not_held_for_ever(void **state)
{
	struct peer p;
	struct span span = { (const uint8_t *)"x", 1, NULL };

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	assert_int_equal(stream_send(p.stream, &span, 1, STREAM_MORE), 0);
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A | P, .len = 1));
	peer_fini(&p);
}

static void rfc9293_shld_27_28_may_16_small_writes_share_segments(void **state)
{
	struct peer p;
	struct span span;
	static const uint8_t text[100];

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	span = (struct span){ text, sizeof text, NULL };
	for (unsigned i = 0; i < 44; i++)
		assert_int_equal(stream_send(p.stream, &span, 1, 0), 0);
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect(&p, SEG(.flags = A, .len = MSS));
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 1 + 3 * MSS);
	peer_expect(&p, SEG(.flags = A | P, .len = 20));
	peer_fini(&p);
}

/* More pieces than a frame can refer to: what fits goes, and goes on going. */
static void rfc9293_must_60_very_many_very_small_writes_go(void **state)
{
	struct peer p;
	struct span span = { (const uint8_t *)"x", 1, NULL };
	uint32_t got = 0;

	(void)state;
	for (unsigned nodelay = 0; nodelay < 2; nodelay++) {
		peer_init(&p, NULL);
		peer_established(&p, NULL);
		tcp_set_nodelay(p.stream, nodelay == 1);
		for (unsigned i = 0; i < 200; i++)
			assert_int_equal(stream_send(p.stream, &span, 1, 0), 0);
		peer_flush(&p);
		for (unsigned round = 0; round < 20 && peer_pending(&p) > 0; round++) {
			drain(&p);
			peer_advance(&p, 10 * MS);
			peer_ack(&p, peer_info(&p).snd_nxt);
		}
		got = peer_info(&p).snd_una - p.iss - 1;
		assert_int_equal(got, 200);
		peer_fini(&p);
	}
}

static void rfc9293_3_9_1_room_and_writable(void **state)
{
	struct peer p;
	struct span span = { (const uint8_t *)"x", 1, NULL };
	size_t room;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	room = stream_room(p.stream);
	peer_write(&p, 1000);
	assert_int_equal(stream_room(p.stream), room - 1000);
	peer_write(&p, (uint32_t)room); /* one call may exceed the room once */
	assert_int_equal(stream_room(p.stream), 0);
	assert_int_equal(stream_send(p.stream, &span, 1, 0), -105 /* ENOBUFS */);
	stream_shutdown(p.stream);
	assert_int_equal(stream_send(p.stream, &span, 1, 0), -32 /* EPIPE */);
	drain(&p);
	peer_fini(&p);
}

/* ---- window scaling ---- */

static void rfc7323_2_2_windows_of_syns_are_not_scaled(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL); /* ours in the SYN-ACK, theirs in the SYN */
	peer_listen(&p, 80);
	peer_inject(&p,
		    SEG(.flags = S, .seq = 1000, .mss = 1460, .win = 3000, .has_wscale = true, .wscale = 5));
	got = peer_expect(&p, SEG(.flags = S | A, .win = 65535));
	assert_true(got.has_wscale);
	assert_int_equal(got.wscale, 7); /* 6 MiB need 7: 65535 << 6 is less */
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .win = 3000));
	assert_int_equal(peer_info(&p).snd_wnd, 3000 << 5);
	assert_int_equal(peer_info(&p).snd_wscale, 5);
	peer_write(&p, 10);
	/* And from now on ours is scaled. */
	peer_expect(&p, SEG(.flags = A | P, .win = 262144 >> 7, .len = 10));
	peer_fini(&p);

	peer_init(&p, NULL); /* theirs in the SYN-ACK */
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460, .win = 3000,
			    .has_wscale = true, .wscale = 5));
	peer_any(&p);
	assert_int_equal(peer_info(&p).snd_wnd, 3000);
	peer_inject(&p, SEG(.flags = A, .seq = 7001, .ack = p.iss + 1, .win = 3000));
	assert_int_equal(peer_info(&p).snd_wnd, 3000 << 5);
	peer_fini(&p);
}

static void rfc7323_2_2_our_syns_are_not_scaled_either(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_connect(&p, 99);
	got = peer_expect(&p, SEG(.flags = S, .win = 65535));
	assert_int_equal(got.wscale, 7);
	p.our_port = got.src_port;
	/* Both open at once: the SYN-ACK's is not scaled, though the shift is known by now. */
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460, .has_wscale = true, .wscale = 2));
	peer_expect(&p, SEG(.flags = S | A, .win = 65535));
	peer_inject(&p, SEG(.flags = A, .seq = 7001, .ack = got.seq + 1, .win = 1000));
	assert_int_equal(peer_info(&p).snd_wnd, 4000);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .win = 262144 >> 7, .len = 10));
	peer_fini(&p);
}

static void rfc7323_2_2_no_scaling_unless_both_offer_it(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_false(got.has_wscale);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .win = 3000));
	assert_int_equal(peer_info(&p).snd_wnd, 3000);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .win = 65535, .len = 10));
	peer_fini(&p);

	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .win = 65535));
	peer_inject(&p, SEG(.flags = A, .seq = 7001, .ack = p.iss + 1, .win = 3000));
	assert_int_equal(peer_info(&p).snd_wnd, 3000);
	assert_int_equal(peer_info(&p).rcv_wscale, 0);
	peer_fini(&p);
}

static void no_scaling(struct stack_config *c)
{
	c->tcp.window_scaling = false;
}

static void rfc7323_2_2_turned_off(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, no_scaling);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460, .has_wscale = true, .wscale = 5));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_false(got.has_wscale);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .win = 3000));
	assert_int_equal(peer_info(&p).snd_wnd, 3000);
	p.port = 40001;
	peer_connect(&p, 99);
	got = peer_expect(&p, SEG(.flags = S));
	assert_false(got.has_wscale);
	peer_fini(&p);
}

static void rfc7323_2_3_a_shift_above_14_is_14(void **state)
{
	struct peer p;

	(void)state;
	for (uint8_t shift = 13; shift < 255; shift = (uint8_t)(shift + 1)) {
		peer_init(&p, NULL);
		peer_established(&p, SEG(.mss = 1460, .win = 100, .has_wscale = true, .wscale = shift));
		assert_int_equal(peer_info(&p).snd_wnd, 100u << (shift < 14 ? shift : 14));
		peer_fini(&p);
		if (shift == 16)
			shift = 250;
	}
}

static void rfc7323_2_2_the_option_on_other_segments_is_ignored(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 2));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .win = 100, .has_wscale = true,
			    .wscale = 9));
	assert_int_equal(peer_info(&p).snd_wnd, 400);
	peer_fini(&p);
}

/* ---- 2^31 octets without a loss, then one ---- */

static void rfc6582_recovery_works_after_two_gigabytes_without_loss(void **state)
{
	static const uint8_t text[1 << 20];
	struct span span = { text, sizeof text, NULL };
	struct peer p;

	(void)state;
	peer_init(&p, with_gso);
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 10));
	for (unsigned i = 0; i < 2100; i++) {
		assert_int_equal(stream_send(p.stream, &span, 1, 0), 0);
		peer_flush(&p);
		while (peer_pending(&p) > 0 || peer_info(&p).unsent > 0) {
			drain(&p);
			peer_ack(&p, peer_info(&p).snd_nxt);
		}
	}
	assert_int_equal(peer_info(&p).bytes_acked, 2100ull << 20);
	assert_int_equal(stream_send(p.stream, &span, 1, 0), 0);
	peer_flush(&p);
	drain(&p);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, peer_info(&p).snd_una);
	assert_int_equal(tcp_counters(p.stack->tcp)->fast_retrans, 1);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_8_6_the_peers_window_is_kept_to),
		cmocka_unit_test(rfc9293_3_8_6_the_layer_above_can_see_what_is_left_of_the_peers_window),
		cmocka_unit_test(rfc9293_must_1_rec_1_windows_are_unsigned_32_bits),
		cmocka_unit_test(rfc9293_must_34_shld_15_usable_window_may_be_negative),
		cmocka_unit_test(rfc9293_shld_16_what_lies_in_a_shrunk_window_is_retransmitted),
		cmocka_unit_test(rfc9293_shld_17_no_time_out_for_what_lies_beyond_a_shrunk_window),
		cmocka_unit_test(rfc9293_must_35_a_window_shrunk_to_zero_is_probed),
		cmocka_unit_test(rfc9293_must_36_shld_29_shld_30_zero_window_probes),
		cmocka_unit_test(rfc9293_must_37_for_ever_while_the_peer_answers),
		cmocka_unit_test(rfc9293_must_37_but_silence_is_the_end),
		cmocka_unit_test(rfc9293_3_8_6_1_reopening_lets_all_go_at_once),
		cmocka_unit_test(rfc9293_3_8_6_1_reopening_after_the_probe_was_taken),
		cmocka_unit_test(rfc9293_shld_30_taken_probes_do_not_hasten_the_next),
		cmocka_unit_test(rfc9293_3_8_6_1_a_fin_behind_a_closed_window_gets_through),
		cmocka_unit_test(rfc9293_3_8_6_1_a_probe_and_the_end_at_one_time),
		cmocka_unit_test(rfc9293_must_38_no_slivers_into_a_window_that_opens_slowly),
		cmocka_unit_test(rfc9293_must_38_half_of_the_largest_window_will_do),
		cmocka_unit_test(rfc9293_must_38_in_the_end_a_small_window_is_used),
		cmocka_unit_test(rfc9293_must_39_the_window_opens_in_worthwhile_steps),
		cmocka_unit_test(rfc9293_must_39_or_by_half_of_the_buffer),
		cmocka_unit_test(rfc9293_shld_14_the_right_edge_is_never_pulled_back),
		cmocka_unit_test(rfc9293_may_8_a_window_may_stay_closed),
		cmocka_unit_test(rfc9293_3_8_6_reading_all_is_told_at_once),
		cmocka_unit_test(rfc9293_shld_7_nagle),
		cmocka_unit_test(rfc9293_shld_7_nagle_with_a_device_that_cuts),
		cmocka_unit_test(rfc9293_must_17_nagle_can_be_turned_off),
		cmocka_unit_test(rfc9293_3_7_4_the_last_text_before_a_fin_does_not_wait),
		cmocka_unit_test(rfc9293_must_61_psh_on_the_last_segment),
		cmocka_unit_test(rfc9293_must_60_text_is_not_held_for_ever),
		cmocka_unit_test(rfc9293_shld_27_28_may_16_small_writes_share_segments),
		cmocka_unit_test(rfc9293_must_60_very_many_very_small_writes_go),
		cmocka_unit_test(rfc9293_3_9_1_room_and_writable),
		cmocka_unit_test(rfc7323_2_2_windows_of_syns_are_not_scaled),
		cmocka_unit_test(rfc7323_2_2_our_syns_are_not_scaled_either),
		cmocka_unit_test(rfc7323_2_2_no_scaling_unless_both_offer_it),
		cmocka_unit_test(rfc7323_2_2_turned_off),
		cmocka_unit_test(rfc7323_2_3_a_shift_above_14_is_14),
		cmocka_unit_test(rfc7323_2_2_the_option_on_other_segments_is_ignored),
		cmocka_unit_test(rfc6582_recovery_works_after_two_gigabytes_without_loss),
	};

	return cmocka_run_group_tests_name("conformance: flow control", tests, NULL, NULL);
}
