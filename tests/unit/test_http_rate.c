/* Rates as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "http/http_rate.h"

static void rates_are_requests_in_a_time(void **state)
{
	static const struct {
		const char *text;
		uint64_t interval_us;
		uint32_t burst;
	} cases[] = {
		{ "", 0, 0 },
		{ "10/s", 100000, 10 },
		{ "10/s burst=20", 100000, 20 },
		{ "5/m  burst=1", 12000000, 1 },
		{ "1/h", 3600000000, 1 },
		{ "2/d burst=3", 43200000000, 3 },
		{ "1000000/s", 1, 1000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct rate_limit limit;

		assert_true(http_rate_parse(cases[i].text, &limit));
		assert_int_equal(limit.interval_us, cases[i].interval_us);
		assert_int_equal(limit.burst, cases[i].burst);
	}
}

static void anything_else_is_none_and_changes_nothing(void **state)
{
	static const char *const texts[] = {
		" ", "10", "10/", "/s", "0/s", "-1/s", "1000001/s", "99999999999999999999/s", "10/x", "10/ms", "10/ss",
		"1.5/s", "10 /s", "10/s ", "10/s burst", "10/s burst=", "10/s burst=0", "10/sburst=2", "10/s burst=2 ",
		"10/s burst=1000001", "10/s Burst=2", "10/s,burst=2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct rate_limit limit = { .interval_us = 7, .burst = 7 };

		assert_false(http_rate_parse(texts[i], &limit));
		assert_int_equal(limit.interval_us, 7);
		assert_int_equal(limit.burst, 7);
	}
}

static void a_wait_is_told_in_whole_seconds(void **state)
{
	(void)state;
	assert_int_equal(http_rate_retry_s(1), 1);
	assert_int_equal(http_rate_retry_s(1000000), 1);
	assert_int_equal(http_rate_retry_s(1000001), 2);
	assert_int_equal(http_rate_retry_s(UINT64_MAX / 2), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_requests_in_a_time),
		cmocka_unit_test(anything_else_is_none_and_changes_nothing),
		cmocka_unit_test(a_wait_is_told_in_whole_seconds),
	};

	return cmocka_run_group_tests_name("http/http_rate", tests, NULL, NULL);
}
