/*
 * Every case of ws_cases.h at an endpoint that echoes, on a stream in memory: fed whole, as the case chops
 * it, byte by byte if it is short, and cut at random by a seed. What is answered is the same each time, it
 * is what has to be, and then the server ends the stream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "common/ws_cases.h"
#include "common/ws_fixture.h"

enum {
	BUFFER = 2 * WS_CASE_MAX_MESSAGE,
	SHORT = 100 << 10,    /* bytes that are fed one by one as well */
	CUT_MAX = 2 << 20,    /* bytes that are cut at random as well */
	CUTS = 5,
};

static struct ws_fixture fx;

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static void open_endpoint(void)
{
	ws_fixture_init(&fx);
	fx.config.max_message = WS_CASE_MAX_MESSAGE;
	fx.handler.on_message = echo;
	ws_fixture_start(&fx);
}

static void connect_client(struct ws_test_client *client, const char *more)
{
	assert_int_equal(ws_test_connect(&fx, client, "/ws/", more, BUFFER), 101);
	client->s.instant = true;
}

/* In pieces of chop bytes, or of any length that is drawn. */
static void feed(struct ws_test_client *client, struct bytes wire, size_t chop, struct random *random)
{
	struct bytes piece;

	while (wire.len > 0) {
		size_t len = random == NULL
				     ? chop
				     : 1 + random_below(random, random_chance(random, 500000) ? 8 : 20000);

		bytes_take(&wire, len < wire.len ? len : wire.len, &piece);
		fake_stream_feed(&client->s, piece.data, piece.len);
		if (!client->s.shut_down)
			http_fixture_advance(&fx.http, TIMER_TICK_US); /* a turn has an end */
	}
}

static void assert_answered(const struct ws_case *c, struct bytes wire, size_t chop, struct random *random,
			    const char *offer)
{
	struct ws_bytes expected = { 0 }, story = { 0 };
	struct ws_test_client client = { .at = 0 };

	connect_client(&client, offer);
	feed(&client, wire, chop, random);
	assert_true(client.s.shut_down);
	fake_stream_end(&client.s);
	assert_true(client.s.closed);
	ws_case_story(c, &expected);
	ws_story_of(bytes_of(client.s.sent + client.at, client.s.sent_len - client.at), &story);
	if (story.len != expected.len || memcmp(story.data, expected.data, story.len) != 0)
		fail_msg("%s in pieces of %zu: \"%.*s\" instead of \"%.*s\"", c->name, chop, (int)story.len,
			 (const char *)story.data, (int)expected.len, (const char *)expected.data);
	ws_bytes_fini(&expected);
	ws_bytes_fini(&story);
	ws_test_fini(&client);
	http_fixture_advance(&fx.http, TIMER_TICK_US);
}

static void run_case(const struct ws_case *c, const char *offer)
{
	struct ws_bytes wire = { 0 };
	struct random random;
	struct bytes all;

	random_init(&random, 20261125);
	ws_case_frames(c, &wire);
	all = bytes_of(wire.data, wire.len);
	assert_answered(c, all, c->chop > 0 ? c->chop : all.len, NULL, offer);
	if (c->chop > 0 && all.len <= SHORT)
		assert_answered(c, all, all.len, NULL, offer);
	if (all.len <= SHORT)
		assert_answered(c, all, 1, NULL, offer);
	for (int i = 0; i < CUTS && all.len <= CUT_MAX; i++)
		assert_answered(c, all, 0, &random, offer);
	ws_bytes_fini(&wire);
}

static void visit(const struct ws_case *c, void *count)
{
	run_case(c, "");
	++*(unsigned *)count;
}

/* The suite has 301 in these chapters; nine are ours. */
static void every_case(void **state)
{
	unsigned count = 0;

	(void)state;
	open_endpoint();
	ws_cases_each(visit, &count);
	assert_int_equal(count, 301 + 9);
	ws_fixture_fini(&fx);
}

#ifdef TH_WITH_ZLIB

static void frames_that_are_compressed(void **state)
{
	(void)state;
	open_endpoint();
	for (size_t i = 0; i < ws_packed_cases_count; i++)
		run_case(&ws_packed_cases[i],
			 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
	ws_fixture_fini(&fx);
}

#endif

/* 6.4: nothing is answered to the octets that may still become a text, and the next one ends the connection.
 * The message comes in frames of these lengths. */
static void assert_fails_at(const char *octets, size_t good, const size_t *frames)
{
	struct ws_test_client client = { .at = 0 };
	struct ws_bytes wire = { 0 };
	uint8_t first = WS_TEXT;
	size_t wrong = 0, left = good;

	for (; *frames > 0; octets += *frames++) {
		if (wrong == 0 && left < *frames)
			wrong = wire.len + 2 + 4 + left; /* behind header and mask */
		left -= wrong == 0 ? *frames : 0;
		ws_client_frame(&wire, (uint8_t)(first | (frames[1] == 0 ? WS_FIN : 0)), octets, *frames);
		first = WS_CONTINUATION;
	}
	connect_client(&client, "");
	fake_stream_feed(&client.s, wire.data, wrong);
	ws_test_expect_nothing(&client);
	fake_stream_feed(&client.s, wire.data + wrong, 1);
	ws_test_expect_close(&client, WS_CLOSE_INVALID_DATA);
	ws_test_expect_nothing(&client);
	ws_test_fini(&client);
	ws_bytes_fini(&wire);
	http_fixture_advance(&fx.http, TIMER_TICK_US);
}

static void a_text_fails_at_the_first_wrong_octet(void **state)
{
	static const char text[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80" "edited";

	(void)state;
	open_endpoint();
	assert_fails_at(text, 12, (const size_t[]){ 11, 4, 6, 0 }); /* 6.4.1 */
	assert_fails_at(text, 12, (const size_t[]){ 12, 1, 8, 0 }); /* 6.4.2 */
	assert_fails_at(text, 12, (const size_t[]){ 21, 0 }); /* 6.4.3 and 6.4.4 */
	ws_fixture_fini(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
#ifdef TH_WITH_ZLIB
		cmocka_unit_test(frames_that_are_compressed),
#endif
		cmocka_unit_test(a_text_fails_at_the_first_wrong_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
