/* Heads of CGI answers: what is made of them, however they are cut, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_call.h"
#include "server/cgi_head.h"

static struct cgi_head h;

/* Reads the text in two pieces, and sees that what follows the head is left. */
static enum cgi_head_verdict read_cut(const char *text, size_t len, size_t cut, size_t *left)
{
	struct bytes first = bytes_of(text, cut), second = bytes_of(text + cut, len - cut);
	enum cgi_head_verdict verdict;

	cgi_head_init(&h);
	verdict = cgi_head_read(&h, &first);
	if (verdict == CGI_HEAD_MORE)
		verdict = cgi_head_read(&h, &second);
	*left = first.len + second.len;
	return verdict;
}

static void assert_head(const char *text, unsigned status, uint64_t length, const char *fields)
{
	char all[512];
	size_t len = (size_t)snprintf(all, sizeof all, "%sbody\n\n", text), left;

	for (size_t cut = 0; cut <= len; cut++) {
		assert_int_equal(read_cut(all, len, cut, &left), CGI_HEAD_DONE);
		assert_int_equal(left, 6);
		assert_int_equal(h.status, status);
		assert_true(h.length == length);
		assert_int_equal(h.fields_len, strlen(fields));
		assert_memory_equal(h.fields, fields, h.fields_len);
	}
}

static void assert_bad(const char *text, size_t len)
{
	size_t left;

	for (size_t cut = 0; cut <= len; cut++) {
		assert_int_equal(read_cut(text, len, cut, &left), CGI_HEAD_BAD);
		assert_non_null(h.why);
	}
}

static void heads_become_fields(void **state)
{
	(void)state;
	assert_head("Content-Type: text/html\n\n", 200, HTTP_LENGTH_UNKNOWN, "Content-Type: text/html\r\n");
	assert_head("Content-Type:text/html\r\nX:\t a \t\r\n\r\n", 200, HTTP_LENGTH_UNKNOWN,
		    "Content-Type: text/html\r\nX: a\r\n");
	assert_head("STATUS: 404 Not Found\ncontent-length: 5\nX-Empty:\n\n", 404, 5, "X-Empty: \r\n");
	assert_head("Status: 599\n\n", 599, HTTP_LENGTH_UNKNOWN, "");
	assert_head("X: \xc3\xa4:\"b\"\n\n", 200, HTTP_LENGTH_UNKNOWN, "X: \xc3\xa4:\"b\"\r\n");
}

static void a_place_to_go_to_is_a_302_unless_it_says_otherwise(void **state)
{
	(void)state;
	assert_head("Location: /x\n\n", 302, HTTP_LENGTH_UNKNOWN, "Location: /x\r\n");
	assert_head("LOCATION: /x\nStatus: 307\n\n", 307, HTTP_LENGTH_UNKNOWN, "LOCATION: /x\r\n");
	assert_head("Content-Location: /x\n\n", 200, HTTP_LENGTH_UNKNOWN, "Content-Location: /x\r\n");
}

static void what_is_the_servers_to_say_is_left_out(void **state)
{
	(void)state;
	assert_head("Connection: x\nKEEP-ALIVE: x\nProxy-Connection: x\nTE: x\nTrailer: x\nUpgrade: x\nDate: x\n"
		    "Server: x\nX: y\n\n", 200, HTTP_LENGTH_UNKNOWN, "X: y\r\n");
}

static void caching_is_noticed(void **state)
{
	(void)state;
	assert_head("cache-control: no-cache\n\n", 200, HTTP_LENGTH_UNKNOWN, "cache-control: no-cache\r\n");
	assert_true(h.tells_caching);
	assert_head("X: cache-control\n\n", 200, HTTP_LENGTH_UNKNOWN, "X: cache-control\r\n");
	assert_false(h.tells_caching);
}

static void what_is_not_sound_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} all[] = {
#define BAD(text) { text, sizeof text - 1 }
		BAD("\n"), BAD("\r\n"), BAD("X\n"), BAD(": a\n"), BAD("X : a\n"), BAD(" X: a\n"), BAD("X: a\n b\n"),
		BAD("X: a\rb\n"), BAD("X: a\r\r\n"), BAD("X: a\0b\n"), BAD("X: \x1b\n"), BAD("X\xc3\xa4: a\n"), BAD("X: a\x7f\n"),
		BAD("Status: 99\n"), BAD("Status: 100\n"), BAD("Status: 600\n"), BAD("Status: x\n"), BAD("Status:\n"),
		BAD("Status: 200x\n"), BAD("Status: -200\n"), BAD("Status: 200\nStatus: 200\n"),
		BAD("Status: 18446744073709551816\n"),
		BAD("Content-Length: \n"), BAD("Content-Length: +1\n"), BAD("Content-Length: 1, 1\n"),
		BAD("Content-Length: 9223372036854775808\n"), BAD("Content-Length: 1\nContent-Length: 1\n"),
		BAD("Content-Length: 5 \n\x01\n"), BAD("Transfer-Encoding: chunked\n"),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
		assert_bad(all[i].text, all[i].len);
}

static void a_head_has_limits(void **state)
{
	static char text[4 * CGI_HEAD_MAX];
	struct bytes data;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < CGI_HEAD_FIELDS; i++)
		len += (size_t)sprintf(text + len, "X: %u\n", i);
	cgi_head_init(&h);
	data = bytes_of(text, len);
	assert_int_equal(cgi_head_read(&h, &data), CGI_HEAD_MORE);
	data = bytes_of("X: y\n", 5);
	assert_int_equal(cgi_head_read(&h, &data), CGI_HEAD_BAD);

	memset(text, 'x', sizeof text); /* a line without an end */
	cgi_head_init(&h);
	data = bytes_of(text, sizeof text);
	assert_int_equal(cgi_head_read(&h, &data), CGI_HEAD_BAD);

	cgi_head_init(&h); /* two that are too much together */
	for (int i = 0; i < 2; i++) {
		memcpy(text, "X: ", 3);
		text[CGI_HEAD_MAX * 2 / 3] = '\n';
		data = bytes_of(text, CGI_HEAD_MAX * 2 / 3 + 1);
		assert_int_equal(cgi_head_read(&h, &data), i == 0 ? CGI_HEAD_MORE : CGI_HEAD_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_become_fields),
		cmocka_unit_test(a_place_to_go_to_is_a_302_unless_it_says_otherwise),
		cmocka_unit_test(what_is_the_servers_to_say_is_left_out),
		cmocka_unit_test(caching_is_noticed),
		cmocka_unit_test(what_is_not_sound_is_refused),
		cmocka_unit_test(a_head_has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
