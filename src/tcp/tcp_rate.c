/*
 * Delivery rate samples (draft-ietf-ccwg-bbr section 4.1; draft-cheng-iccrg-delivery-rate-estimation). Each
 * segment is marked with how much had been delivered when it was sent; when it is acknowledged, the
 * difference over the time that passed is the rate at which the path delivered, never more than it was sent
 * with. What was sent while the application had no more to say gives only a lower bound, and is marked so.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

void tcp_rate_sent(struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_rate *r = &c->busy->rate;

	if (c->busy->pipe == 0) /* a new flight begins */
		r->first_sent_us = r->delivered_us = tcp_now(c->tcp);
	s->mark = (struct tcp_rate_mark){
		.delivered = r->delivered,
		.lost = r->lost,
		.delivered_us = r->delivered_us,
		.first_sent_us = r->first_sent_us,
	};
	if (r->app_limited != 0)
		s->flags |= SEG_APP_LIMITED;
	else
		s->flags &= (uint16_t)~SEG_APP_LIMITED;
}

/* Of all that an acknowledgement delivers, the segment that was sent last counts. */
static bool is_newest(const struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_segment *s)
{
	return d->rate.interval_us == 0 || s->mark.delivered > d->rate.prior_delivered ||
	       (s->mark.delivered == d->rate.prior_delivered && s->sent_us > c->busy->rate.first_sent_us);
}

/* At least one: 0 means that there is none. A clock may have jumped by hours while the machine slept. */
static uint32_t sample_us(uint64_t us)
{
	return (uint32_t)min_u64(max_u64(us, 1), UINT32_MAX);
}

void tcp_rate_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_segment *s)
{
	struct tcp_rate *r = &c->busy->rate;
	uint64_t now = tcp_now(c->tcp);
	uint64_t sending_us = s->sent_us - s->mark.first_sent_us, arriving_us = now - s->mark.delivered_us;

	r->delivered += s->len;
	r->delivered_us = now;
	if (!is_newest(c, d, s))
		return;
	d->rate = (struct tcp_rate_sample){
		/* At least one, so that 0 means that there is no sample yet. */
		.interval_us = max_u64(max_u64(sending_us, arriving_us), 1),
		.prior_delivered = s->mark.delivered,
		.prior_lost = s->mark.lost,
		.tx_in_flight = s->mark.in_flight,
		.rtt_us = (s->flags & SEG_RETRANSMITTED) != 0 ? 0 : sample_us(now - s->sent_us),
		.app_limited = (s->flags & SEG_APP_LIMITED) != 0,
	};
	r->first_sent_us = s->sent_us;
}

void tcp_rate_partly_delivered(struct tcp_conn *c, uint32_t len)
{
	c->busy->rate.delivered += len;
	c->busy->rate.delivered_us = tcp_now(c->tcp);
}

void tcp_rate_sample(struct tcp_conn *c, struct tcp_delivery *d)
{
	struct tcp_rate *r = &c->busy->rate;

	if (r->app_limited != 0 && r->delivered > r->app_limited)
		r->app_limited = 0;
	if (d->rate.interval_us == 0)
		return;
	d->rate.delivered = (uint32_t)(r->delivered - d->rate.prior_delivered);
	/* Faster than the path's round trip the acknowledgements were squeezed together on their way. */
	if (d->rate.interval_us < c->min_rtt_us)
		return;
	d->rate.rate = d->rate.delivered * 1000000ull / d->rate.interval_us;
	if (!d->rate.app_limited || d->rate.rate > r->last)
		r->last = d->rate.rate;
}

void tcp_rate_check_app_limited(struct tcp_conn *c)
{
	if (c->busy->unsent == 0 && c->busy->lost_bytes == 0 && tcp_in_flight(c) < c->busy->cc.cwnd)
		c->busy->rate.app_limited = max_u64(c->busy->rate.delivered + c->busy->pipe, 1);
}
