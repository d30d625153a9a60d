/*
 * Transfers of 10 MB each way at once, under loss with reordering and duplication, over hundreds of seeds:
 * every byte arrives, in order, once (SHA-256), both sides close normally, and no run takes longer than loss
 * can explain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/sim.h"
#include "common/sim_app.h"

enum { SEEDS = 200, HTTP_PORT = 80 };
#define MEGABYTE 1000000ull
#define SECOND 1000000ull

struct pair {
	struct sim sim;
	struct sim_app client, server;
};

static bool both_closed(void *context)
{
	struct pair *p = context;
	return p->client.closed && p->server.closed;
}

static void pair_open(struct pair *p, const struct sim_config *config, uint64_t bytes)
{
	struct tcp_listener_handler handler;
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };

	sim_init(&p->sim, config);
	sim_app_init(&p->client, config->seed * 2, bytes);
	sim_app_init(&p->server, config->seed * 2 + 1, bytes);
	handler = sim_app_listener(&p->server);
	assert_int_equal(tcp_listen(p->sim.b.stack->tcp, &any, HTTP_PORT, &handler, NULL, &l), 0);
	assert_int_equal(tcp_connect(p->sim.a.stack->tcp, &any, 0, &p->sim.b.addr, HTTP_PORT,
				     &sim_app_handler, &p->client, &p->client.stream),
			 0);
}

static void pair_close(struct pair *p)
{
	sim_fini(&p->sim);
	sim_app_fini(&p->client);
	sim_app_fini(&p->server);
}

static void report(const struct sim_config *config, const struct pair *p)
{
	fail_msg(
		"seed %llu, \"%s\", after %llu s: client sent %llu got %llu ended %d, server sent %llu got %llu ended %d",
		(unsigned long long)config->seed, config->impair,
		(unsigned long long)(p->sim.now_us / SECOND), (unsigned long long)p->client.sent,
		(unsigned long long)p->client.received, p->client.closed ? (int)p->client.why : -1,
		(unsigned long long)p->server.sent, (unsigned long long)p->server.received,
		p->server.closed ? (int)p->server.why : -1);
}

static void transfer(const struct sim_config *config, uint64_t bytes, uint64_t limit_us)
{
	struct pair p;

	pair_open(&p, config, bytes);
	if (!sim_run(&p.sim, limit_us, both_closed, &p) || p.client.why != STREAM_END_NORMAL ||
	    p.server.why != STREAM_END_NORMAL)
		report(config, &p);
	sim_app_assert_received(&p.client, &p.server);
	sim_app_assert_received(&p.server, &p.client);
	pair_close(&p);
}

static void transfer_seeds(const char *impair, uint64_t limit_us)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_config config;

		sim_config_default(&config);
		config.seed = seed;
		config.impair = impair;
		/* At 20 % loss both ways, with time-outs of up to 60 s, the defaults would now and then give
		 * up, or end TIME-WAIT before the last ACK is through, as they should. This test is about the
		 * bytes. */
		config.tcp.user_timeout_us = 3600 * SECOND;
		config.tcp.msl_us = 600 * SECOND;
		transfer(&config, 10 * MEGABYTE, limit_us);
	}
}

static void ten_megabytes_each_way_clean(void **state)
{
	(void)state;
	transfer_seeds(NULL, 10 * SECOND);
}

static void ten_megabytes_each_way_reordered_and_duplicated(void **state)
{
	(void)state;
	transfer_seeds("reorder=5%,duplicate=2%,delay=2ms,jitter=1ms", 120 * SECOND);
}

static void ten_megabytes_each_way_1_percent_loss(void **state)
{
	(void)state;
	transfer_seeds("loss=1%,reorder=2%,duplicate=1%", 600 * SECOND);
}

static void ten_megabytes_each_way_5_percent_loss(void **state)
{
	(void)state;
	transfer_seeds("loss=5%,reorder=2%,duplicate=1%", 3600 * SECOND);
}

static void ten_megabytes_each_way_20_percent_loss(void **state)
{
	(void)state;
	transfer_seeds("loss=20%,reorder=2%,duplicate=1%", 24 * 3600 * SECOND);
}

static void corruption_is_caught(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim_config config;

		sim_config_default(&config);
		config.seed = seed;
		config.impair = "corrupt=2%";
		transfer(&config, MEGABYTE, 600 * SECOND);
	}
}

static void super_segments_pass_uncut(void **state)
{
	struct sim_config config;
	struct pair p;

	(void)state;
	sim_config_default(&config);
	config.wire.gso_max = 65535;
	pair_open(&p, &config, 10 * MEGABYTE);
	assert_true(sim_run(&p.sim, 10 * SECOND, both_closed, &p));
	sim_app_assert_received(&p.client, &p.server);
	sim_app_assert_received(&p.server, &p.client);
	assert_true(p.sim.a.gso_frames_sent > 0);
	/* 20 MB in 1448-byte segments would be 14,000 frames. */
	assert_true(p.sim.a.frames_sent + p.sim.b.frames_sent < 3000);
	pair_close(&p);
}

enum { LONG_FAT = 40 * MEGABYTE };

static bool all_received(void *context)
{
	struct pair *p = context;
	return p->client.received == LONG_FAT && p->server.received == LONG_FAT;
}

/* How long it takes where a round trip is 100 ms and the wire has room for all. */
static uint64_t time_over_long_fat_path(uint32_t receive_buffer_max)
{
	struct sim_config config;
	struct pair p;
	uint64_t us;

	sim_config_default(&config);
	config.impair = "delay=50ms,queue=100000";
	config.tcp.receive_buffer_max = receive_buffer_max;
	pair_open(&p, &config, LONG_FAT);
	assert_true(sim_run(&p.sim, 120 * SECOND, all_received, &p));
	us = p.sim.now_us;
	pair_close(&p);
	return us;
}

static void the_receive_window_does_not_hold_up_a_long_fat_path(void **state)
{
	uint64_t fixed = time_over_long_fat_path(0), growing = time_over_long_fat_path(6 * MEGABYTE);

	(void)state;
	assert_in_range(fixed, 15 * SECOND, 20 * SECOND); /* 256 KiB in 100 ms */
	assert_in_range(growing, 1, 4 * SECOND);
}

static void small_writes_and_small_reads(void **state)
{
	struct sim_config config;
	struct pair p;

	(void)state;
	sim_config_default(&config);
	config.impair = "loss=2%";
	config.tcp.receive_buffer = 4096;
	pair_open(&p, &config, 100000);
	p.client.write_size = 1;
	p.server.write_size = 7;
	p.client.read_limit = 100;
	while (!both_closed(&p) && p.sim.now_us < 3600 * SECOND) {
		uint64_t received = p.client.received;
		bool happened = sim_step(&p.sim);

		sim_app_pump(&p.client);
		sim_app_read(&p.client); /* goes on when nothing more happens on the wire */
		if (!happened && p.client.received == received)
			break;
	}
	assert_true(both_closed(&p));
	sim_app_assert_received(&p.client, &p.server);
	sim_app_assert_received(&p.server, &p.client);
	pair_close(&p);
}

static void every_mtu(void **state)
{
	static const uint32_t mtus[] = { 576, 577, 1280, 1499, 1500, 1501, 4352, 9000, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(mtus); i++) {
		struct sim_config config;

		sim_config_default(&config);
		config.wire.mtu = mtus[i];
		config.impair = "loss=1%";
		transfer(&config, MEGABYTE, 600 * SECOND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_megabytes_each_way_clean),
		cmocka_unit_test(ten_megabytes_each_way_reordered_and_duplicated),
		cmocka_unit_test(ten_megabytes_each_way_1_percent_loss),
		cmocka_unit_test(ten_megabytes_each_way_5_percent_loss),
		cmocka_unit_test(ten_megabytes_each_way_20_percent_loss),
		cmocka_unit_test(corruption_is_caught),
		cmocka_unit_test(super_segments_pass_uncut),
		cmocka_unit_test(the_receive_window_does_not_hold_up_a_long_fat_path),
		cmocka_unit_test(small_writes_and_small_reads),
		cmocka_unit_test(every_mtu),
	};

	return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
