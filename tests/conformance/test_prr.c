/*
 * Proportional rate reduction (RFC 6937): what each acknowledgement of fast recovery lets out. Segments 0 to
 * 19 are in flight with a window of 20, so ssthresh becomes 10, as in the examples of section 3.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/flight.h"

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

enum { BASE = 10 }; /* the first ten fill the window to twenty */

/* Twenty segments in flight, numbered from BASE, and more to send. */
static void open_with_twenty(struct peer *p)
{
	flight_open(p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(p, 200);
	assert_int_equal(flight_drain(p), 10);
	peer_advance(p, FLIGHT_RTT_US);
	for (uint32_t n = 2; n <= BASE; n += 2)
		flight_ack(p, n);
	assert_int_equal(peer_info(p).cwnd, 20 * FLIGHT_MSS);
	flight_expect_all(p, BASE, BASE + 19);
	peer_advance(p, FLIGHT_RTT_US);
}

/* Takes what the last acknowledgement let out: N new, R a retransmission, - nothing. */
static const char *sent(struct peer *p, uint32_t *next_new)
{
	static char what[64];
	unsigned n = 0;

	while (peer_pending(p) > 0 && n < sizeof what - 1) {
		struct seg got = peer_any(p);
		bool is_new = got.seq == flight_seq(p, *next_new);
		assert_int_equal(got.len, FLIGHT_MSS);
		*next_new += is_new;
		what[n++] = is_new ? 'N' : 'R';
	}
	if (n == 0)
		what[n++] = '-';
	what[n] = '\0';
	return what;
}

/* For segment BASE + n arriving, of those that follow on `lost` lost ones. */
static void expect_sent(struct peer *p, uint32_t lost, const char *const *want, unsigned count)
{
	uint32_t next_new = BASE + 20;

	for (unsigned i = 0; i < count; i++) {
		const char *got;
		flight_sack(p, BASE, BASE + lost, BASE + lost + i + 1);
		got = sent(p, &next_new);
		if (strcmp(got, want[i]) != 0)
			fail_msg("at the ACK of segment %u: %s, not %s", lost + i, got, want[i]);
	}
}

static void sack_up_to(struct peer *p, uint32_t n, uint32_t left, uint32_t end)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = flight_seq(p, n), .n_sack = 1,
			   .sack = { { flight_seq(p, left), end } }));
}

/* The first example's row "PRR": every second ACK lets one out, until the pipe has come down to ssthresh, and
 * then each. The example counts segments and rounds up; counted are octets, and half a segment waits for its
 * other half, so that each goes one ACK later. */
static void rfc6937_3_1_one_loss_of_twenty(void **state)
{
	static const char *const one_loss[] = { "N", "N", "R", "-", "-", "N", "-", "N", "-", "N",
						"-", "N", "-", "N", "-", "N", "-", "-", "N" };
	struct peer p;

	(void)state;
	open_with_twenty(&p);
	expect_sent(&p, 1, one_loss, ARRAY_LENGTH(one_loss));
	assert_int_equal(peer_info(&p).ssthresh, 10 * FLIGHT_MSS);
	assert_int_equal(peer_info(&p).in_flight, 10 * FLIGHT_MSS);
	peer_fini(&p);
}

/* The second example's row "PRR-CRB": as much goes as arrives, while nothing says that all is well. */
static void rfc6937_3_1_fifteen_losses_of_twenty(void **state)
{
	static const char *const fifteen_losses[] = { "N", "N", "R", "R", "R" };
	struct peer p;

	(void)state;
	open_with_twenty(&p);
	expect_sent(&p, 15, fifteen_losses, 5);
	peer_fini(&p);
}

/* Its row "PRR-SSRB": one more for each ACK that makes progress and tells of no further loss
 * (RFC 9937 section 6's SafeACK). */
static void rfc6937_3_slow_start_while_recovery_makes_progress(void **state)
{
	static const char *const fifteen_losses[] = { "N", "N", "R", "R", "R" };
	struct peer p;
	uint32_t next_new = BASE + 22;

	(void)state;
	open_with_twenty(&p);
	expect_sent(&p, 15, fifteen_losses, 5);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, BASE, BASE + 15, BASE + 22); /* the two of limited transmit */
	assert_string_equal(sent(&p, &next_new), "RR");
	for (uint32_t n = 1; n <= 3; n++) {
		flight_sack(&p, BASE + n, BASE + 15, BASE + 22);
		assert_string_equal(sent(&p, &next_new), "RR");
	}
	peer_fini(&p);
}

static void rfc6937_3_a_further_loss_ends_the_slow_start(void **state)
{
	static const char *const fifteen_losses[] = { "N", "N", "R", "R", "R" };
	struct peer p;
	uint32_t next_new = BASE + 22;

	(void)state;
	open_with_twenty(&p);
	expect_sent(&p, 15, fifteen_losses, 5);
	peer_advance(&p, FLIGHT_RTT_US);
	/* Segment 1 was sent again and is lost again: 2, sent after it, is there. */
	flight_sack(&p, BASE, BASE + 15, BASE + 22);
	assert_string_equal(sent(&p, &next_new), "RR"); /* two arrived */
	flight_sack_two(&p, BASE + 1, BASE + 2, BASE + 3, BASE + 15, BASE + 22);
	assert_string_equal(sent(&p, &next_new), "RR"); /* two again: 0 and 2 */
	assert_int_equal(flight_counters(&p)->lost_retransmit, 1);
	peer_fini(&p);
}

/* The fast retransmission does not wait, whatever the reckoning says. */
static void rfc6937_3_the_first_retransmission_goes_at_once(void **state)
{
	struct peer p;
	uint32_t next_new = BASE + 20;

	(void)state;
	open_with_twenty(&p);
	flight_sack(&p, BASE, BASE + 1, BASE + 4);
	assert_int_equal(sent(&p, &next_new)[0], 'R');
	peer_fini(&p);
}

static void rfc6937_3_at_the_end_the_window_is_ssthresh_and_no_burst_goes(void **state)
{
	struct peer p;

	(void)state;
	for (uint32_t lost = 1; lost <= 15; lost += 7) {
		uint32_t end, sent_at_once;
		open_with_twenty(&p);
		for (uint32_t n = BASE + lost + 1; n <= BASE + 20; n++)
			flight_sack(&p, BASE, BASE + lost, n);
		flight_drain(&p);
		end = flight_conn(&p)->recover.n;
		for (unsigned i = 0; peer_info(&p).snd_una != end && i < 40; i++) {
			peer_advance(&p, FLIGHT_RTT_US / 4);
			assert_true(peer_info(&p).in_recovery);
			flight_drain(&p);
			if (i < lost) /* and all that is not lost has arrived by now */
				sack_up_to(&p, BASE + i + 1, BASE + lost, peer_info(&p).snd_nxt);
			else
				peer_ack(&p, end);
		}
		sent_at_once = flight_drain(&p);
		assert_false(peer_info(&p).in_recovery);
		assert_int_equal(peer_info(&p).cwnd, 10 * FLIGHT_MSS);
		assert_true(sent_at_once <= 10);
		assert_true(peer_info(&p).in_flight <= 10 * FLIGHT_MSS);
		assert_int_equal(flight_counters(&p)->sack_recovery, 1);
		assert_int_equal(flight_counters(&p)->timeouts, 0);
		peer_fini(&p);
	}
}

/* Nothing new may go in either, and all that is on the way is lost: the timer is the
 * last resort, and then it goes on. */
static void rfc6937_3_no_deadlock_when_all_that_is_on_the_way_is_lost(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p);
	flight_sack(&p, BASE, BASE + 16, BASE + 20);
	assert_int_equal(flight_drain(&p), 4);
	peer_advance(&p, 3 * FLIGHT_RTT_US);
	assert_true(flight_drain(&p) > 0);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	peer_fini(&p);
}

/* Limited transmit leaves the window as it is; only what is acknowledged cumulatively widens it. */
static void rfc3042_2_selective_acknowledgements_do_not_widen_the_window(void **state)
{
	struct peer p;

	(void)state;
	open_with_twenty(&p);
	flight_sack(&p, BASE, BASE + 1, BASE + 2);
	flight_sack(&p, BASE, BASE + 1, BASE + 3);
	assert_int_equal(peer_info(&p).cwnd, 20 * FLIGHT_MSS);
	flight_expect_all(&p, BASE + 20, BASE + 21);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6937_3_1_one_loss_of_twenty),
		cmocka_unit_test(rfc6937_3_1_fifteen_losses_of_twenty),
		cmocka_unit_test(rfc6937_3_slow_start_while_recovery_makes_progress),
		cmocka_unit_test(rfc6937_3_a_further_loss_ends_the_slow_start),
		cmocka_unit_test(rfc6937_3_the_first_retransmission_goes_at_once),
		cmocka_unit_test(rfc6937_3_at_the_end_the_window_is_ssthresh_and_no_burst_goes),
		cmocka_unit_test(rfc6937_3_no_deadlock_when_all_that_is_on_the_way_is_lost),
		cmocka_unit_test(rfc3042_2_selective_acknowledgements_do_not_widen_the_window),
	};

	return cmocka_run_group_tests_name("conformance: proportional rate reduction", tests, NULL, NULL);
}
