/* Episodes of loss recovery (tcp_recovery.c), and how losses are found without SACK (tcp_newreno.c). */
#ifndef TCP_TCP_RECOVERY_H
#define TCP_TCP_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/tcp_cc.h"

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

enum { TCP_DUP_ACK_THRESHOLD = 3 }; /* RFC 5681 section 3.2 */

/* Proportional rate reduction (RFC 9937, which obsoletes RFC 6937). */
struct tcp_prr {
	uint32_t delivered;      /* since recovery began */
	uint32_t out;            /* sent since */
	uint32_t recover_flight; /* RecoverFS: bytes in flight when it began */
};

void tcp_recover(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_enter_recovery(struct tcp_conn *c, struct tcp_delivery *d, const char *why);
void tcp_mark_lost(struct tcp_conn *c, struct tcp_segment *s);
void tcp_mark_head_lost(struct tcp_conn *c);
void tcp_on_retransmission_timeout(struct tcp_conn *c);
void tcp_on_reordering_timeout(struct tcp_conn *c);
/* The handshake is done, but its SYN or SYN-ACK had to be sent again so many times. */
void tcp_on_syn_lost(struct tcp_conn *c, unsigned times);
void tcp_recovery_sent(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_init_congestion(struct tcp_conn *c);
struct tcp_cc_event tcp_cc_event(const struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_tell_cwnd(struct tcp_conn *c, uint32_t before, const char *note); /* and ssthresh */
void tcp_tell_recovery(struct tcp_conn *c, uint32_t before, const char *note); /* an episode, and these */

/* Without SACK: by counting. */
void tcp_newreno_on_duplicate_ack(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_newreno_on_partial_ack(struct tcp_conn *c, uint32_t acked);

#endif
