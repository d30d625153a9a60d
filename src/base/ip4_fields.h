/*
 * Fields of IPv4's header (RFC 791 section 3.1), for all who look into packets, below IP and above. Nothing
 * is checked here: there must be as many bytes as a header has at least.
 */
#ifndef BASE_IP4_FIELDS_H
#define BASE_IP4_FIELDS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/bytes.h"

enum { IP_PROTO_ICMP = 1, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17 };
enum { IP4_HEADER_LEN = 20 /* without options */ };

static inline unsigned ip4_version(const uint8_t *ip)
{
	return ip[0] >> 4;
}

/* With options. */
static inline uint32_t ip4_header_len(const uint8_t *ip)
{
	return (ip[0] & 15u) * 4;
}

/* Of the packet, by its own word. */
static inline uint32_t ip4_total_len(const uint8_t *ip)
{
	return load_be16(ip + 2);
}

/* A piece of a packet: an offset, or more to come. */
static inline bool ip4_is_fragment(const uint8_t *ip)
{
	return (load_be16(ip + 6) & 0x3fff) != 0;
}

/* Not the first piece: what IP carries begins in another. */
static inline bool ip4_is_later_fragment(const uint8_t *ip)
{
	return (load_be16(ip + 6) & 0x1fff) != 0;
}

static inline uint8_t ip4_protocol(const uint8_t *ip)
{
	return ip[9];
}

static inline struct ip_addr ip4_src(const uint8_t *ip)
{
	return ip_addr_from_4(load_be32(ip + 12));
}

static inline struct ip_addr ip4_dst(const uint8_t *ip)
{
	return ip_addr_from_4(load_be32(ip + 16));
}

#endif
