/*
 * Round-trip time and the retransmission timeout it gives (RFC 6298). Samples come from segments that were
 * sent once (Karn's rule), or of which the echoed timestamp shows which transmission was acknowledged, and
 * are in microseconds.
 */
#include "tcp/tcp_conn.h"

enum { MIN_RTT_PERIOD_US = 300000000 };

static uint32_t clamp_rto(const struct tcp_conn *c, uint64_t rto)
{
	if (rto < c->tcp->config.min_rto_us)
		return c->tcp->config.min_rto_us;
	if (rto > c->tcp->config.max_rto_us)
		return c->tcp->config.max_rto_us;
	return (uint32_t)rto;
}

void tcp_rtt_init(struct tcp_conn *c)
{
	c->srtt_us = c->rttvar_us = 0;
	c->min_rtt_us = c->busy->min_rtt_period_us = c->busy->min_rtt_before_us = 0;
	c->busy->min_rtt_until_us = 0;
	c->rto_us = c->tcp->config.initial_rto_us;
	c->backoff = 0;
}

/* The minimum of the last five to ten minutes (RFC 8985 section 6.2 step 1): a path may change. */
static void note_minimum(struct tcp_conn *c, uint32_t rtt_us)
{
	uint64_t now = tcp_now(c->tcp);

	if (now >= c->busy->min_rtt_until_us) {
		c->busy->min_rtt_before_us = c->busy->min_rtt_period_us;
		c->busy->min_rtt_period_us = 0;
		c->busy->min_rtt_until_us = now + MIN_RTT_PERIOD_US;
	}
	if (c->busy->min_rtt_period_us == 0 || rtt_us < c->busy->min_rtt_period_us)
		c->busy->min_rtt_period_us = rtt_us;
	c->min_rtt_us = c->busy->min_rtt_before_us != 0 &&
					c->busy->min_rtt_before_us < c->busy->min_rtt_period_us
				? c->busy->min_rtt_before_us
				: c->busy->min_rtt_period_us;
}

uint32_t tcp_rtt_sample(struct tcp_conn *c, uint64_t rtt_us)
{
	uint32_t r = rtt_us > c->tcp->config.max_rto_us ? c->tcp->config.max_rto_us : (uint32_t)rtt_us;

	if (r == 0)
		r = 1; /* faster than the clock; 0 means "no sample yet" */
	histogram_add(&c->tcp->times.rtt, r);
	note_minimum(c, r);
	if (c->srtt_us == 0) { /* (2.2) */
		c->srtt_us = r;
		c->rttvar_us = r / 2;
	} else { /* (2.3): alpha 1/8, beta 1/4 */
		uint32_t error = c->srtt_us > r ? c->srtt_us - r : r - c->srtt_us;
		c->rttvar_us = (uint32_t)((3ull * c->rttvar_us + error) / 4);
		c->srtt_us = (uint32_t)((7ull * c->srtt_us + r) / 8);
		if (c->srtt_us == 0)
			c->srtt_us = 1;
	}
	c->rto_us = clamp_rto(c, (uint64_t)c->srtt_us + 4ull * c->rttvar_us);
	tcp_tell(c, TRACE_TCP_RTT, NULL, r, c->srtt_us);
	return r;
}
