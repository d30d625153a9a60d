/*
 * Events told over WebSocket: a viewer on a stream in memory watches two hosts that talk over a bad wire.
 * What it is told, in which order, of whom; and that it costs bounded memory when it does not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/sim.h"
#include "common/sim_app.h"
#include "common/ws_fixture.h"
#include "server/events.h"
#include "server/json_check.h"

enum { PORT = 80 };
#define SECOND 1000000ull

static struct sim sim;
static struct sim_app client, server;
static struct events *events;
static bool everybody;
static struct {
	struct ws_server *ws;
	struct ws_endpoint *endpoint;
	struct http_server *http;
} place;

static void on_open(struct ws_conn *c, const struct ws_opening *opening)
{
	assert_true(events_watch(events, c, opening->call, everybody));
}

static void on_message(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	(void)c, (void)opcode, (void)message;
}

static void on_close(struct ws_conn *c, unsigned code)
{
	(void)code;
	events_leave(c);
}

static const struct ws_handler handler = { .on_open = on_open, .on_message = on_message, .on_close = on_close };

static void open_place(struct world *w)
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
	config.ping_interval_us = 0;
	http_config_default(&http);
	assert_int_equal(ws_server_new(&limits, w, &place.ws), 0);
	place.endpoint = ws_endpoint_new(place.ws, &config, &handler, NULL);
	location.context = place.endpoint;
	assert_int_equal(http_server_new(&http, &site, 1, w, NULL, &place.http, &why), 0);
}

static void open_all(uint64_t bytes)
{
	struct sim_config config;
	struct tcp_listener_handler listener;
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };

	sim_config_default(&config);
	config.seed = 3;
	config.impair = "loss=1%,delay=5ms";
	sim_init(&sim, &config);
	sim_app_init(&client, 1, bytes);
	sim_app_init(&server, 2, bytes);
	listener = sim_app_listener(&server);
	assert_int_equal(tcp_listen(sim.b.stack->tcp, &any, PORT, &listener, NULL, &l), 0);
	events = events_new(sim.b.stack);
	assert_non_null(events);
	open_place(&sim.b.stack->world);
}

static void close_all(void)
{
	http_server_free(place.http);
	ws_endpoint_close(place.endpoint);
	ws_server_free(place.ws);
	events_free(events);
	sim_fini(&sim);
	sim_app_fini(&client);
	sim_app_fini(&server);
}

/* A viewer at this address. */
static void connect_viewer(struct ws_test_client *viewer, const struct ip_addr *addr, size_t buffer)
{
	static const char request[] = "GET /ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				      "Sec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	const char *end;

	memset(viewer, 0, sizeof *viewer);
	fake_stream_init(&viewer->s, buffer);
	viewer->s.facts.remote = *addr;
	viewer->s.facts.remote_port = 9;
	http_serve(place.http, &viewer->s.stream);
	fake_stream_feed_text(&viewer->s, request);
	end = strstr(viewer->s.sent, "\r\n\r\n");
	assert_non_null(end);
	viewer->at = (size_t)(end + 4 - viewer->s.sent);
}

static bool both_closed(void *context)
{
	(void)context;
	return client.closed && server.closed;
}

static void transfer(void)
{
	struct ip_addr any = { { 0 } };

	assert_int_equal(tcp_connect(sim.a.stack->tcp, &any, 0, &sim.b.addr, PORT, &sim_app_handler, &client,
				     &client.stream), 0);
	assert_true(sim_run(&sim, 100 * SECOND, both_closed, NULL));
	sim_pass(&sim, SECOND);
}

/* The next message, as a text; false: there is none. */
static bool next_message(struct ws_test_client *viewer, char out[1024])
{
	struct ws_server_frame frame;

	if (!ws_server_frame_next(viewer->s.sent, viewer->s.sent_len, &viewer->at, &frame))
		return false;
	assert_int_equal(frame.first, WS_FIN | WS_TEXT);
	assert_in_range(frame.payload.len, 1, 1023);
	assert_true(json_is_object(frame.payload));
	memcpy(out, frame.payload.data, frame.payload.len);
	out[frame.payload.len] = '\0';
	return true;
}

static uint64_t number_in(const char *message, const char *key)
{
	const char *at = strstr(message, key);

	return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void a_viewer_is_told_what_happens_in_order(void **state)
{
	static const char *const kinds[] = { "state", "rtt", "cwnd", "window", "recovery" };
	unsigned seen[ARRAY_LENGTH(kinds)] = { 0 }, established = 0, closed = 0, n = 0;
	struct ws_test_client viewer;
	char message[1024], key[32];
	uint64_t last_us = 0;

	(void)state;
	everybody = false;
	open_all(300000);
	connect_viewer(&viewer, &sim.a.addr, 16 << 20);
	viewer.s.instant = true;
	transfer();
	while (next_message(&viewer, message)) {
		for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
			snprintf(key, sizeof key, "\"event\":\"%s\"", kinds[i]);
			seen[i] += strstr(message, key) != NULL;
		}
		established += strstr(message, "-> ESTABLISHED\"") != NULL;
		closed += strstr(message, "-> CLOSED\"") != NULL || strstr(message, "-> TIME") != NULL;
		assert_non_null(strstr(message, "\"remote\":\"10.77.0.1\""));
		assert_int_equal(number_in(message, "\"local_port\":"), PORT);
		assert_true(number_in(message, "\"time_us\":") >= last_us);
		last_us = number_in(message, "\"time_us\":");
		n++;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (seen[i] == 0)
			fail_msg("no %s among %u events", kinds[i], n);
	assert_int_equal(established, 1);
	assert_true(closed >= 1);
	ws_test_fini(&viewer);
	close_all();
}

static void of_others_only_who_may_see_all(void **state)
{
	struct ip_addr elsewhere;
	struct ws_test_client viewer;
	char message[1024];

	(void)state;
	for (int all = 0; all < 2; all++) {
		everybody = all != 0;
		open_all(10000);
		elsewhere = sim.b.addr;
		connect_viewer(&viewer, &elsewhere, 16 << 20);
		viewer.s.instant = true;
		transfer();
		assert_int_equal(next_message(&viewer, message), everybody);
		ws_test_fini(&viewer);
		close_all();
	}
}

static void one_that_does_not_read_loses_events_and_is_told_how_many(void **state)
{
	struct ws_test_client viewer;
	char message[1024];
	unsigned n = 0;

	(void)state;
	everybody = true;
	open_all(2000000);
	connect_viewer(&viewer, &sim.a.addr, 4096);
	transfer();
	while (next_message(&viewer, message)) {
		assert_null(strstr(message, "left_out"));
		n++;
	}
	assert_in_range(n, 10, 100); /* what its queue holds */
	assert_true(ws_server_usage(place.ws)->dropped > 100);
	assert_true(ws_server_usage(place.ws)->memory < 64 << 10);
	fake_stream_ack_all(&viewer.s);
	sim_app_fini(&client);
	sim_app_init(&client, 1, 10);
	sim_app_fini(&server);
	sim_app_init(&server, 2, 10);
	transfer();
	assert_true(next_message(&viewer, message));
	assert_true(number_in(message, "\"left_out\":") > 100);
	ws_test_fini(&viewer);
	close_all();
}

/* No more than EVENTS_QUEUE in EVENTS_PERIOD_US. */
static void what_is_too_much_at_once_is_left_out(void **state)
{
	struct ws_test_client viewer;
	char message[1024];
	unsigned in_period = 0, most = 0;
	uint64_t period = 0;

	(void)state;
	everybody = true;
	open_all(20000000);
	connect_viewer(&viewer, &sim.a.addr, 64 << 20);
	viewer.s.instant = true;
	transfer();
	while (next_message(&viewer, message)) {
		uint64_t this_period = number_in(message, "\"time_us\":") / EVENTS_PERIOD_US;

		in_period = this_period == period ? in_period + 1 : 1;
		period = this_period;
		most = in_period > most ? in_period : most;
	}
	assert_in_range(most, 10, 2 * EVENTS_QUEUE);
	ws_test_fini(&viewer);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_viewer_is_told_what_happens_in_order),
		cmocka_unit_test(of_others_only_who_may_see_all),
		cmocka_unit_test(one_that_does_not_read_loses_events_and_is_told_how_many),
		cmocka_unit_test(what_is_too_much_at_once_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
