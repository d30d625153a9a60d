/* Forms and queries taken apart: pairs, and what is encoded in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_form.h"

/* An exact copy, so that reading past the end is seen. */
static struct bytes exact(const char *text, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return bytes_of(copy, len);
}

/* The pairs as "name>value|". */
static void assert_pairs(const char *text, const char *expected)
{
	struct bytes all = exact(text, strlen(text)), rest = all, name, value;
	char found[256] = "";
	size_t at = 0;

	while (http_form_take(&rest, &name, &value)) {
		at += http_form_decode(name, found + at);
		found[at++] = '>';
		at += http_form_decode(value, found + at);
		found[at++] = '|';
	}
	found[at] = '\0';
	assert_string_equal(found, expected);
	free((void *)(uintptr_t)all.data);
}

static void pairs_are_split(void **state)
{
	(void)state;
	assert_pairs("a=1&b=2", "a>1|b>2|");
	assert_pairs("a", "a>|");
	assert_pairs("a=", "a>|");
	assert_pairs("=1", ">1|");
	assert_pairs("a=b=c", "a>b=c|");
	assert_pairs("&&a=1&&b&", "a>1|b>|");
	assert_pairs("", "");
	assert_pairs("&", "");
	assert_pairs("a=1;b=2", "a>1;b=2|");
}

static void what_is_encoded_is_decoded_once(void **state)
{
	(void)state;
	assert_pairs("a+b=c%20d%2B", "a b>c d+|");
	assert_pairs("x=%3D%26%c3%BC", "x>=&\xc3\xbc|");
	assert_pairs("x=%2541", "x>%41|");
	assert_pairs("x=%", "x>%|");
	assert_pairs("x=%4", "x>%4|");
	assert_pairs("x=%4g%g4%%41", "x>%4g%g4%A|");
}

static void a_nul_is_a_byte(void **state)
{
	char out[8];
	struct bytes raw = exact("a%00b", 5);

	(void)state;
	assert_int_equal(http_form_decode(raw, out), 3);
	assert_memory_equal(out, "a\0b", 3);
	free((void *)(uintptr_t)raw.data);
}

static void a_pair_is_found_by_its_name(void **state)
{
	struct bytes query = bytes_of("?close&run=a&runs=b&run=c", 25), value;

	(void)state;
	assert_true(http_form_find(query, "run", &value));
	assert_int_equal(value.len, 1);
	assert_memory_equal(value.data, "a", 1);
	assert_true(http_form_find(query, "close", &value));
	assert_int_equal(value.len, 0);
	assert_false(http_form_find(query, "clos", &value));
	assert_false(http_form_find(bytes_of(NULL, 0), "run", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_found_by_its_name),
		cmocka_unit_test(pairs_are_split),
		cmocka_unit_test(what_is_encoded_is_decoded_once),
		cmocka_unit_test(a_nul_is_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
