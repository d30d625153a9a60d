/* Tries: which rules can be, and which paths they make. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_tries.h"

static void rules_are_paths_that_could_be_served(void **state)
{
	static const char *const valid[] = {
		"$uri", "$uri.html", "$uri/", "$uri/index.html", "/en$uri", "/en$uri.html", "/index.html", "=404", "=503",
	};
	static const char *const invalid[] = {
		"", "index.html", "/", "/x/", "uri", "en$uri", "/en/$uri", "$uri$uri", "$uri/../x", "$uri/.env", "/.git$uri",
		"/../x", "=200", "=40", "=4040", "=", "=299", "=4x4", "$uri/%61", "/en//de$uri",
	};

	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
		if (!http_try_rule_is_valid(valid[i]))
			fail_msg("refused: %s", valid[i]);
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		if (http_try_rule_is_valid(invalid[i]))
			fail_msg("taken: %s", invalid[i]);
}

/* expected: NULL if the rule makes no path of this one. */
static void assert_makes(const char *rule, const char *raw, const char *expected)
{
	const char *const rules[] = { rule, NULL };
	struct http_path path, made;
	struct http_tries t;
	struct failure why;

	http_path_resolve(raw, strlen(raw), &path);
	assert_int_equal(http_tries_open(&t, rules, false, NULL, "x", &why), 0);
	assert_int_equal(http_try_make(&t.items[0], &path, &made), expected != NULL);
	if (expected != NULL) {
		assert_string_equal(made.text, expected);
		assert_int_equal(made.len, strlen(expected));
	}
	http_tries_close(&t);
}

static void paths_are_made_of_the_one_that_was_asked_for(void **state)
{
	(void)state;
	assert_makes("$uri", "/", "");
	assert_makes("$uri", "/a/b", "a/b");
	assert_makes("$uri.html", "/a", "a.html");
	assert_makes("$uri.html", "/a/", NULL);
	assert_makes("$uri.html", "/", NULL);
	assert_makes("$uri/", "/a", "a/");
	assert_makes("$uri/", "/a/", "a/");
	assert_makes("$uri/", "/", "");
	assert_makes("$uri/index.htm", "/", "index.htm");
	assert_makes("$uri/index.htm", "/a/", "a/index.htm");
	assert_makes("/en$uri.html", "/a", "en/a.html");
	assert_makes("/en$uri", "/", "en/");
}

static void a_path_that_becomes_too_long_is_none(void **state)
{
	const char *const rules[] = { "$uri.html", NULL };
	struct http_path path, made;
	struct http_tries t;
	struct failure why;

	(void)state;
	assert_int_equal(http_tries_open(&t, rules, false, NULL, "x", &why), 0);
	memset(path.text, 'a', sizeof path.text);
	for (path.len = HTTP_PATH_SIZE - 8; path.len < HTTP_PATH_SIZE; path.len++) {
		path.text[path.len] = '\0';
		assert_int_equal(http_try_make(&t.items[0], &path, &made), path.len + 5 < HTTP_PATH_SIZE);
		path.text[path.len] = 'a';
	}
	http_tries_close(&t);
}

static void clean_urls_and_fallback_are_tries(void **state)
{
	struct http_tries t;
	struct failure why;

	(void)state;
	assert_int_equal(http_tries_open(&t, NULL, true, "app.html", "x", &why), 0);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.uri_at, 0);
	assert_int_equal(t.uri_end, 2);
	assert_string_equal(t.items[1].after, ".html");
	assert_string_equal(t.items[2].before, "/app.html");
	assert_true(t.items[2].for_pages);
	assert_int_equal(t.status, 404);
	http_tries_close(&t);
	assert_int_equal(http_tries_open(&t, NULL, false, NULL, "x", &why), 0);
	assert_int_equal(t.count, 1);
	http_tries_close(&t);
}

static void assert_refused(const char *const *rules, const char *expected)
{
	struct http_tries t;
	struct failure why;

	assert_int_equal(http_tries_open(&t, rules, false, NULL, "site", &why), -EINVAL);
	assert_string_equal(why.text, expected);
}

static void order_matters(void **state)
{
	static const char *const good[] = { "/down.html", "$uri", "$uri.html", "/a.html", "/b.html", "=403", NULL };
	static const char *const scattered[] = { "$uri", "/a.html", "$uri.html", NULL };
	static const char *const behind[] = { "=404", "$uri", NULL };
	struct http_tries t;
	struct failure why;

	(void)state;
	assert_int_equal(http_tries_open(&t, good, true, "ignored.html", "site", &why), 0);
	assert_int_equal(t.count, 5);
	assert_int_equal(t.uri_at, 1);
	assert_int_equal(t.uri_end, 3);
	assert_int_equal(t.status, 403);
	http_tries_close(&t);
	assert_refused(scattered, "site: paths to try that have $uri in them must stand side by side");
	assert_refused(behind, "site: behind \"=404\" nothing is tried");
}

static void pages_have_no_extension(void **state)
{
	struct http_path path;

	(void)state;
	http_path_resolve("/a.b/c", 6, &path);
	assert_true(http_try_is_page(&path));
	http_path_resolve("/", 1, &path);
	assert_true(http_try_is_page(&path));
	http_path_resolve("/a/c.js", 7, &path);
	assert_false(http_try_is_page(&path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_paths_that_could_be_served),
		cmocka_unit_test(paths_are_made_of_the_one_that_was_asked_for),
		cmocka_unit_test(a_path_that_becomes_too_long_is_none),
		cmocka_unit_test(clean_urls_and_fallback_are_tries),
		cmocka_unit_test(order_matters),
		cmocka_unit_test(pages_have_no_extension),
	};

	return cmocka_run_group_tests_name("http_tries", tests, NULL, NULL);
}
