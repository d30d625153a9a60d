/* Ethernet II framing: which frames are for us, and the header in front of those that we send. */
#include "link/ethernet.h"

#include <stdio.h>

const struct mac_addr mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
const struct mac_addr mac_zero = { { 0 } };

char *mac_format(const struct mac_addr *a, char out[static MAC_ADDR_TEXT])
{
	const uint8_t *b = a->b;

	snprintf(out, MAC_ADDR_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return out;
}

bool eth_group_of(const struct ip_addr *ip, struct mac_addr *out)
{
	const uint8_t *b = ip->b;

	if (ip_addr_is_4(ip) && ip_addr_to_4(ip) == 0xffffffff) {
		*out = mac_broadcast;
		return true;
	}
	if (!ip_addr_is_multicast(ip))
		return false;
	if (ip_addr_is_4(ip)) /* RFC 1112 section 6.4: the low 23 bits */
		*out = (struct mac_addr){ { 0x01, 0x00, 0x5e, b[13] & 0x7f, b[14], b[15] } };
	else /* RFC 2464 section 7: the low 32 bits */
		*out = (struct mac_addr){ { 0x33, 0x33, b[12], b[13], b[14], b[15] } };
	return true;
}

static void take_mac(struct bytes *b, struct mac_addr *out)
{
	memcpy(out->b, b->data, sizeof out->b);
	bytes_skip(b, sizeof out->b);
}

static bool is_spoken(uint16_t type)
{
	return type == ETH_TYPE_IPV4 || type == ETH_TYPE_ARP || type == ETH_TYPE_IPV6;
}

enum drop_reason eth_parse(const struct rx_frame *frame, const struct mac_addr *own,
			   struct eth_header *header, struct bytes *payload)
{
	struct bytes head;

	*payload = bytes_of(frame->data, frame->len);
	if (!bytes_take(payload, ETH_HEADER_LEN, &head))
		return DROP_ETH_SHORT;
	take_mac(&head, &header->dst);
	take_mac(&head, &header->src);
	header->type = load_be16(head.data);

	if (!mac_is_group(&header->dst) && !mac_equal(&header->dst, own))
		return DROP_ETH_NOT_OURS;
	/* Whoever answers a multicast source floods the segment; our own source is our own frame coming
	 * back, or a forgery. */
	if (mac_is_group(&header->src) || mac_equal(&header->src, own))
		return DROP_ETH_SOURCE;
	if ((frame->flags & RX_TRUNCATED) != 0)
		return DROP_ETH_TRUNCATED;
	return is_spoken(header->type) ? DROP_NONE : DROP_ETH_UNKNOWN_TYPE;
}

void eth_push(struct tx_frame *f, const struct eth_header *header)
{
	uint8_t *p = tx_push(f, ETH_HEADER_LEN);

	memcpy(p, header->dst.b, 6);
	memcpy(p + 6, header->src.b, 6);
	store_be16(p + 12, header->type);
}
