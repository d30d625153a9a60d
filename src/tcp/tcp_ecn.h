/* Explicit congestion notification (tcp_ecn.c; RFC 3168). */
#ifndef TCP_TCP_ECN_H
#define TCP_TCP_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"

struct tcp_conn;
struct tcp_in;
struct tcp_delivery;

enum ecn_flags {
	ECN_AGREED = 1,
	ECN_ECHO = 2,    /* a mark arrived: ECE on every acknowledgement until CWR comes */
	ECN_CWR_DUE = 4, /* the next new data says that we have slowed down */
	ECN_REDUCED = 8, /* in this round trip, which ends at `until` */
};

struct tcp_ecn {
	struct seq until;
	uint8_t flags;           /* enum ecn_flags */
};

void tcp_ecn_received(struct tcp_conn *c, const struct tcp_in *in);
void tcp_ecn_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_ecn_reduced(struct tcp_conn *c); /* the window shrank, for whatever reason */
/* For a segment that leaves: ECE and CWR, and the codepoint of its IP header. */
uint8_t tcp_ecn_flags(struct tcp_conn *c, bool new_text);
uint8_t tcp_ecn_codepoint(const struct tcp_conn *c, bool new_text);

#endif
