/* Multipart bodies as browsers and curl send them, and as nobody should (RFC 7578, RFC 2046 section 5.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_multipart.h"

#define TYPE "multipart/form-data; boundary=B"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static size_t show(char *to, struct bytes b)
{
	return (size_t)sprintf(to, "%.*s", (int)b.len, (const char *)b.data);
}

/* The parts as "name=content|", a file as "name(filename)=content|", and "!" if it is malformed. */
static void assert_parts(const char *type, const char *body, const char *expected)
{
	size_t len = strlen(body), at = 0;
	uint8_t *copy = malloc(len > 0 ? len : 1); /* exact, so that reading past the end is seen */
	enum http_multipart_outcome outcome;
	struct http_multipart m = { 0 };
	struct http_part part;
	char found[512] = "";

	assert_non_null(copy);
	memcpy(copy, body, len);
	assert_true(http_multipart_init(&m, text(type), bytes_of(copy, len)));
	while ((outcome = http_multipart_next(&m, &part)) == HTTP_MULTIPART_PART) {
		at += show(found + at, part.name);
		if (part.filename.data != NULL) {
			found[at++] = '(';
			at += show(found + at, part.filename);
			found[at++] = ')';
		}
		found[at++] = '=';
		at += show(found + at, part.content);
		found[at++] = '|';
	}
	if (outcome == HTTP_MULTIPART_BAD)
		found[at++] = '!';
	found[at] = '\0';
	assert_string_equal(found, expected);
	free(copy);
}

static void parts_are_found(void **state)
{
	(void)state;
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B\r\n" FIELD("b") "\r\n--B--\r\n", "a=1|b=|");
	assert_parts(TYPE, "--B--", "");
	assert_parts(TYPE, "x--B\r\n" FIELD("a") "1\r\n--B--", ""); /* all before it is preamble */
	assert_parts(TYPE, "before\r\n--B \t\r\n" FIELD("a") "1\r\n--B--\r\nbehind", "a=1|");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "x--B\n--B\r\n-\r\n--\r\n--B--", "a=x--B\n--B\r\n-\r\n--|");
	assert_parts("multipart/form-data; charset=utf-8; Boundary=\"x;y=z\"",
		     "--x;y=z\r\n" FIELD("a") "1\r\n--x;y=z--", "a=1|");
	assert_parts(TYPE, "--B\r\nX: y\r\ncontent-disposition:form-data;name=a\r\nContent-Type: text/plain\r\n\r\n1"
			   "\r\n--B--", "a=1|");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; filename=\"c;d.txt\"; name=\"f\"\r\n\r\nhello"
			   "\r\n--B--", "f(c;d.txt)=hello|");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--B--", "f()=|");
	assert_parts(TYPE, "--B\r\n" FIELD("a%22\\") "1\r\n--B--", "a%22\\=1|");
}

static void malformed_bodies_are_told(void **state)
{
	(void)state;
	assert_parts(TYPE, "", "!");
	assert_parts(TYPE, "--", "!");
	assert_parts(TYPE, "--B", "!");
	assert_parts(TYPE, "--B\r\n", "!");
	assert_parts(TYPE, "--C\r\n" FIELD("a") "1\r\n--C--", "!");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B", "a=1|!");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B\r\n" FIELD("b") "2", "a=1|!");
	assert_parts(TYPE, "--Bx\r\n" FIELD("a") "1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\n\r\n1\r\n--B--", "!");
}

static void a_boundary_has_1_to_70_characters(void **state)
{
	struct http_multipart m;
	char type[128];

	(void)state;
	assert_false(http_multipart_init(&m, text("multipart/form-data"), text("")));
	assert_false(http_multipart_init(&m, text("multipart/form-data; boundary="), text("")));
	assert_false(http_multipart_init(&m, text("multipart/form-data; boundary=\"\""), text("")));
	snprintf(type, sizeof type, "multipart/form-data; boundary=%070d", 0);
	assert_true(http_multipart_init(&m, text(type), text("")));
	snprintf(type, sizeof type, "multipart/form-data; boundary=%071d", 0);
	assert_false(http_multipart_init(&m, text(type), text("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(malformed_bodies_are_told),
		cmocka_unit_test(a_boundary_has_1_to_70_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
