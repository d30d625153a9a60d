/* Byte order and checked spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void numbers_are_kept_in_network_order_at_any_alignment(void **state)
{
	uint8_t buffer[16];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		memset(buffer, 0xee, sizeof buffer);
		store_be16(buffer + at, 0x1234);
		assert_int_equal(buffer[at], 0x12);
		assert_int_equal(buffer[at + 1], 0x34);
		assert_int_equal(buffer[at + 2], 0xee);
		assert_int_equal(load_be16(buffer + at), 0x1234);
		store_be32(buffer + at, 0x89abcdef);
		assert_int_equal(buffer[at], 0x89);
		assert_int_equal(buffer[at + 3], 0xef);
		assert_int_equal(buffer[at + 4], 0xee);
		assert_int_equal(load_be32(buffer + at), 0x89abcdef);
	}
}

static void take_cuts_off_the_head(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5 };
	struct bytes b = bytes_of(data, sizeof data), head;

	(void)state;
	assert_true(bytes_take(&b, 2, &head));
	assert_ptr_equal(head.data, data);
	assert_int_equal(head.len, 2);
	assert_ptr_equal(b.data, data + 2);
	assert_int_equal(b.len, 3);
	assert_true(bytes_take(&b, 0, &head));
	assert_int_equal(head.len, 0);
	assert_true(bytes_take(&b, 3, &head));
	assert_int_equal(b.len, 0);
	assert_true(bytes_take(&b, 0, &head));
}

static void take_of_more_than_there_is_changes_nothing(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct bytes b = bytes_of(data, sizeof data), head = bytes_of(data, 1);

	(void)state;
	assert_false(bytes_take(&b, 4, &head));
	assert_false(bytes_take(&b, SIZE_MAX, &head));
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.len, 3);
	assert_ptr_equal(head.data, data);
	assert_int_equal(head.len, 1);
}

static void skip_stops_at_the_end(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct bytes b = bytes_of(data, sizeof data);

	(void)state;
	bytes_skip(&b, 2);
	assert_int_equal(b.len, 1);
	bytes_skip(&b, SIZE_MAX);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(b.data, data + 3);
}

static void numbers_are_taken_in_turn(void **state)
{
	static const uint8_t data[] = { 0xff, 0x01, 0x02, 0xde, 0xad, 0xbe, 0xef };
	struct bytes b = bytes_of(data, sizeof data);
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	(void)state;
	assert_true(bytes_take_u8(&b, &v8));
	assert_int_equal(v8, 0xff);
	assert_true(bytes_take_be16(&b, &v16));
	assert_int_equal(v16, 0x0102);
	assert_true(bytes_take_be32(&b, &v32));
	assert_int_equal(v32, 0xdeadbeef);
	assert_int_equal(b.len, 0);
}

static void numbers_cut_short_are_not_taken(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct bytes b;
	uint32_t v32 = 77;
	uint16_t v16 = 77;
	uint8_t v8 = 77;

	(void)state;
	b = bytes_of(data, 3);
	assert_false(bytes_take_be32(&b, &v32));
	assert_int_equal(b.len, 3);
	b = bytes_of(data, 1);
	assert_false(bytes_take_be16(&b, &v16));
	assert_int_equal(b.len, 1);
	b = bytes_of(data, 0);
	assert_false(bytes_take_u8(&b, &v8));
	assert_int_equal(v8, 77);
	assert_int_equal(v16, 77);
	assert_int_equal(v32, 77);
}

struct outer {
	int before;
	int member;
};

static void container_of_finds_the_object_around_a_member(void **state)
{
	struct outer o = { .member = 3 };
	int *member = &o.member;

	(void)state;
	assert_ptr_equal(CONTAINER_OF(member, struct outer, member), &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_kept_in_network_order_at_any_alignment),
		cmocka_unit_test(take_cuts_off_the_head),
		cmocka_unit_test(take_of_more_than_there_is_changes_nothing),
		cmocka_unit_test(skip_stops_at_the_end),
		cmocka_unit_test(numbers_are_taken_in_turn),
		cmocka_unit_test(numbers_cut_short_are_not_taken),
		cmocka_unit_test(container_of_finds_the_object_around_a_member),
	};

	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
