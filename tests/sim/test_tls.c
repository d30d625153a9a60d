/*
 * TLS over two stacks and a bad wire: every byte arrives, in order, once (SHA-256), in both directions at
 * once, and both sides hear of an orderly end. Keys and nonces are OpenSSL's own, so runs repeat in what
 * happens to which frame, not in the bytes of it.
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
#include "common/sim_app.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

enum { SEEDS = 40, PORT = 443 };
#define SECOND 1000000ull

struct side {
	struct tls *tls;
	struct tls_context *context;
	struct sim_app app;
};

static struct sim sim;
static struct side client, server;
static struct tls_self_signed own;
static struct tls_acceptor acceptor;

static void on_accepted(void *context, struct stream *s)
{
	struct sim_app *app = context;

	app->stream = s;
	s->handler = &sim_app_handler;
	s->user = app;
	sim_app_handler.on_open(s);
	if (app->stream != NULL)
		stream_resume(s);
}

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s;

	(void)context;
	while ((s = tcp_accept(l)) != NULL)
		tls_accept(server.tls, server.context, s, &acceptor);
}

static void open_side(struct side *side, struct sim_host *host, uint64_t seed, uint64_t to_send)
{
	struct tls_config config;
	struct failure why;

	tls_config_default(&config);
	config.handshake_timeout_us = 300 * SECOND; /* what is lost costs time, and is not what is tested */
	sim_app_init(&side->app, seed, to_send);
	assert_int_equal(tls_new(&config, &host->stack->world, NULL, &side->tls, &why), 0);
}

static void connect_to(const char *name)
{
	struct ip_addr any = { { 0 } };
	struct stream *lower;

	assert_int_equal(
		tcp_connect(sim.a.stack->tcp, &any, 0, &sim.b.addr, PORT, &sim_app_handler, NULL, &lower), 0);
	assert_int_equal(tls_connect(client.tls, client.context, lower, name, &sim_app_handler, &client.app,
				     &client.app.stream), 0);
}

static void open_both(const struct sim_config *config, uint64_t bytes, bool insecure)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { { .own = &own } } };
	struct tls_context_config context = { .identities = &identity, .n_identities = 1 };
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable };
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };
	struct failure why;

	sim_init(&sim, config);
	open_side(&client, &sim.a, config->seed * 2, bytes);
	open_side(&server, &sim.b, config->seed * 2 + 1, bytes);
	assert_int_equal(tls_self_signed_make(&own, NULL, &sim.b.addr, 1, time(NULL), &why), 0);
	assert_int_equal(tls_context_new(server.tls, &context, &server.context, &why), 0);
	assert_int_equal(tls_context_new_client(client.tls, NULL, insecure, &client.context, &why), 0);
	acceptor = (struct tls_acceptor){ .on_accepted = on_accepted, .context = &server.app };
	assert_int_equal(tcp_listen(sim.b.stack->tcp, &any, PORT, &handler, NULL, &l), 0);
	connect_to("10.77.0.2");
}

static void close_side(struct side *side)
{
	tls_context_free(side->context);
	tls_free(side->tls);
	sim_app_fini(&side->app);
}

static void close_both(void)
{
	close_side(&client);
	close_side(&server);
	tls_self_signed_free(&own);
	sim_fini(&sim);
}

static bool both_closed(void *context)
{
	(void)context;
	return client.app.closed && server.app.closed;
}

static void assert_orderly_end(const struct side *side)
{
	assert_true(side->app.ended);
	assert_int_equal(side->app.why, STREAM_END_NORMAL);
}

static void run(const char *impair, uint64_t seed, uint64_t bytes, void (*tune)(void))
{
	struct sim_config config;

	sim_config_default(&config);
	config.seed = seed;
	config.impair = impair;
	open_both(&config, bytes, true);
	if (tune != NULL)
		tune();
	if (!sim_run(&sim, 600 * SECOND, both_closed, NULL))
		fail_msg("seed %llu: client got %llu, server %llu", (unsigned long long)seed,
			 (unsigned long long)client.app.received, (unsigned long long)server.app.received);
	sim_app_assert_received(&client.app, &server.app);
	sim_app_assert_received(&server.app, &client.app);
	assert_orderly_end(&client);
	assert_orderly_end(&server);
	close_both();
}

static void megabytes_arrive_over_a_bad_wire(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run("loss=2%,delay=5ms,jitter=3ms,reorder=3%,duplicate=1%", seed, 1000000, NULL);
}

/* Each handshake message is lost, late, or there twice in some of them. */
static void handshakes_get_through_a_very_bad_wire(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run("loss=20%,delay=5ms,jitter=5ms,reorder=20%,duplicate=5%,corrupt=2%", seed, 3000, NULL);
}

static void read_in_bites(void)
{
	client.app.read_limit = server.app.read_limit = 1000;
	client.app.by_turns = server.app.by_turns = true;
}

/* Little is read at a time, and only now and then: windows close, and open again. */
static void a_reader_that_dawdles_gets_all(void **state)
{
	struct sim_config config;

	(void)state;
	sim_config_default(&config);
	config.impair = "loss=1%,delay=1ms";
	config.tcp.receive_buffer = config.tcp.receive_buffer_max = 32 << 10;
	config.tcp.send_buffer = config.tcp.send_buffer_max = 64 << 10;
	open_both(&config, 200000, true);
	read_in_bites();
	for (int turn = 0; turn < 20000 && !both_closed(NULL); turn++) {
		sim_pass(&sim, 2000);
		sim_app_turn(&client.app);
		sim_app_turn(&server.app);
	}
	assert_true(both_closed(NULL));
	sim_app_assert_received(&client.app, &server.app);
	sim_app_assert_received(&server.app, &client.app);
	close_both();
}

static bool client_closed(void *context)
{
	(void)context;
	return client.app.closed;
}

static bool nothing_left(void *context)
{
	struct tls_usage at_server;
	struct tcp_usage tcp;

	(void)context;
	tls_usage(server.tls, &at_server);
	tcp_usage(sim.b.stack->tcp, &tcp);
	return at_server.connections == 0 && tcp.connections == 0;
}

/* The certificate vouches for itself, which nobody has said to be enough. */
static void an_unknown_authority_is_refused(void **state)
{
	struct sim_config config;
	struct tls_usage at_server;

	(void)state;
	sim_config_default(&config);
	open_both(&config, 1000, false);
	assert_true(sim_run(&sim, 60 * SECOND, client_closed, NULL));
	assert_int_equal(client.app.why, STREAM_END_ERROR);
	assert_false(client.app.open);
	assert_true(sim_run(&sim, 60 * SECOND, nothing_left, NULL));
	tls_usage(server.tls, &at_server);
	assert_int_equal(at_server.failed[TLS_FAILED_ALERT] + at_server.broken, 1); /* it was told why */
	close_both();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(megabytes_arrive_over_a_bad_wire),
		cmocka_unit_test(handshakes_get_through_a_very_bad_wire),
		cmocka_unit_test(a_reader_that_dawdles_gets_all),
		cmocka_unit_test(an_unknown_authority_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
