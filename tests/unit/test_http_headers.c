/* Headers of the owner's own: which rules can be, and which lines each status gets of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_headers.h"

#define NOSNIFF "X-Content-Type-Options: nosniff\r\n"

static void assert_fault(const char *rule, const char *expected)
{
	const char *fault = http_header_rule_fault(rule);

	if (fault == NULL || strcmp(fault, expected) != 0)
		fail_msg("%s: %s", rule, fault != NULL ? fault : "taken");
}

static void good_rules_are_taken(void **state)
{
	static const char *const valid[] = {
		"X-Frame-Options: DENY", "X-A:b", "X-A:   b c", "404 Retry-After: 60", "4xx 503 X-A: b", "-X-A", "404 -X-A",
		"Vary: Cookie", "Content-Security-Policy: default-src 'self'; img-src *", "X-Content-Type-Options: x",
		"Content-Location: /x", "Strict-Transport-Security: max-age=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
		if (http_header_rule_fault(valid[i]) != NULL)
			fail_msg("%s: %s", valid[i], http_header_rule_fault(valid[i]));
}

static void what_is_no_field_is_refused(void **state)
{
	static const char *const invalid[] = {
		"", ":", ": x", "X-A", "X-A:", "X-A: ", "X A: b", "X-A : b", "-", "-X A", "-X-A: b", "\"X\": b", "X-\xc3\xa4: b",
		"404", "404 ", "404 X-A",
	};
	char text[HTTP_HEADER_RULE_MAX + 2] = "X: ";

	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		assert_fault(invalid[i], "is not a header such as \"X-Frame-Options: DENY\"");
	assert_fault("X-A: b\r\nX-B: c", "holds a character that a field cannot have");
	assert_fault("X-A: b\nX-B: c", "holds a character that a field cannot have");
	assert_fault("X-A: \x7f", "holds a character that a field cannot have");
	assert_fault("X-A: a\tb", "holds a character that a field cannot have");
	memset(text + 3, 'x', HTTP_HEADER_RULE_MAX - 3);
	assert_null(http_header_rule_fault(text));
	text[HTTP_HEADER_RULE_MAX] = 'x';
	assert_fault(text, "is too long");
}

static void what_is_ours_is_refused(void **state)
{
	static const char ours[] = "is a field that the server itself must say";

	(void)state;
	assert_fault("content-length: 1", ours);
	assert_fault("Transfer-Encoding: chunked", ours);
	assert_fault("Connection: close", ours);
	assert_fault("-Date", ours);
	assert_fault("404 Location: /", ours);
	assert_fault("ETag: x", ours);
	assert_fault("Cache-Control: no-store", "is said by cache_control");
	assert_fault("server: nginx", "is said by server_header, or not");
	assert_fault("-Server", "is said by server_header, or not");
	assert_fault("access-control-allow-origin: *", "is said by the cors keys");
	assert_fault("299 X-A: b", "names a status that is never given");
	assert_fault("1xx X-A: b", "names a status that is never given");
	assert_fault("6xx X-A: b", "names a status that is never given");
}

static void assert_tail(char *const *rules, unsigned status, const char *expected)
{
	struct http_tails t;
	const struct http_lines *tail;

	assert_true(http_tails_open(&t, rules, ""));
	tail = http_tails_get(&t, status);
	assert_int_equal(tail->len, strlen(expected));
	assert_memory_equal(tail->text, expected, tail->len);
	http_tails_close(&t);
}

static void without_rules_there_is_ours(void **state)
{
	char *const none[] = { NULL };

	(void)state;
	assert_tail(none, 200, NOSNIFF "\r\n");
	assert_tail(none, 404, NOSNIFF "\r\n");
}

static void a_rule_is_for_every_status_unless_it_says(void **state)
{
	char all[] = "X-A: b", some[] = "404 5xx Retry-After: 60";
	char *const rules[] = { all, some, NULL };

	(void)state;
	assert_tail(rules, 200, NOSNIFF "X-A: b\r\n\r\n");
	assert_tail(rules, 304, NOSNIFF "X-A: b\r\n\r\n");
	assert_tail(rules, 404, NOSNIFF "X-A: b\r\nRetry-After: 60\r\n\r\n");
	assert_tail(rules, 503, NOSNIFF "X-A: b\r\nRetry-After: 60\r\n\r\n");
	assert_tail(rules, 599, NOSNIFF "X-A: b\r\nRetry-After: 60\r\n\r\n");
	assert_tail(rules, 499, NOSNIFF "X-A: b\r\n\r\n");
}

static void the_last_rule_for_a_name_counts(void **state)
{
	char one[] = "X-A: 1", two[] = "404 x-a: 2", three[] = "503 -X-A", ours[] = "4xx X-content-type-options: other";
	char *const rules[] = { one, two, three, ours, NULL };

	(void)state;
	assert_tail(rules, 200, NOSNIFF "X-A: 1\r\n\r\n");
	assert_tail(rules, 404, "x-a: 2\r\nX-content-type-options: other\r\n\r\n");
	assert_tail(rules, 503, NOSNIFF "\r\n");
}

static void what_is_ours_can_be_taken_away(void **state)
{
	char none[] = "-X-Content-Type-Options";
	char *const rules[] = { none, NULL };

	(void)state;
	assert_tail(rules, 200, "\r\n");
}

/* RFC 9110 sections 15.3.7 and 15.4.5. */
static void what_is_for_200_is_for_206_and_304(void **state)
{
	char rule[] = "200 Expires: 0";
	char *const rules[] = { rule, NULL };

	(void)state;
	assert_tail(rules, 206, NOSNIFF "Expires: 0\r\n\r\n");
	assert_tail(rules, 304, NOSNIFF "Expires: 0\r\n\r\n");
	assert_tail(rules, 204, NOSNIFF "\r\n");
}

static void lines_are_in_all_tails(void **state)
{
	char *const none[] = { NULL };
	struct http_tails t;

	(void)state;
	assert_true(http_tails_open(&t, none, "Vary: Origin\r\n"));
	assert_memory_equal(http_tails_get(&t, 200)->text, "Vary: Origin\r\n", 14);
	assert_memory_equal(http_tails_get(&t, 404)->text, "Vary: Origin\r\n", 14);
	http_tails_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rules_are_taken),
		cmocka_unit_test(what_is_no_field_is_refused),
		cmocka_unit_test(what_is_ours_is_refused),
		cmocka_unit_test(without_rules_there_is_ours),
		cmocka_unit_test(a_rule_is_for_every_status_unless_it_says),
		cmocka_unit_test(the_last_rule_for_a_name_counts),
		cmocka_unit_test(what_is_ours_can_be_taken_away),
		cmocka_unit_test(what_is_for_200_is_for_206_and_304),
		cmocka_unit_test(lines_are_in_all_tails),
	};

	return cmocka_run_group_tests_name("http_headers", tests, NULL, NULL);
}
