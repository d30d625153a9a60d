/*
 * What a connection has only while it moves data (tcp_busy.c): send queue and flight, loss recovery,
 * congestion control, what was received and not taken, deadlines. One that rests does without; tcp_wake()
 * gives it a new one.
 */
#ifndef TCP_TCP_BUSY_H
#define TCP_TCP_BUSY_H

#include <stdint.h>

#include "base/list.h"
#include "base/timer.h"
#include "tcp/tcp.h"
#include "tcp/tcp_cc.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_rack.h"
#include "tcp/tcp_rate.h"
#include "tcp/tcp_receive_space.h"
#include "tcp/tcp_recovery.h"
#include "tcp/tcp_reorder.h"
#include "tcp/tcp_sack.h"
#include "tcp/tcp_send.h"
#include "tcp/tcp_undo.h"
#include "tcp/tcp_urgent.h"
#include "tcp/tcp_user_timeout.h"

struct tcp_busy {
	struct tcp_conn *conn;       /* whose it is */
	struct list node;            /* in tcp->busy, in the order of look_at_us */
	uint64_t look_at_us;         /* whether it rests by then */
	struct list accept;          /* in listener->accept_queue until accepted */
	struct tcp_listener *listener; /* passive, until accepted; else NULL */

	/* Round trip: the minimum's (RFC 8985 section 6.2) */
	uint32_t min_rtt_period_us, min_rtt_before_us; /* of this period, of the one before; 0: none */
	uint64_t min_rtt_until_us;   /* end of the period */

	/* Loss recovery */
	uint32_t last_acked;         /* bytes that the last new ACK covered */
	uint32_t pipe;               /* bytes in flight: neither acknowledged nor deemed lost (RFC 6675) */
	uint32_t lost_bytes, sacked_bytes; /* with pipe they make up snd.una to snd.nxt */
	uint32_t sacked_segments;
	uint32_t flight_segments;    /* records in `flight` */
	uint32_t transmissions;      /* of segments, for their order; wraps */
	uint32_t reno_sacked;        /* bytes that duplicate ACKs say have left the network */
	uint32_t ssthresh_told;      /* to observers */
	struct sack_block sacks_seen[TCP_SACK_BLOCKS]; /* in the last ACK: they need no second look */
	struct tcp_prr prr;
	struct tcp_undo undo;
	struct tcp_rack rack;
	struct tcp_rate rate;
	uint64_t paced_until_us;     /* the next segment may go then */

	/* Send queue: bytes from snd.una (SYN and FIN not counted) on */
	struct send_piece *send_tail;
	struct send_cursor send_head; /* first unacknowledged byte */
	struct send_cursor send_next; /* first byte never sent; piece NULL: none, or at the tail's end */
	uint32_t queued, unsent;      /* bytes in the queue, and of these never sent */
	uint32_t n_pieces;            /* in the queue */
	struct list flight;           /* struct tcp_segment */
	struct list outstanding, lost; /* the same, by condition */
	struct list *last_found, *last_lost; /* in these two, where one was put in between others last */

	/* Receive queue: in order, not taken; and out of order */
	struct list received;        /* struct rx_chunk */
	uint32_t received_bytes;
	struct tcp_receive_space space;
	struct tcp_reorder reorder;
	struct sack_block duplicates[TCP_DUPLICATES]; /* to be reported, oldest first */
	uint32_t n_duplicates;

	struct tcp_urgent urgent;

	/* Deadlines, TIMER_NEVER when not set (tcp_timers.c) */
	uint64_t retransmit_at;      /* retransmission, or window probe */
	uint64_t reorder_at;         /* what RACK waits for is lost then */
	uint64_t probe_at;           /* tail loss probe */
	uint64_t pace_at;            /* the next paced segment may go */
	uint64_t delayed_ack_at;
	struct tcp_user_timeout user_timeout;
	struct tcp_keepalive keepalive;
	uint64_t stuck_since_us;     /* first retransmission or probe since the last progress, or 0 */
	uint64_t challenge_us;       /* challenge_count's second began */
	uint8_t challenge_count;     /* challenge ACKs (RFC 5961) of one second */

	/* Congestion control. The algorithm's own state is made by itself: it comes last, and is not cleared
	 * before. */
	struct tcp_cc cc;
};

/* What is remembered of it while there is none. */
struct tcp_rested {
	const struct tcp_cc_ops *cc;
	uint32_t cwnd, ssthresh;
	uint64_t lost;               /* bytes */
};

/* For a new connection. False: no memory. */
bool tcp_busy_new(struct tcp_conn *c);
/* Queues are empty, or will not be missed. c may have none. */
void tcp_busy_free(struct tcp_conn *c);
/* It rested: a new one, with what was remembered. False: no memory. */
bool tcp_busy_renew(struct tcp_conn *c);
void tcp_busy_timer_fire(struct timer *t, uint64_t now_us);

#endif
