/* Parameters of field values, quoted, repeated, missing and extended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_parameter.h"

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static void assert_parameter(const char *value, const char *name, const char *expected)
{
	struct bytes found = http_parameter(text(value), name);

	assert_non_null(found.data);
	assert_int_equal(found.len, strlen(expected));
	assert_memory_equal(found.data, expected, found.len);
}

static void values_are_found_by_name(void **state)
{
	(void)state;
	assert_parameter("a/b; x=1; y=2", "y", "2");
	assert_parameter("a/b;X=1", "x", "1");
	assert_parameter("a; x = 1 ;y=2", "x", "1");
	assert_parameter("a; x=1; x=2", "x", "1");
	assert_parameter("a; x=", "x", "");
	assert_parameter("a; y=\"x=2; x=3\"; x=1", "x", "1");
	assert_parameter("a; x=\"C:\\d\\e\"; y=1", "x", "C:\\d\\e");
	assert_parameter("a; x=\"open", "x", "open");
	assert_null(http_parameter(text("x=1; y=2"), "x").data);
	assert_null(http_parameter(text("a; xy=1"), "x").data);
	assert_null(http_parameter((struct bytes){ 0 }, "x").data);
}

static void parameters_are_left_off(void **state)
{
	struct bytes found = http_without_parameters(text(" text/html ; charset=utf-8"));

	(void)state;
	assert_int_equal(found.len, strlen("text/html"));
	assert_memory_equal(found.data, "text/html", found.len);
}

/* RFC 8187 section 3.2 */
static void extended_values_are_decoded(void **state)
{
	static const char *const bad[] = { "", "e", "UTF-8", "ISO-8859-1''a%e9", "UTF-8''%", "UTF-8''%4", "UTF-8''%g0" };
	char out[64];
	size_t len;

	(void)state;
	assert_true(http_parameter_decode(text("UTF-8''%e2%82%ac%20rates"), out, &len));
	assert_int_equal(len, strlen("\u20ac rates"));
	assert_memory_equal(out, "\u20ac rates", len);
	assert_true(http_parameter_decode(text("utf-8'de'a'b"), out, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(out, "a'b", len);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (http_parameter_decode(text(bad[i]), out, &len) && len > 0)
			fail_msg("%s was decoded", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_by_name),
		cmocka_unit_test(parameters_are_left_off),
		cmocka_unit_test(extended_values_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
