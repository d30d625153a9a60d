/* HTTP dates (RFC 9110 section 5.6.7), checked against the C library's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "http/http_date.h"

static const int64_t SUNDAY_1994 = 784111777; /* the RFC's example */

static void assert_format(int64_t unix_s, const char *expected)
{
	char text[HTTP_DATE_LEN + 1] = "";

	http_date_format(unix_s, text);
	assert_string_equal(text, expected);
}

static int64_t parsed(const char *text)
{
	int64_t s;

	return http_date_parse(text, strlen(text), 1800000000, &s) ? s : -1;
}

static void format_gives_the_rfc_example(void **state)
{
	(void)state;
	assert_format(SUNDAY_1994, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void format_clamps_to_four_digit_years(void **state)
{
	(void)state;
	assert_format(-1, "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void format_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t s = 0; s < 253402300799; s += 86399 * 17) {
		char expected[64];
		time_t t = (time_t)s;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_format(s, expected);
		assert_int_equal(parsed(expected), s);
	}
}

static void all_three_forms_are_understood(void **state)
{
	(void)state;
	assert_int_equal(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), SUNDAY_1994);
	assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), SUNDAY_1994);
	assert_int_equal(parsed("Sun Nov  6 08:49:37 1994"), SUNDAY_1994);
	assert_int_equal(parsed("Wed Nov 16 08:49:37 1994"), SUNDAY_1994 + 10 * 86400);
}

/* 1800000000 is in 2027. */
static void two_digit_year_is_at_most_50_years_ahead(void **state)
{
	(void)state;
	assert_int_equal(parsed("Friday, 01-Jan-77 00:00:00 GMT"), INT64_C(3376684800)); /* 2077 */
	assert_int_equal(parsed("Sunday, 01-Jan-78 00:00:00 GMT"), 252460800);           /* 1978 */
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"Sun",
		"Sun,",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Xxx 1994 08:49:37 GMT",
		"1994-11-06T08:49:37Z",
		"784111777",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun, 06 Nov 19x4 08:49:37 GMT",
		"Sun, 06 Nov 1994 08-49-37 GMT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parsed(bad[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_gives_the_rfc_example),
		cmocka_unit_test(format_clamps_to_four_digit_years),
		cmocka_unit_test(format_agrees_with_the_c_library),
		cmocka_unit_test(all_three_forms_are_understood),
		cmocka_unit_test(two_digit_year_is_at_most_50_years_ahead),
		cmocka_unit_test(what_is_no_date_is_refused),
	};

	return cmocka_run_group_tests_name("http_date", tests, NULL, NULL);
}
