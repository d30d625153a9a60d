/* Owners of frames: Ethernet, IPv4 (RFC 791), the ports of TCP and UDP, and the packets that ICMP errors
 * quote (RFC 792). */
#include "link/steer_rule.h"

#include <assert.h>
#include <stdbool.h>

#include "base/ip4_fields.h"
#include "link/ethernet.h"

enum { PORTS = 4, ICMP_HEADER = 8 };

/* An odd factor loses nothing of a word; a large one carries it far. */
struct steer_rule steer_rule_make(enum steer_mode mode, unsigned queues, uint64_t key)
{
	assert(queues >= 1 && queues <= STEER_QUEUES);
	return (struct steer_rule){
		.mode = mode,
		.queues = queues,
		.start = (uint32_t)(key >> 32),
		.factor = (uint32_t)key | 0x40000001,
	};
}

static int choose(const struct steer_rule *r, uint32_t hash)
{
	return (int)((uint64_t)steer_end(hash) * r->queues >> 32);
}

static int owner_of_address(const struct steer_rule *r, uint32_t remote)
{
	return choose(r, steer_mix(r, r->start, remote));
}

/* ports: the remote one in the upper half. */
static int owner_of_flow(const struct steer_rule *r, uint32_t remote, uint32_t local, uint32_t ports)
{
	uint32_t hash = steer_mix(r, r->start, remote);

	if (r->mode == STEER_FLOW)
		hash = steer_mix(r, steer_mix(r, hash, local), ports);
	return choose(r, hash);
}

static uint32_t src_of(const uint8_t *ip)
{
	return load_be32(ip + 12);
}

static uint32_t dst_of(const uint8_t *ip)
{
	return load_be32(ip + 16);
}

/* Where the ports are; NULL: the packet, or what there is of it, has none. */
static const uint8_t *find_ports(struct bytes packet)
{
	const uint8_t *ip = packet.data;
	uint32_t header = ip4_header_len(ip);

	if (ip4_protocol(ip) != IP_PROTO_TCP && ip4_protocol(ip) != IP_PROTO_UDP)
		return NULL;
	if (packet.len < header + PORTS)
		return NULL;
	return ip + header;
}

/* Destination unreachable, source quench, redirect, time exceeded, parameter problem: what we have sent
 * stands in them, and in that we are the source. */
static bool take_quoted(struct bytes packet, struct bytes *quoted)
{
	uint32_t header = ip4_header_len(packet.data);
	uint8_t type;

	if (ip4_protocol(packet.data) != IP_PROTO_ICMP || packet.len < header + ICMP_HEADER + IP4_HEADER_LEN)
		return false;
	type = packet.data[header];
	*quoted = packet;
	bytes_skip(quoted, header + ICMP_HEADER);
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static int owner_of_quoted(const struct steer_rule *r, struct bytes quoted)
{
	const uint8_t *ip = quoted.data, *ports = find_ports(quoted);
	uint32_t both;

	if (ports == NULL)
		return r->mode == STEER_ADDRESS ? owner_of_address(r, dst_of(ip)) : 0;
	both = load_be32(ports);
	return owner_of_flow(r, dst_of(ip), src_of(ip), both << 16 | both >> 16);
}

int steer_owner_of_packet(const struct steer_rule *r, struct bytes packet)
{
	const uint8_t *ip = packet.data, *ports;
	struct bytes quoted;

	if (packet.len < IP4_HEADER_LEN)
		return 0;
	if (ip4_is_fragment(ip))
		return owner_of_address(r, src_of(ip));
	ports = find_ports(packet);
	if (ports != NULL)
		return owner_of_flow(r, src_of(ip), dst_of(ip), load_be32(ports));
	if (take_quoted(packet, &quoted))
		return owner_of_quoted(r, quoted);
	return r->mode == STEER_ADDRESS ? owner_of_address(r, src_of(ip)) : 0;
}

int steer_owner(const struct steer_rule *r, struct bytes frame)
{
	uint16_t type;

	if (frame.len < ETH_HEADER_LEN)
		return 0;
	type = load_be16(frame.data + 12);
	bytes_skip(&frame, ETH_HEADER_LEN);
	if (LIKELY(type == ETH_TYPE_IPV4))
		return steer_owner_of_packet(r, frame);
	return type == ETH_TYPE_ARP ? STEER_ALL : 0;
}
