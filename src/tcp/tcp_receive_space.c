/* Receive buffer auto-tuning: the measurements. */
#include "tcp/tcp_receive_space.h"

#include "base/minmax.h"

enum {
	SPARE_SEGMENTS = 16,   /* for those that wait for a hole to be filled, or to be read */
	MAX_RTT_US = 10000000, /* what took longer waited for something else */
};

void tcp_receive_space_echo(struct tcp_receive_space *s, uint32_t echo, uint64_t ago_us)
{
	if (echo == s->last_echo || ago_us > MAX_RTT_US)
		return;
	s->last_echo = echo;
	if (ago_us == 0)
		ago_us = 1000; /* faster than the clock of timestamps */
	s->rtt_us = s->rtt_us == 0 ? (uint32_t)ago_us : (uint32_t)((7ull * s->rtt_us + ago_us) / 8);
}

/* To fill a window takes a round trip, or longer where the sender had less to send: the shortest counts. */
void tcp_receive_space_moved(struct tcp_receive_space *s, uint64_t now_us, struct seq rcv_nxt,
			     struct seq window_end)
{
	if (s->window_since_us != 0) {
		uint64_t us = max_u64(now_us - s->window_since_us, 1);
		if (seq_lt(rcv_nxt, s->window_end))
			return;
		if (us <= MAX_RTT_US && (s->rtt_us == 0 || us < s->rtt_us))
			s->rtt_us = (uint32_t)us;
	}
	s->window_since_us = now_us;
	s->window_end = window_end;
}

uint64_t tcp_receive_space_wanted(struct tcp_receive_space *s, uint64_t now_us, uint64_t taken,
				  uint32_t rtt_us, uint16_t mss)
{
	uint64_t elapsed = now_us - s->since_us, in_rtt, last = s->last_taken, wanted = 0;

	if (s->rtt_us != 0)
		rtt_us = s->rtt_us;
	if (rtt_us == 0 || (s->since_us != 0 && elapsed < rtt_us))
		return 0;
	if (s->since_us != 0) {
		/* A pause of the sender, or of the reader, is no round trip. */
		in_rtt = (taken - s->taken_before) * rtt_us / elapsed;
		wanted = 2 * in_rtt + SPARE_SEGMENTS * (uint64_t)mss;
		/* A rate that grows will have grown again before a wider window is told, and felt. */
		if (last > 0 && in_rtt > last)
			wanted += 2 * wanted * min_u64(in_rtt - last, last) / last;
		s->last_taken = in_rtt;
	}
	s->since_us = now_us;
	s->taken_before = taken;
	return wanted;
}
