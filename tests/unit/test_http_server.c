/*
 * The server on a stream in memory: statuses, persistence, pipelining, back-pressure, time limits, and how
 * connections end (RFC 9110, RFC 9112).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define SECOND UINT64_C(1000000)

enum { LARGE = 3000000 };

static struct http_fixture fx;
static struct fake_stream s;
static bool is_open;
static size_t at; /* in s.sent: replies up to here have been looked at */
static char *large;

static int set_up(void **state)
{
	char link[128];

	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "index.html", "<h1>index</h1>");
	http_fixture_write_text(&fx, "a.txt", "aaaa");
	http_fixture_write_text(&fx, "b.css", "b{}");
	http_fixture_write_text(&fx, "empty", "");
	http_fixture_write_text(&fx, "dir/index.html", "<h1>dir</h1>");
	http_fixture_write_text(&fx, "bare/file", "x");
	http_fixture_write_text(&fx, "a b\xc3\xbc/index.html", "x");
	http_fixture_write_text(&fx, ".env", "secret");
	http_fixture_write_text(&fx, ".well-known/x", "known");
	large = malloc(LARGE);
	assert_non_null(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 2654435761u >> 13);
	http_fixture_write(&fx, "large", large, LARGE);
	snprintf(link, sizeof link, "%s/outer", fx.root);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	return 0;
}

static void close_stream(void)
{
	if (is_open) {
		fake_stream_fini(&s);
		assert_false(s.unread); /* a RST could overtake our answer */
	}
	is_open = false;
}

static int tear_down(void **state)
{
	(void)state;
	close_stream();
	http_fixture_fini(&fx);
	free(large);
	return 0;
}

static void open_stream(size_t buffer)
{
	close_stream();
	fake_stream_init(&s, buffer);
	is_open = true;
	at = 0;
	http_serve(fx.server, &s.stream);
}

static void start(void)
{
	http_fixture_start(&fx);
	open_stream(1 << 20);
}

static struct http_reply reply_to(bool for_head)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, for_head, &r));
	return r;
}

static struct http_reply reply(void)
{
	return reply_to(false);
}

static void no_more_replies(void)
{
	assert_int_equal(at, s.sent_len);
}

/* The status for a request on a connection of its own. */
static unsigned status_of(const char *request)
{
	struct http_reply r;

	open_stream(1 << 20);
	fake_stream_feed_text(&s, request);
	r = reply();
	no_more_replies();
	return r.status;
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

static void assert_no_field(const struct http_reply *r, const char *name)
{
	char value[256];

	assert_false(http_reply_field(r, name, value));
}

static void assert_body(const struct http_reply *r, const char *expected)
{
	assert_int_equal(r->body_len, strlen(expected));
	assert_memory_equal(r->body, expected, r->body_len);
}

/* What an answer that ends the connection leads to: sent, our side shut down, still reading. */
static void assert_lingers(void)
{
	assert_true(s.shut_down);
	assert_false(s.closed || s.aborted);
}

/* ---- GET, HEAD, OPTIONS ---- */

static void get_a_file(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fx.wall_us = UINT64_C(784111777) * 1000000;
	http_fixture_advance(&fx, 2 * SECOND);
	fake_stream_feed_text(&s, GET("/a.txt"));
	r = reply();
	no_more_replies();
	assert_int_equal(r.status, 200);
	assert_body(&r, "aaaa");
	assert_field(&r, "Content-Type", "text/plain; charset=utf-8");
	assert_field(&r, "Content-Length", "4");
	assert_field(&r, "Server", "taphouse");
	assert_field(&r, "Date", "Sun, 06 Nov 1994 08:49:39 GMT");
	assert_field(&r, "X-Content-Type-Options", "nosniff");
	assert_no_field(&r, "Connection");
	assert_field(&r, "Cache-Control", "no-cache");
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.span_count, 2); /* the shared block with Date; fields and contents */
	assert_false(s.shut_down);
}

static void get_an_index(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/") GET("/dir/") GET("/?q") GET("//dir//index.html"));
	r = reply();
	assert_body(&r, "<h1>index</h1>");
	assert_field(&r, "Cache-Control", "no-cache");
	r = reply();
	assert_body(&r, "<h1>dir</h1>");
	r = reply();
	assert_body(&r, "<h1>index</h1>");
	r = reply();
	assert_body(&r, "<h1>dir</h1>");
}

static void get_an_empty_file(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/empty"));
	r = reply();
	assert_int_equal(r.status, 200);
	assert_field(&r, "Content-Length", "0");
	no_more_replies();
}

static void head_has_the_fields_of_get_and_no_body(void **state)
{
	struct http_reply get, head;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") "HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	get = reply();
	head = reply_to(true);
	no_more_replies();
	assert_int_equal(head.head_len, get.head_len);
	assert_memory_equal(head.head, get.head, get.head_len);
	fake_stream_feed_text(&s, "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n" GET("/b.css"));
	head = reply_to(true);
	assert_int_equal(head.status, 404);
	get = reply();
	assert_body(&get, "b{}");
}

static void the_server_field_can_be_off(void **state)
{
	struct http_reply r;

	(void)state;
	fx.config.server_header = false;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") GET("/nothing"));
	r = reply();
	assert_no_field(&r, "Server");
	r = reply();
	assert_no_field(&r, "Server");
}

static void conditionals_give_304(void **state)
{
	char request[512], etag[256], modified[256];
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/index.html"));
	r = reply();
	assert_true(http_reply_field(&r, "ETag", etag));
	assert_true(http_reply_field(&r, "Last-Modified", modified));
	snprintf(request, sizeof request, "GET /index.html HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n",
		 etag);
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 304);
	assert_field(&r, "ETag", etag);
	assert_field(&r, "Last-Modified", modified);
	assert_field(&r, "Cache-Control", "no-cache");
	assert_no_field(&r, "Content-Length");
	assert_no_field(&r, "Content-Type");
	snprintf(request, sizeof request,
		 "HEAD /index.html HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: %s\r\n\r\n", modified);
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 304);
	snprintf(request, sizeof request,
		 "GET /index.html HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n"
		 "If-Modified-Since: %s\r\n\r\n",
		 modified);
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 200);
	no_more_replies();
}

static void failed_preconditions_give_412_and_keep_the_connection(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n");
	assert_int_equal(reply().status, 412);
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\n\r\n");
	assert_int_equal(reply().status, 200);
	no_more_replies();
}

static void directories_without_slash_are_redirected(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/dir") GET("/dir?x=y&z") GET("//dir")
					  GET("/./a%20b%C3%BC") "HEAD /dir HTTP/1.1\r\nHost: a\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 301);
	assert_field(&r, "Location", "/dir/");
	r = reply();
	assert_field(&r, "Location", "/dir/?x=y&z");
	r = reply();
	assert_field(&r, "Location", "/dir/");
	r = reply();
	assert_field(&r, "Location", "/a%20b%C3%BC/");
	r = reply_to(true);
	assert_int_equal(r.status, 301);
	no_more_replies();
	fake_stream_ack_all(&s);
}

static void a_redirect_with_a_long_query_fits(void **state)
{
	char request[5000], location[256];
	struct http_reply r;

	(void)state;
	start();
	snprintf(request, sizeof request, "GET /dir?%04000d HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 301);
	assert_true(http_reply_field(&r, "Location", location));
	assert_non_null(memmem(r.head, r.head_len, "00001\r\n", 7));
}

static void statuses_of_paths(void **state)
{
	(void)state;
	start();
	assert_int_equal(status_of(GET("/nothing")), 404);
	assert_int_equal(status_of(GET("/a.txt/")), 404);
	assert_int_equal(status_of(GET("/a.txt/x")), 404);
	assert_int_equal(status_of(GET("/bare/")), 403);
	assert_int_equal(status_of(GET("/outer")), 404);
	assert_int_equal(status_of(GET("/.env")), 404);
	assert_int_equal(status_of(GET("/.well-known/x")), 200);
	assert_int_equal(status_of(GET("/../../etc/passwd")), 400);
	assert_int_equal(status_of(GET("/%2e%2e/%2e%2e/etc/passwd")), 400);
	assert_int_equal(status_of(GET("/..%2f..%2fetc/passwd")), 404);
	assert_int_equal(status_of(GET("/dir/../a.txt")), 200);
	assert_int_equal(status_of(GET("/a.txt%00.html")), 400);
	assert_int_equal(status_of(GET("/%zz")), 400);
	assert_int_equal(status_of(GET("/a.txt#x")), 400);
}

static void an_unreadable_file_is_403(void **state)
{
	char name[128];
	unsigned status;
	bool is_root = geteuid() == 0; /* whom no mode keeps out */

	(void)state;
	snprintf(name, sizeof name, "%s/a.txt", fx.root);
	assert_int_equal(chmod(name, 0), 0);
	start();
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	status = status_of(GET("/a.txt"));
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(status, 403);
}

static void other_methods_are_405_with_allow(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH", "TRACE" };
	char request[200];

	(void)state;
	start();
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		struct http_reply r;

		snprintf(request, sizeof request, "%s /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", methods[i]);
		fake_stream_feed_text(&s, request);
		r = reply();
		assert_int_equal(r.status, 405);
		assert_field(&r, "Allow", "GET, HEAD, OPTIONS");
	}
	assert_false(s.shut_down);
	assert_int_equal(status_of("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
	assert_true(s.shut_down);
	assert_int_equal(status_of("FROB /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
	assert_lingers();
}

static void options_says_what_is_allowed(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(
		&s, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 2; i++) {
		r = reply();
		assert_int_equal(r.status, 204);
		assert_field(&r, "Allow", "GET, HEAD, OPTIONS");
		assert_no_field(&r, "Content-Length");
	}
	no_more_replies();
	assert_int_equal(status_of("OPTIONS /.. HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void absolute_targets_are_served(void **state)
{
	(void)state;
	start();
	assert_int_equal(status_of("GET http://a/a.txt HTTP/1.1\r\nHost: b\r\n\r\n"), 200);
	assert_int_equal(status_of("GET HTTP://a:80 HTTP/1.1\r\nHost: b\r\n\r\n"), 200);
	assert_int_equal(status_of("GET http:///a.txt HTTP/1.1\r\nHost: b\r\n\r\n"), 400);
}

/* RFC 9110 section 7.4 */
static void https_is_misdirected_unless_the_stream_is_encrypted(void **state)
{
	static const char request[] = "GET https://a/a.txt HTTP/1.1\r\nHost: a\r\n\r\n";
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 421);
	assert_field(&r, "Connection", "close");
	assert_lingers();
	open_stream(1 << 20);
	s.facts.tls_version = "TLSv1.3";
	fake_stream_feed_text(&s, request);
	r = reply();
	assert_int_equal(r.status, 200);
}

/* RFC 9110 section 15.5.20 */
static void strict_hosts_misdirects_names_of_no_site(void **state)
{
	static const char *const names[] = { "one.example", NULL };
	struct http_site sites[2] = { { .name = "named", .root = fx.root, .hosts = names } };
	struct failure why;

	(void)state;
	fx.config.strict_hosts = true;
	assert_int_equal(http_server_new(&fx.config, sites, 1, &fx.world, NULL, &fx.server, &why), 0);
	assert_int_equal(status_of("GET /a.txt HTTP/1.1\r\nHost: ONE.example.:80\r\n\r\n"), 200);
	assert_int_equal(status_of("GET /a.txt HTTP/1.1\r\nHost: other.example\r\n\r\n"), 421);
	assert_int_equal(status_of("GET http://other.example/a.txt HTTP/1.1\r\nHost: one.example\r\n\r\n"),
			 421);
	assert_int_equal(status_of("GET http://one.example/a.txt HTTP/1.1\r\nHost: other.example\r\n\r\n"),
			 200);
	assert_int_equal(status_of("GET /a.txt HTTP/1.0\r\n\r\n"), 200);
	close_stream();
	http_server_free(fx.server);
	sites[1] = (struct http_site){ .name = "all", .root = fx.root };
	assert_int_equal(http_server_new(&fx.config, sites, 2, &fx.world, NULL, &fx.server, &why), 0);
	assert_int_equal(status_of("GET /a.txt HTTP/1.1\r\nHost: other.example\r\n\r\n"), 200);
}

static void sites_are_chosen_by_name(void **state)
{
	static const char *const names[] = { "one.example", "ONE.test", NULL };
	char second_root[128];
	const struct http_site sites[2] = { { .name = "default", .root = fx.root },
					    { .name = "second", .root = second_root, .hosts = names } };
	struct failure why;
	struct http_reply r;

	(void)state;
	snprintf(second_root, sizeof second_root, "%s/dir", fx.root);
	assert_int_equal(http_server_new(&fx.config, sites, 2, &fx.world, NULL, &fx.server, &why), 0);
	open_stream(1 << 20);
	fake_stream_feed_text(
		&s, GET("/") "GET / HTTP/1.1\r\nHost: One.Example.:80\r\n\r\n"
			     "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n"
			     "GET http://one.test/ HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n");
	r = reply();
	assert_body(&r, "<h1>index</h1>");
	for (int i = 0; i < 3; i++) {
		r = reply();
		assert_body(&r, "<h1>dir</h1>");
	}
	r = reply();
	assert_body(&r, "<h1>index</h1>");
}

static void the_site_that_names_the_host_best_is_chosen(void **state)
{
	static const char *const below[] = { "*.example", NULL }, *const one[] = { "www.example", NULL };
	char second_root[128];
	const struct http_site sites[3] = { { .name = "default", .root = fx.root },
					    { .name = "below", .root = second_root, .hosts = below },
					    { .name = "one", .root = fx.root, .hosts = one } };
	struct failure why;
	struct http_reply r;

	(void)state;
	snprintf(second_root, sizeof second_root, "%s/dir", fx.root);
	assert_int_equal(http_server_new(&fx.config, sites, 3, &fx.world, NULL, &fx.server, &why), 0);
	open_stream(1 << 20);
	fake_stream_feed_text(&s, "GET / HTTP/1.1\r\nHost: a.b.Example:80\r\n\r\n"
				  "GET / HTTP/1.1\r\nHost: www.example\r\n\r\n"
				  "GET / HTTP/1.1\r\nHost: example\r\n\r\n");
	r = reply();
	assert_body(&r, "<h1>dir</h1>");
	for (int i = 0; i < 2; i++) {
		r = reply();
		assert_body(&r, "<h1>index</h1>");
	}
}

/* ---- refusals ---- */

static void refusals_close_and_linger(void **state)
{
	static const struct {
		const char *request;
		unsigned status;
	} cases[] = {
		{ "\x16\x03\x01\x02", 400 },
		{ "GET /\r\n", 400 },
		{ "GET / HTTP/0.9\r\n", 400 },
		{ "GET / HTTP/2.0\r\n", 505 },
		{ "GET / HTTP/3.0\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
		{ "FROB / HTTP/1.1\r\n", 501 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\nHost: a\n\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2097153\r\n\r\n", 413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200001\r\n", 413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417 },
		{ "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_reply r;

		open_stream(1 << 20);
		fake_stream_feed_text(&s, cases[i].request);
		r = reply();
		assert_int_equal(r.status, cases[i].status);
		assert_field(&r, "Connection", "close");
		no_more_replies();
		assert_lingers();
		fake_stream_feed_text(&s, "more of it " GET("/"));
		no_more_replies();
		assert_int_equal(s.input_len, 0);
		fake_stream_end(&s);
		assert_true(s.closed);
	}
}

static void limits_have_their_statuses(void **state)
{
	char *request = malloc(100000);
	size_t n;

	(void)state;
	start();
	snprintf(request, 100000, "GET /%08191d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	assert_int_equal(status_of(request), 404);
	snprintf(request, 100000, "GET /%08192d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	assert_int_equal(status_of(request), 414);
	snprintf(request, 100000, "GET / HTTP/1.1\r\nHost: a\r\nX: %032000d\r\n\r\n", 0);
	assert_int_equal(status_of(request), 200);
	snprintf(request, 100000, "GET / HTTP/1.1\r\nHost: a\r\nX: %033000d\r\n\r\n", 0);
	assert_int_equal(status_of(request), 431);
	n = (size_t)snprintf(request, 100000, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(request + n, 100000 - n, "X: y\r\n");
	strcpy(request + n, "\r\n");
	assert_int_equal(status_of(request), 431);
	free(request);
}

static void pages_of_errors(void **state)
{
	struct http_reply r;
	char *body;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/nothing"));
	r = reply();
	body = strndup(r.body, r.body_len);
	assert_non_null(strstr(body, "<title>404 Not Found</title>"));
	assert_non_null(strstr(body, "color-scheme"));
	assert_non_null(strstr(body, "</html>"));
	assert_field(&r, "Content-Type", "text/html; charset=utf-8");
	assert_field(&r, "X-Content-Type-Options", "nosniff");
	assert_no_field(&r, "Connection");
	assert_int_equal(s.calls, 1);
	free(body);
}

/* ---- bodies of requests ---- */

static void a_body_is_read_and_the_next_request_answered(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(
		&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nGET / HTTP" GET("/a.txt"));
	r = reply();
	assert_int_equal(r.status, 405);
	r = reply();
	assert_body(&r, "aaaa");
	no_more_replies();
	fake_stream_feed_text(
		&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n");
	no_more_replies();
	fake_stream_feed_text(&s, "0\r\n\r\n" GET("/b.css"));
	r = reply();
	assert_body(&r, "aaaa");
	r = reply();
	assert_body(&r, "b{}");
	no_more_replies();
}

static void a_chunked_body_beyond_the_limit_is_413_while_it_streams(void **state)
{
	static char chunk[65536 + 9];
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	memset(chunk, 'x', sizeof chunk);
	memcpy(chunk, "10000\r\n", 7);
	memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
	for (int i = 0; i < 32; i++) {
		fake_stream_feed(&s, chunk, sizeof chunk);
		no_more_replies();
	}
	fake_stream_feed_text(&s, "1\r\n");
	r = reply();
	assert_int_equal(r.status, 413);
	assert_lingers();
}

static void expect_100_continue(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(
		&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 100);
	no_more_replies();
	fake_stream_feed_text(&s, "abc");
	r = reply();
	assert_body(&r, "aaaa");
	/* not when the body is here already, nor without a body, nor in HTTP/1.0 */
	fake_stream_feed_text(
		&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\na");
	no_more_replies();
	fake_stream_feed_text(&s, "bc");
	r = reply();
	assert_int_equal(r.status, 200);
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 200);
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.0\r\nExpect: x\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 200);
	no_more_replies();
}

/* Nobody can know whether the body still comes: the connection ends. */
static void a_refused_expectation_ends_the_connection(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(
		&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 405);
	assert_field(&r, "Connection", "close");
	assert_lingers();
	fake_stream_feed_text(&s, GET("/a.txt"));
	no_more_replies();
}

/* ---- persistence, RFC 9112 section 9.3 ---- */

static void persistence_by_version_and_connection(void **state)
{
	static const struct {
		const char *version, *fields, *connection;
	} cases[] = {
		{ "1.1", "", "" },
		{ "1.1", "Connection: keep-alive\r\n", "" },
		{ "1.1", "Connection: close\r\n", "close" },
		{ "1.1", "Connection: Close\r\n", "close" },
		{ "1.1", "Connection: x, close\r\n", "close" },
		{ "1.1", "Connection: keep-alive, close\r\n", "close" },
		{ "1.1", "Connection: x\r\nConnection: close\r\n", "close" },
		{ "1.1", "Connection: closed\r\n", "" },
		{ "1.2", "", "" },
		{ "1.0", "", "close" },
		{ "1.0", "Connection: keep-alive\r\n", "keep-alive" },
		{ "1.0", "Connection: Keep-Alive\r\n", "keep-alive" },
		{ "1.0", "Connection: keep-alive, close\r\n", "close" },
	};
	char request[200];

	(void)state;
	start();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool closes = strcmp(cases[i].connection, "close") == 0;
		struct http_reply r;

		open_stream(1 << 20);
		snprintf(request, sizeof request, "GET /a.txt HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
			 cases[i].fields);
		fake_stream_feed_text(&s, request);
		r = reply();
		assert_int_equal(r.status, 200);
		assert_body(&r, "aaaa");
		assert_field(&r, "Connection", cases[i].connection);
		assert_int_equal(s.shut_down, closes);
		fake_stream_feed_text(&s, GET("/a.txt"));
		if (!closes)
			assert_int_equal(reply().status, 200);
		no_more_replies();
		fake_stream_end(&s);
		assert_true(s.closed && !s.unread);
	}
}

static void requests_on_a_connection_are_limited(void **state)
{
	struct http_reply r;

	(void)state;
	fx.config.keepalive_requests = 3;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") GET("/a.txt") GET("/a.txt") GET("/a.txt"));
	r = reply();
	assert_no_field(&r, "Connection");
	r = reply();
	assert_no_field(&r, "Connection");
	r = reply();
	assert_field(&r, "Connection", "close");
	no_more_replies();
	assert_lingers();
}

static void errors_that_are_understood_keep_the_connection(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/nothing") GET("/bare/") GET("/dir") GET("/a.txt"));
	assert_int_equal(reply().status, 404);
	assert_int_equal(reply().status, 403);
	assert_int_equal(reply().status, 301);
	assert_int_equal(reply().status, 200);
	assert_false(s.shut_down);
}

static void what_follows_a_close_is_not_answered(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s,
			      "GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/b.css"));
	assert_int_equal(reply().status, 200);
	no_more_replies();
	assert_lingers();
	fake_stream_end(&s);
	assert_true(s.closed);
}

/* ---- pipelining, RFC 9112 section 9.3.2 ---- */

static void pipelined_requests_are_answered_in_order_in_one_call(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") GET("/b.css") GET("/nothing") GET("/index.html") "GET /a.t");
	r = reply();
	assert_body(&r, "aaaa");
	r = reply();
	assert_body(&r, "b{}");
	r = reply();
	assert_int_equal(r.status, 404);
	r = reply();
	assert_body(&r, "<h1>index</h1>");
	no_more_replies();
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.last_flags, 0);
	fake_stream_feed_text(&s, "xt HTTP/1.1\r\nHost: a\r\n\r\n");
	r = reply();
	assert_body(&r, "aaaa");
}

static void many_pipelined_requests_leave_in_few_calls(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 100; i++)
		s.input_len += (size_t)snprintf(
			(s.input = realloc(s.input, (size_t)(i + 1) * 64)) + s.input_len, 64, GET("/a.txt"));
	s.input_room = s.input_len;
	fake_stream_feed_text(&s, GET("/b.css"));
	for (int i = 0; i < 100; i++)
		assert_int_equal(reply().status, 200);
	assert_int_equal(reply().body_len, 3);
	no_more_replies();
	assert_true(s.calls > 1 && s.calls < 10);
	assert_int_equal(s.last_flags, 0);
}

static void a_request_waits_in_the_stream_while_a_response_is_sent(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt"));
	assert_true(s.input_len > 0);
	assert_true(s.sent_len < LARGE);
	fake_stream_feed_text(&s, GET("/b.css"));
	fake_stream_ack_all(&s);
	r = reply();
	assert_int_equal(r.body_len, LARGE);
	assert_memory_equal(r.body, large, LARGE);
	r = reply();
	assert_body(&r, "aaaa");
	r = reply();
	assert_body(&r, "b{}");
	no_more_replies();
	assert_int_equal(s.input_len, 0);
}

/* A session of all kinds of requests gives the same bytes however it is cut. */
static void no_cut_changes_the_answers(void **state)
{
	/* clang-format off */
	static const char session[] =
		"\r\n" GET("/a.txt") "HEAD /dir/ HTTP/1.1\r\nHost: a\r\n\r\n" GET("/dir") GET("/nothing")
		"POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /\r\n"
		"GET /b.css HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n0\r\nX: y\r\n\r\n"
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET("/%zz") GET("/a.txt");
	/* clang-format on */
	size_t len = sizeof session - 1, expected_len;
	char *expected;

	(void)state;
	start();
	fake_stream_feed(&s, session, len);
	expected_len = s.sent_len;
	expected = malloc(expected_len);
	memcpy(expected, s.sent, expected_len);
	assert_lingers();
	for (size_t cut = 0; cut < len; cut++) {
		open_stream(1 << 20);
		if (cut == 0)
			for (size_t i = 0; i < len; i++)
				fake_stream_feed(&s, session + i, 1);
		else
			fake_stream_feed(&s, session, cut);
		if (cut > 0)
			fake_stream_feed(&s, session + cut, len - cut);
		assert_int_equal(s.sent_len, expected_len);
		assert_memory_equal(s.sent, expected, expected_len);
		assert_lingers();
	}
	free(expected);
}

/* ---- room ---- */

/* Acknowledges in small steps, and checks that never much more than the buffer is in flight. */
static void drain_slowly(size_t step, size_t most)
{
	while (!fake_stream_is_over(&s) && fake_stream_in_flight(&s) > 0) {
		assert_true(fake_stream_in_flight(&s) <= most);
		fake_stream_ack(&s, step);
	}
}

static void contents_in_memory_respect_the_room(void **state)
{
	struct http_reply r;

	(void)state;
	fx.config.cache_max_file = LARGE;
	start();
	open_stream(20000);
	fake_stream_feed_text(&s, GET("/large") GET("/large"));
	drain_slowly(3000, 20000 + 16384 + 512);
	for (int i = 0; i < 2; i++) {
		r = reply();
		assert_int_equal(r.body_len, LARGE);
		assert_memory_equal(r.body, large, LARGE);
	}
	no_more_replies();
}

static void files_respect_the_room(void **state)
{
	struct http_reply r;
	struct http_usage usage;

	(void)state;
	fx.config.cache_max_file = 0;
	start();
	open_stream(20000);
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt"));
	drain_slowly(7000, 20000 + (128 << 10) + 512);
	r = reply();
	assert_int_equal(r.body_len, LARGE);
	assert_memory_equal(r.body, large, LARGE);
	r = reply();
	assert_body(&r, "aaaa");
	http_usage(fx.server, &usage);
	assert_int_equal(usage.idle, 1);
	assert_int_equal(usage.busy, 0);
}

static void without_room_requests_wait(void **state)
{
	(void)state;
	start();
	open_stream(200); /* less than a response */
	fake_stream_feed_text(&s, GET("/a.txt"));
	fake_stream_feed_text(&s, GET("/b.css") GET("/a.txt"));
	assert_int_equal(reply().body_len, 4);
	no_more_replies();
	assert_true(s.input_len > 0);
	fake_stream_ack_all(&s);
	assert_int_equal(reply().body_len, 3);
	assert_int_equal(reply().body_len, 4);
	no_more_replies();
}

/* New bytes may be offered together with those that were held, without stream_resume(). */
static void held_bytes_that_come_with_new_ones_are_held_no_more(void **state)
{
	(void)state;
	start();
	open_stream(129);
	fake_stream_feed_text(&s, GET("/a.txt"));
	fake_stream_feed_text(&s, "GET /");
	s.was_full = false; /* room comes without a word */
	fake_stream_ack(&s, 200);
	fake_stream_feed_text(&s, "\r\n");
	fake_stream_end(&s);
	fake_stream_ack_all(&s);
	assert_int_equal(reply().status, 200);
	assert_int_equal(reply().status, 400);
	assert_true(s.closed);
}

/* Whatever the room is when a response begins, and however full the batch. */
static void pipelined_responses_respect_any_room(void **state)
{
	(void)state;
	start();
	for (size_t buffer = 50; buffer < 12000; buffer += 211) {
		open_stream(buffer);
		for (int i = 0; i < 20; i++)
			fake_stream_feed_text(&s, GET("/a.txt") GET("/nothing") GET("/b.css"));
		drain_slowly(buffer / 3, buffer + 20000);
		for (int i = 0; i < 60; i++)
			assert_int_equal(reply().status, i % 3 == 1 ? 404 : 200);
		no_more_replies();
		assert_false(fake_stream_is_over(&s));
	}
}

/* A stream that acknowledges within send() calls back while the server is at work. */
static void a_stream_without_delay_is_served(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	open_stream(10000);
	s.instant = true;
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt"));
	r = reply();
	assert_memory_equal(r.body, large, LARGE);
	assert_int_equal(r.body_len, LARGE);
	r = reply();
	assert_body(&r, "aaaa");
	no_more_replies();
}

static void a_failed_send_resets_the_connection(void **state)
{
	struct http_usage usage;

	(void)state;
	start();
	s.send_error = -ENOMEM;
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_true(s.aborted);
	http_usage(fx.server, &usage);
	assert_int_equal(usage.aborted, 1);
	assert_int_equal(usage.idle + usage.busy, 0);
}

/* ---- files that change while they are sent ---- */

static void a_file_truncated_while_it_is_sent_resets_the_connection(void **state)
{
	char name[128];

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	snprintf(name, sizeof name, "%s/large", fx.root);
	assert_int_equal(truncate(name, 200000), 0);
	fake_stream_ack_all(&s);
	assert_true(s.aborted);
	assert_true(s.sent_len < LARGE);
	assert_int_equal(fx.logs[0].status, 200);
	assert_true(fx.logs[0].body_bytes_sent > 0 && fx.logs[0].body_bytes_sent < LARGE);
}

static void a_file_written_to_while_it_is_sent_resets_the_connection(void **state)
{
	char name[128];
	int fd;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	snprintf(name, sizeof name, "%s/large", fx.root);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "changed", 7, 2000000), 7);
	close(fd);
	fake_stream_ack_all(&s);
	assert_true(s.aborted);
	assert_null(memmem(s.sent, s.sent_len, "changed", 7));
}

static void a_file_replaced_while_it_is_sent_arrives_as_it_was(void **state)
{
	char name[128], other[128];
	struct http_reply r;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	http_fixture_write_text(&fx, "other", "other");
	snprintf(name, sizeof name, "%s/large", fx.root);
	snprintf(other, sizeof other, "%s/other", fx.root);
	assert_int_equal(rename(other, name), 0);
	http_fixture_advance(&fx, 2 * SECOND);
	fake_stream_ack_all(&s);
	r = reply();
	assert_int_equal(r.body_len, LARGE);
	assert_memory_equal(r.body, large, LARGE);
	fake_stream_feed_text(&s, GET("/large"));
	r = reply();
	assert_body(&r, "other");
}

static void cached_contents_outlive_the_file(void **state)
{
	struct http_reply r;

	(void)state;
	fx.config.cache_max_file = LARGE;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	http_fixture_write_text(&fx, "large", "short");
	http_fixture_advance(&fx, 2 * SECOND);
	fake_stream_ack_all(&s);
	r = reply();
	assert_int_equal(r.body_len, LARGE);
	assert_memory_equal(r.body, large, LARGE);
	fake_stream_feed_text(&s, GET("/large"));
	r = reply();
	assert_body(&r, "short");
}

/* ---- time ---- */

static void a_slow_head_is_408(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	fake_stream_feed_text(&s, "GET / HT");
	for (int i = 0; i < 9; i++) {
		http_fixture_advance(&fx, SECOND);
		fake_stream_feed_text(&s, i == 0 ? "TP/1.1\r\n" : "X: y\r\n");
	}
	no_more_replies();
	http_fixture_advance(&fx, SECOND + 1000);
	r = reply();
	assert_int_equal(r.status, 408);
	assert_field(&r, "Connection", "close");
	assert_lingers();
	assert_int_equal(fx.logs[0].status, 408);
}

static void each_request_has_its_own_time(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\n");
	http_fixture_advance(&fx, 8 * SECOND);
	fake_stream_feed_text(&s, "Host: a\r\n\r\nGET /b.css HTTP/1.1\r\n");
	assert_int_equal(reply().status, 200);
	http_fixture_advance(&fx, 8 * SECOND);
	no_more_replies();
	fake_stream_feed_text(&s, "Host: a\r\n\r\n");
	assert_int_equal(reply().status, 200);
}

static void begin_a_body_of_a_megabyte(void)
{
	start();
	fake_stream_feed_text(&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
}

static void a_body_that_does_not_come_is_408(void **state)
{
	(void)state;
	begin_a_body_of_a_megabyte();
	http_fixture_advance(&fx, 29 * SECOND);
	no_more_replies();
	http_fixture_advance(&fx, SECOND + 1000);
	assert_int_equal(reply().status, 408);
	assert_lingers();
}

static void a_body_below_the_least_rate_is_408(void **state)
{
	(void)state;
	begin_a_body_of_a_megabyte();
	for (int i = 0; i < 29; i++) {
		fake_stream_feed(&s, large, 239);
		http_fixture_advance(&fx, SECOND);
	}
	no_more_replies();
	http_fixture_advance(&fx, SECOND + 1000);
	assert_int_equal(reply().status, 408);
	assert_lingers();
}

/* 240 bytes a second over each 30 s, however they are spread. */
static void a_body_may_stall_and_catch_up(void **state)
{
	(void)state;
	begin_a_body_of_a_megabyte();
	for (int i = 0; i < 10; i++) {
		http_fixture_advance(&fx, 29 * SECOND);
		fake_stream_feed(&s, large, 240 * 30);
		http_fixture_advance(&fx, SECOND);
	}
	no_more_replies();
	fake_stream_feed(&s, large, 1000000 - 10 * 240 * 30);
	assert_int_equal(reply().status, 405);
}

static void without_a_least_rate_a_byte_is_enough(void **state)
{
	(void)state;
	fx.config.min_body_rate = fx.config.min_send_rate = 0;
	begin_a_body_of_a_megabyte();
	for (int i = 0; i < 5; i++) {
		http_fixture_advance(&fx, 29 * SECOND);
		fake_stream_feed_text(&s, "x");
		http_fixture_advance(&fx, SECOND);
	}
	no_more_replies();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	for (int i = 0; i < 5; i++) {
		http_fixture_advance(&fx, 59 * SECOND);
		fake_stream_ack(&s, 1);
		http_fixture_advance(&fx, SECOND);
	}
	assert_false(s.aborted);
}

static void idle_connections_are_closed(void **state)
{
	struct http_usage usage;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt"));
	fake_stream_ack_all(&s);
	http_fixture_advance(&fx, 74 * SECOND);
	fake_stream_feed_text(&s, GET("/a.txt"));
	fake_stream_ack_all(&s);
	http_fixture_advance(&fx, 74 * SECOND);
	assert_false(s.closed);
	http_fixture_advance(&fx, SECOND + 1000);
	assert_true(s.closed);
	http_usage(fx.server, &usage);
	assert_int_equal(usage.idle + usage.busy, 0);
	assert_int_equal(usage.timed_out, 1);
	assert_int_equal(fx.log_count, 2);
}

static void a_connection_that_says_nothing_is_closed_early(void **state)
{
	(void)state;
	start();
	http_fixture_advance(&fx, 10 * SECOND + 1000);
	assert_true(s.closed);
	assert_int_equal(s.sent_len, 0);
	assert_int_equal(fx.log_count, 0);
}

static void blank_lines_win_no_time_and_are_no_request(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\n");
	assert_int_equal(reply().status, 405);
	fake_stream_ack_all(&s);
	http_fixture_advance(&fx, 40 * SECOND);
	fake_stream_feed_text(&s, "\r\n");
	http_fixture_advance(&fx, 34 * SECOND);
	no_more_replies();
	assert_false(fake_stream_is_over(&s));
	http_fixture_advance(&fx, 2 * SECOND);
	assert_true(s.closed);
	no_more_replies();
}

static void blank_lines_are_limited_however_they_come(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "\r\n");
	fake_stream_feed_text(&s, "\r");
	fake_stream_feed_text(&s, "\n");
	no_more_replies();
	fake_stream_feed_text(&s, "\r\n");
	assert_int_equal(reply().status, 400);
}

static void a_peer_that_does_not_read_is_reset(void **state)
{
	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	http_fixture_advance(&fx, 59 * SECOND);
	assert_false(s.aborted);
	http_fixture_advance(&fx, SECOND + 1000);
	assert_true(s.aborted);
	assert_int_equal(fx.logs[0].status, 200);
}

static void a_peer_below_the_least_rate_is_reset(void **state)
{
	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	for (int i = 0; i < 59; i++) {
		http_fixture_advance(&fx, SECOND);
		fake_stream_ack(&s, 239);
	}
	assert_false(s.aborted);
	http_fixture_advance(&fx, SECOND + 1000);
	assert_true(s.aborted);
}

/* Three times what fits into the stream, so that the response waits for room again and again. */
static void a_peer_may_stall_and_catch_up(void **state)
{
	(void)state;
	start();
	open_stream(20000);
	fake_stream_feed_text(&s, GET("/large"));
	for (int i = 0; i < 10; i++) {
		http_fixture_advance(&fx, 59 * SECOND);
		fake_stream_ack(&s, 240 * 60);
	}
	assert_false(s.aborted);
}

/* Room again, for a little more, is no progress at the least rate. */
static void small_progress_wins_no_time(void **state)
{
	(void)state;
	fx.config.file_buffer_bytes = 4096;
	start();
	open_stream(4096);
	fake_stream_feed_text(&s, GET("/large"));
	for (int i = 0; i < 3; i++) {
		http_fixture_advance(&fx, 19 * SECOND);
		fake_stream_ack(&s, 4096);
	}
	assert_true(s.sent_len >= 4 * 4096);
	assert_false(s.aborted);
	http_fixture_advance(&fx, 4 * SECOND);
	assert_true(s.aborted);
}

static void a_slow_reader_of_the_last_bytes_is_not_idle(void **state)
{
	(void)state;
	start();
	open_stream(2 * LARGE);
	fake_stream_feed_text(&s, GET("/large"));
	http_fixture_advance(&fx, 80 * SECOND);
	for (int i = 0; i < 10; i++) {
		fake_stream_ack(&s, 240 * 60);
		http_fixture_advance(&fx, 60 * SECOND);
	}
	assert_false(fake_stream_is_over(&s));
	http_fixture_advance(&fx, 61 * SECOND);
	assert_true(s.aborted);
}

static void a_slow_reader_that_has_read_all_is_idle_again(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt"));
	http_fixture_advance(&fx, 80 * SECOND);
	fake_stream_ack_all(&s);
	http_fixture_advance(&fx, 70 * SECOND);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(reply().status, 200);
	assert_int_equal(reply().status, 200);
	fake_stream_ack_all(&s);
	http_fixture_advance(&fx, 76 * SECOND);
	assert_true(s.closed);
}

static void lingering_ends_with_time_bytes_or_fin(void **state)
{
	static char bytes[1000];

	(void)state;
	fx.config.linger_bytes = 2500;
	start();
	assert_int_equal(status_of("x\r\n"), 400);
	http_fixture_advance(&fx, 29 * SECOND);
	fake_stream_feed(&s, bytes, 1000);
	assert_lingers();
	http_fixture_advance(&fx, SECOND + 1000);
	assert_true(s.closed);
	assert_int_equal(status_of("x\r\n"), 400);
	fake_stream_feed(&s, bytes, 1000);
	fake_stream_feed(&s, bytes, 1000);
	assert_lingers();
	fake_stream_feed(&s, bytes, 1000);
	assert_true(s.closed && s.unread);
	s.unread = false; /* as it should be, here */
	assert_int_equal(status_of("x\r\n"), 400);
	fake_stream_end(&s);
	assert_true(s.closed);
}

/* ---- the peer's end ---- */

static void a_request_and_fin_at_once_get_the_whole_answer(void **state)
{
	struct http_reply r;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt"));
	fake_stream_end(&s);
	assert_false(fake_stream_is_over(&s));
	fake_stream_ack_all(&s);
	r = reply();
	assert_memory_equal(r.body, large, LARGE);
	r = reply();
	assert_body(&r, "aaaa");
	assert_true(s.closed);
	assert_false(s.aborted || s.unread);
}

/* What the stream holds is offered in its own pieces, after the FIN is known. */
static void fin_behind_held_requests_is_not_heard_too_early(void **state)
{
	(void)state;
	start();
	open_stream(100000);
	s.piece = 40;
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt") GET("/b.css") GET("/a.txt") "GET / HT");
	fake_stream_end(&s);
	fake_stream_ack_all(&s);
	assert_int_equal(reply().body_len, LARGE);
	assert_int_equal(reply().body_len, 4);
	assert_int_equal(reply().body_len, 3);
	assert_int_equal(reply().body_len, 4);
	assert_int_equal(reply().status, 400);
	assert_true(s.closed);
	assert_false(s.aborted || s.unread);
	/* the same when the last answer says close, and more is held behind it */
	open_stream(100000);
	s.piece = 40;
	fake_stream_feed_text(&s, GET("/large") "GET /a.txt HTTP/1.0\r\n\r\n" GET("/b.css") GET("/b.css"));
	fake_stream_end(&s);
	fake_stream_ack_all(&s);
	assert_int_equal(reply().body_len, LARGE);
	assert_int_equal(reply().body_len, 4);
	no_more_replies();
	assert_true(s.closed);
	assert_false(s.aborted || s.unread);
}

static void fin_between_requests_closes(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt"));
	fake_stream_end(&s);
	assert_true(s.closed);
	assert_int_equal(reply().status, 200);
	open_stream(1000);
	fake_stream_end(&s);
	assert_true(s.closed);
	assert_int_equal(s.sent_len, 0);
}

static void fin_within_a_request_is_400(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "GET / HTTP/1.1\r\nHost");
	fake_stream_end(&s);
	assert_int_equal(reply().status, 400);
	assert_true(s.closed);
	open_stream(1000);
	fake_stream_feed_text(&s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
	fake_stream_end(&s);
	assert_int_equal(reply().status, 400);
	assert_true(s.closed);
}

static void a_client_that_vanishes_is_logged(void **state)
{
	struct http_usage usage;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_feed_text(&s, GET("/large"));
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_int_equal(fx.log_count, 1);
	assert_int_equal(fx.logs[0].status, 200);
	assert_true(fx.logs[0].body_bytes_sent < LARGE);
	open_stream(1000);
	fake_stream_feed_text(&s, "GET /x HTTP/1.1\r\nHo");
	fake_stream_lose(&s, STREAM_END_TIMEOUT);
	assert_int_equal(fx.log_count, 2);
	assert_int_equal(fx.logs[1].status, 499);
	assert_string_equal(fx.logs[1].target, "/x");
	open_stream(1000);
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_int_equal(fx.log_count, 2);
	http_usage(fx.server, &usage);
	assert_int_equal(usage.idle + usage.busy, 0);
	assert_int_equal(usage.requests, 2);
}

/* ---- limits ---- */

static void requests_wait_for_memory(void **state)
{
	struct fake_stream other;
	struct http_usage usage;

	(void)state;
	fx.config.max_requests = 1;
	start();
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\n");
	fake_stream_init(&other, 1000);
	http_serve(fx.server, &other.stream);
	fake_stream_feed_text(&other, GET("/b.css"));
	assert_int_equal(other.sent_len, 0);
	assert_true(other.input_len > 0);
	fake_stream_feed_text(&s, "Host: a\r\n\r\n");
	assert_int_equal(reply().status, 200);
	http_fixture_advance(&fx, 1000);
	assert_non_null(strstr(other.sent, "b{}"));
	http_usage(fx.server, &usage);
	assert_int_equal(usage.request_waits, 1);
	assert_int_equal(usage.idle, 2);
	fake_stream_fini(&other);
}

static void a_request_that_waits_too_long_is_reset(void **state)
{
	struct fake_stream other;

	(void)state;
	fx.config.max_requests = 1;
	fx.config.header_timeout_us = SECOND;
	fx.config.body_timeout_us = 100 * SECOND;
	start();
	fake_stream_feed_text(&s, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	fake_stream_init(&other, 1000);
	http_serve(fx.server, &other.stream);
	fake_stream_feed_text(&other, GET("/b.css"));
	http_fixture_advance(&fx, SECOND + 1000);
	assert_true(other.aborted);
	fake_stream_fini(&other);
}

static void file_buffers_are_shared_out(void **state)
{
	enum { STREAMS = 5 };
	static struct fake_stream streams[STREAMS];
	struct http_usage usage;
	bool busy = true;

	(void)state;
	fx.config.file_buffers = 2;
	fx.config.file_buffer_bytes = 65536;
	start();
	for (int i = 0; i < STREAMS; i++) {
		fake_stream_init(&streams[i], 300000);
		http_serve(fx.server, &streams[i].stream);
		fake_stream_feed_text(&streams[i], GET("/large"));
	}
	for (int turn = 0; busy; turn++) {
		assert_true(turn < 2000);
		busy = false;
		for (int i = 0; i < STREAMS; i++) {
			fake_stream_ack(&streams[i], 1000000);
			busy |= streams[i].sent_len < LARGE;
		}
		http_fixture_advance(&fx, 1000);
	}
	for (int i = 0; i < STREAMS; i++) {
		struct http_reply r;
		size_t from = 0;

		assert_true(http_reply_next(streams[i].sent, streams[i].sent_len, &from, false, &r));
		assert_memory_equal(r.body, large, LARGE);
		fake_stream_fini(&streams[i]);
	}
	http_usage(fx.server, &usage);
	assert_int_equal(usage.buffer_waits, 0);
}

/* Large buffers for one and a half peers, and sixteen that have asked and do not read. */
static void those_who_do_not_read_leave_the_large_buffers_to_others(void **state)
{
	enum { STREAMS = 16 };
	static struct fake_stream streams[STREAMS];
	struct http_reply r;

	(void)state;
	fx.config.file_buffers = 4;
	fx.config.file_buffer_bytes = 65536;
	start();
	for (int i = 0; i < STREAMS; i++) {
		fake_stream_init(&streams[i], 1 << 20);
		streams[i].facts.peer_room = 0;
		http_serve(fx.server, &streams[i].stream);
		fake_stream_feed_text(&streams[i], GET("/large"));
		assert_true(streams[i].sent_len > 8192);
	}
	fake_stream_feed_text(&s, GET("/large"));
	assert_true(s.sent_len > 65536);
	fake_stream_ack_all(&s);
	r = reply();
	assert_memory_equal(r.body, large, LARGE);
	for (int i = 0; i < STREAMS; i++)
		fake_stream_fini(&streams[i]);
}

/* With buffers scarce, what a peer has no room for would lie in one until it has. */
static void a_piece_is_no_larger_than_the_peers_room(void **state)
{
	struct fake_stream other;
	size_t head_len;

	(void)state;
	fx.config.file_buffers = 3;
	fx.config.file_buffer_bytes = 65536;
	start();
	fake_stream_init(&other, 100000); /* takes two */
	http_serve(fx.server, &other.stream);
	fake_stream_feed_text(&other, GET("/large"));
	s.facts.peer_room = 20000;
	fake_stream_feed_text(&s, GET("/large"));
	head_len = (size_t)(strstr(s.sent, "\r\n\r\n") + 4 - s.sent);
	assert_int_equal(s.sent_len, head_len + 20000);
	fake_stream_fini(&other);
}

/* All are held by peers that have been sent everything and take nothing. */
static void responses_wait_for_a_buffer_in_turn(void **state)
{
	enum { STREAMS = 5 };
	static struct fake_stream streams[STREAMS];
	struct http_usage usage;

	(void)state;
	fx.config.file_buffers = 1;
	fx.config.max_requests = 3;
	fx.config.cache_max_file = 0;
	http_fixture_write(&fx, "some", large, 5000);
	http_fixture_start(&fx);
	for (int i = 0; i < STREAMS; i++) {
		fake_stream_init(&streams[i], 1 << 20);
		http_serve(fx.server, &streams[i].stream);
		fake_stream_feed_text(&streams[i], GET("/some"));
	}
	http_usage(fx.server, &usage);
	assert_int_equal(usage.buffer_waits, 1);
	assert_true(streams[STREAMS - 2].sent_len > 5000);
	assert_true(streams[STREAMS - 1].sent_len < 5000);
	fake_stream_ack_all(&streams[STREAMS - 1]); /* the head */
	fake_stream_ack_all(&streams[1]);
	http_fixture_advance(&fx, 1000);
	assert_true(streams[STREAMS - 1].sent_len > 5000);
	for (int i = 0; i < STREAMS; i++)
		fake_stream_fini(&streams[i]);
}

static void connections_are_limited(void **state)
{
	struct fake_stream other;
	struct http_usage usage;

	(void)state;
	fx.config.max_connections = 1;
	start();
	fake_stream_init(&other, 1000);
	http_serve(fx.server, &other.stream);
	assert_true(other.aborted);
	http_usage(fx.server, &usage);
	assert_int_equal(usage.refused_connections, 1);
	fake_stream_fini(&other);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(reply().status, 200);
}

static void thousands_of_connections_are_served(void **state)
{
	enum { STREAMS = 3000 };
	struct fake_stream *streams = calloc(STREAMS, sizeof *streams);
	struct http_usage usage;

	(void)state;
	start();
	for (int i = 0; i < STREAMS; i++) {
		fake_stream_init(&streams[i], 2000);
		http_serve(fx.server, &streams[i].stream);
		fake_stream_feed_text(&streams[i], "GET /a.txt HTTP/1.1\r\nHo");
	}
	http_usage(fx.server, &usage);
	assert_int_equal(usage.busy, STREAMS);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(reply().status, 200);
	http_fixture_advance(&fx, 11 * SECOND);
	for (int i = 0; i < STREAMS; i++) {
		assert_non_null(strstr(streams[i].sent, "HTTP/1.1 408 "));
		fake_stream_fini(&streams[i]);
	}
	http_usage(fx.server, &usage);
	assert_int_equal(usage.busy, 0);
	free(streams);
}

/* ---- the owner ---- */

static void finished_requests_are_logged(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "GET /a.txt?q HTTP/1.1\r\nHost: example\r\nReferer: http://r/\r\n"
				  "User-Agent: test/1\r\n\r\n");
	http_fixture_advance(&fx, 3 * SECOND);
	fake_stream_feed_text(&s, "HEAD /nothing HTTP/1.0\r\n");
	http_fixture_advance(&fx, SECOND);
	fake_stream_feed_text(&s, "\r\n");
	fake_stream_fini(&s);
	is_open = false;
	assert_int_equal(fx.log_count, 2);
	assert_int_equal(fx.logs[0].status, 200);
	assert_string_equal(fx.logs[0].method, "GET");
	assert_string_equal(fx.logs[0].target, "/a.txt?q");
	assert_string_equal(fx.logs[0].host, "example");
	assert_string_equal(fx.logs[0].referer, "http://r/");
	assert_string_equal(fx.logs[0].user_agent, "test/1");
	assert_int_equal(fx.logs[0].body_bytes_sent, 4);
	assert_int_equal(fx.logs[0].version, 11);
	assert_int_equal(fx.logs[0].connection_requests, 1);
	assert_int_equal(fx.logs[1].status, 404);
	assert_string_equal(fx.logs[1].method, "HEAD");
	assert_int_equal(fx.logs[1].body_bytes_sent, 0);
	assert_int_equal(fx.logs[1].version, 10);
	assert_int_equal(fx.logs[1].connection_requests, 2);
	assert_int_equal(fx.logs[1].finished_us - fx.logs[1].started_us, SECOND);
}

static void the_time_of_each_request_is_counted(void **state)
{
	struct http_usage usage;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") "GET /a.txt HTTP/1.1\r\n");
	http_fixture_advance(&fx, SECOND);
	fake_stream_feed_text(&s, "Host: a\r\n\r\n");
	http_usage(fx.server, &usage);
	assert_int_equal(usage.request_time.sum_us, SECOND);
	assert_int_equal(usage.request_time.counts[0], 1);
	assert_int_equal(usage.request_time.counts[20 - HISTOGRAM_FIRST], 1); /* up to 2^20 us */
}

static void a_request_line_that_is_not_understood_is_logged_without_it(void **state)
{
	(void)state;
	start();
	fake_stream_feed_text(&s, "\x16\x03\x01");
	assert_int_equal(fx.log_count, 1);
	assert_int_equal(fx.logs[0].status, 400);
	assert_int_equal(fx.logs[0].version, 0);
	assert_string_equal(fx.logs[0].method, "");
}

static void usage_counts(void **state)
{
	struct http_usage usage;

	(void)state;
	start();
	fake_stream_feed_text(&s, GET("/a.txt") GET("/a.txt") GET("/nothing") GET("/dir"));
	http_usage(fx.server, &usage);
	assert_int_equal(usage.requests, 4);
	assert_int_equal(usage.responses_by_class[2], 2);
	assert_int_equal(usage.responses_by_class[3], 1);
	assert_int_equal(usage.responses_by_class[4], 1);
	assert_int_equal(usage.cache_hits, 1);
	assert_int_equal(usage.cache_misses, 1);
	assert_int_equal(usage.cache_entries, 1);
	assert_true(usage.cache_bytes > 4);
	assert_int_equal(usage.idle, 1);
	assert_int_equal(usage.busy, 0);
}

static void draining_finishes_what_is_under_way(void **state)
{
	struct fake_stream idle, late;
	struct http_reply r;

	(void)state;
	start();
	open_stream(100000);
	fake_stream_init(&idle, 1000);
	http_serve(fx.server, &idle.stream);
	fake_stream_feed_text(&idle, GET("/a.txt"));
	fake_stream_feed_text(&s, GET("/large") GET("/a.txt") GET("/b.css"));
	assert_false(http_drain(fx.server));
	assert_true(idle.closed);
	assert_false(fake_stream_is_over(&s));
	fake_stream_init(&late, 1000);
	http_serve(fx.server, &late.stream);
	assert_true(late.aborted);
	fake_stream_ack_all(&s);
	r = reply();
	assert_int_equal(r.body_len, LARGE);
	assert_no_field(&r, "Connection");
	r = reply();
	assert_field(&r, "Connection", "close");
	no_more_replies();
	assert_lingers();
	fake_stream_end(&s);
	assert_true(http_drain(fx.server));
	fake_stream_fini(&idle);
	fake_stream_fini(&late);
}

/* TCP may still send from our memory when the server is gone. */
static void memory_outlives_the_server_as_long_as_it_is_pointed_at(void **state)
{
	struct http_reply r;

	(void)state;
	fx.config.cache_max_file = 100;
	start();
	fake_stream_feed_text(
		&s, GET("/a.txt") GET("/nothing")
			    GET("/dir") "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	fake_stream_end(&s);
	while (!s.closed)
		fake_stream_ack(&s, 300000);
	assert_true(fake_stream_in_flight(&s) > 100000);
	http_server_free(fx.server);
	fx.server = NULL;
	fake_stream_ack_all(&s); /* compares every byte */
	assert_int_equal(reply().status, 200);
	assert_int_equal(reply().status, 404);
	assert_int_equal(reply().status, 301);
	r = reply();
	assert_memory_equal(r.body, large, LARGE);
}

static void freeing_the_server_resets_connections(void **state)
{
	(void)state;
	start();
	open_stream(1000);
	fake_stream_feed_text(&s, GET("/large"));
	http_server_free(fx.server);
	fx.server = NULL;
	assert_true(s.aborted);
	assert_int_equal(fx.world.timers.armed, 0);
}

static void mistakes_are_told_at_start(void **state)
{
	struct http_site site = { .name = "x", .root = "/nonexistent/dir" };
	struct http_server *server;
	struct failure why;

	(void)state;
	assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &server, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/dir"));
	assert_int_equal(http_server_new(&fx.config, &site, 0, &fx.world, NULL, &server, &why), -EINVAL);
	site.root = NULL;
	assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &server, &why), -EINVAL);
	site.root = fx.root;
	fx.config.max_uri = 0;
	assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &server, &why), -EINVAL);
	assert_non_null(strstr(why.text, "max_uri"));
	http_server_free(NULL);
}

static void data_that_came_before_is_taken(void **state)
{
	(void)state;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1000);
	is_open = true;
	at = 0;
	s.input = strdup(GET("/a.txt"));
	s.input_len = s.input_room = strlen(s.input);
	http_serve(fx.server, &s.stream);
	assert_int_equal(reply().status, 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(get_a_file),
		TEST(get_an_index),
		TEST(get_an_empty_file),
		TEST(head_has_the_fields_of_get_and_no_body),
		TEST(the_server_field_can_be_off),
		TEST(conditionals_give_304),
		TEST(failed_preconditions_give_412_and_keep_the_connection),
		TEST(directories_without_slash_are_redirected),
		TEST(a_redirect_with_a_long_query_fits),
		TEST(statuses_of_paths),
		TEST(an_unreadable_file_is_403),
		TEST(other_methods_are_405_with_allow),
		TEST(options_says_what_is_allowed),
		TEST(absolute_targets_are_served),
		TEST(https_is_misdirected_unless_the_stream_is_encrypted),
		TEST(strict_hosts_misdirects_names_of_no_site),
		TEST(the_site_that_names_the_host_best_is_chosen),
		TEST(sites_are_chosen_by_name),
		TEST(refusals_close_and_linger),
		TEST(limits_have_their_statuses),
		TEST(pages_of_errors),
		TEST(a_body_is_read_and_the_next_request_answered),
		TEST(a_chunked_body_beyond_the_limit_is_413_while_it_streams),
		TEST(expect_100_continue),
		TEST(a_refused_expectation_ends_the_connection),
		TEST(persistence_by_version_and_connection),
		TEST(requests_on_a_connection_are_limited),
		TEST(errors_that_are_understood_keep_the_connection),
		TEST(what_follows_a_close_is_not_answered),
		TEST(pipelined_requests_are_answered_in_order_in_one_call),
		TEST(many_pipelined_requests_leave_in_few_calls),
		TEST(a_request_waits_in_the_stream_while_a_response_is_sent),
		TEST(no_cut_changes_the_answers),
		TEST(contents_in_memory_respect_the_room),
		TEST(files_respect_the_room),
		TEST(without_room_requests_wait),
		TEST(held_bytes_that_come_with_new_ones_are_held_no_more),
		TEST(pipelined_responses_respect_any_room),
		TEST(a_stream_without_delay_is_served),
		TEST(a_failed_send_resets_the_connection),
		TEST(a_file_truncated_while_it_is_sent_resets_the_connection),
		TEST(a_file_written_to_while_it_is_sent_resets_the_connection),
		TEST(a_file_replaced_while_it_is_sent_arrives_as_it_was),
		TEST(cached_contents_outlive_the_file),
		TEST(a_slow_head_is_408),
		TEST(each_request_has_its_own_time),
		TEST(a_body_that_does_not_come_is_408),
		TEST(a_body_below_the_least_rate_is_408),
		TEST(a_body_may_stall_and_catch_up),
		TEST(without_a_least_rate_a_byte_is_enough),
		TEST(idle_connections_are_closed),
		TEST(a_connection_that_says_nothing_is_closed_early),
		TEST(blank_lines_win_no_time_and_are_no_request),
		TEST(blank_lines_are_limited_however_they_come),
		TEST(a_peer_that_does_not_read_is_reset),
		TEST(a_peer_below_the_least_rate_is_reset),
		TEST(a_peer_may_stall_and_catch_up),
		TEST(small_progress_wins_no_time),
		TEST(a_slow_reader_of_the_last_bytes_is_not_idle),
		TEST(a_slow_reader_that_has_read_all_is_idle_again),
		TEST(lingering_ends_with_time_bytes_or_fin),
		TEST(a_request_and_fin_at_once_get_the_whole_answer),
		TEST(fin_behind_held_requests_is_not_heard_too_early),
		TEST(fin_between_requests_closes),
		TEST(fin_within_a_request_is_400),
		TEST(a_client_that_vanishes_is_logged),
		TEST(requests_wait_for_memory),
		TEST(a_request_that_waits_too_long_is_reset),
		TEST(file_buffers_are_shared_out),
		TEST(those_who_do_not_read_leave_the_large_buffers_to_others),
		TEST(a_piece_is_no_larger_than_the_peers_room),
		TEST(responses_wait_for_a_buffer_in_turn),
		TEST(connections_are_limited),
		TEST(thousands_of_connections_are_served),
		TEST(finished_requests_are_logged),
		TEST(the_time_of_each_request_is_counted),
		TEST(a_request_line_that_is_not_understood_is_logged_without_it),
		TEST(usage_counts),
		TEST(draining_finishes_what_is_under_way),
		TEST(memory_outlives_the_server_as_long_as_it_is_pointed_at),
		TEST(freeing_the_server_resets_connections),
		TEST(mistakes_are_told_at_start),
		TEST(data_that_came_before_is_taken),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
