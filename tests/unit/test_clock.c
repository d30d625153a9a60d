/* The clocks, and times of day as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_time_of_day_is_rfc_3339(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	assert_string_equal(clock_format(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_format(UINT64_C(784111777) * 1000000 + 45999, text),
			    "1994-11-06T08:49:37.045Z");
}

static void test_clocks_do_not_go_back(void **state)
{
	uint64_t now = clock_now_us(), wall = clock_wall_us();

	(void)state;
	assert_true(clock_now_us() >= now);
	assert_true(wall > UINT64_C(1600000000) * 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of_day_is_rfc_3339),
		cmocka_unit_test(test_clocks_do_not_go_back),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
