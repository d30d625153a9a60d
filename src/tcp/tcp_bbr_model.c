/* What BBR knows of the path: bandwidth, round-trip time, aggregation, and the bounds that losses taught
 * (section 5.5). */
#include "base/minmax.h"
#include "tcp/tcp_cc.h"

enum {
	FULL_BW_ROUNDS = 3,
	FULL_BW_GROWTH_PERCENT = 125,
	HEADROOM_PERCENT = 15,
	MIN_PIPE_SEGMENTS = 4,
	EXTRA_ACKED_WINDOW_ROUNDS = 5, /* two of them: ExtraAckedFilterLen */
	MIN_RTT_FILTER_MS = 10000,
	PROBE_RTT_INTERVAL_MS = 5000,
	QUANTA_IN_FLIGHT = 3, /* offload_budget, section 5.5.8.1 */
	MAX_QUANTUM = 65536,
};

/* Beyond these a number is a mistake; within them products fit 64 bits. */
#define BW_LIMIT (1ull << 35)    /* bytes a second */
#define TIME_LIMIT_US (1u << 28) /* 268 s */

uint32_t tcp_bbr_now_ms(const struct tcp_cc_event *e)
{
	return (uint32_t)(e->now_us / 1000);
}

void tcp_bbr_begin_model(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->min_rtt_stamp = s->probe_rtt_min_stamp = tcp_bbr_now_ms(e);
	s->extra_acked_start_us = (uint32_t)e->now_us;
	s->is_begun = true;
}

/* ---- rounds (5.5.1) ---- */

void tcp_bbr_start_round(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->next_round_delivered = e->delivered;
}

static void update_round(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->round_start = e->rate->prior_delivered >= s->next_round_delivered;
	if (!s->round_start)
		return;
	tcp_bbr_start_round(s, e);
	if (s->rounds_since_probe_up < UINT8_MAX)
		s->rounds_since_probe_up++;
}

/* ---- bandwidth (5.5.2 to 5.5.6) ---- */

uint64_t tcp_bbr_max_bw(const struct tcp_bbr_state *s)
{
	return max_u64(s->max_bw[0], s->max_bw[1]);
}

uint64_t tcp_bbr_bw(const struct tcp_bbr_state *s)
{
	return min_u64(tcp_bbr_max_bw(s), s->bw_shortterm);
}

bool tcp_bbr_is_limited(const struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	return e->rate->app_limited || e->rate->prior_delivered < s->limited_until;
}

static uint64_t rate_of(const struct tcp_cc_event *e)
{
	return min_u64(e->rate->rate, BW_LIMIT);
}

/* A sample that the application held down says nothing, unless it is the highest. */
static void update_max_bw(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	uint64_t rate = rate_of(e);

	update_round(s, e);
	if (rate >= tcp_bbr_max_bw(s) || !tcp_bbr_is_limited(s, e))
		s->max_bw[0] = max_u64(s->max_bw[0], rate);
}

/* A cycle without any sample does not push the older ones out. */
void tcp_bbr_advance_max_bw(struct tcp_bbr_state *s)
{
	if (s->max_bw[0] == 0)
		return;
	s->max_bw[1] = s->max_bw[0];
	s->max_bw[0] = 0;
}

/* ---- is the pipe full? (5.3.1.2) ---- */

void tcp_bbr_reset_full_bw(struct tcp_bbr_state *s)
{
	s->full_bw = 0;
	s->full_bw_count = 0;
	s->full_bw_now = false;
}

void tcp_bbr_check_full_bw(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	if (s->full_bw_now || !s->round_start || tcp_bbr_is_limited(s, e))
		return;
	if (rate_of(e) * 100 >= s->full_bw * FULL_BW_GROWTH_PERCENT) { /* still growing */
		tcp_bbr_reset_full_bw(s);
		s->full_bw = rate_of(e);
		return;
	}
	if (++s->full_bw_count >= FULL_BW_ROUNDS)
		s->full_bw_now = s->full_bw_reached = true;
}

/* ---- the latest delivery, and what losses say (5.5.10.3) ---- */

void tcp_bbr_update_latest_signals(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->bw_latest = max_u64(s->bw_latest, rate_of(e));
	s->inflight_latest = max_u32(s->inflight_latest, e->rate->delivered);
	s->loss_round_start = e->rate->prior_delivered >= s->loss_round_delivered;
	if (s->loss_round_start)
		s->loss_round_delivered = e->delivered;
}

void tcp_bbr_advance_latest_signals(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	if (!s->loss_round_start)
		return;
	s->bw_latest = rate_of(e);
	s->inflight_latest = e->rate->delivered;
}

void tcp_bbr_reset_congestion_signals(struct tcp_bbr_state *s)
{
	s->is_loss_in_round = false;
	s->bw_latest = 0;
	s->inflight_latest = 0;
}

void tcp_bbr_reset_short_term(struct tcp_bbr_state *s)
{
	s->bw_shortterm = TCP_BBR_NO_BW;
	s->inflight_shortterm = TCP_BBR_NO_INFLIGHT;
}

static bool is_probing_bw(const struct tcp_bbr_state *s)
{
	return s->mode == TCP_BBR_STARTUP || s->mode == TCP_BBR_PROBE_BW_REFILL ||
	       s->mode == TCP_BBR_PROBE_BW_UP;
}

/* Down to what is delivered, but by no more than beta a round trip. */
static void lower_short_term(struct tcp_bbr_state *s, uint32_t cwnd)
{
	if (s->bw_shortterm == TCP_BBR_NO_BW)
		s->bw_shortterm = tcp_bbr_max_bw(s);
	if (s->inflight_shortterm == TCP_BBR_NO_INFLIGHT)
		s->inflight_shortterm = cwnd;
	s->bw_shortterm = max_u64(s->bw_latest, s->bw_shortterm * TCP_BBR_BETA_PERCENT / 100);
	s->inflight_shortterm = max_u32(
		s->inflight_latest, (uint32_t)((uint64_t)s->inflight_shortterm * TCP_BBR_BETA_PERCENT / 100));
}

void tcp_bbr_update_congestion_signals(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	update_max_bw(s, e);
	if (!s->loss_round_start)
		return;
	if (s->is_loss_in_round && !is_probing_bw(s))
		lower_short_term(s, cc->cwnd);
	s->is_loss_in_round = false;
}

bool tcp_bbr_is_loss_high(uint64_t lost, uint32_t tx_in_flight)
{
	return lost * 100 > (uint64_t)tx_in_flight * TCP_BBR_LOSS_THRESH_PERCENT;
}

/* ---- aggregation (5.5.9) ---- */

uint32_t tcp_bbr_extra_acked(const struct tcp_bbr_state *s)
{
	return max_u32(s->extra_acked[0], s->extra_acked[1]);
}

static void keep_extra_acked(struct tcp_bbr_state *s, uint32_t extra)
{
	uint8_t window = s->full_bw_reached ? EXTRA_ACKED_WINDOW_ROUNDS : 1;

	if (s->round_start && ++s->extra_acked_rounds >= window) {
		s->extra_acked_rounds = 0;
		s->extra_acked[1] = s->extra_acked[0];
		s->extra_acked[0] = 0;
	}
	s->extra_acked[0] = max_u32(s->extra_acked[0], extra);
}

/* How much more was acknowledged than bw explains since the acknowledgements fell behind it last. */
void tcp_bbr_update_aggregation(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint32_t interval_us = min_u32((uint32_t)e->now_us - s->extra_acked_start_us, TIME_LIMIT_US);
	uint64_t expected = min_u64(tcp_bbr_bw(s), BW_LIMIT) * interval_us / 1000000;

	if (s->extra_acked_delivered <= expected) {
		s->extra_acked_delivered = 0;
		s->extra_acked_start_us = (uint32_t)e->now_us;
		expected = 0;
	}
	s->extra_acked_delivered = (uint32_t)min_u64((uint64_t)s->extra_acked_delivered + e->acked,
						     UINT32_MAX);
	if (s->extra_acked_delivered > expected)
		keep_extra_acked(s, min_u32((uint32_t)(s->extra_acked_delivered - expected), cc->cwnd));
	else
		keep_extra_acked(s, 0);
}

/* ---- round-trip time (5.5.7, 5.3.4.3) ---- */

void tcp_bbr_update_min_rtt(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	uint32_t rtt_us = e->rate->rtt_us, now = tcp_bbr_now_ms(e);

	s->probe_rtt_expired = now - s->probe_rtt_min_stamp > PROBE_RTT_INTERVAL_MS;
	if (rtt_us != 0 && (rtt_us < s->probe_rtt_min_delay_us || s->probe_rtt_expired)) {
		s->probe_rtt_min_delay_us = rtt_us;
		s->probe_rtt_min_stamp = now;
	}
	if (s->probe_rtt_min_delay_us < s->min_rtt_us || now - s->min_rtt_stamp > MIN_RTT_FILTER_MS) {
		s->min_rtt_us = s->probe_rtt_min_delay_us;
		s->min_rtt_stamp = s->probe_rtt_min_stamp;
	}
}

/* ---- volumes (5.6.4.2) ---- */

uint32_t tcp_bbr_min_pipe_cwnd(uint32_t mss)
{
	return MIN_PIPE_SEGMENTS * mss;
}

uint32_t tcp_bbr_bdp(const struct tcp_bbr_state *s, uint64_t bw, uint32_t percent, uint32_t mss)
{
	uint64_t bdp;

	if (s->min_rtt_us == UINT32_MAX)
		return tcp_initial_window(mss);
	bdp = min_u64(bw, BW_LIMIT) * min_u32(s->min_rtt_us, TIME_LIMIT_US) / 1000000;
	return (uint32_t)min_u64(bdp * percent / 100, TCP_MAX_CWND);
}

/* Section 5.6.3: what is sent at once, a millisecond's worth. tcp_pacing.c sends in such bursts. */
static uint32_t send_quantum(const struct tcp_cc *cc, uint32_t mss)
{
	return max_u32((uint32_t)min_u64(cc->pacing_rate / 1000, MAX_QUANTUM), 2 * mss);
}

uint32_t tcp_bbr_quantization_budget(const struct tcp_cc *cc, uint32_t inflight, uint32_t mss)
{
	inflight = max_u32(inflight, QUANTA_IN_FLIGHT * send_quantum(cc, mss));
	inflight = max_u32(inflight, tcp_bbr_min_pipe_cwnd(mss));
	return cc->state.bbr.mode == TCP_BBR_PROBE_BW_UP ? inflight + 2 * mss : inflight;
}

/* Some of the room that was found is left to others. */
uint32_t tcp_bbr_inflight_with_headroom(const struct tcp_bbr_state *s, uint32_t mss)
{
	uint32_t headroom;

	if (s->inflight_longterm == TCP_BBR_NO_INFLIGHT)
		return TCP_BBR_NO_INFLIGHT;
	headroom = max_u32(mss, (uint32_t)((uint64_t)s->inflight_longterm * HEADROOM_PERCENT / 100));
	return max_u32(s->inflight_longterm - min_u32(headroom, s->inflight_longterm),
		       tcp_bbr_min_pipe_cwnd(mss));
}
