/*
 * Opening and closing under loss: each of the first segments lost, alone and in every combination, from
 * either side, by both ways of opening; then at random; and windows that close and open while segments are
 * lost. A connection that hangs fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/sim.h"
#include "common/sim_app.h"

enum { HTTP_PORT = 80 };
#define SECOND 1000000ull

/* ---- a device that loses chosen frames ---- */

struct loser {
	struct device device;
	struct device *inner;
	uint32_t lose_out, lose_in; /* bit n: the nth TCP frame of that direction */
	unsigned out, in;           /* TCP frames so far */
};

static struct loser *loser_of(struct device *d)
{
	return (struct loser *)(void *)d;
}

static bool is_tcp(const uint8_t *frame)
{
	return frame[12] == 8 && frame[13] == 0 && frame[23] == 6;
}

static bool is_lost(uint32_t mask, unsigned n)
{
	return n < 32 && ((mask >> n) & 1) != 0;
}

static int loser_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct loser *l = loser_of(d);
	int n = l->inner->ops->recv(l->inner, frames, max, now_us), kept = 0;

	for (int i = 0; i < n; i++)
		if (!is_tcp(frames[i].data) || !is_lost(l->lose_in, l->in++))
			frames[kept++] = frames[i];
	return kept;
}

static int loser_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct loser *l = loser_of(d);

	for (int i = 0; i < count; i++)
		if (!is_tcp(tx_head(&frames[i])) || !is_lost(l->lose_out, l->out++))
			assert_int_equal(l->inner->ops->send(l->inner, &frames[i], 1, now_us), 1);
	return count;
}

static int loser_fd(const struct device *d)
{
	(void)d;
	return -1;
}

static uint64_t loser_deadline(const struct device *d)
{
	const struct loser *l = (const struct loser *)(const void *)d;
	return l->inner->ops->deadline(l->inner);
}

static void loser_close(struct device *d)
{
	struct loser *l = loser_of(d);

	l->inner->ops->close(l->inner);
	free(l);
}

static const struct device_ops loser_ops = {
	.name = "loser",
	.recv = loser_recv,
	.send = loser_send,
	.fd = loser_fd,
	.deadline = loser_deadline,
	.close = loser_close,
};

static struct device *loser_new(struct device *inner, uint32_t lose_out, uint32_t lose_in)
{
	struct loser *l = calloc(1, sizeof *l);

	assert_non_null(l);
	*l = (struct loser){ .device = { .ops = &loser_ops, .caps = inner->caps },
			     .inner = inner,
			     .lose_out = lose_out,
			     .lose_in = lose_in };
	return &l->device;
}

/* ---- a client and a server ---- */

struct pair {
	struct sim sim;
	struct sim_app client, server;
};

static bool both_closed(void *context)
{
	struct pair *p = context;
	return p->client.closed && p->server.closed;
}

static void pair_init(struct pair *p, const struct sim_config *config, uint64_t from_client,
		      uint64_t from_server)
{
	sim_init(&p->sim, config);
	sim_app_init(&p->client, config->seed * 2, from_client);
	sim_app_init(&p->server, config->seed * 2 + 1, from_server);
}

static void pair_open(struct pair *p)
{
	struct tcp_listener_handler handler = sim_app_listener(&p->server);
	struct tcp_listener *l;
	struct ip_addr any = { { 0 } };

	assert_int_equal(tcp_listen(p->sim.b.stack->tcp, &any, HTTP_PORT, &handler, NULL, &l), 0);
	assert_int_equal(tcp_connect(p->sim.a.stack->tcp, &any, 0, &p->sim.b.addr, HTTP_PORT,
				     &sim_app_handler, &p->client, &p->client.stream),
			 0);
}

static void pair_finish(struct pair *p, uint64_t limit_us, const char *what, uint64_t which)
{
	if (!sim_run(&p->sim, limit_us, both_closed, p) || p->client.why != STREAM_END_NORMAL ||
	    p->server.why != STREAM_END_NORMAL)
		fail_msg("%s %llu: after %llu s client got %llu ended %d, server got %llu ended %d", what,
			 (unsigned long long)which, (unsigned long long)(p->sim.now_us / SECOND),
			 (unsigned long long)p->client.received, p->client.closed ? (int)p->client.why : -1,
			 (unsigned long long)p->server.received, p->server.closed ? (int)p->server.why : -1);
	sim_app_assert_received(&p->client, &p->server);
	sim_app_assert_received(&p->server, &p->client);
	sim_fini(&p->sim);
	sim_app_fini(&p->client);
	sim_app_fini(&p->server);
}

/* ---- chosen losses ---- */

/* A short exchange whose client's frames numbered in the masks are lost. */
static void exchange(uint32_t lose_out, uint32_t lose_in, uint64_t from_client, uint64_t from_server)
{
	struct sim_config config;
	struct pair p;

	sim_config_default(&config);
	/* The last ACK may be lost often: neither TIME-WAIT nor R2 is to end before it is through. */
	config.tcp.msl_us = 600 * SECOND;
	config.tcp.user_timeout_us = 1000 * SECOND;
	pair_init(&p, &config, from_client, from_server);
	p.sim.a.device = loser_new(p.sim.a.device, lose_out, lose_in);
	pair_open(&p);
	pair_finish(&p, 1000 * SECOND, "losing frames", (uint64_t)lose_out << 32 | lose_in);
}

static void each_segment_of_the_handshake_lost(void **state)
{
	(void)state;
	exchange(1 << 0, 0, 100, 100); /* the SYN */
	exchange(0, 1 << 0, 100, 100); /* the SYN-ACK */
	exchange(1 << 1, 0, 100, 100); /* the third ACK, with text */
	exchange(1 << 1, 0, 0, 100);   /* the third ACK of a client that waits for the server to speak */
}

static void every_combination_of_early_losses(void **state)
{
	(void)state;
	for (uint32_t out = 0; out < 32; out++)
		for (uint32_t in = 0; in < 32; in++) {
			exchange(out, in, 100, 100);
			exchange(out, in, 0, 5000);
		}
}

static void every_combination_of_losses_at_the_close(void **state)
{
	(void)state;
	/* Without loss the client sends SYN, ACK with text and FIN, and ACKs; the losses begin with the
	 * FINs. */
	for (uint32_t out = 0; out < 32; out++)
		for (uint32_t in = 0; in < 32; in++)
			exchange(out << 1, in << 1, 10, 10);
}

static void simultaneous_open_under_every_combination_of_losses(void **state)
{
	(void)state;
	for (uint32_t out = 0; out < 16; out++)
		for (uint32_t in = 0; in < 16; in++) {
			struct sim_config config;
			struct pair p;
			struct ip_addr any = { { 0 } };

			sim_config_default(&config);
			config.tcp.msl_us = 600 * SECOND;
			config.tcp.user_timeout_us = 1000 * SECOND;
			pair_init(&p, &config, 1000, 1000);
			p.sim.a.device = loser_new(p.sim.a.device, out, in);
			assert_int_equal(tcp_connect(p.sim.a.stack->tcp, &any, 5000, &p.sim.b.addr, 6000,
						     &sim_app_handler, &p.client, &p.client.stream),
					 0);
			assert_int_equal(tcp_connect(p.sim.b.stack->tcp, &any, 6000, &p.sim.a.addr, 5000,
						     &sim_app_handler, &p.server, &p.server.stream),
					 0);
			pair_finish(&p, 1000 * SECOND, "simultaneous open losing", out << 8 | in);
		}
}

/* ---- how long it took ---- */

/* On a wire of 10 ms, losing frames of the client's as above: what the server counts. */
static struct tcp_times times_of_exchange(uint32_t lose_out, uint32_t lose_in)
{
	struct sim_config config;
	struct tcp_times times;
	struct pair p;

	sim_config_default(&config);
	config.wire.delay_us = 10000;
	pair_init(&p, &config, 100, 100);
	p.sim.a.device = loser_new(p.sim.a.device, lose_out, lose_in);
	pair_open(&p);
	assert_true(sim_run(&p.sim, 1000 * SECOND, both_closed, &p));
	times = *tcp_times(p.sim.b.stack->tcp);
	pair_finish(&p, SECOND, "timing", lose_out);
	return times;
}

static uint64_t counted(const struct histogram *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		n += h->counts[i];
	return n;
}

static void handshakes_are_timed_from_the_syn(void **state)
{
	struct tcp_times clean = times_of_exchange(0, 0);
	struct tcp_times lost = times_of_exchange(1 << 1, 1 << 0); /* the SYN-ACK, and the SYN that asks for it */

	(void)state;
	assert_int_equal(counted(&clean.handshake), 1);
	assert_int_equal(clean.handshake.sum_us, 20000);
	assert_int_equal(counted(&lost.handshake), 1);
	assert_int_equal(lost.handshake.sum_us, SECOND + 20000);
}

static void round_trips_are_counted_one_by_one(void **state)
{
	struct tcp_times clean = times_of_exchange(0, 0);
	uint64_t n = counted(&clean.rtt);

	(void)state;
	assert_in_range(n, 2, 4); /* of the SYN-ACK, of text, of the FIN */
	assert_in_range(clean.rtt.sum_us, n * 20000, n * 20000 + 40000); /* one may wait for a delayed ACK */
}

/* ---- losses at random ---- */

static void handshakes_at_30_percent_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct sim_config config;
		struct pair p;

		sim_config_default(&config);
		config.seed = seed;
		config.impair = "loss=30%,reorder=5%,duplicate=5%,delay=10ms,jitter=5ms";
		config.tcp.synack_retries = 12; /* the defaults would now and then give up, as they should */
		config.tcp.user_timeout_us = 3600 * SECOND;
		config.tcp.msl_us = 600 * SECOND;
		pair_init(&p, &config, 2000, 2000);
		pair_open(&p);
		pair_finish(&p, 7200 * SECOND, "30 % loss, seed", seed);
	}
}

/* ---- windows ---- */

/* The server's window closes again and again, for it reads only now and then, and little; and segments are
 * lost. */
static void stop_and_go(const char *impair, uint64_t seed, uint32_t buffer)
{
	struct sim_config config;
	struct pair p;
	uint64_t next_read, r = seed;

	sim_config_default(&config);
	config.seed = seed;
	config.impair = impair;
	config.tcp.receive_buffer = buffer;
	config.tcp.user_timeout_us = 3600 * SECOND;
	config.tcp.msl_us = 600 * SECOND;
	pair_init(&p, &config, 30000, 0);
	p.server.stop_reading = true;
	p.server.keep_open = true;
	pair_open(&p);
	next_read = p.sim.now_us + SECOND;
	while (p.server.received < 30000) {
		if (p.sim.now_us > 24 * 3600 * SECOND)
			fail_msg("%s, seed %llu: stuck at %llu", impair, (unsigned long long)seed,
				 (unsigned long long)p.server.received);
		if (p.sim.now_us < next_read && sim_step(&p.sim))
			continue;
		if (p.sim.now_us < next_read)
			p.sim.now_us = next_read; /* nothing is left to happen on the wire */
		r = r * 6364136223846793005u + 1442695040888963407u;
		next_read = p.sim.now_us + (r >> 33) % (20 * SECOND);
		p.server.read_limit = 1 + (r >> 40) % buffer;
		p.server.stop_reading = false;
		sim_app_read(&p.server);
		p.server.stop_reading = true;
	}
	p.server.stop_reading = false;
	p.server.keep_open = false;
	sim_app_pump(&p.server);
	pair_finish(&p, 7200 * SECOND, impair, seed);
}

static void windows_close_and_open(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		stop_and_go(NULL, seed, 1000);
		stop_and_go(NULL, seed, 4096);
	}
}

static void windows_close_and_open_under_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		stop_and_go("loss=10%", seed, 1000);
		stop_and_go("loss=30%,reorder=5%,duplicate=5%", seed, 4096);
		stop_and_go("loss=20%,duplicate=10%,delay=50ms,jitter=40ms", seed, 3000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_segment_of_the_handshake_lost),
		cmocka_unit_test(every_combination_of_early_losses),
		cmocka_unit_test(every_combination_of_losses_at_the_close),
		cmocka_unit_test(simultaneous_open_under_every_combination_of_losses),
		cmocka_unit_test(handshakes_are_timed_from_the_syn),
		cmocka_unit_test(round_trips_are_counted_one_by_one),
		cmocka_unit_test(handshakes_at_30_percent_loss),
		cmocka_unit_test(windows_close_and_open),
		cmocka_unit_test(windows_close_and_open_under_loss),
	};

	return cmocka_run_group_tests_name("sim: handshakes and windows under loss", tests, NULL, NULL);
}
