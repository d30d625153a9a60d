/* Names and values out of a body: forms, flat JSON, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/pairs.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

/* "name=value|name=value|", with "!" behind it if it failed; "?" if it did not begin. The body stands in
 * memory of just its length, so that reading beyond it is seen. */
static const char *read_all(const char *type, const char *body)
{
	static char out[1024];
	char name[PAIRS_TEXT], value[PAIRS_TEXT];
	size_t len = strlen(body);
	char *exact = malloc(len + 1);
	struct pairs p;

	assert_non_null(exact);
	memcpy(exact + 1, body, len);
	strcpy(out, "");
	if (!pairs_begin(&p, bytes_of(type, strlen(type)), bytes_of(exact + 1, len))) {
		free(exact);
		return "?";
	}
	while (pairs_next(&p, name, value)) {
		strcat(strcat(out, name), "=");
		strcat(strcat(out, value), "|");
	}
	free(exact);
	return p.failed ? strcat(out, "!") : out;
}

static void forms(void **state)
{
	(void)state;
	assert_string_equal(read_all(FORM, "loss=0.02&rx.delay_ms=5"), "loss=0.02|rx.delay_ms=5|");
	assert_string_equal(read_all(FORM "; charset=utf-8", "loss=2%25&a=b+c"), "loss=2%|a=b c|");
	assert_string_equal(read_all(FORM, ""), "");
	assert_string_equal(read_all(FORM, "a&b="), "a=|b=|");
	assert_string_equal(read_all(FORM, "a=1%00"), "!");
	assert_string_equal(
		read_all(FORM, "a=1&b=0000000000000000000000000000000000000000000000000000000000000000"),
		"a=1|!");
}

static void json(void **state)
{
	(void)state;
	assert_string_equal(read_all(JSON, "{\"loss\":{\"0.1\":1}}"), "!"); /* flat, or not at all */
	assert_string_equal(read_all(JSON, "{\"loss\":0.02,\"drop_next\":\"synack:1\"}"),
			    "loss=0.02|drop_next=synack:1|");
	assert_string_equal(read_all("Application/JSON;charset=utf-8", " { \"a\" : 1 ,\n \"b\" : \"\" } "),
			    "a=1|b=|");
	assert_string_equal(read_all(JSON, "{}"), "");
	assert_string_equal(read_all(JSON, "{\"a\":-1.5e+3}"), "a=-1.5e+3|");
	assert_string_equal(read_all(JSON, "{\"a\":\"x}\",\"b\":2}"), "a=x}|b=2|");
}

static void json_that_is_not_flat(void **state)
{
	static const char *const bodies[] = {
		"{\"a\":{}}", "{\"a\":[1]}", "{\"a\":true}", "{\"a\":null}", "{\"a\":\"\\u0031\"}", "{\"\\u0061\":1}",
		"{\"a\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++)
		assert_string_equal(read_all(JSON, bodies[i]), "!");
}

static void what_is_neither(void **state)
{
	(void)state;
	assert_string_equal(read_all("text/plain", "loss=1"), "?");
	assert_string_equal(read_all("", "loss=1"), "?");
	assert_string_equal(read_all(JSON, ""), "?");
	assert_string_equal(read_all(JSON, "[1]"), "?");
	assert_string_equal(read_all(JSON, "{\"a\":1"), "?");
	assert_string_equal(read_all(JSON, "{\"a\":1}}"), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(json),
		cmocka_unit_test(json_that_is_not_flat),
		cmocka_unit_test(what_is_neither),
	};

	return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
