/* What a client of events may ask for, and how much else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/watch_request.h"

static struct watch_request request;

/* From memory of just that size, so that a read beyond it is seen. */
static bool parse(const char *text)
{
	size_t len = strlen(text);
	uint8_t *copy = malloc(len > 0 ? len : 1);
	bool is_one;

	assert_non_null(copy);
	memcpy(copy, text, len);
	is_one = watch_request_parse(bytes_of(copy, len), &request);
	free(copy);
	return is_one;
}

static void what_may_be_watched(void **state)
{
	(void)state;
	assert_true(parse("{\"watch\":\"mine\"}"));
	assert_int_equal(request.what, WATCH_MINE);
	assert_true(request.segments);
	assert_int_equal(request.samples_us, 0);
	assert_true(parse(" {\"watch\": \"all\", \"segments\": false, \"samples\": 20} "));
	assert_int_equal(request.what, WATCH_ALL);
	assert_false(request.segments);
	assert_int_equal(request.samples_us, 20000);
	assert_true(parse("{\"samples\":5000,\"watch\":[12,15,4294967297]}"));
	assert_int_equal(request.what, WATCH_NAMED);
	assert_int_equal(request.n, 3);
	assert_int_equal(request.connections[1], 15);
	assert_int_equal(request.connections[2], UINT64_C(4294967297));
	assert_true(parse("{\"watch\":[]}"));
	assert_int_equal(request.n, 0);
	assert_true(parse("{\"watch\":null}"));
	assert_int_equal(request.what, WATCH_NOTHING);
}

static void everything_else_is_refused(void **state)
{
	static const char *const all[] = {
		"", "{}", "[]", "null", "\"mine\"", "watch", "{\"watch\"}", "{\"watch\":\"mine\"",
		"{\"watch\":\"mine\"}}", "{\"watch\":\"mine\"} x", "{\"watch\":\"Mine\"}", "{\"watch\":true}",
		"{\"watch\":1}", "{\"watch\":{}}", "{\"watch\":[0]}", "{\"watch\":[-1]}", "{\"watch\":[1.5]}",
		"{\"watch\":[\"1\"]}", "{\"watch\":[1,null]}", "{\"watch\":[[1]]}",
		"{\"watch\":[99999999999999999999]}", "{\"watch\":\"mine\",\"segments\":1}",
		"{\"watch\":\"mine\",\"segments\":null}", "{\"watch\":\"mine\",\"samples\":19}",
		"{\"watch\":\"mine\",\"samples\":5001}", "{\"watch\":\"mine\",\"samples\":-20}",
		"{\"watch\":\"mine\",\"samples\":\"20\"}", "{\"watch\":\"mine\",\"samples\":20.0}",
		"{\"watch\":\"mine\",\"samples\":null}", "{\"watch\":\"mine\",\"more\":1}",
		"{\"watch\":\"mine\",\"watch\":\"all\"}", "{\"segments\":true}", "{\"watch\":\"mi\\u0000ne\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
		if (parse(all[i]))
			fail_msg("%s was taken", all[i]);
}

static void connections_are_32_at_most(void **state)
{
	char text[256] = "{\"watch\":[1";

	(void)state;
	for (int i = 2; i <= WATCH_CONNECTIONS; i++)
		strcat(text, ",1");
	strcat(text, "]}");
	assert_true(parse(text));
	assert_int_equal(request.n, WATCH_CONNECTIONS);
	strcpy(text + strlen(text) - 2, ",1]}");
	assert_false(parse(text));
}

static void a_message_is_1_kib_at_most(void **state)
{
	char text[WATCH_MESSAGE + 2];

	(void)state;
	snprintf(text, sizeof text, "{\"watch\":\"mine\"%*s", WATCH_MESSAGE - 15, "}");
	assert_int_equal(strlen(text), WATCH_MESSAGE);
	assert_true(parse(text));
	strcat(text, " ");
	assert_false(parse(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_watched),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(connections_are_32_at_most),
		cmocka_unit_test(a_message_is_1_kib_at_most),
	};

	return cmocka_run_group_tests_name("watch_request", tests, NULL, NULL);
}
