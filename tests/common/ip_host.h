/*
 * A host up to its network layer, for tests: 10.77.0.2/24 on a link where 10.77.0.1 (the gateway)
 * and 10.77.0.9 are known neighbours. IPv4 packets are built field by field, put in, and what goes out is
 * looked at as bytes.
 */
#ifndef COMMON_IP_HOST_H
#define COMMON_IP_HOST_H

#include "ip/ip.h"
#include "link/link.h"

enum {
	IP_HOST_US = 0x0a4d0002,        /* 10.77.0.2 */
	IP_HOST_GATEWAY = 0x0a4d0001,   /* 10.77.0.1 */
	IP_HOST_PEER = 0x0a4d0009,      /* 10.77.0.9 */
	IP_HOST_BROADCAST = 0x0a4d00ff, /* 10.77.0.255 */
	IP_HOST_FAR = 0x08080808,       /* 8.8.8.8: behind the gateway */
	IP_HOST_START_US = 1000000,
	IP_HOST_MAX = 14 + 65535 + 64,
};

struct ip_host {
	struct world world;
	struct link link;
	struct ip ip;
	struct rx_frame frame; /* the last one put in */
	struct ip_packet packet;
	struct icmp_error error;
	enum drop_reason reason;
	uint8_t *in; /* its bytes, in memory of just that size: a sanitizer sees a read past the end */
	uint8_t built[IP_HOST_MAX];
	uint8_t out[IP_HOST_MAX]; /* ip_host_sent() */
};

/* An IPv4 packet to be built; what is 0 stands for the usual value. */
struct ip4_spec {
	uint32_t src, dst; /* 0: IP_HOST_PEER, IP_HOST_US */
	uint8_t protocol;  /* 0: UDP */
	uint8_t ttl;       /* 0: 64 */
	uint8_t tos;
	uint16_t id;
	uint16_t field; /* flags and fragment offset as they stand in the header */
	const void *options;
	size_t options_len; /* a multiple of 4 */
	const void *payload;
	size_t payload_len;
};

/* Ends the test with an assertion when there is no memory. */
struct ip_host *ip_host_new(uint32_t mtu);
void ip_host_free(struct ip_host *h);

/* Writes the packet, with a right checksum, and returns its length. */
size_t ip4_build(uint8_t *out, const struct ip4_spec *spec);
/* After a change to the header's bytes. */
void ip4_mend_checksum(uint8_t *packet);

/* Puts an IPv4 packet in a frame to our MAC address through link and IP. The outcome is in h->packet, error
 * and reason. */
enum ip_verdict ip_host_put(struct ip_host *h, const uint8_t *packet, size_t len);
enum ip_verdict ip_host_put_spec(struct ip_host *h, const struct ip4_spec *spec);
/* The same in a frame to the broadcast MAC address. */
enum ip_verdict ip_host_put_broadcast(struct ip_host *h, const struct ip4_spec *spec);

/* Number of IPv4 frames that wait to be sent, the i-th of them, the packet in it (valid until the next call),
 * and: they are gone. ARP goes its own way and is not seen here. */
unsigned ip_host_n_sent(const struct ip_host *h);
const struct tx_frame *ip_host_sent_frame(const struct ip_host *h, unsigned i);
struct bytes ip_host_sent(struct ip_host *h, unsigned i);
void ip_host_clear(struct ip_host *h);

/* Time passes; the neighbours stay reachable. */
void ip_host_advance(struct ip_host *h, uint64_t us);

/* Sum of all drop counters: to see that a discard is counted exactly once. */
uint64_t ip_host_drops(const struct ip_host *h);

#endif
