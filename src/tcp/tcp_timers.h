/* The timers of a connection (tcp_timers.c): callers report events, that file knows deadlines. */
#ifndef TCP_TCP_TIMERS_H
#define TCP_TCP_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_conn;
struct tcp_segment;

void tcp_timers_init(struct tcp_conn *c);
void tcp_timers_clear(struct tcp_conn *c);          /* of a new tcp_busy */
bool tcp_timers_are_clear(const struct tcp_conn *c); /* none is set but that of keep-alive */
bool tcp_timers_run(const struct tcp_conn *c);      /* no deadline will be missed; with TH_CHECKS */
void tcp_timers_stop(struct tcp_conn *c);
/* A segment went out, and must be acknowledged. */
void tcp_timers_data_sent(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_timers_acked(struct tcp_conn *c, bool sampled); /* snd.una moved; was the round trip measured? */
void tcp_timers_reordering(struct tcp_conn *c, uint64_t wait_us); /* RACK waits so long; 0: for nothing */
void tcp_timers_paced(struct tcp_conn *c);          /* something waits until paced_until_us */
void tcp_timers_window_opened(struct tcp_conn *c);  /* it was closed, and probed */
void tcp_timers_segment_received(struct tcp_conn *c); /* the peer is alive */
void tcp_timers_text_received(struct tcp_conn *c);  /* an ACK is owed */
void tcp_timers_ack_sent(struct tcp_conn *c);
void tcp_timers_state_entered(struct tcp_conn *c);
void tcp_timers_blocked(struct tcp_conn *c);        /* data waits and nothing is in flight */
void tcp_timers_no_memory(struct tcp_conn *c);      /* it rests, and cannot be woken though it has to do */

#endif
