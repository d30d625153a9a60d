/*
 * An interface: a MAC address, what its device can do, the frames waiting to be sent, and the neighbours.
 * Below IP, above the device; it does no I/O itself. On a device whose frames are IP packets (FRAMING_IP)
 * there are no MAC addresses and no neighbours: what goes out goes to the other end.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/addr.h"
#include "base/pool.h"
#include "base/world.h"
#include "link/device.h"
#include "link/ethernet.h"
#include "link/frame.h"

enum {
	LINK_TX_RING = 256, /* frames between two sends */
	LINK_MAX_ADDRESSES = 16,
};

struct arp;
struct neighbour_table;

struct link {
	struct world *world;
	struct mac_addr mac;                /* ours on this link */
	struct device_caps caps;            /* the device's */
	struct neighbour_table *neighbours; /* who is where: link/neighbour.h; NULL with FRAMING_IP */
	struct arp *arp;                    /* IPv4 addresses that ARP answers for: link/arp.h; or NULL */
	struct ip_addr addresses[LINK_MAX_ADDRESSES]; /* ours, of both families */
	unsigned n_addresses;
	struct tx_frame *tx; /* LINK_TX_RING frames; those before n_tx are ready */
	unsigned n_tx;
};

/* caps are the device's; mac is ours on this link. 0, or -ENOMEM. */
int link_init(struct link *l, struct world *w, const struct device_caps *caps, const struct mac_addr *mac);
void link_fini(struct link *l);

void link_each_pool(const struct link *l, pool_visit_fn *visit, void *context);

/* Announces and from then on answers for address (gratuitous ARP, RFC 5227 section 2.3). 0, -EEXIST or
 * -ENOSPC. */
int link_add_address(struct link *l, const struct ip_addr *address);

/*
 * Takes a received frame apart. DROP_NONE: *ethertype and *payload are for the layer above, or *ethertype is
 * 0 because the link dealt with the frame itself (ARP). Else the frame was dropped, and that is counted here.
 */
enum drop_reason link_input(struct link *l, const struct rx_frame *frame, uint16_t *ethertype,
			    struct bytes *payload);

/* True if the frame just taken apart by link_input was sent to the broadcast or a multicast MAC address. */
bool link_was_broadcast(const struct link *l, const struct rx_frame *frame);

/* Bytes that link_output() will push in front of a packet. */
static inline unsigned link_header_len(const struct link *l)
{
	return l->caps.framing == FRAMING_IP ? 0 : ETH_HEADER_LEN;
}

/* A free slot, begun with tx_begin(); NULL (and counted) when the ring is full. It counts as sent only
 * after link_output(). */
struct tx_frame *link_tx_slot(struct link *l);
static inline unsigned link_tx_room(const struct link *l)
{
	return LINK_TX_RING - l->n_tx;
}

/*
 * Pushes the header, if the framing has one, and commits the slot that link_tx_slot() gave, towards the
 * neighbour with IP address next_hop on this link. 255.255.255.255 and multicast addresses go to their
 * group's MAC; for the broadcast address of a subnet the network layer passes 255.255.255.255. While the
 * neighbour's MAC is being asked for, frames of up to an MTU are copied and kept, a few a neighbour: then the
 * slot is free again and the verdict is still DROP_NONE. Other verdicts: dropped, and counted here. Whatever
 * it is, the link has taken f->owner. *neighbour_hint is a cache of the caller's (start with 0): it spares
 * the look-up next time and is checked before use; may be NULL.
 */
enum drop_reason link_output(struct link *l, struct tx_frame *f, const struct ip_addr *next_hop,
			     uint16_t ethertype, uint32_t *neighbour_hint);

/* The same to a MAC address that is known. */
void link_send_to_mac(struct link *l, struct tx_frame *f, const struct mac_addr *to, uint16_t ethertype);

/* Upper layers that see progress from a neighbour (an ACK of new data) confirm that it is reachable (RFC
 * 4861 section 7.3.1). */
void link_confirm(struct link *l, uint32_t neighbour_hint);

/* Upper layers that see none, and have sent again and again, doubt it: it is asked at once (RFC 9293 section
 * 3.8.3 (b), RFC 1122 section 3.3.1.4). */
void link_doubt(struct link *l, uint32_t neighbour_hint);

/* Called when frames before n_tx were sent (or dropped): releases what they hold and empties the ring. */
void link_tx_done(struct link *l);

#endif
