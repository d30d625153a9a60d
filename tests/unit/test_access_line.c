/* The access log's lines: their formats, escaping, cutting; no request can write a second line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/access_line.h"
#include "server/json_check.h"
#include "server/log_file.h"

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
static char *format(enum access_format format, const struct http_log_record *r)
{
	size_t bound = access_line_bound(r);
	char *out = malloc(bound), *copy;
	size_t len;

	assert_non_null(out);
	len = access_line_format(format, r, WHEN, out);
	assert_true(len <= bound);
	assert_int_equal(out[len - 1], '\n');
	assert_ptr_equal(memchr(out, '\n', len), out + len - 1);
	copy = strndup(out, len);
	free(out);
	return copy;
}

static void assert_line(const struct http_log_record *r, const char *expected)
{
	char *line = format(ACCESS_COMBINED, r);

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
	r.target_len = ACCESS_FIELD;
	r.referer_len = ACCESS_FIELD + 1;
	r.user_agent_len = 100000;
	assert_true(access_line_bound(&r) < LOG_FILE_BUFFER);
	line = format(ACCESS_COMBINED, &r);
	assert_non_null(strstr(line, "\\x0a... \\x0a"));
	tail = strstr(line, "HTTP/1.1\" 200");
	assert_non_null(tail);
	assert_memory_equal(tail - 5, "\\x0a ", 5); /* just fits */
	assert_non_null(strstr(tail, "\\x0a...\" \""));
	assert_non_null(strstr(tail, "\\x0a...\"\n"));
	free(line);
	r.host = r.user = big;
	r.host_len = r.user_len = 100000;
	assert_true(access_line_bound(&r) < LOG_FILE_BUFFER);
	free(format(ACCESS_COMBINED_TCP, &r));
	line = format(ACCESS_JSON, &r);
	assert_non_null(strstr(line, "\\u000a\",\"protocol\""));
	assert_non_null(strstr(line, "\\u000a...\",\"user_agent\""));
	free(line);
	free(big);
}

/* What TCP and TLS say of plain_record()'s connection. */
static struct http_log_record record_with_tcp(void)
{
	struct http_log_record r = plain_record();

	r.host = "10.77.0.2";
	r.host_len = strlen(r.host);
	r.started_us = 5000000;
	r.finished_us = 6000123;
	r.connection_requests = 3;
	r.stream.id = 7;
	r.stream.remote_port = 40000;
	r.stream.local_port = 80;
	r.stream.srtt_us = 245;
	r.stream.retransmissions = 2;
	r.stream.bytes_received = 78;
	return r;
}

static void test_user_is_one_word(void **state)
{
	struct http_log_record r = plain_record();

	(void)state;
	r.user = "a b\" [";
	r.user_len = 3;
	assert_line(&r, "10.77.0.1 - a\\x20b [" WHEN "] \"GET /a?b=c HTTP/1.1\" 200 4096 \"http://x/\" "
		    "\"curl/8.14.1\"\n");
	r.user_len = 0;
	assert_line(&r, BEGIN "\"GET /a?b=c HTTP/1.1\" 200 4096 \"http://x/\" \"curl/8.14.1\"\n");
}

static void test_combined_tcp_goes_on_behind_combined(void **state)
{
	struct http_log_record r = record_with_tcp();
	char *combined = format(ACCESS_COMBINED, &r), *line = format(ACCESS_COMBINED_TCP, &r);
	size_t len = strlen(combined) - 1;

	(void)state;
	assert_memory_equal(line, combined, len);
	assert_string_equal(line + len, " host=\"10.77.0.2\" request_time=1.000123 connection=7 connection_requests=3 "
			    "rtt=245 retransmissions=2 bytes_received=78 tls=- cipher=- resumed=0\n");
	free(line);
	r.host = "\" x=\"";
	r.host_len = strlen(r.host);
	r.stream.tls_version = "TLSv1.3";
	r.stream.tls_cipher = "TLS_AES_128_GCM_SHA256";
	r.stream.tls_resumed = true;
	line = format(ACCESS_COMBINED_TCP, &r);
	assert_non_null(strstr(line, " host=\"\\x22 x=\\x22\" "));
	assert_non_null(strstr(line, " tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 resumed=1\n"));
	free(line);
	free(combined);
}

static void assert_json_line(const struct http_log_record *r, const char *expected)
{
	char *line = format(ACCESS_JSON, r);

	assert_string_equal(line, expected);
	assert_true(json_is_object(bytes_of((const uint8_t *)line, strlen(line))));
	free(line);
}

static void test_json_has_all(void **state)
{
	struct http_log_record r = record_with_tcp();

	(void)state;
	assert_json_line(&r, "{\"time\":\"" WHEN "\",\"remote_addr\":\"10.77.0.1\",\"remote_port\":40000,\"port\":80,"
			 "\"user\":null,\"host\":\"10.77.0.2\",\"method\":\"GET\",\"target\":\"/a?b=c\","
			 "\"protocol\":\"HTTP/1.1\",\"status\":200,\"body_bytes_sent\":4096,"
			 "\"request_time\":1.000123,\"referer\":\"http://x/\",\"user_agent\":\"curl/8.14.1\","
			 "\"connection\":7,\"connection_requests\":3,\"rtt\":245,\"retransmissions\":2,"
			 "\"bytes_received\":78,\"tls_version\":null,\"tls_cipher\":null,\"tls_resumed\":false}\n");
}

/* Every byte that there is, in every field. */
static void test_json_is_json_whatever_comes(void **state)
{
	struct http_log_record r = record_with_tcp();
	char every[256], *line;

	(void)state;
	for (int i = 0; i < 256; i++)
		every[i] = (char)i;
	r.target = r.host = r.referer = r.user_agent = r.user = every;
	r.target_len = r.host_len = r.referer_len = r.user_agent_len = r.user_len = sizeof every;
	r.method = NULL;
	line = format(ACCESS_JSON, &r);
	assert_true(json_is_object(bytes_of((const uint8_t *)line, strlen(line))));
	assert_non_null(strstr(line, "\"method\":null,\"target\":\"\\u0000\\u0001"));
	assert_non_null(strstr(line, "\"protocol\":null"));
	for (char *p = line; *p != '\n'; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combined_format),
		cmocka_unit_test(test_absent_fields_are_dashes),
		cmocka_unit_test(test_no_field_can_end_a_line_or_a_quote),
		cmocka_unit_test(test_long_fields_are_cut),
		cmocka_unit_test(test_user_is_one_word),
		cmocka_unit_test(test_combined_tcp_goes_on_behind_combined),
		cmocka_unit_test(test_json_has_all),
		cmocka_unit_test(test_json_is_json_whatever_comes),
	};

	return cmocka_run_group_tests_name("access_line", tests, NULL, NULL);
}
