/* JSON: commas, and what a string is escaped to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/json.h"

static struct document_budget budget = { .limit = 1 << 20 };

static void assert_written(struct document *d, const char *expected)
{
	struct span span;

	assert_true(document_finish(d, &span));
	assert_int_equal(span.len, strlen(expected));
	assert_memory_equal(span.data, expected, span.len);
	span_owner_unref(span.owner);
}

static void commas_stand_between_values(void **state)
{
	struct document *d = document_new(&budget, 1 << 20);

	(void)state;
	json_open_object(d, NULL);
	json_open_object(d, "empty");
	json_close_object(d);
	json_number(d, "n", 18446744073709551615U);
	json_open_array(d, "list");
	json_text(d, NULL, "a");
	json_bool(d, NULL, true);
	json_open_object(d, NULL);
	json_bool(d, "no", false);
	json_text(d, "nothing", NULL);
	json_close_object(d);
	json_number(d, NULL, 0);
	json_seconds(d, NULL, 123);
	json_seconds(d, NULL, 61500000);
	json_close_array(d);
	json_open_array(d, "none");
	json_close_array(d);
	json_close_object(d);
	assert_written(d, "{\"empty\":{},\n\"n\":18446744073709551615,\"list\":[\"a\",true,"
			  "{\"no\":false,\"nothing\":null},\n0,0.000123,61.500000],\n\"none\":[]}");
}

static void assert_text(const char *text, const char *expected)
{
	struct document *d = document_new(&budget, 1 << 20);

	json_text(d, NULL, text);
	assert_written(d, expected);
}

static void strings_are_escaped(void **state)
{
	(void)state;
	assert_text("", "\"\"");
	assert_text("a/b", "\"a/b\"");
	assert_text("\"\\", "\"\\\"\\\\\"");
	assert_text("\n\x01\x1f\x7f", "\"\\u000a\\u0001\\u001f\\u007f\"");
	assert_text("[", "\"[\"");
	/* What ends a line for some, or moves a terminal's cursor. */
	assert_text("\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0", "\"\\u0080\\u0085\\u009f\xc2\xa0\"");
	assert_text("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
		    "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
}

static void only_utf8_passes(void **state)
{
	(void)state;
	assert_text("\xc3\xbc\xe2\x82\xac\xf0\x9f\x8d\xba", "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x8d\xba\"");
	assert_text("\xf4\x8f\xbf\xbf\xed\x9f\xbf", "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"");
	assert_text("\x80", "\"\\ufffd\"");
	assert_text("\xc3", "\"\\ufffd\"");           /* cut off */
	assert_text("\xe2\x82", "\"\\ufffd\\ufffd\"");
	assert_text("\xf0\x9f\x8dz", "\"\\ufffd\\ufffd\\ufffdz\"");
	assert_text("\xc0\x80", "\"\\ufffd\\ufffd\""); /* longer than needed */
	assert_text("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xf0\x8f\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
	assert_text("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xff\"", "\"\\ufffd\\\"\"");
}

static void keys_and_texts_may_be_any_bytes(void **state)
{
	static const char utf8[] = "\xc3\xbc"; /* of which the first byte alone is given */
	struct document *d = document_new(&budget, 1 << 20);

	(void)state;
	json_open_object(d, NULL);
	json_key(d, "a\"b", 3);
	json_bytes(d, NULL, "x\0y", 3);
	json_key(d, utf8, 1);
	json_open_array(d, NULL);
	json_bytes(d, NULL, NULL, 0);
	json_bytes(d, NULL, ":", 1);
	json_close_array(d);
	json_bytes(d, "z", ":", 1);
	json_number(d, "n", 1);
	json_close_object(d);
	assert_written(d, "{\"a\\\"b\":\"x\\u0000y\",\"\\ufffd\":[\"\",\":\"],\n\"z\":\":\",\"n\":1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between_values),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(only_utf8_passes),
		cmocka_unit_test(keys_and_texts_may_be_any_bytes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
