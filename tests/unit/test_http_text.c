/* Texts trimmed, taken apart and weighed, absent ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_text.h"

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static void assert_is(struct bytes found, const char *expected)
{
	assert_int_equal(found.len, strlen(expected));
	assert_memory_equal(found.data, expected, found.len);
}

static void blanks_go_from_both_ends(void **state)
{
	(void)state;
	assert_is(http_text_trim(text(" \ta b\t ")), "a b");
	assert_is(http_text_trim(text(" \t ")), "");
	assert_is(http_text_trim(text("\na\r")), "\na\r");
	assert_int_equal(http_text_trim((struct bytes){ 0 }).len, 0);
}

static void parts_end_at_separators(void **state)
{
	struct bytes rest = text("a,,b"), absent = { 0 };

	(void)state;
	assert_is(http_text_take(&rest, ','), "a");
	assert_is(http_text_take(&rest, ','), "");
	assert_is(http_text_take(&rest, ','), "b");
	assert_int_equal(rest.len, 0);
	assert_is(http_text_take(&rest, ','), "");
	assert_null(http_text_take(&absent, ',').data);
}

static void octets_have_two_digits(void **state)
{
	(void)state;
	assert_int_equal(http_text_octet('0', '0'), 0);
	assert_int_equal(http_text_octet('f', 'F'), 255);
	assert_int_equal(http_text_octet('4', 'a'), 0x4a);
	assert_int_equal(http_text_octet('g', '0'), -1);
	assert_int_equal(http_text_octet('0', ' '), -1);
	assert_int_equal(http_text_octet('0', '\x1a'), -1); /* which is ':' but for a bit */
}

/* RFC 9110 section 5.6.2 */
static void tokens_have_neither_separators_nor_controls(void **state)
{
	(void)state;
	assert_true(http_text_is_token(text("X-Own_1!#$%&'*+.^`|~")));
	assert_false(http_text_is_token(text("")));
	assert_false(http_text_is_token((struct bytes){ 0 }));
	for (int c = 0; c < 256; c++) {
		uint8_t one[] = { 'a', (uint8_t)c };
		bool is_letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		assert_int_equal(http_text_is_token(bytes_of(one, 2)),
				 is_letter || (c != 0 && c < 128 && strchr("!#$%&'*+-.^_`|~", c) != NULL));
	}
}

/* RFC 9110 section 5.5 */
static void field_values_have_no_controls_but_tabs(void **state)
{
	(void)state;
	assert_true(http_text_is_field_value((struct bytes){ 0 }));
	for (int c = 0; c < 256; c++) {
		uint8_t one = (uint8_t)c;

		assert_int_equal(http_text_is_field_value(bytes_of(&one, 1)),
				 (c >= ' ' && c != 0x7f) || c == '\t');
	}
}

/* RFC 9110 section 12.4.2 */
static void weights_have_three_decimals(void **state)
{
	static const struct {
		const char *text;
		unsigned weight;
	} good[] = { { "q=0", 0 }, { "q=1", 1000 }, { "Q=0.5", 500 }, { "q=0.123", 123 }, { "q=1.000", 1000 }, { "q=0.", 0 } };
	static const char *const bad[] = { "", "q", "q=", "q=2", "q=1.001", "q=0.1234", "q=-1", "q=.5", "q=0,5", "p=1", "q=0.x" };
	uint16_t weight;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		assert_true(http_text_weight(text(good[i].text), &weight));
		assert_int_equal(weight, good[i].weight);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(http_text_weight(text(bad[i]), &weight));
}

static void list_elements_are_whole_words(void **state)
{
	(void)state;
	assert_true(http_text_lists(text("close"), "close"));
	assert_true(http_text_lists(text("Close"), "close"));
	assert_true(http_text_lists(text("keep-alive, close"), "close"));
	assert_true(http_text_lists(text(" \tclose\t ,x"), "close"));
	assert_true(http_text_lists(text(",,close,,"), "close"));
	assert_false(http_text_lists(text(""), "close"));
	assert_false(http_text_lists(text(","), "close"));
	assert_false(http_text_lists(text("closed"), "close"));
	assert_false(http_text_lists(text("not close"), "close"));
	assert_false(http_text_lists(text("clos"), "close"));
}

static void only_letters_are_folded(void **state)
{
	(void)state;
	assert_true(http_text_is(text("CHUNKED"), "chunked"));
	assert_false(http_text_is(bytes_of("chunked\0", 8), "chunked"));
	assert_false(http_text_is(text("100-continue"), "100\rcontinue"));
	assert_false(http_text_is(text("100\rcontinue"), "100-continue"));
}

static void texts_are_the_same_but_for_case(void **state)
{
	(void)state;
	assert_true(http_text_is_same(text("Example.ORG"), text("eXAMPLE.org")));
	assert_true(http_text_is_same(text(""), (struct bytes){ 0 }));
	assert_false(http_text_is_same(text("example.org"), text("example.or")));
	assert_false(http_text_is_same(text("a@"), text("a`")));
	assert_false(http_text_is_same(text("[::1]"), text("{::1}")));
}

static void words_are_taken_where_a_text_begins_with_them(void **state)
{
	struct bytes rest = text("HTTPS://h/");

	(void)state;
	assert_false(http_text_take_word(&rest, "http://"));
	assert_int_equal(rest.len, 10);
	assert_true(http_text_take_word(&rest, "https://"));
	assert_memory_equal(rest.data, "h/", rest.len);
	assert_false(http_text_take_word(&rest, "h/x"));
}

static void numbers_are_decimal_and_fit(void **state)
{
	static const char *const others[] = { "", "-1", "+1", "1 ", "0x1", "1000000000000000000" };
	uint64_t n;

	(void)state;
	assert_true(http_text_number(bytes_of("0", 1), &n));
	assert_int_equal(n, 0);
	assert_true(http_text_number(bytes_of("999999999999999999", 18), &n));
	assert_int_equal(n, UINT64_C(999999999999999999));
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		assert_false(http_text_number(bytes_of(others[i], strlen(others[i])), &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_elements_are_whole_words),
		cmocka_unit_test(only_letters_are_folded),
		cmocka_unit_test(texts_are_the_same_but_for_case),
		cmocka_unit_test(words_are_taken_where_a_text_begins_with_them),
		cmocka_unit_test(blanks_go_from_both_ends),
		cmocka_unit_test(parts_end_at_separators),
		cmocka_unit_test(numbers_are_decimal_and_fit),
		cmocka_unit_test(octets_have_two_digits),
		cmocka_unit_test(tokens_have_neither_separators_nor_controls),
		cmocka_unit_test(field_values_have_no_controls_but_tabs),
		cmocka_unit_test(weights_have_three_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
