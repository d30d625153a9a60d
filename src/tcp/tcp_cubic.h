/* CUBIC's state, and its two functions of time, which tests compare with real arithmetic. */
#ifndef TCP_TCP_CUBIC_H
#define TCP_TCP_CUBIC_H

#include <stdint.h>

#include "tcp/tcp_hystart.h"

/* What a reduction changes and an undo brings back (RFC 9438 section 4.9). Windows in bytes. */
struct tcp_cubic_epoch {
	uint32_t w_max;      /* where the curve is flat; 0: unknown */
	uint32_t cwnd_prior; /* the window before the last reduction; 0: there was none */
	uint32_t w_est;      /* what Reno would have by now; 0: the epoch has not begun */
	uint32_t w_est_rest; /* of the division by cwnd */
	uint32_t cwnd_rest;
	uint32_t k_ms;       /* when the curve reaches w_max */
	uint32_t elapsed_us; /* t: the time in this epoch during which the window was the limit */
	uint32_t counted_us; /* until when that is counted; the clock's lower 32 bits */
};

struct tcp_cubic_state {
	struct tcp_cubic_epoch epoch;
	struct tcp_cubic_epoch undo;
	struct tcp_hystart hystart;
};

/* RFC 9438 figure 2: K = cube root of ((w_max - cwnd) / C). Less than a millisecond too short. w_max >=
 * cwnd. */
uint32_t tcp_cubic_k_ms(uint32_t w_max, uint32_t cwnd, uint32_t mss);

/* RFC 9438 figure 1: W_cubic(t) = C * (t - K)^3 + w_max, within two bytes; 0 or TCP_MAX_CWND if it lies
 * beyond. */
uint32_t tcp_cubic_window(uint32_t w_max, uint32_t k_ms, uint32_t t_ms, uint32_t mss);

#endif
