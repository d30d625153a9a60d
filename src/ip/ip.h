/*
 * The network layer of one host on one link: addresses, routes, IPv4 input and output, reassembly, ICMP.
 * Shaped for two families: callers see struct ip_addr and struct ip_packet, and never ask which family it is.
 */
#ifndef IP_IP_H
#define IP_IP_H

#include "base/addr.h"
#include "base/ip4_fields.h"
#include "base/pool.h"
#include "base/world.h"
#include "link/link.h"

enum { IP_MAX_ADDRESSES = LINK_MAX_ADDRESSES, IP_MAX_ROUTES = 32 };

/* An address of ours, with the prefix that is on-link through it. */
struct ip_ifaddr {
	struct ip_addr addr;
	struct ip_addr broadcast; /* directed broadcast of the prefix; any: it has none (/31, /32, IPv6) */
	uint8_t prefix_bits;      /* of 128; an IPv4 /24 is 120 */
};

struct ip_route {
	struct ip_prefix to;
	struct ip_addr gateway; /* any: on-link */
};

struct ip_reassembly;
struct icmp;

/* Names as in /proc/net/snmp. X(field, "Name") */
#define IP_COUNTERS(X)                       \
	X(in_receives, "InReceives")         \
	X(in_delivers, "InDelivers")         \
	X(out_requests, "OutRequests")       \
	X(reasm_reqds, "ReasmReqds")         \
	X(reasm_oks, "ReasmOKs")             \
	X(reasm_fails, "ReasmFails")         \
	X(reasm_timeouts, "ReasmTimeout")    \
	X(frag_oks, "FragOKs")               \
	X(frag_creates, "FragCreates")

#define ICMP_COUNTERS(X)                               \
	X(icmp_in_msgs, "InMsgs")                      \
	X(icmp_in_echos, "InEchos")                    \
	X(icmp_in_dest_unreachs, "InDestUnreachs")     \
	X(icmp_in_time_excds, "InTimeExcds")           \
	X(icmp_out_msgs, "OutMsgs")                    \
	X(icmp_out_echo_reps, "OutEchoReps")           \
	X(icmp_out_dest_unreachs, "OutDestUnreachs")   \
	X(icmp_out_time_excds, "OutTimeExcds")

struct ip_stats {
#define X(field, name) uint64_t field;
	IP_COUNTERS(X)
	ICMP_COUNTERS(X)
#undef X
};

struct ip_packet;

/* A packet was put together here. True: it was another stack's, which has it now. */
typedef bool ip_divert_fn(void *context, const struct ip_packet *whole);

struct ip {
	struct world *world;
	struct link *link;
	struct ip_ifaddr addresses[IP_MAX_ADDRESSES];
	unsigned n_addresses;
	struct ip_route routes[IP_MAX_ROUTES]; /* longest prefix first */
	unsigned n_routes;
	struct ip_reassembly *reassembly;
	struct icmp *icmp; /* rate limits, and memory for answers */
	ip_divert_fn *divert; /* NULL: there is one stack */
	void *divert_context;
	struct ip_stats stats;
};

/* A received packet, whole (after reassembly). All bytes are valid until the next frame is put in. */
struct ip_packet {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint8_t ttl;          /* hop limit */
	uint8_t tos;          /* traffic class: DSCP and ECN */
	bool is_broadcast;    /* to a broadcast or multicast address, at either layer */
	bool checksum_valid;  /* the transport checksum needs no check */
	uint16_t gso_size;    /* as in struct rx_frame */
	struct bytes header;  /* with options, for quoting in ICMP errors; payload follows it in memory */
	struct bytes payload; /* the transport segment, padding cut off */
	const struct rx_frame *frame; /* that completed it, for observers */
};

/* What an ICMP error says, family-free. The quoted packet was sent by us: src is our address. */
enum icmp_error_kind {
	ICMP_NET_UNREACHABLE, /* soft: v4 codes 0, 1, 5 … */
	ICMP_HOST_UNREACHABLE,
	ICMP_PROTOCOL_UNREACHABLE, /* hard: v4 code 2 */
	ICMP_PORT_UNREACHABLE,     /* hard: v4 code 3 */
	ICMP_TOO_BIG,              /* v4 code 4 (RFC 1191), v6 packet too big; mtu is set */
	ICMP_TIME_EXCEEDED,
	ICMP_PARAMETER_PROBLEM,
};
struct icmp_error {
	enum icmp_error_kind kind;
	uint8_t type, code;
	uint32_t mtu; /* for ICMP_TOO_BIG; 0: the router did not say */
	uint8_t protocol;
	struct ip_addr src, dst; /* of the quoted packet */
	struct bytes quoted;     /* its transport header's beginning: at least 8 bytes */
	struct ip_addr reporter;
};

enum ip_verdict {
	IP_DELIVER,    /* *packet is for the transport layer */
	IP_ICMP_ERROR, /* *error is for the transport layer */
	IP_DONE,       /* dealt with here: a fragment kept, an echo answered */
	IP_DROPPED,    /* counted; *reason says why */
};

/* 0 or -ENOMEM. w and l must outlive ip. */
int ip_init(struct ip *ip, struct world *w, struct link *l);
/* Drops what waits in the link's ring: it may refer to memory of ip's. */
void ip_fini(struct ip *ip);

void ip_each_pool(const struct ip *ip, pool_visit_fn *visit, void *context);

/* Our address with its on-link prefix; announced on the link. 0, -EINVAL (not an address a host may have, or
 * IPv6, which is not spoken yet), -ENOSPC, -EEXIST. */
int ip_add_address(struct ip *ip, const struct ip_prefix *address);
/* gateway NULL or any: the prefix is on-link. 0, -EINVAL (gateway not on-link), -ENOSPC. A later route to the
 * same prefix replaces the earlier one. */
int ip_add_route(struct ip *ip, const struct ip_prefix *to, const struct ip_addr *gateway);
/* Packets of fragments are shown to divert() before they are taken. */
void ip_divert(struct ip *ip, ip_divert_fn *divert, void *context);

/* Takes apart what link_input() handed over with ethertype IPv4 (or, later, IPv6). */
enum ip_verdict ip_input(struct ip *ip, uint16_t ethertype, const struct rx_frame *frame,
			 struct bytes payload, struct ip_packet *packet, struct icmp_error *error,
			 enum drop_reason *reason);

bool ip_is_ours(const struct ip *ip, const struct ip_addr *a);
/* An address that no peer may have: any (IPv4: all of 0.0.0.0/8), multicast, broadcast (limited, or of one of
 * our prefixes), loopback. */
bool ip_is_invalid_peer(const struct ip *ip, const struct ip_addr *a);
/* The address of ours from which to talk to dst (longest matching prefix). False if there is no route. */
bool ip_source_for(const struct ip *ip, const struct ip_addr *dst, struct ip_addr *src);
/* The largest IP packet towards dst: the link's MTU. (Learnt path MTUs belong to the transport's
 * connections.) */
uint32_t ip_mtu(const struct ip *ip, const struct ip_addr *dst);
/* IP header length that ip_output will push for this destination: 20 or 40. */
static inline unsigned ip_header_len(const struct ip_addr *dst)
{
	return ip_addr_is_4(dst) ? 20 : 40;
}
/* The pseudo-header's sum (RFC 9293 section 3.1, RFC 8200 section 8.1), to go on with checksum_add(). len is
 * the transport length. */
uint32_t ip_pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint32_t len);

struct ip_send {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint8_t ttl; /* 0: 64 */
	uint8_t tos;
	bool may_fragment;        /* clears DF; frames larger than the MTU are cut only if so (ICMP echo) */
	uint32_t *neighbour_hint; /* may be NULL */
};

/*
 * Pushes the IP header in front of the transport segment in f (which link_tx_slot() gave) and commits it to
 * the link. A frame with f->gso set may be larger than the MTU. The transport checksum is the caller's
 * business. f is taken whatever the verdict: when it is dropped (and counted), the reference that it holds is
 * released.
 */
enum drop_reason ip_output(struct ip *ip, struct tx_frame *f, const struct ip_send *how);

/* Answers packet with destination unreachable (code ICMP_PORT_UNREACHABLE or ICMP_PROTOCOL_UNREACHABLE),
 * rate-limited and only where RFC 1122 section 3.2.2 allows it. */
void icmp_send_unreachable(struct ip *ip, const struct ip_packet *packet, enum icmp_error_kind kind);

#endif
