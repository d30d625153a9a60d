/*
 * The delivery rate (tcp_rate.c; draft-ietf-ccwg-bbr section 4.1): marks on segments, and a sample for each
 * acknowledgement.
 */
#ifndef TCP_TCP_RATE_H
#define TCP_TCP_RATE_H

#include <stdint.h>

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

/* What the delivery rate is reckoned from when a segment is acknowledged (tcp_rate.c). */
struct tcp_rate_mark {
	uint64_t delivered, lost; /* the connection's counts when the segment was sent */
	uint64_t delivered_us;    /* when `delivered` last grew before */
	uint64_t first_sent_us;   /* where the flight that it belongs to began */
	uint32_t in_flight;       /* with it */
};

/* Delivery rate (draft-ietf-ccwg-bbr section 4.1). */
struct tcp_rate {
	uint64_t delivered, lost; /* bytes, since the connection began */
	uint64_t delivered_us;    /* when `delivered` last grew */
	uint64_t first_sent_us;   /* when the newest segment delivered was sent */
	uint64_t app_limited;     /* the application was the limit until this many are delivered; 0: it is
				not */
	uint64_t last;            /* the last sample, bytes a second */
};

void tcp_rate_sent(struct tcp_conn *c, struct tcp_segment *s);
void tcp_rate_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_segment *s);
void tcp_rate_partly_delivered(struct tcp_conn *c, uint32_t len);
void tcp_rate_sample(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_rate_check_app_limited(struct tcp_conn *c);

#endif
