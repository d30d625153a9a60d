/* RACK-TLP: losses told by time, with SACK (tcp_rack.c; RFC 8985). */
#ifndef TCP_TCP_RACK_H
#define TCP_TCP_RACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

/* Section 5.2. */
struct tcp_rack {
	uint64_t sent_us;        /* RACK.xmit_ts: of the segments delivered, when the one sent last was
				sent */
	struct seq end;          /* RACK.end_seq: and its end */
	uint32_t order;          /* and its place among all transmissions */
	uint32_t rtt_us;         /* RACK.rtt: and how long it took */
	struct seq fack;         /* the highest sequence number delivered */
	struct seq dsack_round;  /* with dsack_in_round: reo_wnd grew, not again before snd.una gets here */
	struct seq probe_end;    /* TLP.end_seq, with probe_out */
	uint8_t reo_wnd_mult;    /* quarters of the minimum round trip */
	uint8_t reo_wnd_persist; /* recoveries until it falls back to one */
	bool reordering_seen, dsack_in_round;
	bool probe_out;          /* a loss probe is on its way ... */
	bool probe_retransmits;  /* ... and repeats data */
	bool probe_due;          /* the next output round sends one */
	bool probe_unmeasured;   /* no round trip was measured since the last one */
};

void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_delivery *d, const struct tcp_segment *s);
/* Marks what is lost now; true if anything is. */
bool tcp_rack_detect(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_rack_mark_on_timeout(struct tcp_conn *c);
void tcp_rack_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_rack_recovered(struct tcp_conn *c);
/* After how long a tail loss probe is to be sent; false if none is. */
bool tcp_rack_probe_timeout(const struct tcp_conn *c, uint64_t *us);
void tcp_rack_probe_sent(struct tcp_conn *c, bool retransmits);

#endif
