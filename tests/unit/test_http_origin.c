/* Which requests a page of another origin may have made. Origins as such are in test_ws_handshake.c as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_origin.h"

static struct http_parser_pool pool;

static bool is_trusted(const char *fields, bool is_encrypted)
{
	static const char start[] = "POST / HTTP/1.1\r\nHost: Example.com\r\nContent-Length: 0\r\n";
	struct http_request *r = http_request_take(&pool);
	struct http_target target;
	enum http_parsed parsed;
	bool trusted;

	http_parser_feed(r, bytes_of(start, sizeof start - 1), &parsed);
	http_parser_feed(r, bytes_of(fields, strlen(fields)), &parsed);
	http_parser_feed(r, bytes_of("\r\n", 2), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	assert_int_equal(http_target_parse(r, &target), 0);
	trusted = http_origin_is_trusted(
		&(struct http_call){ .request = r, .target = &target, .is_encrypted = is_encrypted });
	http_request_give(r);
	return trusted;
}

static void no_page_sends_neither_field(void **state)
{
	(void)state;
	assert_true(is_trusted("", false));
	assert_true(is_trusted("Referer: http://evil.example/\r\n", false));
}

static void origins(void **state)
{
	(void)state;
	assert_true(is_trusted("Origin: http://example.com\r\n", false));
	assert_true(is_trusted("Origin: https://example.com:443\r\n", true));
	assert_false(is_trusted("Origin: http://example.com\r\n", true));
	assert_false(is_trusted("Origin: https://example.com\r\n", false));
	assert_false(is_trusted("Origin: http://example.com:8080\r\n", false));
	assert_false(is_trusted("Origin: http://evil.example\r\n", false));
	assert_false(is_trusted("Origin: null\r\n", false));
	assert_false(is_trusted("Origin:\r\n", false));
	assert_false(is_trusted("Origin: http://example.com\r\nOrigin: http://evil.example\r\n", false));
}

static void fetch_metadata(void **state)
{
	(void)state;
	assert_true(is_trusted("Sec-Fetch-Site: same-origin\r\n", false));
	assert_true(is_trusted("Sec-Fetch-Site: none\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: same-site\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: cross-site\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: cross-site\r\nOrigin: http://example.com\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n", false));
}

int main(void)
{
	const struct http_limits limits = { 8192, 32768, 100, 1 << 20 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_page_sends_neither_field),
		cmocka_unit_test(origins),
		cmocka_unit_test(fetch_metadata),
	};
	int failed;

	http_parser_pool_init(&pool, &limits, 4);
	failed = cmocka_run_group_tests_name("http_origin", tests, NULL, NULL);
	http_parser_pool_fini(&pool);
	return failed;
}
