/* Rules for error pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_error_page.h"

static void a_rule_has_statuses_of_errors_and_a_file(void **state)
{
	static const char *const invalid[] = {
		"", "404", "404 ", "/404.html", "404 404.html", "304 /x", "40 /x", "4040 /x", "404  /x", "404,405 /x",
		"404 /", "404 /x/", "404 /../x", "404 /.env", "x /404.html", "404 //x",
		"404 /%61",
	};

	(void)state;
	assert_true(http_error_page_rule_is_valid("404 /404.html"));
	assert_true(http_error_page_rule_is_valid("404 410 500 /errors/any.html"));
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		assert_false(http_error_page_rule_is_valid(invalid[i]));
}

static void the_first_rule_with_the_status_counts(void **state)
{
	char one[] = "404 405 /a.html", two[] = "500 404 /b.html";
	char *const rules[] = { one, two, NULL };

	(void)state;
	assert_string_equal(http_error_page_find(rules, 404), "/a.html");
	assert_string_equal(http_error_page_find(rules, 500), "/b.html");
	assert_null(http_error_page_find(rules, 403));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_has_statuses_of_errors_and_a_file),
		cmocka_unit_test(the_first_rule_with_the_status_counts),
	};

	return cmocka_run_group_tests_name("http_error_page", tests, NULL, NULL);
}
