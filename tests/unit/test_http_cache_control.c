/* Cache-Control by media type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_cache_control.h"

static void the_first_rule_that_fits_counts(void **state)
{
	char html[] = "text/html no-cache", images[] = "image/* max-age=60, immutable", all[] = "* no-store";
	char *const rules[] = { html, images, all, NULL }, *const few[] = { html, NULL };

	(void)state;
	assert_string_equal(http_cache_control_for(rules, "text/html; charset=utf-8"), "no-cache");
	assert_string_equal(http_cache_control_for(rules, "image/png"), "max-age=60, immutable");
	assert_string_equal(http_cache_control_for(rules, "text/htmlx"), "no-store");
	assert_null(http_cache_control_for(few, "text/plain"));
	assert_null(http_cache_control_for(few, "text/htm"));
}

static void a_rule_cannot_hold_another_field(void **state)
{
	(void)state;
	assert_true(http_cache_control_rule_is_valid("text/html no-cache"));
	assert_true(http_cache_control_rule_is_valid("* max-age=1, public"));
	assert_false(http_cache_control_rule_is_valid("text/html"));
	assert_false(http_cache_control_rule_is_valid("text/html "));
	assert_false(http_cache_control_rule_is_valid("text/html  x"));
	assert_false(http_cache_control_rule_is_valid(" no-cache"));
	assert_false(http_cache_control_rule_is_valid("html no-cache"));
	assert_false(http_cache_control_rule_is_valid("text/html no-cache\r\nX: y"));
	assert_false(http_cache_control_rule_is_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_counts),
		cmocka_unit_test(a_rule_cannot_hold_another_field),
	};

	return cmocka_run_group_tests_name("http_cache_control", tests, NULL, NULL);
}
