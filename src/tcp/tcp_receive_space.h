/*
 * How large the receive buffer should be: what the layer above takes in a round trip, twice, so that a sender
 * whose congestion window doubles is never held up by our window (dynamic right-sizing). One connection's
 * measurements; it knows nothing of the rest of it.
 */
#ifndef TCP_TCP_RECEIVE_SPACE_H
#define TCP_TCP_RECEIVE_SPACE_H

#include <stdint.h>

#include "tcp/seq.h"

struct tcp_receive_space {
	/* The round trip as the receiver sees it, 0: not known */
	uint32_t rtt_us;
	uint32_t last_echo;     /* the timestamp that gave the last sample */
	struct seq window_end;  /* without timestamps: when the numbers up to here have come ... */
	uint64_t window_since_us; /* ... a window has been filled since then; 0: not begun */
	/* What was taken in it */
	uint64_t since_us;      /* the round trip under measurement began; 0: none yet */
	uint64_t taken_before;  /* bytes taken in the connection's life by then */
	uint64_t last_taken;    /* in the round trip before it */
};

/* A segment of full size echoed our timestamp of `ago_us` ago. */
void tcp_receive_space_echo(struct tcp_receive_space *s, uint32_t echo, uint64_t ago_us);

/* Without timestamps: rcv.nxt moved, and the peer may send as far as window_end. */
void tcp_receive_space_moved(struct tcp_receive_space *s, uint64_t now_us, struct seq rcv_nxt,
			     struct seq window_end);

/* The layer above has taken so many bytes in the connection's life. Returns the buffer that would suit, or 0
 * while a round trip (rtt_us where none was measured here; 0: unknown) is not over. */
uint64_t tcp_receive_space_wanted(struct tcp_receive_space *s, uint64_t now_us, uint64_t taken,
				  uint32_t rtt_us, uint16_t mss);

#endif
