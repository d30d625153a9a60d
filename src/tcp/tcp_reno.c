/*
 * Reno congestion control (RFC 5681) with appropriate byte counting (RFC 3465): the textbook's curve. Below
 * ssthresh the window grows by what is acknowledged, and so doubles each round trip; above, by one segment a
 * round trip. Loss halves it; a timeout takes it back to one segment. There is no HyStart++: it would round
 * the corner that the textbook draws.
 */
#include "base/minmax.h"
#include "tcp/tcp_cc.h"

static void reno_init(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = tcp_initial_window(e->mss);
	cc->ssthresh = UINT32_MAX;
	cc->state.reno.bytes_acked = 0;
}

static void avoid_congestion(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	uint32_t *bytes_acked = &cc->state.reno.bytes_acked;

	*bytes_acked += min_u32(e->acked, cc->cwnd);
	if (*bytes_acked >= cc->cwnd) { /* a window's worth: one round trip */
		*bytes_acked -= cc->cwnd;
		cc->cwnd = min_u32(cc->cwnd + e->mss, TCP_MAX_CWND);
	}
}

static void reno_on_ack(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	if (!e->cwnd_limited)
		return;
	if (cc->cwnd < cc->ssthresh)
		tcp_slow_start(cc, tcp_slow_start_growth(cc, e));
	else
		avoid_congestion(cc, e);
}

/* RFC 5681 equation 4; RFC 3168 section 6.1.2 wants the same for a congestion mark. */
static void reno_on_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->ssthresh = max_u32(e->flight / 2, 2 * e->mss);
	cc->cwnd = cc->ssthresh;
	cc->state.reno.bytes_acked = 0;
}

static void reno_on_timeout(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	reno_on_loss(cc, e);
	cc->cwnd = e->mss; /* the loss window */
}

static void reno_on_idle(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = min_u32(cc->cwnd, tcp_initial_window(e->mss)); /* the restart window */
	cc->state.reno.bytes_acked = 0;
}

/* on_undo: with cwnd and ssthresh all is as it was, but for less than a window of counted bytes. */
const struct tcp_cc_ops tcp_reno = {
	.name = "reno",
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_loss = reno_on_loss,
	.on_timeout = reno_on_timeout,
	.on_idle = reno_on_idle,
};
