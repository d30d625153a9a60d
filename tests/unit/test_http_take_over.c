/*
 * Streams that a handler takes over with an answer 101: what it is given, in which order, and that HTTP keeps
 * nothing of the connection.
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

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define UPGRADE "GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: loud\r\n\r\n"

/* What the handler saw. */
static struct {
	unsigned status;     /* that it answers with */
	unsigned taken_over, calls_ended, streams_ended, streams_closed;
	bool ended;          /* as take_over() was told */
	size_t room;         /* bytes that it takes in all */
	char text[256];      /* what came over the stream */
	size_t len;
	bool closes_at_once;
} seen;

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;

static size_t on_receive(struct stream *stream, struct bytes data)
{
	size_t len = data.len < seen.room ? data.len : seen.room;

	assert_ptr_equal(stream, &s.stream);
	assert_true(seen.len + len < sizeof seen.text);
	memcpy(seen.text + seen.len, data.data, len);
	seen.len += len;
	seen.room -= len;
	return len;
}

static void on_end(struct stream *stream)
{
	(void)stream;
	seen.streams_ended++;
}

static void on_closed(struct stream *stream, enum stream_end why)
{
	(void)stream, (void)why;
	seen.streams_closed++;
}

static const struct stream_handler loud = { .on_receive = on_receive, .on_end = on_end, .on_closed = on_closed };

static unsigned answer(struct http_call *call, struct http_document *out)
{
	static const char fields[] = "Connection: Upgrade\r\nUpgrade: loud\r\n";

	call->state = &seen;
	out->fields = bytes_of(fields, sizeof fields - 1);
	out->tells_caching = true;
	return seen.status;
}

static size_t take_over(struct http_call *call, struct stream *stream, struct bytes rest, bool ended)
{
	seen.taken_over++;
	seen.ended = ended;
	assert_ptr_equal(call->state, &seen);
	stream->handler = &loud;
	stream->user = &seen;
	if (seen.closes_at_once) {
		stream_abort(stream);
		return 0;
	}
	return rest.len > 0 ? on_receive(stream, rest) : 0;
}

static void end(struct http_call *call)
{
	(void)call;
	seen.calls_ended++;
}

static const struct http_handler handler = {
	.methods = HTTP_METHOD_BIT(GET), .answer = answer, .take_over = take_over, .end = end,
};

static int set_up(void **state)
{
	static const struct http_location locations[] = { { .prefix = "/up", .handler = &handler } };

	(void)state;
	memset(&seen, 0, sizeof seen);
	seen.status = 101;
	seen.room = SIZE_MAX;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "a");
	fx.locations = locations;
	fx.n_locations = ARRAY_LENGTH(locations);
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
	return 0;
}

static struct http_reply reply(void)
{
	struct http_reply r;

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_taken(const char *text)
{
	assert_int_equal(seen.len, strlen(text));
	assert_memory_equal(seen.text, text, seen.len);
}

static void the_stream_and_what_came_behind_the_request_go_over(void **state)
{
	static const char all[] = GET("/a.txt") UPGRADE "HELLO";

	(void)state;
	for (size_t piece = 1; piece <= sizeof all; piece++) {
		struct http_reply r;
		char value[256];

		s.piece = piece;
		fake_stream_feed_text(&s, all);
		r = reply();
		assert_int_equal(r.status, 200);
		r = reply();
		assert_int_equal(r.status, 101);
		assert_true(http_reply_field(&r, "Upgrade", value));
		assert_string_equal(value, "loud");
		assert_true(http_reply_field(&r, "Connection", value));
		assert_string_equal(value, "Upgrade");
		assert_false(http_reply_field(&r, "Content-Length", value));
		assert_false(http_reply_field(&r, "Cache-Control", value));
		assert_int_equal(at, s.sent_len);
		assert_taken("HELLO");
		assert_int_equal(seen.taken_over, 1);
		assert_int_equal(seen.calls_ended, 1);
		assert_false(seen.ended);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void http_keeps_nothing_of_it(void **state)
{
	struct http_usage usage;

	(void)state;
	fake_stream_feed_text(&s, UPGRADE "HEL");
	fake_stream_feed_text(&s, "LO");
	assert_taken("HELLO");
	http_usage(fx.server, &usage);
	assert_int_equal(usage.upgraded, 1);
	assert_int_equal(usage.idle + usage.busy, 0);
	assert_int_equal(usage.responses_by_class[1], 1);
	assert_int_equal(fx.log_count, 1);
	assert_int_equal(fx.logs[0].status, 101);
	assert_true(http_drain(fx.server));
	http_fixture_advance(&fx, 24 * 3600 * UINT64_C(1000000));
	assert_false(fake_stream_is_over(&s));
	stream_close(&s.stream);
}

/* The fixture counts clients by address: one that went over is none of HTTP's any more. */
static void its_place_is_free_for_another(void **state)
{
	struct fake_stream other;

	(void)state;
	http_server_free(fx.server);
	fake_stream_fini(&s);
	fx.config.max_connections = 1;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, UPGRADE);
	fake_stream_init(&other, 1 << 20);
	http_serve(fx.server, &other.stream);
	fake_stream_feed_text(&other, GET("/a.txt"));
	assert_true(other.sent_len > 0);
	fake_stream_fini(&other);
}

/* The last request that a connection may have, and it goes on. */
static void the_answer_never_says_close(void **state)
{
	(void)state;
	http_server_free(fx.server);
	fake_stream_fini(&s);
	fx.config.keepalive_requests = 1;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, UPGRADE);
	assert_int_equal(reply().status, 101);
	assert_null(strstr(s.sent, "close"));
	assert_false(s.shut_down);
}

static void what_it_does_not_take_stays_with_the_stream(void **state)
{
	(void)state;
	seen.room = 3;
	fake_stream_feed_text(&s, UPGRADE "HELLO");
	assert_taken("HEL");
	assert_int_equal(s.input_len, 2);
	seen.room = SIZE_MAX;
	stream_resume(&s.stream);
	assert_taken("HELLO");
}

static void a_fin_is_told(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, UPGRADE "HELLO");
	fake_stream_end(&s);
	assert_int_equal(seen.streams_ended, 1);
	assert_int_equal(seen.streams_closed, 0);
}

static void it_may_let_go_of_the_stream_at_once(void **state)
{
	(void)state;
	seen.closes_at_once = true;
	fake_stream_feed_text(&s, UPGRADE "HELLO");
	assert_true(s.aborted);
	assert_int_equal(seen.calls_ended, 1);
	assert_true(http_drain(fx.server));
}

static void nothing_goes_over_if_the_answer_cannot_leave(void **state)
{
	(void)state;
	s.send_error = -12;
	fake_stream_feed_text(&s, UPGRADE "HELLO");
	assert_int_equal(seen.taken_over, 0);
	assert_int_equal(seen.calls_ended, 1);
	assert_true(s.aborted);
	assert_int_equal(fx.log_count, 1);
}

/* Fields may go with a page as well. */
static void a_refusal_says_what_is_spoken(void **state)
{
	struct http_reply r;
	char value[256];

	(void)state;
	seen.status = 426;
	fake_stream_feed_text(&s, UPGRADE GET("/a.txt"));
	r = reply();
	assert_int_equal(r.status, 426);
	assert_true(http_reply_field(&r, "Upgrade", value));
	assert_string_equal(value, "loud");
	assert_true(r.body_len > 0);
	assert_int_equal(seen.taken_over, 0);
	assert_int_equal(seen.calls_ended, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_stream_and_what_came_behind_the_request_go_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(http_keeps_nothing_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_place_is_free_for_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_answer_never_says_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_it_does_not_take_stays_with_the_stream, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_fin_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_may_let_go_of_the_stream_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_goes_over_if_the_answer_cannot_leave, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_says_what_is_spoken, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
