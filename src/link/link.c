/*
 * The interface: takes frames apart on their way in, and puts them into the tx ring, with the right address,
 * on their way out.
 *
 * The ring has one open slot, tx[n_tx]: link_tx_slot() gives it out and only sending commits it, so that a
 * packet given up half-way costs nothing. Hence whoever sends something of his own (ARP) while a caller's
 * slot is open must be done with that first.
 */
#include "link/link.h"

#include <errno.h>
#include <stdlib.h>

#include "link/arp.h"
#include "link/neighbour.h"

/* The one place where the families differ. IPv6 asks by NDP, which the network layer brings along. */
static void solicit(struct link *l, const struct neighbour *n)
{
	if (ip_addr_is_4(&n->addr))
		arp_send_request(l, &n->addr, neighbour_mac(n));
}

int link_init(struct link *l, struct world *w, const struct device_caps *caps, const struct mac_addr *mac)
{
	*l = (struct link){ .world = w, .mac = *mac, .caps = *caps };
	l->tx = malloc(LINK_TX_RING * sizeof *l->tx);
	if (l->tx != NULL && caps->framing == FRAMING_IP)
		return 0;
	l->arp = arp_new();
	if (l->tx == NULL || l->arp == NULL || neighbour_table_new(l, solicit, &l->neighbours) != 0) {
		link_fini(l);
		return -ENOMEM;
	}
	return 0;
}

void link_fini(struct link *l)
{
	link_tx_done(l);
	neighbour_table_free(l->neighbours);
	arp_free(l);
	free(l->tx);
	l->neighbours = NULL;
	l->tx = NULL;
}

void link_each_pool(const struct link *l, pool_visit_fn *visit, void *context)
{
	visit(context, &l->neighbours->pending);
}

int link_add_address(struct link *l, const struct ip_addr *address)
{
	for (unsigned i = 0; i < l->n_addresses; i++)
		if (ip_addr_equal(&l->addresses[i], address))
			return -EEXIST;
	if (l->n_addresses == LINK_MAX_ADDRESSES)
		return -ENOSPC;
	l->addresses[l->n_addresses++] = *address;
	if (ip_addr_is_4(address) && l->arp != NULL)
		arp_claim(l, address);
	return 0;
}

/* A packet without a frame around it: its version says whose it is (RFC 791, RFC 8200). */
static enum drop_reason take_packet(const struct rx_frame *frame, uint16_t *ethertype, struct bytes *payload)
{
	unsigned version = frame->len > 0 ? frame->data[0] >> 4 : 0;

	if (frame->len == 0)
		return DROP_IP_SHORT;
	if ((frame->flags & RX_TRUNCATED) != 0)
		return DROP_ETH_TRUNCATED;
	if (version != 4 && version != 6)
		return DROP_IP_VERSION;
	*payload = bytes_of(frame->data, frame->len);
	*ethertype = version == 4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6;
	return DROP_NONE;
}

static enum drop_reason take_frame(struct link *l, const struct rx_frame *frame, uint16_t *ethertype,
				   struct bytes *payload)
{
	struct eth_header header;
	enum drop_reason reason = eth_parse(frame, &l->mac, &header, payload);

	*ethertype = reason == DROP_NONE ? header.type : 0;
	return reason;
}

enum drop_reason link_input(struct link *l, const struct rx_frame *frame, uint16_t *ethertype,
			    struct bytes *payload)
{
	enum drop_reason reason;

	*ethertype = 0;
	reason = l->caps.framing == FRAMING_IP ? take_packet(frame, ethertype, payload)
					       : take_frame(l, frame, ethertype, payload);
	if (reason != DROP_NONE)
		return world_drop(l->world, reason);
	if (*ethertype == ETH_TYPE_ARP) {
		*ethertype = 0;
		return arp_input(l, *payload);
	}
	return DROP_NONE;
}

bool link_was_broadcast(const struct link *l, const struct rx_frame *frame)
{
	return l->caps.framing == FRAMING_ETHERNET && frame->len >= ETH_HEADER_LEN &&
	       (frame->data[0] & 1) != 0;
}

struct tx_frame *link_tx_slot(struct link *l)
{
	if (l->n_tx == LINK_TX_RING) {
		world_drop(l->world, DROP_TX_RING_FULL);
		return NULL;
	}
	tx_begin(&l->tx[l->n_tx]);
	return &l->tx[l->n_tx];
}

static void commit(struct link *l, const struct tx_frame *f)
{
	assert(l->n_tx < LINK_TX_RING && f == &l->tx[l->n_tx]);
	l->n_tx++;
}

void link_send_to_mac(struct link *l, struct tx_frame *f, const struct mac_addr *to, uint16_t ethertype)
{
	const struct eth_header header = { .dst = *to, .src = l->mac, .type = ethertype };

	eth_push(f, &header);
	commit(l, f);
}

/* Keeps a copy of f for n, or drops it; either way the slot is free again. */
static enum drop_reason hold(struct neighbour *n, struct tx_frame *f, uint16_t ethertype)
{
	struct span_owner *owner = f->owner;
	enum drop_reason reason = neighbour_hold(n, f, ethertype);

	span_owner_unref(owner);
	return reason;
}

enum drop_reason link_output(struct link *l, struct tx_frame *f, const struct ip_addr *next_hop,
			     uint16_t ethertype, uint32_t *neighbour_hint)
{
	const struct mac_addr *mac;
	struct mac_addr group;
	struct neighbour *n;

	if (l->caps.framing == FRAMING_IP) {
		commit(l, f);
		return DROP_NONE;
	}
	n = neighbour_hint != NULL ? neighbour_hinted(l->neighbours, next_hop, *neighbour_hint) : NULL;
	if (n == NULL && eth_group_of(next_hop, &group)) {
		link_send_to_mac(l, f, &group, ethertype);
		return DROP_NONE;
	}
	if (n == NULL)
		n = neighbour_get(l->neighbours, next_hop, neighbour_hint);
	if (n == NULL) {
		span_owner_unref(f->owner);
		return DROP_NEIGHBOUR_TABLE_FULL;
	}
	mac = neighbour_mac(n);
	if (mac == NULL)
		return hold(n, f, ethertype);
	link_send_to_mac(l, f, mac, ethertype);
	return DROP_NONE;
}

void link_confirm(struct link *l, uint32_t neighbour_hint)
{
	if (l->neighbours != NULL)
		neighbour_confirm(l->neighbours, neighbour_hint);
}

void link_doubt(struct link *l, uint32_t neighbour_hint)
{
	if (l->neighbours != NULL)
		neighbour_doubt(l->neighbours, neighbour_hint);
}

void link_tx_done(struct link *l)
{
	for (unsigned i = 0; i < l->n_tx; i++)
		span_owner_unref(l->tx[i].owner);
	l->n_tx = 0;
}
