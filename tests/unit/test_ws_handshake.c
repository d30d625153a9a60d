/* The opening handshake: requests, by a table, and the status or the answer that each gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_handshake.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define START "GET /chat HTTP/1.1\r\nHost: example.com\r\n"
#define GOOD START UPGRADE KEY VERSION

static struct http_parser_pool pool;
static struct http_request *request;
static struct http_target target;

static int set_up(void **state)
{
	const struct http_limits limits = { 8192, 32768, 100, 1 << 20 };

	(void)state;
	http_parser_pool_init(&pool, &limits, 4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (request != NULL)
		http_request_give(request);
	http_parser_pool_fini(&pool);
	return 0;
}

/* A request whose head is `text` and the empty line. */
static struct http_call call_of(const char *text)
{
	enum http_parsed parsed;

	if (request != NULL)
		http_request_give(request);
	request = http_request_take(&pool);
	http_parser_feed(request, bytes_of(text, strlen(text)), &parsed);
	http_parser_feed(request, bytes_of("\r\n", 2), &parsed);
	assert_int_equal(request->refusal, 0);
	assert_int_equal(http_target_parse(request, &target), 0);
	return (struct http_call){
		.request = request, .target = &target, .body_len = http_request_body_length(request),
	};
}

static unsigned check(const char *text, const struct ws_handshake_rules *rules, struct ws_handshake *out)
{
	struct http_call call = call_of(text);

	return ws_handshake_check(&call, rules, out);
}

static void requests(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
		{ GOOD, 0 },
		{ START "upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" KEY VERSION, 0 },
		{ START "Upgrade: h2c, websocket\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n" KEY VERSION, 0 },
		{ START "Upgrade: foo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY VERSION, 0 },
		{ START "Connection: Upgrade\r\n" KEY VERSION, 400 },
		{ START "Upgrade: websocket\r\n" KEY VERSION, 400 },
		{ START "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION, 400 },
		{ START "Upgrade: websockets\r\nConnection: Upgrade\r\n" KEY VERSION, 400 },
		{ START, 400 },
		{ "GET /chat HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION, 400 },
		{ START UPGRADE KEY "Sec-WebSocket-Version: 12\r\n", 426 },
		{ START UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", 426 },
		{ START UPGRADE KEY "Sec-WebSocket-Version: 013\r\n", 426 },
		{ START UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n", 426 },
		{ START UPGRADE KEY "Sec-WebSocket-Version: \r\n", 426 },
		{ START UPGRADE KEY, 426 },
		{ GOOD VERSION, 426 },
		{ START UPGRADE VERSION, 400 },
		{ GOOD KEY, 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: \r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n", 400 }, /* bits left over */
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhl-HNhbXBsZSBub25jZQ==\r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBsb25n\r\n", 400 },
		{ START UPGRADE VERSION "Sec-WebSocket-Key:    dGhlIHNhbXBsZSBub25jZQ==   \r\n", 0 },
		{ GOOD "Sec-WebSocket-Extensions: permessage-deflate; ;\r\n", 400 },
		{ GOOD "Sec-WebSocket-Extensions: unknown\r\n", 0 },
		{ GOOD "Content-Length: 5\r\n", 400 },
	};
	const struct ws_handshake_rules rules = { .compression = WS_COMPRESSION_OFF };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ws_handshake h;
		unsigned status = check(cases[i].text, &rules, &h);

		if (status != cases[i].status)
			fail_msg("%u instead of %u for\n%s", status, cases[i].status, cases[i].text);
	}
}

static void origins(void **state)
{
	static const char *const listed[] = { "https://a.example", "null", NULL }, *const all[] = { "*", NULL };
	static const struct {
		const char *origin;
		bool own, own_encrypted, in_list;
	} cases[] = {
		{ "http://example.com", true, false, false },
		{ "HTTP://Example.COM", true, false, false },
		{ "http://example.com:80", true, false, false },
		{ "https://example.com", false, true, false },
		{ "https://example.com:443", false, true, false },
		{ "http://example.com:8080", false, false, false },
		{ "http://example.com.evil.example", false, false, false },
		{ "http://evil.example", false, false, false },
		{ "http://evil.example/example.com", false, false, false },
		{ "https://a.example", false, false, true },
		{ "https://A.example", false, false, true },
		{ "http://a.example", false, false, false },
		{ "null", false, false, true },
		{ "", false, false, false },
	};
	struct ws_handshake h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char text[512];

		snprintf(text, sizeof text, GOOD "Origin: %s\r\n", cases[i].origin);
		assert_int_equal(check(text, &(struct ws_handshake_rules){ .window_bits = 12 }, &h) == 0,
				 cases[i].own);
		assert_int_equal(check(text, &(struct ws_handshake_rules){ .is_encrypted = true }, &h) == 0,
				 cases[i].own_encrypted);
		assert_int_equal(check(text, &(struct ws_handshake_rules){ .origins = listed }, &h) == 0,
				 cases[i].in_list);
		assert_int_equal(check(text, &(struct ws_handshake_rules){ .origins = all }, &h), 0);
	}
	assert_int_equal(check(GOOD "Origin: http://evil.example\r\n",
			       &(struct ws_handshake_rules){ .window_bits = 12 }, &h),
			 403);
	/* Two of them are of no browser. */
	assert_int_equal(check(GOOD "Origin: http://example.com\r\nOrigin: http://evil.example\r\n",
			       &(struct ws_handshake_rules){ .window_bits = 12 }, &h), 403);
}

static void protocols(void **state)
{
	static const char *const spoken[] = { "v2.chat", "v1.chat", NULL };
	static const struct {
		const char *field, *chosen;
	} cases[] = {
		{ "", NULL },
		{ "Sec-WebSocket-Protocol: v1.chat\r\n", "v1.chat" },
		{ "Sec-WebSocket-Protocol: other, v1.chat, v2.chat\r\n", "v1.chat" },
		{ "Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol:  v2.chat\r\n", "v2.chat" },
		{ "Sec-WebSocket-Protocol: V1.chat\r\n", NULL },
		{ "Sec-WebSocket-Protocol: other\r\n", NULL },
	};
	const struct ws_handshake_rules rules = { .protocols = spoken };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ws_handshake h;
		char text[512];

		snprintf(text, sizeof text, GOOD "%s", cases[i].field);
		assert_int_equal(check(text, &rules, &h), 0);
		if (cases[i].chosen == NULL)
			assert_null(h.protocol);
		else
			assert_string_equal(h.protocol, cases[i].chosen);
	}
}

static void the_answer_is_the_one_of_the_rfc(void **state)
{
	static const char *const spoken[] = { "chat", NULL };
	const struct ws_handshake_rules rules = {
		.protocols = spoken, .compression = WS_COMPRESSION_TAKEOVER, .window_bits = 12,
	};
	char text[WS_HANDSHAKE_ANSWER];
	struct ws_handshake h;
	size_t len;

	(void)state;
	assert_int_equal(check(GOOD, &rules, &h), 0);
	len = ws_handshake_format(&h, text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
	assert_int_equal(check(GOOD "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: foo\r\n"
			       "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", &rules, &h), 0);
	ws_handshake_format(&h, text);
	assert_string_equal(text, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
			    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n"
			    "Sec-WebSocket-Protocol: chat\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(origins),
		cmocka_unit_test(protocols),
		cmocka_unit_test(the_answer_is_the_one_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
