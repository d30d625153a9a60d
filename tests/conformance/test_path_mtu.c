/*
 * The path's MTU: reported by routers (RFC 1191) though some lie (RFC 5927 section 7.2), found out in black
 * holes (RFC 4821 section 7.7), and probed for (RFC 4821 section 7, RFC 8899 section 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

#define SECOND 1000000ull
enum { UNREACHABLE = 3, TOO_BIG = 4, RTT_US = 20000, LINK = 1500, BASE = 1200, HEADERS = 40 };

static void probing(struct stack_config *c)
{
	c->tcp.mtu_probing = TCP_MTU_PROBING_ON;
}

static void no_probing(struct stack_config *c)
{
	c->tcp.mtu_probing = TCP_MTU_PROBING_OFF;
}

/* A path that drops what is larger than `mtu`, and a peer behind it that acknowledges the rest, with SACK. */
struct path {
	struct peer p;
	uint32_t mtu;
	uint32_t next;        /* rcv.nxt of the peer */
	struct {
		uint32_t left, right;
	} held[64];           /* beyond next, in order */
	unsigned n_held;
	unsigned dropped;
	bool stopped;         /* no more is written */
	uint32_t largest;     /* packet that passed */
};

static void hold(struct path *t, uint32_t left, uint32_t right)
{
	unsigned i = t->n_held;

	assert_true(t->n_held < ARRAY_LENGTH(t->held));
	while (i > 0 && t->held[i - 1].left > left) {
		t->held[i] = t->held[i - 1];
		i--;
	}
	t->held[i].left = left;
	t->held[i].right = right;
	t->n_held++;
}

static void advance_next(struct path *t, uint32_t right)
{
	t->next = right > t->next ? right : t->next;
	while (t->n_held > 0 && t->held[0].left <= t->next) {
		t->next = t->held[0].right > t->next ? t->held[0].right : t->next;
		t->n_held--;
		memmove(t->held, t->held + 1, t->n_held * sizeof t->held[0]);
	}
}

static void path_ack(struct path *t, uint32_t left, uint32_t right)
{
	struct seg ack = { .flags = A, .seq = t->p.snd, .ack = t->next };

	if (left > t->next) {
		ack.n_sack = 1;
		ack.sack[0].left = left;
		ack.sack[0].right = right;
	}
	peer_inject_held(&t->p, &ack);
}

/* One round trip: what has left arrives, or not, and is acknowledged. */
static void path_round(struct path *t)
{
	unsigned n;

	if (!t->stopped && peer_info(&t->p).unsent < 500000)
		peer_write(&t->p, 500000);
	n = peer_pending(&t->p);
	peer_advance(&t->p, RTT_US);
	while (n-- > 0) {
		struct seg s = peer_any(&t->p);
		if (s.len + HEADERS > t->mtu) {
			t->dropped++;
			continue;
		}
		if (s.len + HEADERS > t->largest)
			t->largest = s.len + HEADERS;
		if (s.seq > t->next)
			hold(t, s.seq, s.seq + s.len);
		else
			advance_next(t, s.seq + s.len);
		path_ack(t, s.seq, s.seq + s.len);
	}
	peer_flush(&t->p);
}

static void path_open(struct path *t, uint32_t mtu, void (*tune)(struct stack_config *c))
{
	*t = (struct path){ .mtu = mtu };
	peer_init(&t->p, tune);
	peer_established(&t->p, SEG(.mss = LINK - HEADERS, .sack_permitted = true));
	t->next = t->p.iss + 1;
	peer_write(&t->p, 1000000);
}

static void path_rounds(struct path *t, unsigned rounds)
{
	while (rounds-- > 0)
		path_round(t);
}

static uint32_t mss(const struct path *t)
{
	return peer_info(&t->p).mss;
}

/* ---- what routers report ---- */

static void rfc5927_7_2_a_size_below_what_was_acknowledged_is_not_believed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, no_probing);
	peer_established(&p, NULL);
	peer_write(&p, 3 * 1460);
	for (unsigned i = 0; i < 3; i++)
		peer_any(&p);
	peer_ack(&p, p.iss + 1 + 1460); /* 1500 bytes do pass */
	peer_icmp(&p, UNREACHABLE, TOO_BIG, 576, p.iss + 1 + 1460);
	assert_int_equal(peer_info(&p).mss, 1460);
	/* Progress refutes it for good. */
	peer_ack(&p, p.iss + 1 + 2 * 1460);
	peer_advance(&p, 2 * SECOND);
	assert_int_equal(peer_info(&p).mss, 1460);
	peer_fini(&p);
}

static void rfc5927_7_2_but_it_is_once_nothing_gets_through(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, no_probing);
	peer_established(&p, NULL);
	peer_write(&p, 3 * 1460);
	for (unsigned i = 0; i < 3; i++)
		peer_any(&p);
	peer_ack(&p, p.iss + 1 + 1460);
	peer_icmp(&p, UNREACHABLE, TOO_BIG, 1000, p.iss + 1 + 1460);
	peer_expect_nothing(&p);
	peer_advance(&p, 1100000); /* a timeout: the path did change */
	assert_int_equal(peer_info(&p).mss, 960);
	assert_int_equal(peer_any(&p).len, 960);
	peer_fini(&p);
}

/* ---- black holes ---- */

static void rfc4821_7_7_a_black_hole_is_left(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 1400, NULL);
	for (unsigned i = 0; i < 200; i++) {
		path_round(&t);
		peer_advance(&t.p, 100000);
	}
	assert_int_equal(tcp_counters(t.p.stack->tcp)->mtu_black_holes, 1);
	/* It then finds how large they may be. */
	assert_in_range(mss(&t) + HEADERS, 1400 - 32, 1400);
	assert_in_range(t.largest, 1400 - 32, 1400);
	peer_fini(&t.p);
}

static void rfc4821_7_7_the_smallest_every_host_takes_in_the_end(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 700, NULL);
	for (unsigned i = 0; i < 400; i++) {
		path_round(&t);
		peer_advance(&t.p, 100000);
	}
	assert_int_equal(tcp_counters(t.p.stack->tcp)->mtu_black_holes, 2);
	assert_in_range(mss(&t) + HEADERS, 700 - 32, 700);
	peer_fini(&t.p);
}

static void rfc4821_7_7_small_segments_that_time_out_are_no_black_hole(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 500);
	peer_advance(&p, 30 * SECOND);
	assert_int_equal(tcp_counters(p.stack->tcp)->mtu_black_holes, 0);
	assert_int_equal(peer_info(&p).mss, 1460);
	peer_fini(&p);
}

static void rfc4821_7_7_turned_off(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 1400, no_probing);
	peer_advance(&t.p, 60 * SECOND);
	assert_int_equal(mss(&t), 1460);
	peer_fini(&t.p);
}

/* ---- probing ---- */

static void rfc8899_5_2_a_search_ends_at_the_paths_mtu(void **state)
{
	static const uint32_t mtus[] = { 1200, 1233, 1280, 1400, 1499, 1500 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(mtus); i++) {
		struct path t;

		path_open(&t, mtus[i], probing);
		assert_int_equal(mss(&t), BASE - HEADERS);
		path_rounds(&t, 60);
		assert_in_range(mss(&t) + HEADERS, mtus[i] > BASE + 32 ? mtus[i] - 32 : BASE, mtus[i]);
		assert_int_equal(tcp_counters(t.p.stack->tcp)->timeouts, 0);
		peer_fini(&t.p);
	}
}

/* A probe that is lost says nothing of congestion (RFC 4821 section 7.5), and
 * its text arrives all the same. */
static void rfc4821_7_5_a_lost_probe_does_not_reduce_the_window(void **state)
{
	struct path t;
	uint32_t cwnd;

	(void)state;
	path_open(&t, 1300, probing);
	do {
		cwnd = peer_info(&t.p).cwnd;
		path_round(&t);
		assert_true(peer_info(&t.p).cwnd >= cwnd);
	} while (t.dropped == 0);
	path_rounds(&t, 3);
	assert_int_equal(tcp_counters(t.p.stack->tcp)->sack_recovery, 0);
	assert_true(peer_info(&t.p).cwnd >= cwnd);
	peer_fini(&t.p);
}

static void rfc8899_5_1_2_three_losses_decide(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 1300, probing);
	path_rounds(&t, 60);
	/* At 1500 three times, then at each size that was too large by halves. */
	assert_int_equal(t.dropped % 3, 0);
	assert_true(t.dropped >= 6);
	assert_int_equal(tcp_counters(t.p.stack->tcp)->mtu_probe_fails * 3, t.dropped);
	peer_fini(&t.p);
}

/* PMTU_RAISE_TIMER: a path may have become wider. */
static void rfc8899_5_1_1_the_search_begins_again_after_ten_minutes(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 1300, probing);
	path_rounds(&t, 60);
	t.mtu = 1500;
	path_rounds(&t, 5);
	assert_in_range(mss(&t) + HEADERS, 1300 - 32, 1300);
	t.stopped = true;
	while (peer_info(&t.p).in_flight > 0)
		path_round(&t);
	peer_advance(&t.p, 601 * SECOND);
	t.stopped = false;
	path_rounds(&t, 20);
	assert_int_equal(mss(&t) + HEADERS, 1500);
	peer_fini(&t.p);
}

/* Without SACK the loss of one segment cannot be told from congestion. */
static void rfc4821_7_no_probes_without_sack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, probing);
	peer_established(&p, SEG(.mss = 1460));
	peer_write(&p, 1000000);
	for (unsigned round = 0; round < 5; round++) {
		uint32_t end = peer_info(&p).snd_nxt;
		while (peer_pending(&p) > 0)
			assert_int_equal(peer_any(&p).len, BASE - HEADERS);
		peer_advance(&p, RTT_US);
		peer_ack(&p, end);
	}
	peer_fini(&p);
}

static void rfc4821_7_a_probe_is_one_segment_on_a_device_that_cuts(void **state)
{
	struct path t;

	(void)state;
	path_open(&t, 1500, probing);
	t.p.stack->link.caps.gso_max = 65535;
	t.p.stack->link.caps.tx_checksum = 1;
	t.mtu = 65535; /* super-segments pass the test's path whole */
	for (unsigned i = 0; i < 20 && tcp_counters(t.p.stack->tcp)->mtu_probes == 0; i++)
		path_round(&t);
	for (unsigned n = peer_pending(&t.p); n > 0; n--) {
		struct seg s = peer_any(&t.p);
		assert_true(s.gso_size <= BASE - HEADERS);
	}
	assert_int_equal(tcp_counters(t.p.stack->tcp)->mtu_probes, 1);
	peer_fini(&t.p);
}

/* First the probe's end is reported to have arrived, then the rest, though it was one segment: nothing is
 * learned from that (it would have been two sizes, neither the probe's), and the next probe is one again. */
static void rfc4821_7_6_a_probe_acknowledged_in_two_parts_tells_nothing(void **state)
{
	struct peer p;
	struct seg probe;
	uint32_t base = BASE - HEADERS;

	(void)state;
	flight_open(&p, probing, RTT_US, SEG(.mss = 65495, .sack_permitted = true));
	peer_write(&p, 1000000);
	do {
		if (peer_pending(&p) == 0) {
			peer_advance(&p, RTT_US);
			peer_ack(&p, peer_info(&p).snd_nxt);
		}
		probe = peer_any(&p);
	} while (probe.len == base);
	assert_int_equal(probe.len + HEADERS, LINK);
	peer_advance(&p, RTT_US);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = probe.seq, .n_sack = 1,
			    .sack = { { probe.seq + base, probe.seq + probe.len } }));
	peer_ack(&p, probe.seq + probe.len);
	assert_int_equal(peer_info(&p).mss, base);
	while (peer_pending(&p) > 0)
		assert_true(peer_any(&p).len + HEADERS <= LINK);
	assert_int_equal(tcp_counters(p.stack->tcp)->mtu_probe_successes, 0);
	peer_advance(&p, 2 * RTT_US);
	peer_ack(&p, peer_info(&p).snd_nxt);
	peer_advance(&p, RTT_US);
	assert_int_equal(tcp_counters(p.stack->tcp)->mtu_probes, 2);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5927_7_2_a_size_below_what_was_acknowledged_is_not_believed),
		cmocka_unit_test(rfc5927_7_2_but_it_is_once_nothing_gets_through),
		cmocka_unit_test(rfc4821_7_7_a_black_hole_is_left),
		cmocka_unit_test(rfc4821_7_7_the_smallest_every_host_takes_in_the_end),
		cmocka_unit_test(rfc4821_7_7_small_segments_that_time_out_are_no_black_hole),
		cmocka_unit_test(rfc4821_7_7_turned_off),
		cmocka_unit_test(rfc8899_5_2_a_search_ends_at_the_paths_mtu),
		cmocka_unit_test(rfc4821_7_5_a_lost_probe_does_not_reduce_the_window),
		cmocka_unit_test(rfc8899_5_1_2_three_losses_decide),
		cmocka_unit_test(rfc8899_5_1_1_the_search_begins_again_after_ten_minutes),
		cmocka_unit_test(rfc4821_7_no_probes_without_sack),
		cmocka_unit_test(rfc4821_7_a_probe_is_one_segment_on_a_device_that_cuts),
		cmocka_unit_test(rfc4821_7_6_a_probe_acknowledged_in_two_parts_tells_nothing),
	};

	return cmocka_run_group_tests_name("conformance: path MTU", tests, NULL, NULL);
}
