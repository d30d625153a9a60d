/* HyStart++: the phases of RFC 9406 section 4.2, one round trip after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/tcp_cc.h"
#include "tcp/tcp_hystart.h"

enum { MSS = 1000, SAMPLES = 8, MS = 1000 };

struct flow {
	struct tcp_hystart hystart;
	struct seq una, nxt;
};

/* The sequence numbers wrap in the third round trip. */
static struct flow flow(void)
{
	struct flow f = { .una = seq_of(0u - 20 * MSS), .nxt = seq_of(0u - 10 * MSS) };

	tcp_hystart_init(&f.hystart);
	return f;
}

static enum tcp_hystart_phase ack(struct flow *f, uint32_t rtt_us)
{
	f->una = seq_add(f->una, MSS);
	f->nxt = seq_add(f->nxt, MSS);
	return tcp_hystart_on_ack(
		&f->hystart,
		&(struct tcp_cc_event){
			.mss = MSS, .acked = MSS, .rtt_us = rtt_us, .snd_una = f->una, .snd_nxt = f->nxt });
}

/* A round trip is ten segments and as many samples; the phase after its end. */
static enum tcp_hystart_phase round_trip(struct flow *f, uint32_t rtt_us)
{
	enum tcp_hystart_phase phase = TCP_HYSTART_SLOW_START;

	for (unsigned i = 0; i < 10; i++)
		phase = ack(f, rtt_us);
	return phase;
}

/* The first ACK finds the round trip beginning with it: nine more segments are in it. */
static struct flow flow_after_a_round_trip(uint32_t rtt_us)
{
	struct flow f = flow();

	assert_int_equal(ack(&f, rtt_us), TCP_HYSTART_SLOW_START);
	assert_int_equal(round_trip(&f, rtt_us), TCP_HYSTART_SLOW_START);
	return f;
}

static void a_steady_rtt_stays_in_slow_start(void **state)
{
	struct flow f = flow();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(round_trip(&f, 50 * MS), TCP_HYSTART_SLOW_START);
}

/* An eighth of the RTT, but 4 ms at least and 16 ms at most. */
static void the_threshold_is_an_eighth_within_limits(void **state)
{
	static const struct {
		uint32_t rtt_us, threshold_us;
	} cases[] = { { 100, 4 * MS },
		      { 32 * MS, 4 * MS },
		      { 80 * MS, 10 * MS },
		      { 128 * MS, 16 * MS },
		      { 600 * MS, 16 * MS } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct flow below = flow_after_a_round_trip(cases[i].rtt_us);
		struct flow at = flow_after_a_round_trip(cases[i].rtt_us);
		assert_int_equal(round_trip(&below, cases[i].rtt_us + cases[i].threshold_us - 1),
				 TCP_HYSTART_SLOW_START);
		assert_int_equal(round_trip(&at, cases[i].rtt_us + cases[i].threshold_us), TCP_HYSTART_CSS);
	}
}

static void eight_samples_are_needed(void **state)
{
	struct flow f = flow_after_a_round_trip(50 * MS);

	(void)state;
	for (unsigned i = 1; i < SAMPLES; i++)
		assert_int_equal(ack(&f, 80 * MS), TCP_HYSTART_SLOW_START);
	assert_int_equal(ack(&f, 0), TCP_HYSTART_SLOW_START); /* none: Karn */
	assert_int_equal(ack(&f, 80 * MS), TCP_HYSTART_CSS);
}

/* The shortest RTT counts: a few late ones are no rise. */
static void jitter_within_a_round_is_ignored(void **state)
{
	struct flow f = flow_after_a_round_trip(50 * MS);

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(ack(&f, i % 4 == 0 ? 51 * MS : 90 * MS), TCP_HYSTART_SLOW_START);
}

static void css_ends_after_five_rounds(void **state)
{
	struct flow f = flow_after_a_round_trip(50 * MS);

	(void)state;
	for (unsigned i = 1; i < 5; i++) /* the one in which it begins counts */
		assert_int_equal(round_trip(&f, 80 * MS), TCP_HYSTART_CSS);
	assert_int_equal(round_trip(&f, 80 * MS), TCP_HYSTART_OVER);
	assert_int_equal(round_trip(&f, 50 * MS), TCP_HYSTART_OVER);
}

static void css_returns_to_slow_start_when_the_rtt_falls(void **state)
{
	struct flow f = flow_after_a_round_trip(50 * MS);

	(void)state;
	assert_int_equal(round_trip(&f, 80 * MS), TCP_HYSTART_CSS);
	assert_int_equal(round_trip(&f, 80 * MS), TCP_HYSTART_CSS); /* not lower than the baseline */
	assert_int_equal(round_trip(&f, 79 * MS), TCP_HYSTART_SLOW_START);
	/* Compared with the last round trip again, and the five rounds begin anew. */
	assert_int_equal(round_trip(&f, 100 * MS), TCP_HYSTART_CSS);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(round_trip(&f, 100 * MS), TCP_HYSTART_CSS);
	assert_int_equal(round_trip(&f, 100 * MS), TCP_HYSTART_OVER);
}

static void without_samples_nothing_happens(void **state)
{
	struct flow f = flow();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(round_trip(&f, 0), TCP_HYSTART_SLOW_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_rtt_stays_in_slow_start),
		cmocka_unit_test(the_threshold_is_an_eighth_within_limits),
		cmocka_unit_test(eight_samples_are_needed),
		cmocka_unit_test(jitter_within_a_round_is_ignored),
		cmocka_unit_test(css_ends_after_five_rounds),
		cmocka_unit_test(css_returns_to_slow_start_when_the_rtt_falls),
		cmocka_unit_test(without_samples_nothing_happens),
	};

	return cmocka_run_group_tests_name("tcp/hystart", tests, NULL, NULL);
}
