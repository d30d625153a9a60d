/*
 * Acknowledgements: when they are sent (RFC 9293 sections 3.8.6.3 and 3.10.7.4, RFC 5681 section 4.2), and
 * which ones that arrive are believed (RFC 5961 section 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull

static void text(struct peer *p, uint32_t from, uint32_t len)
{
	peer_inject(p, SEG(.flags = A, .seq = p->irs + 1 + from, .ack = p->iss + 1, .len = len));
}

/* Without letting the stack answer. */
static void held_text(struct peer *p, uint32_t from, uint32_t len)
{
	peer_inject_held(p, SEG(.flags = A, .seq = p->irs + 1 + from, .ack = p->iss + 1, .len = len));
}

static void expect_ack(struct peer *p, uint32_t bytes)
{
	peer_expect(p, SEG(.flags = A, .seq = p->iss + 1, .ack = p->irs + 1 + bytes));
}

/* ---- when ---- */

static void rfc9293_shld_18_ack_of_one_segment_is_delayed(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	start = p.now_us;
	text(&p, 0, 100);
	peer_expect_nothing(&p);
	peer_advance(&p, SECOND);
	expect_ack(&p, 100);
	peer_expect_nothing(&p);
	assert_in_range(peer_sent_at(&p) - start, 40000, 41000);
	assert_int_equal(tcp_counters(p.stack->tcp)->delayed_ack_sent, 1);
	peer_fini(&p);
}

static void rfc9293_must_40_ack_is_delayed_by_less_than_half_a_second(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (uint32_t i = 0; i < 8; i++) {
		uint64_t start = p.now_us;
		text(&p, i, 1);
		peer_advance(&p, 499999);
		expect_ack(&p, i + 1);
		assert_true(peer_sent_at(&p) - start < 500000);
	}
	peer_fini(&p);
}

static void rfc9293_must_40_the_delay_counts_from_the_first_segment(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	start = p.now_us;
	for (uint32_t i = 0; i < 20; i++) { /* every 5 ms a small one */
		text(&p, i, 1);
		peer_advance(&p, 5000);
		if (peer_pending(&p) > 0)
			break;
	}
	peer_any(&p);
	assert_true(peer_sent_at(&p) - start < 41000);
	peer_fini(&p);
}

static void rfc9293_shld_19_every_second_full_segment_is_acknowledged_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (uint32_t i = 0; i < 10; i += 2) {
		text(&p, i * 1460, 1460);
		peer_expect_nothing(&p);
		text(&p, (i + 1) * 1460, 1460);
		expect_ack(&p, (i + 2) * 1460);
		peer_expect_nothing(&p);
	}
	peer_advance(&p, SECOND);
	peer_expect_nothing(&p); /* no delayed one is left over */
	peer_fini(&p);
}

static void rfc9293_shld_19_small_segments_count_by_their_octets(void **state)
{
	struct peer p;
	unsigned acks = 0;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	text(&p, 0, 1460); /* the peer's full size */
	text(&p, 1460, 1460);
	peer_any(&p);
	for (uint32_t i = 0; i < 40; i++) {
		text(&p, 2920 + i * 146, 146);
		while (peer_pending(&p) > 0) {
			peer_any(&p);
			acks++;
		}
	}
	assert_int_equal(acks, 2); /* 5840 octets are four full segments */
	peer_fini(&p);
}

static void rfc9293_must_58_ack_rides_on_text(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	text(&p, 0, 100);
	peer_write(&p, 50);
	peer_expect(&p, SEG(.flags = A | P, .ack = p.irs + 101, .len = 50));
	peer_advance(&p, 100000);
	peer_expect_nothing(&p); /* the delayed one is not needed any more */
	peer_fini(&p);
}

static size_t answer(struct stream *s, struct bytes data)
{
	static const uint8_t response[5840];
	struct span span = { response, sizeof response, NULL };

	assert_int_equal(stream_send(s, &span, 1, 0), 0);
	return data.len;
}

static void ignore_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static const struct stream_handler server = { .on_receive = answer, .on_closed = ignore_closed };

static void rfc9293_must_58_no_ack_beside_a_response_of_any_size(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.handler = &server;
	peer_established(&p, NULL);
	text(&p, 0, 1460);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(peer_any(&p).len, 1460);
	peer_expect_nothing(&p);
	/* Two segments, which are owed an ACK at once; the answer to both is eight segments. */
	peer_inject_held(&p, SEG(.flags = A, .seq = p.irs + 1461, .ack = p.iss + 5841, .len = 1460));
	peer_inject(&p, SEG(.flags = A, .seq = p.irs + 2921, .ack = p.iss + 5841, .len = 1460));
	for (unsigned i = 0; i < 8; i++)
		peer_expect(&p, SEG(.flags = i == 7 ? A | P : A, .ack = p.irs + 4381, .len = 1460));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_must_59_a_batch_is_processed_before_it_is_acknowledged(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (uint32_t i = 0; i < 10; i++)
		held_text(&p, i * 1000, 1000);
	peer_flush(&p);
	expect_ack(&p, 10000);
	peer_expect_nothing(&p); /* one ACK for ten segments */
	assert_int_equal(tcp_counters(p.stack->tcp)->pure_acks, 1);
	peer_fini(&p);
}

static void rfc9293_must_59_fin_and_text_of_a_batch_share_an_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	held_text(&p, 0, 1000);
	held_text(&p, 1000, 1000);
	peer_inject_held(&p, SEG(.flags = A | F, .seq = p.irs + 2001, .ack = p.iss + 1));
	peer_flush(&p);
	expect_ack(&p, 2001);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_fin_is_acknowledged_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A | F, .seq = p.snd, .ack = p.iss + 1));
	expect_ack(&p, 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_an_empty_ack_is_not_acknowledged(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 5; i++)
		peer_ack(&p, p.iss + 1);
	peer_advance(&p, SECOND);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* RFC 5681 section 4.2 makes a SHOULD of it. */
static void rfc9293_may_13_every_segment_out_of_order_is_acknowledged(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (uint32_t i = 1; i <= 4; i++)
		held_text(&p, i * 1000, 1000);
	peer_flush(&p);
	for (unsigned i = 0; i < 4; i++) /* the peer's fast retransmit counts them */
		expect_ack(&p, 0);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc5681_4_2_a_segment_that_fills_a_hole_is_acknowledged_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	text(&p, 200, 100);
	expect_ack(&p, 0);
	text(&p, 0, 50); /* a part of it */
	expect_ack(&p, 50);
	text(&p, 50, 150);
	expect_ack(&p, 300);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_text_that_came_twice_is_acknowledged_at_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	text(&p, 0, 100);
	peer_advance(&p, SECOND);
	expect_ack(&p, 100);
	for (unsigned i = 0; i < 30; i++) { /* every time: the peer's retransmissions must come to an end */
		text(&p, 0, 100);
		expect_ack(&p, 100);
	}
	peer_fini(&p);
}

/* ---- which are believed ---- */

static void rfc9293_3_10_7_4_an_ack_moves_snd_una(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	peer_any(&p);
	peer_ack(&p, p.iss + 401);
	assert_int_equal(peer_info(&p).snd_una, p.iss + 401);
	assert_int_equal(peer_info(&p).in_flight, 600);
	peer_ack(&p, p.iss + 301); /* an older one changes nothing */
	assert_int_equal(peer_info(&p).snd_una, p.iss + 401);
	peer_ack(&p, p.iss + 1001);
	assert_int_equal(peer_info(&p).in_flight, 0);
	peer_fini(&p);
}

static void rfc9293_rfc5961_7_8_may_12_ack_of_what_was_not_sent_is_answered_and_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	peer_any(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1002, .data = "evil", .len = 4));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1001, .ack = p.snd));
	assert_int_equal(peer_info(&p).snd_una, p.iss + 1);
	assert_int_equal(p.received_len, 0);
	assert_int_equal(peer_drops(&p, DROP_TCP_BAD_ACK), 1);
	peer_fini(&p);
}

static void rfc9293_rfc5961_7_8_may_12_ack_older_than_the_largest_window_is_answered_and_dropped(void **state)
{
	struct peer p;
	uint32_t una;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .win = 2000)); /* max.snd.wnd = 2000 */
	for (unsigned i = 0; i < 3; i++) {
		peer_write(&p, 1000);
		peer_any(&p);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = peer_info(&p).snd_nxt, .win = 2000));
	}
	una = p.iss + 3001;
	assert_int_equal(peer_info(&p).snd_una, una);
	/* At the limit it is an old ACK, and the text with it counts. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = una - 2000, .data = "a", .len = 1, .win = 2000));
	assert_int_equal(p.received_len, 1);
	/* Beyond it, it is somebody's guess. */
	peer_inject(&p,
		    SEG(.flags = A, .seq = p.snd + 1, .ack = una - 2001, .data = "b", .len = 1, .win = 2000));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 1));
	assert_int_equal(p.received_len, 1);
	assert_int_equal(peer_drops(&p, DROP_TCP_OLD_ACK), 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_segment_without_ack_is_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = 0, .seq = p.snd, .data = "x", .len = 1));
	peer_inject(&p, SEG(.flags = F, .seq = p.snd));
	peer_advance(&p, SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(p.received_len, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(peer_drops(&p, DROP_TCP_NO_ACK), 2);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_old_segments_do_not_update_the_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	peer_any(&p);
	/* A new ACK with a small window, then an old segment, delayed on its way, with a large one. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = p.iss + 1001, .win = 500));
	assert_int_equal(peer_info(&p).snd_wnd, 500);
	/* Seg.seq < snd.wl1. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1001, .win = 60000, .len = 5));
	assert_int_equal(peer_info(&p).snd_wnd, 500);
	/* Seg.ack < snd.wl2. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = p.iss + 501, .win = 60000));
	assert_int_equal(peer_info(&p).snd_wnd, 500);
	/* The same again with a new window: an update. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = p.iss + 1001, .win = 700));
	assert_int_equal(peer_info(&p).snd_wnd, 700);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_shld_18_ack_of_one_segment_is_delayed),
		cmocka_unit_test(rfc9293_must_40_ack_is_delayed_by_less_than_half_a_second),
		cmocka_unit_test(rfc9293_must_40_the_delay_counts_from_the_first_segment),
		cmocka_unit_test(rfc9293_shld_19_every_second_full_segment_is_acknowledged_at_once),
		cmocka_unit_test(rfc9293_shld_19_small_segments_count_by_their_octets),
		cmocka_unit_test(rfc9293_must_58_ack_rides_on_text),
		cmocka_unit_test(rfc9293_must_58_no_ack_beside_a_response_of_any_size),
		cmocka_unit_test(rfc9293_must_59_a_batch_is_processed_before_it_is_acknowledged),
		cmocka_unit_test(rfc9293_must_59_fin_and_text_of_a_batch_share_an_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_fin_is_acknowledged_at_once),
		cmocka_unit_test(rfc9293_3_10_7_4_an_empty_ack_is_not_acknowledged),
		cmocka_unit_test(rfc9293_may_13_every_segment_out_of_order_is_acknowledged),
		cmocka_unit_test(rfc5681_4_2_a_segment_that_fills_a_hole_is_acknowledged_at_once),
		cmocka_unit_test(rfc9293_3_10_7_4_text_that_came_twice_is_acknowledged_at_once),
		cmocka_unit_test(rfc9293_3_10_7_4_an_ack_moves_snd_una),
		cmocka_unit_test(rfc9293_rfc5961_7_8_may_12_ack_of_what_was_not_sent_is_answered_and_dropped),
		cmocka_unit_test(
			rfc9293_rfc5961_7_8_may_12_ack_older_than_the_largest_window_is_answered_and_dropped),
		cmocka_unit_test(rfc9293_3_10_7_4_segment_without_ack_is_dropped),
		cmocka_unit_test(rfc9293_3_10_7_4_old_segments_do_not_update_the_window),
	};

	return cmocka_run_group_tests_name("conformance: acknowledgements", tests, NULL, NULL);
}
