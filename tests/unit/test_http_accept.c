/* Accept fields as browsers, curl and programs send them, and as they should
 * not be (RFC 9110 section 12.5.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_accept.h"

static struct bytes text(const char *s)
{
	return s != NULL ? bytes_of(s, strlen(s)) : (struct bytes){ 0 };
}

static void assert_quality(const char *accept, const char *type, unsigned quality)
{
	assert_int_equal(http_accept_quality(text(accept), type), quality);
}

static void the_most_specific_range_decides(void **state)
{
	static const char accept[] = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, */*;q=0.5";

	(void)state;
	assert_quality(accept, "text/plain", 700);
	assert_quality(accept, "text/html", 300);
	assert_quality(accept, "image/jpeg", 500);
	assert_quality("text/html", "text/plain", 0);
	assert_quality("TEXT/Html", "text/html", 1000);
	assert_quality("Text/*", "text/html", 1000);
	assert_quality("textX*", "text/html", 0);
}

static void weights(void **state)
{
	(void)state;
	assert_quality("text/html;q=0", "text/html", 0);
	assert_quality("text/html;q=0.0", "text/html", 0);
	assert_quality("text/html ; q=0.123", "text/html", 123);
	assert_quality("text/html;Q=0.5", "text/html", 500);
	assert_quality("text/html;level=1;q=0.5", "text/html", 500);
	assert_quality("text/html;q=1.000", "text/html", 1000);
	assert_quality("text/html;q=1.999", "text/html", 1000);
	assert_quality("text/html;q=", "text/html", 1000);
	assert_quality("text/html;q=2", "text/html", 1000);
	assert_quality("text/html;q=0.1234", "text/html", 1000);
	assert_quality("text/html;q=0,5", "text/html", 0);
	assert_quality("text/html;q=-1", "text/html", 1000);
}

static void odd_lists(void **state)
{
	(void)state;
	assert_quality(NULL, "text/html", 1000);
	assert_quality("", "text/html", 0);
	assert_quality(",,;,q=1, ; ,text/html", "text/html", 1000);
	assert_quality("*", "text/html", 0);
	assert_quality("text/", "text/html", 0);
	assert_quality(";q=0.5", "text/html", 0);
}

static void the_best_is_chosen_and_of_equals_the_first(void **state)
{
	static const char *const types[] = { "text/plain", "application/json", "text/html" };

	(void)state;
	assert_int_equal(http_accept_best(text("*/*"), types, 3), 0);
	assert_int_equal(http_accept_best(text(NULL), types, 3), 0);
	assert_int_equal(http_accept_best(text("application/json"), types, 3), 1);
	assert_int_equal(http_accept_best(text("text/html,application/xhtml+xml,*/*;q=0.8"), types, 3), 2);
	assert_int_equal(http_accept_best(text("text/html;q=0.5,application/json;q=0.6"), types, 3), 1);
	assert_int_equal(http_accept_best(text("image/png"), types, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_range_decides),
		cmocka_unit_test(weights),
		cmocka_unit_test(odd_lists),
		cmocka_unit_test(the_best_is_chosen_and_of_equals_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
