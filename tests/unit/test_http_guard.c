/* What requests have to pass, as a client sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_call.h"

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n"
#define GET(path) REQUEST("GET", path) "\r\n"
#define POST(path) REQUEST("POST", path) "Content-Length: 3\r\n\r\nabc"
#define SECOND UINT64_C(1000000)

static const struct rate_limit two_a_second = { .interval_us = SECOND / 2, .burst = 2 };
static const struct rate_limit one_a_minute = { .interval_us = 60 * SECOND, .burst = 1 };

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;
static struct http_policy policies[2];
static struct http_location locations[2];
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

/* /files/ are files with a policy, /post a handler with one. */
static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "a");
	http_fixture_write_text(&fx, "files/a.txt", "in files");
	memset(policies, 0, sizeof policies);
	locations[0] = (struct http_location){ .prefix = "/files/", .policy = &policies[0] };
	locations[1] = (struct http_location){ .prefix = "/post", .policy = &policies[1], .handler = &handler };
	fx.locations = locations;
	fx.n_locations = 2;
	begun = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	return 0;
}

static void open_stream(const char *client)
{
	fake_stream_init(&s, 1 << 20);
	assert_true(ip_addr_parse(client, &s.facts.remote));
	at = 0;
	http_serve(fx.server, &s.stream);
}

static void start(void)
{
	http_fixture_start(&fx);
	open_stream("192.0.2.1");
}

static struct http_reply ask(const char *request)
{
	struct http_reply r = { 0 };

	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(at, s.sent_len);
	return r;
}

static unsigned status_of(const char *request)
{
	return ask(request).status;
}

static void assert_retry_after(const char *request, const char *seconds)
{
	struct http_reply r = ask(request);
	char value[256];

	assert_int_equal(r.status, 429);
	assert_true(http_reply_field(&r, "Retry-After", value));
	assert_string_equal(value, seconds);
	assert_false(http_reply_field(&r, "Connection", value));
}

static void more_than_the_rate_is_429_and_the_connection_goes_on(void **state)
{
	struct http_usage usage;

	(void)state;
	fx.site.policy.rate = two_a_second;
	start();
	assert_int_equal(status_of(GET("/a.txt")), 200);
	assert_int_equal(status_of(GET("/nothing")), 404);
	assert_retry_after(GET("/a.txt"), "1");
	http_fixture_advance(&fx, SECOND / 2);
	assert_int_equal(status_of(GET("/a.txt")), 200);
	assert_retry_after(GET("/a.txt"), "1");
	http_usage(fx.server, &usage);
	assert_int_equal(usage.rate_limited, 2);
}

static void each_client_has_its_own(void **state)
{
	(void)state;
	fx.site.policy.rate = one_a_minute;
	start();
	assert_int_equal(status_of(GET("/a.txt")), 200);
	assert_retry_after(GET("/a.txt"), "60");
	fake_stream_fini(&s);
	open_stream("192.0.2.2");
	assert_int_equal(status_of(GET("/a.txt")), 200);
	fake_stream_fini(&s);
	open_stream("192.0.2.1"); /* another connection is no other client */
	assert_retry_after(GET("/a.txt"), "60");
}

static void a_location_shares_its_sites_rate_or_has_another(void **state)
{
	(void)state;
	fx.site.policy.rate = policies[0].rate = two_a_second;
	policies[1].rate = one_a_minute;
	start();
	assert_int_equal(status_of(GET("/a.txt")), 200);
	assert_int_equal(status_of(GET("/files/a.txt")), 200);
	assert_retry_after(GET("/a.txt"), "1");
	assert_retry_after(GET("/files/a.txt"), "1");
	assert_int_equal(status_of(GET("/post")), 200);
	assert_retry_after(GET("/post"), "60");
}

static void a_request_with_a_body_counts_once(void **state)
{
	(void)state;
	policies[1].rate = fx.site.policy.rate = two_a_second;
	start();
	assert_int_equal(status_of(POST("/post")), 200);
	assert_int_equal(status_of(POST("/a.txt")), 405);
	assert_int_equal(begun, 1);
	assert_retry_after(POST("/post"), "1");
	assert_int_equal(begun, 1);
}

/* What was refused at its head is not admitted at its end: its body was not kept. */
static void what_was_refused_stays_refused_though_time_passes(void **state)
{
	(void)state;
	policies[1].rate = two_a_second;
	start();
	assert_int_equal(status_of(GET("/post")), 200);
	assert_int_equal(status_of(GET("/post")), 200);
	fake_stream_feed_text(&s, REQUEST("POST", "/post") "Content-Length: 3\r\n\r\na");
	http_fixture_advance(&fx, 5 * SECOND);
	assert_retry_after("bc", "1");
	assert_int_equal(begun, 2);
	assert_int_equal(status_of(POST("/post")), 200);
}

static void who_is_not_admitted_costs_no_token(void **state)
{
	struct ip_prefix network;

	(void)state;
	assert_true(ip_prefix_parse("192.0.2.1", &network));
	fx.site.policy.rate = one_a_minute;
	fx.site.policy.deny = &network;
	fx.site.policy.n_deny = 1;
	start();
	for (int i = 0; i < 3; i++)
		assert_int_equal(status_of(GET("/a.txt")), 403);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(more_than_the_rate_is_429_and_the_connection_goes_on),
		TEST(each_client_has_its_own),
		TEST(a_location_shares_its_sites_rate_or_has_another),
		TEST(a_request_with_a_body_counts_once),
		TEST(what_was_refused_stays_refused_though_time_passes),
		TEST(who_is_not_admitted_costs_no_token),
	};

	return cmocka_run_group_tests_name("http/http_guard", tests, NULL, NULL);
}
