/* Bulk transfers through a bottleneck. */
#include "common/sim_bulk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { FIRST_PORT = 80, FRAME = 1514 };
#define SECOND 1000000ull

static unsigned product_frames(const struct sim_bottleneck *path)
{
	return path->rate_mbit * path->rtt_ms * 1000 / 8 / FRAME + 1;
}

/* Impairment is in front of b: its "rx" is the way of the data. */
static void describe(struct sim_bulk *b, const struct sim_bottleneck *path)
{
	/* Frames on the line behind the bottleneck, half a round trip of them, take places too. */
	unsigned on_the_way = product_frames(path) / 2 + 1;
	unsigned queue = path->queue > 0 ? path->queue : product_frames(path);

	snprintf(b->impair, sizeof b->impair,
		 "delay=%uus,rx:rate=%umbit,rx:queue=%u,tx:queue=100000,rx:loss=%g%%", path->rtt_ms * 500,
		 path->rate_mbit, on_the_way + queue, path->loss_percent);
}

static void write_on(struct stream *s)
{
	static const uint8_t block[65536];
	const struct span span = { block, sizeof block, NULL };

	while (stream_room(s) > 0)
		assert_int_equal(stream_send(s, &span, 1, 0), 0);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	assert_int_equal(why, STREAM_END_ERROR); /* the simulation is over */
}

static const struct stream_handler sender = {
	.on_open = write_on,
	.on_writable = write_on,
	.on_closed = on_closed,
};

static size_t count(struct stream *s, struct bytes data)
{
	*(uint64_t *)s->user += data.len;
	return data.len;
}

static const struct stream_handler receiver = { .on_receive = count, .on_closed = on_closed };

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s = tcp_accept(l);

	assert_non_null(s);
	s->handler = &receiver;
	s->user = context;
}

static void open_flow(struct sim_bulk *b, unsigned i)
{
	const struct tcp_listener_handler handler = { on_acceptable, &b->received[i] };
	uint16_t port = (uint16_t)(FIRST_PORT + i);
	struct ip_addr any = { { 0 } };
	struct tcp_listener *l;
	struct stream *s;

	assert_int_equal(tcp_listen(b->sim.b.stack->tcp, &any, port, &handler, NULL, &l), 0);
	assert_int_equal(tcp_connect(b->sim.a.stack->tcp, &any, 0, &b->sim.b.addr, port, &sender, NULL, &s),
			 0);
}

void sim_bulk_open(struct sim_bulk *b, const struct sim_bottleneck *path, const char *congestion,
		   unsigned n_flows, uint64_t seed)
{
	struct sim_config config;

	assert_in_range(n_flows, 1, SIM_BULK_FLOWS);
	*b = (struct sim_bulk){ .n_flows = n_flows };
	describe(b, path);
	sim_config_default(&config);
	config.seed = seed;
	config.wire.delay_us = 0;
	config.impair = b->impair;
	config.tcp.congestion = congestion;
	sim_init(&b->sim, &config);
	for (unsigned i = 0; i < n_flows; i++) {
		open_flow(b, i);
		if (i + 1 < n_flows)
			sim_pass(&b->sim, SECOND);
	}
}

void sim_bulk_close(struct sim_bulk *b)
{
	sim_fini(&b->sim);
}
