/* The names of uploaded files: as they are sent, and as nobody should be allowed to choose them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "server/upload_name.h"

static void assert_name_of(struct bytes filename, struct bytes extended, const char *expected)
{
	struct http_part part = { .filename = filename, .extended_filename = extended };
	char name[UPLOAD_NAME_SIZE];

	upload_name(&part, name);
	assert_string_equal(name, expected);
}

static void assert_name(const char *filename, const char *expected)
{
	assert_name_of(bytes_of(filename, strlen(filename)), (struct bytes){ 0 }, expected);
}

static void usual_names_stay(void **state)
{
	(void)state;
	assert_name("a.txt", "a.txt");
	assert_name("Holiday (3) & more.tar.gz", "Holiday (3) & more.tar.gz");
	assert_name("\u00fcber \u65e5\u672c \U0001f37a.png", "\u00fcber \u65e5\u672c \U0001f37a.png");
	assert_name("100%.txt", "100%.txt");
	assert_name("100%25%2f.txt", "100%25%2f.txt");
	assert_name("a..b", "a..b");
}

static void directories_go(void **state)
{
	(void)state;
	assert_name("../../etc/passwd", "passwd");
	assert_name("/etc/passwd", "passwd");
	assert_name("C:\\fakepath\\a.txt", "a.txt");
	assert_name("..\\..\\a/b\\c", "c");
	assert_name("a/", "file");
	assert_name("..", "file");
	assert_name("a/..", "file");
	assert_name(".", "file");
	assert_name("", "file");
}

static void what_misleads_goes(void **state)
{
	(void)state;
	assert_name(".htaccess", "_htaccess");
	assert_name("-rf", "_rf");
	assert_name("~root", "_root");
	assert_name(" a. . ", "_a");
	assert_name("a\x01\x7f\tb\n", "a___b_");
	assert_name("a%22b%0D%0Ac", "a_b__c");
	assert_name("a\xff" "b\xc3", "a_b_");
	assert_name("a\xc0\xaf" "b", "a__b"); /* no slash, but an overlong one */
	assert_name("a\xc2\x85" "b", "a_b");
	assert_name("txt\u202eexe.a\u2066\u2028\u200f", "txt_exe.a___");
	assert_name("\u201cquoted\u201d \u2013 \u2060.a", "\u201cquoted\u201d \u2013 \u2060.a");
	assert_name_of(bytes_of("a\0b", 3), (struct bytes){ 0 }, "a_b");
}

static void an_extended_name_is_preferred(void **state)
{
	struct bytes plain = bytes_of("a.txt", 5), none = { 0 };

	(void)state;
	assert_name_of(plain, bytes_of("UTF-8''%e2%82%ac.txt", 20), "\u20ac.txt");
	assert_name_of(plain, bytes_of("UTF-8''..%2f..%2f%2epasswd", 26), "_passwd");
	assert_name_of(plain, bytes_of("UTF-8''a%00b", 12), "a_b");
	assert_name_of(plain, bytes_of("latin1''%e9", 11), "a.txt");
	assert_name_of(plain, bytes_of("UTF-8''", 7), "a.txt");
	assert_name_of(none, bytes_of("x", 1), "file");
}

static void long_names_keep_their_extension(void **state)
{
	char name[2 * UPLOAD_NAME_SIZE], expected[UPLOAD_NAME_SIZE];

	(void)state;
	snprintf(name, sizeof name, "%0300d.pdf", 0);
	snprintf(expected, sizeof expected, "%0227d.pdf", 0);
	assert_name(name, expected);
	snprintf(name, sizeof name, "%0226d\u20ac%099d.pdf", 0, 0); /* a character across the cut */
	snprintf(expected, sizeof expected, "%0226d.pdf", 0);
	assert_name(name, expected);
	snprintf(name, sizeof name, "a.%0300d", 0);
	snprintf(expected, sizeof expected, "a.%0229d", 0);
	assert_name(name, expected);
}

static void numbers_go_before_the_extension(void **state)
{
	char name[UPLOAD_NAME_SIZE], numbered[UPLOAD_NUMBERED_SIZE];

	(void)state;
	upload_name_number("a.txt", 1, numbered);
	assert_string_equal(numbered, "a.txt");
	upload_name_number("a.txt", 2, numbered);
	assert_string_equal(numbered, "a-2.txt");
	upload_name_number("a", 10, numbered);
	assert_string_equal(numbered, "a-10");
	upload_name_number("_htaccess", 3, numbered);
	assert_string_equal(numbered, "_htaccess-3");
	snprintf(name, sizeof name, "%0227d.pdf", 0);
	upload_name_number(name, 4294967295u, numbered);
	assert_int_equal(strlen(numbered), 242);
	assert_string_equal(numbered + 227, "-4294967295.pdf");
}

/* Whatever is sent, it is a plain name. */
static void any_bytes_make_a_plain_name(void **state)
{
	static const char *const pieces[] = { "/", "\\", ".", "..", "%22", "%0", "\xe2\x80\xae", "\xe2", "a", " ", "-", "\n", "\xf0\x9f" };
	struct random r;

	(void)state;
	random_init(&r, 7);
	for (unsigned i = 0; i < 20000; i++) {
		struct http_part part = { 0 };
		char sent[256] = "", name[UPLOAD_NAME_SIZE];

		for (uint32_t n = random_below(&r, 60); n > 0; n--)
			strcat(sent, pieces[random_below(&r, ARRAY_LENGTH(pieces))]);
		part.filename = bytes_of(sent, strlen(sent));
		upload_name(&part, name);
		assert_true(strlen(name) > 0);
		assert_null(strpbrk(name, "/\\\n"));
		assert_true(name[0] != '.' && name[0] != '-' && name[strlen(name) - 1] != '.');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_names_stay),
		cmocka_unit_test(directories_go),
		cmocka_unit_test(what_misleads_goes),
		cmocka_unit_test(an_extended_name_is_preferred),
		cmocka_unit_test(long_names_keep_their_extension),
		cmocka_unit_test(numbers_go_before_the_extension),
		cmocka_unit_test(any_bytes_make_a_plain_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
