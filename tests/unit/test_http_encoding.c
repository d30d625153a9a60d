/* Accept-Encoding (RFC 9110 section 12.5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_encoding.h"

static struct http_parser_pool pool;

static int set_up(void **state)
{
	const struct http_limits limits = { .max_uri = 1000, .max_headers = 4000, .max_header_count = 20 };

	(void)state;
	http_parser_pool_init(&pool, &limits, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_parser_pool_fini(&pool);
	return 0;
}

/* The weights as "identity br zstd gzip". */
static const char *weights(const char *fields)
{
	static char out[100];
	struct http_request *r = http_request_take(&pool);
	struct http_encoding_weights w;
	enum http_parsed parsed;
	char text[1000];

	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	http_parser_feed(r, bytes_of(text, strlen(text)), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	http_encoding_weigh(r, &w);
	http_request_give(r);
	snprintf(out, sizeof out, "%u %u %u %u", w.of[HTTP_CODING_IDENTITY], w.of[HTTP_CODING_BR],
		 w.of[HTTP_CODING_ZSTD], w.of[HTTP_CODING_GZIP]);
	return out;
}

#define ACCEPT(value) weights("Accept-Encoding: " value "\r\n")

static void codings_that_are_named_are_taken(void **state)
{
	(void)state;
	assert_string_equal(weights(""), "1 0 0 0");
	assert_string_equal(ACCEPT(""), "1 0 0 0");
	assert_string_equal(ACCEPT("gzip"), "1 0 0 1000");
	assert_string_equal(ACCEPT("gzip, deflate, br, zstd"), "1 1000 1000 1000");
	assert_string_equal(ACCEPT("GZIP,x-unknown;q=1"), "1 0 0 1000");
	assert_string_equal(ACCEPT("x-gzip"), "1 0 0 1000");
	assert_string_equal(ACCEPT("gzipped"), "1 0 0 0");
	assert_string_equal(weights("Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"), "1 1000 0 1000");
}

static void weights_have_three_digits(void **state)
{
	(void)state;
	assert_string_equal(ACCEPT("gzip;q=0.5, br ; q=0.123,zstd;Q=1.000"), "1 123 1000 500");
	assert_string_equal(ACCEPT("gzip;q=0, br;q=0.000, zstd;q=1."), "1 0 1000 0");
	assert_string_equal(ACCEPT("identity;q=0.7"), "700 0 0 0");
}

static void malformed_elements_are_passed_over(void **state)
{
	(void)state;
	assert_string_equal(ACCEPT("gzip;q=1.1, br;q=2, zstd;q="), "1 0 0 0");
	assert_string_equal(ACCEPT("gzip;q=0.1234, br;p=1, zstd;q=-1"), "1 0 0 0");
	assert_string_equal(ACCEPT(";q=1, ,,br;;, zstd;q=0x1, gzip"), "1 0 0 1000");
}

static void a_star_stands_for_the_rest(void **state)
{
	(void)state;
	assert_string_equal(ACCEPT("*"), "1 1000 1000 1000");
	assert_string_equal(ACCEPT("*;q=0"), "0 0 0 0");
	assert_string_equal(ACCEPT("gzip, *;q=0"), "0 0 0 1000");
	assert_string_equal(ACCEPT("*;q=0, identity"), "1000 0 0 0");
	assert_string_equal(ACCEPT("br;q=0, *;q=0.5"), "1 0 500 500");
	assert_string_equal(ACCEPT("identity;q=0, *;q=0.5"), "0 500 500 500");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(codings_that_are_named_are_taken),
		TEST(weights_have_three_digits),
		TEST(malformed_elements_are_passed_over),
		TEST(a_star_stands_for_the_rest),
	};

	return cmocka_run_group_tests_name("http_encoding", tests, NULL, NULL);
}
