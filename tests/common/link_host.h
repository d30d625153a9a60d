/*
 * A host up to its link layer, for tests: MAC address 02:00:00:00:00:02, and 10.77.0.2 once link_host_claim()
 * was called. Frames are put in as bytes, and what goes out is looked at as bytes. Times are virtual.
 */
#ifndef COMMON_LINK_HOST_H
#define COMMON_LINK_HOST_H

#include "link/arp.h"
#include "link/link.h"
#include "link/neighbour.h"

enum {
	LINK_HOST_US = 0x0a4d0002,   /* 10.77.0.2 */
	LINK_HOST_PEER = 0x0a4d0009, /* 10.77.0.9, at 02:00:00:00:01:09 */
	LINK_HOST_START_US = 5000000,
	LINK_HOST_FRAME = 14 + 65535,
};

struct link_host {
	struct world world;
	struct link link;
	struct log log;
	unsigned log_lines;
	char log_text[256];           /* the last line */
	uint16_t ethertype;           /* these two: what the last link_host_put() gave to the layer above */
	struct bytes payload;
	uint8_t *in;                  /* the last frame put in, in memory of just its size */
	uint8_t out[LINK_HOST_FRAME]; /* link_host_sent() */
};

extern const struct mac_addr link_host_mac, link_host_peer_mac;

struct link_host *link_host_new(uint32_t mtu, uint64_t seed);
void link_host_free(struct link_host *h);

/* Adds 10.77.0.2 and throws its announcement away. The second one is not sent until time moves. */
void link_host_claim(struct link_host *h);

void link_host_advance(struct link_host *h, uint64_t us);

enum drop_reason link_host_put(struct link_host *h, const void *frame, size_t len);

/* An ARP packet to us, padded to 60 bytes. */
enum drop_reason link_host_put_arp(struct link_host *h, uint16_t operation, uint32_t sender_ip,
				   const struct mac_addr *sender_mac, uint32_t target_ip);

/* 02:00:00:00 and the low 16 bits: the MAC address that tests give to a made-up IPv4 address; the peer's
 * is 02:…:01:09. */
struct mac_addr link_host_mac_of(uint32_t ip);

/* A frame of payload to next_hop through link_output(). */
enum drop_reason link_host_send(struct link_host *h, uint32_t next_hop, const void *payload, size_t len,
				uint32_t *hint);

/* The i-th frame that waits to be sent, valid until the next call. */
struct bytes link_host_sent(struct link_host *h, unsigned i);

/* Asserts that just this frame waits, and throws it away. */
void link_host_expect(struct link_host *h, const void *frame, size_t len);
/* Asserts that nothing waits. */
void link_host_expect_nothing(struct link_host *h);
/* Asserts that an ARP request for target to this MAC address waits, and nothing else; throws it away. */
void link_host_expect_request(struct link_host *h, uint32_t target, const struct mac_addr *to);
/* Asserts that a frame of this payload to this MAC address waits, and nothing else; throws it away. */
void link_host_expect_payload(struct link_host *h, const struct mac_addr *to, const void *payload,
			      size_t len);

/* Sum of all drop counters: to see that a discard is counted just once. */
uint64_t link_host_drops(const struct link_host *h);

#endif
