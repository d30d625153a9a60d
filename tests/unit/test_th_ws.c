/* WebSocket by the public interface: a server on one stack, clients that write frames by hand on another. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_client.h"
#include "taphouse/websocket.h"

#define SECOND 1000000ull

/* What the handler saw. */
static struct {
	unsigned opened, messages, drained, closed, code;
	char path[64], text[64];
	int sent; /* what th_ws_send() said last */
	struct th_ws *last;
} seen;

static int context;

static void on_open(struct th_ws *ws, const char *path)
{
	seen.opened++;
	seen.last = ws;
	assert_ptr_equal(th_ws_context(ws), &context);
	assert_null(th_ws_user(ws));
	th_ws_set_user(ws, &seen);
	strncpy(seen.path, path, sizeof seen.path - 1);
	assert_int_equal(th_ws_subscribe(ws, path), 0);
}

static void on_message(struct th_ws *ws, enum th_ws_kind kind, const void *data, size_t len)
{
	assert_ptr_equal(th_ws_user(ws), &seen);
	assert_int_equal(kind, TH_WS_TEXT);
	assert_true(len < sizeof seen.text);
	memcpy(seen.text, data, len);
	seen.messages++;
	seen.sent = th_ws_send(ws, TH_WS_BINARY, data, len);
}

static void on_drained(struct th_ws *ws)
{
	assert_ptr_equal(th_ws_user(ws), &seen);
	seen.drained++;
}

static void on_close(struct th_ws *ws, unsigned code)
{
	assert_int_equal(th_ws_send(ws, TH_WS_TEXT, "x", 1), -EPIPE);
	seen.closed++;
	seen.code = code;
}

static const struct th_ws_handler handler = { on_open, on_message, on_drained, on_close };

/* ---- two hosts ---- */

static struct {
	struct th_stack *client, *server;
	struct th_wire *wire;
	struct th_ws_server *ws;
	uint64_t now_us;
} net;

struct client {
	struct th_conn *conn;
	struct ws_bytes heard;
	size_t at;
};

static void run(uint64_t us)
{
	uint64_t end = net.now_us + us;

	while (net.now_us < end && th_wire_step(net.wire, &net.now_us))
		;
}

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	net.now_us = 1;
	assert_int_equal(th_stack_new(NULL, net.now_us, &net.client), 0);
	assert_int_equal(th_stack_new(NULL, net.now_us, &net.server), 0);
	assert_int_equal(th_stack_add_address(net.client, "10.77.0.1/24"), 0);
	assert_int_equal(th_stack_add_address(net.server, "10.77.0.2/24"), 0);
	assert_int_equal(th_wire_new(net.client, net.server, NULL, &net.wire), 0);
	net.ws = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	th_ws_server_free(net.ws);
	th_wire_free(net.wire);
	th_stack_free(net.client);
	th_stack_free(net.server);
	return 0;
}

static void serve(const struct th_ws_config *config)
{
	assert_int_equal(th_ws_serve(net.server, NULL, 80, config, &handler, &context, &net.ws), 0);
}

static void listen_to(struct client *c)
{
	uint8_t buf[4096];
	ssize_t n;

	run(SECOND / 10);
	while ((n = th_recv(c->conn, buf, sizeof buf)) > 0)
		ws_bytes_add(&c->heard, buf, (size_t)n);
}

static void join(struct client *c, const char *request)
{
	static const char rest[] = " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	const char *end;

	*c = (struct client){ .at = 0 };
	assert_int_equal(th_connect(net.client, "10.77.0.2", 80, &c->conn), 0);
	assert_int_equal(th_send(c->conn, request, strlen(request)), (ssize_t)strlen(request));
	assert_int_equal(th_send(c->conn, rest, sizeof rest - 1), sizeof rest - 1);
	listen_to(c);
	end = memmem(c->heard.data, c->heard.len, "\r\n\r\n", 4);
	assert_non_null(end);
	assert_memory_equal(c->heard.data, "HTTP/1.1 101 ", 13);
	c->at = (size_t)(end + 4 - (const char *)c->heard.data);
}

static void leave(struct client *c)
{
	th_close(c->conn);
	ws_bytes_fini(&c->heard);
}

static void say(struct client *c, uint8_t first, const void *payload, size_t len)
{
	struct ws_bytes frame = { 0 };

	ws_client_frame(&frame, first, payload, len);
	assert_int_equal(th_send(c->conn, frame.data, frame.len), (ssize_t)frame.len);
	ws_bytes_fini(&frame);
	listen_to(c);
}

static void expect(struct client *c, uint8_t first, const void *payload, size_t len)
{
	struct ws_server_frame frame;

	listen_to(c);
	assert_true(ws_server_frame_next(c->heard.data, c->heard.len, &c->at, &frame));
	assert_int_equal(frame.first, first);
	assert_int_equal(frame.payload.len, len);
	assert_memory_equal(frame.payload.data, payload, len);
}

static void messages_and_an_end(void **state)
{
	struct client c;

	(void)state;
	serve(NULL);
	join(&c, "GET /some/room?x");
	assert_string_equal(seen.path, "some/room");
	say(&c, WS_FIN | WS_TEXT, "hello", 5);
	expect(&c, WS_FIN | WS_BINARY, "hello", 5);
	assert_string_equal(seen.text, "hello");
	assert_int_equal(seen.sent, 0);
	assert_int_equal(th_ws_send(seen.last, TH_WS_TEXT, "unasked", 7), 0);
	expect(&c, WS_FIN | WS_TEXT, "unasked", 7);
	say(&c, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
	expect(&c, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
	assert_int_equal(seen.closed, 1);
	assert_int_equal(seen.code, 1000);
	leave(&c);
}

static void topics(void **state)
{
	struct client a, b;

	(void)state;
	serve(NULL);
	join(&a, "GET /red");
	join(&b, "GET /blue");
	assert_int_equal(th_ws_publish(net.ws, "red", TH_WS_TEXT, "to red", 6), 1);
	assert_int_equal(th_ws_publish(net.ws, "green", TH_WS_TEXT, "to nobody", 9), 0);
	assert_int_equal(th_ws_subscribe(seen.last, "red"), 0);
	assert_int_equal(th_ws_publish(net.ws, "red", TH_WS_TEXT, "to both", 7), 2);
	th_ws_unsubscribe(seen.last, "red");
	assert_int_equal(th_ws_publish(net.ws, "red", TH_WS_TEXT, "again", 5), 1);
	expect(&a, WS_FIN | WS_TEXT, "to red", 6);
	expect(&a, WS_FIN | WS_TEXT, "to both", 7);
	expect(&a, WS_FIN | WS_TEXT, "again", 5);
	expect(&b, WS_FIN | WS_TEXT, "to both", 7);
	listen_to(&b);
	assert_int_equal(b.at, b.heard.len);
	leave(&a);
	leave(&b);
	run(SECOND);
	assert_int_equal(seen.closed, 2);
	assert_int_equal(seen.code, 1006);
}

static void our_ends(void **state)
{
	struct client c;

	(void)state;
	serve(NULL);
	join(&c, "GET /");
	assert_int_equal(th_ws_close(seen.last, 1005, NULL), -EINVAL);
	assert_int_equal(th_ws_close(seen.last, 4000, "enough"), 0);
	expect(&c, WS_FIN | WS_CLOSE, "\x0f\xa0" "enough", 8);
	leave(&c);
	join(&c, "GET /");
	th_ws_drain(net.ws, 1001);
	expect(&c, WS_FIN | WS_CLOSE, "\x03\xe9", 2);
	leave(&c);
}

static void what_cannot_be_sent_is_refused(void **state)
{
	static char text[4096];
	struct client c;
	int sent = 0;

	(void)state;
	serve(NULL);
	join(&c, "GET /");
	assert_int_equal(th_ws_send(seen.last, TH_WS_TEXT, "\xff", 1), -EINVAL);
	assert_int_equal(th_ws_publish(net.ws, "", TH_WS_TEXT, "\xff", 1), -EINVAL);
	assert_int_equal(th_ws_send(seen.last, (enum th_ws_kind)7, "x", 1), -EINVAL);
	for (int i = 0; sent == 0 && i < 10000; i++)
		sent = th_ws_send(seen.last, TH_WS_BINARY, text, sizeof text);
	assert_int_equal(sent, -EAGAIN);
	assert_int_equal(seen.drained, 0);
	for (int i = 0; i < 100 && seen.drained == 0; i++)
		listen_to(&c);
	assert_int_equal(seen.drained, 1);
	leave(&c);
}

static void settings(void **state)
{
	static const struct th_ws_config bad[] = {
		{ .window_bits = 7 }, { .window_bits = 16 }, { .compression = 3 }, { .close_slow_readers = 2 },
		{ .ping_timeout_us = TH_NEVER }, { .message_timeout_us = TH_NEVER },
	};
	const struct th_ws_config good = {
		.max_message = 4, .ping_interval_us = TH_NEVER, .compression = TH_WS_UNCOMPRESSED, .window_bits = 15,
	};
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(th_ws_serve(net.server, NULL, 80, &bad[i], &handler, NULL, &net.ws),
				 -EINVAL);
	assert_int_equal(th_ws_serve(net.server, NULL, 0, NULL, &handler, NULL, &net.ws), -EINVAL);
	assert_int_equal(th_ws_serve(net.server, "10.77.0.9", 80, NULL, &handler, NULL, &net.ws),
			 -EADDRNOTAVAIL);
	serve(&good);
	join(&c, "GET /");
	run(100 * SECOND);
	listen_to(&c);
	assert_int_equal(c.at, c.heard.len); /* never pinged */
	say(&c, WS_FIN | WS_TEXT, "12345", 5);
	expect(&c, WS_FIN | WS_CLOSE, "\x03\xf1message too big", 17);
	leave(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_and_an_end), TEST(topics), TEST(our_ends), TEST(what_cannot_be_sent_is_refused),
		TEST(settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
