/*
 * The congestion window and the slow start threshold over time, for each congestion control on the same path:
 * a bottleneck of 10 Mbit/s with a round trip of 100 ms and a drop-tail queue of one bandwidth-delay product.
 * At half time the path is gone for a while, so that the retransmission timer fires. Prints
 *
 *   control,what,milliseconds,segments
 *
 * for each change. tools/draw-curves makes pictures of it: `make curves`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/sim_bulk.h"

enum { MSS = 1448 };
#define SECOND 1000000ull
#define LENGTH_US (40 * SECOND)
#define OUTAGE_US (22 * SECOND)
#define OUTAGE_LENGTH_US (SECOND / 2)

/* ---- a device on which nothing arrives for a while ---- */

struct outage {
	struct device device;
	struct device *inner;
	uint64_t from_us, to_us;
};

static int outage_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	const struct outage *o = (struct outage *)(void *)d;
	int n = o->inner->ops->recv(o->inner, frames, max, now_us);

	return now_us >= o->from_us && now_us < o->to_us && n > 0 ? 0 : n;
}

static int outage_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	const struct outage *o = (struct outage *)(void *)d;
	return o->inner->ops->send(o->inner, frames, count, now_us);
}

static uint64_t outage_deadline(const struct device *d)
{
	const struct outage *o = (const struct outage *)(const void *)d;
	return o->inner->ops->deadline(o->inner);
}

static void outage_close(struct device *d)
{
	const struct outage *o = (struct outage *)(void *)d;
	o->inner->ops->close(o->inner);
}

static const struct device_ops outage_ops = {
	.name = "outage",
	.recv = outage_recv,
	.send = outage_send,
	.deadline = outage_deadline,
	.close = outage_close,
};

/* ---- what is seen ---- */

struct curve {
	const char *control;
	uint64_t begin_us;
};

static void print_change(void *context, const struct trace_event *e)
{
	const struct curve *c = context;

	if (e->new_value != UINT32_MAX) /* no threshold yet */
		printf("%s,%s,%.3f,%.2f\n", c->control, e->kind == TRACE_TCP_CWND ? "cwnd" : "ssthresh",
		       (double)(e->now_us - c->begin_us) / 1000, (double)e->new_value / (double)MSS);
}

static void print_curve(const char *control)
{
	const struct sim_bottleneck path = { .rate_mbit = 10, .rtt_ms = 100 };
	struct curve curve = { .control = control };
	struct observer o = { .kinds = TRACE_TCP_CWND | TRACE_TCP_SSTHRESH, .on_event = print_change,
			      .context = &curve };
	struct outage outage = { .device = { .ops = &outage_ops } };
	struct sim_bulk b;

	sim_bulk_open(&b, &path, control, 1, 1);
	curve.begin_us = b.sim.now_us;
	outage.inner = b.sim.b.device;
	outage.from_us = b.sim.now_us + OUTAGE_US;
	outage.to_us = outage.from_us + OUTAGE_LENGTH_US;
	b.sim.b.device = &outage.device;
	stack_observe(b.sim.a.stack, &o);
	sim_pass(&b.sim, LENGTH_US);
	stack_unobserve(b.sim.a.stack, &o);
	sim_bulk_close(&b);
}

int main(void)
{
	print_curve("reno");
	print_curve("cubic");
	print_curve("bbr");
	return EXIT_SUCCESS;
}
