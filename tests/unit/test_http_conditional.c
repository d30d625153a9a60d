/* Conditional requests (RFC 9110 section 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_conditional.h"

static const int64_t MODIFIED_S = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
static const int64_t NOW_S = 1800000000;

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

static struct http_validators version(const char *etag)
{
	return (struct http_validators){ .etag = bytes_of(etag, strlen(etag)),
					 .last_modified_s = MODIFIED_S };
}

static struct http_request *request(const char *fields)
{
	struct http_request *r = http_request_take(&pool);
	enum http_parsed parsed;
	char text[1000];

	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	http_parser_feed(r, bytes_of(text, strlen(text)), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	return r;
}

/* The status for a request with these field lines, of a version of MODIFIED_S. */
static unsigned status_for(const char *etag, const char *fields)
{
	const struct http_validators v = version(etag);
	struct http_request *r = request(fields);
	unsigned status = http_evaluate_conditions(r, &v, NOW_S);

	http_request_give(r);
	return status;
}

static unsigned status(const char *fields)
{
	return status_for("\"v1\"", fields);
}

static bool not_modified(const char *fields)
{
	return status(fields) == 304;
}

static bool range_holds(const char *etag, const char *fields)
{
	const struct http_validators v = version(etag);
	struct http_request *r = request(fields);
	bool holds = http_if_range_holds(r, &v, NOW_S);

	http_request_give(r);
	return holds;
}

static void no_condition_is_modified(void **state)
{
	(void)state;
	assert_int_equal(status(""), 200);
}

/* RFC 9110 section 13.1.2 */
static void if_none_match_compares_weakly(void **state)
{
	(void)state;
	assert_true(not_modified("If-None-Match: \"v1\"\r\n"));
	assert_true(not_modified("If-None-Match: W/\"v1\"\r\n"));
	assert_true(not_modified("If-None-Match: \"v0\", \"v1\"\r\n"));
	assert_true(not_modified("If-None-Match: \"v0\" ,W/\"v1\" , \"v2\"\r\n"));
	assert_true(not_modified("If-None-Match: ,,\"v1\"\r\n"));
	assert_true(not_modified("If-None-Match: \"a,b\", \"v1\"\r\n"));
	assert_true(not_modified("If-None-Match: *\r\n"));
	assert_true(not_modified("If-None-Match: \"v0\"\r\nX: y\r\nIf-None-Match: \"v1\"\r\n"));
	assert_false(not_modified("If-None-Match: \"v2\"\r\n"));
	assert_false(not_modified("If-None-Match: \"V1\"\r\n"));
	assert_false(not_modified("If-None-Match: \"x, \\\"v1\"\r\n"));
}

static void malformed_entity_tags_match_nothing(void **state)
{
	(void)state;
	assert_false(not_modified("If-None-Match:\r\n"));
	assert_false(not_modified("If-None-Match: v1\r\n"));
	assert_false(not_modified("If-None-Match: \"v1\r\n"));
	assert_false(not_modified("If-None-Match: \"\r\n"));
	assert_false(not_modified("If-None-Match: w/\"v1\"\r\n"));
	assert_false(not_modified("If-None-Match: **\r\n"));
	assert_false(not_modified("If-None-Match: 'v1'\r\n"));
}

/* RFC 9110 section 13.1.3 */
static void if_modified_since_compares_seconds(void **state)
{
	(void)state;
	assert_true(not_modified("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_true(not_modified("If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
	assert_true(not_modified("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n"));
	assert_true(not_modified("If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n"));
	assert_false(not_modified("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
	assert_false(not_modified("If-Modified-Since: yesterday\r\n"));
	assert_false(not_modified("If-Modified-Since:\r\n"));
	assert_false(not_modified("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
				  "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

/* RFC 9110 section 13.2.2: If-None-Match decides alone. */
static void if_none_match_goes_before_if_modified_since(void **state)
{
	(void)state;
	assert_false(not_modified(
		"If-None-Match: \"v2\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_true(not_modified(
		"If-None-Match: \"v1\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
	assert_false(not_modified("If-None-Match:\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

/* RFC 9110 section 13.1.1 */
static void if_match_compares_strongly(void **state)
{
	(void)state;
	assert_int_equal(status("If-Match: \"v1\"\r\n"), 200);
	assert_int_equal(status("If-Match: \"v0\", \"v1\"\r\n"), 200);
	assert_int_equal(status("If-Match: \"v0\"\r\nIf-Match: \"v1\"\r\n"), 200);
	assert_int_equal(status("If-Match: *\r\n"), 200);
	assert_int_equal(status("If-Match: \"v0\"\r\n"), 412);
	assert_int_equal(status("If-Match: W/\"v1\"\r\n"), 412);
	assert_int_equal(status("If-Match: W/\"v1\", \"v1\"\r\n"), 200);
	assert_int_equal(status("If-Match:\r\n"), 412);
	assert_int_equal(status_for("W/\"v1\"", "If-Match: \"v1\"\r\n"), 412);
	assert_int_equal(status_for("W/\"v1\"", "If-Match: *\r\n"), 200);
	assert_int_equal(status_for("W/\"v1\"", "If-None-Match: \"v1\"\r\n"), 304);
}

/* RFC 9110 section 13.1.4 */
static void if_unmodified_since_compares_seconds(void **state)
{
	(void)state;
	assert_int_equal(status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 200);
	assert_int_equal(status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 412);
	assert_int_equal(status("If-Unmodified-Since: yesterday\r\n"), 200);
	assert_int_equal(status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"
				"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 200);
}

/* RFC 9110 section 13.2.2 */
static void conditions_are_evaluated_in_order(void **state)
{
	(void)state;
	assert_int_equal(status("If-None-Match: \"v1\"\r\nIf-Match: \"v0\"\r\n"), 412);
	assert_int_equal(status("If-Match: \"v1\"\r\nIf-None-Match: \"v1\"\r\n"), 304);
	assert_int_equal(status("If-Match: \"v1\"\r\n"
				"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 200);
	assert_int_equal(status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"
				"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 412);
}

/* RFC 9110 section 13.1.5 */
static void if_range_wants_this_very_version(void **state)
{
	(void)state;
	assert_true(range_holds("\"v1\"", ""));
	assert_true(range_holds("\"v1\"", "If-Range: \"v1\"\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: \"v0\"\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: W/\"v1\"\r\n"));
	assert_false(range_holds("W/\"v1\"", "If-Range: W/\"v1\"\r\n"));
	assert_false(range_holds("W/\"v1\"", "If-Range: \"v1\"\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: \"v1\", \"v0\"\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: \"v1\"\r\nIf-Range: \"v1\"\r\n"));
	assert_true(range_holds("\"v1\"", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
	assert_false(range_holds("W/\"v1\"", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range: *\r\n"));
	assert_false(range_holds("\"v1\"", "If-Range:\r\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(no_condition_is_modified),
		TEST(if_none_match_compares_weakly),
		TEST(malformed_entity_tags_match_nothing),
		TEST(if_modified_since_compares_seconds),
		TEST(if_none_match_goes_before_if_modified_since),
		TEST(if_match_compares_strongly),
		TEST(if_unmodified_since_compares_seconds),
		TEST(conditions_are_evaluated_in_order),
		TEST(if_range_wants_this_very_version),
	};

	return cmocka_run_group_tests_name("http_conditional", tests, NULL, NULL);
}
