/*
 * CUBIC (RFC 9438): the window is a cubic function of the time since the last reduction. It climbs fast
 * towards the window at which loss was found, w_max, lingers there, and then looks further, ever faster. So
 * growth depends on time, not on the round-trip time. Where Reno would have more (short paths), CUBIC takes
 * as much: w_est.
 *
 * There is no floating point. C is 2/5, beta 7/10; windows are bytes, the curve's time is in milliseconds,
 * and what a division leaves over is kept for the next one.
 *
 * ssthresh is computed from the window, as section 4.6 allows those whose window does not grow unused:
 * pacing, and a recovery just before, keep the flight below it, and would count as congestion. Where the
 * application has no more to send it is the flight that counts. An epoch's clock stands still while the
 * application, not the window, is the limit (section 5.8): so the curve cannot run ahead of what was ever
 * tried.
 */
#include "tcp/tcp_cubic.h"

#include "base/minmax.h"
#include "tcp/tcp_cc.h"

/* So far from K the curve is steeper than anything that there is: 524 s. With it d^3 < 2^57. */
#define MAX_OFFSET_MS (1u << 19)

/*
 * The largest whole number whose cube is no more than x, for x < 2^63: found from its highest binary digit to
 * its lowest. Exact, so what is lost is the fraction.
 */
static uint32_t cube_root(uint64_t x)
{
	uint64_t root = 0;

	for (uint64_t digit = 1u << 20; digit != 0; digit >>= 1) {
		uint64_t larger = root | digit;
		if (larger * larger * larger <= x)
			root = larger;
	}
	return (uint32_t)root;
}

/* In milliseconds, K^3 = (w_max - cwnd) / mss / C * 10^9. Windows are below 2^31, so the product is below
 * 2^63. */
uint32_t tcp_cubic_k_ms(uint32_t w_max, uint32_t cwnd, uint32_t mss)
{
	return cube_root((uint64_t)(w_max - cwnd) * 2500000000u / mss);
}

/* C * d^3 * mss = 4 * d^3 * mss / 10^10, divided in two steps so that it fits 64 bits. */
uint32_t tcp_cubic_window(uint32_t w_max, uint32_t k_ms, uint32_t t_ms, uint32_t mss)
{
	uint64_t d = min_u32(t_ms > k_ms ? t_ms - k_ms : k_ms - t_ms, MAX_OFFSET_MS);
	uint64_t change = d * d * d / 10000 * 4 * mss / 1000000;

	if (t_ms > k_ms)
		return (uint32_t)min_u64(w_max + change, TCP_MAX_CWND);
	return change < w_max ? (uint32_t)(w_max - change) : 0;
}

static void cubic_init(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = tcp_initial_window(e->mss);
	cc->ssthresh = UINT32_MAX;
	cc->state.cubic = (struct tcp_cubic_state){ .epoch.w_max = 0 };
	tcp_hystart_init(&cc->state.cubic.hystart);
}

/* ---- growing ---- */

/* HyStart++ is for the first slow start only, whose end nobody knows (RFC 9406 section 4.3). */
static void slow_start(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	uint32_t grow = tcp_slow_start_growth(cc, e);

	if (cc->ssthresh == UINT32_MAX) {
		switch (tcp_hystart_on_ack(&cc->state.cubic.hystart, e)) {
		case TCP_HYSTART_SLOW_START:
			break;
		case TCP_HYSTART_CSS:
			grow /= TCP_HYSTART_CSS_GROWTH_DIVISOR;
			break;
		case TCP_HYSTART_OVER:
			cc->ssthresh = cc->cwnd;
			return;
		}
	}
	if (e->cwnd_limited)
		tcp_slow_start(cc, grow);
}

/*
 * Congestion avoidance begins. Without a w_max above (after a timeout, section 4.8, or where HyStart++ ended
 * slow start, section 4.10) the curve begins at its flat point.
 */
static void begin_epoch(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_cubic_epoch *epoch = &cc->state.cubic.epoch;

	epoch->w_max = max_u32(epoch->w_max, cc->cwnd);
	epoch->k_ms = tcp_cubic_k_ms(epoch->w_max, cc->cwnd, e->mss);
	if (epoch->cwnd_prior == 0)
		epoch->cwnd_prior = cc->cwnd;
	epoch->w_est = cc->cwnd;
	epoch->w_est_rest = 0;
	epoch->cwnd_rest = 0;
	epoch->elapsed_us = 0;
	epoch->counted_us = (uint32_t)e->now_us;
}

/*
 * Only time in which the window was the limit counts (section 5.8). Then no more than a round trip passes
 * between two acknowledgements: what is more was idle.
 */
static void count_time(struct tcp_cubic_epoch *epoch, const struct tcp_cc_event *e)
{
	uint32_t passed = min_u32((uint32_t)e->now_us - epoch->counted_us, e->srtt_us);

	epoch->counted_us = (uint32_t)e->now_us;
	if (e->cwnd_limited)
		epoch->elapsed_us = (uint32_t)min_u64((uint64_t)epoch->elapsed_us + passed,
						      MAX_OFFSET_MS * 1000u);
}

/*
 * Section 4.3, figure 4. Reno with beta 0.7 adds alpha = 3 * (1 - beta) / (1 + beta) = 9/17 segments a round
 * trip to have the same average window; once it has what there was before the reduction, as much as Reno.
 */
static void grow_estimate(struct tcp_cubic_epoch *epoch, const struct tcp_cc *cc,
			  const struct tcp_cc_event *e)
{
	uint64_t grow = (uint64_t)e->mss * min_u32(e->acked, cc->cwnd);

	if (epoch->w_est < epoch->cwnd_prior)
		grow = grow * 9 / 17;
	grow += epoch->w_est_rest;
	epoch->w_est = (uint32_t)min_u64(epoch->w_est + grow / cc->cwnd, TCP_MAX_CWND);
	epoch->w_est_rest = (uint32_t)(grow % cc->cwnd);
}

/* Sections 4.4 and 4.5: towards where the curve will be in a round trip, and by half at most. */
static void follow_curve(struct tcp_cubic_epoch *epoch, struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	uint32_t next_ms = (uint32_t)(((uint64_t)epoch->elapsed_us + e->srtt_us) / 1000);
	uint32_t target = tcp_cubic_window(epoch->w_max, epoch->k_ms, next_ms, e->mss);
	uint64_t grow;

	target = max_u32(cc->cwnd, min_u32(target, cc->cwnd + cc->cwnd / 2));
	grow = (uint64_t)(target - cc->cwnd) * min_u32(e->acked, cc->cwnd) + epoch->cwnd_rest;
	epoch->cwnd_rest = (uint32_t)(grow % cc->cwnd);
	cc->cwnd = (uint32_t)min_u64(cc->cwnd + grow / cc->cwnd, TCP_MAX_CWND);
}

static void avoid_congestion(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_cubic_epoch *epoch = &cc->state.cubic.epoch;

	grow_estimate(epoch, cc, e);
	if (tcp_cubic_window(epoch->w_max, epoch->k_ms, epoch->elapsed_us / 1000, e->mss) < epoch->w_est)
		cc->cwnd = max_u32(cc->cwnd, epoch->w_est); /* the Reno-friendly region */
	else
		follow_curve(epoch, cc, e);
}

static void cubic_on_ack(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_cubic_epoch *epoch = &cc->state.cubic.epoch;

	if (cc->cwnd < cc->ssthresh) {
		slow_start(cc, e);
		return;
	}
	if (epoch->w_est == 0)
		begin_epoch(cc, e);
	count_time(epoch, e);
	if (e->cwnd_limited)
		avoid_congestion(cc, e);
}

/* ---- shrinking ---- */

/*
 * Sections 4.6 and 4.7. A flow that did not come up to its last w_max gives way to newer ones: fast
 * convergence, w_max = cwnd * (1 + beta) / 2. What beta leaves of the window is returned.
 */
static uint32_t reduce(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_cubic_epoch *epoch = &cc->state.cubic.epoch;
	uint32_t window = e->app_limited ? e->flight : cc->cwnd;
	uint32_t left = (uint32_t)((uint64_t)window * 7 / 10);

	cc->state.cubic.undo = *epoch;
	epoch->w_max = cc->cwnd < epoch->w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
	epoch->cwnd_prior = cc->cwnd;
	epoch->w_est = 0;
	cc->ssthresh = max_u32(left, 2 * e->mss);
	return left;
}

static void cubic_on_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	reduce(cc, e);
	cc->cwnd = cc->ssthresh;
}

static void cubic_on_ecn(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = max_u32(reduce(cc, e), e->mss);
}

/* Section 4.8: as Reno, with beta of CUBIC; the next epoch begins with its own window as w_max. */
static void cubic_on_timeout(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	reduce(cc, e);
	cc->state.cubic.epoch.w_max = 0;
	cc->cwnd = e->mss;
}

static void cubic_on_idle(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = min_u32(cc->cwnd, tcp_initial_window(e->mss));
	cc->state.cubic.epoch.w_est = 0;
}

static void cubic_on_undo(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	(void)e;
	cc->state.cubic.epoch = cc->state.cubic.undo;
}

const struct tcp_cc_ops tcp_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_loss = cubic_on_loss,
	.on_ecn = cubic_on_ecn,
	.on_timeout = cubic_on_timeout,
	.on_idle = cubic_on_idle,
	.on_undo = cubic_on_undo,
};
