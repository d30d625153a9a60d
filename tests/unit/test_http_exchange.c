/* Exchanges: whether a connection goes on after one, and how that is said. (What heads are
 * refused, test_http_server sees.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_exchange.h"

static struct http_parser_pool pool;

static enum http_persistence persist(const char *text, unsigned status, enum http_framing framing,
				     bool is_given, bool is_last)
{
	struct http_exchange x = { .request = http_request_take(&pool) };
	struct http_answer answer = { .status = status, .given = { .framing = framing } };
	enum http_persistence result;
	enum http_parsed parsed;

	assert_non_null(x.request);
	if (is_given)
		answer.given.call = &x.call;
	http_parser_feed(x.request, bytes_of(text, strlen(text)), &parsed);
	result = http_exchange_persist(&x, &answer, is_last);
	assert_int_equal(x.persistent, result != HTTP_PERSIST_CLOSE && status != 101);
	http_request_give(x.request);
	return result;
}

static void a_connection_goes_on_if_both_sides_want_it_to(void **state)
{
#define NEW "GET / HTTP/1.1\r\nHost: a\r\n"
#define OLD "GET / HTTP/1.0\r\n"
	static const struct {
		const char *request;
		unsigned status;
		enum http_framing framing;
		bool is_given, is_last;
		enum http_persistence expected;
	} all[] = {
		{ NEW "\r\n", 200, 0, false, false, HTTP_PERSIST_DEFAULT },
		{ NEW "Connection: x, Close\r\n\r\n", 200, 0, false, false, HTTP_PERSIST_CLOSE },
		{ OLD "\r\n", 200, 0, false, false, HTTP_PERSIST_CLOSE },
		{ OLD "Connection: keep-alive\r\n\r\n", 200, 0, false, false, HTTP_PERSIST_KEEP_ALIVE },
		{ OLD "Connection: keep-alive, close\r\n\r\n", 200, 0, false, false, HTTP_PERSIST_CLOSE },
		{ NEW "\r\n", 404, 0, false, false, HTTP_PERSIST_DEFAULT },
		{ NEW "\r\n", 400, 0, false, false, HTTP_PERSIST_CLOSE },
		{ NEW "\r\n", 500, 0, false, false, HTTP_PERSIST_CLOSE },
		{ NEW "\r\n", 500, 0, true, false, HTTP_PERSIST_DEFAULT }, /* a handler's own, of a whole request */
		{ NEW "\r\n", 200, 0, false, true, HTTP_PERSIST_CLOSE },
		{ NEW "Content-Length: 1\r\n\r\n", 200, 0, false, false, HTTP_PERSIST_CLOSE }, /* it is not whole */
		{ NEW "\r\n", 200, HTTP_FRAMED_BY_CHUNKS, true, false, HTTP_PERSIST_DEFAULT },
		{ OLD "Connection: keep-alive\r\n\r\n", 200, HTTP_FRAMED_BY_END, true, false, HTTP_PERSIST_CLOSE },
		{ "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, 0, false, false, HTTP_PERSIST_CLOSE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
		assert_int_equal(persist(all[i].request, all[i].status, all[i].framing, all[i].is_given,
					 all[i].is_last),
				 all[i].expected);
	assert_int_equal(persist(NEW "Connection: upgrade\r\n\r\n", 101, 0, false, true),
			 HTTP_PERSIST_DEFAULT);
}

static void an_answer_may_end_the_connection(void **state)
{
	static const enum http_ending endings[] = { HTTP_ENDING_NONE, HTTP_ENDING_OURS, HTTP_ENDING_PEERS };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
		struct http_exchange x = { .request = http_request_take(&pool) };
		struct http_answer answer = { .status = 200, .ending = endings[i] };
		enum http_parsed parsed;

		assert_non_null(x.request);
		http_parser_feed(x.request, bytes_of(NEW "\r\n", sizeof NEW + 1), &parsed);
		assert_int_equal(http_exchange_persist(&x, &answer, false) == HTTP_PERSIST_CLOSE, i > 0);
		assert_int_equal(x.persistent, i == 0);
		assert_int_equal(x.is_left_to_peer, endings[i] == HTTP_ENDING_PEERS);
		http_request_give(x.request);
	}
}

int main(void)
{
	static const struct http_limits limits = {
		.max_uri = 100, .max_headers = 1000, .max_header_count = 10, .max_body = 1000,
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_goes_on_if_both_sides_want_it_to),
		cmocka_unit_test(an_answer_may_end_the_connection),
	};
	int failed;

	http_parser_pool_init(&pool, &limits, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	http_parser_pool_fini(&pool);
	return failed;
}
