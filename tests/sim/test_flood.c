/*
 * Floods and crowds: SYNs from everywhere, segments for nobody, thousands of short connections with TIME-WAIT
 * at its limit. Memory stays bounded, and who comes in good faith is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/sim.h"
#include "common/sim_app.h"
#include "tcp/tcp_conn.h"

enum { HTTP_PORT = 80, FLOOD = 100000, BACKLOG = 1000, FIN = 1, SYN = 2, RST = 4, ACK = 16 };
#define SECOND 1000000ull

struct pair {
	struct sim sim;
	struct sim_app client, server;
	uint64_t random;
};

static bool both_closed(void *context)
{
	struct pair *p = context;
	return p->client.closed && p->server.closed;
}

static void pair_init(struct pair *p, const struct sim_config *config, uint64_t from_client,
		      uint64_t from_server)
{
	static const struct ip_prefix everywhere = { { { [10] = 0xff, [11] = 0xff } }, 96 };

	sim_init(&p->sim, config);
	p->random = config->seed;
	/* Answers to made-up sources leave by way of host a, which drops what is not for it. */
	assert_int_equal(ip_add_route(&p->sim.b.stack->ip, &everywhere, &p->sim.a.addr), 0);
	sim_app_init(&p->client, config->seed * 2, from_client);
	sim_app_init(&p->server, config->seed * 2 + 1, from_server);
}

static void pair_fini(struct pair *p)
{
	sim_fini(&p->sim);
	sim_app_fini(&p->client);
	sim_app_fini(&p->server);
}

static void server_listens(struct pair *p)
{
	struct tcp_listener_handler handler = sim_app_listener(&p->server);
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };

	assert_int_equal(tcp_listen(p->sim.b.stack->tcp, &any, HTTP_PORT, &handler, NULL, &l), 0);
}

static void client_connects(struct pair *p)
{
	struct ip_addr any = { { 0 } };

	assert_int_equal(tcp_connect(p->sim.a.stack->tcp, &any, 0, &p->sim.b.addr, HTTP_PORT,
				     &sim_app_handler, &p->client, &p->client.stream),
			 0);
}

static uint32_t next_random(struct pair *p)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(p->random >> 32);
}

/* A segment from a random host and port, put straight into host b. */
static void inject(struct pair *p, uint8_t flags, uint16_t to_port)
{
	uint8_t f[14 + 20 + 20] = {
		[12] = 8, [14] = 0x45, [17] = 40, [20] = 0x40, [22] = 64, [23] = 6, [46] = 5 << 4, [48] = 0xff
	};
	struct rx_frame rx = { .data = f, .len = sizeof f };
	struct ip_addr src = ip_addr_from_4(0x14000000 | (next_random(p) & 0x3fffffff)); /* 20.0.0.0 and up */
	uint16_t sum;

	memcpy(f, p->sim.b.stack->link.mac.b, 6);
	f[6] = 2;
	f[11] = 99;
	store_be32(f + 26, ip_addr_to_4(&src));
	store_be32(f + 30, ip_addr_to_4(&p->sim.b.addr));
	sum = checksum_finish(checksum_add(0, f + 14, 20));
	memcpy(f + 24, &sum, 2);
	store_be16(f + 34, (uint16_t)(1024 + next_random(p) % 60000));
	store_be16(f + 36, to_port);
	store_be32(f + 38, next_random(p));
	store_be32(f + 42, (flags & ACK) != 0 ? next_random(p) : 0);
	f[47] = flags;
	sum = checksum_finish(
		checksum_add(ip_pseudo_sum(&src, &p->sim.b.addr, IP_PROTO_TCP, 20), f + 34, 20));
	memcpy(f + 50, &sum, 2);
	stack_input(p->sim.b.stack, &rx, 1, p->sim.now_us);
}

/* So many of them over so long a time, while everything else goes on. */
static void flood(struct pair *p, uint8_t flags, uint32_t count, uint64_t during_us)
{
	enum { A_BURST = 50 };

	for (uint32_t i = 0; i < count; i += A_BURST) {
		for (uint32_t k = 0; k < A_BURST; k++)
			inject(p, flags, HTTP_PORT);
		sim_pass(&p->sim, during_us * A_BURST / count);
	}
}

static size_t allocated(const struct tcp *tcp)
{
	const struct pool *pools[] = { &tcp->conn_pool,    &tcp->syns.pool,  &tcp->timewaits.pool,
				       &tcp->segment_pool, &tcp->piece_pool, &tcp->chunk_pool };
	size_t bytes = 0;

	for (unsigned i = 0; i < ARRAY_LENGTH(pools); i++)
		bytes += pools[i]->allocated * pools[i]->object_size;
	return bytes;
}

static void flooded_config(struct sim_config *config)
{
	sim_config_default(config);
	config->tcp.syn_backlog = BACKLOG;
	config->tcp.syn_cookies = TCP_SYN_COOKIES_NEVER;
}

static void memory_is_bounded_under_a_syn_flood(void **state)
{
	struct sim_config config;
	struct pair p;
	struct tcp_usage usage;
	const struct tcp *tcp;

	(void)state;
	flooded_config(&config);
	pair_init(&p, &config, 0, 0);
	server_listens(&p);
	tcp = p.sim.b.stack->tcp;
	flood(&p, SYN, FLOOD, 10 * SECOND);
	tcp_usage(tcp, &usage);
	assert_int_equal(usage.half_open, BACKLOG);
	assert_int_equal(usage.connections, 0);
	assert_true(allocated(tcp) < 1 << 20); /* 64 bytes each, and a slab of each pool */
	assert_int_equal(tcp->counters.syns_received, FLOOD);
	assert_int_equal(tcp->counters.syn_queue_full, FLOOD - BACKLOG);
	/* They are given up after 1 + 2 + 4 + 8 + 16 + 32 seconds. */
	sim_pass(&p.sim, 80 * SECOND);
	tcp_usage(tcp, &usage);
	assert_int_equal(usage.half_open, 0);
	assert_int_equal(tcp->counters.synack_timeouts, BACKLOG);
	assert_int_equal(tcp->counters.synack_retrans, BACKLOG * 5);
	pair_fini(&p);
}

static void a_client_gets_in_when_the_queue_has_drained(void **state)
{
	struct sim_config config;
	struct pair p;

	(void)state;
	flooded_config(&config);
	pair_init(&p, &config, 10000, 10000);
	server_listens(&p);
	flood(&p, SYN, FLOOD / 2, 5 * SECOND);
	client_connects(&p); /* its first SYNs find the queue full */
	flood(&p, SYN, FLOOD / 2, 5 * SECOND);
	assert_false(p.client.open);
	assert_true(sim_run(&p.sim, 300 * SECOND, both_closed, &p));
	sim_app_assert_received(&p.client, &p.server);
	sim_app_assert_received(&p.server, &p.client);
	pair_fini(&p);
}

/* With cookies nobody has to wait, and memory is what it was. */
static void clients_get_in_by_cookie_during_the_flood(void **state)
{
	struct sim_config config;
	struct pair p;
	struct tcp_usage usage;
	const struct tcp *tcp;

	(void)state;
	flooded_config(&config);
	config.tcp.syn_cookies = TCP_SYN_COOKIES_AUTO;
	pair_init(&p, &config, 10000, 10000);
	server_listens(&p);
	tcp = p.sim.b.stack->tcp;
	flood(&p, SYN, FLOOD / 10, SECOND); /* the queue is full */
	for (uint32_t i = 0; i < 10; i++) {
		sim_app_fini(&p.client);
		sim_app_fini(&p.server);
		sim_app_init(&p.client, 2 * i, 10000);
		sim_app_init(&p.server, 2 * i + 1, 10000);
		client_connects(&p);
		flood(&p, SYN, FLOOD / 10, SECOND);
		flood(&p, ACK, FLOOD / 10, SECOND); /* and guesses */
		assert_true(both_closed(&p));
		sim_app_assert_received(&p.client, &p.server);
		sim_app_assert_received(&p.server, &p.client);
		assert_int_equal(tcp->counters.cookies_received, i + 1);
	}
	tcp_usage(tcp, &usage);
	assert_int_equal(usage.half_open, BACKLOG);
	assert_true(allocated(tcp) < 1 << 20);
	assert_int_equal(tcp->counters.syn_queue_full, 0);
	assert_int_equal(tcp->counters.cookies_failed, FLOOD);
	assert_int_equal(tcp->conn_pool.peak, 1);
	pair_fini(&p);
}

static void an_established_connection_does_not_mind_the_flood(void **state)
{
	struct sim_config config;
	struct pair p;

	(void)state;
	flooded_config(&config);
	pair_init(&p, &config, 300000, 300000);
	server_listens(&p);
	p.client.write_size = p.server.write_size = 1000;
	client_connects(&p);
	sim_pass(&p.sim, SECOND / 10);
	assert_true(p.client.open);
	flood(&p, SYN, FLOOD, 10 * SECOND);
	assert_true(sim_run(&p.sim, SECOND, both_closed, &p));
	sim_app_assert_received(&p.client, &p.server);
	sim_app_assert_received(&p.server, &p.client);
	pair_fini(&p);
}

static void segments_for_nobody_leave_nothing_behind(void **state)
{
	static const uint8_t flags[] = { ACK, RST, FIN | ACK, SYN | ACK, 0, SYN | FIN, RST | ACK };
	struct sim_config config;
	struct pair p;
	struct tcp_usage usage;

	(void)state;
	flooded_config(&config);
	pair_init(&p, &config, 0, 0);
	server_listens(&p);
	for (unsigned i = 0; i < ARRAY_LENGTH(flags); i++)
		flood(&p, flags[i], 10000, SECOND);
	tcp_usage(p.sim.b.stack->tcp, &usage);
	assert_int_equal(usage.half_open, 0);
	assert_int_equal(usage.connections, 0);
	/* To ACK, FIN and ACK, SYN and ACK. */
	assert_int_equal(p.sim.b.stack->tcp->counters.out_rsts, 3 * 10000);
	assert_int_equal(allocated(p.sim.b.stack->tcp), 0);
	pair_fini(&p);
}

/* ---- a crowd ---- */

/* One after the other, as fast as they go; who opens closes first if `client_first`, and so has the
 * TIME-WAIT. */
static void crowd(uint32_t count, bool client_first, const char *impair)
{
	struct sim_config config;
	struct pair p;
	const struct tcp *waiter;
	struct tcp_usage usage;

	sim_config_default(&config);
	config.tcp.max_time_wait = 500;
	config.impair = impair;
	pair_init(&p, &config, 100, 1000);
	server_listens(&p);
	for (uint32_t i = 0; i < count; i++) {
		sim_app_fini(&p.client);
		sim_app_fini(&p.server);
		sim_app_init(&p.client, 2 * i, 100);
		sim_app_init(&p.server, 2 * i + 1, 1000);
		(client_first ? &p.server : &p.client)->keep_open = true;
		client_connects(&p);
		while (!(p.server.ended || p.client.ended)) /* one has closed */
			assert_true(sim_step(&p.sim));
		p.client.keep_open = p.server.keep_open = false;
		sim_app_pump(&p.client);
		sim_app_pump(&p.server);
		if (!sim_run(&p.sim, 100 * SECOND, both_closed, &p))
			fail_msg("connection %u did not end", i);
		sim_app_assert_received(&p.client, &p.server);
		sim_app_assert_received(&p.server, &p.client);
	}
	waiter = client_first ? p.sim.a.stack->tcp : p.sim.b.stack->tcp;
	tcp_usage(waiter, &usage);
	assert_int_equal(usage.time_wait, 500);
	assert_in_range(usage.connections, 0, 1); /* the last may wait to be buried */
	assert_in_range(waiter->counters.time_wait_overflow, count - 500 - 1, count);
	assert_true(waiter->conn_pool.peak < 10);
	sim_pass(&p.sim, 61 * SECOND);
	tcp_usage(waiter, &usage);
	assert_int_equal(usage.time_wait, 0);
	pair_fini(&p);
}

static void short_connections_with_time_wait_at_its_limit(void **state)
{
	(void)state;
	crowd(5000, true, NULL);
	crowd(5000, false, NULL);
}

static void short_connections_over_a_bad_wire(void **state)
{
	struct sim_config config;
	struct pair p;

	(void)state;
	sim_config_default(&config);
	config.impair = "loss=5%,duplicate=2%,reorder=2%";
	config.tcp.user_timeout_us = 1000 * SECOND;
	pair_init(&p, &config, 100, 1000);
	server_listens(&p);
	for (uint32_t i = 0; i < 2000; i++) {
		sim_app_fini(&p.client);
		sim_app_fini(&p.server);
		sim_app_init(&p.client, 2 * i, 100);
		sim_app_init(&p.server, 2 * i + 1, 1000);
		client_connects(&p);
		if (!sim_run(&p.sim, 1000 * SECOND, both_closed, &p))
			fail_msg("connection %u did not end", i);
		sim_app_assert_received(&p.client, &p.server);
		sim_app_assert_received(&p.server, &p.client);
	}
	pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_bounded_under_a_syn_flood),
		cmocka_unit_test(a_client_gets_in_when_the_queue_has_drained),
		cmocka_unit_test(clients_get_in_by_cookie_during_the_flood),
		cmocka_unit_test(an_established_connection_does_not_mind_the_flood),
		cmocka_unit_test(segments_for_nobody_leave_nothing_behind),
		cmocka_unit_test(short_connections_with_time_wait_at_its_limit),
		cmocka_unit_test(short_connections_over_a_bad_wire),
	};

	return cmocka_run_group_tests_name("sim: floods and crowds", tests, NULL, NULL);
}
