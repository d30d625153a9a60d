/*
 * Passive opens: listeners, and half-open connections as records (tcp_listen.c), as cookies (tcp_cookie.c) or
 * as blocks (tcp_fast_open.c).
 */
#ifndef TCP_TCP_LISTEN_H
#define TCP_TCP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp/tcp_cc.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_record.h"

struct tcp_in;

enum {
	TCP_SYN_STAGES = 16, /* retransmissions of a SYN-ACK are told apart up to here */
	TCP_NO_WSCALE = 15,  /* a shift is 14 at most (RFC 7323 section 2.3) */
};

struct tcp_listener {
	struct list node;         /* in tcp->listeners */
	struct tcp *tcp;
	struct ip_addr addr;      /* any: all of ours */
	uint16_t port;
	struct tcp_listener_handler handler;
	const struct tcp_cc_ops *cc;
	uint32_t accept_backlog;
	uint32_t syn_backlog;     /* 0: as many as there is room for */
	uint32_t syn_queued;      /* records of its half-open connections */
	struct list accept_queue; /* tcp_conn.accept, oldest first */
	uint32_t accept_queued;
};

/* A half-open connection: a SYN was answered, the third ACK has not come. */
struct tcp_syn {
	struct tcp_record record; /* queued with those that have equally many retransmissions, oldest first */
	struct seq iss, irs;
	uint32_t ts_recent;
	uint32_t sent_us;         /* when it entered its stage: world time in microseconds; wraps */
	uint16_t mss;
	uint16_t wscale : 4;      /* TCP_NO_WSCALE: not agreed on */
	uint16_t has_timestamp : 1;
	uint16_t sack_permitted : 1;
	uint16_t retries : 4;     /* SYN-ACKs sent again because time was over */
	uint16_t answered_again : 1; /* a SYN-ACK more went out because the SYN came again */
	uint16_t ecn : 1;         /* the peer offered ECN, and we take it */
};
_Static_assert(sizeof(struct tcp_syn) <= TCP_RECORD_SIZE, "64 bytes with its part of the tables");

struct tcp_listener *tcp_listener_find(const struct tcp *tcp, const struct ip_addr *addr, uint16_t port);
struct tcp_syn *tcp_syn_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
			     uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port);
/* A segment for a listener, or for a half-open connection. A third ACK (to a listener: one with a SYN
 * cookie) makes *established, which then takes the segment's text; else it is NULL. */
enum drop_reason tcp_listen_input(struct tcp_listener *l, struct tcp_in *in, uint64_t hash,
				  struct tcp_conn **established);
enum drop_reason tcp_syn_input(struct tcp_syn *syn, struct tcp_in *in, uint64_t hash,
			       struct tcp_conn **established);
/* Makes a connection block of a record, in SYN-RECEIVED: its SYN counts as sent, and as acknowledged by the
 * segment at hand. NULL: there is no room for one. */
struct tcp_conn *tcp_promote(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in);
void tcp_listener_established(struct tcp_conn *c);
void tcp_listener_forget(struct tcp_conn *c); /* c leaves the accept queue */
void tcp_syn_forget(struct tcp *tcp, struct tcp_syn *syn, uint64_t hash);
void tcp_syn_timer_fire(struct timer *t, uint64_t now_us);

/* SYN cookies. The record that is not kept is filled by the SYN, and again by the third ACK. */
/* Chooses syn->iss, and takes out of *syn what the cookie cannot carry. */
void tcp_cookie_make(struct tcp *tcp, struct tcp_syn *syn);
/* The TSval of the SYN-ACK, at the time `now` of the connection's timestamp clock. */
uint32_t tcp_cookie_timestamp(const struct tcp_syn *syn, uint32_t now);
/* Can there be one that is still good? */
bool tcp_cookies_are_out(const struct tcp *tcp);
/* False: the segment carries no good cookie. */
bool tcp_cookie_open(const struct tcp *tcp, const struct tcp_in *in, struct tcp_syn *syn);

/* Fast Open. */
/* The SYN has a good cookie and text, and there is room: a connection, which is in the accept queue. False:
 * an ordinary SYN. */
bool tcp_fast_open(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in);
/* Puts a cookie into the SYN-ACK, if the SYN asks for one or has an old one. */
void tcp_fast_open_offer(const struct tcp_in *in, struct tcp_options *o);
void tcp_fast_open_renew(const struct tcp_conn *c, struct tcp_options *o);
void tcp_fast_open_over(struct tcp_conn *c, bool by_reset); /* c leaves SYN-RECEIVED */
/* True if the SYN of such a connection came again: the SYN-ACK goes again. */
bool tcp_fast_open_repeats(struct tcp_conn *c, const struct tcp_in *in);

#endif
