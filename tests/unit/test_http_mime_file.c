/* Files of media types, as systems have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_mime_file.h"

static struct http_fixture fx;
static struct http_mime_file file;
static char path[128];

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	snprintf(path, sizeof path, "%s/mime.types", fx.root);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_mime_file_free(&file);
	http_fixture_fini(&fx);
	return 0;
}

static const char *type_of(const char *name)
{
	return http_mime_type(&file, name, strlen(name));
}

static void load(const char *text)
{
	http_mime_file_free(&file);
	http_fixture_write_text(&fx, "mime.types", text);
	assert_int_equal(http_mime_file_load(&file, path), 0);
}

static void types_are_added_to_ours(void **state)
{
	(void)state;
	load("# comment\n\napplication/x-one\tone  ONEs # more\ntext/x-two two\nimage/not-ours png\nno/extension\n");
	assert_int_equal(file.count, 4);
	assert_string_equal(type_of("a.one"), "application/x-one");
	assert_string_equal(type_of("a.Ones"), "application/x-one");
	assert_string_equal(type_of("a.two"), "text/x-two; charset=utf-8");
	assert_string_equal(type_of("a.png"), "image/png");
	assert_string_equal(type_of("a.three"), "application/octet-stream");
	assert_string_equal(http_mime_type(NULL, "a.one", 5), "application/octet-stream");
}

static void the_first_of_two_lines_counts(void **state)
{
	(void)state;
	load("application/x-one ext\r\napplication/x-two ext\r\napplication/a ext");
	assert_int_equal(file.count, 1);
	assert_string_equal(type_of("a.ext"), "application/x-one");
}

/* A type becomes a field value. */
static void what_is_no_type_is_passed_over(void **state)
{
	char line[300] = "application/";

	(void)state;
	memset(line + 12, 'x', 200);
	snprintf(line + 212, sizeof line - 212, " long\nplain a\n/x b\nx/ c\nx/y/z d\nx;y/z e\nx/\"y f\n");
	load(line);
	assert_int_equal(file.count, 0);
	load("");
	assert_int_equal(file.count, 0);
}

static void extensions_that_are_too_long_are_passed_over(void **state)
{
	(void)state;
	load("x/y extensionthatistoolong .dotted a/b ok\n");
	assert_string_equal(type_of("a.ok"), "x/y");
	assert_string_equal(type_of("a.extensionthatistoolong"), "application/octet-stream");
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	(void)state;
	assert_int_equal(http_mime_file_load(&file, path), -ENOENT);
	assert_int_equal(http_mime_file_load(&file, fx.root), -EISDIR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(types_are_added_to_ours),
		TEST(the_first_of_two_lines_counts),
		TEST(what_is_no_type_is_passed_over),
		TEST(extensions_that_are_too_long_are_passed_over),
		TEST(a_file_that_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests_name("http_mime_file", tests, NULL, NULL);
}
