/*
 * Resets and challenge ACKs: when a reset is sent and what it looks like (RFC 9293 section 3.5.2), when one
 * is believed (section 3.5.3 and RFC 5961), in every state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull

static void simple_established(struct peer *p)
{
	peer_established(p, NULL);
}

/* The synchronised states that have a block, and what an exact reset tells the application in each. */
static const struct {
	void (*enter)(struct peer *p);
	enum tcp_state state;
	enum stream_end why;
} states[] = {
	{ simple_established, TCP_ESTABLISHED, STREAM_END_RESET },
	{ peer_fin_wait_1, TCP_FIN_WAIT_1, STREAM_END_RESET },
	{ peer_fin_wait_2, TCP_FIN_WAIT_2, STREAM_END_RESET },
	{ peer_close_wait, TCP_CLOSE_WAIT, STREAM_END_RESET },
	{ peer_closing, TCP_CLOSING, STREAM_END_NORMAL }, /* only the ACK of our FIN was missing */
	{ peer_last_ack, TCP_LAST_ACK, STREAM_END_NORMAL },
};
enum { STATES = sizeof states / sizeof states[0] };

/* ---- which resets are sent ---- */

static void rfc9293_3_5_2_reset_for_no_connection(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	/* Group 1: the sequence number from the ACK field, if there is one. */
	peer_inject(&p, SEG(.flags = A, .seq = 1000, .ack = 5000, .len = 10));
	peer_expect(&p, SEG(.flags = R, .seq = 5000));
	peer_inject(&p, SEG(.flags = F | A, .seq = 1000, .ack = 5001));
	peer_expect(&p, SEG(.flags = R, .seq = 5001));
	/* Else 0, and an ACK of all that the segment held. */
	peer_inject(&p, SEG(.flags = 0, .seq = 1000, .len = 10));
	got = peer_expect(&p, SEG(.flags = R | A, .ack = 1010));
	assert_int_equal(got.seq, 0);
	peer_inject(&p, SEG(.flags = S | F, .seq = 1000, .len = 10));
	got = peer_expect(&p, SEG(.flags = R | A, .ack = 1012));
	assert_int_equal(got.seq, 0);
	assert_int_equal(got.win, 0);
	assert_int_equal(tcp_counters(p.stack->tcp)->out_rsts, 4);
	peer_fini(&p);
}

static void rfc9293_3_5_2_no_reset_against_a_reset(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_inject(&p, SEG(.flags = R, .seq = 1000));
	peer_inject(&p, SEG(.flags = R | A, .seq = 1000, .ack = 5000));
	peer_inject(&p, SEG(.flags = R | S, .seq = 1000));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* Group 3: in a synchronised state an unacceptable segment is answered by an ACK, never by a reset. */
static void rfc9293_3_5_2_unacceptable_segment_is_answered_by_an_ack(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd + 100000, .ack = p.iss + 1, .len = 1));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		/* An ACK of what was never sent. */
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 100000));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), states[i].state);
		peer_fini(&p);
	}
}

/* ---- which resets are believed ---- */

static void rfc9293_rfc5961_2_reset_at_rcv_nxt_ends_the_connection_in_every_state(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		peer_inject(&p, SEG(.flags = R, .seq = p.snd));
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, states[i].why);
		peer_advance(&p, 100 * SECOND);
		peer_expect_nothing(&p);
		peer_fini(&p);
	}
}

static void rfc9293_rfc5961_3_reset_elsewhere_in_the_window_is_challenged(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		peer_inject(&p, SEG(.flags = R, .seq = p.snd + 1));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_inject(&p, SEG(.flags = R | A, .seq = p.snd + 5000, .ack = p.iss + 1));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), states[i].state);
		assert_int_equal(p.closed, 0);
		assert_int_equal(tcp_counters(p.stack->tcp)->challenge_acks, 2);
		peer_fini(&p);
	}
}

static void rfc9293_rfc5961_4_6_segment_is_dropped_after_the_challenge(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	/* Neither the ACK nor the text of such a segment counts. */
	peer_inject(&p, SEG(.flags = R | A, .seq = p.snd + 1, .ack = p.iss + 101, .data = "evil", .len = 4));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	peer_inject(&p, SEG(.flags = S | A, .seq = p.snd, .ack = p.iss + 101, .data = "evil", .len = 4));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	assert_int_equal(peer_info(&p).snd_una, p.iss + 1);
	assert_int_equal(p.received_len, 0);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_reset_outside_the_window_is_dropped_in_silence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		peer_inject(&p, SEG(.flags = R, .seq = p.snd - 1));
		peer_inject(&p, SEG(.flags = R, .seq = p.snd + 0x7fffffff));
		peer_inject(&p, SEG(.flags = R | A, .seq = p.snd - 100000, .ack = p.iss + 1));
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), states[i].state);
		peer_fini(&p);
	}
}

static void rfc9293_shld_2_reset_may_carry_text(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd, .data = "why", .len = 3));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_RESET);
	assert_int_equal(p.received_len, 0);
	peer_fini(&p);
}

static void rfc9293_rfc5961_5_syn_is_challenged_in_every_state_whatever_its_number(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		peer_inject(&p, SEG(.flags = S, .seq = p.snd, .mss = 1460)); /* in the window */
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_inject(&p, SEG(.flags = S, .seq = p.snd + 0x40000000, .mss = 1460)); /* far outside */
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_inject(&p, SEG(.flags = S, .seq = p.irs, .mss = 1460)); /* the first one again */
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_inject(&p, SEG(.flags = S | A, .seq = p.snd, .ack = p.iss + 1, .mss = 1460));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), states[i].state);
		assert_int_equal(p.closed, 0);
		peer_fini(&p);
	}
}

/* ---- the rate of challenge ACKs (RFC 5961 section 7) ---- */

static void rfc5961_7_challenge_acks_are_limited(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 30; i++)
			peer_inject(&p, SEG(.flags = R, .seq = p.snd + 1 + i));
		for (unsigned i = 0; i < 10; i++)
			peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		peer_expect_nothing(&p);
		peer_advance(&p, SECOND);
	}
	assert_int_equal(tcp_counters(p.stack->tcp)->challenge_acks, 20);
	peer_fini(&p);
}

static void rfc5961_7_the_limit_is_each_connections_own(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 30; i++)
		peer_inject(&p, SEG(.flags = R, .seq = p.snd + 1));
	for (unsigned i = 0; i < 10; i++)
		peer_any(&p);
	/* Another connection is challenged all the same: no shared counter tells an attacker of it
	 * (CVE-2016-5696). */
	p.port = 40001;
	peer_inject(&p, SEG(.flags = S, .seq = 2000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A, .seq = 2001, .ack = got.seq + 1));
	peer_inject(&p, SEG(.flags = R, .seq = 2002));
	peer_expect(&p, SEG(.flags = A, .ack = 2001));
	peer_fini(&p);
}

/* ---- what the application is told ---- */

static void rfc9293_must_12_close_and_abort_of_the_peer_differ(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_last_ack(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2));
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_NORMAL);
	peer_fini(&p);

	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd));
	assert_int_equal(p.ended, 0);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_fini(&p);
}

/* ---- resets of ours ---- */

static void rfc9293_shld_3_close_with_unread_text_resets(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.take = false;
	peer_established(&p, NULL);
	peer_send(&p, 100);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->abort_on_close, 1);
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

/* FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT. */
static void rfc9293_shld_3_close_with_unread_text_resets_half_closed_too(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct peer p;
		bool ours = i < 2, theirs = i == 2, acked = i == 1;
		peer_init(&p, NULL);
		p.take = false;
		peer_established(&p, NULL);
		peer_send(&p, 100);
		if (ours)
			stream_shutdown(p.stream);
		if (acked)
			peer_ack(&p, p.iss + 2);
		if (theirs)
			peer_inject(&p, SEG(.flags = F | A, .seq = p.snd++, .ack = p.iss + 1));
		peer_flush(&p);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		stream_close(p.stream);
		peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + (ours ? 2 : 1), .ack = p.snd));
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		peer_fini(&p);
	}
}

static void rfc9293_may_1_shld_3_text_after_close_resets(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2, .len = 10));
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 2));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->abort_on_data, 1);
	peer_fini(&p);

	peer_init(&p, NULL); /* in FIN-WAIT-2 and with the FIN */
	peer_established(&p, NULL);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A));
	peer_ack(&p, p.iss + 2);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_inject(&p, SEG(.flags = A | F, .seq = p.snd, .ack = p.iss + 2, .len = 10));
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 2));
	peer_fini(&p);
}

static void rfc9293_shld_3_held_text_that_comes_into_order_after_close_resets(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	/* Waits for what is missing. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = p.iss + 1, .len = 10));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2, .len = 10));
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_6_1_half_close_still_receives(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_2(&p); /* by stream_shutdown: that is no close */
	peer_send(&p, 100);
	peer_assert_received(&p, 100);
	peer_fini(&p);
}

/* RFC 9293 section 3.10.5: these five states are reset, the rest just goes. */
static void rfc9293_3_10_5_abort_in_every_state(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct peer p;
		peer_init(&p, NULL);
		states[i].enter(&p);
		stream_abort(p.stream);
		if (states[i].state != TCP_CLOSING && states[i].state != TCP_LAST_ACK) {
			struct seg got = peer_any(&p);
			assert_int_equal(got.flags & R, R);
			assert_int_equal(
				got.seq,
				p.iss + 1 + (states[i].state & (TCP_FIN_WAIT_1 | TCP_FIN_WAIT_2) ? 1 : 0));
			assert_int_equal(got.len, 0);
		}
		peer_expect_nothing(&p);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(p.closed, 0); /* who lets go hears no more */
		peer_fini(&p);
	}
}

static void rfc9293_3_10_5_abort_in_syn_received(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	stream_abort(p.stream);
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1, .ack = 7001));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_10_5_abort_throws_queued_text_away(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100000);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	stream_abort(p.stream);
	peer_expect(&p, SEG(.flags = R | A));
	peer_advance(&p, 100 * SECOND);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_5_2_reset_for_no_connection),
		cmocka_unit_test(rfc9293_3_5_2_no_reset_against_a_reset),
		cmocka_unit_test(rfc9293_3_5_2_unacceptable_segment_is_answered_by_an_ack),
		cmocka_unit_test(rfc9293_rfc5961_2_reset_at_rcv_nxt_ends_the_connection_in_every_state),
		cmocka_unit_test(rfc9293_rfc5961_3_reset_elsewhere_in_the_window_is_challenged),
		cmocka_unit_test(rfc9293_rfc5961_4_6_segment_is_dropped_after_the_challenge),
		cmocka_unit_test(rfc9293_3_10_7_4_reset_outside_the_window_is_dropped_in_silence),
		cmocka_unit_test(rfc9293_shld_2_reset_may_carry_text),
		cmocka_unit_test(rfc9293_rfc5961_5_syn_is_challenged_in_every_state_whatever_its_number),
		cmocka_unit_test(rfc5961_7_challenge_acks_are_limited),
		cmocka_unit_test(rfc5961_7_the_limit_is_each_connections_own),
		cmocka_unit_test(rfc9293_must_12_close_and_abort_of_the_peer_differ),
		cmocka_unit_test(rfc9293_shld_3_close_with_unread_text_resets),
		cmocka_unit_test(rfc9293_shld_3_close_with_unread_text_resets_half_closed_too),
		cmocka_unit_test(rfc9293_may_1_shld_3_text_after_close_resets),
		cmocka_unit_test(rfc9293_shld_3_held_text_that_comes_into_order_after_close_resets),
		cmocka_unit_test(rfc9293_3_6_1_half_close_still_receives),
		cmocka_unit_test(rfc9293_3_10_5_abort_in_every_state),
		cmocka_unit_test(rfc9293_3_10_5_abort_in_syn_received),
		cmocka_unit_test(rfc9293_3_10_5_abort_throws_queued_text_away),
	};

	return cmocka_run_group_tests_name("conformance: resets", tests, NULL, NULL);
}
