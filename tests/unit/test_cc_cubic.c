/* CUBIC: its integer arithmetic against real numbers, and what RFC 9438 wants of it, event by event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tcp/tcp_cc.h"

enum { MSS = 1000, RTT = 100000 };

/* ---- the curve ---- */

/* Newton's; <math.h> would be one more library for one function. */
static double real_cube_root(double x)
{
	double root = x > 1 ? x : 1;

	for (unsigned i = 0; i < 200 && x > 0; i++)
		root -= (root - x / (root * root)) / 3;
	return x > 0 ? root : 0;
}

static double distance(double a, double b)
{
	return a < b ? b - a : a - b;
}

static double real_k(double w_max, double cwnd, double mss)
{
	return real_cube_root((w_max - cwnd) / mss / 0.4);
}

static double real_window(double w_max, double k, double t, double mss)
{
	return w_max + 0.4 * (t - k) * (t - k) * (t - k) * mss;
}

static void k_is_less_than_a_millisecond_too_short(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 1);
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t mss = 64 + random_below(&r, 65536 - 64);
		uint32_t w_max = random_u32(&r) >> (1 + random_below(&r, 24));
		uint32_t cwnd = random_below(&r, w_max + 1);
		double k = real_k(w_max, cwnd, mss) * 1000, got = tcp_cubic_k_ms(w_max, cwnd, mss);
		assert_true(got <= k + 1e-6 && got > k - 1);
	}
}

/* K's cube root is exact: at n^3 it is n, below it is n - 1. With this mss, K^3 is the window difference. */
static void the_cube_root_is_exact(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 1290; n++) {
		uint32_t cube = n * n * n;
		assert_int_equal(tcp_cubic_k_ms(cube, 0, 2500000000u), n);
		assert_int_equal(tcp_cubic_k_ms(cube - 1, 0, 2500000000u), n - 1);
	}
	assert_int_equal(tcp_cubic_k_ms(TCP_MAX_CWND, 0, 1), 1751015); /* the largest there is */
}

static void the_curve_is_within_two_bytes(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 2);
	for (unsigned i = 0; i < 500000; i++) {
		uint32_t mss = 64 + random_below(&r, 65536 - 64);
		uint32_t w_max = random_u32(&r) >> (1 + random_below(&r, 24));
		uint32_t k_ms = random_below(&r, 400000) >> random_below(&r, 12);
		uint32_t t_ms = random_below(&r, 400000) >> random_below(&r, 12);
		double want = real_window(w_max, k_ms / 1e3, t_ms / 1e3, mss);
		double got = tcp_cubic_window(w_max, k_ms, t_ms, mss);
		want = want < 0 ? 0 : want > TCP_MAX_CWND ? TCP_MAX_CWND : want;
		assert_true(distance(got, want) < 2);
	}
}

static void the_curve_does_not_overflow(void **state)
{
	static const uint32_t times[] = { 0, 1, 524287, 524288, 524289, 1u << 31, UINT32_MAX };

	(void)state;
	for (size_t k = 0; k < sizeof times / sizeof times[0]; k++)
		for (size_t t = 1; t < sizeof times / sizeof times[0]; t++) {
			uint32_t before = tcp_cubic_window(TCP_MAX_CWND, times[k], times[t - 1], 65535);
			assert_true(before <= tcp_cubic_window(TCP_MAX_CWND, times[k], times[t], 65535));
		}
	assert_int_equal(tcp_cubic_window(1000, UINT32_MAX, 0, 65535), 0);
	assert_int_equal(tcp_cubic_window(1000, 0, UINT32_MAX, 65535), TCP_MAX_CWND);
}

/* ---- the algorithm ---- */

struct flow {
	struct tcp_cc cc;
	uint64_t now_us;
	uint32_t rtt_us;
	struct seq una;
};

static struct tcp_cc_event event(const struct flow *f)
{
	return (struct tcp_cc_event){
		.now_us = f->now_us,
		.mss = MSS,
		.flight = f->cc.cwnd,
		.srtt_us = f->rtt_us,
		.rtt_us = f->rtt_us,
		.snd_una = f->una,
		.snd_nxt = seq_add(f->una, f->cc.cwnd),
		.cwnd_limited = true,
	};
}

static struct flow flow(uint32_t cwnd, uint32_t rtt_us)
{
	struct flow f = { .cc.ops = tcp_cc_find("cubic"), .now_us = 1000000, .rtt_us = rtt_us };

	f.cc.ops->init(&f.cc, &(struct tcp_cc_event){ .mss = MSS });
	f.cc.cwnd = cwnd;
	return f;
}

/* A round trip: all of the window is acknowledged, each second segment, evenly in time. */
static void round_trip(struct flow *f)
{
	uint32_t flight = f->cc.cwnd, acks = (flight + 2 * MSS - 1) / (2 * MSS);
	uint64_t begin_us = f->now_us;

	for (uint32_t i = 1; i <= acks; i++) {
		struct tcp_cc_event e;
		f->now_us = begin_us + (uint64_t)f->rtt_us * i / acks;
		e = event(f);
		e.acked = i < acks ? 2 * MSS : flight - (acks - 1) * 2 * MSS;
		f->una = seq_add(f->una, e.acked);
		e.snd_una = f->una;
		f->cc.ops->on_ack(&f->cc, &e);
	}
}

static void run(struct flow *f, double seconds)
{
	uint64_t end_us = f->now_us + (uint64_t)(seconds * 1e6);

	while (f->now_us < end_us)
		round_trip(f);
}

static void lose(struct flow *f)
{
	struct tcp_cc_event e = event(f);

	f->cc.prior_cwnd = f->cc.cwnd;
	f->cc.prior_ssthresh = f->cc.ssthresh;
	f->cc.ops->on_loss(&f->cc, &e);
}

static void time_out(struct flow *f)
{
	struct tcp_cc_event e = event(f);

	f->cc.prior_cwnd = f->cc.cwnd;
	f->cc.prior_ssthresh = f->cc.ssthresh;
	f->cc.ops->on_timeout(&f->cc, &e);
}

/* As tcp_cc.h promises: cwnd and ssthresh first. */
static void undo(struct flow *f)
{
	struct tcp_cc_event e = event(f);

	f->cc.cwnd = f->cc.prior_cwnd;
	f->cc.ssthresh = f->cc.prior_ssthresh;
	f->cc.ops->on_undo(&f->cc, &e);
}

static void loss_leaves_seven_tenths(void **state)
{
	struct flow f = flow(100 * MSS, RTT);
	struct tcp_cc_event e = event(&f);

	(void)state;
	lose(&f);
	assert_int_equal(f.cc.ssthresh, 70 * MSS);
	assert_int_equal(f.cc.cwnd, 70 * MSS);
	f = flow(100 * MSS, RTT);
	e.flight = 50 * MSS; /* section 4.6: pacing may hold it below the window, which counts ... */
	f.cc.ops->on_loss(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, 70 * MSS);
	f = flow(100 * MSS, RTT);
	e.app_limited = true; /* ... but what the application never used does not */
	f.cc.ops->on_loss(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, 35 * MSS);
	e.flight = MSS;
	f.cc.ops->on_loss(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, 2 * MSS);
}

static void a_congestion_mark_may_leave_one_segment(void **state)
{
	struct flow f = flow(100 * MSS, RTT);
	struct tcp_cc_event e = event(&f);

	(void)state;
	f.cc.ops->on_ecn(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, 70 * MSS);
	assert_int_equal(f.cc.ssthresh, 70 * MSS);
	e.flight = MSS;
	e.app_limited = true;
	f.cc.ops->on_ecn(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, MSS);
	assert_int_equal(f.cc.ssthresh, 2 * MSS);
}

/* After a loss, round trip by round trip, beside RFC 9438's figure 1 in real numbers. */
static void the_window_follows_the_curve(void **state)
{
	static const uint32_t windows[] = { 500, 2000, 20000 };

	(void)state;
	for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
		struct flow f = flow(windows[i] * MSS, RTT);
		double w_max = windows[i] * (double)MSS, k = real_k(w_max, 0.7 * w_max, MSS);
		lose(&f);
		for (double t = (double)RTT / 1e6; t < 1.5 * k; t += (double)RTT / 1e6) {
			double want = real_window(w_max, k, t, MSS);
			round_trip(&f);
			assert_true(distance(f.cc.cwnd, want) < 0.03 * w_max);
		}
		assert_true(f.cc.cwnd > w_max);
	}
}

/* Growth depends on time alone: with a fifth of the RTT the window is the same after the same time. */
static void growth_does_not_depend_on_the_rtt(void **state)
{
	struct flow slow = flow(2000 * MSS, RTT), fast = flow(2000 * MSS, RTT / 5);

	(void)state;
	lose(&slow);
	lose(&fast);
	for (unsigned second = 0; second < 14; second++) {
		run(&slow, 1);
		run(&fast, 1);
		assert_true(distance(slow.cc.cwnd, fast.cc.cwnd) < 0.03 * slow.cc.cwnd);
	}
}

static void the_window_grows_by_half_a_round_trip_at_most(void **state)
{
	struct flow f = flow(10 * MSS, 3000000);

	(void)state;
	f.cc.ssthresh = f.cc.cwnd;
	for (unsigned i = 0; i < 12; i++) {
		uint32_t before = f.cc.cwnd;
		round_trip(&f);
		assert_true(f.cc.cwnd <= before + before / 2 + MSS);
	}
	assert_true(f.cc.cwnd > 100 * MSS);
}

/* Section 4.3: on a short path as fast as Reno with beta 0.7, then, above what was before, as Reno itself. */
static void a_short_path_is_reno_friendly(void **state)
{
	struct flow f = flow(50 * MSS, 2000);
	unsigned rounds = 0;

	(void)state;
	lose(&f);
	for (; f.cc.cwnd < 50 * MSS; rounds++)
		round_trip(&f);
	assert_in_range(rounds, 27, 30); /* 15 segments at 9/17 a round trip */
	for (unsigned i = 0; i < 20; i++) {
		uint32_t before = f.cc.cwnd;
		round_trip(&f);
		assert_in_range(f.cc.cwnd - before, MSS * 9 / 10, MSS * 11 / 10);
	}
}

static uint32_t w_max_of(const struct flow *f)
{
	return f->cc.state.cubic.epoch.w_max;
}

/* Section 4.7. */
static void fast_convergence_gives_way(void **state)
{
	struct flow f = flow(1000 * MSS, RTT);

	(void)state;
	lose(&f);
	assert_int_equal(w_max_of(&f), 1000 * MSS);
	run(&f, 1);
	assert_true(f.cc.cwnd < 1000 * MSS);
	f.cc.cwnd = 800 * MSS; /* lost again before it came up to where it was: 0.85 of that */
	lose(&f);
	assert_int_equal(w_max_of(&f), 680 * MSS);
	f.cc.cwnd = 700 * MSS;
	lose(&f);
	assert_int_equal(w_max_of(&f), 700 * MSS);
}

/* Section 4.8. */
static void a_timeout_begins_a_new_curve_at_its_flat_point(void **state)
{
	struct flow f = flow(1000 * MSS, RTT);

	(void)state;
	time_out(&f);
	assert_int_equal(f.cc.cwnd, MSS);
	assert_int_equal(f.cc.ssthresh, 700 * MSS);
	while (f.cc.cwnd < f.cc.ssthresh)
		round_trip(&f);
	assert_int_equal(w_max_of(&f), 700 * MSS);
	assert_int_equal(f.cc.state.cubic.epoch.k_ms, 0);
	run(&f, 5);
	assert_true(distance(f.cc.cwnd, real_window(700 * MSS, 0, 5, MSS)) < 0.03 * f.cc.cwnd);
}

/* Section 4.9: as if nothing had been. */
static void undo_brings_everything_back(void **state)
{
	(void)state;
	for (unsigned timeout = 0; timeout < 2; timeout++) {
		struct flow f = flow(1000 * MSS, RTT), before;
		lose(&f);
		run(&f, 3);
		before = f;
		if (timeout)
			time_out(&f);
		else
			lose(&f);
		assert_true(f.cc.cwnd < before.cc.cwnd);
		undo(&f);
		assert_int_equal(f.cc.cwnd, before.cc.cwnd);
		assert_int_equal(f.cc.ssthresh, before.cc.ssthresh);
		assert_memory_equal(&f.cc.state.cubic.epoch, &before.cc.state.cubic.epoch,
				    sizeof before.cc.state.cubic.epoch);
		run(&f, 3);
		run(&before, 3);
		assert_int_equal(f.cc.cwnd, before.cc.cwnd);
	}
}

/* Section 5.8: while the application is the limit, nothing grows, and the curve's time stands still. */
static void an_unused_window_neither_grows_nor_ages(void **state)
{
	struct flow f = flow(1000 * MSS, RTT);
	uint32_t before;

	(void)state;
	lose(&f);
	run(&f, 1);
	before = f.cc.cwnd;
	for (unsigned i = 0; i < 1000; i++) { /* 100 s with a segment each round trip */
		struct tcp_cc_event e = event(&f);
		f.now_us += RTT;
		e.now_us = f.now_us;
		e.acked = MSS;
		e.cwnd_limited = false;
		f.cc.ops->on_ack(&f.cc, &e);
	}
	assert_int_equal(f.cc.cwnd, before);
	round_trip(&f);
	assert_true(f.cc.cwnd < before + 60 * MSS); /* not the curve's 100 seconds later: 1.5 times */
	before = f.cc.cwnd;
	f.now_us += 100000000; /* nor does a silence count */
	round_trip(&f);
	assert_true(f.cc.cwnd < before + 60 * MSS);
}

static void idle_goes_back_to_the_restart_window(void **state)
{
	struct flow f = flow(1000 * MSS, RTT);
	struct tcp_cc_event e = event(&f);

	(void)state;
	lose(&f);
	run(&f, 4);
	f.cc.ops->on_idle(&f.cc, &e);
	assert_int_equal(f.cc.cwnd, 10 * MSS);
	while (f.cc.cwnd < f.cc.ssthresh)
		round_trip(&f);
	round_trip(&f); /* a new epoch: no leap to where the old one was */
	assert_in_range(f.cc.cwnd, 700 * MSS, 760 * MSS);
}

/* RFC 9406: slow start doubles, CSS gives a quarter, then congestion avoidance without a loss. */
static void hystart_ends_slow_start_before_loss(void **state)
{
	struct flow f = flow(20 * MSS, 50000);

	(void)state;
	round_trip(&f);
	assert_int_equal(f.cc.cwnd, 40 * MSS);
	round_trip(&f);
	assert_int_equal(f.cc.cwnd, 80 * MSS);
	f.rtt_us = 80000;
	for (unsigned i = 0; i < 10 && f.cc.ssthresh == UINT32_MAX; i++) {
		uint32_t before = f.cc.cwnd;
		round_trip(&f);
		if (i > 0)
			assert_in_range(f.cc.cwnd, before, before + before / 4 + 2 * MSS);
	}
	assert_in_range(f.cc.ssthresh, 160 * MSS,
			500 * MSS); /* 160 * 1.25^5, where slow start makes 5120 of it */
	assert_true(f.cc.cwnd >= f.cc.ssthresh);
	round_trip(&f);
	assert_int_equal(f.cc.state.cubic.epoch.k_ms, 0); /* section 4.10 */
	assert_int_equal(w_max_of(&f), f.cc.ssthresh);
	assert_int_equal(f.cc.state.cubic.epoch.cwnd_prior, f.cc.ssthresh);
}

static void later_slow_starts_are_plain(void **state)
{
	struct flow f = flow(1000 * MSS, 50000);

	(void)state;
	time_out(&f);
	for (uint32_t window = 2; window <= 512; window *= 2) {
		f.rtt_us += 20000;
		round_trip(&f);
		assert_int_equal(f.cc.cwnd, window * MSS);
	}
}

/* Any order of events, any numbers: the window stays within its limits. */
static void nothing_leads_out_of_bounds(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 3);
	for (unsigned seed = 0; seed < 200; seed++) {
		struct flow f = flow(10 * MSS, RTT);
		for (unsigned i = 0; i < 500; i++) {
			struct tcp_cc_event e = event(&f);
			f.now_us += random_u64(&r) >> (20 + random_below(&r, 44));
			e.now_us = f.now_us;
			e.acked = random_u32(&r) >> random_below(&r, 32);
			e.flight = random_u32(&r) >> (1 + random_below(&r, 31));
			e.srtt_us = random_u32(&r) >> random_below(&r, 32);
			switch (random_below(&r, 24)) {
			case 0:
				f.cc.ops->on_loss(&f.cc, &e);
				break;
			case 1:
				f.cc.ops->on_ecn(&f.cc, &e);
				break;
			case 2:
				f.cc.ops->on_timeout(&f.cc, &e);
				break;
			case 3:
				f.cc.ops->on_idle(&f.cc, &e);
				break;
			case 4:
				f.cc.ops->on_undo(&f.cc, &e);
				break;
			default:
				f.cc.ops->on_ack(&f.cc, &e);
			}
			assert_in_range(f.cc.cwnd, MSS, TCP_MAX_CWND);
			assert_true(f.cc.ssthresh >= 2 * MSS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(k_is_less_than_a_millisecond_too_short),
		cmocka_unit_test(the_cube_root_is_exact),
		cmocka_unit_test(the_curve_is_within_two_bytes),
		cmocka_unit_test(the_curve_does_not_overflow),
		cmocka_unit_test(loss_leaves_seven_tenths),
		cmocka_unit_test(a_congestion_mark_may_leave_one_segment),
		cmocka_unit_test(the_window_follows_the_curve),
		cmocka_unit_test(growth_does_not_depend_on_the_rtt),
		cmocka_unit_test(the_window_grows_by_half_a_round_trip_at_most),
		cmocka_unit_test(a_short_path_is_reno_friendly),
		cmocka_unit_test(fast_convergence_gives_way),
		cmocka_unit_test(a_timeout_begins_a_new_curve_at_its_flat_point),
		cmocka_unit_test(undo_brings_everything_back),
		cmocka_unit_test(an_unused_window_neither_grows_nor_ages),
		cmocka_unit_test(idle_goes_back_to_the_restart_window),
		cmocka_unit_test(hystart_ends_slow_start_before_loss),
		cmocka_unit_test(later_slow_starts_are_plain),
		cmocka_unit_test(nothing_leads_out_of_bounds),
	};

	return cmocka_run_group_tests_name("tcp/cubic", tests, NULL, NULL);
}
