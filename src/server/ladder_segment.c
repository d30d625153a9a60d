/* Headers taken apart: Ethernet, IPv4 (RFC 791), TCP (RFC 9293 section 3.1). */
#include "server/ladder_segment.h"

#include "base/ip4_fields.h"
#include "link/ethernet.h"

enum { TCP_HEADER = 20 };

/* Leaves in *b what the packet carries, as far as it is there; *total: how much that is by its own word. */
static bool take_ip4(struct bytes *b, struct ladder_segment *out, uint32_t *total)
{
	const uint8_t *ip = b->data;
	uint32_t header, whole;

	if (b->len < IP4_HEADER_LEN || ip4_version(ip) != 4)
		return false;
	header = ip4_header_len(ip);
	whole = ip4_total_len(ip);
	if (header < IP4_HEADER_LEN || header > b->len || whole < header ||
	    ip4_protocol(ip) != IP_PROTO_TCP || ip4_is_fragment(ip))
		return false;
	out->src = ip4_src(ip);
	out->dst = ip4_dst(ip);
	*total = whole - header;
	out->headers = (uint8_t)header;
	*b = bytes_of(ip + header, (b->len < whole ? b->len : whole) - header); /* behind it is padding */
	return true;
}

/* Leaves in *b the text, as far as it is there. */
static bool take_tcp(struct bytes *b, struct ladder_segment *out, uint32_t total)
{
	const uint8_t *tcp = b->data;
	uint32_t header;

	if (b->len < TCP_HEADER)
		return false;
	header = (tcp[12] >> 4) * 4u;
	if (header < TCP_HEADER || header > b->len)
		return false;
	out->src_port = load_be16(tcp);
	out->dst_port = load_be16(tcp + 2);
	out->seq = seq_of(load_be32(tcp + 4));
	out->ack = seq_of(load_be32(tcp + 8));
	out->flags = tcp[13];
	out->window = load_be16(tcp + 14);
	out->len = total - header;
	out->headers = (uint8_t)(out->headers + header);
	/* Of options that are illegal, what stands before them. */
	tcp_options_parse(bytes_of(tcp + TCP_HEADER, header - TCP_HEADER), (out->flags & LADDER_SYN) != 0,
			  &out->options);
	bytes_skip(b, header);
	return true;
}

bool ladder_segment_parse(struct bytes head, struct bytes more, struct ladder_segment *out)
{
	if (head.len < ETH_HEADER_LEN || load_be16(head.data + 12) != ETH_TYPE_IPV4)
		return false;
	bytes_skip(&head, ETH_HEADER_LEN);
	return ladder_segment_parse_packet(head, more, out);
}

bool ladder_segment_parse_packet(struct bytes packet, struct bytes more, struct ladder_segment *out)
{
	uint32_t total;

	*out = (struct ladder_segment){ .flags = 0 };
	if (!take_ip4(&packet, out, &total) || !take_tcp(&packet, out, total))
		return false;
	out->text = packet.len > 0 || out->len == 0 ? packet : more;
	if (out->text.len > out->len)
		out->text.len = out->len;
	return true;
}
