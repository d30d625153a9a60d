/*
 * BBR's state, and what its three files share: tcp_bbr.c (the order of steps, Startup, Drain, window and
 * pacing rate), tcp_bbr_model.c (what is known of the path) and tcp_bbr_probe.c (ProbeBW, ProbeRTT). Names
 * are those of draft-ietf-ccwg-bbr-06, whose sections the comments cite.
 */
#ifndef TCP_TCP_BBR_H
#define TCP_TCP_BBR_H

#include <stdbool.h>
#include <stdint.h>

enum tcp_bbr_mode {
	TCP_BBR_NONE, /* in undo_mode only */
	TCP_BBR_STARTUP,
	TCP_BBR_DRAIN,
	TCP_BBR_PROBE_BW_DOWN,
	TCP_BBR_PROBE_BW_CRUISE,
	TCP_BBR_PROBE_BW_REFILL,
	TCP_BBR_PROBE_BW_UP,
	TCP_BBR_PROBE_RTT,
};

/* What the acknowledgements that arrive say of bandwidth probing (section 2.14). */
enum tcp_bbr_ack_phase {
	TCP_BBR_ACKS_INIT,
	TCP_BBR_ACKS_REFILLING,
	TCP_BBR_ACKS_PROBE_STARTING,
	TCP_BBR_ACKS_PROBE_FEEDBACK,
	TCP_BBR_ACKS_PROBE_STOPPING,
};

enum { TCP_BBR_BETA_PERCENT = 70, TCP_BBR_LOSS_THRESH_PERCENT = 2 };

#define TCP_BBR_NO_BW UINT64_MAX       /* no bound on the bandwidth */
#define TCP_BBR_NO_INFLIGHT UINT32_MAX /* no bound on the data in flight */

/* Rates are bytes a second, volumes bytes. Times are the clock's lower 32 bits, of milliseconds where not
 * said otherwise: they wrap, and only differences are looked at. */
struct tcp_bbr_state {
	uint64_t next_round_delivered;
	uint64_t loss_round_delivered;
	uint64_t limited_until; /* what was sent before so much was delivered was held back by ProbeRTT */
	uint64_t max_bw[2];     /* of this ProbeBW cycle and of the one before */
	uint64_t bw_shortterm;
	uint64_t bw_latest;
	uint64_t full_bw;
	uint64_t undo_bw_shortterm;
	uint32_t min_rtt_us; /* UINT32_MAX: none yet */
	uint32_t min_rtt_stamp;
	uint32_t probe_rtt_min_delay_us;
	uint32_t probe_rtt_min_stamp;
	uint32_t probe_rtt_done_stamp;
	uint32_t cycle_stamp;
	uint32_t inflight_longterm;
	uint32_t inflight_shortterm;
	uint32_t inflight_latest;
	uint32_t
		undo_delivered; /* `delivered` when these were saved, lower bits: once for what is found at
				once */
	uint32_t undo_inflight_longterm;
	uint32_t undo_inflight_shortterm;
	uint32_t prior_cwnd;     /* the last that neither recovery nor ProbeRTT held down */
	uint32_t extra_acked[2]; /* maxima of two windows of rounds, the running one first */
	uint32_t extra_acked_delivered;
	uint32_t extra_acked_start_us; /* microseconds */
	uint32_t bw_probe_up_acked;
	uint32_t probe_up_acked_per_inc;
	uint16_t bw_probe_wait_ms;
	uint8_t mode; /* enum tcp_bbr_mode */
	uint8_t undo_mode;
	uint8_t ack_phase; /* enum tcp_bbr_ack_phase */
	uint8_t full_bw_count;
	uint8_t drain_rounds;
	uint8_t loss_events_in_round; /* saturates */
	uint8_t extra_acked_rounds;
	uint8_t bw_probe_up_rounds;
	uint8_t rounds_since_probe_up; /* saturates */
	bool is_begun : 1;             /* the first acknowledgement has come */
	bool round_start : 1;
	bool loss_round_start : 1;
	bool is_loss_in_round : 1;
	bool full_bw_now : 1;
	bool full_bw_reached : 1;
	bool is_bw_probe_sample : 1;
	bool prev_probe_too_high : 1;
	bool prev_probe_precautionary : 1;
	bool probe_rtt_expired : 1;
	bool probe_rtt_is_timed : 1; /* probe_rtt_done_stamp is set */
	bool probe_rtt_round_done : 1;
	bool idle_restart : 1;
};

struct tcp_cc;
struct tcp_cc_event;

/* ---- tcp_bbr_model.c ---- */

uint32_t tcp_bbr_now_ms(const struct tcp_cc_event *e);
void tcp_bbr_begin_model(struct tcp_bbr_state *s, const struct tcp_cc_event *e);

/* The steps of an acknowledgement that bring a rate sample, in section 5.2.3's order. */
void tcp_bbr_update_latest_signals(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_update_congestion_signals(struct tcp_cc *cc, const struct tcp_cc_event *e);
void tcp_bbr_update_aggregation(struct tcp_cc *cc, const struct tcp_cc_event *e);
void tcp_bbr_check_full_bw(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_update_min_rtt(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_advance_latest_signals(struct tcp_bbr_state *s, const struct tcp_cc_event *e);

void tcp_bbr_start_round(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_reset_full_bw(struct tcp_bbr_state *s);
void tcp_bbr_reset_congestion_signals(struct tcp_bbr_state *s);
void tcp_bbr_reset_short_term(struct tcp_bbr_state *s);
void tcp_bbr_advance_max_bw(struct tcp_bbr_state *s);

uint64_t tcp_bbr_max_bw(const struct tcp_bbr_state *s);
uint64_t tcp_bbr_bw(const struct tcp_bbr_state *s); /* max_bw within the short-term bound */
uint32_t tcp_bbr_extra_acked(const struct tcp_bbr_state *s);
/* percent of bw * min_rtt; the initial window while there is no RTT. */
uint32_t tcp_bbr_bdp(const struct tcp_bbr_state *s, uint64_t bw, uint32_t percent, uint32_t mss);
uint32_t tcp_bbr_min_pipe_cwnd(uint32_t mss);
uint32_t tcp_bbr_quantization_budget(const struct tcp_cc *cc, uint32_t inflight, uint32_t mss);
uint32_t tcp_bbr_inflight_with_headroom(const struct tcp_bbr_state *s, uint32_t mss);
/* Was more lost than LossThresh (2 %) of what was in flight? */
bool tcp_bbr_is_loss_high(uint64_t lost, uint32_t tx_in_flight);
/* Was the newest acknowledged segment sent while the application, or ProbeRTT, held data back? */
bool tcp_bbr_is_limited(const struct tcp_bbr_state *s, const struct tcp_cc_event *e);

/* ---- tcp_bbr_probe.c ---- */

bool tcp_bbr_is_in_probe_bw(const struct tcp_bbr_state *s);
void tcp_bbr_start_down(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_start_refill(struct tcp_bbr_state *s, const struct tcp_cc_event *e);
void tcp_bbr_update_probe_bw(struct tcp_cc *cc, const struct tcp_cc_event *e);
void tcp_bbr_check_probe_rtt(struct tcp_cc *cc, const struct tcp_cc_event *e);
/* Has it lasted long enough? */
bool tcp_bbr_is_probe_rtt_over(const struct tcp_bbr_state *s, const struct tcp_cc_event *e);
uint32_t tcp_bbr_probe_rtt_cwnd(const struct tcp_bbr_state *s, uint32_t mss);
/* Probing caused loss at so much in flight: that is the long-term bound. */
void tcp_bbr_inflight_too_high(struct tcp_cc *cc, const struct tcp_cc_event *e, uint32_t inflight,
			       bool limited);

/* ---- tcp_bbr.c ---- */

void tcp_bbr_enter_startup(struct tcp_cc *cc);
void tcp_bbr_save_cwnd(struct tcp_cc *cc, const struct tcp_cc_event *e);
void tcp_bbr_restore_cwnd(struct tcp_cc *cc);

#endif
