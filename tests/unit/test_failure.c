/* A failure is one line, whatever is quoted in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"

static void error_comes_back_and_the_text_is_kept(void **state)
{
	struct failure why;

	(void)state;
	assert_int_equal(failure_set(&why, -EINVAL, "port %u: \"%s\"", 80, "\xc3\xa9"), -EINVAL);
	assert_string_equal(why.text, "port 80: \"\xc3\xa9\"");
}

static void it_is_one_line(void **state)
{
	struct failure why;

	(void)state;
	failure_set(&why, -EINVAL, "\"%s\" is not a word", "a\nb\r\x1b[2J\x7f");
	assert_string_equal(why.text, "\"a?b??[2J?\" is not a word");
}

static void what_is_too_long_is_cut(void **state)
{
	struct failure why;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	failure_set(&why, -EINVAL, "%s", text);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_comes_back_and_the_text_is_kept),
		cmocka_unit_test(it_is_one_line),
		cmocka_unit_test(what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
