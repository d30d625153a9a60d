/*
 * Calls: what a location's handler is told of a request and its body, in which order, what it may refuse, and
 * that the stream holds the body back while it does not take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_call.h"

#define SECOND UINT64_C(1000000)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: a\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"

/* What the handler does, and what it saw. */
struct seen {
	unsigned begin_status, take_status, answer_status;
	const char *location; /* of its answer */
	enum http_ending ending;
	bool answers_early;
	const char *congestion;
	size_t room;          /* bytes that it takes in all; SIZE_MAX: any number */
	char events[256];     /* b(egin), t(ake), a(nswer), e(nd), as they came */
	char body[256];
	size_t body_len;
	uint64_t announced;
	char path[64], method[16], field[64];
	struct http_call *call; /* the last one that began */
};

static struct http_fixture fx;
static struct fake_stream s;
static struct seen seen;
static size_t at;

/* Calls of take() in a row are one event: how a body is cut does not matter. */
static void note(char event)
{
	size_t len = strlen(seen.events);

	if (event == 't' && len > 0 && seen.events[len - 1] == 't')
		return;
	assert_true(len + 1 < sizeof seen.events);
	seen.events[len] = event;
}

static void copy(char *to, size_t size, struct bytes from)
{
	snprintf(to, size, "%.*s", (int)from.len, from.data != NULL ? (const char *)from.data : "");
}

static unsigned begin(struct http_call *call)
{
	note('b');
	seen.announced = call->body_len;
	seen.call = call;
	assert_ptr_equal(call->context, &seen);
	assert_null(call->state);
	call->state = &seen;
	call->answers_early = seen.answers_early;
	return seen.begin_status;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	assert_ptr_equal(call->state, &seen);
	assert_true(data.len > 0 && data.len <= seen.room);
	assert_true(seen.body_len + data.len <= sizeof seen.body);
	note('t');
	memcpy(seen.body + seen.body_len, data.data, data.len);
	seen.body_len += data.len;
	if (seen.room != SIZE_MAX)
		seen.room -= data.len;
	return seen.take_status;
}

static size_t room(const struct http_call *call)
{
	(void)call;
	return seen.room;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	note('a');
	copy(seen.method, sizeof seen.method, http_call_method(call));
	copy(seen.field, sizeof seen.field, http_call_value(call, "x-field"));
	snprintf(seen.path, sizeof seen.path, "%s", call->path);
	out->location = seen.location;
	out->ending = seen.ending;
	out->congestion = seen.congestion;
	if (seen.answer_status == 200) {
		out->type = "text/plain";
		out->body = (struct span){ .data = (const uint8_t *)"done", .len = 4 };
	}
	return seen.answer_status;
}

static void end(struct http_call *call)
{
	note('e');
	assert_ptr_equal(call->state, &seen);
}

static const struct http_handler post = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST),
	.begin = begin, .take = take, .room = room, .answer = answer, .end = end,
};
static const struct http_handler any = { .methods = HTTP_METHODS_ALL, .begin = begin, .take = take, .answer = answer };

/* Which of two handlers it is shows at the head. */
static unsigned choose(struct http_call *call)
{
	call->handler = &post;
	return seen.begin_status != 0 ? seen.begin_status : begin(call);
}

static const struct http_handler choosing = { .methods = HTTP_METHODS_ALL, .begin = choose };
static const struct http_handler reading = { .methods = HTTP_METHODS_READING, .answer = answer };

static int set_up(void **state)
{
	static const struct http_location locations[] = {
		{ .prefix = "/post", .handler = &post, .context = &seen },
		{ .prefix = "/any/", .handler = &any, .context = &seen },
		{ .prefix = "/read/", .handler = &reading, .context = &seen },
		{ .prefix = "/choose", .handler = &choosing, .context = &seen },
	};

	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "aaaa");
	fx.locations = locations;
	fx.n_locations = 4;
	fx.config.max_body = 200;
	http_fixture_start(&fx);
	seen = (struct seen){ .answer_status = 200, .room = SIZE_MAX };
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
	return 0;
}

static struct http_reply reply(void)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_reply(unsigned status)
{
	assert_int_equal(reply().status, status);
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

static void assert_body(const char *expected)
{
	assert_int_equal(seen.body_len, strlen(expected));
	assert_memory_equal(seen.body, expected, seen.body_len);
}

static void assert_nothing_more(void)
{
	assert_int_equal(at, s.sent_len);
}

/* ---- in order ---- */

static void a_handler_gets_head_body_and_end(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post/x%20y?q") "X-Field: v\r\n" LENGTH(5) "hello" GET("/a.txt"));
	assert_reply(200);
	assert_reply(200);
	assert_nothing_more();
	assert_string_equal(seen.events, "btae");
	assert_body("hello");
	assert_int_equal(seen.announced, 5);
	assert_string_equal(seen.path, "/x y");
	assert_string_equal(seen.method, "POST");
	assert_string_equal(seen.field, "v");
}

static void a_request_without_body_is_a_call_too(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, GET("/post"));
	assert_reply(200);
	assert_string_equal(seen.events, "bae");
	assert_int_equal(seen.announced, 0);
	assert_string_equal(seen.path, "");
}

static void chunks_are_joined_however_they_are_cut(void **state)
{
	static const char request[] = POST("/post") "Transfer-Encoding: chunked\r\n\r\n"
				      "5;x\r\nhello\r\n1\r\n \r\n00a\r\n0123456789\r\n0\r\nX: y\r\n\r\n";

	(void)state;
	for (size_t piece = 1; piece < sizeof request; piece++) {
		seen = (struct seen){ .answer_status = 200, .room = SIZE_MAX };
		s.piece = piece;
		fake_stream_feed_text(&s, request);
		assert_reply(200);
		assert_string_equal(seen.events, "btae");
		assert_body("hello 0123456789");
		assert_true(seen.announced == HTTP_LENGTH_UNKNOWN);
	}
}

static void a_handler_that_takes_no_body_need_not_know_of_it(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, "GET /read/ HTTP/1.1\r\nHost: a\r\n" LENGTH(5) "hello" GET("/a.txt"));
	assert_reply(200);
	assert_reply(200);
	assert_string_equal(seen.events, "a");
}

/* ---- methods ---- */

static void a_location_says_what_it_allows(void **state)
{
	struct http_reply r;

	(void)state;
	fake_stream_feed_text(&s, "OPTIONS /post HTTP/1.1\r\nHost: a\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 204);
	assert_field(&r, "Allow", "GET, HEAD, POST, OPTIONS");
	fake_stream_feed_text(&s, "PUT /post HTTP/1.1\r\nHost: a\r\n" LENGTH(5) "hello");
	r = reply();
	assert_int_equal(r.status, 405);
	assert_field(&r, "Allow", "GET, HEAD, POST, OPTIONS");
	fake_stream_feed_text(&s, POST("/read/") LENGTH(5) "hello");
	r = reply();
	assert_int_equal(r.status, 405);
	assert_field(&r, "Allow", "GET, HEAD, OPTIONS");
	assert_string_equal(seen.events, "");
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_reply(200);
}

static void a_handler_of_any_method_gets_any(void **state)
{
	static const char *const methods[] = { "GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE" };
	char request[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
		snprintf(request, sizeof request, "%s /any/ HTTP/1.1\r\nHost: a\r\n\r\n", methods[i]);
		fake_stream_feed_text(&s, request);
		assert_reply(200);
		assert_string_equal(seen.method, methods[i]);
	}
}

/* ---- answers ---- */

static void answers_to_post_are_never_to_be_kept(void **state)
{
	static const unsigned statuses[] = { 200, 404, 500, 303 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		struct http_reply r;

		seen.answer_status = statuses[i];
		seen.location = statuses[i] == 303 ? "/thanks?a=b" : NULL;
		fake_stream_feed_text(&s, POST("/post") LENGTH(0));
		r = reply();
		assert_int_equal(r.status, statuses[i]);
		assert_field(&r, "Cache-Control", "no-store");
		assert_field(&r, "Location", statuses[i] == 303 ? "/thanks?a=b" : "");
		fake_stream_fini(&s);
		fake_stream_init(&s, 1 << 20);
		at = 0;
		http_serve(fx.server, &s.stream);
	}
}

/* ---- refusals ---- */

static void a_refusal_at_the_head_does_not_wait_for_the_body(void **state)
{
	struct http_reply r;

	(void)state;
	seen.begin_status = 415;
	fake_stream_feed_text(&s, POST("/post") LENGTH(100));
	r = reply();
	assert_int_equal(r.status, 415);
	assert_field(&r, "Connection", "close");
	assert_true(s.shut_down);
	fake_stream_feed_text(&s, "hello" GET("/a.txt"));
	assert_nothing_more();
	assert_null(strchr(seen.events, 'e'));
	assert_null(strchr(seen.events, 't'));
}

static void a_refusal_in_the_body_ends_the_call_and_the_connection(void **state)
{
	(void)state;
	seen.take_status = 413;
	fake_stream_feed_text(&s, POST("/post") LENGTH(100) "hello");
	assert_reply(413);
	assert_true(s.shut_down);
	fake_stream_feed_text(&s, "more" GET("/a.txt"));
	assert_nothing_more();
	assert_string_equal(seen.events, "bte");
}

static void an_expectation_is_met_only_when_the_handler_agrees(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post") "Expect: 100-continue\r\n" LENGTH(5));
	assert_reply(100);
	fake_stream_feed_text(&s, "hello");
	assert_reply(200);
	seen.begin_status = 413;
	fake_stream_feed_text(&s, POST("/post") "Expect: 100-continue\r\n" LENGTH(5));
	assert_reply(413);
	assert_true(s.shut_down);
}

static void a_body_beyond_max_body_is_413(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post") LENGTH(201));
	assert_reply(413);
	assert_string_equal(seen.events, "");
}

/* ---- flow control ---- */

static void a_handler_that_does_not_take_closes_the_window(void **state)
{
	(void)state;
	seen.room = 3;
	fake_stream_feed_text(&s, POST("/post") LENGTH(10) "0123456789" GET("/a.txt"));
	assert_body("012");
	assert_int_equal(s.input_len, 7 + sizeof GET("/a.txt") - 1);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("012");
	http_call_resume(seen.call); /* in vain */
	assert_body("012");
	seen.room = 5;
	http_call_resume(seen.call);
	assert_body("01234567");
	assert_nothing_more();
	seen.room = SIZE_MAX;
	http_call_resume(seen.call);
	assert_body("0123456789");
	assert_string_equal(seen.events, "btae");
	for (int i = 0; i < 3; i++)
		assert_reply(200);
	assert_nothing_more();
	assert_int_equal(s.input_len, 0);
}

static void a_fin_behind_a_held_body_is_not_heard_too_early(void **state)
{
	(void)state;
	seen.room = 0;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hello");
	fake_stream_end(&s);
	assert_nothing_more();
	seen.room = SIZE_MAX;
	http_call_resume(seen.call);
	assert_reply(200);
	assert_string_equal(seen.events, "btae");
}

static void a_handler_that_stalls_too_long_is_503(void **state)
{
	(void)state;
	seen.room = 2;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hello");
	http_fixture_advance(&fx, fx.config.body_timeout_us - SECOND);
	fake_stream_feed_text(&s, GET("/a.txt")); /* wins no time */
	assert_nothing_more();
	http_fixture_advance(&fx, 2 * SECOND);
	assert_reply(503);
	assert_string_equal(seen.events, "bte");
	assert_true(s.shut_down);
	assert_int_equal(s.input_len, 0); /* it is read on, so that closing does not reset */
}

/* ---- endings ---- */

static void a_client_that_leaves_ends_the_call(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hel");
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_string_equal(seen.events, "bte");
}

static void a_client_that_leaves_while_the_handler_stalls_ends_the_call(void **state)
{
	(void)state;
	seen.room = 1;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hel");
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_string_equal(seen.events, "bte");
}

static void a_body_that_does_not_come_ends_the_call(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hel");
	http_fixture_advance(&fx, fx.config.body_timeout_us + SECOND);
	assert_reply(408);
	assert_string_equal(seen.events, "bte");
}

static void a_handler_may_choose_another(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/choose") LENGTH(5) "hel");
	fake_stream_feed_text(&s, "lo");
	assert_reply(200);
	assert_string_equal(seen.events, "btae");
	assert_body("hello");
	seen.begin_status = 404;
	fake_stream_feed_text(&s, POST("/choose") LENGTH(5) "hello" GET("/a.txt"));
	assert_reply(404);
	assert_reply(200);
	assert_string_equal(seen.events, "btae");
}

/* ---- the end of the connection ---- */

static void assert_closes(const struct http_reply *r)
{
	assert_int_equal(r->status, 200);
	assert_field(r, "Connection", "close");
	assert_false(s.closed || s.aborted);
}

static void an_answer_may_end_the_connection(void **state)
{
	struct http_reply r;

	(void)state;
	seen.ending = HTTP_ENDING_OURS;
	fake_stream_feed_text(&s, GET("/any/") GET("/a.txt"));
	r = reply();
	assert_closes(&r);
	assert_true(s.shut_down);
	assert_nothing_more();
}

static void an_answer_may_leave_the_first_fin_to_the_peer(void **state)
{
	struct http_reply r;

	(void)state;
	seen.ending = HTTP_ENDING_PEERS;
	fake_stream_feed_text(&s, GET("/any/"));
	r = reply();
	assert_closes(&r);
	assert_false(s.shut_down);
	fake_stream_feed_text(&s, GET("/a.txt")); /* which nobody reads any more */
	assert_nothing_more();
	fake_stream_end(&s);
	assert_true(s.closed);
}

static void it_is_not_left_to_the_peer_for_ever(void **state)
{
	(void)state;
	seen.ending = HTTP_ENDING_PEERS;
	fake_stream_feed_text(&s, GET("/any/"));
	http_fixture_advance(&fx, fx.config.linger_timeout_us + SECOND);
	assert_true(s.closed);
}

static void an_early_answer_does_not_wait_for_the_body(void **state)
{
	struct http_reply r;

	(void)state;
	seen.answers_early = true;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "he");
	r = reply();
	assert_closes(&r);
	assert_true(s.shut_down);
	assert_string_equal(seen.events, "bae");
	fake_stream_feed_text(&s, "llo");
	assert_nothing_more();
	assert_false(s.closed);
	fake_stream_end(&s);
	assert_true(s.closed);
}

static void freeing_the_server_ends_calls(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, POST("/post") LENGTH(5) "hel");
	http_server_free(fx.server);
	fx.server = NULL;
	assert_string_equal(seen.events, "bte");
}

static void an_answer_may_have_a_congestion_control_of_its_own(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, GET("/post"));
	assert_int_equal(s.congestion_calls, 0);
	seen.congestion = "bbr";
	fake_stream_feed_text(&s, GET("/post"));
	assert_string_equal(s.congestion, "bbr");
	seen.congestion = "reno";
	fake_stream_feed_text(&s, GET("/post"));
	assert_string_equal(s.congestion, "reno");
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_null(s.congestion);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(s.congestion_calls, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_handler_gets_head_body_and_end),
		TEST(a_request_without_body_is_a_call_too),
		TEST(chunks_are_joined_however_they_are_cut),
		TEST(a_handler_that_takes_no_body_need_not_know_of_it),
		TEST(a_location_says_what_it_allows),
		TEST(a_handler_of_any_method_gets_any),
		TEST(answers_to_post_are_never_to_be_kept),
		TEST(a_refusal_at_the_head_does_not_wait_for_the_body),
		TEST(a_refusal_in_the_body_ends_the_call_and_the_connection),
		TEST(an_expectation_is_met_only_when_the_handler_agrees),
		TEST(a_body_beyond_max_body_is_413),
		TEST(a_handler_that_does_not_take_closes_the_window),
		TEST(a_fin_behind_a_held_body_is_not_heard_too_early),
		TEST(a_handler_that_stalls_too_long_is_503),
		TEST(a_client_that_leaves_ends_the_call),
		TEST(a_client_that_leaves_while_the_handler_stalls_ends_the_call),
		TEST(a_body_that_does_not_come_ends_the_call),
		TEST(a_handler_may_choose_another),
		TEST(an_answer_may_end_the_connection),
		TEST(an_answer_may_leave_the_first_fin_to_the_peer),
		TEST(it_is_not_left_to_the_peer_for_ever),
		TEST(an_early_answer_does_not_wait_for_the_body),
		TEST(freeing_the_server_ends_calls),
		TEST(an_answer_may_have_a_congestion_control_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
