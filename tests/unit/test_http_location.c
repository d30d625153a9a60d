/* Locations: which prefix covers a path, whose policy holds there, which prefixes are taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_location.h"

enum { MOST = 8 };

static unsigned answer(struct http_call *call, struct http_document *out)
{
	(void)call;
	(void)out;
	return 404;
}

static const struct http_handler handler = { .methods = HTTP_METHODS_READING, .answer = answer };

static void open_prefix(struct http_open_site *site, const char *prefix)
{
	const struct http_location l = { .prefix = prefix, .handler = &handler };
	struct failure why;

	assert_true(site->n_locations < MOST);
	assert_int_equal(http_location_open(&site->locations[site->n_locations++], &l, &why), 0);
}

static void close_all(struct http_open_site *site)
{
	for (size_t i = 0; i < site->n_locations; i++)
		http_location_close(&site->locations[i]);
}

/* expected: the prefix found, or "none". */
static void assert_found(const struct http_open_site *site, const char *raw, const char *expected)
{
	const struct http_open_location *l;
	struct http_path path;
	char found[64] = "none";

	http_path_resolve(raw, strlen(raw), &path);
	l = http_location_find(site, &path);
	if (l != NULL)
		snprintf(found, sizeof found, "/%s", l->prefix);
	assert_string_equal(found, expected);
}

static void longest_prefix_wins_by_whole_segments(void **state)
{
	struct http_open_location storage[MOST];
	struct http_open_site site = { .locations = storage };

	(void)state;
	open_prefix(&site, "/a/");
	open_prefix(&site, "/a/b");
	open_prefix(&site, "/a/b/c/");
	open_prefix(&site, "/.status/");
	assert_found(&site, "/", "none");
	assert_found(&site, "/b", "none");
	assert_found(&site, "/ab/", "none");
	assert_found(&site, "/a/", "/a/");
	assert_found(&site, "/a/x", "/a/");
	assert_found(&site, "/a/b", "/a/b");
	assert_found(&site, "/a/b/", "/a/b");
	assert_found(&site, "/a/bc", "/a/");
	assert_found(&site, "/a/b/cd", "/a/b");
	assert_found(&site, "/a/b/c/d", "/a/b/c/");
	assert_found(&site, "/.status/x", "/.status/");
	assert_found(&site, "/%2estatus//x", "/.status/");
	assert_found(&site, "/y/../.status/", "/.status/");
	close_all(&site);
}

static void a_path_without_its_slash_is_covered_unless_something_fits_better(void **state)
{
	struct http_open_location storage[MOST];
	struct http_open_site site = { .locations = storage };
	struct http_path path;

	(void)state;
	open_prefix(&site, "/");
	open_prefix(&site, "/a/");
	open_prefix(&site, "/b/");
	open_prefix(&site, "/b");
	assert_found(&site, "/", "/");
	assert_found(&site, "/x", "/");
	assert_found(&site, "/a", "/a/");
	assert_found(&site, "/b", "/b");
	assert_found(&site, "/b/", "/b/");
	http_path_resolve("/a", 2, &path);
	assert_true(http_location_lacks_slash(&site.locations[1], &path));
	http_path_resolve("/a/", 3, &path);
	assert_false(http_location_lacks_slash(&site.locations[1], &path));
	close_all(&site);
}

static void a_location_without_a_policy_has_the_sites(void **state)
{
	struct http_open_site site = { 0 };
	struct http_open_location own = { .own.site = &site }, none = { 0 };

	(void)state;
	assert_ptr_equal(http_location_policy(&site, NULL), &site.policy);
	assert_ptr_equal(http_location_policy(&site, &none), &site.policy);
	assert_ptr_equal(http_location_policy(&site, &own), &own.own);
}

static void prefixes_are_plain_paths(void **state)
{
	struct http_open_location l;
	struct failure why;

	(void)state;
	assert_true(http_location_prefix_is_valid("/"));
	assert_true(http_location_prefix_is_valid("/a"));
	assert_true(http_location_prefix_is_valid("/a b/"));
	assert_true(http_location_prefix_is_valid("/.taphouse/"));
	assert_false(http_location_prefix_is_valid(""));
	assert_false(http_location_prefix_is_valid("a/"));
	assert_false(http_location_prefix_is_valid("//a"));
	assert_false(http_location_prefix_is_valid("/a//"));
	assert_false(http_location_prefix_is_valid("/a/./b"));
	assert_false(http_location_prefix_is_valid("/a/../b"));
	assert_false(http_location_prefix_is_valid("/.."));
	assert_false(http_location_prefix_is_valid("/%61"));
	assert_false(http_location_prefix_is_valid("/a%2fb"));
	assert_int_equal(http_location_open(&l, &(struct http_location){ .prefix = "a" }, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins_by_whole_segments),
		cmocka_unit_test(a_path_without_its_slash_is_covered_unless_something_fits_better),
		cmocka_unit_test(a_location_without_a_policy_has_the_sites),
		cmocka_unit_test(prefixes_are_plain_paths),
	};

	return cmocka_run_group_tests_name("http_location", tests, NULL, NULL);
}
