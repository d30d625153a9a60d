/*
 * BBR, version 3 (draft-ietf-ccwg-bbr-06). It does not wait for loss: from each acknowledgement's delivery
 * rate and round-trip time it makes a model of the path (tcp_bbr_model.c), sends at the bandwidth that it
 * found, and keeps about twice the bandwidth-delay product in flight at most.
 *
 *   Startup       doubles the rate each round trip, until it does not bring more, or loss is high
 *   Drain         lets the queue run off that this made
 *   ProbeBW       DOWN, CRUISE, REFILL, UP, and round again (tcp_bbr_probe.c)
 *   ProbeRTT      from any of them, when the shortest RTT is 5 s old
 *
 * Two bounds come from loss: the long-term ones (inflight_longterm) say where probing hurt, the short-term
 * ones (bw_shortterm, inflight_shortterm) what the path delivers just now; each probe forgets the latter.
 *
 * Losses below 2 % are taken as the path's own. A congestion mark (RFC 3168) is taken as loss above that.
 */
#include "tcp/tcp_bbr.h"

#include "base/minmax.h"
#include "tcp/tcp_cc.h"

enum {
	STARTUP_FULL_LOSS_EVENTS = 6,
	DRAIN_ROUNDS = 3,
	PACING_MARGIN_PERCENT = 1,
	FIRST_RTT_US = 1000, /* while there is no sample */
};

/* Section 5.6.1's table. */
static const struct {
	uint16_t pacing_percent, cwnd_percent;
} gains[] = {
	[TCP_BBR_STARTUP] = { 277, 200 },         [TCP_BBR_DRAIN] = { 50, 200 },
	[TCP_BBR_PROBE_BW_DOWN] = { 90, 200 },    [TCP_BBR_PROBE_BW_CRUISE] = { 100, 200 },
	[TCP_BBR_PROBE_BW_REFILL] = { 100, 200 }, [TCP_BBR_PROBE_BW_UP] = { 125, 225 },
	[TCP_BBR_PROBE_RTT] = { 100, 50 },
};

void tcp_bbr_enter_startup(struct tcp_cc *cc)
{
	cc->state.bbr.mode = TCP_BBR_STARTUP;
	cc->ssthresh = UINT32_MAX; /* others are told so that this is slow start */
}

/* InitPacingRate(): the initial window in a round trip. */
static void init_pacing_rate(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	uint32_t rtt_us = e->srtt_us != 0 ? e->srtt_us : FIRST_RTT_US;

	cc->pacing_rate = (uint64_t)tcp_initial_window(e->mss) * 10000 *
			  gains[TCP_BBR_STARTUP].pacing_percent / rtt_us;
}

static void bbr_init(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	cc->cwnd = tcp_initial_window(e->mss);
	cc->state.bbr = (struct tcp_bbr_state){
		.min_rtt_us = UINT32_MAX,
		.probe_rtt_min_delay_us = UINT32_MAX,
		.inflight_longterm = TCP_BBR_NO_INFLIGHT,
		.undo_delivered = UINT32_MAX,
		.probe_up_acked_per_inc = UINT32_MAX,
	};
	tcp_bbr_reset_short_term(&cc->state.bbr);
	tcp_bbr_enter_startup(cc);
	init_pacing_rate(cc, e);
}

/* ---- Startup and Drain (5.3.1, 5.3.2) ---- */

/* Section 5.3.1.3. Acknowledgements that tell of loss stand for lost ranges, as in Linux. */
static void check_startup_high_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (s->mode != TCP_BBR_STARTUP || s->full_bw_reached)
		return;
	if (e->newly_lost > 0 && s->loss_events_in_round < UINT8_MAX)
		s->loss_events_in_round++;
	if (!s->loss_round_start)
		return;
	if (e->in_recovery && s->loss_events_in_round >= STARTUP_FULL_LOSS_EVENTS &&
	    tcp_bbr_is_loss_high(e->lost - e->rate->prior_lost, e->rate->tx_in_flight)) {
		s->undo_mode = TCP_BBR_STARTUP;
		s->full_bw_reached = true;
		s->inflight_longterm = max_u32(tcp_bbr_bdp(s, tcp_bbr_bw(s), 100, e->mss),
					       s->inflight_latest);
	}
	s->loss_events_in_round = 0;
}

static void check_startup_done(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	check_startup_high_loss(cc, e);
	if (s->mode != TCP_BBR_STARTUP || !s->full_bw_reached)
		return;
	s->mode = TCP_BBR_DRAIN;
	s->drain_rounds = 0;
	cc->ssthresh = tcp_bbr_min_pipe_cwnd(e->mss);
}

static void check_drain_done(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint32_t bdp;

	if (s->mode != TCP_BBR_DRAIN)
		return;
	if (s->round_start)
		s->drain_rounds++;
	bdp = tcp_bbr_bdp(s, tcp_bbr_bw(s), 100, e->mss);
	if (e->in_flight <= tcp_bbr_quantization_budget(cc, bdp, e->mss) || s->drain_rounds > DRAIN_ROUNDS)
		tcp_bbr_start_down(s, e);
}

/* ---- pacing rate and window (5.6) ---- */

/* Before the pipe was full once, the rate only rises: a slow application's samples do not hold it down. */
static void set_pacing_rate(struct tcp_cc *cc, uint32_t percent)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint64_t rate = tcp_bbr_bw(s) * percent / 100 * (100 - PACING_MARGIN_PERCENT) / 100;

	if ((s->full_bw_reached && rate != 0) || rate > cc->pacing_rate)
		cc->pacing_rate = rate;
}

static void bound_cwnd_for_model(struct tcp_cc *cc, uint32_t mss)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint32_t cap = TCP_MAX_CWND;

	if (s->mode == TCP_BBR_PROBE_RTT)
		cap = min_u32(tcp_bbr_probe_rtt_cwnd(s, mss), tcp_bbr_inflight_with_headroom(s, mss));
	else if (s->mode == TCP_BBR_PROBE_BW_CRUISE)
		cap = tcp_bbr_inflight_with_headroom(s, mss);
	else if (tcp_bbr_is_in_probe_bw(s))
		cap = s->inflight_longterm;
	cap = max_u32(min_u32(cap, s->inflight_shortterm), tcp_bbr_min_pipe_cwnd(mss));
	cc->cwnd = min_u32(cc->cwnd, min_u32(cap, TCP_MAX_CWND));
}

static void set_cwnd(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint64_t grown = (uint64_t)cc->cwnd + e->acked;
	uint64_t inflight = (uint64_t)tcp_bbr_bdp(s, tcp_bbr_bw(s), gains[s->mode].cwnd_percent, e->mss) +
			    tcp_bbr_extra_acked(s);
	uint32_t max_inflight = tcp_bbr_quantization_budget(cc, (uint32_t)min_u64(inflight, TCP_MAX_CWND),
							    e->mss);

	if (s->full_bw_reached)
		cc->cwnd = (uint32_t)min_u64(grown, max_inflight);
	else if (cc->cwnd < max_inflight || e->delivered < tcp_initial_window(e->mss))
		cc->cwnd = (uint32_t)min_u64(grown, TCP_MAX_CWND);
	cc->cwnd = max_u32(cc->cwnd, tcp_bbr_min_pipe_cwnd(e->mss));
	bound_cwnd_for_model(cc, e->mss);
}

/* ---- acknowledgements (5.2.3) ---- */

static void update_model_and_state(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	tcp_bbr_update_latest_signals(s, e);
	tcp_bbr_update_congestion_signals(cc, e);
	tcp_bbr_update_aggregation(cc, e);
	tcp_bbr_check_full_bw(s, e);
	check_startup_done(cc, e);
	check_drain_done(cc, e);
	tcp_bbr_update_probe_bw(cc, e);
	tcp_bbr_update_min_rtt(s, e);
	tcp_bbr_check_probe_rtt(cc, e);
	tcp_bbr_advance_latest_signals(s, e);
}

/* Without a rate sample an acknowledgement tells the model nothing. */
static void bbr_on_ack(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (!s->is_begun) {
		tcp_bbr_begin_model(s, e);
		init_pacing_rate(cc, e);
	}
	if (e->rate != NULL)
		update_model_and_state(cc, e);
	set_pacing_rate(cc, gains[s->mode].pacing_percent);
	set_cwnd(cc, e);
}

/* ---- loss and recovery (5.5.10, 5.5.11, 5.6.4.4) ---- */

void tcp_bbr_save_cwnd(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (!e->in_recovery && s->mode != TCP_BBR_PROBE_RTT)
		s->prior_cwnd = cc->cwnd;
	else
		s->prior_cwnd = max_u32(s->prior_cwnd, cc->cwnd);
}

void tcp_bbr_restore_cwnd(struct tcp_cc *cc)
{
	cc->cwnd = max_u32(cc->cwnd, cc->state.bbr.prior_cwnd);
}

/* What an undo would bring back. The draft saves at the first loss of each round trip; that would be too late
 * for what the first of many losses found at once changes, and for what the first round trip of a recovery
 * does. */
static void save_state(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (e->in_recovery || s->undo_delivered == (uint32_t)e->delivered)
		return;
	tcp_bbr_save_cwnd(cc, e);
	s->undo_delivered = (uint32_t)e->delivered;
	s->undo_mode = TCP_BBR_NONE;
	s->undo_bw_shortterm = s->bw_shortterm;
	s->undo_inflight_shortterm = s->inflight_shortterm;
	s->undo_inflight_longterm = s->inflight_longterm;
}

static void note_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	if (!s->is_loss_in_round)
		s->loss_round_delivered = e->delivered;
	s->is_loss_in_round = true;
	save_state(cc, e);
}

/*
 * Within which part of the segment, itself maybe many, did losses pass the threshold? The prefix p solves
 * (lost_prev + p) / (inflight_prev + p) = 2 %.
 */
static uint32_t inflight_at_loss(const struct tcp_cc_lost *p, uint64_t lost)
{
	uint64_t inflight_prev = p->tx_in_flight - min_u32(p->len, p->tx_in_flight);
	uint64_t lost_prev = lost - min_u64(p->len, lost);
	uint64_t allowed = inflight_prev * TCP_BBR_LOSS_THRESH_PERCENT;
	uint64_t prefix = allowed > lost_prev * 100
				  ? (allowed - lost_prev * 100) / (100 - TCP_BBR_LOSS_THRESH_PERCENT)
				  : 0;

	return (uint32_t)min_u64(inflight_prev + prefix, TCP_MAX_CWND);
}

static void bbr_on_segment_lost(struct tcp_cc *cc, const struct tcp_cc_event *e, const struct tcp_cc_lost *p)
{
	uint64_t lost = e->lost - p->prior_lost; /* since it was sent, with it */

	note_loss(cc, e);
	if (cc->state.bbr.is_bw_probe_sample && tcp_bbr_is_loss_high(lost, p->tx_in_flight))
		tcp_bbr_inflight_too_high(cc, e, inflight_at_loss(p, lost), p->app_limited);
}

static void bbr_on_loss(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	note_loss(cc, e);
}

/* Section 3.7 leaves the answer open; it must be one. */
static void bbr_on_ecn(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	note_loss(cc, e);
	if (cc->state.bbr.is_bw_probe_sample)
		tcp_bbr_inflight_too_high(cc, e, e->flight, e->app_limited);
}

static void bbr_on_timeout(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	note_loss(cc, e);
	cc->cwnd = e->in_flight + e->mss;
}

static void bbr_on_recovered(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	tcp_bbr_restore_cwnd(cc);
	bound_cwnd_for_model(cc, e->mss);
}

static void bbr_on_undo(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;
	uint8_t undo_mode = s->undo_mode;

	tcp_bbr_restore_cwnd(cc);
	s->is_loss_in_round = false;
	tcp_bbr_reset_full_bw(s);
	s->bw_shortterm = max_u64(s->bw_shortterm, s->undo_bw_shortterm);
	s->inflight_shortterm = max_u32(s->inflight_shortterm, s->undo_inflight_shortterm);
	s->inflight_longterm = max_u32(s->inflight_longterm, s->undo_inflight_longterm);
	s->undo_mode = TCP_BBR_NONE;
	if (undo_mode == TCP_BBR_STARTUP)
		s->full_bw_reached = false;
	if (undo_mode == s->mode || s->mode == TCP_BBR_PROBE_RTT)
		return;
	if (undo_mode == TCP_BBR_STARTUP)
		tcp_bbr_enter_startup(cc);
	else if (undo_mode == TCP_BBR_PROBE_BW_UP)
		tcp_bbr_start_refill(s, e);
}

/* Section 5.4: at the bandwidth that is known, neither a burst nor slow start. */
static void bbr_on_idle(struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	struct tcp_bbr_state *s = &cc->state.bbr;

	s->idle_restart = true;
	s->extra_acked_start_us = (uint32_t)e->now_us;
	if (tcp_bbr_is_in_probe_bw(s))
		set_pacing_rate(cc, 100);
	else if (s->mode == TCP_BBR_PROBE_RTT && tcp_bbr_is_probe_rtt_over(s, e))
		tcp_bbr_restore_cwnd(cc); /* the next acknowledgement leaves ProbeRTT */
}

const struct tcp_cc_ops tcp_bbr = {
	.name = "bbr",
	.owns_window = true,
	.init = bbr_init,
	.on_ack = bbr_on_ack,
	.on_loss = bbr_on_loss,
	.on_ecn = bbr_on_ecn,
	.on_timeout = bbr_on_timeout,
	.on_idle = bbr_on_idle,
	.on_segment_lost = bbr_on_segment_lost,
	.on_recovered = bbr_on_recovered,
	.on_undo = bbr_on_undo,
};
