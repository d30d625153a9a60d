/* Characters of ASCII: each octet, as it is and as a signed character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/ascii.h"

static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char digits[] = "0123456789", hex[] = "0123456789abcdef";

static bool is_in(const char *set, int c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void check_classes(int c)
{
	bool is_letter = is_in(upper, c) || is_in(lower, c);

	assert_int_equal(ascii_is_digit(c), is_in(digits, c));
	assert_int_equal(ascii_is_upper(c), is_in(upper, c));
	assert_int_equal(ascii_is_letter(c), is_letter);
	assert_int_equal(ascii_is_alphanumeric(c), is_letter || is_in(digits, c));
	assert_int_equal(ascii_is_visible(c), c >= '!' && c <= '~');
	assert_int_equal(ascii_is_control(c), c < 32 || c == 127);
	assert_int_equal(ascii_is_hex(c), is_in(hex, c) || is_in("ABCDEF", c));
}

static void classes_hold_what_ascii_says(void **state)
{
	(void)state;
	for (int c = 0; c < 128; c++)
		check_classes(c);
}

static void no_octet_beyond_ascii_is_in_a_class(void **state)
{
	(void)state;
	for (int c = -128; c < 256; c++)
		if (c < 0 || c > 127) {
			assert_false(ascii_is_alphanumeric(c));
			assert_false(ascii_is_hex(c));
			assert_false(ascii_is_visible(c));
			assert_false(ascii_is_control(c));
			assert_int_equal(ascii_to_lower(c), (char)c);
		}
}

static void only_upper_case_is_folded(void **state)
{
	(void)state;
	for (int c = 0; c < 128; c++)
		assert_int_equal(ascii_to_lower(c), is_in(upper, c) ? lower[c - 'A'] : c);
}

static void texts_are_the_same_but_for_case(void **state)
{
	(void)state;
	assert_true(ascii_is_same("Example.ORG", "eXAMPLE.org", 11));
	assert_true(ascii_is_same("ab", "aC", 1));
	assert_true(ascii_is_same("", NULL, 0));
	assert_false(ascii_is_same("a@", "a`", 2));
	assert_false(ascii_is_same("\xc3", "\xe3", 1));
}

static void hexadecimal_digits_have_values(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(ascii_hex(hex[i]), i);
	assert_int_equal(ascii_hex('F'), 15);
	assert_int_equal(ascii_hex('g'), -1);
	assert_int_equal(ascii_hex('\0'), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_hold_what_ascii_says),
		cmocka_unit_test(no_octet_beyond_ascii_is_in_a_class),
		cmocka_unit_test(only_upper_case_is_folded),
		cmocka_unit_test(texts_are_the_same_but_for_case),
		cmocka_unit_test(hexadecimal_digits_have_values),
	};

	return cmocka_run_group_tests_name("ascii", tests, NULL, NULL);
}
