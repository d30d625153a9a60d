/*
 * The reader: what a client sends, whole, byte by byte, and cut at random by a seed, gives the same messages
 * and faults; and what it reserves meanwhile. The cases of the conformance suite run in test_ws_cases.c.
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
#include "common/ws_cases.h"
#include "websocket/ws_reader.h"

enum {
	MAX_MESSAGE = 1 << 20,
	TEXT = WS_FIN | WS_TEXT,
	BIN = WS_FIN | WS_BINARY,
	CONT = WS_CONTINUATION,
	LAST = WS_FIN | WS_CONTINUATION,
};

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

/* What came of it, in words (ws_cases.h). */
static void tell_fault(struct ws_bytes *s, const struct ws_reader *r)
{
	char text[80];

	snprintf(text, sizeof text, "%sfail %u %s", s->len > 0 ? " " : "", r->code, r->why);
	ws_bytes_add(s, text, strlen(text));
}

/* False: the connection is over. */
static bool take(struct ws_reader *r, struct bytes data, struct ws_bytes *s)
{
	struct ws_buffer *message;

	for (;;) {
		switch (ws_reader_take(r, &data)) {
		case WS_EVENT_NONE:
			assert_int_equal(data.len, 0);
			return true;
		case WS_EVENT_MESSAGE:
			message = ws_reader_message(r);
			ws_story_tell(s, r->opcode == WS_TEXT ? "text" : "binary",
				      bytes_of(message->data, message->len));
			ws_buffer_give(message);
			break;
		case WS_EVENT_PING:
			ws_story_tell(s, "ping", ws_reader_control(r));
			break;
		case WS_EVENT_PONG:
			ws_story_tell(s, "pong", ws_reader_control(r));
			break;
		case WS_EVENT_CLOSE:
			ws_story_tell(s, "close", ws_reader_control(r));
			return false;
		case WS_EVENT_FAIL:
			tell_fault(s, r);
			return false;
		}
	}
}

/* cut gives the length of the next piece. */
static void read_all(struct bytes data, bool compressed, size_t (*cut)(struct random *),
		     struct random *random, struct ws_bytes *s)
{
	struct ws_window window = { .bits = 12 };
	struct ws_reader r;
	struct bytes piece;
	bool open = true;

	s->len = 0;
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

static void assert_story(const char *name, const char *how, const struct ws_bytes *story,
			 const char *expected)
{
	if (story->len != strlen(expected) || memcmp(story->data, expected, story->len) != 0)
		fail_msg("%s, %s: \"%.*s\" instead of \"%s\"", name, how, (int)story->len,
			 (const char *)story->data, expected);
}

/* It is told to be this. */
static void assert_reads(struct bytes wire, const char *expected)
{
	struct ws_bytes story = { 0 };

	read_all(wire, false, cut_nowhere, NULL, &story);
	assert_story("reader", "whole", &story, expected);
	ws_bytes_fini(&story);
}

static void assert_same_however_cut(const char *name, struct bytes wire, bool compressed,
				    const char *expected)
{
	struct ws_bytes story = { 0 };
	struct random random;

	random_init(&random, 20261125);
	read_all(wire, compressed, cut_nowhere, NULL, &story);
	assert_story(name, "whole", &story, expected);
	read_all(wire, compressed, cut_everywhere, NULL, &story);
	assert_story(name, "byte by byte", &story, expected);
	for (int i = 0; i < 20; i++) {
		read_all(wire, compressed, cut_at_random, &random, &story);
		assert_story(name, "cut at random", &story, expected);
	}
	ws_bytes_fini(&story);
}

/* RFC 6455 section 5.1: a client masks. */
static void a_frame_that_is_not_masked_is_refused_by_its_second_byte(void **state)
{
	static const uint8_t wire[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };

	(void)state;
	assert_reads(bytes_of(wire, 2), "fail 1002 frame not masked");
	assert_same_however_cut("unmasked", bytes_of(wire, sizeof wire), false, "fail 1002 frame not masked");
}

/* A text that cannot become UTF-8 any more fails at once, and not at its end. */
static void a_wrong_byte_fails_before_its_frame_ends(void **state)
{
	struct ws_bytes wire = { 0 };

	(void)state;
	ws_client_text(&wire, TEXT, "abc\xff" "and much more that never comes");
	assert_reads(bytes_of(wire.data, 10), "fail 1007 text is not UTF-8");
	ws_bytes_fini(&wire);
}

static void a_message_may_have_65536_fragments_and_not_any_number(void **state)
{
	struct ws_bytes wire = { 0 };
	struct ws_bytes s = { 0 };

	(void)state;
	ws_client_text(&wire, WS_TEXT, "x");
	for (int i = 0; i < 65534; i++)
		ws_client_text(&wire, CONT, i % 2 == 0 ? "x" : "");
	ws_client_text(&wire, LAST, "x");
	read_all(bytes_of(wire.data, wire.len), false, cut_nowhere, NULL, &s);
	assert_memory_equal(s.data, "text 32769:", 11);
	ws_bytes_fini(&s);
	wire.len = 0;
	ws_client_text(&wire, WS_TEXT, "");
	for (int i = 0; i < WS_FRAGMENTS_MAX; i++)
		ws_client_text(&wire, CONT, "");
	assert_reads(bytes_of(wire.data, wire.len), "fail 1008 too many fragments");
	ws_bytes_fini(&wire);
}

static void what_is_announced_reserves_nothing(void **state)
{
	struct ws_bytes wire = { 0 };
	struct ws_window none = { .bits = 0 };
	struct ws_reader r;
	struct ws_bytes s = { 0 };

	(void)state;
	ws_client_frame(&wire, BIN, ws_case_pattern(MAX_MESSAGE).data, MAX_MESSAGE);
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
	struct ws_bytes s = { 0 };

	(void)state;
	ws_client_frame(&wire, BIN, ws_case_pattern(20000).data, 20000);
	ws_reader_init(&r, &small, NULL, &none, MAX_MESSAGE);
	assert_false(take(&r, bytes_of(wire.data, wire.len), &s));
	assert_story("reader", "whole", &s, "fail 1013 no memory for the message");
	ws_bytes_fini(&s);
	ws_reader_fini(&r);
	assert_int_equal(small.in_use, 0);
	ws_bytes_fini(&wire);
}

/* 12 and 13. */

#ifdef TH_WITH_ZLIB

static void a_small_frame_of_a_large_message_is_too_big(void **state)
{
	static uint8_t zeros[MAX_MESSAGE + 1];
	const struct ws_window none = { .bits = 0 };
	struct ws_buffer *b = ws_deflate(codecs, 15, &none, bytes_of(zeros, sizeof zeros), &budget);
	struct ws_bytes wire = { 0 };

	(void)state;
	ws_client_frame(&wire, WS_RSV1 | BIN, b->data, b->len);
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
	struct ws_bytes plain = { 0 };
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
		ws_story_tell(&plain, "text", bytes_of(text, len));
		ws_buffer_give(b);
	}
	ws_bytes_add(&plain, "", 1);
	assert_same_however_cut("compressed", bytes_of(wire.data, wire.len), true, (const char *)plain.data);
	ws_bytes_fini(&plain);
	ws_window_fini(&window);
	ws_bytes_fini(&wire);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_that_is_not_masked_is_refused_by_its_second_byte),
		cmocka_unit_test(a_wrong_byte_fails_before_its_frame_ends),
		cmocka_unit_test(a_message_may_have_65536_fragments_and_not_any_number),
		cmocka_unit_test(what_is_announced_reserves_nothing),
		cmocka_unit_test(a_budget_that_is_spent_is_told),
#ifdef TH_WITH_ZLIB
		cmocka_unit_test(a_small_frame_of_a_large_message_is_too_big),
		cmocka_unit_test(compressed_messages_however_cut),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
