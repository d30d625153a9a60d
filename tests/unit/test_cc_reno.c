/* Reno as the textbook has it: RFC 5681, with bytes counted as RFC 3465 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/tcp_cc.h"

enum { MSS = 1000 };

static struct tcp_cc reno(uint32_t cwnd, uint32_t ssthresh)
{
	struct tcp_cc cc = { .ops = tcp_cc_find("reno") };

	cc.ops->init(&cc, &(struct tcp_cc_event){ .mss = MSS });
	cc.cwnd = cwnd;
	cc.ssthresh = ssthresh;
	return cc;
}

static void ack(struct tcp_cc *cc, uint32_t acked)
{
	cc->ops->on_ack(cc, &(struct tcp_cc_event){ .mss = MSS, .acked = acked, .cwnd_limited = true });
}

/* All of a window is acknowledged, each second segment. */
static void round_trip(struct tcp_cc *cc)
{
	uint32_t flight = cc->cwnd;

	for (uint32_t acked = 0; acked < flight; acked += 2 * MSS)
		ack(cc, flight - acked < 2 * MSS ? flight - acked : 2 * MSS);
}

static void begins_with_ten_segments_and_no_threshold(void **state)
{
	struct tcp_cc cc = { .ops = tcp_cc_find("reno") };

	(void)state;
	cc.ops->init(&cc, &(struct tcp_cc_event){ .mss = MSS });
	assert_int_equal(cc.cwnd, 10 * MSS);
	assert_int_equal(cc.ssthresh, UINT32_MAX);
}

static void slow_start_doubles_the_window_each_round_trip(void **state)
{
	struct tcp_cc cc = reno(MSS, UINT32_MAX);

	(void)state;
	for (uint32_t window = 2; window <= 1024; window *= 2) {
		round_trip(&cc);
		assert_int_equal(cc.cwnd, window * MSS);
	}
}

static void slow_start_ends_at_the_threshold(void **state)
{
	struct tcp_cc cc = reno(8 * MSS, 10 * MSS);

	(void)state;
	ack(&cc, 8 * MSS);
	assert_int_equal(cc.cwnd, 10 * MSS);
}

static void one_ack_adds_eight_segments_at_most_unless_paced(void **state)
{
	struct tcp_cc cc = reno(100 * MSS, UINT32_MAX);

	(void)state;
	ack(&cc, 50 * MSS);
	assert_int_equal(cc.cwnd, 108 * MSS);
	cc.pacing_rate = 1;
	ack(&cc, 50 * MSS);
	assert_int_equal(cc.cwnd, 158 * MSS);
}

static void congestion_avoidance_adds_a_segment_each_round_trip(void **state)
{
	struct tcp_cc cc = reno(20 * MSS, 20 * MSS);

	(void)state;
	for (uint32_t window = 21; window < 200; window++) {
		round_trip(&cc);
		assert_in_range(cc.cwnd, (window - 1) * MSS, window * MSS);
	}
}

/* RFC 3465: bytes count, not acknowledgements. */
static void many_small_acks_gain_nothing(void **state)
{
	struct tcp_cc cc = reno(10 * MSS, 10 * MSS);

	(void)state;
	for (unsigned i = 0; i < 10 * MSS; i++)
		ack(&cc, 1);
	assert_int_equal(cc.cwnd, 11 * MSS);
}

static void loss_halves_the_flight(void **state)
{
	struct tcp_cc cc = reno(100 * MSS, UINT32_MAX);

	(void)state;
	cc.ops->on_loss(&cc, &(struct tcp_cc_event){ .mss = MSS, .flight = 60 * MSS });
	assert_int_equal(cc.ssthresh, 30 * MSS); /* of what was in flight, not of the window */
	assert_int_equal(cc.cwnd, 30 * MSS);
	cc.ops->on_loss(&cc, &(struct tcp_cc_event){ .mss = MSS, .flight = 3 * MSS });
	assert_int_equal(cc.ssthresh, 2 * MSS);
}

static void timeout_takes_the_window_to_one_segment(void **state)
{
	struct tcp_cc cc = reno(100 * MSS, UINT32_MAX);

	(void)state;
	cc.ops->on_timeout(&cc, &(struct tcp_cc_event){ .mss = MSS, .flight = 100 * MSS });
	assert_int_equal(cc.ssthresh, 50 * MSS);
	assert_int_equal(cc.cwnd, MSS);
	for (uint32_t window = 2; window <= 32; window *= 2) {
		round_trip(&cc);
		assert_int_equal(cc.cwnd, window * MSS);
	}
	round_trip(&cc);
	assert_int_equal(cc.cwnd, 50 * MSS);
	round_trip(&cc);
	assert_int_equal(cc.cwnd, 51 * MSS);
}

static void idle_goes_back_to_the_restart_window(void **state)
{
	struct tcp_cc cc = reno(100 * MSS, 50 * MSS);

	(void)state;
	cc.ops->on_idle(&cc, &(struct tcp_cc_event){ .mss = MSS });
	assert_int_equal(cc.cwnd, 10 * MSS);
	assert_int_equal(cc.ssthresh, 50 * MSS);
	cc.cwnd = 4 * MSS; /* and never up to it */
	cc.ops->on_idle(&cc, &(struct tcp_cc_event){ .mss = MSS });
	assert_int_equal(cc.cwnd, 4 * MSS);
}

static void an_unused_window_does_not_grow(void **state)
{
	struct tcp_cc cc = reno(10 * MSS, UINT32_MAX);

	(void)state;
	cc.ops->on_ack(&cc, &(struct tcp_cc_event){ .mss = MSS, .acked = MSS });
	assert_int_equal(cc.cwnd, 10 * MSS);
}

static void the_window_has_a_limit(void **state)
{
	struct tcp_cc cc = reno(TCP_MAX_CWND - 1, UINT32_MAX);

	(void)state;
	cc.pacing_rate = 1;
	ack(&cc, UINT32_MAX);
	assert_int_equal(cc.cwnd, TCP_MAX_CWND);
	cc.ssthresh = MSS;
	ack(&cc, UINT32_MAX);
	assert_int_equal(cc.cwnd, TCP_MAX_CWND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_with_ten_segments_and_no_threshold),
		cmocka_unit_test(slow_start_doubles_the_window_each_round_trip),
		cmocka_unit_test(slow_start_ends_at_the_threshold),
		cmocka_unit_test(one_ack_adds_eight_segments_at_most_unless_paced),
		cmocka_unit_test(congestion_avoidance_adds_a_segment_each_round_trip),
		cmocka_unit_test(many_small_acks_gain_nothing),
		cmocka_unit_test(loss_halves_the_flight),
		cmocka_unit_test(timeout_takes_the_window_to_one_segment),
		cmocka_unit_test(idle_goes_back_to_the_restart_window),
		cmocka_unit_test(an_unused_window_does_not_grow),
		cmocka_unit_test(the_window_has_a_limit),
	};

	return cmocka_run_group_tests_name("tcp/reno", tests, NULL, NULL);
}
