/*
 * Pacing: segments leave spread over the round trip instead of in bursts that overflow a queue on the path.
 * Window-based algorithms are paced at a little more than a window a round trip (twice in slow start, so that
 * it can double), as Linux does; one that owns its window sets the rate itself. The timer wheel tells when
 * the next segment may go.
 *
 * Such a window is also held by the clock of its acknowledgements, and pacing must not run against it: a pair
 * of segments that waits here for its time lets the peer's delayed acknowledgement of the segment before wait
 * too, and the round trip grows by a pair's time, which in small windows is a good part of it. So a flow that
 * has not used its rate may send as much as an initial window at once, which any path must bear (RFC 6928);
 * what is spread out are longer bursts.
 *
 * On paths of less than a millisecond a window is one burst to any clock of ours, and pacing would cost
 * wake-ups and large segments for nothing: there only the window rules.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	MIN_RTT_US = 1000,   /* shorter ones are not paced */
	BURST_US = 1000,     /* a burst lasts about so long at the pacing rate */
	MIN_BURST_SEGMENTS = 2,
	CREDIT_SEGMENTS = 10, /* an initial window */
	SLOW_START_PERCENT = 200,
	AVOIDANCE_PERCENT = 120,
};

void tcp_pacing_update(struct tcp_conn *c)
{
	uint64_t percent = c->busy->cc.cwnd < c->busy->cc.ssthresh / 2 ? SLOW_START_PERCENT
								       : AVOIDANCE_PERCENT;

	if (c->busy->cc.ops->owns_window)
		return;
	if (!c->tcp->config.pacing || c->srtt_us < MIN_RTT_US)
		c->busy->cc.pacing_rate = 0;
	else
		c->busy->cc.pacing_rate = (uint64_t)c->busy->cc.cwnd * 10000 * percent / c->srtt_us;
}

bool tcp_pacing_allows(const struct tcp_conn *c)
{
	return c->busy->cc.pacing_rate == 0 || c->busy->paced_until_us <= tcp_now(c->tcp);
}

uint32_t tcp_pacing_burst(const struct tcp_conn *c)
{
	uint64_t burst = c->busy->cc.pacing_rate * BURST_US / 1000000;

	if (c->busy->cc.pacing_rate == 0)
		return UINT32_MAX;
	if (burst < (uint64_t)MIN_BURST_SEGMENTS * c->mss)
		return MIN_BURST_SEGMENTS * (uint32_t)c->mss;
	return burst > UINT32_MAX ? UINT32_MAX : (uint32_t)burst;
}

/* For how long what was not sent in time may still be sent at once. */
static uint64_t credit_us(const struct tcp_conn *c)
{
	uint64_t window_us = CREDIT_SEGMENTS * (uint64_t)c->mss * 1000000 / c->busy->cc.pacing_rate;

	return c->busy->cc.ops->owns_window || window_us < BURST_US ? BURST_US : window_us;
}

/* How long len bytes keep the next ones waiting: at most a round trip a segment. A path that needs longer for
 * one has a longer round trip; a lower rate comes from a peer's window that let hardly anything pass, and
 * must not outlast it. */
static uint64_t pause_us(const struct tcp_conn *c, uint32_t len)
{
	uint64_t us = len * 1000000ull / c->busy->cc.pacing_rate;
	uint64_t longest = (uint64_t)(len / c->mss + 1) * c->srtt_us;

	return c->srtt_us != 0 ? min_u64(us, longest) : us;
}

void tcp_pacing_sent(struct tcp_conn *c, uint32_t len)
{
	uint64_t now = tcp_now(c->tcp), from = c->busy->paced_until_us, credit;

	if (c->busy->cc.pacing_rate == 0 || len == 0)
		return;
	/* Time that was not used is credit: neither may a timer that fires late slow us down. */
	credit = credit_us(c);
	if (from + credit < now)
		from = now - credit;
	c->busy->paced_until_us = from + pause_us(c, len);
}
