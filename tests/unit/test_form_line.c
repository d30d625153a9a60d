/* Forms as lines of JSON: each kind of body, what is refused, and the honeypot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/form_line.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=B"
#define PART(name, more) "--B\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n"
#define ENVELOPE "{\"time\":\"2009-02-13T23:31:30.000Z\",\"client\":\"192.0.2.1\",\"fields\":"

static struct document_budget budget = { .limit = 1 << 20 };
static bool trapped;

/* On an exact copy, so that reading past the end is seen. */
static unsigned write_line(struct document *d, const char *type, const char *body, size_t len)
{
	struct form_submission s = {
		.content_type = bytes_of(type, strlen(type)),
		.body = malloc(len),
		.len = len,
		.client = "192.0.2.1",
		.wall_us = UINT64_C(1234567890000000),
		.honeypot = "trap",
	};
	unsigned status;

	assert_non_null(s.body);
	memcpy(s.body, body, len);
	status = form_write_line(d, &s, &trapped);
	free(s.body);
	return status;
}

static void assert_fields_of(const char *type, const char *body, size_t len, const char *fields)
{
	struct document *d = document_new(&budget, 1 << 20);
	char expected[1024];

	assert_int_equal(write_line(d, type, body, len), 0);
	snprintf(expected, sizeof expected, ENVELOPE "%s}\n", fields);
	assert_int_equal(d->len, strlen(expected));
	assert_memory_equal(d->text, expected, d->len);
	span_owner_unref(&d->owner);
}

static void assert_fields(const char *type, const char *body, const char *fields)
{
	assert_fields_of(type, body, strlen(body), fields);
}

static void assert_refused(const char *type, const char *body, unsigned status)
{
	struct document *d = document_new(&budget, 1 << 20);

	assert_int_equal(write_line(d, type, body, strlen(body)), status);
	span_owner_unref(&d->owner);
}

static void urlencoded_forms(void **state)
{
	(void)state;
	assert_fields(URLENCODED, "name=Ann+B&word=%22%0a&empty=",
		      "{\"name\":\"Ann B\",\"word\":\"\\\"\\u000a\",\"empty\":\"\"}");
	assert_fields(URLENCODED "; charset=utf-8", "%c3%bc=%ff", "{\"\xc3\xbc\":\"\\ufffd\"}");
	assert_fields("Application/X-WWW-form-urlencoded", "a=%00", "{\"a\":\"\\u0000\"}");
	assert_refused(URLENCODED, "&&", 400);
}

/* The names meet again, in order, and the line stays one line. */
static void repeated_names_have_arrays(void **state)
{
	(void)state;
	assert_fields(URLENCODED, "a=1&b=x&a=2&c=&a=3&b=y",
		      "{\"a\":[\"1\",\"2\",\"3\"],\"b\":[\"x\",\"y\"],\"c\":\"\"}");
}

static void multipart_forms(void **state)
{
	(void)state;
	assert_fields(
		MULTIPART,
		PART("a", "") "1\r\n2\r\n" PART("f", "; filename=\"\"") "\r\n" PART("b", "") "\r\n--B--",
		"{\"a\":\"1\\u000d\\u000a2\",\"b\":\"\"}");
	assert_refused(MULTIPART, PART("f", "; filename=\"x\"") "data\r\n--B--", 415);
	assert_fields(MULTIPART,
		      PART("x", "") "\r\n--A\r\n" PART("y", "") "\r\r\n-\r\n" PART("x", "") "2\r\n--B--\r\nz",
		      "{\"x\":[\"\\u000d\\u000a--A\",\"2\"],\"y\":\"\\u000d\\u000d\\u000a-\"}");
	assert_refused(MULTIPART, PART("a", "") "1", 400);
	assert_refused(MULTIPART, "--B--", 400);
	assert_refused("multipart/form-data", PART("a", "") "1\r\n--B--", 400);
}

static void json_objects(void **state)
{
	(void)state;
	assert_fields("application/json; charset=utf-8", "{\"a\":\r\n [1,\n2]}\n", "{\"a\": [1,2]}");
	assert_refused("application/json", "{\"a\":1}}\n{", 400);
	assert_refused("application/json", "{\"a\":\"\n\"}", 400);
	assert_refused("application/json", "[1]", 400);
}

static void other_types_are_refused(void **state)
{
	(void)state;
	assert_refused("text/plain", "a=1", 415);
	assert_refused("", "a=1", 415);
	assert_refused("application/jsonx", "{}", 415);
	assert_false(form_reads((struct bytes){ 0 }));
}

static void the_honeypot_traps_and_is_not_written(void **state)
{
	(void)state;
	assert_fields(URLENCODED, "a=1&trap=", "{\"a\":\"1\"}");
	assert_false(trapped);
	assert_fields(URLENCODED, "a=1&trap=&trap=x", "{\"a\":\"1\"}");
	assert_true(trapped);
	assert_fields(MULTIPART, PART("trap", "") "x\r\n--B--", "{}");
	assert_true(trapped);
	assert_fields(URLENCODED, "a=1", "{\"a\":\"1\"}");
	assert_false(trapped);
}

static void fields_are_counted(void **state)
{
	char body[FORM_FIELDS * 4 + 8], *at = body;

	(void)state;
	for (int i = 0; i < FORM_FIELDS; i++)
		at = stpcpy(at, i % 2 ? "a=&" : "b=&");
	trapped = false;
	strcpy(at, "c");
	assert_refused(URLENCODED, body, 413);
	*at = '\0';
	assert_refused(URLENCODED, body, 0);
}

/* The worst that bodies can grow to. */
static void the_line_is_at_most_so_much_longer(void **state)
{
	struct document *d = document_new(&budget, 1 << 20);
	char body[2000];

	(void)state;
	memset(body, 1, sizeof body);
	assert_int_equal(write_line(d, URLENCODED, body, sizeof body), 0);
	assert_true(d->len < FORM_EXPANSION * sizeof body + FORM_ENVELOPE);
	span_owner_unref(&d->owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urlencoded_forms),
		cmocka_unit_test(repeated_names_have_arrays),
		cmocka_unit_test(multipart_forms),
		cmocka_unit_test(json_objects),
		cmocka_unit_test(other_types_are_refused),
		cmocka_unit_test(the_honeypot_traps_and_is_not_written),
		cmocka_unit_test(fields_are_counted),
		cmocka_unit_test(the_line_is_at_most_so_much_longer),
	};

	return cmocka_run_group_tests_name("form_line", tests, NULL, NULL);
}
