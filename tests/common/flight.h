/*
 * Full-sized segments of one connection, numbered from 0 as a test of loss recovery thinks of them, over a
 * path with a round trip. Built on the scripted peer (peer.h).
 */
#ifndef TESTS_COMMON_FLIGHT_H
#define TESTS_COMMON_FLIGHT_H

#include "common/peer.h"
#include "tcp/tcp_conn.h"

enum { FLIGHT_MSS = 1460, FLIGHT_RTT_US = 100000 };

/* An established connection with one sample of the round trip: srtt = rtt_us, RTO three times that. syn: the
 * options of the SYN; NULL: SACK permitted and an MSS of 1460. */
void flight_open(struct peer *p, void (*tune)(struct stack_config *c), uint64_t rtt_us,
		 const struct seg *syn);
const struct tcp_conn *flight_conn(const struct peer *p);
const struct tcp_counters *flight_counters(const struct peer *p);

/* The sequence number of segment n. */
uint32_t flight_seq(const struct peer *p, uint32_t n);
/* The application writes n full segments. */
void flight_write(struct peer *p, uint32_t n);
/* Takes all that was sent; the number of segments. */
unsigned flight_drain(struct peer *p);
/* The next that was sent is segment n, whole. */
void flight_expect(struct peer *p, uint32_t n);
/* Segments first to last have been sent, in this order, and nothing more. */
void flight_expect_all(struct peer *p, uint32_t first, uint32_t last);

/* The peer acknowledges all before segment n; with a block: and holds those from left up to, but without,
 * right. */
void flight_ack(struct peer *p, uint32_t n);
void flight_sack(struct peer *p, uint32_t n, uint32_t left, uint32_t right);
/* Two blocks: the first may report a duplicate. */
void flight_sack_two(struct peer *p, uint32_t n, uint32_t left, uint32_t right, uint32_t left_2,
		     uint32_t right_2);

#endif
