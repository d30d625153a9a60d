/* Lists of strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strings.h"

static void a_copy_is_its_owners(void **state)
{
	char first[] = "One", second[] = "tWo";
	const char *const strings[] = { first, second, NULL };
	char **copy = strings_copy(strings);

	(void)state;
	first[0] = 'x';
	assert_string_equal(copy[0], "One");
	assert_string_equal(copy[1], "tWo");
	assert_null(copy[2]);
	assert_int_equal(strings_count(strings), 2);
	strings_free(copy);
}

static void none_is_an_empty_list(void **state)
{
	char **copy = strings_copy(NULL);

	(void)state;
	assert_non_null(copy);
	assert_null(copy[0]);
	assert_int_equal(strings_count(NULL), 0);
	strings_free(copy);
	strings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_its_owners),
		cmocka_unit_test(none_is_an_empty_list),
	};

	return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
