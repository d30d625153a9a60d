/*
 * Congestion control behind one small table of functions. An algorithm reads what happened and answers with
 * cwnd and ssthresh; it neither sends nor sets timers. All quantities are bytes.
 */
#ifndef TCP_TCP_CC_H
#define TCP_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint32_t cwnd;      /* congestion window */
	uint32_t ssthresh;  /* slow start below it */
	uint32_t bytes_acked; /* counted towards the next increase (RFC 3465) */
};

struct tcp_cc_event {
	uint64_t now_us;
	uint32_t mss;
	uint32_t acked;      /* bytes that the segment acknowledged */
	uint32_t in_flight;  /* before the event */
	uint32_t srtt_us;
	bool cwnd_limited;   /* the window, not the application, held data back (RFC 7661's concern) */
};

struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* New data was acknowledged outside of loss recovery. */
	void (*on_ack)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* Loss was found by duplicate acknowledgements: recovery begins. Sets ssthresh and cwnd. */
	void (*on_loss)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* The retransmission timer fired for the first time for this data. */
	void (*on_timeout)(struct tcp_cc *cc, const struct tcp_cc_event *e);
	/* Nothing was sent for an RTO or longer (RFC 5681 section 4.1). */
	void (*on_idle)(struct tcp_cc *cc, const struct tcp_cc_event *e);
};

extern const struct tcp_cc_ops tcp_reno;

/* NULL if there is no algorithm of that name. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);

/* Initial window of RFC 6928: min(10 * MSS, max(2 * MSS, 14600)). */
uint32_t tcp_initial_window(uint32_t mss);

#endif
