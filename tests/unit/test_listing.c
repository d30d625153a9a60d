/* Listings of directories: what is shown, how names are written, and where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_open.h"
#include "server/document.h"
#include "server/listing.h"

static struct http_fixture fx;
static struct document_budget budget;
static int root;
static char *text; /* the last listing */

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	budget = (struct document_budget){ .limit = 64 << 20 };
	root = http_open_root(fx.root);
	assert_true(root >= 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	close(root);
	http_fixture_fini(&fx);
	assert_int_equal(budget.in_use, 0);
	return 0;
}

static unsigned list(const char *path, const char *accept, bool follow_symlinks)
{
	struct http_document document = { 0 };
	struct http_directory directory = {
		.fd = http_open_beneath(root, path),
		.path = path,
		.root = root,
		.follow_symlinks = follow_symlinks,
		.accept = bytes_of(accept, strlen(accept)),
	};
	unsigned status;

	assert_true(directory.fd >= 0);
	status = listing_answer(&budget, &directory, &document);
	assert_int_equal(fcntl(directory.fd, F_GETFD), -1);
	free(text);
	text = strndup((const char *)document.body.data, document.body.len);
	assert_non_null(text);
	span_owner_unref(document.body.owner);
	return status;
}

static void link_to(const char *name, const char *target)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s", fx.root, name);
	assert_int_equal(symlink(target, path), 0);
}

/* Empty files, many of them. */
static void make_files(const char *prefix, int n)
{
	char name[300];

	http_fixture_write(&fx, "d/first", "", 0);
	for (int i = 0; i < n; i++) {
		int fd;

		snprintf(name, sizeof name, "d/%s%04d", prefix, i);
		fd = openat(root, name, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		close(fd);
	}
}

static void assert_shown(const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("not shown: %s\n%s", what, text);
}

static void assert_not_shown(const char *what)
{
	if (strstr(text, what) != NULL)
		fail_msg("shown: %s\n%s", what, text);
}

static void directories_come_first_then_names_in_order(void **state)
{
	(void)state;
	http_fixture_write_text(&fx, "b.txt", "bb");
	http_fixture_write_text(&fx, "a.txt", "a");
	http_fixture_write_text(&fx, "z/x", "x");
	assert_int_equal(list("", "application/json", false), 200);
	assert_shown("{\"path\":\"/\",\"entries\":[{\"name\":\"z\",\"type\":\"directory\",\"modified\":\"");
	assert_shown("{\"name\":\"b.txt\",\"type\":\"file\",\"size\":2,\"modified\":\"");
	assert_true(strstr(text, "\"z\"") < strstr(text, "\"a.txt\""));
	assert_true(strstr(text, "\"a.txt\"") < strstr(text, "\"b.txt\""));
	assert_shown("\"truncated\":false}");
}

static void accept_chooses_the_form(void **state)
{
	(void)state;
	assert_int_equal(list("", "text/html,*/*;q=0.8", false), 200);
	assert_shown("<!doctype html>");
	assert_int_equal(list("", "*/*", false), 200);
	assert_shown("<!doctype html>");
	assert_int_equal(list("", "text/html;q=0.5,application/json", false), 200);
	assert_shown("{\"path\"");
}

static void names_are_no_markup_and_no_scheme(void **state)
{
	(void)state;
	http_fixture_write_text(&fx, "d/<b>&\"'.txt", "x");
	http_fixture_write_text(&fx, "d/javascript:alert(1)", "x");
	http_fixture_write_text(&fx, "d/a b#c?d%e", "x");
	http_fixture_write_text(&fx, "d/\xff", "x");
	assert_int_equal(list("d/", "text/html", false), 200);
	assert_not_shown("<b>");
	assert_shown("<a href=\"./%3Cb%3E&amp;%22'.txt\">&lt;b&gt;&amp;&quot;'.txt</a>");
	assert_shown("<a href=\"./javascript:alert(1)\">");
	assert_shown("<a href=\"./a%20b%23c%3Fd%25e\">");
	assert_shown("<a href=\"./%FF\">");
	assert_shown("<a href=\"../\">");
	assert_int_equal(list("d/", "application/json", false), 200);
	assert_shown("\"name\":\"<b>&\\\"'.txt\"");
	assert_shown("\"name\":\"\\ufffd\"");
}

static void only_what_would_be_answered_is_shown(void **state)
{
	char name[300];

	(void)state;
	http_fixture_write_text(&fx, "d/file", "x");
	http_fixture_write_text(&fx, "d/.hidden", "x");
	http_fixture_write_text(&fx, "other/file", "12345");
	link_to("d/inner", "../other/file");
	link_to("d/inner_dir", "../other");
	link_to("d/outer", "/etc/passwd");
	link_to("d/broken", "nothing");
	snprintf(name, sizeof name, "%s/d/fifo", fx.root);
	assert_int_equal(mkfifo(name, 0644), 0);
	assert_int_equal(list("d/", "application/json", false), 200);
	assert_not_shown("hidden");
	assert_not_shown("outer");
	assert_not_shown("broken");
	assert_not_shown("fifo");
	if (http_fixture_has_openat2()) {
		assert_shown("{\"name\":\"inner\",\"type\":\"file\",\"size\":5,");
		assert_shown("{\"name\":\"inner_dir\",\"type\":\"directory\",");
	}
	assert_int_equal(list("d/", "application/json", true), 200);
	assert_shown("outer");
	assert_not_shown("fifo");
}

static void a_large_directory_is_cut(void **state)
{
	(void)state;
	make_files("", LISTING_ENTRIES);
	assert_int_equal(list("d/", "application/json", false), 200);
	assert_shown("\"truncated\":true");
	assert_int_equal(list("d/", "text/html", false), 200);
	assert_shown("There is more here");
}

/* Names as long as they can be, each byte of which is written as several. */
static void long_names_do_not_exceed_the_document(void **state)
{
	char prefix[252] = "";

	(void)state;
	memset(prefix, '"', sizeof prefix - 1);
	make_files(prefix, 1200);
	assert_int_equal(list("d/", "text/html", false), 200);
	assert_true(strlen(text) <= LISTING_DOCUMENT);
	assert_shown("There is more here");
	assert_shown("</html>");
}

static void without_memory_it_is_503(void **state)
{
	struct http_directory directory = { .fd = http_open_beneath(root, ""), .path = "", .root = root };
	struct http_document document = { 0 };

	(void)state;
	budget.limit = 10;
	assert_int_equal(listing_answer(&budget, &directory, &document), 503);
	assert_null(document.body.data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(directories_come_first_then_names_in_order),
		TEST(accept_chooses_the_form),
		TEST(names_are_no_markup_and_no_scheme),
		TEST(only_what_would_be_answered_is_shown),
		TEST(a_large_directory_is_cut),
		TEST(long_names_do_not_exceed_the_document),
		TEST(without_memory_it_is_503),
	};

	return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
