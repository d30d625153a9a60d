/* The demo location: its parts, asked over a stream in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "server/demo.h"
#include "server/worker.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(target, n) "POST " target " HTTP/1.1\r\nHost: a\r\nContent-Length: " #n "\r\n\r\n"

static struct http_fixture fx;
static struct fake_stream s;
static struct config config;
static struct worker worker;
static struct stack stack;
static size_t at;

/* Timers of the demos are the stack's; here they are as late as the test wants. */
static int set_up(void **state)
{
	static const struct http_location locations[] = {
		{ .prefix = "/demo/", .handler = &demo_handler, .context = &worker },
	};

	(void)state;
	http_fixture_init(&fx);
	fx.config.max_body = 1 << 20;
	timer_wheel_init(&stack.world.timers, 0);
	worker = (struct worker){ .config = &config, .host.stack = &stack, .documents.limit = 100000 };
	fx.locations = locations;
	fx.n_locations = 1;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	assert_int_equal(worker.documents.in_use, 0);
	assert_int_equal(stack.world.timers.armed, 0);
	return 0;
}

static struct http_reply reply(unsigned status)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, status);
	return r;
}

static void what_is_no_part_is_not_there(void **state)
{
	static const char *const paths[] = { "", "objec/1", "objects/1", "object", "object/", "object/100", "object/-1",
					     "object/1/", "object/x" };
	char request[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		snprintf(request, sizeof request, "GET /demo/%s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
		fake_stream_feed_text(&s, request);
		reply(404);
	}
}

static void allow(unsigned status, const char *methods)
{
	struct http_reply r = reply(status);
	char value[256];

	assert_true(http_reply_field(&r, "Allow", value));
	assert_string_equal(value, methods);
}

static void each_part_tells_which_methods_it_has(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, GET("/demo/sink") POST("/demo/object/1", 0));
	allow(405, "POST, OPTIONS");
	allow(405, "GET, HEAD, OPTIONS");
	fake_stream_feed_text(&s, "OPTIONS /demo/flood HTTP/1.1\r\nHost: a\r\n\r\n"
				  "OPTIONS /demo/none HTTP/1.1\r\nHost: a\r\n\r\n"
				  "DELETE /demo HTTP/1.1\r\nHost: a\r\n\r\n");
	allow(204, "POST, OPTIONS");
	allow(204, "GET, HEAD, POST, OPTIONS");
	allow(405, "GET, HEAD, POST, OPTIONS");
}

static void objects_are_small_and_end_what_they_are_asked_to(void **state)
{
	struct http_reply r;
	char value[256];

	(void)state;
	fake_stream_feed_text(&s, GET("/demo/object/0?run=close") GET("/demo/object/99?run=x&close"));
	r = reply(200);
	assert_int_equal(r.body_len, 1000);
	assert_false(http_reply_field(&r, "Connection", value));
	assert_true(http_reply_field(&r, "Cache-Control", value));
	assert_string_equal(value, "no-store");
	r = reply(200);
	assert_true(http_reply_field(&r, "Connection", value));
	assert_string_equal(value, "close");
	assert_true(s.shut_down);
}

static void the_end_may_be_left_to_the_client(void **state)
{
	struct http_reply r;
	char value[256];

	(void)state;
	fake_stream_feed_text(&s, GET("/demo/object/1?close=client"));
	r = reply(200);
	http_reply_field(&r, "Connection", value);
	assert_string_equal(value, "close");
	assert_false(s.shut_down);
}

static void assert_counted(const struct http_reply *r, const char *expected)
{
	assert_int_equal(r->body_len, strlen(expected));
	assert_memory_equal(r->body, expected, r->body_len);
}

static void a_sink_counts_what_comes(void **state)
{
	struct http_reply r;

	(void)state;
	fake_stream_feed_text(&s, POST("/demo/sink", 5) "hello");
	r = reply(200);
	assert_counted(&r, "{\"early\":false,\"bytes\":5}\n");
	assert_false(s.shut_down);
}

static void a_sink_may_answer_first(void **state)
{
	struct http_reply r;

	(void)state;
	fake_stream_feed_text(&s, POST("/demo/sink?early", 5) "he");
	r = reply(200);
	assert_counted(&r, "{\"early\":true,\"bytes\":0}\n");
	assert_true(s.shut_down && !s.closed);
	fake_stream_feed_text(&s, "llo");
	fake_stream_end(&s);
	assert_true(s.closed);
}

static void a_sink_takes_no_more_than_its_rate(void **state)
{
	static char body[5000];
	struct http_reply r;

	(void)state;
	fake_stream_feed_text(&s, POST("/demo/sink?rate=20000", 5000));
	fake_stream_feed(&s, body, sizeof body);
	for (uint64_t turn = 1; turn < 5; turn++) {
		assert_int_equal(at, s.sent_len);
		stack.world.now_us = turn * 50000; /* 1,000 bytes each */
		timer_wheel_advance(&stack.world.timers, stack.world.now_us);
	}
	r = reply(200);
	assert_counted(&r, "{\"early\":false,\"bytes\":5000}\n");
	fake_stream_feed_text(&s, POST("/demo/sink?rate=1", 0) POST("/demo/sink?rate=x", 0));
	reply(400);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_part_is_not_there),
		TEST(each_part_tells_which_methods_it_has),
		TEST(objects_are_small_and_end_what_they_are_asked_to),
		TEST(the_end_may_be_left_to_the_client),
		TEST(a_sink_counts_what_comes),
		TEST(a_sink_may_answer_first),
		TEST(a_sink_takes_no_more_than_its_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
