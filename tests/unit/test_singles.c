/* Single frames out of what devices hand over; the cutting itself is in test_gso.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/ladder_frame.h"
#include "link/singles.h"

enum { HEADS = 14 + 20 + 20, TEXT = 300, MSS = 100 };

static uint32_t make(uint8_t out[static LADDER_FRAME_MAX])
{
	static const char text[TEXT];
	const struct ladder_frame f = { .src = 1, .dst = 2, .flags = 0x10, .text = text, .len = TEXT };

	return (uint32_t)ladder_frame_make(&f, out);
}

static void a_whole_frame_is_one(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX], out[LADDER_FRAME_MAX];
	struct rx_frame f = { .data = frame, .len = make(frame) };
	struct singles s;

	(void)state;
	assert_true(singles_begin(&s, &f, f.len));
	assert_int_equal(singles_next(&s, out), f.len);
	assert_memory_equal(out, frame, f.len);
	assert_int_equal(singles_next(&s, out), 0);
}

static void a_checksum_is_finished(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX], out[LADDER_FRAME_MAX];
	struct rx_frame f = { .data = frame, .len = make(frame), .flags = RX_CHECKSUM_PARTIAL,
			      .checksum_start = 34, .checksum_offset = 16 };
	struct singles s;

	(void)state;
	assert_true(singles_begin(&s, &f, f.len));
	assert_int_equal(singles_next(&s, out), f.len);
	assert_int_equal(checksum_finish(checksum_add(0, out + 34, f.len - 34)), 0);
	assert_int_not_equal(checksum_finish(checksum_add(0, frame + 34, f.len - 34)), 0);
}

static void a_super_frame_is_cut(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX], out[HEADS + MSS];
	struct rx_frame f = { .data = frame, .len = make(frame), .gso = GSO_TCP4, .gso_size = MSS };
	struct singles s;

	(void)state;
	assert_true(singles_begin(&s, &f, sizeof out));
	for (int i = 0; i < TEXT / MSS; i++)
		assert_int_equal(singles_next(&s, out), HEADS + MSS);
	assert_int_equal(singles_next(&s, out), 0);
}

static void what_cannot_be_had_in_pieces(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	struct rx_frame f = { .data = frame, .len = make(frame) };
	struct singles s;

	(void)state;
	assert_false(singles_begin(&s, &f, f.len - 1));
	f.flags = RX_TRUNCATED;
	assert_false(singles_begin(&s, &f, f.len));
	f = (struct rx_frame){ .data = frame, .len = f.len, .gso = GSO_TCP4, .gso_size = MSS };
	assert_false(singles_begin(&s, &f, HEADS + MSS - 1));
	f.gso = GSO_TCP6;
	assert_false(singles_begin(&s, &f, f.len));
}

static void a_frame_to_be_sent(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX], flat[LADDER_FRAME_MAX];
	uint32_t len = make(frame);
	struct tx_frame tx;
	struct rx_frame f;

	(void)state;
	tx_begin(&tx);
	tx_add_payload(&tx, frame + HEADS, TEXT);
	memcpy(tx_push(&tx, HEADS), frame, HEADS);
	f = singles_of_tx(&tx, flat);
	assert_int_equal(f.len, len);
	assert_memory_equal(f.data, frame, len);
	assert_int_equal(f.flags, 0);
	tx.gso = GSO_TCP4;
	tx.gso_size = MSS;
	tx.flags = TX_CHECKSUM_PARTIAL;
	tx.checksum_start = 34;
	tx.checksum_offset = 16;
	f = singles_of_tx(&tx, flat);
	assert_int_equal(f.gso, GSO_TCP4);
	assert_int_equal(f.gso_size, MSS);
	assert_int_equal(f.flags, RX_CHECKSUM_PARTIAL);
	assert_int_equal(f.checksum_start, 34);
	assert_int_equal(f.checksum_offset, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_frame_is_one),
		cmocka_unit_test(a_checksum_is_finished),
		cmocka_unit_test(a_super_frame_is_cut),
		cmocka_unit_test(what_cannot_be_had_in_pieces),
		cmocka_unit_test(a_frame_to_be_sent),
	};

	return cmocka_run_group_tests_name("singles", tests, NULL, NULL);
}
