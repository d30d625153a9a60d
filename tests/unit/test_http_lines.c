/* Ready lines outlive who made them, as long as somebody sends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_lines.h"

static void lines_live_as_long_as_somebody_has_them(void **state)
{
	char text[] = "A: b\r\n";
	struct http_lines *l = http_lines_new(text, sizeof text - 1);
	struct span span;

	(void)state;
	assert_non_null(l);
	memset(text, 0, sizeof text);
	span = http_lines_take(l);
	assert_int_equal(l->owner.references, 2);
	http_lines_unref(l);
	assert_int_equal(span.len, 6);
	assert_memory_equal(span.data, "A: b\r\n", 6);
	span_owner_unref(span.owner);
	http_lines_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_live_as_long_as_somebody_has_them) };

	return cmocka_run_group_tests_name("http_lines", tests, NULL, NULL);
}
