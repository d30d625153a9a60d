/*
 * Policies as a client sees them: what a site says, and what a location says instead, of its files
 * and of what its handler answers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_call.h"

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;
static struct http_policy policies[3];
static struct http_location locations[3];
static unsigned begun;

static unsigned begin(struct http_call *call)
{
	(void)call;
	begun++;
	return 0;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	(void)call;
	*out = (struct http_document){ .type = "text/plain", .body = { .data = (const uint8_t *)"ok", .len = 2 } };
	return 200;
}

static const struct http_handler handler = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST), .begin = begin, .answer = answer,
};

/* /files/ are files with a policy, /post a handler with one, /plain/ files without. */
static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "a");
	http_fixture_write_text(&fx, "files/a.txt", "in files");
	http_fixture_write_text(&fx, "plain/a.txt", "plain");
	memset(policies, 0, sizeof policies);
	locations[0] = (struct http_location){ .prefix = "/files/", .policy = &policies[0] };
	locations[1] = (struct http_location){ .prefix = "/post", .policy = &policies[1], .handler = &handler };
	locations[2] = (struct http_location){ .prefix = "/plain/" };
	fx.locations = locations;
	fx.n_locations = 3;
	begun = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_fixture_fini(&fx);
	return 0;
}

static struct http_reply ask_from(const char *client, const char *request)
{
	struct http_reply r = { 0 };

	if (fx.server == NULL)
		http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	assert_true(ip_addr_parse(client, &s.facts.remote));
	at = 0;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static struct http_reply get(const char *path)
{
	char request[256];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	return ask_from("192.0.2.1", request);
}

static unsigned status_from(const char *client, const char *path)
{
	char request[256];
	unsigned status;

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	status = ask_from(client, request).status;
	fake_stream_fini(&s);
	return status;
}

static void assert_field_of(const char *path, const char *name, const char *expected)
{
	struct http_reply r = get(path);
	char value[256];

	http_reply_field(&r, name, value);
	assert_string_equal(value, expected);
	fake_stream_fini(&s);
}

static void a_location_overrides_cache_control(void **state)
{
	static const char *const of_site[] = { "text/* max-age=1", NULL };
	static const char *const of_files[] = { "* max-age=31536000, immutable", NULL };

	(void)state;
	fx.site.policy.cache_control = of_site;
	policies[0].cache_control = of_files;
	assert_field_of("/a.txt", "Cache-Control", "max-age=1");
	assert_field_of("/files/a.txt", "Cache-Control", "max-age=31536000, immutable");
	assert_field_of("/plain/a.txt", "Cache-Control", "max-age=1");
}

/* One file, reached by way of two policies, has the fields of each. */
static void the_cache_keeps_policies_apart(void **state)
{
	static const char *const of_site[] = { "* max-age=1", NULL }, *const of_files[] = { "* max-age=2", NULL };

	(void)state;
	fx.site.policy.cache_control = of_site;
	fx.site.policy.fallback = "a.txt";
	policies[0].cache_control = of_files;
	policies[0].fallback = "a.txt";
	assert_field_of("/missing", "Cache-Control", "max-age=1");
	assert_field_of("/files/missing", "Cache-Control", "max-age=2");
	assert_field_of("/missing", "Cache-Control", "max-age=1");
}

static void files_can_be_for_some_clients_only(void **state)
{
	static struct ip_prefix net;

	(void)state;
	assert_true(ip_prefix_parse("10.77.0.0/24", &net));
	policies[0].allow = &net;
	policies[0].n_allow = 1;
	fx.site.policy.deny = &net;
	fx.site.policy.n_deny = 1;
	assert_int_equal(status_from("10.77.0.9", "/files/a.txt"), 200);
	assert_int_equal(status_from("192.0.2.9", "/files/a.txt"), 403);
	assert_int_equal(status_from("192.0.2.9", "/files/missing"), 403);
	assert_int_equal(status_from("10.77.0.9", "/a.txt"), 403);
	assert_int_equal(status_from("10.77.0.9", "/plain/a.txt"), 403);
	assert_int_equal(status_from("192.0.2.9", "/a.txt"), 200);
}

static unsigned post(const char *path, const char *rest)
{
	char request[512];
	unsigned status;

	snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, rest);
	status = ask_from("192.0.2.1", request).status;
	fake_stream_fini(&s);
	return status;
}

static void a_location_may_take_less_of_a_body_than_the_site(void **state)
{
	static const uint64_t few = 4;

	(void)state;
	policies[1].max_body = &few;
	assert_int_equal(post("/post", "Content-Length: 4\r\n\r\nbody"), 200);
	assert_int_equal(begun, 1);
	assert_int_equal(post("/post", "Content-Length: 5\r\n\r\nbody!"), 413);
	assert_int_equal(post("/post", "Content-Length: 5\r\n\r\n"), 413);
	assert_int_equal(post("/post", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"), 413);
	assert_int_equal(begun, 1);
	assert_int_equal(post("/post", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"), 200);
	assert_int_equal(post("/post", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n1\r\n"), 413);
}

static void a_location_may_take_more_of_a_body_than_the_server(void **state)
{
	static const uint64_t more = 8;

	(void)state;
	fx.config.max_body = 4;
	policies[1].max_body = &more;
	assert_int_equal(post("/post", "Content-Length: 8\r\n\r\nall of it"), 200);
	assert_int_equal(post("/post", "Content-Length: 9\r\n\r\n"), 413);
	assert_int_equal(post("/a.txt", "Content-Length: 5\r\n\r\nbody!"), 405);
}

static void headers_are_on_every_kind_of_answer(void **state)
{
	static const char *const of_site[] = { "X-A: site", NULL }, *const of_post[] = { "X-A: post", "413 X-B: b", NULL };
	static const char *const of_files[] = { "-X-Content-Type-Options", NULL };
	static const uint64_t few = 4;
	struct http_reply r;
	char value[256];

	(void)state;
	fx.site.policy.header = of_site;
	policies[0].header = of_files;
	policies[1].header = of_post;
	policies[1].max_body = &few;
	assert_field_of("/a.txt", "X-A", "site");
	assert_field_of("/a.txt", "X-Content-Type-Options", "nosniff");
	assert_field_of("/missing", "X-A", "site");
	assert_field_of("/%zz", "X-A", "site");
	assert_field_of("/plain", "X-A", "site");
	assert_field_of("/post", "X-A", "post");
	assert_field_of("/post", "X-B", "");
	assert_field_of("/files/a.txt", "X-A", "");
	assert_field_of("/files/a.txt", "X-Content-Type-Options", "");
	r = ask_from("192.0.2.1", "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	assert_true(http_reply_field(&r, "X-B", value));
	fake_stream_fini(&s);
	r = ask_from("192.0.2.1", "GARBAGE\r\n\r\n");
	assert_int_equal(r.status, 400);
	assert_true(http_reply_field(&r, "X-A", value));
	fake_stream_fini(&s);
	r = ask_from("192.0.2.1", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(r.status, 204);
	assert_true(http_reply_field(&r, "X-A", value));
	fake_stream_fini(&s);
}

static struct http_reply get_with(const char *path, const char *field)
{
	char request[512];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", path, field);
	return ask_from("192.0.2.1", request);
}

/* RFC 9110 section 15.4.5: what the 200 would have said to caches. */
static void a_304_says_what_its_200_would(void **state)
{
	static const char *const header[] = { "200 Expires: 0", "200 Content-Location: /x", "200 Vary: Cookie", NULL };
	static const char *const names[] = { "Cache-Control", "Content-Location", "ETag", "Expires", "Vary", "Date" };
	char etag[256], field[300], ok[256], not_modified[256];
	struct http_reply first, r;

	(void)state;
	fx.site.policy.header = header;
	http_fixture_write_text(&fx, "index.html", "<p>");
	first = get_with("/", "X: x");
	assert_true(http_reply_field(&first, "ETag", etag));
	snprintf(field, sizeof field, "If-None-Match: %s", etag);
	fake_stream_fini(&s);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		first = get_with("/", "X: x");
		assert_true(http_reply_field(&first, names[i], ok));
		fake_stream_fini(&s);
		r = get_with("/", field);
		assert_int_equal(r.status, 304);
		assert_true(http_reply_field(&r, names[i], not_modified));
		assert_string_equal(ok, not_modified);
		fake_stream_fini(&s);
	}
}

/* Whatever the answer is, and whoever makes it. */
static void cross_origin_answers_name_the_origin(void **state)
{
	static const char *const origins[] = { "https://a.example", NULL };
	static const char *const paths[] = { "/a.txt", "/missing", "/plain", "/post", "/%zz" };
	static const char preflight[] = "OPTIONS /post HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
					"Access-Control-Request-Method: POST\r\n\r\n";
	static struct ip_prefix net;
	char value[256];
	struct http_reply r;

	(void)state;
	assert_true(ip_prefix_parse("198.51.100.0/24", &net));
	policies[1].deny = &net;
	policies[1].n_deny = 1;
	policies[1].cors.origins = fx.site.policy.cors.origins = origins;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		r = get_with(paths[i], "Origin: https://a.example");
		assert_true(http_reply_field(&r, "Access-Control-Allow-Origin", value));
		assert_string_equal(value, "https://a.example");
		assert_non_null(memmem(r.head, r.head_len, "Vary: Origin\r\n", 14));
		fake_stream_fini(&s);
		r = get_with(paths[i], "Origin: https://b.example");
		assert_false(http_reply_field(&r, "Access-Control-Allow-Origin", value));
		assert_non_null(memmem(r.head, r.head_len, "Vary: Origin\r\n", 14));
		fake_stream_fini(&s);
	}
	r = ask_from("192.0.2.1", preflight);
	assert_int_equal(r.status, 204);
	assert_true(http_reply_field(&r, "Access-Control-Allow-Methods", value));
	assert_int_equal(begun, 2); /* by the GETs: the preflight is not the handler's */
	fake_stream_fini(&s);
	r = ask_from("198.51.100.1", preflight); /* nor is it for those who are not answered at all */
	assert_int_equal(r.status, 403);
	fake_stream_fini(&s);
}

static void redirects_are_for_every_method_and_rewrites_for_every_answer(void **state)
{
	static const char *const redirect[] = { "301 /old/* /new/*", "410 /gone", NULL }, *const none[] = { NULL };
	static const char *const rewrite[] = { "/v1/* /files/*", "/send /post", "/x* /*", "/once /gone", NULL };
	static struct ip_prefix net;

	(void)state;
	fx.site.policy.redirect = policies[1].redirect = redirect;
	policies[0].redirect = none;
	fx.site.rewrite = rewrite;
	http_fixture_write_text(&fx, ".env", "secret");
	assert_field_of("/old/a?b", "Location", "/new/a?b");
	assert_int_equal(post("/old/a", "Content-Length: 1\r\n\r\nx"), 301);
	assert_int_equal(status_from("192.0.2.1", "/gone"), 410);
	assert_int_equal(status_from("192.0.2.1", "/v1/a.txt"), 200);
	assert_int_equal(status_from("192.0.2.1", "/v1/missing"), 404);
	assert_int_equal(post("/send", "Content-Length: 1\r\n\r\nx"), 200);
	assert_int_equal(status_from("192.0.2.1", "/x.env"), 404);
	assert_int_equal(status_from("192.0.2.1", "/once"), 404); /* it is not redirected on */
	assert_int_equal(status_from("192.0.2.1", "/x../root/a.txt"), 400);
	/* A path that was rewritten has the policy of where it leads. */
	assert_true(ip_prefix_parse("192.0.2.1", &net));
	http_server_free(fx.server);
	fx.server = NULL;
	policies[0].deny = &net;
	policies[0].n_deny = 1;
	assert_int_equal(status_from("192.0.2.1", "/v1/a.txt"), 403);
}

static unsigned status_of(struct http_reply r, const char *body)
{
	assert_int_equal(r.body_len, strlen(body));
	assert_memory_equal(r.body, body, r.body_len);
	fake_stream_fini(&s);
	return r.status;
}

/* Whoever refuses: the parser, routing, a handler, or the files. */
static void error_pages_are_for_every_refusal(void **state)
{
	static const char *const of_site[] = { "400 403 404 405 413 /error.html", "501 /missing.html", NULL };
	static const char *const of_post[] = { "405 413 /post.html", NULL };
	static const uint64_t few = 4;
	static struct ip_prefix net;
	char value[256];
	struct http_reply r;

	(void)state;
	http_fixture_write_text(&fx, "error.html", "the site's");
	http_fixture_write_text(&fx, "post.html", "the form's");
	assert_true(ip_prefix_parse("192.0.2.1", &net));
	policies[0].error_page = fx.site.policy.error_page = of_site;
	policies[0].deny = &net;
	policies[0].n_deny = 1;
	policies[1].error_page = of_post;
	policies[1].max_body = &few;
	assert_int_equal(status_of(ask_from("192.0.2.1", "GARBAGE\r\n\r\n"), "the site's"), 400);
	assert_int_equal(status_of(get("/%zz"), "the site's"), 400);
	assert_int_equal(status_of(get("/missing"), "the site's"), 404);
	assert_int_equal(status_of(get("/files/a.txt"), "the site's"), 403);
	assert_int_equal(
		status_of(ask_from("192.0.2.1", "PUT /post HTTP/1.1\r\nHost: a\r\n\r\n"), "the form's"), 405);
	r = ask_from("192.0.2.1", "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	http_reply_field(&r, "Cache-Control", value);
	assert_string_equal(value, "no-store");
	assert_int_equal(status_of(r, "the form's"), 413);
	/* The page of an error that is not there is the built-in one, and not the page of the 404. */
	r = ask_from("192.0.2.1", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(r.status, 501);
	assert_non_null(strstr(r.body, "Not Implemented"));
	fake_stream_fini(&s);
}

static void a_rule_that_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = { "no-cache", NULL };
	struct failure why;

	(void)state;
	policies[0].cache_control = bad;
	fx.site.locations = locations;
	fx.site.n_locations = 1;
	assert_int_equal(http_server_new(&fx.config, &fx.site, 1, &fx.world, NULL, &fx.server, &why),
			 -EINVAL);
	assert_string_equal(why.text, "location \"/files/\": \"no-cache\" is not a media type and what "
				      "Cache-Control says of it");
	policies[0].cache_control = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_location_overrides_cache_control),
		TEST(the_cache_keeps_policies_apart),
		TEST(files_can_be_for_some_clients_only),
		TEST(a_location_may_take_less_of_a_body_than_the_site),
		TEST(a_location_may_take_more_of_a_body_than_the_server),
		TEST(headers_are_on_every_kind_of_answer),
		TEST(a_304_says_what_its_200_would),
		TEST(cross_origin_answers_name_the_origin),
		TEST(redirects_are_for_every_method_and_rewrites_for_every_answer),
		TEST(error_pages_are_for_every_refusal),
		TEST(a_rule_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests_name("http_policy", tests, NULL, NULL);
}
