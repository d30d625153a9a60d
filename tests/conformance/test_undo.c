/*
 * Losses that were none, and what is taken back: F-RTO (RFC 5682), Eifel detection (RFC 3522) with RFC 4015's
 * response, D-SACK (RFC 3708); and that a loss that was one stays one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

enum { TS_MSS = 1448 };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

static const struct seg without_sack = { .mss = FLIGHT_MSS };

/* Ten segments in flight, more to send, and a delay on the path: the timer fires, the first goes again. */
static void time_out(struct peer *p, const struct seg *syn)
{
	flight_open(p, use_reno, FLIGHT_RTT_US, syn);
	flight_write(p, 40);
	flight_expect_all(p, 0, 9);
	while (flight_counters(p)->timeouts == 0)
		peer_advance(p, 1000);
	while (peer_pending(p) > 1)
		peer_any(p); /* with SACK a probe was before: segment 10 */
	flight_expect_all(p, 0, 0);
	assert_int_equal(peer_info(p).cwnd, FLIGHT_MSS);
	assert_int_equal(peer_info(p).ssthresh, 5 * FLIGHT_MSS);
}

static void assert_undone(struct peer *p)
{
	assert_int_equal(flight_counters(p)->spurious_rtos, 1);
	assert_true(peer_info(p).cwnd >= 10 * FLIGHT_MSS);
	assert_int_equal(peer_info(p).ssthresh, UINT32_MAX);
	assert_int_equal(peer_info(p).lost, 0);
	assert_false(peer_info(p).in_recovery);
}

/* ---- F-RTO without SACK ---- */

static void rfc5682_2_1_a_spurious_timeout_is_undone(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, &without_sack);
	flight_ack(&p, 1); /* the original's */
	flight_expect_all(&p, 10, 11); /* (2b): two new ones */
	flight_ack(&p, 2); /* (3b): of what was sent once */
	assert_undone(&p);
	assert_true(flight_drain(&p) > 0);
	for (uint32_t n = 3; n <= 12; n++)
		flight_ack(&p, n);
	assert_int_equal(peer_info(&p).retransmissions, 1); /* only the timeout's own */
	peer_fini(&p);
}

static void rfc5682_2_1_a_real_loss_is_repaired_in_slow_start(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, &without_sack);
	flight_ack(&p, 1);
	flight_expect_all(&p, 10, 11);
	flight_ack(&p, 1); /* (3a): 10 has arrived, 1 has not */
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	assert_int_equal(flight_counters(&p)->spurious_rtos, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * FLIGHT_MSS);
	assert_true(peer_info(&p).cwnd <= 3 * FLIGHT_MSS);
	peer_fini(&p);
}

static void rfc5682_2_1_a_duplicate_ack_first_is_a_real_loss(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, &without_sack);
	flight_ack(&p, 0); /* (2a) */
	flight_ack(&p, 1);
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	flight_ack(&p, 2);
	assert_int_equal(flight_counters(&p)->spurious_rtos, 0);
	peer_fini(&p);
}

/* However much the first acknowledgement covers. */
static void rfc5682_2_1_no_more_than_two_new_segments_ask(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, &without_sack);
	flight_ack(&p, 7);
	flight_expect_all(&p, 10, 11);
	peer_fini(&p);
}

static void rfc5682_2_1_with_nothing_new_to_send_the_old_goes(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, &without_sack);
	flight_write(&p, 10);
	flight_expect_all(&p, 0, 9);
	peer_advance(&p, 3 * FLIGHT_RTT_US);
	flight_expect_all(&p, 0, 0);
	flight_ack(&p, 1);
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	peer_fini(&p);
}

static void rfc5682_2_1_with_no_window_for_new_data_the_old_goes(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, &without_sack);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 1), .win = 9 * FLIGHT_MSS));
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	peer_fini(&p);
}

static void without_frto(struct stack_config *c)
{
	use_reno(c);
	c->tcp.frto = false;
}

static void rfc5682_2_it_can_be_turned_off(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, without_frto, FLIGHT_RTT_US, &without_sack);
	flight_write(&p, 40);
	flight_expect_all(&p, 0, 9);
	peer_advance(&p, 3 * FLIGHT_RTT_US);
	flight_expect_all(&p, 0, 0);
	flight_ack(&p, 1);
	flight_expect_all(&p, 1, 2);
	peer_fini(&p);
}

/* ---- F-RTO with SACK ---- */

static void rfc5682_3_1_a_spurious_timeout_is_undone_with_sack(void **state)
{
	struct peer p;
	uint32_t before;

	(void)state;
	time_out(&p, NULL); /* 10 went as a probe */
	before = peer_info(&p).retransmissions;
	flight_ack(&p, 1);
	flight_expect_all(&p, 11, 12);
	flight_ack(&p, 2);
	assert_undone(&p);
	flight_drain(&p);
	for (uint32_t n = 3; n <= 13; n++)
		flight_ack(&p, n);
	assert_int_equal(peer_info(&p).retransmissions, before);
	peer_fini(&p);
}

/* An original arrives out of order: it was sent once. */
static void rfc5682_3_1_a_sack_of_what_was_sent_once_is_enough(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, NULL);
	flight_sack(&p, 0, 3, 4);
	assert_undone(&p);
	peer_fini(&p);
}

static void rfc5682_3_1_a_real_loss_is_repaired_with_sack(void **state)
{
	struct peer p;

	(void)state;
	time_out(&p, NULL);
	flight_ack(&p, 1);
	flight_expect_all(&p, 11, 12);
	flight_sack(&p, 1, 11, 12); /* the new arrives, the old has not */
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	assert_int_equal(flight_counters(&p)->spurious_rtos, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * FLIGHT_MSS);
	peer_fini(&p);
}

/* Young segments are on the way, and the peer's window takes nothing new: what
 * is lost does not wait for them. */
static void rfc5682_3_1_with_no_window_for_new_data_the_old_goes(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 5);
	peer_advance(&p, 499000); /* a probe at 200 ms, the timeout at 500 ms */
	flight_drain(&p);
	flight_write(&p, 1);
	flight_drain(&p);
	peer_advance(&p, 1000);
	flight_expect_all(&p, 0, 0);
	flight_write(&p, 10);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 1), .win = 5 * FLIGHT_MSS));
	assert_int_equal(peer_info(&p).in_flight, 2 * FLIGHT_MSS);
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	peer_fini(&p);
}

/* ---- Eifel ---- */

static struct seg stamped_ack(const struct peer *p, uint32_t n, uint32_t ts_ecr)
{
	return (struct seg){ .flags = A,
			     .seq = p->snd,
			     .ack = p->iss + 1 + n * TS_MSS,
			     .has_ts = true,
			     .ts_val = 100,
			     .ts_ecr = ts_ecr };
}

/* Fast recovery began at three sacked segments; returns our timestamps of segment 0, sent first and again. */
static void recover_with_timestamps(struct peer *p, uint32_t *first, uint32_t *again)
{
	struct seg ack;

	flight_open(p, use_reno, FLIGHT_RTT_US,
		    SEG(.mss = FLIGHT_MSS, .sack_permitted = true, .has_ts = true, .ts_val = 99));
	peer_write(p, 10 * TS_MSS);
	*first = peer_any(p).ts_val;
	flight_drain(p);
	peer_advance(p, FLIGHT_RTT_US);
	ack = stamped_ack(p, 0, *first);
	ack.n_sack = 1;
	ack.sack[0].left = p->iss + 1 + TS_MSS;
	ack.sack[0].right = p->iss + 1 + 4 * TS_MSS;
	peer_inject(p, &ack);
	*again = peer_expect(p, SEG(.flags = A, .seq = p->iss + 1, .len = TS_MSS)).ts_val;
	flight_drain(p);
	assert_true(peer_info(p).in_recovery);
	assert_int_equal(*again - *first, FLIGHT_RTT_US / 1000);
	peer_advance(p, 10000);
}

static void rfc3522_3_2_the_original_was_acknowledged(void **state)
{
	struct peer p;
	uint32_t first, again;
	struct seg ack;

	(void)state;
	recover_with_timestamps(&p, &first, &again);
	ack = stamped_ack(&p, 4, first);
	peer_inject(&p, &ack);
	assert_int_equal(flight_counters(&p)->full_undo, 1);
	assert_false(peer_info(&p).in_recovery);
	assert_true(peer_info(&p).cwnd >= 10 * TS_MSS); /* RFC 4015 section 3.2 (5) */
	assert_int_equal(peer_info(&p).ssthresh, UINT32_MAX);
	peer_fini(&p);
}

static void rfc3522_3_2_the_retransmission_was_acknowledged(void **state)
{
	struct peer p;
	uint32_t first, again;
	struct seg ack;

	(void)state;
	recover_with_timestamps(&p, &first, &again);
	peer_advance(&p, FLIGHT_RTT_US);
	ack = stamped_ack(&p, 4, again);
	peer_inject(&p, &ack);
	assert_int_equal(flight_counters(&p)->full_undo, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * TS_MSS);
	peer_fini(&p);
}

/* Recovery is over and was for good reason. That a probe later repeats what
 * arrived anyhow tells nothing of it. */
static void rfc3522_3_2_a_needless_probe_later_undoes_nothing(void **state)
{
	struct peer p;
	uint32_t first, again, sent;
	struct seg ack;

	(void)state;
	recover_with_timestamps(&p, &first, &again);
	peer_advance(&p, FLIGHT_RTT_US);
	ack = stamped_ack(&p, 10, again);
	peer_inject(&p, &ack);
	assert_false(peer_info(&p).in_recovery);
	peer_write(&p, 2 * TS_MSS);
	sent = peer_any(&p).ts_val;
	peer_advance(&p, 3 * FLIGHT_RTT_US);
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	ack = stamped_ack(&p, 12, sent);
	peer_inject(&p, &ack);
	assert_int_equal(flight_counters(&p)->full_undo + flight_counters(&p)->spurious_rtos, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * TS_MSS);
	peer_fini(&p);
}

/* ---- D-SACK ---- */

/* Fast recovery: 0 and, with two, 1 are sent again. */
static void recover(struct peer *p, uint32_t lost)
{
	flight_open(p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(p, 10);
	flight_drain(p);
	peer_advance(p, FLIGHT_RTT_US);
	flight_sack(p, 0, lost, 10);
	assert_int_equal(flight_drain(p), lost);
	assert_true(peer_info(p).in_recovery);
	peer_advance(p, 10000);
}

static void rfc3708_2_all_retransmissions_were_duplicates(void **state)
{
	struct peer p;

	(void)state;
	recover(&p, 2);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).ssthresh, 5 * FLIGHT_MSS);
	flight_sack(&p, 10, 0, 1);
	assert_int_equal(flight_counters(&p)->dsack_undo, 0); /* one of two */
	flight_sack(&p, 10, 1, 2);
	assert_int_equal(flight_counters(&p)->dsack_undo, 1);
	assert_int_equal(peer_info(&p).cwnd, 10 * FLIGHT_MSS);
	assert_int_equal(peer_info(&p).ssthresh, UINT32_MAX);
	flight_sack(&p, 10, 1, 2); /* not twice */
	assert_int_equal(flight_counters(&p)->dsack_undo, 1);
	peer_fini(&p);
}

static void rfc3708_2_duplicates_of_other_segments_do_not_count(void **state)
{
	struct peer p;

	(void)state;
	recover(&p, 1);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	flight_write(&p, 2);
	peer_advance(&p, 3 * FLIGHT_RTT_US); /* a probe, for nothing */
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	flight_ack(&p, 12);
	flight_sack(&p, 12, 11, 12);
	assert_int_equal(flight_counters(&p)->dsack_recv, 1);
	assert_int_equal(flight_counters(&p)->dsack_undo, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * FLIGHT_MSS);
	peer_fini(&p);
}

/* More octets than were ever in flight: nothing is counted of it. */
static void rfc3708_2_a_backward_report_undoes_nothing(void **state)
{
	struct peer p;

	(void)state;
	recover(&p, 2);
	flight_ack(&p, 10);
	flight_sack(&p, 10, 1, 0);
	assert_int_equal(flight_counters(&p)->dsack_undo, 0);
	peer_fini(&p);
}

/* ---- after the undoing ---- */

static void rfc4015_3_what_is_taken_back_is_not_sent_again(void **state)
{
	struct peer p;
	uint32_t before;

	(void)state;
	time_out(&p, NULL);
	before = peer_info(&p).retransmissions;
	assert_true(peer_info(&p).lost > 0);
	flight_sack(&p, 0, 3, 4);
	assert_int_equal(peer_info(&p).retransmissions, before);
	flight_drain(&p);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).retransmissions, before);
	peer_fini(&p);
}

static void rfc5682_2_1_an_undone_syn_timeout_leaves_nothing(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	peer_syn_sent(&p);
	peer_advance(&p, 1100000);
	flight_drain(&p);
	p.snd = 7001;
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = FLIGHT_MSS,
			    .sack_permitted = true));
	flight_drain(&p);
	assert_false(flight_conn(&p)->busy->undo.armed);
	assert_int_equal(flight_conn(&p)->busy->undo.frto, FRTO_OFF);
	flight_write(&p, 12);
	flight_expect_all(&p, 0, 9);
	flight_sack(&p, 1, 0, 1);
	assert_int_equal(flight_counters(&p)->dsack_undo + flight_counters(&p)->spurious_rtos, 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5682_2_1_a_spurious_timeout_is_undone),
		cmocka_unit_test(rfc5682_2_1_a_real_loss_is_repaired_in_slow_start),
		cmocka_unit_test(rfc5682_2_1_a_duplicate_ack_first_is_a_real_loss),
		cmocka_unit_test(rfc5682_2_1_no_more_than_two_new_segments_ask),
		cmocka_unit_test(rfc5682_2_1_with_nothing_new_to_send_the_old_goes),
		cmocka_unit_test(rfc5682_2_1_with_no_window_for_new_data_the_old_goes),
		cmocka_unit_test(rfc5682_2_it_can_be_turned_off),
		cmocka_unit_test(rfc5682_3_1_a_spurious_timeout_is_undone_with_sack),
		cmocka_unit_test(rfc5682_3_1_a_sack_of_what_was_sent_once_is_enough),
		cmocka_unit_test(rfc5682_3_1_a_real_loss_is_repaired_with_sack),
		cmocka_unit_test(rfc5682_3_1_with_no_window_for_new_data_the_old_goes),
		cmocka_unit_test(rfc3522_3_2_the_original_was_acknowledged),
		cmocka_unit_test(rfc3522_3_2_the_retransmission_was_acknowledged),
		cmocka_unit_test(rfc3522_3_2_a_needless_probe_later_undoes_nothing),
		cmocka_unit_test(rfc3708_2_all_retransmissions_were_duplicates),
		cmocka_unit_test(rfc3708_2_duplicates_of_other_segments_do_not_count),
		cmocka_unit_test(rfc3708_2_a_backward_report_undoes_nothing),
		cmocka_unit_test(rfc4015_3_what_is_taken_back_is_not_sent_again),
		cmocka_unit_test(rfc5682_2_1_an_undone_syn_timeout_leaves_nothing),
	};

	return cmocka_run_group_tests_name("conformance: undoing losses that were none", tests, NULL, NULL);
}
