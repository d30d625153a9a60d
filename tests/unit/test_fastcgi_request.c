/* Requests to applications: the records that they are, and the variables in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "server/fastcgi_record.h"
#include "server/fastcgi_request.h"

enum { BODY = 200000 };

static struct http_fixture fx;
static struct fake_stream s;
static struct document_budget budget = { .limit = 4 << 20 };
static struct bytes body;       /* that is written; data NULL: it comes later */
static uint8_t *params, *sent;  /* the contents of the two streams */
static size_t params_len, sent_len;
static bool has_memory;

/* Takes a record of this type off; its content. */
static struct bytes take_record(struct bytes *data, uint8_t type)
{
	struct bytes header = { 0 }, content = { 0 };

	assert_true(bytes_take(data, FASTCGI_HEADER, &header));
	assert_int_equal(header.data[0], 1);
	assert_int_equal(header.data[1], type);
	assert_int_equal(load_be16(header.data + 2), 1);
	assert_int_equal(header.data[6], 0);
	assert_true(bytes_take(data, load_be16(header.data + 4), &content));
	return content;
}

/* Joins the records of a stream, up to the empty one that ends it. */
static uint8_t *take_stream(struct bytes *data, uint8_t type, size_t *len)
{
	uint8_t *all = malloc(data->len);
	struct bytes content;

	assert_non_null(all);
	for (*len = 0; (content = take_record(data, type)).len > 0; *len += content.len)
		memcpy(all + *len, content.data, content.len);
	return all;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	static const char *const extra[] = { "EXTRA a b", NULL };
	const struct cgi_script script = { .name = bytes_of("/n", 2), .file = bytes_of("/f", 2) };
	struct document *d = document_new(&budget, SIZE_MAX);
	struct bytes data;

	(void)out;
	assert_non_null(d);
	has_memory = fastcgi_request_write(d, call, &script, body.len, body.data != NULL ? &body : NULL, extra);
	if (has_memory) {
		data = bytes_of(d->text, d->len);
		assert_int_equal(take_record(&data, FASTCGI_BEGIN_REQUEST).len, 8);
		params = take_stream(&data, FASTCGI_PARAMS, &params_len);
		if (body.data != NULL)
			sent = take_stream(&data, FASTCGI_STDIN, &sent_len);
		assert_int_equal(data.len, 0);
	}
	span_owner_unref(&d->owner);
	return 404;
}

static const struct http_handler handler = { .methods = HTTP_METHODS_ALL, .answer = answer };

static int set_up(void **state)
{
	static const struct http_location locations[] = { { .prefix = "/", .handler = &handler } };

	(void)state;
	http_fixture_init(&fx);
	fx.locations = locations;
	fx.n_locations = 1;
	fx.config.max_headers = 1 << 20;
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	s.facts.local = ip_addr_from_4(0x0a4d0002);
	s.facts.remote = ip_addr_from_4(0x0a4d0001);
	s.facts.local_port = 80;
	s.facts.remote_port = 4000;
	http_serve(fx.server, &s.stream);
	body = bytes_of("", 0);
	budget.limit = 4 << 20;
	params = sent = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(params);
	free(sent);
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	assert_int_equal(budget.in_use, 0);
	return 0;
}

static size_t take_length(struct bytes *data)
{
	uint32_t len = 0;
	uint8_t first = 0;

	if (*data->data < 0x80) {
		assert_true(bytes_take_u8(data, &first));
		return first;
	}
	assert_true(bytes_take_be32(data, &len));
	return len & 0x7fffffff;
}

/* The value of a variable, which is there once; data NULL: it is not there. */
static struct bytes variable(const char *wanted)
{
	struct bytes data = bytes_of(params, params_len), found = { 0 };

	while (data.len > 0) {
		size_t name_len = take_length(&data), value_len = take_length(&data);
		struct bytes name = { 0 }, value = { 0 };

		assert_true(bytes_take(&data, name_len, &name) && bytes_take(&data, value_len, &value));
		if (name_len != strlen(wanted) || memcmp(name.data, wanted, name_len) != 0)
			continue;
		assert_null(found.data);
		found = value;
	}
	return found;
}

static void assert_variable(const char *name, const char *expected)
{
	struct bytes value = variable(name);

	assert_non_null(value.data);
	assert_int_equal(value.len, strlen(expected));
	assert_memory_equal(value.data, expected, value.len);
}

static void assert_none(const char *name)
{
	assert_null(variable(name).data);
}

static void a_request_is_described(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, "GET http://example.com:8080/a%20b?c=d HTTP/1.1\r\nHost: example.com:8080\r\n"
			      "Accept-Language: de\r\nX-2: a\r\nx-2: b\r\ncookie: a=1\r\nCookie: b=2\r\nEmpty:\r\n\r\n");
	assert_true(has_memory);
	assert_variable("REQUEST_METHOD", "GET");
	assert_variable("REQUEST_URI", "/a%20b?c=d");
	assert_variable("QUERY_STRING", "c=d");
	assert_variable("SERVER_NAME", "example.com");
	assert_variable("SERVER_ADDR", "10.77.0.2");
	assert_variable("SERVER_PORT", "80");
	assert_variable("REMOTE_ADDR", "10.77.0.1");
	assert_variable("REMOTE_PORT", "4000");
	assert_variable("SERVER_PROTOCOL", "HTTP/1.1");
	assert_variable("REQUEST_SCHEME", "http");
	assert_variable("SCRIPT_NAME", "/n");
	assert_variable("SCRIPT_FILENAME", "/f");
	assert_variable("HTTP_HOST", "example.com:8080");
	assert_variable("HTTP_ACCEPT_LANGUAGE", "de");
	assert_variable("HTTP_X_2", "a, b");
	assert_variable("HTTP_COOKIE", "a=1; b=2");
	assert_variable("HTTP_EMPTY", "");
	assert_variable("EXTRA", "a b");
	assert_none("PATH_INFO");
	assert_none("DOCUMENT_ROOT");
	assert_none("CONTENT_LENGTH");
	assert_none("HTTPS");
	assert_int_equal(sent_len, 0);
}

static void what_could_deceive_is_kept_back(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, "GET / HTTP/1.0\r\nProxy: evil\r\nX_Own: forged\r\nX.Own: forged\r\nConnection: x\r\n"
			      "Keep-Alive: x\r\nTE: x\r\nProxy-Authorization: x\r\nTrailer: x\r\nUpgrade: x\r\n\r\n");
	assert_none("HTTP_PROXY");
	assert_none("HTTP_X_OWN");
	assert_none("HTTP_X.OWN");
	assert_none("HTTP_CONNECTION");
	assert_none("HTTP_KEEP_ALIVE");
	assert_none("HTTP_TE");
	assert_none("HTTP_PROXY_AUTHORIZATION");
	assert_none("HTTP_TRAILER");
	assert_none("HTTP_UPGRADE");
	assert_variable("SERVER_PROTOCOL", "HTTP/1.0");
	assert_variable("SERVER_NAME", "10.77.0.2");
}

static void https_is_told(void **state)
{
	(void)state;
	s.facts.tls_version = "TLSv1.3";
	fake_stream_feed_text(&s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_variable("HTTPS", "on");
	assert_variable("REQUEST_SCHEME", "https");
}

static void long_streams_are_many_records(void **state)
{
	static uint8_t content[BODY];
	static char request[300000];
	size_t len = (size_t)sprintf(request, "POST / HTTP/1.0\r\nContent-Type: a/b\r\nContent-Length: 0\r\nX: ");

	(void)state;
	for (size_t i = 0; i < BODY; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	body = bytes_of(content, BODY);
	memset(request + len, 'x', 2 * FASTCGI_CONTENT_MAX);
	len += 2 * FASTCGI_CONTENT_MAX;
	memcpy(request + len, "\r\n\r\n", 5);
	fake_stream_feed_text(&s, request);
	assert_int_equal(variable("HTTP_X").len, 2 * FASTCGI_CONTENT_MAX);
	assert_variable("CONTENT_TYPE", "a/b");
	assert_variable("CONTENT_LENGTH", "200000");
	assert_none("HTTP_CONTENT_LENGTH");
	assert_none("HTTP_CONTENT_TYPE");
	assert_int_equal(sent_len, BODY);
	assert_memory_equal(sent, content, BODY);
}

/* Streams whose last record is just full. */
static void full_records_are_followed_by_the_empty_one(void **state)
{
	static uint8_t content[2 * FASTCGI_CONTENT_MAX];

	(void)state;
	body = bytes_of(content, sizeof content);
	fake_stream_feed_text(&s, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(sent_len, sizeof content);
}

static void want_of_memory_is_told(void **state)
{
	(void)state;
	budget.limit = 20000;
	body = (struct bytes){ 0 }; /* it comes later */
	has_memory = true;
	fake_stream_feed_text(&s, "GET / HTTP/1.0\r\n\r\n");
	assert_false(has_memory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_described),
		TEST(what_could_deceive_is_kept_back),
		TEST(https_is_told),
		TEST(long_streams_are_many_records),
		TEST(full_records_are_followed_by_the_empty_one),
		TEST(want_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
