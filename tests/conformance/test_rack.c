/*
 * RACK-TLP (RFC 8985): losses told by time, the reordering window, tail loss probes. The path takes 100 ms,
 * so that the reordering window is 25 ms, the RTO 300 ms, and a probe is due after 200 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/trace.h"
#include "common/flight.h"

#define MS 1000ull
enum { REO_WND_US = FLIGHT_RTT_US / 4 };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

/* n segments in flight since a round trip ago. */
static void open_with(struct peer *p, uint32_t n)
{
	flight_open(p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(p, n);
	flight_expect_all(p, 0, n - 1);
	peer_advance(p, FLIGHT_RTT_US);
}

/* ---- loss ---- */

static void rfc8985_6_2_loss_is_told_by_time(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 1, 2);
	peer_advance(&p, REO_WND_US - 1);
	peer_expect_nothing(&p);
	peer_advance(&p, 1);
	flight_expect_all(&p, 0, 0);
	assert_int_equal(flight_counters(&p)->sack_recovery, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * FLIGHT_MSS);
	peer_fini(&p);
}

static void rfc8985_6_2_only_what_was_sent_before_something_delivered(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 3, 6); /* 0 to 2 are lost, 6 to 9 may come yet */
	assert_int_equal(peer_info(&p).lost + flight_drain(&p) * FLIGHT_MSS, 3 * FLIGHT_MSS);
	assert_int_equal(peer_info(&p).sacked, 3 * FLIGHT_MSS);
	peer_fini(&p);
}

static void rfc8985_6_2_three_sacked_segments_need_no_more_proof(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 1, 2);
	flight_sack(&p, 0, 1, 3);
	peer_expect_nothing(&p);
	flight_sack(&p, 0, 1, 4);
	flight_expect_all(&p, 0, 0);
	peer_fini(&p);
}

/* Segment 0 comes late, but in time. */
static void reorder(struct peer *p)
{
	open_with(p, 2);
	flight_sack(p, 0, 1, 2);
	peer_advance(p, 10 * MS);
	flight_ack(p, 2);
	assert_true(peer_info(p).reordering_seen);
	assert_int_equal(flight_counters(p)->sack_reorder, 1);
	assert_int_equal(flight_counters(p)->retrans_segs, 0);
}

static void rfc8985_6_2_where_reordering_was_seen_it_waits(void **state)
{
	struct peer p;
	uint64_t at;

	(void)state;
	reorder(&p);
	flight_write(&p, 6);
	at = p.now_us;
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 2, 3, 8); /* five sacked, and no hurry */
	peer_expect_nothing(&p);
	peer_advance(&p, 50 * MS);
	flight_expect_all(&p, 2, 2);
	assert_int_equal(peer_sent_at(&p) - at, FLIGHT_RTT_US + REO_WND_US);
	peer_fini(&p);
}

/* The ACKs between were lost, or the peer took a batch: one speaks for all. */
static void rfc8985_6_2_what_one_ack_tells_is_no_reordering(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 2, 5, 6);
	assert_false(peer_info(&p).reordering_seen);
	peer_fini(&p);

	open_with(&p, 10);
	flight_sack_two(&p, 0, 7, 8, 5, 6);
	assert_false(peer_info(&p).reordering_seen);
	flight_sack_two(&p, 0, 4, 6, 7, 8); /* now 4 came behind 7 */
	assert_true(peer_info(&p).reordering_seen);
	peer_fini(&p);
}

/* What observers are told of episodes: the notes, with the window before and after. */
struct told {
	struct observer observer;
	unsigned n;
	char note[4][64];
	uint64_t before[4], after[4];
};

static void hear(void *context, const struct trace_event *e)
{
	struct told *t = context;

	assert_true(t->n < 4);
	snprintf(t->note[t->n], sizeof t->note[0], "%s", e->note);
	t->before[t->n] = e->old_value;
	t->after[t->n++] = e->new_value;
}

static void rfc8985_6_2_observers_are_told_when_recovery_begins_and_ends(void **state)
{
	struct told t = { .observer = { .kinds = TRACE_TCP_RECOVERY, .on_event = hear, .context = &t } };
	struct peer p;

	(void)state;
	open_with(&p, 10);
	stack_observe(p.stack, &t.observer);
	flight_sack(&p, 0, 1, 4);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.note[0], "loss: RACK");
	assert_int_equal(t.before[0], 10 * FLIGHT_MSS);
	assert_int_equal(t.after[0], 5 * FLIGHT_MSS);
	flight_expect_all(&p, 0, 0);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.note[1], "recovered");
	assert_int_equal(t.after[1], 5 * FLIGHT_MSS);
	stack_unobserve(p.stack, &t.observer);
	peer_fini(&p);
}

static void rfc8985_6_2_a_retransmission_that_comes_is_no_reordering(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 1, 4);
	flight_expect_all(&p, 0, 0);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 4);
	assert_false(peer_info(&p).reordering_seen);
	peer_fini(&p);
}

static void rfc8985_6_2_a_lost_retransmission_is_found(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 1, 4);
	flight_expect_all(&p, 0, 0);
	flight_write(&p, 10);
	flight_sack(&p, 0, 1, 10); /* as these come, new ones go, sent after the retransmission */
	assert_true(flight_drain(&p) > 0);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 1, 11);
	flight_expect(&p, 0);
	assert_int_equal(flight_counters(&p)->lost_retransmit, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_fini(&p);
}

/* The first transmission's ACK, just after the second went: RACK.rtt and
 * RACK.xmit_ts are not taken from it. */
static void rfc8985_6_2_an_ack_within_the_minimum_round_trip_answers_the_original(void **state)
{
	struct peer p;
	uint64_t before;

	(void)state;
	open_with(&p, 10);
	flight_sack(&p, 0, 1, 4);
	flight_expect_all(&p, 0, 0);
	before = flight_conn(&p)->busy->rack.sent_us;
	peer_advance(&p, 5 * MS);
	flight_ack(&p, 4);
	assert_int_equal(flight_conn(&p)->busy->rack.sent_us, before);
	assert_int_equal(flight_conn(&p)->busy->rack.rtt_us, FLIGHT_RTT_US);
	peer_expect_nothing(&p); /* or 4 to 9 would count as lost */
	peer_fini(&p);
}

/* The timer is the first segment's, and begins anew when that goes again: else it would fire just when the
 * acknowledgement comes. */
static void rfc6298_5_1_a_fast_retransmission_has_a_whole_rto(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	for (uint32_t n = 1; n <= 10; n++)
		flight_ack(&p, n);
	assert_int_equal(peer_info(&p).rto_us, 200 * MS);
	flight_write(&p, 10);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 10, 11, 14);
	flight_expect_all(&p, 10, 10);
	peer_advance(&p, 200 * MS - 1);
	peer_expect_nothing(&p);
	peer_advance(&p, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	peer_fini(&p);
}

/* ---- the window adapts ---- */

/* All arrives, and the last a second time. */
static void report_duplicate(struct peer *p, uint32_t n)
{
	flight_sack(p, n, n - 1, n);
}

static void rfc8985_6_2_a_duplicate_report_widens_the_window(void **state)
{
	struct peer p;
	uint64_t at;

	(void)state;
	open_with(&p, 4);
	report_duplicate(&p, 4);
	flight_write(&p, 4);
	at = p.now_us;
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 4, 5, 6);
	peer_advance(&p, 60 * MS);
	flight_expect_all(&p, 4, 4);
	assert_int_equal(peer_sent_at(&p) - at, FLIGHT_RTT_US + 2 * REO_WND_US);
	peer_fini(&p);
}

static void rfc8985_6_2_it_widens_once_a_round_trip_and_up_to_srtt(void **state)
{
	struct peer p;
	uint64_t at;

	(void)state;
	open_with(&p, 4);
	flight_sack_two(&p, 2, 0, 1, 3, 4);
	flight_sack_two(&p, 2, 0, 1, 3, 4);
	assert_int_equal(flight_conn(&p)->busy->rack.reo_wnd_mult, 2);
	flight_ack(&p, 4);
	for (uint32_t n = 5; n < 15; n++) {
		flight_write(&p, 1);
		peer_advance(&p, FLIGHT_RTT_US);
		report_duplicate(&p, n);
		assert_int_equal(flight_conn(&p)->busy->rack.reo_wnd_mult, n - 2);
	}
	flight_drain(&p);
	flight_write(&p, 2);
	at = p.now_us;
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 14, 15, 16);
	peer_advance(&p, 150 * MS);
	flight_expect(&p, 14);
	assert_in_range(peer_sent_at(&p) - at, 2 * FLIGHT_RTT_US - 1000, 2 * FLIGHT_RTT_US);
	peer_fini(&p);
}

static void rfc8985_6_2_it_falls_back_after_sixteen_recoveries(void **state)
{
	struct peer p;
	uint32_t at = 4;

	(void)state;
	open_with(&p, 4);
	report_duplicate(&p, 4);
	for (unsigned i = 0; i < 16; i++, at += 2) {
		assert_int_equal(flight_conn(&p)->busy->rack.reo_wnd_mult, 2);
		flight_write(&p, 2);
		peer_advance(&p, FLIGHT_RTT_US);
		flight_sack(&p, at, at + 1, at + 2);
		peer_advance(&p, 2 * REO_WND_US);
		flight_ack(&p, at + 2);
		assert_int_equal(flight_counters(&p)->sack_recovery, i + 1);
	}
	assert_int_equal(flight_conn(&p)->busy->rack.reo_wnd_mult, 1);
	peer_fini(&p);
}

/* ---- the retransmission timer ---- */

static void rfc8985_6_3_a_timeout_marks_the_first_and_what_is_old(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 5);
	peer_advance(&p, 499 * MS); /* a probe at 200 ms, the timeout at 500 ms */
	assert_int_equal(flight_drain(&p), 6);
	flight_write(&p, 1);
	flight_expect_all(&p, 5, 5);
	peer_advance(&p, 1 * MS);
	flight_expect_all(&p, 0, 0);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	assert_int_equal(peer_info(&p).lost, 4 * FLIGHT_MSS);
	assert_int_equal(peer_info(&p).in_flight, 2 * FLIGHT_MSS); /* 0 again, and 5, which is young */
	peer_fini(&p);
}

/* All but the first is young, and lost all the same: found when the first is acknowledged, or by the next
 * timeout. */
static void rfc8985_6_3_what_was_young_is_lost_later(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 1);
	peer_advance(&p, 599 * MS); /* a probe at 300 ms, the timeout at 600 ms */
	flight_drain(&p);
	flight_write(&p, 4);
	flight_expect_all(&p, 1, 4);
	peer_advance(&p, 1 * MS);
	flight_expect_all(&p, 0, 0);
	assert_int_equal(peer_info(&p).lost, 0);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 1);
	peer_advance(&p, 5 * 1000 * MS);
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	peer_fini(&p);
}

/* ---- tail loss probes ---- */

static void rfc8985_7_2_a_probe_goes_after_two_round_trips(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 3);
	flight_expect_all(&p, 0, 2);
	peer_advance(&p, 2 * FLIGHT_RTT_US - 1);
	peer_expect_nothing(&p);
	peer_advance(&p, 1);
	flight_expect_all(&p, 2, 2); /* the last (7.3) */
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	assert_int_equal(peer_info(&p).cwnd, 10 * FLIGHT_MSS);
	/* Its SACK shows what is missing, and recovery begins without a timeout. */
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 2, 3);
	flight_expect_all(&p, 0, 0);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 1);
	flight_expect_all(&p, 1, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_fini(&p);
}

static void rto_of_a_second(struct stack_config *c)
{
	use_reno(c);
	c->tcp.min_rto_us = 1000000;
}

static void rfc8985_7_2_a_single_segment_may_wait_for_a_delayed_ack(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, rto_of_a_second, FLIGHT_RTT_US, NULL);
	flight_write(&p, 1);
	flight_expect_all(&p, 0, 0);
	peer_advance(&p, 2 * FLIGHT_RTT_US + 200 * MS - 1);
	peer_expect_nothing(&p);
	peer_advance(&p, 1);
	flight_expect_all(&p, 0, 0);
	peer_fini(&p);
}

static void rfc8985_7_2_a_probe_is_not_behind_the_timeout_but_instead_of_it(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 1); /* 400 ms would be due, the RTO is 300 ms */
	flight_expect_all(&p, 0, 0);
	peer_advance(&p, 300 * MS);
	flight_expect_all(&p, 0, 0);
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_advance(&p, 300 * MS - 1); /* 7.3: the RTO counts from there */
	peer_expect_nothing(&p);
	peer_advance(&p, 1);
	flight_expect_all(&p, 0, 0);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	peer_fini(&p);
}

static void rfc8985_7_3_new_data_is_the_better_probe(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 12);
	flight_expect_all(&p, 0, 9);
	peer_advance(&p, 2 * FLIGHT_RTT_US);
	flight_expect_all(&p, 10, 10); /* whatever the congestion window says */
	assert_int_equal(peer_info(&p).retransmissions, 0);
	peer_fini(&p);
}

static void rfc8985_7_3_a_probe_keeps_to_the_peers_window(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .win = 3 * FLIGHT_MSS));
	flight_write(&p, 5);
	flight_expect_all(&p, 0, 2);
	peer_advance(&p, 2 * FLIGHT_RTT_US);
	flight_expect_all(&p, 2, 2);
	peer_fini(&p);
}

static void with_gso(struct stack_config *c)
{
	use_reno(c);
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static void rfc8985_7_3_of_a_super_segment_the_last_part_goes(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, with_gso, FLIGHT_RTT_US, NULL);
	flight_write(&p, 5);
	flight_drain(&p);
	peer_advance(&p, 2 * FLIGHT_RTT_US);
	flight_expect_all(&p, 4, 4);
	peer_fini(&p);
}

static void rfc8985_7_3_one_probe_at_a_time(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 3);
	peer_advance(&p, 2 * FLIGHT_RTT_US);
	assert_int_equal(flight_drain(&p), 4);
	peer_advance(&p, 299 * MS);
	peer_expect_nothing(&p);
	peer_advance(&p, 1 * MS); /* now the timeout */
	flight_expect_all(&p, 0, 0);
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	peer_fini(&p);
}

/* Else probe after probe would keep the retransmission timer from backing off. */
static void rfc8985_7_3_no_probe_without_a_sample_since_the_last(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 1);
	peer_advance(&p, 300 * MS);
	assert_int_equal(flight_drain(&p), 2);
	flight_ack(&p, 1);
	report_duplicate(&p, 1); /* both came: the probe is answered, without a sample (Karn) */
	flight_write(&p, 1);
	peer_advance(&p, 300 * MS);
	flight_expect(&p, 1);
	flight_expect_all(&p, 1, 1);
	assert_int_equal(flight_counters(&p)->loss_probes, 1);
	assert_int_equal(flight_counters(&p)->timeouts, 1);
	peer_fini(&p);
}

static void no_probe(struct peer *p)
{
	flight_drain(p);
	peer_advance(p, 2 * FLIGHT_RTT_US + 1);
	assert_int_equal(flight_counters(p)->loss_probes, 0);
	peer_fini(p);
}

static void rfc8985_7_2_no_probe_in_these_cases(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, SEG(.mss = FLIGHT_MSS)); /* without SACK */
	flight_write(&p, 3);
	no_probe(&p);

	open_with(&p, 10); /* in recovery */
	flight_sack(&p, 0, 1, 4);
	no_probe(&p);

	open_with(&p, 3); /* something is sacked: RACK's timer is at work, though it is later */
	peer_advance(&p, FLIGHT_RTT_US - 10 * MS);
	flight_sack(&p, 0, 1, 2);
	no_probe(&p);

	open_with(&p, 3); /* the window is closed: that has its own probes */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 1), .zero_win = true));
	no_probe(&p);

	open_with(&p, 3); /* all is acknowledged */
	flight_ack(&p, 3);
	no_probe(&p);
}

/* The tail was lost and the probe repaired it: nobody else could tell that there was congestion. */
static void rfc8985_7_4_2_a_loss_that_the_probe_repaired_reduces_the_window(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 8);
	flight_ack(&p, 7);
	peer_advance(&p, 300 * MS);
	flight_expect_all(&p, 7, 7);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 8);
	assert_int_equal(flight_counters(&p)->loss_probe_recovery, 0);
	flight_write(&p, 8);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	assert_int_equal(flight_counters(&p)->loss_probe_recovery, 1);
	assert_int_equal(peer_info(&p).cwnd, 4 * FLIGHT_MSS);
	assert_false(peer_info(&p).in_recovery);
	peer_fini(&p);
}

/* Both arrived: the peer says so by D-SACK, or by an ACK that says nothing new. */
static void rfc8985_7_4_2_a_needless_probe_costs_nothing(void **state)
{
	(void)state;
	for (unsigned d_sack = 0; d_sack < 2; d_sack++) {
		struct peer p;
		uint32_t before;
		open_with(&p, 8);
		flight_ack(&p, 7);
		peer_advance(&p, 300 * MS);
		flight_expect_all(&p, 7, 7);
		flight_ack(&p, 8);
		before = peer_info(&p).cwnd;
		if (d_sack)
			report_duplicate(&p, 8);
		else
			flight_ack(&p, 8);
		flight_write(&p, 8);
		peer_advance(&p, FLIGHT_RTT_US);
		flight_ack(&p, 16);
		assert_int_equal(flight_counters(&p)->loss_probe_recovery, 0);
		assert_true(peer_info(&p).cwnd >= before);
		peer_fini(&p);
	}
}

static void rfc8985_7_4_2_a_probe_of_new_data_costs_nothing(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 12);
	peer_advance(&p, 2 * FLIGHT_RTT_US);
	flight_ack(&p, 11);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 12);
	assert_int_equal(flight_counters(&p)->loss_probe_recovery, 0);
	assert_true(peer_info(&p).cwnd >= 10 * FLIGHT_MSS);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8985_6_2_loss_is_told_by_time),
		cmocka_unit_test(rfc8985_6_2_only_what_was_sent_before_something_delivered),
		cmocka_unit_test(rfc8985_6_2_three_sacked_segments_need_no_more_proof),
		cmocka_unit_test(rfc8985_6_2_where_reordering_was_seen_it_waits),
		cmocka_unit_test(rfc8985_6_2_what_one_ack_tells_is_no_reordering),
		cmocka_unit_test(rfc8985_6_2_observers_are_told_when_recovery_begins_and_ends),
		cmocka_unit_test(rfc8985_6_2_a_retransmission_that_comes_is_no_reordering),
		cmocka_unit_test(rfc8985_6_2_a_lost_retransmission_is_found),
		cmocka_unit_test(rfc8985_6_2_an_ack_within_the_minimum_round_trip_answers_the_original),
		cmocka_unit_test(rfc6298_5_1_a_fast_retransmission_has_a_whole_rto),
		cmocka_unit_test(rfc8985_6_2_a_duplicate_report_widens_the_window),
		cmocka_unit_test(rfc8985_6_2_it_widens_once_a_round_trip_and_up_to_srtt),
		cmocka_unit_test(rfc8985_6_2_it_falls_back_after_sixteen_recoveries),
		cmocka_unit_test(rfc8985_6_3_a_timeout_marks_the_first_and_what_is_old),
		cmocka_unit_test(rfc8985_6_3_what_was_young_is_lost_later),
		cmocka_unit_test(rfc8985_7_2_a_probe_goes_after_two_round_trips),
		cmocka_unit_test(rfc8985_7_2_a_single_segment_may_wait_for_a_delayed_ack),
		cmocka_unit_test(rfc8985_7_2_a_probe_is_not_behind_the_timeout_but_instead_of_it),
		cmocka_unit_test(rfc8985_7_3_new_data_is_the_better_probe),
		cmocka_unit_test(rfc8985_7_3_a_probe_keeps_to_the_peers_window),
		cmocka_unit_test(rfc8985_7_3_of_a_super_segment_the_last_part_goes),
		cmocka_unit_test(rfc8985_7_3_one_probe_at_a_time),
		cmocka_unit_test(rfc8985_7_3_no_probe_without_a_sample_since_the_last),
		cmocka_unit_test(rfc8985_7_2_no_probe_in_these_cases),
		cmocka_unit_test(rfc8985_7_4_2_a_loss_that_the_probe_repaired_reduces_the_window),
		cmocka_unit_test(rfc8985_7_4_2_a_needless_probe_costs_nothing),
		cmocka_unit_test(rfc8985_7_4_2_a_probe_of_new_data_costs_nothing),
	};

	return cmocka_run_group_tests_name("conformance: RACK-TLP", tests, NULL, NULL);
}
