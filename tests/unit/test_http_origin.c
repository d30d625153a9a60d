/* Which requests a page of another origin may have made. Origins as such are in test_ws_handshake.c as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_origin.h"

static struct http_parser_pool pool;

typedef bool ask_fn(const struct http_call *call);

/* What is said of a request for this authority with these fields. */
static bool is_so(ask_fn *ask, const char *authority, const char *fields, bool is_encrypted)
{
	struct http_request *r = http_request_take(&pool);
	struct http_target target;
	enum http_parsed parsed;
	char head[512];
	int len = snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n%s\r\n", authority,
			   fields);
	bool so;

	http_parser_feed(r, bytes_of(head, (size_t)len), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	assert_int_equal(http_target_parse(r, &target), 0);
	so = ask(&(struct http_call){ .request = r, .target = &target, .is_encrypted = is_encrypted });
	http_request_give(r);
	return so;
}

static bool is_trusted(const char *fields, bool is_encrypted)
{
	return is_so(http_origin_is_trusted, "10.77.0.2", fields, is_encrypted);
}

static bool is_certain(const char *authority)
{
	return is_so(http_origin_is_certain, authority, "", false);
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
	assert_true(is_trusted("Origin: http://10.77.0.2\r\n", false));
	assert_true(is_trusted("Origin: https://10.77.0.2:443\r\n", true));
	assert_false(is_trusted("Origin: http://10.77.0.2\r\n", true));
	assert_false(is_trusted("Origin: https://10.77.0.2\r\n", false));
	assert_false(is_trusted("Origin: http://10.77.0.2:8080\r\n", false));
	assert_false(is_trusted("Origin: http://evil.example\r\n", false));
	assert_false(is_trusted("Origin: null\r\n", false));
	assert_false(is_trusted("Origin:\r\n", false));
	assert_false(is_trusted("Origin: http://10.77.0.2\r\nOrigin: http://evil.example\r\n", false));
}

static void fetch_metadata(void **state)
{
	(void)state;
	assert_true(is_trusted("Sec-Fetch-Site: same-origin\r\n", false));
	assert_true(is_trusted("Sec-Fetch-Site: none\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: same-site\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: cross-site\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: cross-site\r\nOrigin: http://10.77.0.2\r\n", false));
	assert_false(is_trusted("Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n", false));
}

/* RFC 6454 knows names only: one that is somebody else's may lead here (DNS rebinding). */
static void names_of_nobody_are_not_certain(void **state)
{
	(void)state;
	assert_true(is_certain("10.77.0.2"));
	assert_true(is_certain("10.77.0.2:8080"));
	assert_true(is_certain("[2001:db8::1]:8080"));
	assert_true(is_certain("LocalHost"));
	assert_false(is_certain("evil.example"));
	assert_false(is_certain("10.77.0.2.evil.example"));
	assert_false(is_certain("a.name.that.is.longer.than.any.address.would.be.in.text.example"));
	assert_false(is_so(http_origin_is_trusted, "evil.example", "", false));
	assert_false(is_so(http_origin_is_trusted, "evil.example", "Origin: http://evil.example\r\n", false));
}

int main(void)
{
	const struct http_limits limits = { 8192, 32768, 100, 1 << 20 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_page_sends_neither_field),
		cmocka_unit_test(origins),
		cmocka_unit_test(fetch_metadata),
		cmocka_unit_test(names_of_nobody_are_not_certain),
	};
	int failed;

	http_parser_pool_init(&pool, &limits, 4);
	failed = cmocka_run_group_tests_name("http_origin", tests, NULL, NULL);
	http_parser_pool_fini(&pool);
	return failed;
}
