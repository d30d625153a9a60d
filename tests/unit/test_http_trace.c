/* Steps of HTTP as an observer hears of them: in order, by whom, of which connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "tcp/tcp.h"

struct ear {
	struct observer observer;
	const struct tcp_conn *conn;
	char heard[1024];
};

static void listen_to(void *context, const struct trace_event *e)
{
	struct ear *ear = context;
	size_t len = strlen(ear->heard);

	assert_ptr_equal(e->conn, ear->conn);
	snprintf(ear->heard + len, sizeof ear->heard - len, "%c %s\n", e->new_value == TRACE_OURS ? '<' : '>',
		 e->note);
}

static void assert_heard(const char *request, const char *expected)
{
	struct fake_stream stream;
	struct http_fixture f;
	struct ear ear = {
		.observer = { .kinds = TRACE_LAYER, .on_event = listen_to, .context = &ear },
		.conn = tcp_conn_of_stream(&stream.stream),
	};

	http_fixture_init(&f);
	http_fixture_write_text(&f, "a.txt", "hello");
	http_fixture_start(&f);
	world_observe(&f.world, &ear.observer);
	fake_stream_init(&stream, 1 << 16);
	http_serve(f.server, &stream.stream);
	fake_stream_feed_text(&stream, request);
	assert_string_equal(ear.heard, expected);
	fake_stream_lose(&stream, STREAM_END_RESET);
	fake_stream_fini(&stream);
	http_fixture_fini(&f);
}

#define HOST "Host: a\r\n"

static void requests_and_responses_are_told(void **state)
{
	(void)state;
	assert_heard("GET /a.txt HTTP/1.1\r\n" HOST "\r\n",
		     "> HTTP request: GET /a.txt HTTP/1.1\n"
		     "< HTTP response: 200 OK\n"
		     "< HTTP body: all 5 bytes; keep-alive\n");
	assert_heard("HEAD /a.txt HTTP/1.0\r\n" HOST "\r\n",
		     "> HTTP request: HEAD /a.txt HTTP/1.0\n"
		     "< HTTP response: 200 OK\n"
		     "< HTTP body: all 0 bytes; close\n");
}

static void each_of_a_pipeline_is_told(void **state)
{
	(void)state;
	assert_heard("GET /a.txt HTTP/1.1\r\n" HOST "\r\nGET /a.txt HTTP/1.1\r\n" HOST
		     "Connection: close\r\n\r\n",
		     "> HTTP request: GET /a.txt HTTP/1.1\n"
		     "< HTTP response: 200 OK\n"
		     "< HTTP body: all 5 bytes; keep-alive\n"
		     "> HTTP request: GET /a.txt HTTP/1.1\n"
		     "< HTTP response: 200 OK\n"
		     "< HTTP body: all 5 bytes; close\n");
}

static void a_request_that_cannot_be_read_has_an_answer_alone(void **state)
{
	struct fake_stream stream;
	struct http_fixture f;
	struct ear ear = {
		.observer = { .kinds = TRACE_LAYER, .on_event = listen_to, .context = &ear },
		.conn = tcp_conn_of_stream(&stream.stream),
	};

	(void)state;
	http_fixture_init(&f);
	http_fixture_start(&f);
	world_observe(&f.world, &ear.observer);
	fake_stream_init(&stream, 1 << 16);
	http_serve(f.server, &stream.stream);
	fake_stream_feed_text(&stream, "\033]0;title\007 / HTTP/1.1\r\n\r\n");
	assert_non_null(strstr(ear.heard, "< HTTP response: 4"));
	assert_null(strstr(ear.heard, "request"));
	assert_null(strchr(ear.heard, '\033'));
	fake_stream_lose(&stream, STREAM_END_RESET);
	fake_stream_fini(&stream);
	http_fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_responses_are_told),
		cmocka_unit_test(each_of_a_pipeline_is_told),
		cmocka_unit_test(a_request_that_cannot_be_read_has_an_answer_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
