/*
 * Congestion control behind one small table of functions. An algorithm reads what happened and answers with
 * cwnd, ssthresh and, if it paces, a rate; it neither sends nor sets timers. All quantities are bytes, bytes
 * a second and microseconds.
 *
 * Algorithms that only set a window (Reno, CUBIC) leave two things to tcp_recovery.c: the window during
 * recovery (PRR, RFC 9937) and the pacing rate (from cwnd and srtt). One that owns its window (BBR) does both
 * itself.
 */
#ifndef TCP_TCP_CC_H
#define TCP_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "tcp/seq.h"
#include "tcp/tcp_bbr.h"
#include "tcp/tcp_cubic.h"

/* No window grows beyond what a sequence number can tell apart. */
#define TCP_MAX_CWND (UINT32_MAX / 2)

/* What one acknowledgement says of the path's delivery rate
 * (draft-ietf-ccwg-bbr section 4.1; the newest segment that it delivers is the one that was sent last). */
struct tcp_rate_sample {
	uint64_t rate;            /* bytes a second; 0: no sample */
	uint64_t interval_us;
	uint64_t prior_delivered; /* `delivered` when the newest segment was sent: tells round trips apart */
	uint64_t prior_lost;      /* `lost` at that moment */
	uint32_t delivered;       /* bytes delivered between then and now */
	uint32_t tx_in_flight;    /* bytes in flight when the newest segment had been sent, with it */
	uint32_t rtt_us;          /* of the newest segment; 0: none (Karn) */
	bool app_limited;         /* the newest segment was sent while the application had no more to send */
};

struct tcp_cc_event {
	uint64_t now_us;
	uint32_t mss;
	uint32_t acked;        /* bytes newly delivered: acknowledged, or selectively so, for the first
				time */
	uint32_t newly_lost;   /* bytes deemed lost by this event */
	uint32_t flight;       /* bytes in flight before the event */
	uint32_t in_flight;    /* and after it */
	uint32_t srtt_us, min_rtt_us; /* 0: no sample yet */
	uint32_t rtt_us;       /* the event's own sample; 0: none */
	uint64_t delivered, lost; /* bytes, since the connection began */
	struct seq snd_una, snd_nxt; /* after the event: rounds of HyStart++ */
	bool cwnd_limited;     /* the window, not the application, held data back (RFC 7661's concern) */
	bool app_limited;      /* the application has nothing to send now */
	bool in_recovery;      /* loss recovery is going on, after a fast retransmission or a timeout */
	const struct tcp_rate_sample *rate; /* NULL: no sample */
	struct random *random; /* may be NULL in init */
};

/* One segment that was deemed lost: for algorithms that look at each. */
struct tcp_cc_lost {
	uint32_t len;
	uint32_t tx_in_flight; /* bytes in flight when it had been sent, with it */
	uint64_t prior_lost;   /* `lost` when it was sent */
	uint64_t prior_delivered;
	bool app_limited;
};

struct tcp_reno_state {
	uint32_t bytes_acked; /* counted towards the next increase (RFC 3465) */
};

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint32_t cwnd;        /* congestion window */
	uint32_t ssthresh;    /* slow start below it */
	uint32_t prior_cwnd, prior_ssthresh; /* before the last reduction; prior_cwnd 0: nothing to undo */
	uint64_t pacing_rate; /* bytes a second; 0: not paced. Written by algorithms that own their window,
				 else by tcp_pacing.c */
	union {
		struct tcp_reno_state reno;
		struct tcp_cubic_state cubic;
		struct tcp_bbr_state bbr;
	} state;
};

struct tcp_cc_ops {
	const char *name;
	bool owns_window; /* sets cwnd during recovery and the pacing rate too */
	/* The event says the time, the MSS and what is known of the round trip; nothing has happened yet. */
	void (*init)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* Something was delivered. Not called during fast recovery unless owns_window; called in the slow
	 * start that follows a timeout. */
	void (*on_ack)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* Loss was found: fast recovery begins. Sets ssthresh (and cwnd: PRR steers towards it). */
	void (*on_loss)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* The peer echoes a congestion mark, for the first time in this round trip (RFC 3168 section 6.1.2).
	 * Sets ssthresh and cwnd. NULL: as on_loss. */
	void (*on_ecn)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* The retransmission timer fired for the first time for this data. */
	void (*on_timeout)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* Transmission begins again after nothing was in flight for an RTO or longer (RFC 5681 section
	 * 4.1). */
	void (*on_idle)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* A segment was deemed lost; before on_loss or on_timeout. e->lost counts it. May be NULL. */
	void (*on_segment_lost)(struct tcp_cc *cc, const struct tcp_cc_event *e, const struct tcp_cc_lost *s);
	/* Recovery has ended. May be NULL. */
	void (*on_recovered)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* The last reduction was for nothing: the loss was none (F-RTO, Eifel, D-SACK). cwnd and ssthresh are
	 * restored by the caller before; an algorithm restores the rest. May be NULL. */
	void (*on_undo)(struct tcp_cc *cc, const struct tcp_cc_event *e);
};

extern const struct tcp_cc_ops tcp_bbr, tcp_cubic, tcp_reno;

/* NULL if there is no algorithm of that name. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);

/* A small number for an algorithm, and back. */
uint8_t tcp_cc_number(const struct tcp_cc_ops *ops);
const struct tcp_cc_ops *tcp_cc_of_number(uint8_t number);

/* Initial window of RFC 6928: min(10 * MSS, max(2 * MSS, 14600)). */
uint32_t tcp_initial_window(uint32_t mss);

/* What an acknowledgement adds in slow start: what it acknowledges, but no more than eight segments if
 * sending is not paced (RFC 9406 section 4.3's L). */
uint32_t tcp_slow_start_growth(const struct tcp_cc *cc, const struct tcp_cc_event *e);

/* The window grows by so much, but not beyond ssthresh: there congestion avoidance begins. */
void tcp_slow_start(struct tcp_cc *cc, uint32_t bytes);

#endif
