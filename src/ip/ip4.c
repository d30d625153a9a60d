/*
 * IPv4 (RFC 791) for a host (RFC 1122 section 3.2.1).
 *
 * In: the header is checked from its first byte to its last (form, checksum, addresses, options), fragments
 * go to reassembly, and what is whole goes to ICMP or up. Options are walked and otherwise ignored; packets
 * with a source route are dropped, as RFC 7126 section 4.3 and 4.4 advise: who can set one can pose as
 * somebody else.
 *
 * Out: a header with DF and the ID 0 (an atomic datagram, RFC 6864 section 4.1), or, where the sender allows
 * it, a random ID and as many fragments as it takes.
 */
#include "ip/ip4.h"

#include <string.h>

#include "base/checksum.h"
#include "ip/icmp4.h"
#include "ip/reassembly.h"
#include "ip/route.h"

enum {
	IP4_MAX_TOTAL = 65535,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET_MASK = 0x1fff, /* in units of 8 bytes */
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_LSRR = 131,
	OPTION_SSRR = 137,
	TCP_HEADER_LEN = 20,
	OTHER_HEADER_LEN = 8,
};

static const struct ip_addr limited_broadcast = { { [10] = 0xff, 0xff, 255, 255, 255, 255 } };
static const struct ip_addr all_hosts = { { [10] = 0xff, 0xff, 224, 0, 0, 1 } };

struct ip_addr ip4_broadcast_of(const struct ip_addr *addr, uint8_t bits)
{
	unsigned host_bits = 128u - bits;

	if (!ip_addr_is_4(addr) || host_bits < 2)
		return (struct ip_addr){ { 0 } };
	return ip_addr_from_4(ip_addr_to_4(addr) | (host_bits >= 32 ? UINT32_MAX : (1u << host_bits) - 1));
}

static uint32_t header_sum(const uint8_t *h, unsigned len)
{
	return checksum_add(checksum_of_20(h), h + IP4_HEADER_LEN, len - IP4_HEADER_LEN);
}

/* Parts header and payload, without the padding behind them, and fills in what the packet says of itself. */
static enum drop_reason take_header(struct bytes datagram, struct ip_packet *packet)
{
	const uint8_t *h = datagram.data;
	unsigned header_len;
	unsigned total;

	if (datagram.len < IP4_HEADER_LEN)
		return DROP_IP_SHORT;
	if (h[0] >> 4 != 4)
		return DROP_IP_VERSION;
	header_len = (h[0] & 15u) * 4;
	total = load_be16(h + 2);
	if (header_len < IP4_HEADER_LEN || header_len > total)
		return DROP_IP_HEADER_LENGTH;
	if (total > datagram.len)
		return DROP_IP_SHORT;
	if (checksum_finish(header_sum(h, header_len)) != 0)
		return DROP_IP_CHECKSUM;
	packet->tos = h[1];
	packet->ttl = h[8];
	packet->protocol = h[9];
	packet->src = ip_addr_from_4(load_be32(h + 12));
	packet->dst = ip_addr_from_4(load_be32(h + 16));
	packet->header = bytes_of(h, header_len);
	packet->payload = bytes_of(h + header_len, total - header_len);
	return DROP_NONE;
}

/* RFC 1122 section 3.2.1.3: addresses that no packet may come from. */
static bool is_invalid_source(const struct ip *ip, const struct ip_addr *a)
{
	uint8_t first = a->b[12];

	if (first == 0 || first == 127 || first >> 4 == 14 || ip_addr_equal(a, &limited_broadcast))
		return true;
	for (unsigned i = 0; i < ip->n_addresses; i++)
		if (ip_addr_equal(a, &ip->addresses[i].addr) || ip_addr_equal(a, &ip->addresses[i].broadcast))
			return true;
	return false;
}

static bool is_broadcast(const struct ip *ip, const struct ip_addr *a)
{
	for (unsigned i = 0; i < ip->n_addresses; i++)
		if (ip_addr_equal(a, &ip->addresses[i].broadcast))
			return true;
	return ip_addr_equal(a, &limited_broadcast);
}

static enum drop_reason check_addresses(const struct ip *ip, struct ip_packet *packet)
{
	packet->is_broadcast = link_was_broadcast(ip->link, packet->frame);
	if (UNLIKELY(!ip_is_ours(ip, &packet->dst))) {
		if (!is_broadcast(ip, &packet->dst) && !ip_addr_equal(&packet->dst, &all_hosts))
			return DROP_IP_NOT_OURS;
		packet->is_broadcast = true;
	}
	return is_invalid_source(ip, &packet->src) ? DROP_IP_SOURCE : DROP_NONE;
}

static enum drop_reason check_options(struct bytes header)
{
	struct bytes options = header;
	struct bytes body;
	uint8_t kind;
	uint8_t len;

	bytes_skip(&options, IP4_HEADER_LEN);
	while (bytes_take_u8(&options, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (kind == OPTION_LSRR || kind == OPTION_SSRR)
			return DROP_IP_OPTIONS;
		if (!bytes_take_u8(&options, &len) || len < 2 || !bytes_take(&options, len - 2u, &body))
			return DROP_IP_OPTIONS;
	}
	return DROP_NONE;
}

static enum drop_reason check_packet(const struct ip *ip, struct bytes datagram, struct ip_packet *packet)
{
	enum drop_reason why = take_header(datagram, packet);

	if (why == DROP_NONE)
		why = check_addresses(ip, packet);
	if (why == DROP_NONE && UNLIKELY(packet->header.len > IP4_HEADER_LEN))
		why = check_options(packet->header);
	return why;
}

/* To whoever speaks the packet's protocol. */
static enum ip_verdict dispatch(struct ip *ip, const struct ip_packet *packet, struct icmp_error *error,
				enum drop_reason *reason)
{
	switch (packet->protocol) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
		ip->stats.in_delivers++;
		return IP_DELIVER;
	case IP_PROTO_ICMP:
		ip->stats.in_delivers++;
		return icmp4_input(ip, packet, error, reason);
	default:
		icmp_send_unreachable(ip, packet, ICMP_PROTOCOL_UNREACHABLE);
		*reason = world_drop(ip->world, DROP_IP_UNKNOWN_PROTOCOL);
		return IP_DROPPED;
	}
}

/* Makes the first fragment's header that of the whole packet, for whoever quotes it. */
static void mend_header(uint8_t *h, const struct ip_packet *whole)
{
	uint16_t checksum;

	h[1] = whole->tos;
	store_be16(h + 2, (uint16_t)(whole->header.len + whole->payload.len));
	memset(h + 6, 0, 2);
	memset(h + 10, 0, 2);
	checksum = checksum_finish(checksum_add(0, h, whole->header.len));
	memcpy(h + 10, &checksum, sizeof checksum);
}

static enum ip_verdict input_fragment(struct ip *ip, struct ip_packet *packet, struct icmp_error *error,
				      enum drop_reason *reason)
{
	const uint8_t *h = packet->header.data;
	uint16_t field = load_be16(h + 6);
	struct fragment_info info = {
		.id = load_be16(h + 4),
		.key_protocol = packet->protocol,
		.offset = (field & IP4_OFFSET_MASK) * 8u,
		.more = (field & IP4_MF) != 0,
		.min_first = packet->protocol == IP_PROTO_TCP ? TCP_HEADER_LEN : OTHER_HEADER_LEN,
	};
	uint8_t *header;

	switch (reassembly_input(ip->reassembly, &info, packet, &header, reason)) {
	case REASSEMBLY_KEPT:
		return IP_DONE;
	case REASSEMBLY_DROPPED:
		return IP_DROPPED;
	case REASSEMBLY_WHOLE:
		break;
	}
	/* What the device says of a fragment's checksum is not true of the whole. */
	packet->checksum_valid = false;
	packet->gso_size = 0;
	mend_header(header, packet);
	if (ip->divert != NULL && ip->divert(ip->divert_context, packet))
		return IP_DONE;
	return dispatch(ip, packet, error, reason);
}

enum ip_verdict ip4_input(struct ip *ip, const struct rx_frame *frame, struct bytes datagram,
			  struct ip_packet *packet, struct icmp_error *error, enum drop_reason *reason)
{
	uint16_t field;

	ip->stats.in_receives++;
	packet->frame = frame;
	packet->checksum_valid = (frame->flags & RX_CHECKSUM_VALID) != 0;
	packet->gso_size = frame->gso_size;
	*reason = check_packet(ip, datagram, packet);
	if (UNLIKELY(*reason != DROP_NONE)) {
		world_drop(ip->world, *reason);
		return IP_DROPPED;
	}
	field = load_be16(packet->header.data + 6);
	if (UNLIKELY((field & (IP4_MF | IP4_OFFSET_MASK)) != 0))
		return input_fragment(ip, packet, error, reason);
	return dispatch(ip, packet, error, reason);
}

static void push_header(struct tx_frame *f, const struct ip_send *how, uint16_t id, uint16_t field)
{
	uint32_t total = tx_len(f) + IP4_HEADER_LEN;
	uint8_t *h = tx_push(f, IP4_HEADER_LEN);
	uint16_t checksum;

	h[0] = 0x45;
	h[1] = how->tos;
	store_be16(h + 2, (uint16_t)total);
	store_be16(h + 4, id);
	store_be16(h + 6, field);
	h[8] = how->ttl != 0 ? how->ttl : IP4_DEFAULT_TTL;
	h[9] = how->protocol;
	memset(h + 10, 0, 2);
	memcpy(h + 12, how->src.b + 12, 4);
	memcpy(h + 16, how->dst.b + 12, 4);
	checksum = checksum_finish(checksum_of_20(h));
	memcpy(h + 10, &checksum, sizeof checksum);
}

static enum drop_reason discard(struct ip *ip, struct tx_frame *f, enum drop_reason why)
{
	span_owner_unref(f->owner);
	f->owner = NULL;
	return world_drop(ip->world, why);
}

/* Bytes of payload that each fragment but the last carries. */
static uint32_t fragment_room(const struct ip *ip)
{
	return (ip->link->caps.mtu - IP4_HEADER_LEN) & ~7u;
}

uint32_t ip4_frames_for(const struct ip *ip, uint32_t len)
{
	if (len + IP4_HEADER_LEN <= ip->link->caps.mtu)
		return 1;
	return (len + fragment_room(ip) - 1) / fragment_room(ip);
}

/* Adds len bytes of whole (header block, then pieces), from offset on, to the empty frame f. */
static void add_slice(struct tx_frame *f, const struct tx_frame *whole, uint32_t offset, uint32_t len)
{
	uint32_t head_len = tx_head_len(whole);
	uint32_t skip = offset;

	if (offset == 0) {
		memcpy(tx_push(f, head_len), tx_head(whole), head_len);
		len -= head_len;
	} else {
		skip -= head_len;
	}
	for (unsigned i = 1; i <= whole->pieces && len > 0; i++) {
		const struct iovec *piece = &whole->iov[i];
		size_t take;

		if (skip >= piece->iov_len) {
			skip -= (uint32_t)piece->iov_len;
			continue;
		}
		take = piece->iov_len - skip < len ? piece->iov_len - skip : len;
		/* Never full: f gets no more pieces than whole has. */
		(void)tx_add_payload(f, (const uint8_t *)piece->iov_base + skip, take);
		len -= (uint32_t)take;
		skip = 0;
	}
}

static enum drop_reason output_fragments(struct ip *ip, struct tx_frame *f, const struct ip_send *how,
					 const struct ip_addr *next_hop)
{
	struct tx_frame whole = *f; /* f is the slot that the first fragment will be built in */
	uint32_t len = tx_len(&whole);
	uint32_t room = fragment_room(ip);
	uint16_t id = (uint16_t)random_u32(&ip->world->random);
	enum drop_reason why = DROP_NONE;

	assert(tx_head_len(&whole) <= room && f->gso == GSO_NONE && f->flags == 0);
	if (link_tx_room(ip->link) < ip4_frames_for(ip, len))
		return discard(ip, f, DROP_TX_RING_FULL);
	for (uint32_t offset = 0; offset < len && why == DROP_NONE; offset += room) {
		uint32_t part = len - offset < room ? len - offset : room;
		uint32_t more = offset + part < len ? IP4_MF : 0;
		struct tx_frame *fragment = link_tx_slot(ip->link); /* not NULL: there is room */

		add_slice(fragment, &whole, offset, part);
		fragment->note = whole.note;
		fragment->owner = whole.owner;
		span_owner_ref(fragment->owner);
		push_header(fragment, how, id, (uint16_t)(more | offset / 8));
		why = link_output(ip->link, fragment, next_hop, ETH_TYPE_IPV4, how->neighbour_hint);
		ip->stats.frag_creates++;
	}
	ip->stats.frag_oks += why == DROP_NONE;
	span_owner_unref(whole.owner);
	return why;
}

/* The largest packet that f may be sent as without being cut here. */
static uint32_t max_total(const struct ip *ip, const struct tx_frame *f)
{
	uint32_t max = f->gso != GSO_NONE ? ip->link->caps.gso_max : ip->link->caps.mtu;

	return max < IP4_MAX_TOTAL ? max : IP4_MAX_TOTAL;
}

enum drop_reason ip4_output(struct ip *ip, struct tx_frame *f, const struct ip_send *how)
{
	uint32_t total = tx_len(f) + IP4_HEADER_LEN;
	const struct ip_addr *next_hop = &limited_broadcast;
	const struct ip_route *route;

	if (!is_broadcast(ip, &how->dst)) {
		route = route_find(ip, &how->dst);
		if (UNLIKELY(route == NULL))
			return discard(ip, f, DROP_IP_NO_ROUTE);
		next_hop = route_next_hop(route, &how->dst);
	}
	if (UNLIKELY(total > max_total(ip, f))) {
		if (!how->may_fragment || total > IP4_MAX_TOTAL)
			return discard(ip, f, DROP_IP_TOO_BIG);
		ip->stats.out_requests++;
		return output_fragments(ip, f, how, next_hop);
	}
	ip->stats.out_requests++;
	if (how->may_fragment)
		push_header(f, how, (uint16_t)random_u32(&ip->world->random), 0);
	else
		push_header(f, how, 0, IP4_DF); /* a device that segments counts the ID up itself */
	return link_output(ip->link, f, next_hop, ETH_TYPE_IPV4, how->neighbour_hint);
}
