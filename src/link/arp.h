/*
 * ARP for IPv4 over Ethernet (RFC 826, RFC 1122 section 2.3.2): requests and replies, and the announcement
 * and defence of addresses of ours (RFC 5227).
 */
#ifndef LINK_ARP_H
#define LINK_ARP_H

#include "link/link.h"

enum {
	ARP_PACKET_LEN = 28,
	ARP_ANNOUNCE_NUM = 2,                    /* RFC 5227 section 1.1 */
	ARP_ANNOUNCE_INTERVAL_US = 2 * 1000000,
	ARP_DEFEND_INTERVAL_US = 10 * 1000000,
};

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

/* A packet taken apart; IP addresses in host byte order, as everywhere within ARP. */
struct arp_packet {
	uint16_t operation; /* enum arp_operation */
	struct mac_addr sender_mac, target_mac;
	uint32_t sender_ip, target_ip;
};

/* Well-formed packets; announcements are requests; conflicts: somebody else claims an address of ours.
 * X(field) */
#define ARP_COUNTERS(X) X(requests_in) X(replies_in) X(requests_out) X(replies_out) X(conflicts)

struct arp_stats {
#define X(field) uint64_t field;
	ARP_COUNTERS(X)
#undef X
};

/* An address of ours as ARP sees it. */
struct arp_claim {
	struct link *link;
	struct timer announce;     /* the next announcement */
	uint32_t ip;
	uint8_t announcements;     /* sent since the address was added */
	uint64_t may_defend_at_us; /* RFC 5227 section 2.4: not before this time again */
};

struct arp {
	struct arp_claim claims[LINK_MAX_ADDRESSES];
	unsigned n_claims;
	struct arp_stats stats;
};

/* NULL if there is no memory. */
struct arp *arp_new(void);
/* Timers are cancelled; nothing is sent. */
void arp_free(struct link *l);

/* False if the packet has the wrong form. Bytes after it are Ethernet's padding. */
bool arp_parse(struct bytes payload, struct arp_packet *out);
void arp_emit(const struct arp_packet *p, uint8_t out[static ARP_PACKET_LEN]);

/* An ARP packet that came in. Drops are counted. */
enum drop_reason arp_input(struct link *l, struct bytes payload);

/* Asks who has target: everybody, or only the one who had it last (RFC 1122 section 2.3.2.1, "unicast
 * poll"); to may be NULL. */
void arp_send_request(struct link *l, const struct ip_addr *target, const struct mac_addr *to);

/* Answers for address from now on, and announces it: at once and again after ARP_ANNOUNCE_INTERVAL_US. The
 * caller has checked that there is room for it. */
void arp_claim(struct link *l, const struct ip_addr *address);

#endif
