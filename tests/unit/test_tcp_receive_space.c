/* Receive buffer auto-tuning: round trips as the receiver sees them, and the buffer that would suit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/tcp_receive_space.h"

enum { MS = 1000, MSS = 1000, SPARE = 16 * MSS };

static uint64_t wanted(struct tcp_receive_space *s, uint64_t now_us, uint64_t taken)
{
	return tcp_receive_space_wanted(s, now_us, taken, 100 * MS, MSS);
}

static void twice_what_is_taken_in_a_round_trip(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	assert_int_equal(wanted(&s, 1, 5000), 0); /* a round trip begins */
	assert_int_equal(wanted(&s, 1 + 50 * MS, 100000), 0);
	assert_int_equal(wanted(&s, 1 + 100 * MS, 205000), 400000 + SPARE);
	assert_int_equal(wanted(&s, 1 + 200 * MS, 405000), 400000 + SPARE); /* at the same rate */
	assert_int_equal(wanted(&s, 1 + 300 * MS, 505000), 200000 + SPARE);
}

static void more_while_the_rate_grows(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	wanted(&s, 1, 0);
	wanted(&s, 1 + 100 * MS, 100000);
	assert_int_equal(wanted(&s, 1 + 200 * MS, 300000), 3 * (400000 + SPARE)); /* doubled */
	assert_int_equal(wanted(&s, 1 + 300 * MS, 600000), 2 * (600000 + SPARE)); /* by a half */
	assert_int_equal(wanted(&s, 1 + 400 * MS, 1000000000), 3 * (2 * 999400000ull + SPARE)); /* no more */
}

static void a_pause_is_no_round_trip(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	wanted(&s, 1, 0);
	assert_int_equal(wanted(&s, 1 + 10000 * MS, 1000000), 20000 + SPARE);
}

static void nothing_while_the_round_trip_is_unknown(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(tcp_receive_space_wanted(&s, i * 1000 * MS, i * 100000, 0, MSS), 0);
}

static void echoes_are_smoothed_and_each_counts_once(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	tcp_receive_space_echo(&s, 1, 80 * MS);
	assert_int_equal(s.rtt_us, 80 * MS);
	tcp_receive_space_echo(&s, 1, 500 * MS);
	assert_int_equal(s.rtt_us, 80 * MS);
	tcp_receive_space_echo(&s, 2, 160 * MS);
	assert_int_equal(s.rtt_us, 90 * MS);
	tcp_receive_space_echo(&s, 3, 11000 * MS); /* it waited for something else, or is from the future */
	tcp_receive_space_echo(&s, 4, UINT32_MAX * 1000ull);
	assert_int_equal(s.rtt_us, 90 * MS);
	assert_int_equal(wanted(&s, 1, 0), 0);
	assert_int_equal(wanted(&s, 1 + 90 * MS - 1, 1000), 0);
	assert_int_not_equal(wanted(&s, 1 + 90 * MS, 1000), 0); /* it goes before the sender's estimate */
}

static void an_echo_faster_than_its_clock(void **state)
{
	struct tcp_receive_space s = { 0 };

	(void)state;
	tcp_receive_space_echo(&s, 1, 0);
	assert_int_equal(s.rtt_us, 1 * MS);
}

static void without_timestamps_a_window_takes_a_round_trip(void **state)
{
	struct tcp_receive_space s = { 0 };
	struct seq at = seq_of(UINT32_MAX - 1000);

	(void)state;
	tcp_receive_space_moved(&s, 5 * MS, at, seq_add(at, 3000));
	tcp_receive_space_moved(&s, 25 * MS, seq_add(at, 2999), seq_add(at, 5999));
	assert_int_equal(s.rtt_us, 0);
	tcp_receive_space_moved(&s, 55 * MS, seq_add(at, 3000), seq_add(at, 6000));
	assert_int_equal(s.rtt_us, 50 * MS);
	tcp_receive_space_moved(&s, 255 * MS, seq_add(at, 6000), seq_add(at, 9000)); /* slower: kept */
	assert_int_equal(s.rtt_us, 50 * MS);
	tcp_receive_space_moved(&s, 265 * MS, seq_add(at, 9000), seq_add(at, 12000));
	assert_int_equal(s.rtt_us, 10 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_what_is_taken_in_a_round_trip),
		cmocka_unit_test(more_while_the_rate_grows),
		cmocka_unit_test(a_pause_is_no_round_trip),
		cmocka_unit_test(nothing_while_the_round_trip_is_unknown),
		cmocka_unit_test(echoes_are_smoothed_and_each_counts_once),
		cmocka_unit_test(an_echo_faster_than_its_clock),
		cmocka_unit_test(without_timestamps_a_window_takes_a_round_trip),
	};

	return cmocka_run_group_tests_name("tcp/tcp_receive_space", tests, NULL, NULL);
}
