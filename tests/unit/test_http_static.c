/* Files as a site is told to answer with them: compressed siblings, clean URLs,
 * fallback, error pages, symlinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
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
	fx.site.policy.precompressed = true;
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
	snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", gzip);
	assert_int_equal(get("/a.css", fields).status, 200); /* it does not take that one */
	snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", plain);
	assert_int_equal(get("/a.css", fields).status, 304); /* but both of these */
}

static void ranges_are_of_the_variant(void **state)
{
	static const char part[] = "Content-Encoding: gzip\r\nContent-Range: bytes 2-2/5\r\n\r\ni\r\n";
	struct http_reply r;

	(void)state;
	start();
	r = get("/a.css", "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n");
	assert_int_equal(r.status, 206);
	assert_field(&r, "Content-Encoding", "gzip");
	assert_field(&r, "Content-Range", "bytes 1-2/5");
	assert_body(&r, "zi");
	r = get("/a.css", "Accept-Encoding: gzip\r\nRange: bytes=0-0,2-2\r\n");
	assert_int_equal(r.status, 206);
	assert_field(&r, "Content-Encoding", ""); /* said with each part */
	assert_non_null(memmem(r.body, r.body_len, part, strlen(part)));
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
	fx.site.policy.precompressed = false;
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

static void assert_page(const char *path, unsigned status, const char *body)
{
	struct http_reply r = get(path, "");

	assert_int_equal(r.status, status);
	assert_body(&r, body);
}

static void clean_urls_stand_for_html(void **state)
{
	(void)state;
	http_fixture_write_text(&fx, "page.html", "page");
	http_fixture_write_text(&fx, "both.html", "page of both");
	http_fixture_write_text(&fx, "both/index.html", "directory of both");
	http_fixture_write_text(&fx, "file", "without extension");
	http_fixture_write_text(&fx, "file.html", "with extension");
	fx.site.policy.clean_urls = true;
	start();
	assert_page("/page", 200, "page");
	assert_page("/page.html", 200, "page");
	assert_page("/both", 200, "page of both");
	assert_page("/both/", 200, "directory of both");
	assert_page("/file", 200, "without extension");
	assert_int_equal(get("/page/", "").status, 404);
	assert_int_equal(get("/nothing", "").status, 404);
}

static void clean_urls_are_off_by_default(void **state)
{
	(void)state;
	http_fixture_write_text(&fx, "page.html", "page");
	start();
	assert_int_equal(get("/page", "").status, 404);
}

static void the_fallback_answers_for_pages_and_not_for_assets(void **state)
{
	struct http_reply r;
	char etag[256], fields[400];

	(void)state;
	fx.site.policy.fallback = "index.html";
	start();
	assert_page("/users/7", 200, "<h1>index</h1>");
	assert_page("/users/", 200, "<h1>index</h1>");
	assert_page("/v1.2/users", 200, "<h1>index</h1>");
	assert_int_equal(get("/assets/app.js", "").status, 404);
	assert_int_equal(get("/.git", "").status, 404);
	r = get("/users/7", "");
	assert_field(&r, "Content-Type", "text/html; charset=utf-8");
	assert_true(http_reply_field(&r, "ETag", etag));
	snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
	assert_int_equal(get("/users/8", fields).status, 304);
}

static void a_fallback_that_is_not_there_is_404(void **state)
{
	(void)state;
	fx.site.policy.fallback = "/gone.html";
	start();
	assert_int_equal(get("/users/7", "").status, 404);
}

static void error_pages_keep_the_status(void **state)
{
	static const char *const rules[] = { "404 406 /404.html", "405 /gone.html", NULL };
	char request[] = "POST /a.css HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
	struct http_reply r;

	(void)state;
	http_fixture_write_text(&fx, "404.html", "nothing here");
	fx.site.policy.error_page = rules;
	start();
	r = get("/nothing", "Range: bytes=0-1\r\nIf-None-Match: *\r\n");
	assert_int_equal(r.status, 404);
	assert_body(&r, "nothing here");
	assert_field(&r, "Content-Type", "text/html; charset=utf-8");
	assert_field(&r, "X-Content-Type-Options", "nosniff");
	assert_field(&r, "ETag", "");
	assert_field(&r, "Accept-Ranges", "");
	assert_page("/.env", 404, "nothing here");
	r = get("/a.css", "Accept-Encoding: *;q=0\r\n");
	assert_int_equal(r.status, 406);
	assert_body(&r, "nothing here");
	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, 405);
	assert_non_null(memmem(r.body, r.body_len, "Method Not Allowed", 18));
}

static void what_is_tried_is_found_in_turn(void **state)
{
	static const char *const tries[] = { "/down.html", "$uri", "/en$uri.html", "$uri/", "/last.html", "=403", NULL };
	struct http_reply r;
	char name[128];

	(void)state;
	http_fixture_write_text(&fx, "en/page.html", "english");
	http_fixture_write_text(&fx, "dir/index.html", "a directory");
	http_fixture_write_text(&fx, "last.html", "the last");
	fx.site.policy.try_files = tries;
	fx.site.policy.clean_urls = true;
	start();
	r = get("/a.css", "");
	assert_body(&r, "the plain one");
	r = get("/page", "");
	assert_body(&r, "english");
	r = get("/dir", "");
	assert_body(&r, "a directory");
	r = get("/nothing.css", "");
	assert_body(&r, "the last");
	r = get("/last.html", "");
	assert_body(&r, "the last");
	snprintf(name, sizeof name, "%s/last.html", fx.root);
	assert_int_equal(unlink(name), 0);
	http_fixture_advance(&fx, 1000000);
	assert_int_equal(get("/nothing.css", "").status, 403);
	http_fixture_write_text(&fx, "down.html", "back soon");
	http_fixture_advance(&fx, 1); /* it is seen that a file has appeared */
	r = get("/a.css", "");
	assert_body(&r, "back soon");
}

/* A file to try that is a directory is none: it must not lead back to where the request came from. */
static void a_directory_is_no_file_to_try(void **state)
{
	static const char *const tries[] = { "$uri", "/dir", NULL };

	(void)state;
	http_fixture_write_text(&fx, "dir/index.html", "a directory");
	fx.site.policy.try_files = tries;
	start();
	assert_int_equal(get("/nothing", "").status, 404);
	assert_int_equal(get("/dir", "").status, 301);
}

static void symlinks_out_of_the_root_can_be_allowed(void **state)
{
	char name[128], target[128];

	(void)state;
	snprintf(name, sizeof name, "%s/link.txt", fx.root);
	snprintf(target, sizeof target, "%s/there.txt", fx.outside);
	close(open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	assert_int_equal(symlink(target, name), 0);
	fx.site.policy.follow_symlinks = true;
	start();
	assert_page("/link.txt", 200, "");
	assert_int_equal(get("/../outside/there.txt", "").status, 400);
}

static void symlinks_out_of_the_root_are_refused_by_default(void **state)
{
	char name[128];

	(void)state;
	snprintf(name, sizeof name, "%s/link.txt", fx.root);
	assert_int_equal(symlink("/etc/passwd", name), 0);
	start();
	assert_int_equal(get("/link.txt", "").status, 404);
}

static void settings_that_cannot_be_are_refused(void **state)
{
	static const char *const no_status[] = { "/404.html", NULL }, *const no_error[] = { "200 /x", NULL };
	static const char *const no_path[] = { "404 x", NULL }, *const directory[] = { "404 /x/", NULL };
	static const char *const *const rules[] = { no_status, no_error, no_path, directory };
	struct http_server *server;
	struct failure why;

	(void)state;
	start();
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct http_site site = { .root = fx.root, .policy.error_page = rules[i] };

		assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &server, &why),
				 -EINVAL);
	}
	for (const char *const *name = (const char *const[]){ "../x", "x/", "", ".env", NULL }; *name;
	     name++) {
		struct http_site site = { .root = fx.root, .policy.fallback = *name };

		assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &server, &why),
				 -EINVAL);
	}
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
		TEST(clean_urls_stand_for_html),
		TEST(clean_urls_are_off_by_default),
		TEST(the_fallback_answers_for_pages_and_not_for_assets),
		TEST(a_fallback_that_is_not_there_is_404),
		TEST(error_pages_keep_the_status),
		TEST(what_is_tried_is_found_in_turn),
		TEST(a_directory_is_no_file_to_try),
		TEST(symlinks_out_of_the_root_can_be_allowed),
		TEST(symlinks_out_of_the_root_are_refused_by_default),
		TEST(settings_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests_name("http_static", tests, NULL, NULL);
}
