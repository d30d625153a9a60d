/* Echo: what comes back, in each of its forms, of requests that a server on a stream in memory gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "server/echo.h"
#include "server/worker.h"

#define HEAD(method, target) method " " target " HTTP/1.1\r\nHost: a\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"

static struct http_fixture fx;
static struct fake_stream s;
static struct config config;
static struct worker worker;
static size_t at;

static int set_up(void **state)
{
	static const struct http_location locations[] = {
		{ .prefix = "/echo", .handler = &echo_handler, .context = &worker },
		{ .prefix = "/octet", .handler = &echo_octet_handler, .context = &worker },
	};

	(void)state;
	http_fixture_init(&fx);
	fx.config.max_body = config.http.max_body = 1000;
	worker = (struct worker){ .config = &config, .bodies.limit = 100000 };
	fx.locations = locations;
	fx.n_locations = 2;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	assert_true(ip_addr_parse("192.0.2.1", &s.facts.remote));
	s.facts.remote_port = 4711;
	at = 0;
	http_serve(fx.server, &s.stream);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	assert_int_equal(worker.bodies.in_use, 0);
	return 0;
}

static struct http_reply ask(const char *request, size_t len)
{
	struct http_reply r = { 0 };

	fake_stream_feed(&s, request, len);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_echo(const char *request, const char *type, const char *expected)
{
	struct http_reply r = ask(request, strlen(request));
	char value[256];

	assert_int_equal(r.status, 200);
	http_reply_field(&r, "Content-Type", value);
	assert_string_equal(value, type);
	http_reply_field(&r, "Cache-Control", value);
	assert_string_equal(value, "no-store");
	assert_int_equal(r.body_len, strlen(expected));
	assert_memory_equal(r.body, expected, r.body_len);
}

static void assert_contains(const char *request, const char *expected)
{
	struct http_reply r = ask(request, strlen(request));

	if (memmem(r.body, r.body_len, expected, strlen(expected)) == NULL)
		fail_msg("%s is not in %.*s", expected, (int)r.body_len, r.body);
}

static void text_shows_all(void **state)
{
	(void)state;
	assert_echo(HEAD("POST", "/echo/x?a=1&b=%26+c") LENGTH(5) "hello", "text/plain; charset=utf-8",
		    "POST /echo/x?a=1&b=%26+c HTTP/1.1\nfrom 192.0.2.1 port 4711\n\n"
		    "parameters\n  a: 1\n  b: & c\n\nfields\n  Host: a\n  Content-Length: 5\n\n"
		    "body, bytes: 5\nhello");
	assert_echo(HEAD("GET", "/echo") "\r\n", "text/plain; charset=utf-8",
		    "GET /echo HTTP/1.1\nfrom 192.0.2.1 port 4711\n\nparameters\n\nfields\n  Host: a\n\n"
		    "body, bytes: 0\n");
}

static void json_shows_all(void **state)
{
	(void)state;
	assert_echo(HEAD("PUT", "/echo?a&a=%22") "Accept: application/json\r\n" LENGTH(3) "\"\n\xff",
		    "application/json",
		    "{\"method\":\"PUT\",\"target\":\"/echo?a&a=%22\",\"version\":\"1.1\",\"client\":\"192.0.2.1\","
		    "\"client_port\":4711,\"parameters\":[[\"a\",\"\"],\n[\"a\",\"\\\"\"]],\n\"fields\":[[\"Host\",\"a\"],\n"
		    "[\"Accept\",\"application/json\"],\n[\"Content-Length\",\"3\"]],\n\"body_bytes\":3,"
		    "\"body\":\"\\\"\\u000a\\ufffd\"}\n");
}

static void html_is_escaped(void **state)
{
	(void)state;
	assert_contains(HEAD("POST", "/echo?%3Cb%3E=%22&<i>") "Accept: text/html\r\nX: <u>&\r\n" LENGTH(9)
			"</pre><s>", "<tr><th scope=\"row\">&lt;b&gt;<td>&quot;\n");
	at = 0;
	assert_contains("", "<h1>POST /echo?%3Cb%3E=%22&amp;&lt;i&gt;</h1>");
	at = 0;
	assert_contains("", "<td>&lt;u&gt;&amp;\n");
	at = 0;
	assert_contains("", "<pre>\n&lt;/pre&gt;&lt;s&gt;</pre>");
}

static void octets_come_back_as_they_came(void **state)
{
	static const char request[] = HEAD("POST", "/octet") "Content-Type: text/html\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n3\r\n\0\xff<\r\n2\r\n\r\n\r\n0\r\n\r\n";
	struct http_reply r = ask(request, sizeof request - 1);
	char value[256];

	(void)state;
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_len, 5);
	assert_memory_equal(r.body, "\0\xff<\r\n", 5);
	http_reply_field(&r, "Content-Type", value);
	assert_string_equal(value, "application/octet-stream");
	assert_echo(HEAD("PUT", "/octet") LENGTH(0), "application/octet-stream", "");
}

static void bodies_are_limited_alone_and_together(void **state)
{
	char request[2000];
	int n = snprintf(request, sizeof request, HEAD("POST", "/echo") LENGTH(1000) "%01000d", 0);

	(void)state;
	assert_int_equal(ask(request, (size_t)n).status, 200);
	worker.bodies.limit = 10000; /* less than a document begins with */
	assert_int_equal(ask(request, (size_t)n).status, 503);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(text_shows_all),
		TEST(json_shows_all),
		TEST(html_is_escaped),
		TEST(octets_come_back_as_they_came),
		TEST(bodies_are_limited_alone_and_together),
	};

	return cmocka_run_group_tests_name("echo", tests, NULL, NULL);
}
