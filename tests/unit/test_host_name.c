/* Names of hosts, and patterns of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/host_name.h"

static size_t match(const char *const *patterns, const char *name)
{
	return host_name_match(patterns, bytes_of(name, strlen(name)));
}

static void a_name_covers_itself_in_any_case(void **state)
{
	static const char *const patterns[] = { "One.example", "10.77.0.2", NULL };

	(void)state;
	assert_true(match(patterns, "oNE.example") == SIZE_MAX);
	assert_true(match(patterns, "10.77.0.2") == SIZE_MAX);
	assert_int_equal(match(patterns, "one.exampl"), 0);
	assert_int_equal(match(patterns, "one.example2"), 0);
	assert_int_equal(match(patterns, "a.one.example"), 0);
	assert_int_equal(match(patterns, ""), 0);
}

static void an_asterisk_covers_what_is_below(void **state)
{
	static const char *const patterns[] = { "*.Example", NULL };

	(void)state;
	assert_int_equal(match(patterns, "a.example"), strlen("*.example"));
	assert_int_equal(match(patterns, "b.a.EXAMPLE"), strlen("*.example"));
	assert_int_equal(match(patterns, "example"), 0);
	assert_int_equal(match(patterns, ".example"), 0);
	assert_int_equal(match(patterns, "aexample"), 0);
	assert_int_equal(match(patterns, "a.example.org"), 0);
}

static void the_best_of_several_counts(void **state)
{
	static const char *const patterns[] = { "*.example", "*.a.example", "b.a.example", NULL };

	(void)state;
	assert_int_equal(match(patterns, "x.example"), strlen("*.example"));
	assert_int_equal(match(patterns, "x.a.example"), strlen("*.a.example"));
	assert_true(match(patterns, "b.a.example") == SIZE_MAX);
}

static void no_patterns_cover_nothing(void **state)
{
	static const char *const none[] = { NULL };

	(void)state;
	assert_int_equal(match(none, "a"), 0);
	assert_int_equal(match(NULL, "a"), 0);
}

static void among_several_lists_the_better_wins(void **state)
{
	static const char *const lists[][2] = { { "*.b.example" }, { "*.example" }, { "a.b.example" }, { "*.b.example" } };
	static const bool beats[] = { true, false, true, false };
	struct bytes name = bytes_of("a.b.example", 11);
	size_t best = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
		assert_int_equal(host_name_beats(lists[i], name, &best), beats[i]);
	assert_true(best == SIZE_MAX);
	best = 0;
	assert_false(host_name_beats(lists[0], bytes_of("example", 7), &best));
	assert_int_equal(best, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_covers_itself_in_any_case),
		cmocka_unit_test(an_asterisk_covers_what_is_below),
		cmocka_unit_test(the_best_of_several_counts),
		cmocka_unit_test(no_patterns_cover_nothing),
		cmocka_unit_test(among_several_lists_the_better_wins),
	};

	return cmocka_run_group_tests_name("host_name", tests, NULL, NULL);
}
