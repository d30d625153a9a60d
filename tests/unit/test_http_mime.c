/* Media types by extension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_mime.h"

static void assert_type(const char *path, const char *expected)
{
	assert_string_equal(http_mime_type(NULL, path, strlen(path)), expected);
}

static void text_types_say_utf_8(void **state)
{
	(void)state;
	assert_type("index.html", "text/html; charset=utf-8");
	assert_type("a/b/style.css", "text/css; charset=utf-8");
	assert_type("app.js", "text/javascript; charset=utf-8");
	assert_type("app.mjs", "text/javascript; charset=utf-8");
	assert_type("notes.txt", "text/plain; charset=utf-8");
	assert_type("readme.md", "text/markdown; charset=utf-8");
}

static void types_that_browsers_insist_on(void **state)
{
	(void)state;
	assert_type("x.wasm", "application/wasm");
	assert_type("x.svg", "image/svg+xml");
	assert_type("x.woff2", "font/woff2");
	assert_type("x.ttf", "font/ttf");
	assert_type("x.json", "application/json");
	assert_type("site.webmanifest", "application/manifest+json");
	assert_type("favicon.ico", "image/x-icon");
	assert_type("x.avif", "image/avif");
	assert_type("x.mp4", "video/mp4");
}

static void first_and_last_of_the_table_are_found(void **state)
{
	(void)state;
	assert_type("x.3gp", "video/3gpp");
	assert_type("x.zst", "application/zstd");
}

static void case_does_not_matter(void **state)
{
	(void)state;
	assert_type("INDEX.HTML", "text/html; charset=utf-8");
	assert_type("photo.JpG", "image/jpeg");
}

static void the_last_extension_counts_and_only_in_the_name(void **state)
{
	(void)state;
	assert_type("archive.tar.gz", "application/gzip");
	assert_type("page.html.bak", "application/octet-stream");
	assert_type("dir.html/file", "application/octet-stream");
	assert_type("html", "application/octet-stream");
	assert_type("", "application/octet-stream");
	assert_type("file.", "application/octet-stream");
	assert_type("x.extensionlongerthananyother", "application/octet-stream");
}

static bool is_compressible(const char *path)
{
	return http_mime_is_compressible(http_mime_type(NULL, path, strlen(path)));
}

static void what_is_packed_already_is_not_compressible(void **state)
{
	(void)state;
	assert_true(is_compressible("a.html"));
	assert_true(is_compressible("a.svg"));
	assert_true(is_compressible("a.json"));
	assert_true(is_compressible("a.webmanifest"));
	assert_true(is_compressible("a.wasm"));
	assert_true(is_compressible("a.ttf"));
	assert_false(is_compressible("a.woff2"));
	assert_false(is_compressible("a.png"));
	assert_false(is_compressible("a.gz"));
	assert_false(is_compressible("a.bin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_types_say_utf_8),
		cmocka_unit_test(types_that_browsers_insist_on),
		cmocka_unit_test(first_and_last_of_the_table_are_found),
		cmocka_unit_test(case_does_not_matter),
		cmocka_unit_test(the_last_extension_counts_and_only_in_the_name),
		cmocka_unit_test(what_is_packed_already_is_not_compressible),
	};

	return cmocka_run_group_tests_name("http_mime", tests, NULL, NULL);
}
