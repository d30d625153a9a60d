/* Request targets and Host (RFC 9112 section 3.2, RFC 9110 section 7.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_target.h"

static struct http_parser_pool pool;
static struct http_request *request;
static struct http_target target;

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
	if (request != NULL)
		http_request_give(request);
	request = NULL;
	http_parser_pool_fini(&pool);
	return 0;
}

/* The status for a request; target holds its parts until the next. */
static unsigned parse(const char *text)
{
	enum http_parsed parsed;

	if (request != NULL)
		http_request_give(request);
	request = http_request_take(&pool);
	http_parser_feed(request, bytes_of(text, strlen(text)), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	return http_target_parse(request, &target);
}

static void assert_part(struct bytes part, const char *expected)
{
	assert_int_equal(part.len, strlen(expected));
	assert_memory_equal(part.data, expected, part.len);
}

static void origin_form(void **state)
{
	(void)state;
	assert_int_equal(parse("GET /a/b?c=d?e HTTP/1.1\r\nHost: example.com:8080\r\n\r\n"), 0);
	assert_part(target.authority, "example.com:8080");
	assert_part(target.path, "/a/b");
	assert_part(target.query, "?c=d?e");
	assert_int_equal(parse("GET /? HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.path, "/");
	assert_part(target.query, "?");
	assert_int_equal(parse("GET //x/y HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.path, "//x/y");
}

static void absolute_form_overrides_host(void **state)
{
	(void)state;
	assert_int_equal(parse("GET http://other:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.authority, "other:81");
	assert_part(target.path, "/p");
	assert_part(target.query, "?q");
	assert_int_equal(parse("GET HTTPS://other HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.authority, "other");
	assert_part(target.path, "/");
	assert_int_equal(parse("GET http://other?q HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.path, "/");
	assert_part(target.query, "?q");
	assert_int_equal(parse("GET http://[::1]:80/x HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.authority, "[::1]:80");
}

static void absolute_form_must_be_http_with_a_host(void **state)
{
	(void)state;
	assert_int_equal(parse("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET http://user@a/x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET http://user:pw@a/x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET ?x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET \\x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void asterisk_is_for_options(void **state)
{
	(void)state;
	assert_int_equal(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	assert_part(target.path, "*");
	assert_int_equal(parse("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void authority_form_is_for_connect(void **state)
{
	(void)state;
	assert_int_equal(parse("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), 0);
	assert_part(target.authority, "a:80");
	assert_int_equal(parse("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void http_1_1_needs_one_host(void **state)
{
	(void)state;
	assert_int_equal(parse("GET / HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(parse("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.2\r\n\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n"), 0);
	assert_null(target.authority.data);
	assert_int_equal(parse("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
}

/* RFC 9112 section 3.2: also when the target has an authority of its own. */
static void a_bad_host_is_refused(void **state)
{
	static const char *const bad[] = { "",    " ",      "a b",   "a/b",     "a, b",   "user@a",
					   "a:b", "a:80x",  "a:-1",  "a:65536", ":80",    "[::1",
					   "[]",  "[::1]x", "[::g]", "a\"b",    "<a>",    "a\\b",
					   "%zz", "a%4",    "a?b",   "a#b",     "a:80:80" };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		strcpy(text, "GET / HTTP/1.1\r\nHost: ");
		strcat(strcat(text, bad[i]), "\r\n\r\n");
		assert_int_equal(parse(text), 400);
	}
	assert_int_equal(parse("GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n"), 400);
}

static void good_hosts_are_taken(void **state)
{
	static const char *const good[] = {
		"a",     "A.Example.COM",     "a.b.", "10.77.0.2", "10.77.0.2:80",
		"[::1]", "[2001:db8::1]:443", "a:",   "a_b-c",     "xn--bcher-kva.example",
		"%41"
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(http_authority_is_valid(bytes_of(good[i], strlen(good[i]))));
}

static void hosts_lose_port_and_last_dot(void **state)
{
	(void)state;
	assert_part(http_authority_host(bytes_of("a.b:80", 6)), "a.b");
	assert_part(http_authority_host(bytes_of("a.b.:80", 7)), "a.b");
	assert_part(http_authority_host(bytes_of("[::1]:80", 8)), "[::1]");
	assert_part(http_authority_host(bytes_of("a", 1)), "a");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(origin_form),
		TEST(absolute_form_overrides_host),
		TEST(absolute_form_must_be_http_with_a_host),
		TEST(asterisk_is_for_options),
		TEST(authority_form_is_for_connect),
		TEST(http_1_1_needs_one_host),
		TEST(a_bad_host_is_refused),
		TEST(good_hosts_are_taken),
		TEST(hosts_lose_port_and_last_dot),
	};

	return cmocka_run_group_tests_name("http_target", tests, NULL, NULL);
}
