/*
 * Requests from bytes (RFC 9112): every shape of message that has been used to smuggle requests is
 * refused, limits give their statuses, and no way of cutting the bytes changes the outcome.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_parser.h"

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static struct http_parser_pool pool;

static void init(uint32_t max_uri, uint32_t max_headers, uint32_t max_header_count, uint64_t max_body)
{
	const struct http_limits limits = {
		.max_uri = max_uri,
		.max_headers = max_headers,
		.max_header_count = max_header_count,
		.max_body = max_body,
	};

	http_parser_pool_init(&pool, &limits, 4);
}

static int set_up(void **state)
{
	(void)state;
	init(200, 4000, 20, 1000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_parser_pool_fini(&pool);
	return 0;
}

/* What came of a message. */
struct outcome {
	enum http_parsed parsed;
	unsigned refusal;
	size_t taken;
	uint64_t body_len;
	bool head_told;
	char fields[6000]; /* "name=value\n" … */
};

static void describe(const struct http_request *r, struct outcome *out)
{
	size_t n = 0;

	out->refusal = r->refusal;
	out->body_len = r->body_len;
	for (uint32_t i = 0; i < r->field_count && r->refusal == 0; i++) {
		const struct http_field *f = &r->fields[i];

		n += (size_t)snprintf(out->fields + n, sizeof out->fields - n, "%.*s=%.*s\n",
				      (int)f->name_len, r->store + f->name_at, (int)f->value_len,
				      r->store + f->value_at);
	}
}

/* Feeds data in pieces of the given sizes (the last one again and again). */
static struct outcome feed(const char *data, size_t len, size_t first_piece, size_t piece)
{
	struct http_request *r = http_request_take(&pool);
	struct outcome out = { .parsed = HTTP_PARSED_MORE };

	assert_non_null(r);
	while (out.taken < len && out.parsed != HTTP_PARSED_MESSAGE && out.parsed != HTTP_PARSED_REFUSED) {
		size_t n = out.taken == 0 ? first_piece : piece;
		uint8_t *copy;
		size_t taken;

		if (n > len - out.taken)
			n = len - out.taken;
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, data + out.taken, n);
		taken = http_parser_feed(r, bytes_of(copy, n), &out.parsed);
		free(copy);
		assert_true(taken <= n && (taken == n || out.parsed != HTTP_PARSED_MORE));
		out.head_told |= out.parsed == HTTP_PARSED_HEAD;
		out.taken += taken;
	}
	describe(r, &out);
	http_request_give(r);
	return out;
}

static struct outcome feed_text(const char *text)
{
	return feed(text, strlen(text), strlen(text), strlen(text));
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->parsed, b->parsed);
	assert_int_equal(a->refusal, b->refusal);
	assert_int_equal(a->body_len, b->body_len);
	assert_string_equal(a->fields, b->fields);
	if (a->parsed == HTTP_PARSED_MESSAGE) {
		assert_int_equal(a->taken, b->taken);
		assert_int_equal(a->head_told, b->head_told);
	}
}

/* The outcome, after every cut in two and byte by byte gave the same. */
static struct outcome outcome_of(const char *data, size_t len)
{
	struct outcome whole = feed(data, len, len, len);
	struct outcome bytewise = feed(data, len, 1, 1);

	if (whole.parsed == HTTP_PARSED_HEAD)
		whole.parsed = HTTP_PARSED_MORE;
	if (bytewise.parsed == HTTP_PARSED_HEAD)
		bytewise.parsed = HTTP_PARSED_MORE;
	assert_same(&whole, &bytewise);
	for (size_t cut = 1; cut < len; cut++) {
		struct outcome in_two = feed(data, len, cut, len);

		if (in_two.parsed == HTTP_PARSED_HEAD)
			in_two.parsed = HTTP_PARSED_MORE;
		assert_same(&whole, &in_two);
	}
	return whole;
}

#define assert_message(text) assert_int_equal(outcome_of(text, sizeof(text) - 1).parsed, HTTP_PARSED_MESSAGE)
#define assert_refused(text, status) \
	do { \
		struct outcome out_ = outcome_of(text, sizeof(text) - 1); \
		assert_int_equal(out_.parsed, HTTP_PARSED_REFUSED); \
		assert_int_equal(out_.refusal, status); \
	} while (0)

static void fields_are_found_and_trimmed(void **state)
{
	struct outcome o = feed_text(
		"GET / HTTP/1.1\r\nHost: a\r\nX-A:b \t\r\nX-B: \t c  d\r\nX-C:\r\nX-D: \xff\r\n\r\n");

	(void)state;
	assert_int_equal(o.parsed, HTTP_PARSED_MESSAGE);
	assert_string_equal(o.fields, "Host=a\nX-A=b\nX-B=c  d\nX-C=\nX-D=\xff\n");
	assert_false(o.head_told);
	assert_message("GET / HTTP/1.1\r\nHost: a\r\nX-A:b \t\r\nX-B: \t c  d\r\nX-C:\r\nX-D: \xff\r\n\r\n");
}

static void values_are_looked_up_by_name(void **state)
{
	static const char text[] =
		"GET /t HTTP/1.1\r\nhOST: example\r\nConnection: a\r\nX: y\r\nconnection: close\r\n\r\n";
	struct http_request *r = http_request_take(&pool);
	enum http_parsed parsed;
	struct bytes value;

	(void)state;
	http_parser_feed(r, bytes_of(text, sizeof text - 1), &parsed);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	value = http_request_value(r, HTTP_FIELD_HOST);
	assert_int_equal(value.len, 7);
	assert_memory_equal(value.data, "example", 7);
	assert_false(http_request_is_repeated(r, HTTP_FIELD_HOST));
	assert_null(http_request_value(r, HTTP_FIELD_EXPECT).data);
	assert_true(http_request_is_repeated(r, HTTP_FIELD_CONNECTION));
	assert_true(http_request_lists(r, HTTP_FIELD_CONNECTION, "close"));
	assert_true(http_request_lists(r, HTTP_FIELD_CONNECTION, "a"));
	assert_false(http_request_lists(r, HTTP_FIELD_CONNECTION, "y"));
	assert_int_equal(http_request_target(r).len, 2);
	http_request_give(r);
}

static void a_message_ends_where_the_next_begins(void **state)
{
	struct outcome o;

	(void)state;
	o = feed_text("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n");
	assert_int_equal(o.taken, strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	o = feed_text(HEAD "Content-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\n");
	assert_int_equal(o.taken, strlen(HEAD "Content-Length: 5\r\n\r\nhello"));
	assert_int_equal(o.parsed, HTTP_PARSED_MESSAGE);
	assert_int_equal(o.body_len, 5);
	o = feed_text(CHUNKED "5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n");
	assert_int_equal(o.parsed, HTTP_PARSED_MESSAGE);
	assert_int_equal(o.body_len, 5);
}

static void a_body_is_told_of_once(void **state)
{
	struct http_request *r = http_request_take(&pool);
	static const char head[] = HEAD "Content-Length: 4\r\n\r\n";
	enum http_parsed parsed;

	(void)state;
	assert_int_equal(http_parser_feed(r, bytes_of(head, sizeof head - 1), &parsed), sizeof head - 1);
	assert_int_equal(parsed, HTTP_PARSED_HEAD);
	assert_int_equal(http_parser_feed(r, bytes_of("ab", 2), &parsed), 2);
	assert_int_equal(parsed, HTTP_PARSED_MORE);
	assert_int_equal(http_parser_feed(r, bytes_of("cdX", 3), &parsed), 2);
	assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
	http_request_give(r);
}

static void an_upgrade_that_is_not_taken_changes_nothing(void **state)
{
	(void)state;
	assert_message("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
	assert_message(HEAD "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc");
	assert_message("CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
}

/* RFC 9112 section 2.2 */
static void blank_lines_before_a_request(void **state)
{
	(void)state;
	assert_message("\r\nGET / HTTP/1.1\r\n\r\n");
	assert_message("\r\n\r\nGET / HTTP/1.1\r\n\r\n");
	assert_refused("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400);
	assert_refused("\nGET / HTTP/1.1\r\n\r\n", 400);
	assert_refused("\rGET / HTTP/1.1\r\n\r\n", 400);
	assert_refused("\r\r\nGET / HTTP/1.1\r\n\r\n", 400);
}

/* RFC 9112 section 5.2 */
static void obs_fold_is_refused(void **state)
{
	(void)state;
	assert_refused(HEAD "X: a\r\n b\r\n\r\n", 400);
	assert_refused(HEAD "X: a\r\n\tb\r\n\r\n", 400);
	assert_refused(HEAD "X:\r\n b\r\n\r\n", 400);
	assert_refused(HEAD "X: a\r\n \r\n\r\n", 400);
	assert_refused("POST / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400);
}

/* RFC 9112 section 2.2 */
static void bare_cr_and_bare_lf_are_refused(void **state)
{
	(void)state;
	assert_refused(HEAD "X: a\rb\r\n\r\n", 400);
	assert_refused(HEAD "X: a\nY: b\r\n\r\n", 400);
	assert_refused(HEAD "X: a\n\r\n", 400);
	assert_refused(HEAD "X: a\r\r\n\r\n", 400);
	assert_refused(HEAD "X:\rb\r\n\r\n", 400);
	assert_refused(HEAD "X:\nb\r\n\r\n", 400);
	assert_refused(HEAD "X:\n\r\n", 400);
	assert_refused(HEAD "X\r: a\r\n\r\n", 400);
	assert_refused(HEAD "X\n: a\r\n\r\n", 400);
	assert_refused(HEAD "\n", 400);
	assert_refused(HEAD "\rX", 400);
	assert_refused(HEAD "\r\r\n", 400);
	assert_refused(HEAD "X: a\r\n\n", 400);
	assert_refused(HEAD "X: a\r\n\rGET / HTTP/1.1\r\n", 400);
	assert_refused("GET / HTTP/1.1\nHost: a\r\n\r\n", 400);
}

static void control_bytes_are_refused(void **state)
{
	(void)state;
	assert_refused(HEAD "X: a\0b\r\n\r\n", 400);
	assert_refused(HEAD "X\0Y: a\r\n\r\n", 400);
	assert_refused(HEAD "X: a\x01\r\n\r\n", 400);
	assert_refused(HEAD "X: a\x0b\r\n\r\n", 400);
	assert_refused(HEAD "X: a\x7f\r\n\r\n", 400);
	assert_refused("GET /\0 HTTP/1.1\r\n\r\n", 400);
	assert_refused("\0", 400);
	assert_refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
}

/* RFC 9112 section 5.1 */
static void field_names_are_tokens_right_before_the_colon(void **state)
{
	(void)state;
	assert_refused(HEAD "X : a\r\n\r\n", 400);
	assert_refused(HEAD "X\t: a\r\n\r\n", 400);
	assert_refused(HEAD "Content-Length : 5\r\n\r\nhello", 400);
	assert_refused(HEAD "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD ": a\r\n\r\n", 400);
	assert_refused(HEAD ":\r\n\r\n", 400);
	assert_refused(HEAD "X(Y): a\r\n\r\n", 400);
	assert_refused(HEAD "X Y: a\r\n\r\n", 400);
	assert_refused(HEAD "X\x80: a\r\n\r\n", 400);
	assert_refused(HEAD "X\r\n\r\n", 400);
	assert_refused(HEAD "X/Y: a\r\n\r\n", 400);
}

/* RFC 9112 section 6.3 */
static void content_length_is_one_number(void **state)
{
	(void)state;
	assert_message(HEAD "Content-Length: 5\r\n\r\nhello");
	assert_message(HEAD "Content-Length: 0\r\n\r\n");
	assert_message(HEAD "Content-Length: 005\r\n\r\nhello");
	assert_message(HEAD "Content-Length: 5 \r\n\r\nhello");
	assert_refused(HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5\r\ncontent-length: 0\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5, 5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5,6\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: +5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: -5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 0x5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5 5\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5;\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5.0\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 1e1\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length:\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: \r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: 5\0\r\n\r\nhello", 400);
	assert_refused(HEAD "Content-Length: \x0b"
			    "5\r\n\r\nhello",
		       400);
	assert_refused(HEAD "Content-Length: 18446744073709551616\r\n\r\n", 400);
	assert_refused(HEAD "Content-Length: 99999999999999999999\r\n\r\n", 400);
}

/* RFC 9112 section 6.1 */
static void both_lengths_are_refused(void **state)
{
	(void)state;
	assert_refused(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello", 400);
	assert_refused(HEAD "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", 400);
}

/* RFC 9112 section 6.1 */
static void transfer_encoding_is_chunked_alone(void **state)
{
	(void)state;
	assert_message(CHUNKED "0\r\n\r\n");
	assert_message(HEAD "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n");
	assert_message(HEAD "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n");
	assert_refused(HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		       400);
	assert_refused(HEAD "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		       400);
	assert_refused(HEAD "Transfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: identity\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: gzip\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding:\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400);
	assert_refused(HEAD "Transfer-Encoding: \x0b"
			    "chunked\r\n\r\n0\r\n\r\n",
		       400);
	assert_refused(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501);
	assert_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

/* RFC 9112 section 7.1 */
static void chunks_are_strict(void **state)
{
	(void)state;
	assert_message(CHUNKED "5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n");
	assert_message(CHUNKED "A\r\n0123456789\r\n000\r\n\r\n");
	assert_message(CHUNKED "5;x\r\nhello\r\n0;y=z\r\n\r\n");
	assert_message(CHUNKED "5;x=\"a;\\\"b\"\r\nhello\r\n0\r\n\r\n");
	assert_refused(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "+5\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "-1\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "g\r\n", 400);
	assert_refused(CHUNKED "\r\nhello\r\n", 400);
	assert_refused(CHUNKED "5\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5\rhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x\ry\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x=y\rz\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x=\"\r\n\"\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x=\"\n\"\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5;x=\x01\r\nhello\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5\r\nhello0\r\n\r\n", 400);
	assert_refused(CHUNKED "5\r\nhello\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "5\r\nhello\r0\r\n\r\n", 400);
	assert_refused(CHUNKED "5\r\nhelloXX0\r\n\r\n", 400);
	assert_refused(CHUNKED "0\n\r\n", 400);
	assert_refused(CHUNKED "0\r\n\n", 400);
	assert_refused(CHUNKED "0\r\n\rX", 400);
	assert_refused(CHUNKED "FFFFFFFFFFFFFFFFF\r\n", 400);
}

/* RFC 9112 section 7.1.2 */
static void trailers_are_dropped_and_as_strict_as_fields(void **state)
{
	struct outcome o = feed_text(CHUNKED "0\r\nX: y\r\nExpect: z\r\n\r\n");

	(void)state;
	assert_int_equal(o.parsed, HTTP_PARSED_MESSAGE);
	assert_string_equal(o.fields, "Host=a\nTransfer-Encoding=chunked\n");
	assert_message(CHUNKED "0\r\nX: y\r\n\r\n");
	assert_refused(CHUNKED "0\r\nContent-Length: 5\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\n X: y\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nX : y\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nX: y\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nX: y\r\n z\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\n: y\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nX: a\rb\r\n\r\n", 400);
	assert_refused(CHUNKED "0\r\nX: a\0b\r\n\r\n", 400);
}

static void long_targets_are_414(void **state)
{
	char text[400];

	(void)state;
	for (int len = 190; len < 260; len += 1) {
		int n = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n\r\n", len - 1, 0);
		struct outcome o = outcome_of(text, (size_t)n);

		assert_int_equal(o.refusal, len <= 200 ? 0 : 414);
	}
	/* without ever an end */
	memset(text, 'a', sizeof text);
	memcpy(text, "GET /", 5);
	assert_int_equal(outcome_of(text, sizeof text).refusal, 414);
	memset(text, 'A', sizeof text);
	assert_int_equal(outcome_of(text, sizeof text).refusal, 501);
}

static void field_sections_are_limited_on_the_wire(void **state)
{
	char text[6000];
	int line = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n");

	(void)state;
	for (int len = 3990; len < 4010; len++) {
		/* "X: " value CRLF is len bytes */
		int n = line +
			snprintf(text + line, sizeof text - (size_t)line, "X: %0*d\r\n\r\n", len - 5, 0);

		assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).refusal, len <= 4000 ? 0 : 431);
		assert_int_equal(feed(text, (size_t)n, 1, 1).refusal, len <= 4000 ? 0 : 431);
		/* The same with blanks, which no callback tells of. */
		memset(text + line + 2, ' ', (size_t)(len - 5));
		assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).refusal, len <= 4000 ? 0 : 431);
		assert_int_equal(feed(text, (size_t)n, 7, 7).refusal, len <= 4000 ? 0 : 431);
	}
}

static void fields_are_counted(void **state)
{
	char text[2000];

	(void)state;
	for (int count = 18; count < 24; count++) {
		int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n");

		for (int i = 0; i < count; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, "X%d: y\r\n", i);
		n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
		assert_int_equal(outcome_of(text, (size_t)n).refusal, count <= 20 ? 0 : 431);
	}
}

static void bodies_are_limited(void **state)
{
	static char text[4000];
	int n;

	(void)state;
	assert_refused(HEAD "Content-Length: 1001\r\n\r\n", 413);
	assert_refused(HEAD "Content-Length: 18446744073709551615\r\n\r\n", 413);
	n = snprintf(text, sizeof text, HEAD "Content-Length: 1000\r\n\r\n%01000d", 0);
	assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).body_len, 1000);
	/* chunked: refused when the chunk is announced, while it streams */
	assert_refused(CHUNKED "3e9\r\n", 413);
	assert_refused(CHUNKED "ffffffffffffffff\r\n", 413);
	n = snprintf(text, sizeof text, CHUNKED "384\r\n%0900d\r\n64\r\n%0100d\r\n", 0, 0);
	assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).parsed, HTTP_PARSED_MORE);
	n += snprintf(text + n, sizeof text - (size_t)n, "1\r\n");
	assert_int_equal(feed(text, (size_t)n, 1, 1).refusal, 413);
}

/* Chunks of one byte are allowed; padding without end is not. */
static void chunk_padding_is_limited(void **state)
{
	static char text[64000];
	size_t n = sizeof CHUNKED - 1;

	(void)state;
	memcpy(text, CHUNKED, n);
	for (int i = 0; i < 1000; i++, n += 6)
		memcpy(text + n, "1\r\nx\r\n", 6);
	memcpy(text + n, "0\r\n\r\n", 5);
	assert_int_equal(feed(text, n + 5, n + 5, 1).body_len, 1000);
	assert_int_equal(feed(text, n + 5, n + 5, n + 5).parsed, HTTP_PARSED_MESSAGE);
	n = sizeof CHUNKED - 1;
	memset(text + n, '0', sizeof text - n);
	assert_int_equal(feed(text, sizeof text, sizeof text, 1).refusal, 413);
	memcpy(text + n, "1;", 2);
	memset(text + n + 2, 'x', sizeof text - n - 2);
	assert_int_equal(feed(text, sizeof text, 100, 100).refusal, 413);
	memcpy(text + n, "0\r\nX:", 5);
	memset(text + n + 5, ' ', sizeof text - n - 5);
	assert_int_equal(feed(text, sizeof text, 1000, 1000).refusal, 413);
}

static void large_heads_borrow_storage(void **state)
{
	static char text[4200];
	struct http_request *r[2];
	enum http_parsed parsed;
	int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nX: %03900d\r\n\r\n", 0);

	(void)state;
	for (int i = 0; i < 2; i++) {
		r[i] = http_request_take(&pool);
		assert_int_equal(http_parser_feed(r[i], bytes_of(text, (size_t)n), &parsed), (size_t)n);
		assert_int_equal(parsed, HTTP_PARSED_MESSAGE);
		assert_int_equal(r[i]->fields[0].value_len, 3900);
	}
	/* 4 requests at most, so 2 large stores: the next one has to wait for better times. */
	assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).refusal, 503);
	http_request_give(r[0]);
	assert_int_equal(feed(text, (size_t)n, (size_t)n, 1).refusal, 0);
	http_request_give(r[1]);
	assert_int_equal(pool.stores.in_use, 0);
}

static void requests_are_limited(void **state)
{
	struct http_request *r[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_non_null(r[i] = http_request_take(&pool));
	assert_null(http_request_take(&pool));
	for (int i = 0; i < 4; i++)
		http_request_give(r[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(fields_are_found_and_trimmed),
		TEST(values_are_looked_up_by_name),
		TEST(a_message_ends_where_the_next_begins),
		TEST(a_body_is_told_of_once),
		TEST(an_upgrade_that_is_not_taken_changes_nothing),
		TEST(blank_lines_before_a_request),
		TEST(obs_fold_is_refused),
		TEST(bare_cr_and_bare_lf_are_refused),
		TEST(control_bytes_are_refused),
		TEST(field_names_are_tokens_right_before_the_colon),
		TEST(content_length_is_one_number),
		TEST(both_lengths_are_refused),
		TEST(transfer_encoding_is_chunked_alone),
		TEST(chunks_are_strict),
		TEST(trailers_are_dropped_and_as_strict_as_fields),
		TEST(long_targets_are_414),
		TEST(field_sections_are_limited_on_the_wire),
		TEST(fields_are_counted),
		TEST(bodies_are_limited),
		TEST(chunk_padding_is_limited),
		TEST(large_heads_borrow_storage),
		TEST(requests_are_limited),
	};

	return cmocka_run_group_tests_name("http_parser", tests, NULL, NULL);
}
