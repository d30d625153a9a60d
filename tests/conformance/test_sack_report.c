/*
 * Selective acknowledgements that we send: text held out of order (RFC 2018 section 4), duplicates (RFC 2883
 * section 4), and how many of them a batch is owed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
#define WITH_SACK SEG(.mss = 1460, .sack_permitted = true)
#define WITH_SACK_AND_TIMESTAMPS SEG(.mss = 1460, .sack_permitted = true, .has_ts = true, .ts_val = 1)

static void held_text(struct peer *p, uint32_t from, uint32_t len, uint8_t flags)
{
	bool ts = peer_info(p).timestamps;
	peer_inject_held(p, SEG(.flags = A | flags, .seq = p->irs + 1 + from, .ack = p->iss + 1, .len = len,
				.has_ts = ts, .ts_val = 2));
}

static void text(struct peer *p, uint32_t from, uint32_t len)
{
	held_text(p, from, len, 0);
	peer_flush(p);
}

struct blocks {
	unsigned n;
	uint32_t at[4][2]; /* from the first octet of text */
};
#define BLOCKS(...) ((struct blocks){ __VA_ARGS__ })

static void assert_blocks(const struct peer *p, const struct seg *got, struct blocks want)
{
	assert_int_equal(got->n_sack, want.n);
	for (unsigned i = 0; i < want.n; i++) {
		assert_int_equal(got->sack[i].left - (p->irs + 1), want.at[i][0]);
		assert_int_equal(got->sack[i].right - (p->irs + 1), want.at[i][1]);
	}
}

static void expect(struct peer *p, uint32_t bytes, struct blocks want)
{
	struct seg got = peer_expect(p, SEG(.flags = A, .ack = p->irs + 1 + bytes));

	assert_int_equal(got.len, 0);
	assert_blocks(p, &got, want);
}

static const struct tcp_counters *counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

/* ---- RFC 2018 ---- */

static void rfc2018_4_the_first_block_is_the_segments_own_range(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.irs = UINT32_MAX - 350; /* the numbers wrap among the blocks */
	peer_established(&p, WITH_SACK);
	text(&p, 100, 100);
	expect(&p, 0, BLOCKS(1, { { 100, 200 } }));
	text(&p, 300, 100);
	expect(&p, 0, BLOCKS(2, { { 300, 400 }, { 100, 200 } }));
	text(&p, 200, 50);
	expect(&p, 0, BLOCKS(2, { { 100, 250 }, { 300, 400 } }));
	text(&p, 250, 50); /* joins the two: the whole of it */
	expect(&p, 0, BLOCKS(1, { { 100, 400 } }));
	text(&p, 0, 100);
	expect(&p, 400, BLOCKS(0));
	assert_int_equal(p.received_len, 400);
	peer_fini(&p);
}

static void rfc2018_4_then_those_most_recently_reported(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	for (uint32_t i = 1; i <= 6; i++) {
		text(&p, i * 200, 100);
		if (i < 6)
			peer_any(&p);
	}
	expect(&p, 0, BLOCKS(4, { { 1200, 1300 }, { 1000, 1100 }, { 800, 900 }, { 600, 700 } }));
	text(&p, 300, 10);
	expect(&p, 0, BLOCKS(4, { { 200, 310 }, { 1200, 1300 }, { 1000, 1100 }, { 800, 900 } }));
	peer_fini(&p);
}

static void rfc2018_3_three_blocks_beside_timestamps(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK_AND_TIMESTAMPS);
	for (uint32_t i = 1; i <= 4; i++) {
		text(&p, i * 200, 100);
		if (i < 4)
			peer_any(&p);
	}
	expect(&p, 0, BLOCKS(3, { { 800, 900 }, { 600, 700 }, { 400, 500 } }));
	peer_fini(&p);
}

static void rfc2018_4_every_ack_while_something_is_held(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 1000, 100);
	peer_any(&p);
	text(&p, 0, 500); /* moves rcv.nxt, fills no hole */
	expect(&p, 500, BLOCKS(1, { { 1000, 1100 } }));
	peer_inject(&p, SEG(.flags = A | S, .seq = p.irs + 501, .ack = p.iss + 1)); /* a challenge ACK */
	expect(&p, 500, BLOCKS(1, { { 1000, 1100 } }));
	peer_write(&p, 300); /* text of ours */
	got = peer_expect(&p, SEG(.flags = A | P, .len = 300));
	assert_blocks(&p, &got, BLOCKS(1, { { 1000, 1100 } }));
	peer_fini(&p);
}

static void rfc2018_2_none_unless_both_sides_permit_it(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	text(&p, 100, 100);
	expect(&p, 0, BLOCKS(0));
	text(&p, 0, 50);
	expect(&p, 50, BLOCKS(0));
	text(&p, 0, 50); /* nor duplicates */
	expect(&p, 50, BLOCKS(0));
	assert_int_equal(counters(&p)->dsack_old_sent, 0);
	peer_fini(&p);
}

static void rfc9293_must_16_full_segments_leave_no_room_for_blocks(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	held_text(&p, 100, 100, 0);
	peer_write(&p, 2 * 1460);
	for (unsigned i = 0; i < 2; i++) {
		got = peer_expect(&p, SEG(.flags = i == 0 ? A : A | P, .len = 1460));
		assert_int_equal(got.n_sack, 0);
	}
	expect(&p, 0, BLOCKS(1, { { 100, 200 } })); /* it goes by itself */
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 1 + 2 * 1460);
	held_text(&p, 300, 100, 0);
	peer_write(&p, 1450); /* 10 octets are left: none fits */
	got = peer_expect(&p, SEG(.flags = A | P, .len = 1450));
	assert_int_equal(got.n_sack, 0);
	peer_any(&p);
	peer_ack(&p, p.iss + 1 + 2 * 1460 + 1450);
	held_text(&p, 500, 100, 0);
	peer_write(&p, 1448); /* 12: one */
	got = peer_expect(&p, SEG(.flags = A | P, .len = 1448));
	assert_blocks(&p, &got, BLOCKS(1, { { 500, 600 } }));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc2018_4_a_held_fin_is_reported_with_its_text(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	held_text(&p, 100, 100, F);
	peer_flush(&p);
	expect(&p, 0, BLOCKS(1, { { 100, 201 } }));
	text(&p, 0, 100);
	expect(&p, 201, BLOCKS(0));
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

/* RFC 2018 section 8 allows it; we never do. */
static void rfc2018_8_what_was_reported_is_kept(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 100, 1000);
	expect(&p, 0, BLOCKS(1, { { 100, 1100 } }));
	for (uint32_t i = 0; i < 2 * TCP_REORDER_RANGES; i++) { /* more than the limit takes */
		text(&p, 1200 + 2 * i, 1);
		peer_any(&p);
	}
	assert_true(peer_drops(&p, DROP_TCP_OUT_OF_ORDER_LIMIT) > 0);
	text(&p, 0, 100);
	assert_int_equal(p.received_len, 1100);
	peer_fini(&p);
}

/* ---- a batch ---- */

static void rfc9293_must_59_a_batch_with_a_hole_is_owed_one_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	for (uint32_t i = 1; i <= 30; i++)
		held_text(&p, i * 1000, 1000, 0);
	peer_flush(&p);
	expect(&p, 0, BLOCKS(1, { { 1000, 31000 } }));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc2018_4_more_when_one_has_no_room_for_all_that_is_new(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	for (uint32_t i = 1; i <= 6; i++)
		held_text(&p, i * 200, 100, 0);
	peer_flush(&p);
	expect(&p, 0, BLOCKS(4, { { 800, 900 }, { 600, 700 }, { 400, 500 }, { 200, 300 } }));
	expect(&p, 0, BLOCKS(4, { { 1200, 1300 }, { 1000, 1100 }, { 800, 900 }, { 600, 700 } }));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* ---- RFC 2883 ---- */

static void rfc2883_4_1_a_full_duplicate_is_the_first_block_once(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.irs = UINT32_MAX - 150;
	peer_established(&p, WITH_SACK);
	text(&p, 0, 200);
	peer_advance(&p, SECOND);
	peer_any(&p);
	text(&p, 50, 100);
	expect(&p, 200, BLOCKS(1, { { 50, 150 } }));
	text(&p, 300, 100);
	expect(&p, 200, BLOCKS(1, { { 300, 400 } })); /* not again */
	text(&p, 0, 100);
	expect(&p, 200, BLOCKS(2, { { 0, 100 }, { 300, 400 } }));
	text(&p, 0, 100); /* a second time is a second duplicate */
	expect(&p, 200, BLOCKS(2, { { 0, 100 }, { 300, 400 } }));
	assert_int_equal(counters(&p)->dsack_old_sent, 3);
	assert_int_equal(counters(&p)->dsack_ofo_sent, 0);
	peer_fini(&p);
}

static void rfc2883_4_1_a_duplicate_out_of_order_is_followed_by_its_range(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 100, 300);
	peer_any(&p);
	text(&p, 500, 100);
	peer_any(&p);
	text(&p, 200, 100);
	expect(&p, 0, BLOCKS(3, { { 200, 300 }, { 100, 400 }, { 500, 600 } }));
	assert_int_equal(counters(&p)->dsack_ofo_sent, 1);
	assert_int_equal(peer_drops(&p, DROP_TCP_DUPLICATE), 1);
	peer_fini(&p);
}

static void rfc2883_4_2_partial_duplicates(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 0, 100);
	peer_advance(&p, SECOND);
	peer_any(&p);
	text(&p, 50, 100); /* half of it below rcv.nxt */
	peer_advance(&p, SECOND);
	expect(&p, 150, BLOCKS(1, { { 50, 100 } }));
	text(&p, 200, 100);
	expect(&p, 150, BLOCKS(1, { { 200, 300 } }));
	text(&p, 250, 100); /* half of it held */
	expect(&p, 150, BLOCKS(2, { { 250, 300 }, { 200, 350 } }));
	text(&p, 150, 100); /* fills the hole, and covers half of what was held */
	expect(&p, 350, BLOCKS(1, { { 200, 250 } }));
	assert_int_equal(counters(&p)->ooo_merged, 1);
	assert_int_equal(p.received_len, 350);
	peer_fini(&p);
}

/* "If there are two ... only the first is reported" (section 4.2.2). */
static void rfc2883_4_2_2_of_several_in_a_segment_the_first(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 100, 100);
	peer_any(&p);
	text(&p, 300, 100);
	peer_any(&p);
	text(&p, 50, 450);
	expect(&p, 0, BLOCKS(2, { { 100, 200 }, { 50, 500 } }));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc2883_4_duplicates_of_a_batch(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	text(&p, 0, 1000);
	text(&p, 1000, 1000);
	peer_any(&p);
	held_text(&p, 100, 100, 0);
	held_text(&p, 200, 100, 0); /* goes on where the last ended: one sequence */
	held_text(&p, 500, 100, 0);
	peer_flush(&p);
	expect(&p, 2000, BLOCKS(1, { { 100, 300 } }));
	expect(&p, 2000, BLOCKS(1, { { 500, 600 } }));
	peer_expect_nothing(&p);
	for (unsigned i = 0; i < 3 * TCP_DUPLICATES; i++)
		held_text(&p, i * 100, 50, 0);
	peer_flush(&p);
	for (unsigned i = 0; i < TCP_DUPLICATES; i++)
		expect(&p, 2000, BLOCKS(1, { { i * 100, i * 100 + 50 } }));
	peer_expect_nothing(&p); /* no more than so many */
	peer_fini(&p);
}

static void rfc2883_4_far_below_the_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, WITH_SACK);
	peer_inject(&p, SEG(.flags = A, .seq = p.irs + 1 - 100000, .ack = p.iss + 1, .len = 10));
	expect(&p, 0, BLOCKS(1, { { (uint32_t)-100000, (uint32_t)-99990 } }));
	/* Beyond the window it is no duplicate. */
	peer_inject(&p, SEG(.flags = A, .seq = p.irs + 1 + 10000000, .ack = p.iss + 1, .len = 10));
	expect(&p, 0, BLOCKS(0));
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2018_4_the_first_block_is_the_segments_own_range),
		cmocka_unit_test(rfc2018_4_then_those_most_recently_reported),
		cmocka_unit_test(rfc2018_3_three_blocks_beside_timestamps),
		cmocka_unit_test(rfc2018_4_every_ack_while_something_is_held),
		cmocka_unit_test(rfc2018_2_none_unless_both_sides_permit_it),
		cmocka_unit_test(rfc9293_must_16_full_segments_leave_no_room_for_blocks),
		cmocka_unit_test(rfc2018_4_a_held_fin_is_reported_with_its_text),
		cmocka_unit_test(rfc2018_8_what_was_reported_is_kept),
		cmocka_unit_test(rfc9293_must_59_a_batch_with_a_hole_is_owed_one_ack),
		cmocka_unit_test(rfc2018_4_more_when_one_has_no_room_for_all_that_is_new),
		cmocka_unit_test(rfc2883_4_1_a_full_duplicate_is_the_first_block_once),
		cmocka_unit_test(rfc2883_4_1_a_duplicate_out_of_order_is_followed_by_its_range),
		cmocka_unit_test(rfc2883_4_2_partial_duplicates),
		cmocka_unit_test(rfc2883_4_2_2_of_several_in_a_segment_the_first),
		cmocka_unit_test(rfc2883_4_duplicates_of_a_batch),
		cmocka_unit_test(rfc2883_4_far_below_the_window),
	};

	return cmocka_run_group_tests_name("conformance: selective acknowledgements sent", tests, NULL, NULL);
}
