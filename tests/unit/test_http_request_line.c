/* The request line, RFC 9112 section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_request_line.h"

enum { MAX_URI = 100 };

static struct http_request_line line;

static unsigned parse(const char *text)
{
	/* An exact copy, so that reading past the end is seen. */
	size_t len = strlen(text);
	char *copy = malloc(len);
	unsigned status;

	assert_non_null(copy);
	memcpy(copy, text, len);
	status = http_request_line_parse(copy, len, MAX_URI, &line);
	free(copy);
	return status;
}

static void parts_are_found(void **state)
{
	(void)state;
	assert_int_equal(parse("GET /a?b HTTP/1.1\r\n"), 0);
	assert_int_equal(line.method, HTTP_METHOD_GET);
	assert_int_equal(line.method_len, 3);
	assert_int_equal(line.target_at, 4);
	assert_int_equal(line.target_len, 4);
	assert_int_equal(line.major, 1);
	assert_int_equal(line.minor, 1);
	assert_int_equal(parse("OPTIONS * HTTP/1.0\r\n"), 0);
	assert_int_equal(line.method, HTTP_METHOD_OPTIONS);
	assert_int_equal(line.minor, 0);
}

static void every_method_is_known(void **state)
{
	static const struct {
		const char *text;
		enum http_method method;
	} methods[] = {
		{ "GET / HTTP/1.1\r\n", HTTP_METHOD_GET },
		{ "HEAD / HTTP/1.1\r\n", HTTP_METHOD_HEAD },
		{ "POST / HTTP/1.1\r\n", HTTP_METHOD_POST },
		{ "PUT / HTTP/1.1\r\n", HTTP_METHOD_PUT },
		{ "DELETE / HTTP/1.1\r\n", HTTP_METHOD_DELETE },
		{ "PATCH / HTTP/1.1\r\n", HTTP_METHOD_PATCH },
		{ "TRACE / HTTP/1.1\r\n", HTTP_METHOD_TRACE },
		{ "OPTIONS / HTTP/1.1\r\n", HTTP_METHOD_OPTIONS },
		{ "CONNECT a:1 HTTP/1.1\r\n", HTTP_METHOD_CONNECT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		assert_int_equal(parse(methods[i].text), 0);
		assert_int_equal(line.method, methods[i].method);
	}
}

static void unknown_methods_are_501_malformed_ones_400(void **state)
{
	(void)state;
	assert_int_equal(parse("FOO / HTTP/1.1\r\n"), 501);
	assert_int_equal(parse("get / HTTP/1.1\r\n"), 501);
	assert_int_equal(parse("GETT / HTTP/1.1\r\n"), 501);
	assert_int_equal(parse("M-SEARCH / HTTP/1.1\r\n"), 501);
	assert_int_equal(parse("AMETHODTHATISLONGERTHANTHIRTYTWOX / HTTP/1.1\r\n"), 501);
	assert_int_equal(parse("G(T / HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("G\x80T / HTTP/1.1\r\n"), 400);
	assert_int_equal(parse(" GET / HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("\tGET / HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("\x16\x03\x01 / HTTP/1.1\r\n"), 400);
}

static void one_space_stands_between_the_parts(void **state)
{
	(void)state;
	assert_int_equal(parse("GET  / HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /  HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET\t/ HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /\tHTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.1 \r\n"), 400);
	assert_int_equal(parse("GET / x HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET  HTTP/1.1\r\n"), 400);
}

static void lines_end_in_crlf(void **state)
{
	(void)state;
	assert_int_equal(parse("GET / HTTP/1.1\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.1\r\r\n"), 400);
	assert_int_equal(parse("GET /\r HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("\n"), 400);
	assert_int_equal(parse("\r\n"), 400);
	assert_int_equal(parse("GET\r\n"), 400);
	assert_int_equal(parse("GET \r\n"), 400);
	assert_int_equal(parse("G \n"), 400);
}

static void versions(void **state)
{
	(void)state;
	assert_int_equal(parse("GET / HTTP/1.2\r\n"), 0);
	assert_int_equal(parse("GET / HTTP/1.9\r\n"), 0);
	assert_int_equal(parse("GET / HTTP/2.0\r\n"), 505);
	assert_int_equal(parse("GET / HTTP/3.0\r\n"), 505);
	assert_int_equal(parse("GET / HTTP/9.9\r\n"), 505);
	assert_int_equal(parse("PRI * HTTP/2.0\r\n"), 505);
	assert_int_equal(parse("GET / HTTP/0.9\r\n"), 400);
	assert_int_equal(parse("GET /\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.11\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/01.1\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/a.1\r\n"), 400);
	assert_int_equal(parse("GET / http/1.1\r\n"), 400);
	assert_int_equal(parse("GET / HTTPS/1.1\r\n"), 400);
	assert_int_equal(parse("GET / RTSP/1.0\r\n"), 400);
	assert_int_equal(parse("GET / ICY/1.0\r\n"), 400);
}

static void targets_are_visible_ascii_without_fragment(void **state)
{
	(void)state;
	assert_int_equal(parse("GET /a\"<>\\^`{|}~ HTTP/1.1\r\n"), 0);
	assert_int_equal(parse("GET /a#b HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /\x01 HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /\x0c HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /\x7f HTTP/1.1\r\n"), 400);
	assert_int_equal(parse("GET /\xc3\xbc HTTP/1.1\r\n"), 400);
	assert_int_equal(http_request_line_parse("GET /\0 HTTP/1.1\r\n", 17, MAX_URI, &line), 400);
}

static void long_targets_are_414(void **state)
{
	char text[200];

	(void)state;
	for (size_t len = MAX_URI - 1; len <= MAX_URI + 20; len++) {
		size_t n = 4 + len;

		memcpy(text, "GET ", 4);
		memset(text + 4, 'a', len);
		text[4] = '/';
		memcpy(text + n, " HTTP/1.1\r\n", 12);
		assert_int_equal(parse(text), len <= MAX_URI ? 0 : 414);
	}
}

/* However much of a line is there, what can be said of it is what will be said of all of it. */
static void the_beginning_of_a_line_is_judged_like_the_whole(void **state)
{
	static const char *const lines[] = {
		"GET / HTTP/1.1\r\n",
		"FOO / HTTP/1.1\r\n",
		" GET / HTTP/1.1\r\n",
		"G\rT / HTTP/1.1\r\n",
		"AMETHODTHATISLONGERTHANTHIRTYTWOX / HTTP/1.1\r\n",
		"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n",
		"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaa\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		unsigned whole = parse(lines[i]);

		for (size_t len = 1; len < strlen(lines[i]); len++) {
			unsigned part = http_request_line_begin(lines[i], len, MAX_URI);

			assert_true(part == 0 || part == whole);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(every_method_is_known),
		cmocka_unit_test(unknown_methods_are_501_malformed_ones_400),
		cmocka_unit_test(one_space_stands_between_the_parts),
		cmocka_unit_test(lines_end_in_crlf),
		cmocka_unit_test(versions),
		cmocka_unit_test(targets_are_visible_ascii_without_fragment),
		cmocka_unit_test(long_targets_are_414),
		cmocka_unit_test(the_beginning_of_a_line_is_judged_like_the_whole),
	};

	return cmocka_run_group_tests_name("http_request_line", tests, NULL, NULL);
}
