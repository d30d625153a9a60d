/*
 * Reno congestion control (RFC 5681) with appropriate byte counting (RFC 3465): the textbook's curve. Below
 * ssthresh the window grows by what is acknowledged, and so doubles each round trip; above, by one segment a
 * round trip. Loss halves it; a timeout takes it back to one segment.
 */
#include "tcp/tcp_cc.h"

/* Most segments that one acknowledgement may add in slow start: RFC 9406's L for senders that do not pace. */
enum { SLOW_START_LIMIT = 8 };

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void reno_init(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = tcp_initial_window(e->mss);
	cc->ssthresh = UINT32_MAX;
	cc->state.reno.bytes_acked = 0;
}

static void reno_on_ack(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	if (!e->cwnd_limited)
		return;
	if (cc->cwnd < cc->ssthresh) {
		uint32_t grow = min_u32(e->acked, SLOW_START_LIMIT * e->mss);
		cc->cwnd += min_u32(grow, UINT32_MAX / 2 - min_u32(cc->cwnd, UINT32_MAX / 2));
		return;
	}
	cc->state.reno.bytes_acked += e->acked;
	if (cc->state.reno.bytes_acked >= cc->cwnd) { /* a window's worth: one round trip */
		cc->state.reno.bytes_acked -= cc->cwnd;
		cc->cwnd = min_u32(cc->cwnd + e->mss, UINT32_MAX / 2);
	}
}

/* RFC 5681 equation 4. */
static uint32_t half_of_flight(const struct tcp_cc_event *e)
{
	return max_u32(e->flight / 2, 2 * e->mss);
}

static void reno_on_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->ssthresh = half_of_flight(e);
	cc->cwnd = cc->ssthresh;
	cc->state.reno.bytes_acked = 0;
}

static void reno_on_timeout(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->ssthresh = half_of_flight(e);
	cc->cwnd = e->mss; /* the loss window */
	cc->state.reno.bytes_acked = 0;
}

static void reno_on_idle(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = min_u32(cc->cwnd, tcp_initial_window(e->mss)); /* the restart window */
	cc->state.reno.bytes_acked = 0;
}

const struct tcp_cc_ops tcp_reno = {
	.name = "reno",
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_loss = reno_on_loss,
	.on_timeout = reno_on_timeout,
	.on_idle = reno_on_idle,
};
