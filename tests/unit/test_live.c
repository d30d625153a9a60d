/* The files in the program: which coding a client gets, and when it has it already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/live.h"

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

static unsigned get(const char *path, const char *fields, struct http_document *out)
{
	struct http_request *r = http_request_take(&pool);
	struct http_call call = { .path = path, .request = r };
	enum http_parsed parsed;
	char text[1000];
	unsigned status;

	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	http_parser_feed(r, bytes_of(text, strlen(text)), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	*out = (struct http_document){ 0 };
	status = live_answer(&call, out);
	http_request_give(r);
	return status;
}

/* The tag of what is answered, with its quotes. */
static const char *etag(const char *path, const char *fields)
{
	static char tag[100];
	struct http_document d;
	const char *at;

	assert_int_equal(get(path, fields, &d), 200);
	at = memmem(d.fields.data, d.fields.len, "ETag: ", 6);
	assert_non_null(at);
	assert_int_equal(sscanf(at, "ETag: %99s", tag), 1);
	return tag;
}

static void each_file_has_its_type(void **state)
{
	static const char *const files[][2] = {
		{ "", "text/html; charset=utf-8" },
		{ "live.css", "text/css; charset=utf-8" },
		{ "live.js", "text/javascript; charset=utf-8" },
		{ "favicon.svg", "image/svg+xml" },
	};
	struct http_document d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		assert_int_equal(get(files[i][0], "", &d), 200);
		assert_string_equal(d.type, files[i][1]);
		assert_int_equal(d.coding, HTTP_CODING_IDENTITY);
		assert_true(d.body.len > 0 && d.tells_caching);
	}
	assert_int_equal(get("nothing.js", "", &d), 404);
	assert_int_equal(get("live.js/", "", &d), 404);
}

static void the_coding_is_what_the_client_likes_best(void **state)
{
	struct http_document d, plain;

	(void)state;
	assert_int_equal(get("live.css", "", &plain), 200);
	assert_int_equal(get("live.css", "Accept-Encoding: br, gzip\r\n", &d), 200);
	assert_int_equal(d.coding, HTTP_CODING_GZIP);
	assert_true(d.body.len < plain.body.len / 2);
	assert_memory_equal(d.body.data, "\x1f\x8b", 2); /* RFC 1952 section 2.3.1 */
	assert_int_equal(get("live.css", "Accept-Encoding: gzip;q=0.5, identity\r\n", &d), 200);
	assert_int_equal(d.coding, HTTP_CODING_IDENTITY);
	assert_int_equal(get("live.css", "Accept-Encoding: br\r\n", &d), 200);
	assert_int_equal(d.coding, HTTP_CODING_IDENTITY);
	assert_int_equal(get("live.css", "Accept-Encoding: br, identity;q=0\r\n", &d), 406);
}

static void who_has_it_already_is_told_so(void **state)
{
	char fields[200];
	struct http_document d;

	(void)state;
	snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag("live.js", ""));
	assert_int_equal(get("live.js", fields, &d), 304);
	assert_null(d.body.data);
	assert_int_equal(d.coding, HTTP_CODING_IDENTITY);
	assert_non_null(memmem(d.fields.data, d.fields.len, "Cache-Control: no-cache\r\n", 25));
	assert_int_equal(get("live.css", fields, &d), 200); /* another file */
	strcat(fields, "Accept-Encoding: gzip\r\n");
	assert_int_equal(get("live.js", fields, &d), 200); /* another coding */
	assert_int_equal(get("live.js", "If-Match: \"another build\"\r\n", &d), 412);
}

static void tags_tell_codings_apart(void **state)
{
	char plain[100];

	(void)state;
	strcpy(plain, etag("live.js", ""));
	assert_string_not_equal(plain, etag("live.js", "Accept-Encoding: gzip\r\n"));
	assert_string_not_equal(plain, etag("page.js", ""));
	assert_string_equal(plain, etag("live.js", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_file_has_its_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_coding_is_what_the_client_likes_best, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_it_already_is_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tags_tell_codings_apart, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
