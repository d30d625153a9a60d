/*
 * WebSocket over two stacks and a bad wire, plain and over TLS: the cases of ws_cases.h are answered as they
 * have to be, whatever is lost, late or there twice; and messages that are sent while others come back
 * arrive whole and in order. Left out are cases of more than 1 MiB, which take long over such a wire, and
 * those that are chopped, which TCP does anyway; test_ws_cases.c runs them all on memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/sim.h"
#include "common/ws_cases.h"
#include "common/ws_fixture.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

enum { PORT = 80, LARGEST = 1 << 20 };
#define SECOND 1000000ull

static const char request[] = "GET /ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
static const char offer[] = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static const struct ws_handler echo_handler = { .on_message = echo };

/* ---- the server, on host b ---- */

static struct sim sim;
static struct {
	struct ws_server *ws;
	struct ws_endpoint *endpoint;
	struct http_server *http;
	struct tls *tls; /* NULL: plain */
	struct tls_context *context;
	struct tls_acceptor acceptor;
	struct tls_self_signed own;
} server;

static void on_accepted(void *context, struct stream *s)
{
	http_serve(context, s);
}

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s;

	(void)context;
	while ((s = tcp_accept(l)) != NULL) {
		tcp_set_nodelay(s, true);
		if (server.tls != NULL)
			tls_accept(server.tls, server.context, s, &server.acceptor);
		else
			http_serve(server.http, s);
	}
}

static void open_http(struct world *w)
{
	const struct ws_limits limits = {
		.max_connections = 64, .max_connections_per_address = 64, .memory = 64 << 20,
	};
	struct http_location location = { .prefix = "/ws/", .handler = &ws_http_handler };
	struct http_site site = { .name = "sim", .root = ".", .locations = &location, .n_locations = 1 };
	struct http_config http;
	struct ws_config config;
	struct failure why;

	ws_config_default(&config);
	http_config_default(&http);
	assert_int_equal(ws_server_new(&limits, w, &server.ws), 0);
	server.endpoint = ws_endpoint_new(server.ws, &config, &echo_handler, NULL);
	location.context = server.endpoint;
	assert_int_equal(http_server_new(&http, &site, 1, w, NULL, &server.http, &why), 0);
}

static void open_tls(struct world *w)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { { .own = &server.own } } };
	struct tls_context_config context = { .identities = &identity, .n_identities = 1 };
	struct tls_config config;
	struct failure why;

	tls_config_default(&config);
	config.handshake_timeout_us = 300 * SECOND;
	assert_int_equal(tls_self_signed_make(&server.own, NULL, &sim.b.addr, 1, time(NULL), &why), 0);
	assert_int_equal(tls_new(&config, w, NULL, &server.tls, &why), 0);
	assert_int_equal(tls_context_new(server.tls, &context, &server.context, &why), 0);
	server.acceptor = (struct tls_acceptor){ .on_accepted = on_accepted, .context = server.http };
}

/* ---- the client, on host a ---- */

static struct {
	struct tls *tls;
	struct tls_context *context;
	struct ws_bytes script; /* all that it sends */
	size_t sent;
	struct ws_bytes heard;
	bool over;
} client;

static void pump(struct stream *s)
{
	size_t room;

	while (client.sent < client.script.len && (room = stream_room(s)) > 0) {
		size_t left = client.script.len - client.sent;
		struct span span = { .data = client.script.data + client.sent,
				     .len = left < room ? left : room };

		if (stream_send(s, &span, 1, 0) != 0)
			return;
		client.sent += span.len;
	}
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	(void)s;
	ws_bytes_add(&client.heard, data.data, data.len);
	return data.len;
}

static void on_end(struct stream *s)
{
	stream_close(s);
	client.over = true;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s, (void)why;
	client.over = true;
}

static const struct stream_handler client_handler = {
	.on_open = pump,
	.on_writable = pump,
	.on_receive = on_receive,
	.on_end = on_end,
	.on_closed = on_closed,
};

static void connect_client(void)
{
	struct ip_addr any = { { 0 } };
	struct stream *s;
	struct tls_config config;
	struct failure why;

	assert_int_equal(tcp_connect(sim.a.stack->tcp, &any, 0, &sim.b.addr, PORT, &client_handler, NULL, &s),
			 0);
	if (server.tls == NULL)
		return;
	tls_config_default(&config);
	config.handshake_timeout_us = 300 * SECOND;
	assert_int_equal(tls_new(&config, &sim.a.stack->world, NULL, &client.tls, &why), 0);
	assert_int_equal(tls_context_new_client(client.tls, NULL, true, &client.context, &why), 0);
	assert_int_equal(tls_connect(client.tls, client.context, s, "10.77.0.2", &client_handler, NULL, &s),
			 0);
}

/* ---- both ---- */

static void open_all(uint64_t seed, const char *impair, bool encrypted)
{
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable };
	struct sim_config config;
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };

	sim_config_default(&config);
	config.seed = seed;
	config.impair = impair;
	sim_init(&sim, &config);
	open_http(&sim.b.stack->world);
	if (encrypted)
		open_tls(&sim.b.stack->world);
	assert_int_equal(tcp_listen(sim.b.stack->tcp, &any, PORT, &handler, NULL, &l), 0);
	connect_client();
}

static void close_all(void)
{
	if (client.tls != NULL) {
		tls_context_free(client.context);
		tls_free(client.tls);
	}
	http_server_free(server.http);
	ws_endpoint_close(server.endpoint);
	ws_server_free(server.ws);
	if (server.tls != NULL) {
		tls_context_free(server.context);
		tls_free(server.tls);
		tls_self_signed_free(&server.own);
	}
	sim_fini(&sim);
	ws_bytes_fini(&client.script);
	ws_bytes_fini(&client.heard);
	memset(&client, 0, sizeof client);
	memset(&server, 0, sizeof server);
}

static bool client_is_over(void *context)
{
	(void)context;
	return client.over;
}

/* What comes behind the head of the answer. */
static struct bytes frames_of(const void *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);

	assert_non_null(end);
	end += 4;
	return bytes_of(end, len - (size_t)(end - (const char *)text));
}

/* The request and the frames of a case. */
static void write_script(struct ws_bytes *out, const struct ws_case *c, bool packed)
{
	ws_bytes_add(out, request, sizeof request - 1);
	if (packed)
		ws_bytes_add(out, offer, sizeof offer - 1);
	ws_bytes_add(out, "\r\n", 2);
	ws_case_frames(c, out);
}

/* What a stream in memory answers to the script. */
static void answer_in_memory(const struct ws_bytes *script, struct ws_bytes *out)
{
	struct ws_fixture fx;
	struct fake_stream s;
	struct bytes frames;

	ws_fixture_init(&fx);
	fx.handler = echo_handler;
	ws_fixture_start(&fx);
	fake_stream_init(&s, 4 << 20);
	s.instant = true;
	http_serve(fx.http.server, &s.stream);
	fake_stream_feed(&s, script->data, script->len);
	frames = frames_of(s.sent, s.sent_len);
	ws_bytes_add(out, frames.data, frames.len);
	fake_stream_fini(&s);
	ws_fixture_fini(&fx);
}

static void run_case(const struct ws_case *c, bool packed, bool encrypted, uint64_t seed)
{
	struct ws_bytes expected = { 0 }, story = { 0 };

	write_script(&client.script, c, packed);
	ws_case_story(c, &expected);
	open_all(seed, "loss=3%,delay=5ms,jitter=3ms,reorder=3%,duplicate=1%", encrypted);
	if (!sim_run(&sim, 600 * SECOND, client_is_over, NULL))
		fail_msg("%s, seed %llu: not over; heard %zu", c->name, (unsigned long long)seed,
			 client.heard.len);
	ws_story_of(frames_of(client.heard.data, client.heard.len), &story);
	if (story.len != expected.len || memcmp(story.data, expected.data, story.len) != 0)
		fail_msg("%s, seed %llu: \"%.*s\" instead of \"%.*s\"", c->name, (unsigned long long)seed,
			 (int)story.len, (const char *)story.data, (int)expected.len,
			 (const char *)expected.data);
	ws_bytes_fini(&expected);
	ws_bytes_fini(&story);
	close_all();
}

struct run {
	bool encrypted;
	uint64_t seed;
};

static void visit(const struct ws_case *c, void *context)
{
	struct run *run = context;

	if (ws_case_size(c) <= LARGEST && c->chop == 0)
		run_case(c, false, run->encrypted, run->seed++);
}

static void run_all(bool encrypted)
{
	struct run run = { .encrypted = encrypted, .seed = 100 };

	ws_cases_each(visit, &run);
#ifdef TH_WITH_ZLIB
	for (size_t i = 0; i < ws_packed_cases_count; i++)
		run_case(&ws_packed_cases[i], true, encrypted, 500 + i);
#endif
}

static void every_case_over_a_bad_wire(void **state)
{
	(void)state;
	run_all(false);
}

static void and_over_tls(void **state)
{
	(void)state;
	run_all(true);
}

/* Hundreds of messages on their way at once, in both directions, on wires of many seeds. */
static void many_messages_in_both_directions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ws_bytes expected = { 0 };
		struct bytes heard;
		struct random random;

		random_init(&random, seed);
		ws_bytes_add(&client.script, request, sizeof request - 1);
		ws_bytes_add(&client.script, "\r\n", 2);
		for (int i = 0; i < 300; i++) {
			size_t len = random_below(&random, random_chance(&random, 900000) ? 200 : 30000);

			ws_client_frame(&client.script, WS_FIN | WS_BINARY, ws_case_pattern(len).data, len);
		}
		ws_client_frame(&client.script, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
		answer_in_memory(&client.script, &expected);
		open_all(seed, "loss=2%,delay=10ms,jitter=5ms,reorder=5%,duplicate=2%", seed % 2 == 0);
		assert_true(sim_run(&sim, 600 * SECOND, client_is_over, NULL));
		heard = frames_of(client.heard.data, client.heard.len);
		assert_int_equal(heard.len, expected.len);
		assert_memory_equal(heard.data, expected.data, heard.len);
		ws_bytes_fini(&expected);
		close_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_over_a_bad_wire),
		cmocka_unit_test(and_over_tls),
		cmocka_unit_test(many_messages_in_both_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
