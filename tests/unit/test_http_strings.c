/* Lists of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_strings.h"

static void a_copy_is_its_owners(void **state)
{
	char first[] = "One", second[] = "tWo";
	const char *const strings[] = { first, second, NULL };
	char **copy = http_strings_copy(strings);

	(void)state;
	first[0] = 'x';
	assert_string_equal(copy[0], "One");
	assert_string_equal(copy[1], "tWo");
	assert_null(copy[2]);
	http_strings_lower(copy);
	assert_string_equal(copy[0], "one");
	assert_string_equal(copy[1], "two");
	http_strings_free(copy);
}

static void none_is_an_empty_list(void **state)
{
	char **copy = http_strings_copy(NULL);

	(void)state;
	assert_non_null(copy);
	assert_null(copy[0]);
	http_strings_free(copy);
	http_strings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_its_owners),
		cmocka_unit_test(none_is_an_empty_list),
	};

	return cmocka_run_group_tests_name("http_strings", tests, NULL, NULL);
}
