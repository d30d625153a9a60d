/* CORS: which settings can be, and which lines a request gets of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_cors.h"

static struct http_parser_pool pool;

static int set_up(void **state)
{
	const struct http_limits limits = { .max_uri = 100, .max_headers = 1000, .max_header_count = 20 };

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

/* A request with these fields. */
static struct http_request *request(const char *method, const char *fields)
{
	struct http_request *r = http_request_take(&pool);
	enum http_parsed parsed;
	char text[1000];
	int len = snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);

	assert_non_null(r);
	http_parser_feed(r, bytes_of(text, (size_t)len), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	return r;
}

static void open_cors(struct http_cors *c, const struct http_cors_settings *s)
{
	struct failure why;

	assert_int_equal(http_cors_open(c, s, "site", &why), 0);
}

/* expected: NULL if there are none. */
static void assert_lines(const struct http_cors *c, const char *method, const char *fields,
			 const char *expected)
{
	struct http_request *r = request(method, fields);
	const struct http_lines *lines = http_cors_lines(c, r);

	if (expected == NULL) {
		assert_null(lines);
	} else {
		assert_non_null(lines);
		assert_int_equal(lines->len, strlen(expected));
		assert_memory_equal(lines->text, expected, lines->len);
	}
	http_request_give(r);
}

static void origins_are_written_as_browsers_do(void **state)
{
	static const char *const valid[] = {
		"*", "https://a.example", "http://a.example:8080", "http://[2001:db8::1]:81", "http://localhost:3000",
		"capacitor://localhost", "http://a.example:443",
	};
	static const char *const invalid[] = {
		"", "null", "a.example", "://a", "https://", "https://a.example/", "https://A.example", "HTTPS://a.example",
		"https://a.example:443", "http://a.example:80", "https://a.example:", "https://a b", "https://*.example:x",
		"https://user@a.example", "https://a\r\nX: y", "https://a?x", "ht tp://a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
		if (!http_cors_origin_is_valid(valid[i]))
			fail_msg("refused: %s", valid[i]);
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		if (http_cors_origin_is_valid(invalid[i]))
			fail_msg("taken: %s", invalid[i]);
	assert_true(http_cors_name_is_valid("X-A"));
	assert_false(http_cors_name_is_valid("X A"));
	assert_false(http_cors_name_is_valid(""));
}

static void without_origins_nothing_is_said(void **state)
{
	struct http_cors c;

	(void)state;
	open_cors(&c, &(struct http_cors_settings){ 0 });
	assert_int_equal(c.count, 0);
	assert_string_equal(http_cors_line(&c), "");
	assert_lines(&c, "GET", "Origin: https://a.example\r\n", NULL);
	http_cors_close(&c);
}

static void an_origin_of_the_list_is_named_and_no_other(void **state)
{
	static const char *const origins[] = { "https://a.example", "https://b.example", NULL };
	static const char *const expose[] = { "ETag", "X-A", NULL };
	struct http_cors c;

	(void)state;
	open_cors(&c, &(struct http_cors_settings){ .origins = origins, .expose = expose });
	assert_string_equal(http_cors_line(&c), "Vary: Origin\r\n");
	assert_lines(&c, "GET", "Origin: https://b.example\r\n",
		     "Access-Control-Allow-Origin: https://b.example\r\n"
		     "Access-Control-Expose-Headers: ETag, X-A\r\n");
	assert_lines(&c, "GET", "", NULL);
	assert_lines(&c, "GET", "Origin: null\r\n", NULL);
	assert_lines(&c, "GET", "Origin: https://a.example.evil\r\n", NULL);
	assert_lines(&c, "GET", "Origin: https://a.exampl\r\n", NULL);
	assert_lines(&c, "GET", "Origin: http://a.example\r\n", NULL);
	assert_lines(&c, "GET", "Origin: https://a.example\r\nOrigin: https://b.example\r\n", NULL);
	http_cors_close(&c);
}

static void a_preflight_is_told_what_it_may(void **state)
{
	static const char *const origins[] = { "https://a.example", NULL }, *const methods[] = { "PUT", NULL };
	static const char *const headers[] = { "Content-Type", "X-A", NULL };
	static const char preflight[] = "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
	struct http_cors c;
	struct http_request *r;

	(void)state;
	open_cors(&c, &(struct http_cors_settings){ .origins = origins,
						    .methods = methods,
						    .headers = headers,
						    .credentials = true,
						    .max_age_s = 600 });
	assert_lines(&c, "OPTIONS", preflight,
		     "Access-Control-Allow-Origin: https://a.example\r\n"
		     "Access-Control-Allow-Credentials: true\r\n"
		     "Access-Control-Allow-Methods: GET, HEAD, POST, PUT\r\n"
		     "Access-Control-Allow-Headers: Content-Type, X-A\r\n"
		     "Access-Control-Max-Age: 600\r\n");
	assert_lines(&c, "OPTIONS", "Origin: https://a.example\r\n",
		     "Access-Control-Allow-Origin: https://a.example\r\n"
		     "Access-Control-Allow-Credentials: true\r\n");
	r = request("OPTIONS", "Origin: https://b.example\r\nAccess-Control-Request-Method: PUT\r\n");
	assert_false(http_cors_is_preflight(&c, r));
	http_request_give(r);
	r = request("GET", preflight);
	assert_false(http_cors_is_preflight(&c, r));
	http_request_give(r);
	http_cors_close(&c);
}

/* A request may be refused in the middle of a field, and must be answered
 * alike wherever its bytes were cut. */
static void a_field_that_is_not_whole_makes_no_preflight(void **state)
{
	static const char head[] = "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
				   "Access-Control-Request-Method";
	static const char *const origins[] = { "https://a.example", NULL };
	struct http_request *r = http_request_take(&pool);
	enum http_parsed parsed;
	struct http_cors c;

	(void)state;
	open_cors(&c, &(struct http_cors_settings){ .origins = origins });
	http_parser_feed(r, bytes_of(head, sizeof head - 1), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MORE);
	assert_false(http_cors_is_preflight(&c, r));
	http_parser_feed(r, bytes_of(": PUT\r\n\r\n", 9), &parsed);
	assert_true(http_cors_is_preflight(&c, r));
	http_request_give(r);
	http_cors_close(&c);
}

static void for_any_origin_every_answer_says_so(void **state)
{
	static const char *const origins[] = { "https://a.example", "*", NULL };
	struct http_cors c;

	(void)state;
	open_cors(&c, &(struct http_cors_settings){ .origins = origins, .max_age_s = 5 });
	assert_string_equal(http_cors_line(&c), "Access-Control-Allow-Origin: *\r\n");
	assert_lines(&c, "GET", "", "");
	assert_lines(&c, "OPTIONS", "Origin: x:\r\nAccess-Control-Request-Method: GET\r\n",
		     "Access-Control-Allow-Methods: GET, HEAD, POST\r\nAccess-Control-Max-Age: 5\r\n");
	http_cors_close(&c);
}

static void credentials_are_not_for_any(void **state)
{
	static const char *const any[] = { "*", NULL }, *const origins[] = { "https://a.example", NULL };
	const struct http_cors_settings bad[] = {
		{ .origins = any, .credentials = true },
		{ .origins = origins, .methods = any, .credentials = true },
		{ .origins = origins, .headers = any, .credentials = true },
		{ .origins = origins, .expose = any, .credentials = true },
	};
	struct http_cors c;
	struct failure why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(http_cors_open(&c, &bad[i], "site", &why), -EINVAL);
		assert_string_equal(why.text, "site: with cors_credentials \"*\" means nothing: name the origins, "
					      "methods and headers");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(origins_are_written_as_browsers_do),
		TEST(without_origins_nothing_is_said),
		TEST(an_origin_of_the_list_is_named_and_no_other),
		TEST(a_preflight_is_told_what_it_may),
		TEST(a_field_that_is_not_whole_makes_no_preflight),
		TEST(for_any_origin_every_answer_says_so),
		TEST(credentials_are_not_for_any),
	};

	return cmocka_run_group_tests_name("http_cors", tests, NULL, NULL);
}
