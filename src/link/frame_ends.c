/* Addresses and ports out of frames: Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200), TCP (RFC 9293). */
#include "link/frame_ends.h"

#include <string.h>

#include "base/ip4_fields.h"
#include "link/ethernet.h"

enum { IP6_HEADER = 40, TCP_HEADER = 20 };

/* packet begins at the TCP header; carried: how much the packet carries by its own word. */
static void take_tcp(struct bytes packet, uint32_t carried, struct frame_ends *out)
{
	const uint8_t *tcp = packet.data;
	uint32_t header;

	if (packet.len < TCP_HEADER)
		return;
	header = (tcp[12] >> 4) * 4u;
	if (header < TCP_HEADER || header > carried || header > packet.len)
		return;
	out->is_tcp = true;
	out->src_port = load_be16(tcp);
	out->dst_port = load_be16(tcp + 2);
	out->flags = tcp[13];
	out->text_len = carried - header;
	out->head_len += header;
}

static bool take_ip4(struct bytes packet, struct frame_ends *out)
{
	const uint8_t *ip = packet.data;
	uint32_t header;

	if (packet.len < IP4_HEADER_LEN || ip4_version(ip) != 4)
		return false;
	out->src = ip4_src(ip);
	out->dst = ip4_dst(ip);
	header = ip4_header_len(ip);
	if (ip4_protocol(ip) != IP_PROTO_TCP || ip4_is_later_fragment(ip) || header < IP4_HEADER_LEN ||
	    header > packet.len || header > ip4_total_len(ip))
		return true;
	out->head_len = ETH_HEADER_LEN + header;
	bytes_skip(&packet, header);
	take_tcp(packet, ip4_total_len(ip) - header, out);
	return true;
}

/* Without extension headers: behind these nothing is looked at. */
static bool take_ip6(struct bytes packet, struct frame_ends *out)
{
	const uint8_t *ip = packet.data;

	if (packet.len < IP6_HEADER || ip[0] >> 4 != 6)
		return false;
	memcpy(out->src.b, ip + 8, sizeof out->src.b);
	memcpy(out->dst.b, ip + 24, sizeof out->dst.b);
	out->head_len = ETH_HEADER_LEN + IP6_HEADER;
	bytes_skip(&packet, IP6_HEADER);
	if (ip[6] == IP_PROTO_TCP)
		take_tcp(packet, load_be16(ip + 4), out);
	return true;
}

bool frame_ends_parse(struct bytes head, struct frame_ends *out)
{
	uint16_t type;

	*out = (struct frame_ends){ .is_tcp = false };
	if (head.len < ETH_HEADER_LEN)
		return false;
	type = load_be16(head.data + 12);
	bytes_skip(&head, ETH_HEADER_LEN);
	if (type == ETH_TYPE_IPV4)
		return take_ip4(head, out);
	return type == ETH_TYPE_IPV6 && take_ip6(head, out);
}
