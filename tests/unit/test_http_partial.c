/* Partial answers as a client sees them: one part and several, from memory and from a file, to slow peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"

enum { LARGE = 3000000 };

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;
static char *large;

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "digits.txt", "0123456789");
	http_fixture_write_text(&fx, "empty.txt", "");
	large = malloc(LARGE);
	assert_non_null(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 2654435761u >> 13);
	http_fixture_write(&fx, "large", large, LARGE);
	fx.wall_us += 10000000; /* the files have settled */
	fx.config.file_buffers = 2;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	free(large);
	return 0;
}

static void ask(const char *method, const char *path, const char *fields)
{
	char request[2000];

	snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, fields);
	fake_stream_feed_text(&s, request);
}

static struct http_reply get(const char *path, const char *fields)
{
	struct http_reply r;

	ask("GET", path, fields);
	while (!http_reply_next(s.sent, s.sent_len, &at, false, &r)) {
		assert_true(fake_stream_in_flight(&s) > 0);
		fake_stream_ack(&s, 10000);
	}
	return r;
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

static void assert_body(const struct http_reply *r, const void *expected, size_t len)
{
	assert_int_equal(r->body_len, len);
	assert_memory_equal(r->body, expected, len);
}

static void one_range_is_sent_as_it_is(void **state)
{
	struct http_reply r = get("/digits.txt", "Range: bytes=2-4\r\n");

	(void)state;
	assert_int_equal(r.status, 206);
	assert_field(&r, "Content-Range", "bytes 2-4/10");
	assert_field(&r, "Content-Type", "text/plain; charset=utf-8");
	assert_body(&r, "234", 3);
	assert_int_equal(fx.logs[0].body_bytes_sent, 3);
	r = get("/digits.txt", "Range: bytes=-1\r\n");
	assert_field(&r, "Content-Range", "bytes 9-9/10");
	assert_body(&r, "9", 1);
}

static void what_cannot_be_satisfied_tells_the_size(void **state)
{
	struct http_reply r = get("/digits.txt", "Range: bytes=10-\r\n");

	(void)state;
	assert_int_equal(r.status, 416);
	assert_field(&r, "Content-Range", "bytes */10");
	r = get("/digits.txt", "");
	assert_int_equal(r.status, 200);
	assert_field(&r, "Accept-Ranges", "bytes");
}

static void what_is_no_range_gets_the_whole(void **state)
{
	static const char *const fields[] = {
		"Range: lines=1-2\r\n", "Range: bytes=x\r\n", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n",
		"Range: bytes=0-1\r\nIf-Range: \"other\"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		struct http_reply r = get("/digits.txt", fields[i]);

		assert_int_equal(r.status, 200);
		assert_body(&r, "0123456789", 10);
	}
	assert_int_equal(get("/empty.txt", "Range: bytes=0-\r\n").status, 200);
}

/* RFC 9110 section 14.2: ranges are defined for GET alone. */
static void head_ignores_ranges(void **state)
{
	struct http_reply r;

	(void)state;
	ask("HEAD", "/digits.txt", "Range: bytes=2-4\r\n");
	assert_true(http_reply_next(s.sent, s.sent_len, &at, true, &r));
	assert_int_equal(r.status, 200);
	assert_field(&r, "Content-Length", "10");
}

/* RFC 9110 section 13.2.2 */
static void preconditions_come_before_ranges(void **state)
{
	char etag[256], fields[600];
	struct http_reply r = get("/digits.txt", "");

	(void)state;
	assert_true(http_reply_field(&r, "ETag", etag));
	snprintf(fields, sizeof fields, "If-None-Match: %s\r\nRange: bytes=99-\r\n", etag);
	assert_int_equal(get("/digits.txt", fields).status, 304);
	assert_int_equal(get("/digits.txt", "If-Match: \"x\"\r\nRange: bytes=0-1\r\n").status, 412);
	snprintf(fields, sizeof fields, "If-Range: %s\r\nRange: bytes=0-1\r\n", etag);
	r = get("/digits.txt", fields);
	assert_int_equal(r.status, 206);
	assert_field(&r, "ETag", etag);
}

static void several_ranges_are_parts_of_one_body(void **state)
{
	struct http_reply r = get("/digits.txt", "Range: bytes=0-0,3-4,-1\r\n");
	char type[256], expected[1000];
	const char *boundary;
	int len;

	(void)state;
	assert_int_equal(r.status, 206);
	assert_false(http_reply_field(&r, "Content-Range", type));
	assert_true(http_reply_field(&r, "Content-Type", type));
	boundary = strstr(type, "boundary=");
	assert_non_null(boundary);
	boundary += 9;
#define PART(range, text)                                                      \
	"--%1$s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " range \
	"/10\r\n\r\n" text "\r\n"
	len = snprintf(expected, sizeof expected,
		       PART("0-0", "0") PART("3-4", "34") PART("9-9", "9") "--%1$s--\r\n", boundary);
	assert_body(&r, expected, (size_t)len);
	assert_int_equal(fx.logs[0].body_bytes_sent, len);
}

/* The parts of a file that is not in memory, with few buffers and a peer that acknowledges bit by bit. */
static void parts_of_a_large_file_arrive_whole(void **state)
{
	struct http_reply r = get("/large", "Range: bytes=0-999999,1000001-2000000,2500000-2500009\r\n");
	const char *first, *second, *third;

	(void)state;
	assert_int_equal(r.status, 206);
	first = memmem(r.body, r.body_len, "\r\n\r\n", 4);
	assert_memory_equal(first + 4, large, 1000000);
	second = memmem(first + 4 + 1000000, 200, "\r\n\r\n", 4);
	assert_non_null(second);
	assert_memory_equal(second + 4, large + 1000001, 1000000);
	third = memmem(second + 4 + 1000000, 200, "\r\n\r\n", 4);
	assert_non_null(third);
	assert_memory_equal(third + 4, large + 2500000, 10);
	r = get("/large", "Range: bytes=1999999-\r\n");
	assert_body(&r, large + 1999999, LARGE - 1999999);
}

static void a_client_that_leaves_between_parts_leaves_nothing_behind(void **state)
{
	(void)state;
	ask("GET", "/large", "Range: bytes=0-1999999,2500000-2500009\r\n");
	fake_stream_ack(&s, 100000);
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_int_equal(fx.log_count, 1);
	assert_int_equal(fx.logs[0].status, 206);
	assert_true(fx.logs[0].body_bytes_sent < 2000000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_range_is_sent_as_it_is),
		TEST(what_cannot_be_satisfied_tells_the_size),
		TEST(what_is_no_range_gets_the_whole),
		TEST(head_ignores_ranges),
		TEST(preconditions_come_before_ranges),
		TEST(several_ranges_are_parts_of_one_body),
		TEST(parts_of_a_large_file_arrive_whole),
		TEST(a_client_that_leaves_between_parts_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("http_partial", tests, NULL, NULL);
}
