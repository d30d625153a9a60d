/*
 * Ethernet II framing (RFC 894, RFC 1122 section 2.3.3; RFC 2464 for IPv6): addresses, what is for us, the
 * header. VLAN tags (802.1Q) and 802.3 length fields are not spoken: they count as unknown EtherTypes.
 */
#ifndef LINK_ETHERNET_H
#define LINK_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/drop.h"
#include "link/frame.h"

enum { ETH_HEADER_LEN = 14, ETH_TYPE_IPV4 = 0x0800, ETH_TYPE_ARP = 0x0806, ETH_TYPE_IPV6 = 0x86dd };
enum { MAC_ADDR_TEXT = 18 }; /* room for the text and its NUL */

struct mac_addr {
	uint8_t b[6];
};

extern const struct mac_addr mac_broadcast, mac_zero;

static inline bool mac_equal(const struct mac_addr *a, const struct mac_addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* The I/G bit: multicast, of which broadcast is one. */
static inline bool mac_is_group(const struct mac_addr *a)
{
	return (a->b[0] & 1) != 0;
}

/* Writes "02:00:00:00:00:07" into out and returns out. */
char *mac_format(const struct mac_addr *a, char out[static MAC_ADDR_TEXT]);

/* The MAC address that an IP broadcast or multicast goes to; false if ip is neither. Of broadcasts only
 * 255.255.255.255 is known here: which others are, the network layer knows. */
bool eth_group_of(const struct ip_addr *ip, struct mac_addr *out);

struct eth_header {
	struct mac_addr dst, src;
	uint16_t type; /* EtherType */
};

/* DROP_NONE: *header and *payload are set, and the frame is for us (own) or for a group. Counts nothing. */
enum drop_reason eth_parse(const struct rx_frame *frame, const struct mac_addr *own,
			   struct eth_header *header, struct bytes *payload);

/* Pushes the header in front of f. */
void eth_push(struct tx_frame *f, const struct eth_header *header);

#endif
