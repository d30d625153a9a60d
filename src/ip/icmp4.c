/*
 * ICMP for IPv4 (RFC 792, RFC 1122 section 3.2.2): echo is answered, errors about packets of ours are checked
 * and handed up, everything else is dropped by name: source quench (RFC 6633), redirects (on a link with one
 * gateway they serve attackers only), timestamps and the like.
 *
 * What we send is built in a copy of our own: the frame that caused it is gone before the answer is sent.
 */
#include "ip/icmp4.h"

#include <assert.h>
#include <string.h>

#include "base/checksum.h"
#include "ip/icmp.h"
#include "ip/ip4.h"

enum {
	ICMP4_HEADER_LEN = 8,
	ICMP4_MAX_ERROR = 576, /* the largest error message, IP header included (RFC 1812 section 4.3.2.3) */
	MIN_QUOTED = 8,        /* bytes of the transport header that an error must quote */
	MIN_PATH_MTU = 68,     /* RFC 1191 section 3 */

	TYPE_ECHO_REPLY = 0,
	TYPE_DESTINATION_UNREACHABLE = 3,
	TYPE_SOURCE_QUENCH = 4,
	TYPE_REDIRECT = 5,
	TYPE_ECHO = 8,
	TYPE_TIME_EXCEEDED = 11,
	TYPE_PARAMETER_PROBLEM = 12,

	CODE_PROTOCOL_UNREACHABLE = 2,
	CODE_PORT_UNREACHABLE = 3,
	CODE_REASSEMBLY_TIME_EXCEEDED = 1,
};

/* Codes of destination unreachable (RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1). */
static const enum icmp_error_kind unreachable_kinds[] = {
	ICMP_NET_UNREACHABLE,      /* 0 */
	ICMP_HOST_UNREACHABLE,     /* 1 */
	ICMP_PROTOCOL_UNREACHABLE, /* 2 */
	ICMP_PORT_UNREACHABLE,     /* 3 */
	ICMP_TOO_BIG,              /* 4: fragmentation needed and DF set */
	ICMP_NET_UNREACHABLE,      /* 5: source route failed */
	ICMP_NET_UNREACHABLE,      /* 6: network unknown */
	ICMP_HOST_UNREACHABLE,     /* 7: host unknown */
	ICMP_HOST_UNREACHABLE,     /* 8: source host isolated */
	ICMP_NET_UNREACHABLE,      /* 9: network prohibited */
	ICMP_HOST_UNREACHABLE,     /* 10: host prohibited */
	ICMP_NET_UNREACHABLE,      /* 11: network, for this type of service */
	ICMP_HOST_UNREACHABLE,     /* 12: host, for this type of service */
	ICMP_HOST_UNREACHABLE,     /* 13: communication prohibited */
	ICMP_HOST_UNREACHABLE,     /* 14: host precedence violation */
	ICMP_HOST_UNREACHABLE,     /* 15: precedence cutoff */
};

static bool is_error_type(uint8_t type)
{
	return type == TYPE_DESTINATION_UNREACHABLE || type == TYPE_SOURCE_QUENCH || type == TYPE_REDIRECT ||
	       type == TYPE_TIME_EXCEEDED || type == TYPE_PARAMETER_PROBLEM;
}

/* Sends the message whose 8 header bytes are in head (checksum included) and whose rest is in copy, which it
 * takes. */
static enum drop_reason send_message(struct ip *ip, const uint8_t head[static ICMP4_HEADER_LEN],
				     struct icmp_copy *copy, size_t len, const struct ip_send *how,
				     const char *note)
{
	struct tx_frame *f = link_tx_slot(ip->link);
	enum drop_reason why;

	if (f == NULL) {
		span_owner_unref(&copy->owner);
		return DROP_TX_RING_FULL; /* counted by the link */
	}
	memcpy(tx_push(f, ICMP4_HEADER_LEN), head, ICMP4_HEADER_LEN);
	if (len > 0)
		(void)tx_add_payload(f, copy->data, len); /* the first of TX_PIECES */
	f->owner = &copy->owner;
	f->note = note;
	why = ip_output(ip, f, how);
	ip->stats.icmp_out_msgs += why == DROP_NONE;
	return why;
}

/* The checksum is mended, not made anew: damage between its check and here still shows. */
static void make_reply(uint8_t head[static ICMP4_HEADER_LEN])
{
	uint16_t checksum, old_type, new_type;

	memcpy(&old_type, head, sizeof old_type);
	head[0] = TYPE_ECHO_REPLY;
	memcpy(&new_type, head, sizeof new_type);
	memcpy(&checksum, head + 2, sizeof checksum);
	checksum = checksum_update16(checksum, old_type, new_type);
	/* A reply of nothing but zeros has the sum +0, which the update takes for -0. */
	if (checksum == 0)
		checksum = 0xffff;
	memcpy(head + 2, &checksum, sizeof checksum);
}

/* RFC 1122 section 3.2.2.6. The identifier, the sequence number and all data go back as they came. */
static enum drop_reason answer_echo(struct ip *ip, const struct ip_packet *packet)
{
	struct bytes data = packet->payload;
	uint8_t head[ICMP4_HEADER_LEN];
	struct icmp_copy *copy;
	enum drop_reason why;
	struct ip_send how = {
		.src = packet->dst,
		.dst = packet->src,
		.protocol = IP_PROTO_ICMP,
		.tos = packet->tos & 0xfc, /* the ECN bits are not the peer's to set */
		.may_fragment = true,
	};

	ip->stats.icmp_in_echos++;
	/* RFC 1122 section 3.2.2.6 lets us be silent; hosts that all answer make an amplifier. */
	if (packet->is_broadcast)
		return world_drop(ip->world, DROP_ICMP_UNKNOWN_TYPE);
	if (!icmp_may_send_echo(ip, ip4_frames_for(ip, (uint32_t)data.len)))
		return DROP_ICMP_RATE;
	memcpy(head, data.data, sizeof head);
	bytes_skip(&data, sizeof head);
	copy = icmp_copy_new(ip, data.len);
	if (copy == NULL)
		return DROP_NO_MEMORY;
	memcpy(copy->data, data.data, data.len);
	make_reply(head);
	why = send_message(ip, head, copy, data.len, &how, "echo reply");
	ip->stats.icmp_out_echo_reps += why == DROP_NONE;
	return why;
}

/* The packet that an error quotes must be one that we can have sent. */
static enum drop_reason parse_quoted(const struct ip *ip, struct bytes quoted, struct icmp_error *error)
{
	const uint8_t *h = quoted.data;
	struct bytes header;

	if (quoted.len < IP4_HEADER_LEN || ip4_version(h) != 4)
		return DROP_ICMP_MALFORMED;
	if (ip4_header_len(h) < IP4_HEADER_LEN || !bytes_take(&quoted, ip4_header_len(h), &header))
		return DROP_ICMP_MALFORMED;
	if (quoted.len < MIN_QUOTED)
		return DROP_ICMP_MALFORMED;
	error->protocol = ip4_protocol(h);
	error->src = ip4_src(h);
	error->dst = ip4_dst(h);
	error->quoted = quoted;
	/* A later fragment quotes no ports; and ICMP errors concern no connection. */
	if (ip4_is_later_fragment(h) || !ip_is_ours(ip, &error->src))
		return DROP_ICMP_NO_CONNECTION;
	if (error->protocol != IP_PROTO_TCP && error->protocol != IP_PROTO_UDP)
		return DROP_ICMP_NO_CONNECTION;
	return DROP_NONE;
}

static bool parse_unreachable(const uint8_t *message, struct icmp_error *error)
{
	if (error->code >= ARRAY_LENGTH(unreachable_kinds))
		return false;
	error->kind = unreachable_kinds[error->code];
	if (error->kind == ICMP_TOO_BIG) {
		error->mtu = load_be16(message + 6);
		/* Smaller than any link has: an attempt to make us send tiny packets. */
		if (error->mtu != 0 && error->mtu < MIN_PATH_MTU)
			error->mtu = MIN_PATH_MTU;
	}
	return true;
}

/* What kind of error it is; false if it is of a type or code that we do not know. */
static bool parse_kind(struct ip *ip, const uint8_t *message, struct icmp_error *error)
{
	error->type = message[0];
	error->code = message[1];
	error->mtu = 0;
	switch (error->type) {
	case TYPE_DESTINATION_UNREACHABLE:
		ip->stats.icmp_in_dest_unreachs++;
		return parse_unreachable(message, error);
	case TYPE_TIME_EXCEEDED:
		ip->stats.icmp_in_time_excds++;
		error->kind = ICMP_TIME_EXCEEDED;
		return error->code <= CODE_REASSEMBLY_TIME_EXCEEDED;
	default:
		error->kind = ICMP_PARAMETER_PROBLEM;
		return true;
	}
}

static enum drop_reason take_error(struct ip *ip, const struct ip_packet *packet, struct icmp_error *error)
{
	struct bytes quoted = packet->payload;

	if (!parse_kind(ip, packet->payload.data, error))
		return DROP_ICMP_UNKNOWN_TYPE;
	if (packet->is_broadcast)
		return DROP_ICMP_NO_CONNECTION;
	error->reporter = packet->src;
	bytes_skip(&quoted, ICMP4_HEADER_LEN);
	return parse_quoted(ip, quoted, error);
}

enum ip_verdict icmp4_input(struct ip *ip, const struct ip_packet *packet, struct icmp_error *error,
			    enum drop_reason *reason)
{
	struct bytes message = packet->payload;

	ip->stats.icmp_in_msgs++;
	*reason = DROP_NONE;
	if (message.len < ICMP4_HEADER_LEN)
		*reason = DROP_ICMP_MALFORMED;
	else if (checksum_finish(checksum_add(0, message.data, message.len)) != 0)
		*reason = DROP_ICMP_CHECKSUM;
	if (*reason != DROP_NONE) {
		world_drop(ip->world, *reason);
		return IP_DROPPED;
	}
	switch (message.data[0]) {
	case TYPE_ECHO:
		*reason = answer_echo(ip, packet);
		return *reason == DROP_NONE ? IP_DONE : IP_DROPPED;
	case TYPE_DESTINATION_UNREACHABLE:
	case TYPE_TIME_EXCEEDED:
	case TYPE_PARAMETER_PROBLEM:
		*reason = take_error(ip, packet, error);
		break;
	case TYPE_SOURCE_QUENCH:
		*reason = DROP_ICMP_SOURCE_QUENCH;
		break;
	default:
		*reason = DROP_ICMP_UNKNOWN_TYPE;
	}
	if (*reason == DROP_NONE)
		return IP_ICMP_ERROR;
	world_drop(ip->world, *reason);
	return IP_DROPPED;
}

/* RFC 1122 section 3.2.2: never about an ICMP error, a broadcast, or to an address that is not one host's.
 * (That it is not about a later fragment is the callers' part: they have a whole packet, or the first
 * fragment.) */
static bool may_report(const struct ip *ip, const struct ip_packet *packet)
{
	if (packet->is_broadcast || !ip_is_ours(ip, &packet->dst) || ip_is_invalid_peer(ip, &packet->src))
		return false;
	if (packet->protocol != IP_PROTO_ICMP)
		return true;
	return packet->payload.len > 0 && !is_error_type(packet->payload.data[0]);
}

/* Reports about packet, quoting as much of it as fits. True if the report went out. */
static bool send_error(struct ip *ip, const struct ip_packet *packet, uint8_t type, uint8_t code,
		       const char *note)
{
	enum { MAX_QUOTED = ICMP4_MAX_ERROR - IP4_HEADER_LEN - ICMP4_HEADER_LEN };
	size_t len = packet->header.len + packet->payload.len;
	uint8_t head[ICMP4_HEADER_LEN] = { type, code };
	uint16_t checksum;
	struct icmp_copy *copy;
	struct ip_send how = {
		.src = packet->dst,
		.dst = packet->src,
		.protocol = IP_PROTO_ICMP,
		.may_fragment = true,
	};

	assert(packet->header.data + packet->header.len == packet->payload.data);
	if (!may_report(ip, packet) || !icmp_may_send_error(ip))
		return false;
	if (len > MAX_QUOTED)
		len = MAX_QUOTED;
	copy = icmp_copy_new(ip, len);
	if (copy == NULL)
		return false;
	memcpy(copy->data, packet->header.data, len);
	checksum = checksum_finish(checksum_add(checksum_add(0, head, sizeof head), copy->data, len));
	memcpy(head + 2, &checksum, sizeof checksum);
	return send_message(ip, head, copy, len, &how, note) == DROP_NONE;
}

void icmp4_send_unreachable(struct ip *ip, const struct ip_packet *packet, enum icmp_error_kind kind)
{
	bool is_port = kind == ICMP_PORT_UNREACHABLE;
	uint8_t code = is_port ? CODE_PORT_UNREACHABLE : CODE_PROTOCOL_UNREACHABLE;
	const char *note = is_port ? "port unreachable" : "protocol unreachable";

	if (send_error(ip, packet, TYPE_DESTINATION_UNREACHABLE, code, note))
		ip->stats.icmp_out_dest_unreachs++;
}

void icmp4_send_time_exceeded(struct ip *ip, const struct ip_packet *first)
{
	if (send_error(ip, first, TYPE_TIME_EXCEEDED, CODE_REASSEMBLY_TIME_EXCEEDED,
		       "reassembly time exceeded"))
		ip->stats.icmp_out_time_excds++;
}
