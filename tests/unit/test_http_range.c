/* Range fields (RFC 9110 section 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_range.h"

/* The ranges of a representation of 1000 bytes, as "first+len first+len"; "-"
 * and "!" for the other verdicts. */
static const char *ranges(const char *value)
{
	static char text[1000];
	struct http_ranges r;
	size_t n = 0;

	text[0] = '\0';
	switch (http_range_parse(bytes_of(value, strlen(value)), 1000, &r)) {
	case HTTP_RANGE_IGNORED:
		return "-";
	case HTTP_RANGE_UNSATISFIABLE:
		return "!";
	case HTTP_RANGE_OK:
		break;
	}
	for (unsigned i = 0; i < r.count; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu+%llu", i > 0 ? " " : "",
				      (unsigned long long)r.items[i].first,
				      (unsigned long long)r.items[i].len);
	return text;
}

static void one_range(void **state)
{
	(void)state;
	assert_string_equal(ranges("bytes=0-0"), "0+1");
	assert_string_equal(ranges("bytes=0-99"), "0+100");
	assert_string_equal(ranges("Bytes=0-99"), "0+100");
	assert_string_equal(ranges("bytes=100-"), "100+900");
	assert_string_equal(ranges("bytes=990-2000"), "990+10");
	assert_string_equal(ranges("bytes=999-999"), "999+1");
	assert_string_equal(ranges("bytes=-5"), "995+5");
	assert_string_equal(ranges("bytes=-1000"), "0+1000");
	assert_string_equal(ranges("bytes=-5000"), "0+1000");
	assert_string_equal(ranges("bytes=1-99999999999999999999999999"), "1+999");
	assert_string_equal(ranges("bytes= 1-2 "), "1+2");
}

static void ranges_beyond_the_end_are_unsatisfiable(void **state)
{
	(void)state;
	assert_string_equal(ranges("bytes=1000-"), "!");
	assert_string_equal(ranges("bytes=1000-1001,2000-"), "!");
	assert_string_equal(ranges("bytes=-0"), "!");
	assert_string_equal(ranges("bytes=18446744073709551615-"), "!");
	assert_string_equal(ranges("bytes=99999999999999999999999999-"), "!");
	assert_string_equal(ranges("bytes=1000-,5-6"), "5+2");
}

static void malformed_ranges_are_ignored(void **state)
{
	static const char *const malformed[] = {
		"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2-3", "bytes=1",
		"bytes=1 -2", "bytes=1- 2", "bytes=1-2 3-4", "bytes=1-2;3-4", "bytes=+1-2", "bytes=--1", "bytes =1-2",
		"items=0-1", "bytes=0x1-2", "bytes=1-2,x", "bytes:0-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		assert_string_equal(ranges(malformed[i]), "-");
}

static void several_ranges_stay_in_order(void **state)
{
	(void)state;
	assert_string_equal(ranges("bytes=0-1,4-5"), "0+2 4+2");
	assert_string_equal(ranges("bytes=500-501, ,\t-1 , 0-0"), "500+2 999+1 0+1");
}

static void overlapping_and_touching_ranges_are_one(void **state)
{
	(void)state;
	assert_string_equal(ranges("bytes=0-9,5-19"), "0+20");
	assert_string_equal(ranges("bytes=0-9,10-19"), "0+20");
	assert_string_equal(ranges("bytes=10-19,0-9"), "0+20");
	assert_string_equal(ranges("bytes=0-,0-,0-,0-,0-"), "0+1000");
	assert_string_equal(ranges("bytes=0-9,20-29,40-49,5-44"), "0+50");
	assert_string_equal(ranges("bytes=900-,-100,-1"), "900+100");
}

static void too_many_ranges_are_ignored(void **state)
{
	char value[1000];
	size_t n = 6;

	(void)state;
	memcpy(value, "bytes=", 7);
	for (int i = 0; i < HTTP_RANGES; i++)
		n += (size_t)snprintf(value + n, sizeof value - n, "%d-%d,", i * 10, i * 10 + 1);
	assert_int_equal(strlen(ranges(value)) > 60, 1);
	snprintf(value + n, sizeof value - n, "900-");
	assert_string_equal(ranges(value), "-");
}

static void an_empty_representation_has_no_parts(void **state)
{
	struct http_ranges r;

	(void)state;
	assert_int_equal(http_range_parse(bytes_of("bytes=0-", 8), 0, &r), HTTP_RANGE_IGNORED);
	assert_int_equal(http_range_parse(bytes_of("bytes=-5", 8), 0, &r), HTTP_RANGE_IGNORED);
}

/* The last byte of the largest file can be asked for. */
static void sizes_do_not_wrap(void **state)
{
	struct http_ranges r;
	const char value[] = "bytes=0-18446744073709551614,18446744073709551614-18446744073709551615";

	(void)state;
	assert_int_equal(http_range_parse(bytes_of(value, sizeof value - 1), UINT64_MAX, &r), HTTP_RANGE_OK);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.items[0].len, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range),
		cmocka_unit_test(ranges_beyond_the_end_are_unsatisfiable),
		cmocka_unit_test(malformed_ranges_are_ignored),
		cmocka_unit_test(several_ranges_stay_in_order),
		cmocka_unit_test(overlapping_and_touching_ranges_are_one),
		cmocka_unit_test(too_many_ranges_are_ignored),
		cmocka_unit_test(an_empty_representation_has_no_parts),
		cmocka_unit_test(sizes_do_not_wrap),
	};

	return cmocka_run_group_tests_name("http_range", tests, NULL, NULL);
}
