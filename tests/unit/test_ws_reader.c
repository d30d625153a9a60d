/*
 * The reader, by the case families of the well-known conformance suite: a table of what a client sends and what
 * comes of it. Each case is fed whole, byte by byte, and cut at random by a seed: it must give the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "common/ws_client.h"
#include "websocket/ws_reader.h"

enum { MAX_MESSAGE = 1 << 20, PACKED = WS_FIN | WS_RSV1 };

static struct ws_budget budget = { .limit = 64 << 20 };
static struct ws_codecs *codecs;

static int set_up(void **state)
{
	(void)state;
	codecs = ws_codecs_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ws_codecs_free(codecs);
	return budget.in_use != 0;
}

/* What came of it, in words: "text 5:Hello ping 0: fail 1002". Long contents stand as their length and sum. */
struct story {
	char text[512];
	size_t len;
};

static void tell(struct story *s, const char *what, struct bytes data)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < data.len; i++)
		sum = sum * 31 + data.data[i];
	s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%s%s %zu:", s->len > 0 ? " " : "",
				   what, data.len);
	assert_true(s->len + 20 < sizeof s->text);
	if (data.len <= 16)
		s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%.*s", (int)data.len,
					   data.len > 0 ? (const char *)data.data : "");
	else
		s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "#%08x", sum);
}

static void tell_fault(struct story *s, const struct ws_reader *r)
{
	s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%sfail %u %s", s->len > 0 ? " " : "",
				   r->code, r->why);
}

/* False: the connection is over. */
static bool take(struct ws_reader *r, struct bytes data, struct story *s)
{
	struct ws_buffer *message;

	for (;;) {
		switch (ws_reader_take(r, &data)) {
		case WS_EVENT_NONE:
			assert_int_equal(data.len, 0);
			return true;
		case WS_EVENT_MESSAGE:
			message = ws_reader_message(r);
			tell(s, r->opcode == WS_TEXT ? "text" : "binary", bytes_of(message->data, message->len));
			ws_buffer_give(message);
			break;
		case WS_EVENT_PING:
			tell(s, "ping", ws_reader_control(r));
			break;
		case WS_EVENT_PONG:
			tell(s, "pong", ws_reader_control(r));
			break;
		case WS_EVENT_CLOSE:
			tell(s, "close", ws_reader_control(r));
			return false;
		case WS_EVENT_FAIL:
			tell_fault(s, r);
			return false;
		}
	}
}

/* cut gives the length of the next piece. */
static void read_all(struct bytes data, bool compressed, size_t (*cut)(struct random *), struct random *random,
		     struct story *s)
{
	struct ws_window window = { .bits = 12 };
	struct ws_reader r;
	struct bytes piece;
	bool open = true;

	s->len = 0;
	s->text[0] = '\0';
	ws_reader_init(&r, &budget, compressed ? codecs : NULL, &window, MAX_MESSAGE);
	while (open && data.len > 0) {
		size_t len = cut(random);

		bytes_take(&data, len < data.len ? len : data.len, &piece);
		open = take(&r, piece, s);
	}
	ws_reader_fini(&r);
	ws_window_fini(&window);
}

static size_t cut_nowhere(struct random *random)
{
	(void)random;
	return SIZE_MAX;
}

static size_t cut_everywhere(struct random *random)
{
	(void)random;
	return 1;
}

static size_t cut_at_random(struct random *random)
{
	return 1 + random_below(random, random_chance(random, 500000) ? 8 : 2000);
}

/* A frame of a case. text NULL: len bytes of a pattern. */
struct part {
	uint8_t first;
	const char *text;
	size_t len;
};

#define T(first, text) { first, text, sizeof(text) - 1 }
#define N(first, len) { first, NULL, len }
#define TEXT (WS_FIN | WS_TEXT)
#define BIN (WS_FIN | WS_BINARY)
#define CONT WS_CONTINUATION
#define LAST (WS_FIN | WS_CONTINUATION)
#define PING (WS_FIN | WS_PING)
#define PONG (WS_FIN | WS_PONG)
#define CLOSE (WS_FIN | WS_CLOSE)
#define SMILE "\xf0\x9f\x98\x80"
#define BAD_UTF8 "fail 1007 text is not UTF-8"

static const struct wire_case {
	const char *family;
	const char *story; /* NULL: only that it is the same however it is cut, and has no fault */
	struct part parts[8];
} cases[] = {
	/* 1: framing */
	{ "1.1.1", "text 0:", { T(TEXT, "") } },
	{ "1.1.2", NULL, { N(TEXT, 125) } },
	{ "1.1.3", NULL, { N(TEXT, 126) } },
	{ "1.1.4", NULL, { N(TEXT, 127) } },
	{ "1.1.5", NULL, { N(TEXT, 128) } },
	{ "1.1.6", NULL, { N(TEXT, 65535) } },
	{ "1.1.7", NULL, { N(TEXT, 65536) } },
	{ "1.2.1", "binary 0:", { T(BIN, "") } },
	{ "1.2.2", NULL, { N(BIN, 125) } },
	{ "1.2.3", NULL, { N(BIN, 126) } },
	{ "1.2.6", NULL, { N(BIN, 65535) } },
	{ "1.2.7", NULL, { N(BIN, 65536) } },
	/* 2: pings and pongs */
	{ "2.1", "ping 0:", { T(PING, "") } },
	{ "2.2", "ping 13:Hello, world!", { T(PING, "Hello, world!") } },
	{ "2.4", NULL, { N(PING, 125) } },
	{ "2.5", "fail 1002 control frame too long", { N(PING, 126) } },
	{ "2.7", "pong 0:", { T(PONG, "") } },
	{ "2.8", "pong 1:x", { T(PONG, "x") } },
	{ "2.10", "ping 1:a ping 1:b ping 1:c ping 0: ping 1:d",
	  { T(PING, "a"), T(PING, "b"), T(PING, "c"), T(PING, ""), T(PING, "d") } },
	/* 3: reserved bits */
	{ "3.1", "fail 1002 reserved bit set", { T(TEXT | WS_RSV1, "x") } },
	{ "3.2", "text 1:a fail 1002 reserved bit set", { T(TEXT, "a"), T(TEXT | WS_RSV2, "x"), T(PING, "") } },
	{ "3.3", "text 1:a fail 1002 reserved bit set", { T(TEXT, "a"), T(TEXT | WS_RSV3, "x") } },
	{ "3.4", "fail 1002 reserved bit set", { T(BIN | WS_RSV1 | WS_RSV3, "x") } },
	{ "3.5", "fail 1002 reserved bit set", { T(PING | WS_RSV1, "x") } },
	{ "3.6", "fail 1002 reserved bit set", { T(CLOSE | WS_RSV2, "") } },
	{ "3.7", "fail 1002 reserved bit set", { T(TEXT | WS_RSV1 | WS_RSV2 | WS_RSV3, "") } },
	/* 4: opcodes */
	{ "4.1.1", "fail 1002 reserved opcode", { T(WS_FIN | 3, "") } },
	{ "4.1.2", "fail 1002 reserved opcode", { T(WS_FIN | 4, "x") } },
	{ "4.1.3", "text 1:a fail 1002 reserved opcode", { T(TEXT, "a"), T(WS_FIN | 5, "") } },
	{ "4.1.5", "fail 1002 reserved opcode", { T(WS_FIN | 7, "") } },
	{ "4.2.1", "fail 1002 reserved opcode", { T(WS_FIN | 11, "") } },
	{ "4.2.2", "fail 1002 reserved opcode", { T(WS_FIN | 12, "x") } },
	{ "4.2.5", "fail 1002 reserved opcode", { T(WS_FIN | 15, "") } },
	/* 5: fragmentation */
	{ "5.1", "fail 1002 fragmented control frame", { T(WS_PING, "a"), T(LAST, "b") } },
	{ "5.2", "fail 1002 fragmented control frame", { T(WS_PONG, "a"), T(LAST, "b") } },
	{ "5.3", "text 6:abcdef", { T(WS_TEXT, "abc"), T(LAST, "def") } },
	{ "5.6", "ping 1:p text 6:abcdef", { T(WS_TEXT, "abc"), T(PING, "p"), T(LAST, "def") } },
	{ "5.9", "fail 1002 continuation of nothing", { T(LAST, "x"), T(TEXT, "y") } },
	{ "5.12", "fail 1002 continuation of nothing", { T(CONT, "x"), T(TEXT, "y") } },
	{ "5.15", "text 2:ab fail 1002 continuation of nothing",
	  { T(WS_TEXT, "a"), T(LAST, "b"), T(CONT, "c"), T(LAST, "d") } },
	{ "5.18", "fail 1002 message within a message", { T(WS_TEXT, "a"), T(TEXT, "b") } },
	{ "5.18b", "fail 1002 message within a message", { T(WS_TEXT, "a"), T(WS_BINARY, "b") } },
	{ "5.19", "ping 1:1 ping 1:2 text 5:abcde", { T(WS_TEXT, "a"), T(CONT, "b"), T(PING, "1"), T(CONT, "c"),
	  T(CONT, "d"), T(PING, "2"), T(LAST, "e") } },
	/* 6: UTF-8 */
	{ "6.1.1", "text 0:", { T(TEXT, "") } },
	{ "6.1.2", "text 0:", { T(WS_TEXT, ""), T(CONT, ""), T(LAST, "") } },
	{ "6.1.3", "text 1:x", { T(WS_TEXT, ""), T(CONT, "x"), T(LAST, "") } },
	{ "6.2.1", "text 10:\xc2\xb5@\xc3\x9f" SMILE "!", { T(TEXT, "\xc2\xb5@\xc3\x9f" SMILE "!") } },
	{ "6.2.3", "text 4:" SMILE, { T(WS_TEXT, "\xf0"), T(CONT, "\x9f"), T(CONT, "\x98"), T(LAST, "\x80") } },
	{ "6.3.1", BAD_UTF8, { T(TEXT, "\xce\xba\xed\xa0\x80") } },
	{ "6.4.1", BAD_UTF8, { T(WS_TEXT, "\xce\xba\xf4\x90"), T(CONT, "never"), T(LAST, "read") } },
	{ "6.5.1", BAD_UTF8, { T(TEXT, "\xf0\x9f\x98") } }, /* a text that ends within a character */
	{ "6.6.1", BAD_UTF8, { T(WS_TEXT, "\xc3"), T(LAST, "") } },
	{ "6.12.1", BAD_UTF8, { T(TEXT, "\x80") } },
	{ "6.14.1", BAD_UTF8, { T(TEXT, "\xc0\xaf") } },
	{ "6.20.1", BAD_UTF8, { T(TEXT, "\xed\xbf\xbf") } },
	{ "6.22.1", "text 3:\xef\xbf\xbe", { T(TEXT, "\xef\xbf\xbe") } },
	{ "6.x", "binary 1:\xff", { T(BIN, "\xff") } }, /* in binary anything goes */
	/* 7: closing */
	{ "7.1.1", "text 1:a close 2:\x03\xe8", { T(TEXT, "a"), T(CLOSE, "\x03\xe8") } },
	{ "7.1.2", "close 0:", { T(CLOSE, ""), T(CLOSE, "") } },
	{ "7.1.3", "close 0:", { T(CLOSE, ""), T(PING, "x") } },
	{ "7.1.4", "close 0:", { T(CLOSE, ""), T(TEXT, "x") } },
	{ "7.1.5", "close 0:", { T(WS_TEXT, "a"), T(CLOSE, ""), T(LAST, "b") } },
	{ "7.3.2", "close 1:\x03", { T(CLOSE, "\x03") } },
	{ "7.3.5", NULL, { N(CLOSE, 125) } },
	{ "7.3.6", "fail 1002 control frame too long", { N(CLOSE, 126) } },
	/* 9: limits (10: large messages in tiny fragments stand below) */
	{ "9.1", NULL, { N(TEXT, MAX_MESSAGE) } },
	{ "9.2", NULL, { N(BIN, MAX_MESSAGE) } },
	{ "9.3", NULL, { N(WS_TEXT, MAX_MESSAGE / 2), T(CONT, ""), N(LAST, MAX_MESSAGE / 2) } },
	{ "9.x1", "fail 1009 message too big", { N(BIN, MAX_MESSAGE + 1) } },
	{ "9.x2", "fail 1009 message too big", { N(WS_BINARY, MAX_MESSAGE), T(CONT, ""), N(LAST, 1) } },
	{ "9.x3", NULL, { N(WS_BINARY, MAX_MESSAGE), T(CONT, ""), N(LAST, 0) } },
};

static struct bytes part_bytes(const struct part *p)
{
	static uint8_t pattern[MAX_MESSAGE + 1];

	if (pattern[0] == 0)
		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = (uint8_t)('a' + i % 23);
	return bytes_of(p->text != NULL ? (const uint8_t *)p->text : pattern, p->len);
}

static void assert_same_however_cut(const char *family, struct bytes wire, bool compressed, const char *expected)
{
	struct story whole, cut;
	struct random random;

	random_init(&random, 20261125);
	read_all(wire, compressed, cut_nowhere, NULL, &whole);
	if (expected != NULL && strcmp(whole.text, expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", family, whole.text, expected);
	if (expected == NULL && (whole.len == 0 || strstr(whole.text, "fail") != NULL))
		fail_msg("%s: \"%s\"", family, whole.text);
	read_all(wire, compressed, cut_everywhere, NULL, &cut);
	if (strcmp(whole.text, cut.text) != 0)
		fail_msg("%s, byte by byte: \"%s\" instead of \"%s\"", family, cut.text, whole.text);
	for (int i = 0; i < 20; i++) {
		read_all(wire, compressed, cut_at_random, &random, &cut);
		if (strcmp(whole.text, cut.text) != 0)
			fail_msg("%s, cut %d: \"%s\" instead of \"%s\"", family, i, cut.text, whole.text);
	}
}

static void every_case_family(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ws_bytes wire = { 0 };

		for (const struct part *p = cases[i].parts; p->first != 0 || p->len > 0 || p->text != NULL; p++)
			ws_client_frame(&wire, p->first, part_bytes(p).data, p->len);
		assert_same_however_cut(cases[i].family, bytes_of(wire.data, wire.len), false, cases[i].story);
		ws_bytes_fini(&wire);
	}
}

/* 3.x and RFC 6455 section 5.1: a client masks. */
static void a_frame_that_is_not_masked_is_refused_by_its_second_byte(void **state)
{
	static const uint8_t wire[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };
	struct story s;

	(void)state;
	read_all(bytes_of(wire, 2), false, cut_nowhere, NULL, &s);
	assert_string_equal(s.text, "fail 1002 frame not masked");
	assert_same_however_cut("unmasked", bytes_of(wire, sizeof wire), false, "fail 1002 frame not masked");
}

/* 6.4: a text that cannot become UTF-8 any more fails at once, and not at its end. */
static void a_wrong_byte_fails_before_its_frame_ends(void **state)
{
	struct ws_bytes wire = { 0 };
	struct story s;

	(void)state;
	ws_client_text(&wire, TEXT, "abc\xff" "and much more that never comes");
	read_all(bytes_of(wire.data, 10), false, cut_everywhere, NULL, &s);
	assert_string_equal(s.text, BAD_UTF8);
	ws_bytes_fini(&wire);
}

/* 9.5 to 9.8, 10: many fragments. */
static void a_message_may_have_65536_fragments_and_not_any_number(void **state)
{
	struct ws_bytes wire = { 0 };
	struct story s;

	(void)state;
	ws_client_text(&wire, WS_TEXT, "x");
	for (int i = 0; i < 65534; i++)
		ws_client_text(&wire, CONT, i % 2 == 0 ? "x" : "");
	ws_client_text(&wire, LAST, "x");
	read_all(bytes_of(wire.data, wire.len), false, cut_nowhere, NULL, &s);
	assert_memory_equal(s.text, "text 32769:", 11);
	wire.len = 0;
	ws_client_text(&wire, WS_TEXT, "");
	for (int i = 0; i < WS_FRAGMENTS_MAX; i++)
		ws_client_text(&wire, CONT, "");
	read_all(bytes_of(wire.data, wire.len), false, cut_nowhere, NULL, &s);
	assert_string_equal(s.text, "fail 1008 too many fragments");
	ws_bytes_fini(&wire);
}

static void what_is_announced_reserves_nothing(void **state)
{
	struct ws_bytes wire = { 0 };
	struct ws_window none = { .bits = 0 };
	struct ws_reader r;
	struct story s = { .len = 0 };

	(void)state;
	ws_client_frame(&wire, BIN, part_bytes(&(const struct part){ 0, NULL, MAX_MESSAGE }).data, MAX_MESSAGE);
	ws_reader_init(&r, &budget, NULL, &none, MAX_MESSAGE);
	assert_true(take(&r, bytes_of(wire.data, 20), &s));
	assert_true(budget.in_use < 8192);
	assert_true(ws_reader_is_waiting(&r));
	ws_reader_fini(&r);
	assert_int_equal(budget.in_use, 0);
	ws_bytes_fini(&wire);
}

static void a_budget_that_is_spent_is_told(void **state)
{
	struct ws_bytes wire = { 0 };
	struct ws_budget small = { .limit = 10000 };
	struct ws_window none = { .bits = 0 };
	struct ws_reader r;
	struct story s = { .len = 0 };

	(void)state;
	ws_client_frame(&wire, BIN, part_bytes(&(const struct part){ 0, NULL, 20000 }).data, 20000);
	ws_reader_init(&r, &small, NULL, &none, MAX_MESSAGE);
	assert_false(take(&r, bytes_of(wire.data, wire.len), &s));
	assert_string_equal(s.text, "fail 1013 no memory for the message");
	ws_reader_fini(&r);
	assert_int_equal(small.in_use, 0);
	ws_bytes_fini(&wire);
}

/* 12 and 13. */

#ifdef TH_WITH_ZLIB

static void compressed_messages(void **state)
{
	static const struct wire_case packed[] = {
		{ "12.1", "text 5:Hello", { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00") } },
		{ "12.1b", "text 5:Hello text 5:Hello", /* the second refers to the first */
		  { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00"), T(PACKED | WS_TEXT, "\xf2\x00\x11\x00\x00") } },
		{ "12.2", "text 5:Hello", { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(LAST, "\xc9\xc9\x07\x00") } },
		{ "12.3", "ping 1:x text 5:Hello",
		  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(PING, "x"), T(LAST, "\xc9\xc9\x07\x00") } },
		{ "12.4", "binary 0: text 5:plain", { T(PACKED | WS_BINARY, "\x00"), T(TEXT, "plain") } },
		{ "12.5", "text 5:Hello", { T(PACKED | WS_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00") } },
		{ "13.1", "fail 1002 reserved bit set",
		  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(WS_RSV1 | LAST, "\xc9\xc9\x07\x00") } },
		{ "13.2", "fail 1007 compressed data is broken", { T(PACKED | WS_BINARY, "\xff\xff\xff\xff") } },
		{ "13.3", BAD_UTF8, { T(PACKED | WS_TEXT, "\x00\x01\x00\xfe\xff\xff\x00") } },
		{ "13.4", "fail 1007 compressed data is broken", { T(PACKED | WS_TEXT, "") } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(packed); i++) {
		struct ws_bytes wire = { 0 };

		for (const struct part *p = packed[i].parts; p->first != 0; p++)
			ws_client_frame(&wire, p->first, p->text, p->len);
		assert_same_however_cut(packed[i].family, bytes_of(wire.data, wire.len), true, packed[i].story);
		ws_bytes_fini(&wire);
	}
}

static void a_small_frame_of_a_large_message_is_too_big(void **state)
{
	static uint8_t zeros[MAX_MESSAGE + 1];
	const struct ws_window none = { .bits = 0 };
	struct ws_buffer *b = ws_deflate(codecs, 15, &none, bytes_of(zeros, sizeof zeros), &budget);
	struct ws_bytes wire = { 0 };

	(void)state;
	ws_client_frame(&wire, PACKED | WS_BINARY, b->data, b->len);
	assert_true(b->len < 10000);
	assert_same_however_cut("1009", bytes_of(wire.data, wire.len), true, "fail 1009 message too big");
	ws_buffer_give(b);
	ws_bytes_fini(&wire);
}

/* Messages compressed as a client does it, of all sizes, one after the other with what came before. */
static void compressed_messages_however_cut(void **state)
{
	static uint8_t text[9000];
	struct ws_window window = { .bits = 12 };
	struct ws_bytes wire = { 0 };
	struct story plain = { .len = 0 };
	struct random random;

	(void)state;
	random_init(&random, 7692);
	for (int n = 0; n < 12; n++) {
		size_t len = 64 + random_below(&random, sizeof text - 64);
		struct ws_buffer *b;

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)("abc de "[random_below(&random, 7)]);
		b = ws_deflate(codecs, 12, &window, bytes_of(text, len), &budget);
		ws_client_frame(&wire, WS_RSV1 | WS_TEXT, b->data, b->len / 3);
		ws_client_frame(&wire, LAST, b->data + b->len / 3, b->len - b->len / 3);
		ws_window_add(&window, bytes_of(text, len));
		tell(&plain, "text", bytes_of(text, len));
		ws_buffer_give(b);
	}
	assert_same_however_cut("compressed", bytes_of(wire.data, wire.len), true, plain.text);
	ws_window_fini(&window);
	ws_bytes_fini(&wire);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_family),
		cmocka_unit_test(a_frame_that_is_not_masked_is_refused_by_its_second_byte),
		cmocka_unit_test(a_wrong_byte_fails_before_its_frame_ends),
		cmocka_unit_test(a_message_may_have_65536_fragments_and_not_any_number),
		cmocka_unit_test(what_is_announced_reserves_nothing),
		cmocka_unit_test(a_budget_that_is_spent_is_told),
#ifdef TH_WITH_ZLIB
		cmocka_unit_test(compressed_messages),
		cmocka_unit_test(a_small_frame_of_a_large_message_is_too_big),
		cmocka_unit_test(compressed_messages_however_cut),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
