/*
 * Putting fragmented packets together (RFC 791 section 3.2, RFC 815), for both families: the key and the
 * limits know no family.
 */
#ifndef IP_REASSEMBLY_H
#define IP_REASSEMBLY_H

#include "ip/ip.h"

enum {
	REASSEMBLY_DATAGRAMS = 256,      /* packets in reassembly at once */
	REASSEMBLY_BYTES = 4 << 20,      /* memory of all fragments kept */
	REASSEMBLY_SHARE_DATAGRAMS = 64, /* of these, most from one source */
	REASSEMBLY_SHARE_BYTES = 1 << 20,
	REASSEMBLY_FRAGMENTS = 128,       /* most fragments of one packet: 64 KiB over an MTU of 576 is 119 */
	REASSEMBLY_TIMEOUT_US = 30000000, /* as Linux; not the 60 s and more of RFC 1122 section 3.3.2, which
					     help floods most */
	REASSEMBLY_MAX_HEADER = 60,
	REASSEMBLY_MAX_PAYLOAD = 65535,
};

/* One fragment as the family's input routine found it. */
struct fragment_info {
	uint32_t id;
	uint8_t key_protocol; /* the protocol where it is part of the key (IPv4), else 0 */
	uint32_t offset;      /* of the payload, in bytes */
	bool more;            /* it is not the last */
	uint32_t min_first; /* what the first fragment must hold at least: the transport header (RFC 1858) */
};

enum reassembly_verdict {
	REASSEMBLY_KEPT,    /* more are missing (or it was a duplicate) */
	REASSEMBLY_WHOLE,   /* the packet is complete */
	REASSEMBLY_DROPPED, /* counted; *reason says why */
};

/* A packet was given up after REASSEMBLY_TIMEOUT_US; first is its first fragment, which had arrived. */
typedef void reassembly_timeout_fn(void *context, const struct ip_packet *first);

/* NULL: no memory. w and stats must outlive it. */
struct ip_reassembly *reassembly_new(struct world *w, struct ip_stats *stats,
				     reassembly_timeout_fn *on_timeout, void *context);
void reassembly_free(struct ip_reassembly *r);

/*
 * packet is the fragment. When the verdict is REASSEMBLY_WHOLE, its header, payload, tos and is_broadcast
 * have become those of the whole packet: the first fragment's header, unchanged, with the payload behind it,
 * in memory at *header that may be written to, and that is valid until the next packet becomes whole.
 */
enum reassembly_verdict reassembly_input(struct ip_reassembly *r, const struct fragment_info *info,
					 struct ip_packet *packet, uint8_t **header,
					 enum drop_reason *reason);

/* Packets in reassembly now (those given up for an overlap count until they time out), and bytes held by
 * their fragments. */
unsigned reassembly_datagrams(const struct ip_reassembly *r);
size_t reassembly_bytes(const struct ip_reassembly *r);
void reassembly_each_pool(const struct ip_reassembly *r, pool_visit_fn *visit, void *context);

#endif
