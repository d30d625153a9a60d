/*
 * Locations as a client sees them: documents with their fields, methods, who is let in, redirects; and that
 * each document is let go of, whatever becomes of its response.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_call.h"

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET(path) REQUEST("GET", path)

enum { LARGE = 300000 };

/* What the handler does, and saw. */
struct source {
	struct span_owner owner; /* one reference is the test's */
	unsigned status;
	const char *body;
	size_t len;
	unsigned calls;
	char path[64];
};

static struct http_fixture fx;
static struct fake_stream s;
static struct source source;
static size_t at;
static char *large;

static void never(struct span_owner *owner)
{
	(void)owner;
	fail_msg("the test's own reference was released");
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct source *from = call->context;

	from->calls++;
	snprintf(from->path, sizeof from->path, "%s", call->path);
	if (from->status != 200)
		return from->status;
	span_owner_ref(&from->owner);
	*out = (struct http_document){
		.type = "application/json",
		.body = { .data = (const uint8_t *)from->body, .len = from->len, .owner = &from->owner },
	};
	return 200;
}

static const struct http_handler handler = { .methods = HTTP_METHODS_READING, .answer = answer };

static int set_up(void **state)
{
	static struct ip_prefix allow;
	static const struct http_policy policy = { .allow = &allow, .n_allow = 1 };
	static struct http_location locations[2];

	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "index.html", "<h1>index</h1>");
	http_fixture_write_text(&fx, ".status/x", "a file that is hidden by the location");
	http_fixture_write_text(&fx, ".env", "secret");
	assert_true(ip_prefix_parse("10.77.0.0/24", &allow));
	locations[0] = (struct http_location){
		.prefix = "/.status/", .policy = &policy, .handler = &handler, .context = &source,
	};
	locations[1] = (struct http_location){ .prefix = "/open/", .handler = &handler, .context = &source };
	fx.locations = locations;
	fx.n_locations = 2;
	large = malloc(LARGE);
	assert_non_null(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 2654435761u >> 13);
	source = (struct source){ .status = 200, .body = "{}", .len = 2 };
	span_owner_init(&source.owner, never);
	http_fixture_start(&fx);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_fixture_fini(&fx);
	assert_int_equal(source.owner.references, 1);
	free(large);
	return 0;
}

static void open_stream(size_t buffer, const char *client)
{
	fake_stream_init(&s, buffer);
	assert_true(ip_addr_parse(client, &s.facts.remote));
	at = 0;
	http_serve(fx.server, &s.stream);
}

static struct http_reply reply(bool for_head)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, for_head, &r));
	return r;
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

static unsigned status_of(const char *request, const char *client)
{
	struct http_reply r;

	open_stream(1 << 20, client);
	fake_stream_feed_text(&s, request);
	r = reply(false);
	fake_stream_fini(&s);
	return r.status;
}

static void documents_are_answered_and_not_to_be_kept(void **state)
{
	struct http_reply r;

	(void)state;
	open_stream(1 << 20, "10.77.0.1");
	fake_stream_feed_text(&s, GET("/.status/a/b?c"));
	r = reply(false);
	assert_int_equal(r.status, 200);
	assert_field(&r, "Content-Type", "application/json");
	assert_field(&r, "Content-Length", "2");
	assert_field(&r, "Cache-Control", "no-store");
	assert_field(&r, "X-Content-Type-Options", "nosniff");
	assert_memory_equal(r.body, "{}", 2);
	assert_string_equal(source.path, "a/b");
	assert_int_equal(fx.logs[0].status, 200);
	assert_int_equal(fx.logs[0].body_bytes_sent, 2);
	fake_stream_fini(&s);
}

static void head_has_the_fields_alone(void **state)
{
	struct http_reply r;

	(void)state;
	open_stream(1 << 20, "10.77.0.1");
	fake_stream_feed_text(&s, REQUEST("HEAD", "/.status/x") GET("/.status/"));
	r = reply(true);
	assert_int_equal(r.status, 200);
	assert_field(&r, "Content-Length", "2");
	r = reply(false);
	assert_int_equal(r.body_len, 2);
	assert_string_equal(source.path, "");
	fake_stream_fini(&s);
}

static void other_methods_are_refused_with_allow(void **state)
{
	struct http_reply r;

	(void)state;
	open_stream(1 << 20, "10.77.0.1");
	fake_stream_feed_text(&s, "POST /.status/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
	r = reply(false);
	assert_int_equal(r.status, 405);
	assert_field(&r, "Allow", "GET, HEAD, OPTIONS");
	fake_stream_feed_text(&s, REQUEST("OPTIONS", "/.status/x"));
	assert_int_equal(reply(false).status, 204);
	assert_int_equal(source.calls, 0);
	fake_stream_fini(&s);
}

static void clients_outside_allow_are_forbidden(void **state)
{
	(void)state;
	assert_int_equal(status_of(GET("/.status/x"), "10.77.1.1"), 403);
	assert_int_equal(status_of(GET("/.status"), "10.77.1.1"), 403);
	assert_int_equal(source.calls, 0);
	assert_int_equal(status_of(GET("/open/x"), "10.77.1.1"), 200);
	assert_int_equal(status_of(GET("/.status/x"), "10.77.0.9"), 200);
}

static void a_prefix_without_its_slash_is_redirected(void **state)
{
	struct http_reply r;

	(void)state;
	open_stream(1 << 20, "10.77.0.1");
	fake_stream_feed_text(&s, GET("/.status?q"));
	r = reply(false);
	assert_int_equal(r.status, 301);
	assert_field(&r, "Location", "/.status/?q");
	assert_int_equal(source.calls, 0);
	fake_stream_fini(&s);
}

static void a_handlers_status_has_its_page(void **state)
{
	(void)state;
	source.status = 404;
	assert_int_equal(status_of(GET("/open/x"), "10.0.0.1"), 404);
	source.status = 503;
	assert_int_equal(status_of(GET("/open/x"), "10.0.0.1"), 503);
}

static void files_stand_beside_locations(void **state)
{
	(void)state;
	assert_int_equal(status_of(GET("/"), "10.0.0.1"), 200);
	assert_int_equal(status_of(GET("/.env"), "10.0.0.1"), 404);
	assert_int_equal(status_of(GET("/.status2"), "10.77.0.1"), 404);
	assert_int_equal(status_of(GET("/.status%2fx"), "10.77.0.1"), 404);
	assert_int_equal(source.calls, 0);
}

static void a_large_document_waits_for_room(void **state)
{
	struct http_reply r = { 0 };

	(void)state;
	source.body = large;
	source.len = LARGE;
	open_stream(20000, "10.77.0.1");
	fake_stream_feed_text(&s, GET("/open/x") GET("/"));
	assert_true(s.sent_len < LARGE);
	for (int i = 0; i < 1000 && fake_stream_in_flight(&s) > 0; i++)
		fake_stream_ack(&s, 5000);
	r = reply(false);
	assert_int_equal(r.body_len, LARGE);
	assert_memory_equal(r.body, large, LARGE);
	assert_int_equal(reply(false).status, 200);
	assert_int_equal(source.calls, 1);
	fake_stream_fini(&s);
}

static void a_client_that_leaves_lets_go_of_the_document(void **state)
{
	(void)state;
	source.body = large;
	source.len = LARGE;
	open_stream(20000, "10.77.0.1");
	fake_stream_feed_text(&s, GET("/open/x"));
	assert_true(source.owner.references > 1);
	fake_stream_lose(&s, STREAM_END_RESET);
	fake_stream_fini(&s);
	assert_int_equal(source.owner.references, 1);
}

static void requests_are_counted_for_each_connection(void **state)
{
	const struct stream nobody = { 0 };
	uint32_t requests;

	(void)state;
	assert_false(http_requests_of(&nobody, &requests));
	open_stream(1 << 20, "10.77.0.1");
	assert_true(http_requests_of(&s.stream, &requests));
	assert_int_equal(requests, 0);
	fake_stream_feed_text(&s, GET("/") GET("/open/x"));
	assert_true(http_requests_of(&s.stream, &requests));
	assert_int_equal(requests, 2);
	fake_stream_fini(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(documents_are_answered_and_not_to_be_kept),
		TEST(head_has_the_fields_alone),
		TEST(other_methods_are_refused_with_allow),
		TEST(clients_outside_allow_are_forbidden),
		TEST(a_prefix_without_its_slash_is_redirected),
		TEST(a_handlers_status_has_its_page),
		TEST(files_stand_beside_locations),
		TEST(a_large_document_waits_for_room),
		TEST(a_client_that_leaves_lets_go_of_the_document),
		TEST(requests_are_counted_for_each_connection),
	};

	return cmocka_run_group_tests_name("http_route", tests, NULL, NULL);
}
