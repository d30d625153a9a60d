/* Buffers: a budget that holds, room that grows and is given back, a frame where the payload lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_buffer.h"

static unsigned kept;

static void release_keeper(struct span_owner *owner)
{
	(void)owner;
	kept++;
}

static void the_budget_counts_all_and_refuses_the_rest(void **state)
{
	struct ws_budget budget = { .limit = 4096 };
	struct ws_buffer *a = ws_buffer_new(&budget, 1000), *b = ws_buffer_new(&budget, 2000);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_true(budget.in_use >= 3000);
	assert_null(ws_buffer_new(&budget, 2000));
	assert_int_equal(budget.refused, 1);
	b->len = 2000;
	assert_false(ws_buffer_grow(&b, 1, 10000));
	assert_int_equal(b->room, 2000);
	ws_buffer_give(a);
	assert_true(ws_buffer_grow(&b, 1, 2500));
	assert_int_equal(b->room, 2500); /* what it may need at most, and not twice what it had */
	ws_buffer_give(b);
	ws_buffer_give(NULL);
	assert_int_equal(budget.in_use, 0);
}

static void spare_room_is_given_back(void **state)
{
	struct ws_budget budget = { .limit = 1 << 20 };
	struct ws_buffer *b = ws_buffer_new(&budget, 10000);

	(void)state;
	memcpy(b->data, "hello", 5);
	b->len = 5;
	ws_buffer_fit(&b);
	assert_int_equal(b->room, 5);
	assert_true(budget.in_use < 1000);
	assert_memory_equal(b->data, "hello", 5);
	ws_buffer_give(b);
	assert_int_equal(budget.in_use, 0);
}

static void the_header_stands_before_the_payload(void **state)
{
	static const size_t lengths[] = { 0, 5, 125, 126, 65535, 65536 };
	struct ws_budget budget = { .limit = 1 << 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		struct ws_buffer *b = ws_buffer_new(&budget, lengths[i]);
		struct span frame;

		b->len = lengths[i];
		frame = ws_buffer_frame(b, WS_FIN | WS_TEXT);
		assert_int_equal(frame.len, ws_header_emit_size(lengths[i]) + lengths[i]);
		assert_ptr_equal(frame.data + frame.len, b->data + lengths[i]);
		assert_int_equal(frame.data[0], WS_FIN | WS_TEXT);
		assert_ptr_equal(frame.owner, &b->owner);
		ws_buffer_give(b);
	}
}

static void each_buffer_keeps_what_holds_the_budget(void **state)
{
	struct span_owner keeper;
	struct ws_budget budget = { .limit = 4096, .keeper = &keeper };
	struct ws_buffer *b;

	(void)state;
	kept = 0;
	span_owner_init(&keeper, release_keeper);
	b = ws_buffer_new(&budget, 10);
	span_owner_unref(&keeper);
	assert_int_equal(kept, 0);
	ws_buffer_give(b);
	assert_int_equal(kept, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_budget_counts_all_and_refuses_the_rest),
		cmocka_unit_test(spare_room_is_given_back),
		cmocka_unit_test(the_header_stands_before_the_payload),
		cmocka_unit_test(each_buffer_keeps_what_holds_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
