/* The path's MTU (tcp_mtu.c; RFC 1191, RFC 4821, RFC 8899). */
#ifndef TCP_TCP_MTU_H
#define TCP_TCP_MTU_H

#include <stdbool.h>
#include <stdint.h>


struct tcp_conn;
struct tcp_segment;

/* Sizes of IP packets. */
struct tcp_mtu {
	uint16_t current;        /* what full segments are made for */
	uint16_t low, high;      /* the search: low passes, above high nothing does */
	uint16_t probe;          /* of this size a probe is on its way; 0: none */
	uint16_t largest_acked;  /* maxsizeacked of RFC 5927 section 7.2 */
	uint16_t pending;        /* a router says so, and is believed if nothing arrives any more; 0: none */
	uint8_t failures;        /* of probes of one size */
	bool searching, halving;
	uint64_t next_us;        /* no probe before; no new search before */
};

void tcp_mtu_init(struct tcp_conn *c); /* the peer's MSS is known: sets mss */
void tcp_mtu_reported(struct tcp_conn *c, uint32_t mtu); /* by a router; 0: it did not say */
void tcp_mtu_on_timeout(struct tcp_conn *c);
bool tcp_mtu_wants_probe(struct tcp_conn *c, uint32_t *payload);
void tcp_mtu_probe_sent(struct tcp_conn *c, uint32_t payload);
void tcp_mtu_probe_lost(struct tcp_conn *c, struct tcp_segment *s);
void tcp_mtu_probe_cut(struct tcp_conn *c, struct tcp_segment *s); /* it is to be two segments */
void tcp_mtu_delivered(struct tcp_conn *c, const struct tcp_segment *s);

#endif
