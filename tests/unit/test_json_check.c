/* What is JSON and what is not, by the grammar of RFC 8259. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/json_check.h"

/* On an exact copy, so that reading past the end is seen. */
static bool is_object(const char *text, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	bool is;

	assert_non_null(copy);
	memcpy(copy, text, len);
	is = json_is_object(bytes_of(copy, len));
	free(copy);
	return is;
}

static void assert_all(const char *const *texts, bool expected)
{
	for (; *texts != NULL; texts++)
		if (is_object(*texts, strlen(*texts)) != expected)
			fail_msg("%s", *texts);
}

static void objects(void **state)
{
	static const char *const good[] = {
		"{}", " \t\r\n{ } \n", "{\"a\":1}", "{\"a\":\"b\",\"c\":[],\"d\":[1,\"x\",null,true,false,{}]}",
		"{\"a\":-0.5e+10,\"b\":0,\"c\":10E2,\"d\":1.5e-1}", "{\"\":{\"\":{}}}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fC\"}", "{\"\xc3\xbc\":\"\xf0\x9f\x8d\xba\"}", NULL,
	};

	(void)state;
	assert_all(good, true);
}

static void everything_else(void **state)
{
	static const char *const bad[] = {
		"", " ", "[]", "1", "\"a\"", "null", "{", "}", "{}{}", "{} x", "{,}", "{\"a\"}", "{\"a\":}", "{a:1}",
		"{\"a\":1,}", "{\"a\":1 \"b\":2}", "{'a':1}", "{\"a\":[1,]}", "{\"a\":[}", "{\"a\":[1}", "{\"a\":01}",
		"{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":NaN}", "{\"a\":True}",
		"{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\",
		"{\"a\":\"", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xc3", "\xef\xbb\xbf{}",
		"{/**/}", "{\"a\":tru", NULL,
	};

	(void)state;
	assert_all(bad, false);
	assert_false(is_object("{\0}", 3));
	assert_false(is_object("{\"a\":\"\0\"}", 9));
	assert_false(is_object("{}\0", 3));
}

/* No stack is deep enough for all that fits into a body. */
static void depth_is_limited(void **state)
{
	char text[3 * JSON_DEPTH + 16];

	(void)state;
	for (int depth = JSON_DEPTH - 2; depth <= JSON_DEPTH + 1; depth++) {
		char *at = stpcpy(text, "{\"a\":");

		memset(at, '[', (size_t)depth);
		memset(at + depth, ']', (size_t)depth);
		strcpy(at + 2 * depth, "}");
		assert_int_equal(is_object(text, strlen(text)), depth + 1 <= JSON_DEPTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects),
		cmocka_unit_test(everything_else),
		cmocka_unit_test(depth_is_limited),
	};

	return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
