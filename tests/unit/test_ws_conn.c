/*
 * Connections, from the upgrade to the end: an endpoint that echoes, on streams in memory. What each client
 * is sent, with which code it is closed, and what the handler is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_fixture.h"
#include "websocket/ws_conn.h"

#define SECOND UINT64_C(1000000)
#define BUFFER (1 << 20)
#define TEXT (WS_FIN | WS_TEXT)
#define PING (WS_FIN | WS_PING)
#define PONG (WS_FIN | WS_PONG)
#define CLOSE (WS_FIN | WS_CLOSE)

static struct ws_fixture fx;
static struct ws_test_client client;
static unsigned opened, closed, drained, code, admit_status;
static struct ws_conn *last;
static unsigned close_at_open;

static unsigned admit(void *context, const struct http_call *call)
{
	assert_ptr_equal(context, &fx);
	assert_non_null(call->path);
	return admit_status;
}

static void on_open(struct ws_conn *c, const struct ws_opening *opening)
{
	assert_string_equal(opening->path, "");
	assert_null(opening->protocol);
	assert_memory_equal(opening->fields.data, "Upgrade: websocket\r\n", 20);
	opened++;
	last = c;
	if (close_at_open != 0)
		ws_close(c, close_at_open, "go");
}

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static void on_drained(struct ws_conn *c)
{
	(void)c;
	drained++;
}

static void on_close(struct ws_conn *c, unsigned with)
{
	assert_int_equal(ws_send(c, WS_TEXT, bytes_of("too late", 8)), WS_SENT_CLOSED);
	closed++;
	code = with;
}

static int set_up(void **state)
{
	(void)state;
	opened = closed = drained = code = admit_status = close_at_open = 0;
	last = NULL;
	memset(&client, 0, sizeof client);
	ws_fixture_init(&fx);
	fx.handler = (struct ws_handler){
		.admit = admit, .on_open = on_open, .on_message = echo, .on_drained = on_drained, .on_close = on_close,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ws_test_fini(&client);
	ws_fixture_fini(&fx);
	return 0;
}

static void start(const char *more, size_t buffer)
{
	ws_fixture_start(&fx);
	assert_int_equal(ws_test_connect(&fx, &client, "/ws/", more, buffer), 101);
}

static void advance(uint64_t us)
{
	http_fixture_advance(&fx.http, us);
}

/* The other side is shut down; the client ends too, and the handler knows. */
static void assert_over(unsigned with)
{
	ws_test_expect_nothing(&client);
	assert_true(client.s.shut_down);
	assert_false(fake_stream_is_over(&client.s));
	fake_stream_end(&client.s);
	assert_true(client.s.closed);
	assert_false(client.s.unread);
	advance(0);
	assert_int_equal(closed, 1);
	assert_int_equal(code, with);
}

/* ---- the beginning ---- */

static void messages_may_come_with_the_request(void **state)
{
	(void)state;
	ws_client_text(&client.out, TEXT, "Hello");
	ws_client_frame(&client.out, WS_FIN | WS_BINARY, "\x00\xff", 2);
	start("", BUFFER);
	ws_test_expect_text(&client, "Hello");
	ws_test_expect(&client, WS_FIN | WS_BINARY, "\x00\xff", 2);
	ws_test_send_text(&client, "again");
	ws_test_expect_text(&client, "again");
	assert_int_equal(opened, 1);
	assert_int_equal(ws_fixture_usage(&fx).messages_in, 3);
	assert_int_equal(ws_fixture_usage(&fx).bytes_out, 12);
}

static void what_is_refused_is_answered_by_http(void **state)
{
	static const struct {
		const char *more;
		unsigned admit, status;
	} cases[] = {
		{ "Origin: http://b\r\n", 0, 403 },
		{ "Sec-WebSocket-Key: x\r\n", 0, 400 },
		{ "Sec-WebSocket-Version: 8\r\n", 0, 426 },
		{ "", 404, 404 },
		{ "Origin: http://a\r\n", 0, 101 },
	};

	(void)state;
	ws_fixture_start(&fx);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		admit_status = cases[i].admit;
		assert_int_equal(ws_test_connect(&fx, &client, "/ws/", cases[i].more, BUFFER),
				 cases[i].status);
		if (cases[i].status == 426)
			assert_non_null(strstr(client.s.sent, "Sec-WebSocket-Version: 13\r\n"));
		if (cases[i].status != 101)
			ws_test_fini(&client);
	}
	assert_int_equal(opened, 1);
	assert_int_equal(ws_fixture_usage(&fx).refused, 4);
}

static void a_path_has_a_limit(void **state)
{
	char path[WS_PATH + 16] = "/ws/";

	(void)state;
	ws_fixture_start(&fx);
	memset(path + 4, 'x', WS_PATH + 1);
	assert_int_equal(ws_test_connect(&fx, &client, path, "", BUFFER), 404);
}

static void there_is_a_limit_to_connections_of_one_address(void **state)
{
	struct ws_test_client second = { .at = 0 };

	(void)state;
	fx.limits.max_connections_per_address = 1;
	start("", BUFFER);
	assert_int_equal(ws_test_connect(&fx, &second, "/ws/", "", BUFFER), 503);
	ws_test_fini(&second);
	fake_stream_lose(&client.s, STREAM_END_RESET);
	advance(0);
	assert_int_equal(ws_test_connect(&fx, &second, "/ws/", "", BUFFER), 101);
	ws_test_fini(&second);
}

static void a_handler_may_close_at_once(void **state)
{
	(void)state;
	close_at_open = 4000;
	ws_client_text(&client.out, TEXT, "Hello");
	start("", BUFFER);
	ws_test_expect_close(&client, 4000);
	ws_test_expect_nothing(&client);
	ws_test_send_close(&client, 4000);
	assert_over(4000);
}

/* ---- case families, as a client sees them ---- */

static void a_ping_is_answered_with_what_it_says(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_test_send(&client, PING, "Hello, world!", 13);
	ws_test_expect(&client, PONG, "Hello, world!", 13);
	ws_test_send(&client, PONG, "unasked", 7);
	ws_client_text(&client.out, WS_TEXT, "frag");
	ws_client_frame(&client.out, PING, "p", 1);
	ws_client_text(&client.out, WS_FIN | WS_CONTINUATION, "ment");
	ws_test_flush(&client);
	ws_test_expect(&client, PONG, "p", 1);
	ws_test_expect_text(&client, "fragment");
	ws_test_expect_nothing(&client);
}

/* 7: each of them is answered, and the client's code is what the handler hears. */
static void closing(void **state)
{
	static const struct {
		const char *payload;
		size_t len;
		unsigned answer, told;
	} cases[] = {
		{ "", 0, 1005, 1005 },
		{ "\x03\xe8", 2, 1000, 1000 },
		{ "\x03\xe8" "Bye", 5, 1000, 1000 },
		{ "\x03\xe9", 2, 1001, 1001 },
		{ "\x03\xf4", 2, 1012, 1012 },
		{ "\x03\xf5", 2, 1013, 1013 },
		{ "\x03\xf6", 2, 1014, 1014 },
		{ "\x0b\xb8", 2, 3000, 3000 },
		{ "\x13\x87", 2, 4999, 4999 },
		{ "\x03", 1, 1002, 1002 },
		{ "\x00\x00", 2, 1002, 1002 },
		{ "\x03\xe7", 2, 1002, 1002 },
		{ "\x03\xec", 2, 1002, 1002 },
		{ "\x03\xee", 2, 1002, 1002 },
		{ "\x03\xf8", 2, 1002, 1002 },
		{ "\x13\x88", 2, 1002, 1002 },
		{ "\x03\xe8\xce\xba\xed\xa0\x80", 7, 1007, 1007 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		start("", BUFFER);
		ws_test_send(&client, CLOSE, cases[i].payload, cases[i].len);
		ws_test_expect_close(&client, cases[i].answer);
		ws_test_send_text(&client, "after the end");
		assert_over(cases[i].told);
		tear_down(NULL);
		set_up(NULL);
	}
	ws_fixture_start(&fx);
	fake_stream_init(&client.s, BUFFER);
}

static void faults_are_told_with_their_codes(void **state)
{
	static const struct {
		uint8_t first;
		const char *payload;
		size_t len;
		unsigned code;
	} cases[] = {
		{ TEXT | WS_RSV1, "x", 1, 1002 },
		{ TEXT | WS_RSV2, "x", 1, 1002 },
		{ WS_FIN | 3, "", 0, 1002 },
		{ WS_FIN | 11, "", 0, 1002 },
		{ WS_PING, "", 0, 1002 },
		{ WS_FIN | WS_CONTINUATION, "", 0, 1002 },
		{ TEXT, "\xff", 1, 1007 },
		{ TEXT, "0123456789", 10, 1009 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		fx.config.max_message = 9;
		start("", BUFFER);
		ws_client_text(&client.out, TEXT, "good");
		ws_client_frame(&client.out, cases[i].first, cases[i].payload, cases[i].len);
		ws_client_text(&client.out, TEXT, "behind");
		ws_test_flush(&client);
		ws_test_expect_text(&client, "good");
		ws_test_expect_close(&client, cases[i].code);
		assert_over(cases[i].code);
		tear_down(NULL);
		set_up(NULL);
	}
	ws_fixture_start(&fx);
	fake_stream_init(&client.s, BUFFER);
}

static void a_frame_that_is_not_masked_is_1002(void **state)
{
	(void)state;
	start("", BUFFER);
	fake_stream_feed(&client.s, "\x81\x05", 2); /* the rest need not come */
	ws_test_expect_close(&client, 1002);
	assert_over(1002);
	assert_int_equal(ws_fixture_usage(&fx).closed_invalid, 1);
}

static void messages_beyond_the_memory_are_1013(void **state)
{
	static uint8_t data[100000];

	(void)state;
	fx.limits.memory = 50000;
	start("", BUFFER);
	ws_test_send(&client, WS_FIN | WS_BINARY, data, sizeof data);
	ws_test_expect_close(&client, 1013);
	assert_over(1013);
	assert_int_equal(ws_fixture_usage(&fx).closed_full, 1);
}

/* ---- endings ---- */

static void our_close_frame_awaits_the_clients(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_close(last, 1001, "see you");
	ws_test_expect(&client, CLOSE, "\x03\xe9see you", 9);
	ws_close(last, 1000, "twice");
	ws_test_send_text(&client, "on its way");
	ws_test_send(&client, PING, "", 0);
	ws_test_expect_nothing(&client);
	assert_false(client.s.shut_down);
	ws_test_send_close(&client, 1001);
	assert_over(1001);
}

static void a_client_that_does_not_answer_a_close_is_let_go_of(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_close(last, 1000, "");
	advance(fx.config.close_timeout_us - 1000);
	assert_false(client.s.shut_down);
	advance(2000);
	assert_true(client.s.shut_down);
	advance(fx.config.close_timeout_us + 1000);
	assert_true(client.s.closed);
	advance(0);
	assert_int_equal(closed, 1);
}

static void a_fin_without_a_close_frame_is_1006(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_client_text(&client.out, WS_TEXT, "begun");
	ws_test_flush(&client);
	fake_stream_end(&client.s);
	assert_true(client.s.closed);
	advance(0);
	assert_int_equal(code, 1006);
	assert_int_equal(closed, 1);
}

static void a_reset_is_1006(void **state)
{
	(void)state;
	start("", BUFFER);
	fake_stream_lose(&client.s, STREAM_END_RESET);
	advance(0);
	assert_int_equal(code, 1006);
	assert_int_equal(closed, 1);
	assert_int_equal(ws_fixture_usage(&fx).connections, 0);
}

static void draining_closes_all_and_lets_nobody_in(void **state)
{
	struct ws_test_client second = { .at = 0 };

	(void)state;
	start("", BUFFER);
	ws_server_drain(fx.server, 1012);
	ws_test_expect_close(&client, 1012);
	assert_int_equal(ws_test_connect(&fx, &second, "/ws/", "", BUFFER), 503);
	ws_test_fini(&second);
	ws_test_send_close(&client, 1012);
	assert_over(1012);
}

static void connections_outlive_their_endpoint(void **state)
{
	struct ws_endpoint *first;

	(void)state;
	start("", BUFFER);
	first = fx.endpoint;
	fx.endpoint = ws_endpoint_new(fx.server, &fx.config, &fx.handler, &fx);
	ws_endpoint_close(first);
	ws_test_send_text(&client, "still here");
	ws_test_expect_text(&client, "still here");
}

/* ---- time ---- */

static void a_silent_client_is_pinged_and_given_up(void **state)
{
	(void)state;
	start("", BUFFER);
	fake_stream_ack_all(&client.s);
	advance(fx.config.ping_interval_us - 1000);
	ws_test_expect_nothing(&client);
	advance(2000);
	ws_test_expect(&client, PING, "", 0);
	advance(fx.config.ping_timeout_us - 3000);
	assert_false(fake_stream_is_over(&client.s));
	advance(4000);
	assert_true(client.s.aborted);
	advance(0);
	assert_int_equal(code, 1006);
	assert_int_equal(ws_fixture_usage(&fx).closed_dead, 1);
}

static void any_byte_is_a_sign_of_life(void **state)
{
	(void)state;
	start("", BUFFER);
	for (int i = 0; i < 10; i++) {
		advance(fx.config.ping_interval_us + 1000);
		ws_test_expect(&client, PING, "", 0);
		ws_test_send(&client, PONG, "", 0);
		advance(fx.config.ping_timeout_us + 1000);
	}
	assert_false(fake_stream_is_over(&client.s));
	ws_test_expect_nothing(&client);
}

static void one_that_still_reads_is_not_dead(void **state)
{
	static uint8_t data[60000];

	(void)state;
	start("", BUFFER);
	ws_send(last, WS_BINARY, bytes_of(data, sizeof data));
	advance(fx.config.ping_interval_us + 1000);
	for (int i = 0; i < 20; i++) {
		fake_stream_ack(&client.s, 1000);
		advance(fx.config.ping_timeout_us + 1000);
		assert_false(fake_stream_is_over(&client.s));
	}
	advance(fx.config.ping_timeout_us + 1000);
	assert_true(client.s.aborted);
	advance(0);
}

static void a_message_has_a_time_however_it_trickles(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_client_text(&client.out, WS_TEXT, "a");
	ws_test_flush(&client);
	for (uint64_t us = 0; us + SECOND < fx.config.message_timeout_us; us += SECOND) {
		ws_client_text(&client.out, WS_CONTINUATION, "");
		ws_test_flush(&client);
		advance(SECOND);
	}
	ws_test_expect_nothing(&client);
	advance(2 * SECOND);
	ws_test_expect_close(&client, 1008);
	assert_over(1008);
}

static void the_time_of_a_message_begins_with_it(void **state)
{
	(void)state;
	start("", BUFFER);
	for (int i = 0; i < 10; i++) {
		ws_client_text(&client.out, WS_TEXT, "a");
		ws_test_flush(&client);
		advance(fx.config.message_timeout_us / 2);
		ws_client_text(&client.out, WS_FIN | WS_CONTINUATION, "b");
		ws_test_flush(&client);
	}
	assert_int_equal(ws_fixture_usage(&fx).messages_in, 10);
	assert_false(client.s.shut_down);
}

/* Also where the end of one and the beginning of the next come together. */
static void messages_without_a_gap_have_a_time_each(void **state)
{
	(void)state;
	start("", BUFFER);
	ws_client_text(&client.out, WS_TEXT, "a");
	ws_test_flush(&client);
	for (int i = 0; i < 10; i++) {
		advance(fx.config.message_timeout_us * 2 / 3);
		ws_client_text(&client.out, WS_FIN | WS_CONTINUATION, "b");
		ws_client_text(&client.out, WS_TEXT, "a");
		ws_test_flush(&client);
	}
	assert_int_equal(ws_fixture_usage(&fx).messages_in, 10);
	assert_false(client.s.shut_down);
}

/* ---- back-pressure ---- */

static void who_does_not_read_is_not_read_from(void **state)
{
	char text[32];
	size_t held;

	(void)state;
	start("", 4096);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "message number %d", i);
		ws_client_text(&client.out, TEXT, text);
	}
	ws_test_flush(&client);
	held = client.s.input_len;
	assert_true(held > 10000);
	assert_true(fake_stream_in_flight(&client.s) < 4096 + 64 * 64);
	ws_test_send(&client, PING, "x", 1);
	assert_true(client.s.input_len > held);
	for (int i = 0; i < 1000; i++) {
		fake_stream_ack_all(&client.s);
		snprintf(text, sizeof text, "message number %d", i);
		ws_test_expect_text(&client, text);
	}
	ws_test_expect(&client, PONG, "x", 1);
	assert_int_equal(client.s.input_len, 0);
}

static void an_instant_reader_is_served_in_one_go(void **state)
{
	(void)state;
	start("", 128);
	fake_stream_ack_all(&client.s);
	client.s.instant = true;
	for (int i = 0; i < 100; i++)
		ws_client_text(&client.out, TEXT, "a text of some length");
	ws_test_flush(&client);
	assert_int_equal(client.s.input_len, 0);
	for (int i = 0; i < 100; i++)
		ws_test_expect_text(&client, "a text of some length");
}

static void what_there_is_no_room_for_is_dropped_and_counted(void **state)
{
	unsigned sent = 0;

	(void)state;
	start("", 1000);
	while (ws_send(last, WS_TEXT, bytes_of("some text", 9)) == WS_SENT)
		sent++;
	assert_in_range(sent, 50, 100);
	assert_int_equal(ws_send(last, WS_TEXT, bytes_of("some text", 9)), WS_SENT_DROPPED);
	assert_int_equal(ws_fixture_usage(&fx).dropped, 2);
	assert_int_equal(drained, 0);
	fake_stream_ack_all(&client.s);
	assert_int_equal(drained, 1);
	assert_int_equal(ws_send(last, WS_TEXT, bytes_of("some text", 9)), WS_SENT);
}

static void or_the_client_is_closed_for_it(void **state)
{
	(void)state;
	fx.config.slow_reader = WS_SLOW_CLOSE;
	start("", 1000);
	while (ws_send(last, WS_TEXT, bytes_of("some text", 9)) == WS_SENT)
		client.at += 11;
	assert_int_equal(ws_fixture_usage(&fx).closed_slow, 1);
	ws_test_expect_nothing(&client); /* there is no room for a close frame either */
	fake_stream_ack_all(&client.s);
	ws_test_expect_close(&client, 1008);
	ws_test_send_close(&client, 1008);
	assert_over(1008);
}

static void a_client_that_never_reads_its_close_frame_is_reset(void **state)
{
	(void)state;
	fx.config.slow_reader = WS_SLOW_CLOSE;
	start("", 1000);
	while (ws_send(last, WS_TEXT, bytes_of("some text", 9)) == WS_SENT)
		;
	advance(fx.config.close_timeout_us + 1000);
	advance(fx.config.close_timeout_us + 1000);
	assert_true(client.s.aborted);
	advance(0);
	assert_int_equal(closed, 1);
	assert_int_equal(code, 1008);
}

/* A close frame behind messages that were not read because of back-pressure. */
static void a_close_frame_behind_what_is_held_is_found(void **state)
{
	(void)state;
	start("", 200);
	for (int i = 0; i < 50; i++)
		ws_client_text(&client.out, TEXT, "a text of some length");
	ws_client_frame(&client.out, CLOSE, "\x03\xe8", 2);
	ws_test_flush(&client);
	assert_true(client.s.input_len > 0);
	ws_close(last, 1001, "");
	advance(0);
	assert_int_equal(client.s.input_len, 0);
	fake_stream_ack_all(&client.s);
	assert_true(client.s.shut_down);
	fake_stream_end(&client.s);
	advance(0);
	assert_int_equal(closed, 1);
}

#ifdef TH_WITH_ZLIB

static void compressed_both_ways(void **state)
{
	static const char text[] = "a text that compresses, a text that compresses, a text that compresses well";
	struct ws_server_frame frame;

	(void)state;
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", BUFFER);
	assert_non_null(
		strstr(client.s.sent,
		       "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n"));
	ws_test_send(&client, TEXT | WS_RSV1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	ws_test_expect_text(&client, "Hello"); /* too short to be compressed */
	ws_test_send(&client, TEXT | WS_RSV1, "\xf2\x00\x11\x00\x00", 5); /* refers to the first */
	ws_test_expect_text(&client, "Hello");
	for (int i = 0; i < 2; i++) {
		ws_test_send_text(&client, text);
		assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
		assert_int_equal(frame.first, TEXT | WS_RSV1);
		assert_true(frame.payload.len < (i == 0 ? sizeof text : 12));
	}
	assert_int_equal(ws_fixture_usage(&fx).compressed_out, 2);
}

/* It would hold the worker for as long as it takes. */
static void a_very_long_message_is_not_compressed(void **state)
{
	static char text[(1 << 20) + 1];
	struct ws_server_frame frame;

	(void)state;
	memset(text, 'x', sizeof text);
	fx.config.max_message = sizeof text;
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", 4 * BUFFER);
	ws_test_send(&client, TEXT, text, sizeof text - 1);
	assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
	assert_int_equal(frame.first, TEXT | WS_RSV1);
	advance(TIMER_TICK_US);
	ws_test_send(&client, TEXT, text, sizeof text);
	ws_test_expect(&client, TEXT, text, sizeof text);
}

static void a_client_without_takeover_leaves_no_window_behind(void **state)
{
	struct ws_server_frame frame;
	char text[200];

	(void)state;
	start("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n", BUFFER);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < 2; i++) {
		ws_test_send(&client, TEXT, text, sizeof text);
		assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
		/* Each by itself: expanded alone it is whole. */
		ws_test_send(&client, TEXT | WS_RSV1, frame.payload.data, frame.payload.len);
		assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
		assert_int_equal(frame.first, TEXT | WS_RSV1);
	}
	assert_int_equal(ws_fixture_usage(&fx).bytes_in, 800);
	assert_null(last->sent.data);
	assert_null(last->received.data);
	assert_null(last->reader.inflater);
}

/* By default: two windows of 4 KiB, and the record. */
static void a_connection_with_takeover_keeps_less_than_16_kib(void **state)
{
	static char text[50000];

	(void)state;
	memset(text, 'x', sizeof text);
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", BUFFER);
	ws_test_send(&client, TEXT | WS_RSV1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	ws_test_send(&client, TEXT, text, sizeof text);
	fake_stream_ack_all(&client.s);
	assert_int_equal(ws_fixture_usage(&fx).memory, 0);
	assert_non_null(last->sent.data);
	assert_non_null(last->received.data);
	assert_null(last->reader.inflater); /* lent for the time of a message */
	assert_true(sizeof *last + ((size_t)1 << last->sent.bits) + ((size_t)1 << last->received.bits) <
		    16 << 10);
}

/* A window has nothing to offer to a message that is as long, which is made alike for all then; but the next one
 * may refer to it. The client sends back what it was sent, and so reads it. */
static void a_long_message_refers_to_nothing_before_it(void **state)
{
	static char text[6000], tail[200];
	struct ws_server_frame sent[3], frame;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i * i % 23);
	memcpy(tail, text + sizeof text - sizeof tail, sizeof tail);
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", BUFFER);
	ws_test_send(&client, TEXT, text, sizeof text);
	ws_test_send(&client, TEXT, text, sizeof text);
	ws_test_send(&client, TEXT, tail, sizeof tail);
	for (int i = 0; i < 3; i++) {
		assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &sent[i]));
		assert_int_equal(sent[i].first, TEXT | WS_RSV1);
	}
	assert_int_equal(sent[0].payload.len, sent[1].payload.len);
	assert_memory_equal(sent[0].payload.data, sent[1].payload.data, sent[0].payload.len);
	assert_true(sent[2].payload.len < 20);
	for (int i = 0; i < 3; i++)
		ws_client_frame(&client.out, TEXT | WS_RSV1, sent[i].payload.data, sent[i].payload.len);
	ws_test_flush(&client);
	for (int i = 0; i < 3; i++)
		assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
	assert_int_equal(ws_fixture_usage(&fx).bytes_in, 2 * (2 * sizeof text + sizeof tail));
	assert_int_equal(ws_fixture_usage(&fx).closed_invalid, 0);
}

/* Each compressed again on its way back. */
static void who_makes_much_work_waits_for_its_turn(void **state)
{
	static char text[WS_TURN_BYTES / 4];
	struct ws_test_client second = { .at = 0 };
	unsigned before;

	(void)state;
	memset(text, 'x', sizeof text);
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", BUFFER);
	assert_int_equal(ws_test_connect(&fx, &second, "/ws/", "", BUFFER), 101);
	for (int i = 0; i < 10; i++)
		ws_client_frame(&client.out, TEXT, text, sizeof text);
	ws_client_frame(&client.out, CLOSE, "\x03\xe8", 2);
	ws_test_flush(&client);
	assert_in_range(ws_fixture_usage(&fx).messages_in, 3, 5);
	ws_test_send_text(&second, "I can wait");
	for (int i = 0; i < 3; i++) {
		before = (unsigned)ws_fixture_usage(&fx).messages_in;
		advance(TIMER_TICK_US);
		assert_in_range(ws_fixture_usage(&fx).messages_in - before, 0, 5);
	}
	assert_int_equal(ws_fixture_usage(&fx).messages_in, 11);
	assert_int_equal(client.s.input_len, 0);
	ws_test_expect_text(&second, "I can wait");
	fake_stream_end(&client.s);
	advance(0);
	assert_int_equal(code, 1000);
	ws_test_fini(&second);
}

static void a_connection_that_ends_waits_no_longer(void **state)
{
	static char text[WS_TURN_BYTES];

	(void)state;
	memset(text, 'x', sizeof text);
	start("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", BUFFER);
	for (int i = 0; i < 4; i++)
		ws_client_frame(&client.out, TEXT, text, sizeof text);
	ws_test_flush(&client);
	assert_true(client.s.input_len > 0);
	fake_stream_lose(&client.s, STREAM_END_RESET);
	advance(TIMER_TICK_US);
	assert_int_equal(closed, 1);
	assert_int_equal(ws_fixture_usage(&fx).messages_in, 1);
}

static void too_large_after_inflation_is_1009(void **state)
{
	(void)state;
	fx.config.max_message = 4;
	start("Sec-WebSocket-Extensions: permessage-deflate\r\n", BUFFER);
	ws_test_send(&client, TEXT | WS_RSV1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
	ws_test_expect_close(&client, 1009);
	assert_over(1009);
	assert_int_equal(ws_fixture_usage(&fx).closed_big, 1);
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_may_come_with_the_request),
		TEST(what_is_refused_is_answered_by_http),
		TEST(a_path_has_a_limit),
		TEST(there_is_a_limit_to_connections_of_one_address),
		TEST(a_handler_may_close_at_once),
		TEST(a_ping_is_answered_with_what_it_says),
		TEST(closing),
		TEST(faults_are_told_with_their_codes),
		TEST(a_frame_that_is_not_masked_is_1002),
		TEST(messages_beyond_the_memory_are_1013),
		TEST(our_close_frame_awaits_the_clients),
		TEST(a_client_that_does_not_answer_a_close_is_let_go_of),
		TEST(a_fin_without_a_close_frame_is_1006),
		TEST(a_reset_is_1006),
		TEST(draining_closes_all_and_lets_nobody_in),
		TEST(connections_outlive_their_endpoint),
		TEST(a_silent_client_is_pinged_and_given_up),
		TEST(any_byte_is_a_sign_of_life),
		TEST(one_that_still_reads_is_not_dead),
		TEST(a_message_has_a_time_however_it_trickles),
		TEST(the_time_of_a_message_begins_with_it),
		TEST(messages_without_a_gap_have_a_time_each),
		TEST(who_does_not_read_is_not_read_from),
		TEST(an_instant_reader_is_served_in_one_go),
		TEST(what_there_is_no_room_for_is_dropped_and_counted),
		TEST(or_the_client_is_closed_for_it),
		TEST(a_client_that_never_reads_its_close_frame_is_reset),
		TEST(a_close_frame_behind_what_is_held_is_found),
#ifdef TH_WITH_ZLIB
		TEST(compressed_both_ways),
		TEST(a_very_long_message_is_not_compressed),
		TEST(a_client_without_takeover_leaves_no_window_behind),
		TEST(a_connection_with_takeover_keeps_less_than_16_kib),
		TEST(a_long_message_refers_to_nothing_before_it),
		TEST(who_makes_much_work_waits_for_its_turn),
		TEST(a_connection_that_ends_waits_no_longer),
		TEST(too_large_after_inflation_is_1009),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
