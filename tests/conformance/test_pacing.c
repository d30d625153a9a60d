/*
 * Pacing, seen from the peer's side: what leaves at once, what is spread over the round trip, and
 * that nothing waits for a timer that does not run. Other tests have it off, here it is on. The
 * reckoning itself: tests/unit/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

enum { MSS = FLIGHT_MSS, INITIAL = 10 };

static void paced(struct stack_config *c)
{
	c->tcp.congestion = "reno";
	c->tcp.pacing = true;
}

static void paced_with_gso(struct stack_config *c)
{
	paced(c);
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static void not_paced(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

/* A window of twenty, all acknowledged. */
static void open_with_twenty(struct peer *p, void (*tune)(struct stack_config *c), uint64_t rtt_us)
{
	flight_open(p, tune, rtt_us, NULL);
	flight_write(p, 200);
	peer_advance(p, rtt_us);
	flight_drain(p);
	peer_ack(p, peer_info(p).snd_nxt);
}

static void pacing_a_full_window_is_spread_over_half_a_round_trip(void **state)
{
	struct peer p;
	uint64_t began, rate;
	unsigned n;

	(void)state;
	open_with_twenty(&p, paced, FLIGHT_RTT_US);
	rate = peer_info(&p).pacing_rate;
	assert_int_equal(rate, (uint64_t)peer_info(&p).cwnd * 2 * 1000000 / peer_info(&p).srtt_us);
	began = p.now_us;
	n = flight_drain(&p);
	assert_in_range(n, 1, INITIAL + 1); /* the credit of a quiet time: an initial window */
	while (n * MSS < peer_info(&p).cwnd) {
		assert_true(peer_info(&p).unsent > 0 && p.now_us < began + FLIGHT_RTT_US);
		peer_advance(&p, MSS * 1000000ull / rate + 1);
		assert_in_range(flight_drain(&p), 0, 1); /* one at a time */
		n = peer_info(&p).in_flight / MSS;
	}
	assert_true(p.now_us >= began + (n - INITIAL - 2) * (MSS * 1000000ull / rate));
	peer_fini(&p);
}

static void pacing_is_at_1_2_windows_in_congestion_avoidance(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p, paced, FLIGHT_RTT_US);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_drain(&p);
	flight_sack(&p, INITIAL, INITIAL + 1, INITIAL + 4);
	peer_advance(&p, FLIGHT_RTT_US / 2);
	peer_ack(&p, peer_info(&p).snd_nxt);
	assert_false(peer_info(&p).in_recovery);
	assert_true(peer_info(&p).cwnd >= peer_info(&p).ssthresh / 2);
	assert_int_equal(peer_info(&p).pacing_rate,
			 (uint64_t)peer_info(&p).cwnd * 1200000 / peer_info(&p).srtt_us);
	peer_fini(&p);
}

static void pacing_is_off_below_a_millisecond_and_when_not_wanted(void **state)
{
	static const struct {
		void (*tune)(struct stack_config *c);
		uint64_t rtt_us;
		bool is_paced;
	} cases[] = { { paced, 999, false }, { paced, 1000, true }, { not_paced, FLIGHT_RTT_US, false } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct peer p;
		open_with_twenty(&p, cases[i].tune, cases[i].rtt_us);
		assert_int_equal(peer_info(&p).pacing_rate > 0, cases[i].is_paced);
		if (!cases[i].is_paced)
			assert_int_equal(flight_drain(&p), INITIAL + 8); /* RFC 9406's L */
		peer_fini(&p);
	}
}

/* A super-segment is a burst, and lasts a millisecond or has two segments. */
static void pacing_limits_super_segments(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p, paced_with_gso, FLIGHT_RTT_US);
	peer_advance(&p, FLIGHT_RTT_US / 2);
	while (peer_pending(&p) > 0)
		assert_in_range(peer_any(&p).len, 1, 2 * MSS);
	peer_fini(&p);
}

/* A long silence is no licence for a burst. */
static void pacing_keeps_no_more_credit_than_an_initial_window(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p, paced, FLIGHT_RTT_US);
	for (unsigned i = 0; i < 20; i++) {
		peer_advance(&p, FLIGHT_RTT_US);
		flight_drain(&p);
		peer_ack(&p, peer_info(&p).snd_nxt);
		assert_in_range(flight_drain(&p), 0, INITIAL + 1);
	}
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_fini(&p);
}

/* All data is out and acknowledged, and the next segment's turn is later: the FIN has a timer too. */
static void pacing_does_not_forget_the_fin(void **state)
{
	struct peer p;
	uint64_t turn;

	(void)state;
	flight_open(&p, paced, FLIGHT_RTT_US, NULL);
	flight_write(&p, 22);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_drain(&p);
	peer_ack(&p, peer_info(&p).snd_nxt);
	while (peer_info(&p).unsent > 0)
		peer_advance(&p, 1000);
	flight_drain(&p);
	turn = flight_conn(&p)->busy->paced_until_us;
	assert_true(turn > p.now_us);
	peer_ack(&p, peer_info(&p).snd_nxt);
	stream_shutdown(p.stream);
	peer_expect_nothing(&p);
	peer_advance(&p, turn - p.now_us);
	peer_expect(&p, SEG(.flags = F | A));
	peer_fini(&p);
}

/* What is lost waits for its turn as well, and gets it. */
static void pacing_does_not_forget_the_lost(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p, paced, FLIGHT_RTT_US);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_drain(&p);
	flight_sack(&p, INITIAL, INITIAL + 5, INITIAL + 15);
	peer_advance(&p, FLIGHT_RTT_US / 2);
	assert_true(flight_drain(&p) >= 5);
	assert_int_equal(peer_info(&p).retransmissions, 5);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacing_a_full_window_is_spread_over_half_a_round_trip),
		cmocka_unit_test(pacing_is_at_1_2_windows_in_congestion_avoidance),
		cmocka_unit_test(pacing_is_off_below_a_millisecond_and_when_not_wanted),
		cmocka_unit_test(pacing_limits_super_segments),
		cmocka_unit_test(pacing_keeps_no_more_credit_than_an_initial_window),
		cmocka_unit_test(pacing_does_not_forget_the_fin),
		cmocka_unit_test(pacing_does_not_forget_the_lost),
	};

	return cmocka_run_group_tests_name("conformance: pacing", tests, NULL, NULL);
}
