/* The access log's lines: the combined format, escaping, cutting; no request can write a second line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/access_log.h"

#define WHEN "22/Nov/2026:21:14:03 +0000"
#define BEGIN "10.77.0.1 - - [" WHEN "] "
#define FIELD(name, text) .name = (text), .name##_len = sizeof(text) - 1

static struct http_log_record plain_record(void)
{
	struct http_log_record r = {
		FIELD(method, "GET"),
		FIELD(target, "/a?b=c"),
		FIELD(referer, "http://x/"),
		FIELD(user_agent, "curl/8.14.1"),
		.version_major = 1,
		.version_minor = 1,
		.status = 200,
		.body_bytes_sent = 4096,
	};

	ip_addr_parse("10.77.0.1", &r.stream.remote);
	return r;
}

/* Formats into memory of exactly the promised bound, so that a sanitizer sees one byte too many. */
static char *format(const struct http_log_record *r)
{
	size_t bound = access_log_bound(r);
	char *out = malloc(bound), *copy;
	size_t len;

	assert_non_null(out);
	len = access_log_format(r, WHEN, out);
	assert_true(len <= bound);
	assert_int_equal(out[len - 1], '\n');
	assert_ptr_equal(memchr(out, '\n', len), out + len - 1);
	copy = strndup(out, len);
	free(out);
	return copy;
}

static void assert_line(const struct http_log_record *r, const char *expected)
{
	char *line = format(r);

	assert_string_equal(line, expected);
	free(line);
}

static void test_combined_format(void **state)
{
	struct http_log_record r = plain_record();

	(void)state;
	assert_line(&r, BEGIN "\"GET /a?b=c HTTP/1.1\" 200 4096 \"http://x/\" \"curl/8.14.1\"\n");
}

static void test_absent_fields_are_dashes(void **state)
{
	struct http_log_record r = plain_record();

	(void)state;
	r.referer = r.user_agent = NULL;
	r.referer_len = r.user_agent_len = 0;
	assert_line(&r, BEGIN "\"GET /a?b=c HTTP/1.1\" 200 4096 \"-\" \"-\"\n");
	r.method = r.target = NULL;
	r.method_len = r.target_len = 0;
	r.status = 400;
	assert_line(&r, BEGIN "\"-\" 400 4096 \"-\" \"-\"\n");
}

static void test_no_field_can_end_a_line_or_a_quote(void **state)
{
	static const char target[] = "/\r\n10.0.0.1 \"x\" \\ \x1b[2J\x7f\xc3\xa9\0z";
	struct http_log_record r = plain_record();

	(void)state;
	r.target = target;
	r.target_len = sizeof target - 1;
	r.user_agent = "\" 200 1 \"-\" \"forged\"\n";
	r.user_agent_len = strlen(r.user_agent);
	assert_line(&r, BEGIN "\"GET /\\x0d\\x0a10.0.0.1 \\x22x\\x22 \\x5c \\x1b[2J\\x7f\\xc3\\xa9"
		    "\\x00z HTTP/1.1\" 200 4096 \"http://x/\" "
		    "\"\\x22 200 1 \\x22-\\x22 \\x22forged\\x22\\x0a\"\n");
}

static void test_long_fields_are_cut(void **state)
{
	struct http_log_record r = plain_record();
	char *big = malloc(100000), *line, *tail;

	(void)state;
	assert_non_null(big);
	memset(big, '\n', 100000);
	r.target = r.referer = r.user_agent = r.method = big;
	r.method_len = 65;
	r.target_len = ACCESS_LOG_FIELD;
	r.referer_len = ACCESS_LOG_FIELD + 1;
	r.user_agent_len = 100000;
	assert_true(access_log_bound(&r) < LOG_FILE_BUFFER);
	line = format(&r);
	assert_non_null(strstr(line, "\\x0a... \\x0a"));
	tail = strstr(line, "HTTP/1.1\" 200");
	assert_non_null(tail);
	assert_memory_equal(tail - 5, "\\x0a ", 5); /* just fits */
	assert_non_null(strstr(tail, "\\x0a...\" \""));
	assert_non_null(strstr(tail, "\\x0a...\"\n"));
	free(line);
	free(big);
}

static void test_lines_reach_the_file_with_the_time(void **state)
{
	char path[] = "/tmp/test_access_log.XXXXXX", text[1024];
	int fd = mkstemp(path);
	struct http_log_record r = plain_record();
	struct access_log log;
	struct failure why;
	struct tm tm = { 0 };
	ssize_t n;
	time_t then;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(access_log_open(&log, path, NULL, &why), 0);
	access_log_add(&log, &r);
	access_log_add(&log, &r);
	assert_int_equal(read(fd, text, sizeof text), 0); /* buffered */
	log_file_flush(&log.file);
	n = read(fd, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strptime(strchr(text, '['), "[%d/%b/%Y:%H:%M:%S %z]", &tm));
	tm.tm_isdst = -1;
	then = timegm(&tm) - tm.tm_gmtoff;
	assert_in_range(then, time(NULL) - 60, time(NULL));
	assert_non_null(strstr(strchr(text, '\n') + 1, "] \"GET /a?b=c HTTP/1.1\" 200 4096"));
	access_log_close(&log);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combined_format),
		cmocka_unit_test(test_absent_fields_are_dashes),
		cmocka_unit_test(test_no_field_can_end_a_line_or_a_quote),
		cmocka_unit_test(test_long_fields_are_cut),
		cmocka_unit_test(test_lines_reach_the_file_with_the_time),
	};

	return cmocka_run_group_tests_name("access_log", tests, NULL, NULL);
}
