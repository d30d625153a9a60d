/* What goes over a WebSocket connection, as an observer hears of it: in order, by whom, of which connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_fixture.h"
#include "tcp/tcp.h"

static struct ws_fixture fx;
static struct ws_test_client client;
static struct ws_conn *open_conn;
static char heard[4096];

static void listen_to(void *context, const struct trace_event *e)
{
	size_t len = strlen(heard);

	assert_ptr_equal(e->conn, context);
	snprintf(heard + len, sizeof heard - len, "%c %s\n", e->new_value == TRACE_OURS ? '<' : '>', e->note);
}

static struct observer ear = { .kinds = TRACE_LAYER, .on_event = listen_to };

static void on_open(struct ws_conn *c, const struct ws_opening *opening)
{
	(void)opening;
	open_conn = c;
}

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static void on_close(struct ws_conn *c, unsigned code)
{
	(void)c;
	(void)code;
}

/* Connected; from now on it is listened to. */
static int set_up(void **state)
{
	(void)state;
	heard[0] = '\0';
	memset(&client, 0, sizeof client);
	ws_fixture_init(&fx);
	fx.handler = (struct ws_handler){ .on_open = on_open, .on_message = echo, .on_close = on_close };
	ws_fixture_start(&fx);
	assert_int_equal(ws_test_connect(&fx, &client, "/ws/", "", 1 << 16), 101);
	ear.context = (void *)(uintptr_t)tcp_conn_of_stream(&client.s.stream);
	world_observe(&fx.http.world, &ear);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ws_test_fini(&client);
	ws_fixture_fini(&fx);
	return 0;
}

static void messages_are_told_both_ways(void **state)
{
	(void)state;
	ws_test_send_text(&client, "two pints");
	ws_test_send(&client, WS_FIN | WS_BINARY, "", 0);
	assert_string_equal(heard, "> WebSocket text: 9 bytes\n< WebSocket text: 9 bytes\n"
				   "> WebSocket binary: 0 bytes\n< WebSocket binary: 0 bytes\n");
}

static void of_fragments_the_whole_is_told(void **state)
{
	(void)state;
	ws_test_send(&client, WS_TEXT, "two ", 4);
	assert_string_equal(heard, "");
	ws_test_send(&client, WS_FIN | WS_CONTINUATION, "pints", 5);
	assert_string_equal(heard, "> WebSocket text: 9 bytes\n< WebSocket text: 9 bytes\n");
}

static void pings_and_pongs_are_told(void **state)
{
	(void)state;
	ws_test_send(&client, WS_FIN | WS_PING, "abc", 3);
	assert_string_equal(heard, "> WebSocket ping: 3 bytes\n< WebSocket pong: 3 bytes\n");
	heard[0] = '\0';
	ws_test_send(&client, WS_FIN | WS_PONG, "", 0);
	assert_string_equal(heard, "> WebSocket pong: 0 bytes\n");
}

static void our_ping_is_told(void **state)
{
	(void)state;
	http_fixture_advance(&fx.http, fx.config.ping_interval_us + 1000000);
	assert_string_equal(heard, "< WebSocket ping: 0 bytes\n");
}

static void the_close_says_why(void **state)
{
	(void)state;
	ws_close(open_conn, 4321, "closing\ttime");
	ws_test_send(&client, WS_FIN | WS_CLOSE, "", 0);
	assert_string_equal(heard, "< WebSocket close: 4321 closing?time\n> WebSocket close: without a code\n");
}

static void what_may_not_be_is_told_by_our_close(void **state)
{
	(void)state;
	ws_test_send(&client, WS_FIN | WS_CLOSE, "x", 1);
	assert_string_equal(heard, "> WebSocket close: malformed\n< WebSocket close: 1002 bad close frame\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_told_both_ways),
		TEST(of_fragments_the_whole_is_told),
		TEST(pings_and_pongs_are_told),
		TEST(our_ping_is_told),
		TEST(the_close_says_why),
		TEST(what_may_not_be_is_told_by_our_close),
	};

	return cmocka_run_group_tests_name("ws_trace", tests, NULL, NULL);
}
