/* Paths of request targets, RFC 3986 sections 3.3 and 5.2.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_path.h"

static enum http_path_verdict resolve(const char *raw, struct http_path *out)
{
	/* An exact copy, so that reading past the end is seen. */
	size_t len = strlen(raw);
	char *copy = malloc(len);
	enum http_path_verdict verdict;

	assert_non_null(copy);
	memcpy(copy, raw, len);
	verdict = http_path_resolve(copy, len, out);
	free(copy);
	return verdict;
}

static void assert_path(const char *raw, const char *expected)
{
	struct http_path path;

	assert_int_equal(resolve(raw, &path), HTTP_PATH_OK);
	assert_string_equal(path.text, expected);
	assert_int_equal(path.len, strlen(expected));
}

static void assert_verdict(const char *raw, enum http_path_verdict expected)
{
	struct http_path path;

	assert_int_equal(resolve(raw, &path), expected);
}

static void plain_paths_lose_their_first_slash(void **state)
{
	(void)state;
	assert_path("/", "");
	assert_path("/index.html", "index.html");
	assert_path("/a/b/c", "a/b/c");
	assert_path("/a/b/", "a/b/");
}

static void repeated_slashes_are_one(void **state)
{
	(void)state;
	assert_path("//", "");
	assert_path("//a///b//", "a/b/");
}

static void encoding_is_undone_once(void **state)
{
	(void)state;
	assert_path("/%61%62", "ab");
	assert_path("/a%20b", "a b");
	assert_path("/%C3%BC", "\xc3\xbc");
	assert_path("/%c3%bc", "\xc3\xbc");
	assert_path("/100%25", "100%");
	assert_path("/%252e%252e/x", "%2e%2e/x");
	assert_path("/a%3Fb", "a?b");
}

static void bad_encoding_is_bad(void **state)
{
	(void)state;
	assert_verdict("/%", HTTP_PATH_BAD);
	assert_verdict("/%4", HTTP_PATH_BAD);
	assert_verdict("/%zz", HTTP_PATH_BAD);
	assert_verdict("/%4g", HTTP_PATH_BAD);
	assert_verdict("/%-1", HTTP_PATH_BAD);
	assert_verdict("/%%41", HTTP_PATH_BAD);
	assert_verdict("/%u0041", HTTP_PATH_BAD);
}

static void nul_is_bad(void **state)
{
	(void)state;
	assert_verdict("/%00", HTTP_PATH_BAD);
	assert_verdict("/index.html%00.txt", HTTP_PATH_BAD);
}

static void dot_segments_are_resolved(void **state)
{
	(void)state;
	assert_path("/.", "");
	assert_path("/./a", "a");
	assert_path("/a/./b", "a/b");
	assert_path("/a/.", "a/");
	assert_path("/a/..", "");
	assert_path("/a/../b", "b");
	assert_path("/a/b/..", "a/");
	assert_path("/a/b/../../c", "c");
	assert_path("/a//../b", "b");
	assert_path("/a/%2e%2E/b", "b");
	assert_path("/a/%2e/b", "a/b");
}

static void dots_that_are_names_stay(void **state)
{
	(void)state;
	assert_path("/a..b", "a..b");
	assert_path("/a.", "a.");
	assert_path("/a../b", "a../b");
	assert_verdict("/...", HTTP_PATH_DOTFILE);
}

static void climbing_above_the_root_is_bad(void **state)
{
	(void)state;
	assert_verdict("/..", HTTP_PATH_BAD);
	assert_verdict("/../", HTTP_PATH_BAD);
	assert_verdict("/../etc/passwd", HTTP_PATH_BAD);
	assert_verdict("/../../etc/passwd", HTTP_PATH_BAD);
	assert_verdict("/%2e%2e/etc/passwd", HTTP_PATH_BAD);
	assert_verdict("/.%2e/etc/passwd", HTTP_PATH_BAD);
	assert_verdict("/a/../../etc/passwd", HTTP_PATH_BAD);
	assert_verdict("/a/b/../../../x", HTTP_PATH_BAD);
	assert_verdict("//../x", HTTP_PATH_BAD);
	assert_verdict("/./../x", HTTP_PATH_BAD);
	assert_verdict("/../root/index.html", HTTP_PATH_BAD);
}

static void encoded_slash_is_no_separator(void **state)
{
	(void)state;
	assert_verdict("/a%2fb", HTTP_PATH_HIDDEN);
	assert_verdict("/..%2f..%2fetc/passwd", HTTP_PATH_HIDDEN);
	assert_verdict("/%2e%2e%2fetc%2fpasswd", HTTP_PATH_HIDDEN);
}

static void backslash_is_an_ordinary_byte(void **state)
{
	(void)state;
	assert_path("/a\\b", "a\\b");
	assert_path("/a/%5C/b", "a/\\/b");
	assert_verdict("/a/..\\b", HTTP_PATH_DOTFILE); /* a name that begins with a dot */
}

static void dotfiles_are_told_apart(void **state)
{
	(void)state;
	assert_verdict("/.git/config", HTTP_PATH_DOTFILE);
	assert_verdict("/.env", HTTP_PATH_DOTFILE);
	assert_verdict("/a/.htpasswd", HTTP_PATH_DOTFILE);
	assert_verdict("/a/%2egit/", HTTP_PATH_DOTFILE);
	assert_verdict("/.git%2fconfig", HTTP_PATH_HIDDEN);
	assert_path("/.git/../a", "a");
}

static void well_known_is_not_hidden(void **state)
{
	(void)state;
	assert_path("/.well-known/acme-challenge/x", ".well-known/acme-challenge/x");
	assert_path("/.well-known", ".well-known");
	assert_verdict("/.well-known/.git", HTTP_PATH_DOTFILE);
	assert_verdict("/a/.well-known/x", HTTP_PATH_DOTFILE);
	assert_verdict("/.well-knownx/y", HTTP_PATH_DOTFILE);
}

static void too_long_is_hidden_and_stays_in_bounds(void **state)
{
	static char raw[3 * HTTP_PATH_SIZE];
	struct http_path path;

	(void)state;
	for (size_t len = HTTP_PATH_SIZE - 8; len < HTTP_PATH_SIZE + 8; len++) {
		memset(raw, 'a', len);
		raw[0] = '/';
		raw[len] = '\0';
		assert_int_equal(resolve(raw, &path),
				 len - 1 <= HTTP_PATH_SIZE - 2 ? HTTP_PATH_OK : HTTP_PATH_HIDDEN);
		raw[len - 1] = '/';
		assert_int_equal(resolve(raw, &path),
				 len - 1 <= HTTP_PATH_SIZE - 1 ? HTTP_PATH_OK : HTTP_PATH_HIDDEN);
	}
	memset(raw, '/', sizeof raw - 1);
	assert_path(raw, "");
}

static void encoding_for_location(void **state)
{
	char out[64];
	size_t len = http_path_encode("a b/\xc3\xbc?#%\r\n\"x:y@z", 17, out, sizeof out);

	(void)state;
	assert_int_equal(len, strlen("a%20b/%C3%BC%3F%23%25%0D%0A%22x:y@z"));
	assert_memory_equal(out, "a%20b/%C3%BC%3F%23%25%0D%0A%22x:y@z", len);
	assert_int_equal(http_path_encode("abc", 3, out, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths_lose_their_first_slash),
		cmocka_unit_test(repeated_slashes_are_one),
		cmocka_unit_test(encoding_is_undone_once),
		cmocka_unit_test(bad_encoding_is_bad),
		cmocka_unit_test(nul_is_bad),
		cmocka_unit_test(dot_segments_are_resolved),
		cmocka_unit_test(dots_that_are_names_stay),
		cmocka_unit_test(climbing_above_the_root_is_bad),
		cmocka_unit_test(encoded_slash_is_no_separator),
		cmocka_unit_test(backslash_is_an_ordinary_byte),
		cmocka_unit_test(dotfiles_are_told_apart),
		cmocka_unit_test(well_known_is_not_hidden),
		cmocka_unit_test(too_long_is_hidden_and_stays_in_bounds),
		cmocka_unit_test(encoding_for_location),
	};

	return cmocka_run_group_tests_name("http_path", tests, NULL, NULL);
}
