/*
 * HyStart++ (RFC 9406): ends slow start when round trips grow longer, which tells of a queue before loss
 * does.
 *
 * Round trips are marked by sequence numbers, and the shortest RTT of one is compared with that of the one
 * before. A clear rise leads to Conservative Slow Start (CSS), in which the window grows a quarter as fast.
 * If RTTs fall below what they were then, the rise was jitter, and slow start goes on; after CSS_ROUNDS round
 * trips it is over.
 */
#ifndef TCP_TCP_HYSTART_H
#define TCP_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"

enum { TCP_HYSTART_CSS_GROWTH_DIVISOR = 4 };

enum tcp_hystart_phase {
	TCP_HYSTART_SLOW_START,
	TCP_HYSTART_CSS, /* the window grows by 1 / TCP_HYSTART_CSS_GROWTH_DIVISOR of what slow start gives */
	TCP_HYSTART_OVER, /* congestion avoidance begins: ssthresh = cwnd */
};

struct tcp_hystart {
	struct seq window_end;       /* snd.nxt when the round began: its acknowledgement ends the round */
	uint32_t last_round_min_rtt; /* microseconds; UINT32_MAX: none */
	uint32_t current_round_min_rtt;
	uint32_t css_baseline_min_rtt; /* what a rise to made us enter CSS */
	uint8_t rtt_sample_count;      /* of this round; does not count beyond what is asked */
	uint8_t css_rounds;
	uint8_t phase;    /* enum tcp_hystart_phase */
	bool is_in_round; /* window_end is set */
};

struct tcp_cc_event;

void tcp_hystart_init(struct tcp_hystart *h);

/* For each acknowledgement in the first slow start, whether or not the window grows by it. */
enum tcp_hystart_phase tcp_hystart_on_ack(struct tcp_hystart *h, const struct tcp_cc_event *e);

#endif
