/*
 * virtio_net_hdr both ways (virtio 1.2 section 5.1.6.2 and 5.1.6.4), and the receive slots of the devices
 * that use it. A header comes from the kernel, but may have been made by whoever holds a packet socket on
 * the other side: it is checked against the frame before anything relies on it.
 */
#include "link/vnet.h"

#include <assert.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "link/device.h"
#include "link/ethernet.h"

enum { CACHE_LINE = 64 };

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HEADER_LEN, "the header without its later fields");
_Static_assert(VNET_SLOT_SIZE % CACHE_LINE == 0, "every slot begins a cache line");
_Static_assert(VNET_SLOT_SIZE > CACHE_LINE + 65535, "the largest IP packet fits");

void vnet_plain(const uint8_t *wire, uint32_t len, struct rx_frame *out)
{
	*out = (struct rx_frame){ .data = wire, .len = len };
}

static bool parse_checksum(const struct virtio_net_hdr *h, struct rx_frame *out)
{
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (h->csum_start < ETH_HEADER_LEN || (uint32_t)h->csum_start + h->csum_offset + 2 > out->len)
			return false;
		out->flags |= RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL;
		out->checksum_start = h->csum_start;
		out->checksum_offset = h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		out->flags |= RX_CHECKSUM_VALID;
	}
	return true;
}

static bool parse_gso(const struct virtio_net_hdr *h, struct rx_frame *out)
{
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		out->gso = GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		out->gso = GSO_TCP6;
		break;
	default:
		return false;
	}
	out->gso_size = h->gso_size;
	return h->gso_size > 0 && h->hdr_len <= out->len;
}

bool vnet_parse(const uint8_t *wire, uint32_t len, struct rx_frame *out)
{
	struct virtio_net_hdr h;

	if (len < sizeof h)
		return false;
	memcpy(&h, wire, sizeof h);
	vnet_plain(wire + sizeof h, len - (uint32_t)sizeof h, out);
	return parse_checksum(&h, out) && parse_gso(&h, out);
}

static uint8_t gso_type(enum gso_kind kind)
{
	switch (kind) {
	case GSO_TCP4:
		return VIRTIO_NET_HDR_GSO_TCPV4;
	case GSO_TCP6:
		return VIRTIO_NET_HDR_GSO_TCPV6;
	case GSO_NONE:
		break;
	}
	return VIRTIO_NET_HDR_GSO_NONE;
}

static void emit(const struct tx_frame *f, uint8_t *out)
{
	struct virtio_net_hdr h = { 0 };

	/* The kernel keeps this much in one piece and leaves the payload in pages. */
	h.hdr_len = (uint16_t)tx_head_len(f);
	if (f->flags & TX_CHECKSUM_PARTIAL) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = f->checksum_start;
		h.csum_offset = f->checksum_offset;
	}
	if (f->gso != GSO_NONE) {
		h.gso_type = gso_type(f->gso);
		h.gso_size = f->gso_size;
	}
	memcpy(out, &h, sizeof h);
}

int vnet_gather(struct tx_frame *f, bool vnet)
{
	unsigned start = f->head_start;

	assert(vnet || (f->gso == GSO_NONE && !(f->flags & TX_CHECKSUM_PARTIAL)));
	if (vnet) {
		start -= VNET_HEADER_LEN;
		emit(f, f->head + start);
	}
	f->iov[0].iov_base = f->head + start;
	f->iov[0].iov_len = TX_HEAD_SIZE - start;
	return 1 + f->pieces;
}

uint8_t *vnet_slots_new(void)
{
	return aligned_alloc(CACHE_LINE, (size_t)DEVICE_BATCH * VNET_SLOT_SIZE);
}

uint8_t *vnet_slot(uint8_t *slots, int i, bool vnet, uint32_t *room)
{
	uint32_t start = CACHE_LINE - ETH_HEADER_LEN - (vnet ? VNET_HEADER_LEN : 0);

	*room = VNET_SLOT_SIZE - start;
	return slots + (size_t)i * VNET_SLOT_SIZE + start;
}
