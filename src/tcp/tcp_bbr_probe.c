/*
 * BBR's experiments once the pipe is full (sections 5.3.3 and 5.3.4). ProbeBW goes round: DOWN sends less and
 * drains the queue, CRUISE matches the path, REFILL fills the pipe for a round trip, UP sends more and looks
 * whether more arrives. ProbeRTT halves what is in flight for 200 ms, every 5 s at most, to see the path's
 * own round-trip time.
 */
#include "base/minmax.h"
#include "tcp/tcp_cc.h"

enum {
	PROBE_WAIT_MS = 2000, /* and up to a second more */
	PROBE_WAIT_SPREAD_MS = 1000,
	RENO_ROUNDS = 63, /* Reno and CUBIC get so many round trips between two probes, at most */
	MAX_UP_ROUNDS = 30,
	PROBE_RTT_DURATION_MS = 200,
	PROBE_RTT_CWND_PERCENT = 50,
};

bool tcp_bbr_is_in_probe_bw(const struct tcp_bbr_state *s)
{
	return s->mode >= TCP_BBR_PROBE_BW_DOWN && s->mode <= TCP_BBR_PROBE_BW_UP;
}

/* ---- ProbeBW: entering its states (5.3.3.9) ---- */

static void pick_probe_wait(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->rounds_since_probe_up = (uint8_t)random_below(e->random, 2);
	s->bw_probe_wait_ms = (uint16_t)(PROBE_WAIT_MS + random_below(e->random, PROBE_WAIT_SPREAD_MS + 1));
}

void tcp_bbr_start_down(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	tcp_bbr_reset_congestion_signals(s);
	s->probe_up_acked_per_inc = UINT32_MAX;
	pick_probe_wait(s, e);
	s->cycle_stamp = tcp_bbr_now_ms(e);
	s->ack_phase = TCP_BBR_ACKS_PROBE_STOPPING;
	tcp_bbr_start_round(s, e);
	s->mode = TCP_BBR_PROBE_BW_DOWN;
}

void tcp_bbr_start_refill(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	tcp_bbr_reset_short_term(s);
	s->bw_probe_up_rounds = 0;
	s->bw_probe_up_acked = 0;
	s->prev_probe_precautionary = false;
	s->ack_phase = TCP_BBR_ACKS_REFILLING;
	tcp_bbr_start_round(s, e);
	s->mode = TCP_BBR_PROBE_BW_REFILL;
}

/* The long-term bound grows by 1, 2, 4, 8... segments a round trip. */
static void raise_inflight_slope(struct tcp_cc *cc, uint32_t mss)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	s->probe_up_acked_per_inc = max_u32(cc->cwnd >> s->bw_probe_up_rounds, mss);
	if (s->bw_probe_up_rounds < MAX_UP_ROUNDS)
		s->bw_probe_up_rounds++;
}

static void start_up(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	s->is_bw_probe_sample = true;
	s->ack_phase = TCP_BBR_ACKS_PROBE_STARTING;
	tcp_bbr_start_round(s, e);
	tcp_bbr_reset_full_bw(s);
	s->full_bw = e->rate->rate;
	s->mode = TCP_BBR_PROBE_BW_UP;
	raise_inflight_slope(cc, e->mss);
}

/* ---- ProbeBW: leaving them ---- */

/* The estimated BDP, unless congestion cut the window. */
static uint32_t target_inflight(const struct tcp_cc *cc, uint32_t mss)
{
	const struct tcp_bbr_state *s = &cc->state.bbr;

	return min_u32(tcp_bbr_bdp(s, tcp_bbr_bw(s), 100, mss), cc->cwnd);
}

/* Section 5.3.3.8: after two to three seconds, or where Reno would be back at its window, whichever is
 * first. */
static bool is_time_to_probe(const struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	const struct tcp_bbr_state *s = &cc->state.bbr;

	return tcp_bbr_now_ms(e) - s->cycle_stamp > s->bw_probe_wait_ms ||
	       s->rounds_since_probe_up >= min_u32(target_inflight(cc, e->mss) / e->mss, RENO_ROUNDS);
}

static bool is_time_to_cruise(const struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	const struct tcp_bbr_state *s = &cc->state.bbr;
	uint32_t bdp = tcp_bbr_bdp(s, tcp_bbr_max_bw(s), 100, e->mss);

	return e->in_flight <= tcp_bbr_inflight_with_headroom(s, e->mss) &&
	       e->in_flight <= tcp_bbr_quantization_budget(cc, bdp, e->mss);
}

static bool is_bound_by_longterm(const struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	return e->cwnd_limited && cc->cwnd >= cc->state.bbr.inflight_longterm;
}

/* Sections 5.3.3.6 and 5.3.3.7. The bound is reached where no further segment fits below it. */
static bool is_time_to_go_down(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (s->prev_probe_too_high && (uint64_t)e->flight + e->mss > s->inflight_longterm) {
		s->prev_probe_precautionary =
			true; /* the probe before caused loss here: not for a whole round */
		return true;
	}
	if (is_bound_by_longterm(cc, e)) { /* a plateau that we made ourselves says nothing */
		tcp_bbr_reset_full_bw(s);
		s->full_bw = e->rate->rate;
		return false;
	}
	return s->full_bw_now;
}

/* ---- ProbeBW: the long-term bound ---- */

void tcp_bbr_inflight_too_high(struct tcp_cc *cc, const struct tcp_cc_event *e, uint32_t inflight,
			       bool limited)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	s->prev_probe_too_high = true;
	s->is_bw_probe_sample = false; /* once a probe */
	if (!limited)
		s->inflight_longterm = max_u32(inflight, (uint32_t)((uint64_t)target_inflight(cc, e->mss) *
								    TCP_BBR_BETA_PERCENT / 100));
	if (s->mode == TCP_BBR_PROBE_BW_UP) {
		s->undo_mode = TCP_BBR_PROBE_BW_UP;
		tcp_bbr_start_down(s, e);
	}
}

static void probe_inflight_upward(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint32_t steps;

	if (!is_bound_by_longterm(cc, e))
		return;
	s->bw_probe_up_acked += e->acked;
	steps = s->bw_probe_up_acked / s->probe_up_acked_per_inc;
	s->bw_probe_up_acked -= steps * s->probe_up_acked_per_inc;
	s->inflight_longterm = (uint32_t)min_u64(s->inflight_longterm + (uint64_t)steps * e->mss,
						 TCP_MAX_CWND);
	if (s->round_start)
		raise_inflight_slope(cc, e->mss);
}

static void raise_longterm(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (s->inflight_longterm == TCP_BBR_NO_INFLIGHT ||
	    tcp_bbr_is_loss_high(e->lost - e->rate->prior_lost, e->rate->tx_in_flight))
		return;
	s->inflight_longterm = max_u32(s->inflight_longterm, min_u32(e->rate->tx_in_flight, TCP_MAX_CWND));
	if (s->mode == TCP_BBR_PROBE_BW_UP)
		probe_inflight_upward(cc, e);
}

/* A round trip after UP the last of its feedback is in: a cycle of max_bw ends. True if REFILL begins at
 * once, because the probe had stopped out of caution and caused no loss. */
static bool end_of_probe_samples(struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	s->is_bw_probe_sample = false;
	s->ack_phase = TCP_BBR_ACKS_INIT;
	if (!tcp_bbr_is_in_probe_bw(s))
		return false;
	if (!tcp_bbr_is_limited(s, e))
		tcp_bbr_advance_max_bw(s);
	if (!s->prev_probe_precautionary || s->prev_probe_too_high)
		return false;
	tcp_bbr_start_refill(s, e);
	return true;
}

static bool adapt_longterm_model(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (s->round_start && s->ack_phase == TCP_BBR_ACKS_PROBE_STARTING)
		s->ack_phase = TCP_BBR_ACKS_PROBE_FEEDBACK;
	else if (s->round_start && s->ack_phase == TCP_BBR_ACKS_PROBE_STOPPING && end_of_probe_samples(s, e))
		return true;
	raise_longterm(cc, e);
	return false;
}

void tcp_bbr_update_probe_bw(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (!s->full_bw_reached || adapt_longterm_model(cc, e))
		return;
	switch (s->mode) {
	case TCP_BBR_PROBE_BW_DOWN:
		if (is_time_to_probe(cc, e))
			tcp_bbr_start_refill(s, e);
		else if (is_time_to_cruise(cc, e))
			s->mode = TCP_BBR_PROBE_BW_CRUISE;
		break;
	case TCP_BBR_PROBE_BW_CRUISE:
		if (is_time_to_probe(cc, e))
			tcp_bbr_start_refill(s, e);
		break;
	case TCP_BBR_PROBE_BW_REFILL:
		if (s->round_start)
			start_up(cc, e);
		break;
	case TCP_BBR_PROBE_BW_UP:
		if (is_time_to_go_down(cc, e)) {
			s->prev_probe_too_high = false; /* no high loss yet */
			tcp_bbr_start_down(s, e);
		}
		break;
	}
}

/* ---- ProbeRTT (5.3.4) ---- */

uint32_t tcp_bbr_probe_rtt_cwnd(const struct tcp_bbr_state *s, uint32_t mss)
{
	return max_u32(tcp_bbr_bdp(s, tcp_bbr_bw(s), PROBE_RTT_CWND_PERCENT, mss),
		       tcp_bbr_min_pipe_cwnd(mss));
}

static void enter_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	tcp_bbr_save_cwnd(cc, e);
	s->mode = TCP_BBR_PROBE_RTT;
	s->probe_rtt_is_timed = false;
	s->ack_phase = TCP_BBR_ACKS_PROBE_STOPPING;
	tcp_bbr_start_round(s, e);
}

/* What is in flight is below the BDP already: DOWN is passed over. */
static void exit_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	tcp_bbr_reset_short_term(s);
	if (!s->full_bw_reached) {
		tcp_bbr_enter_startup(cc);
		return;
	}
	tcp_bbr_start_down(s, e);
	s->mode = TCP_BBR_PROBE_BW_CRUISE;
}

bool tcp_bbr_is_probe_rtt_over(const struct tcp_bbr_state *s, const struct tcp_cc_event *e)
{
	return s->probe_rtt_is_timed && (int32_t)(tcp_bbr_now_ms(e) - s->probe_rtt_done_stamp) > 0;
}

static void check_probe_rtt_done(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (!s->probe_rtt_round_done || !tcp_bbr_is_probe_rtt_over(s, e))
		return;
	s->probe_rtt_min_stamp = tcp_bbr_now_ms(e); /* the next one is due from here */
	tcp_bbr_restore_cwnd(cc);
	exit_probe_rtt(cc, e);
}

static void handle_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	s->limited_until = e->delivered + e->in_flight; /* low rates now say nothing of the path */
	if (!s->probe_rtt_is_timed) {
		if (e->in_flight > tcp_bbr_probe_rtt_cwnd(s, e->mss))
			return;
		s->probe_rtt_done_stamp = tcp_bbr_now_ms(e) + PROBE_RTT_DURATION_MS;
		s->probe_rtt_is_timed = true;
		s->probe_rtt_round_done = false;
		tcp_bbr_start_round(s, e);
		return;
	}
	if (s->round_start)
		s->probe_rtt_round_done = true;
	check_probe_rtt_done(cc, e);
}

/* After an idle time the queue had time to drain: no need to make it. */
void tcp_bbr_check_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (s->mode != TCP_BBR_PROBE_RTT && s->probe_rtt_expired && !s->idle_restart)
		enter_probe_rtt(cc, e);
	if (s->mode == TCP_BBR_PROBE_RTT)
		handle_probe_rtt(cc, e);
	if (e->rate->delivered > 0)
		s->idle_restart = false;
}
