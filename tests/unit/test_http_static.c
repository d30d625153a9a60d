/* Files as a site is told to answer with them: compressed siblings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "index.html", "<h1>index</h1>");
	http_fixture_write_text(&fx, "a.css", "the plain one");
	http_fixture_write_text(&fx, "a.css.br", "br");
	http_fixture_write_text(&fx, "a.css.zst", "zstd");
	http_fixture_write_text(&fx, "a.css.gz", "gzip!");
	http_fixture_write_text(&fx, "b.png", "png");
	http_fixture_write_text(&fx, "b.png.gz", "gz");
	fx.wall_us += 10000000; /* the files have settled */
	fx.site.precompressed = true;
	return 0;
}

static void start(void)
{
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	return 0;
}

static struct http_reply get(const char *path, const char *fields)
{
	struct http_reply r;
	char request[2000];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, fields);
	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

static void assert_body(const struct http_reply *r, const char *expected)
{
	assert_int_equal(r->body_len, strlen(expected));
	assert_memory_equal(r->body, expected, r->body_len);
}

static void assert_variant(const char *accept, const char *coding, const char *body)
{
	char fields[256];
	struct http_reply r;

	snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", accept);
	r = get("/a.css", fields);
	assert_int_equal(r.status, 200);
	assert_field(&r, "Content-Encoding", coding);
	assert_field(&r, "Content-Type", "text/css; charset=utf-8");
	assert_field(&r, "Vary", "Accept-Encoding");
	assert_body(&r, body);
}

static void the_sibling_that_the_client_likes_best_is_sent(void **state)
{
	(void)state;
	start();
	assert_variant("gzip", "gzip", "gzip!");
	assert_variant("gzip, zstd", "zstd", "zstd");
	assert_variant("gzip, deflate, br, zstd", "br", "br");
	assert_variant("gzip;q=1, br;q=0.9", "gzip", "gzip!");
	assert_variant("br;q=0, gzip;q=0.1, identity", "", "the plain one");
	assert_variant("identity;q=0, *", "br", "br");
	assert_variant("deflate", "", "the plain one");
}

static void nothing_acceptable_is_406(void **state)
{
	(void)state;
	start();
	assert_int_equal(get("/b.png", "Accept-Encoding: identity;q=0\r\n").status, 406);
	assert_int_equal(get("/a.css", "Accept-Encoding: *;q=0\r\n").status, 406);
	assert_int_equal(get("/a.css", "Accept-Encoding: *;q=0, identity;q=0.1\r\n").status, 200);
}

static void only_types_worth_it_have_siblings(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	r = get("/b.png", "Accept-Encoding: gzip\r\n");
	assert_body(&r, "png");
	assert_field(&r, "Vary", "");
	r = get("/index.html", "Accept-Encoding: gzip\r\n");
	assert_field(&r, "Vary", "Accept-Encoding");
	assert_field(&r, "Content-Encoding", "");
}

static void each_variant_has_validators_of_its_own(void **state)
{
	char plain[256], gzip[256], fields[600];
	struct http_reply r;

	(void)state;
	start();
	r = get("/a.css", "");
	assert_true(http_reply_field(&r, "ETag", plain));
	r = get("/a.css", "Accept-Encoding: gzip\r\n");
	assert_true(http_reply_field(&r, "ETag", gzip));
	assert_string_not_equal(plain, gzip);
	snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", gzip);
	r = get("/a.css", fields);
	assert_int_equal(r.status, 304);
	assert_field(&r, "Vary", "Accept-Encoding");
	snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", plain);
	assert_int_equal(get("/a.css", fields).status, 200);
}

static void ranges_are_of_the_variant(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	r = get("/a.css", "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n");
	assert_int_equal(r.status, 206);
	assert_field(&r, "Content-Encoding", "gzip");
	assert_field(&r, "Content-Range", "bytes 1-2/5");
	assert_body(&r, "zi");
	assert_int_equal(get("/a.css", "Accept-Encoding: gzip\r\nRange: bytes=0-0,2-2\r\n").status, 200);
	assert_int_equal(get("/a.css", "Range: bytes=0-0,2-2\r\n").status, 206);
}

/* A sibling obeys the rules that its file does. */
static void bad_siblings_are_passed_over(void **state)
{
	char name[128], target[128];

	(void)state;
	snprintf(name, sizeof name, "%s/a.css.br", fx.root);
	assert_int_equal(unlink(name), 0);
	snprintf(target, sizeof target, "%s/secret", fx.outside);
	close(open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	assert_int_equal(symlink(target, name), 0);
	snprintf(name, sizeof name, "%s/a.css.zst", fx.root);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkdir(name, 0755), 0);
	start();
	assert_variant("br, zstd", "", "the plain one");
	assert_variant("br, zstd, gzip", "gzip", "gzip!");
}

/* One that was made from an earlier version would show that version. */
static void an_older_sibling_is_not_used(void **state)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	char name[128];

	(void)state;
	start();
	assert_variant("gzip", "gzip", "gzip!");
	snprintf(name, sizeof name, "%s/a.css", fx.root);
	assert_int_equal(utimensat(AT_FDCWD, name, now, 0), 0);
	http_fixture_advance(&fx, 2000000);
	assert_variant("gzip", "", "the plain one");
}

static void siblings_come_and_go(void **state)
{
	char name[128];

	(void)state;
	snprintf(name, sizeof name, "%s/a.css.gz", fx.root);
	start();
	assert_variant("gzip", "gzip", "gzip!");
	assert_int_equal(unlink(name), 0);
	http_fixture_advance(&fx, 2000000);
	assert_variant("gzip", "", "the plain one");
	http_fixture_write_text(&fx, "a.css.gz", "again");
	http_fixture_advance(&fx, 2000000);
	assert_variant("gzip", "gzip", "again");
}

static void siblings_can_be_turned_off(void **state)
{
	(void)state;
	fx.site.precompressed = false;
	start();
	assert_variant("gzip", "", "the plain one");
}

/* Beyond max_file both stay on the disk. */
static void large_siblings_are_sent_from_the_file(void **state)
{
	struct http_usage usage;

	(void)state;
	fx.config.cache_max_file = 1;
	start();
	for (int i = 0; i < 3; i++)
		assert_variant("gzip", "gzip", "gzip!");
	http_usage(fx.server, &usage);
	assert_int_equal(usage.cache_misses, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_sibling_that_the_client_likes_best_is_sent),
		TEST(nothing_acceptable_is_406),
		TEST(only_types_worth_it_have_siblings),
		TEST(each_variant_has_validators_of_its_own),
		TEST(ranges_are_of_the_variant),
		TEST(bad_siblings_are_passed_over),
		TEST(an_older_sibling_is_not_used),
		TEST(siblings_come_and_go),
		TEST(siblings_can_be_turned_off),
		TEST(large_siblings_are_sent_from_the_file),
	};

	return cmocka_run_group_tests_name("http_static", tests, NULL, NULL);
}
