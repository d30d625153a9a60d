/*
 * Internet addresses of both families in one form: 16 bytes, an IPv4 address
 * as the IPv4-mapped IPv6 address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
 * One form keeps tables, connections and access lists free of family switches.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct ip_addr {
	uint8_t b[16];
};

/* A prefix: the first `bits` of `addr` count (0 to 128; an IPv4 /24 is 96 + 24). */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t bits;
};

enum { IP_ADDR_TEXT = 46, IP_PREFIX_TEXT = 50 }; /* room for the text and its NUL */

static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* The questions that are asked of each packet, several times, are answered in place. */

/* :: , which stands for "none given" in both families. */
static inline bool ip_addr_is_any(const struct ip_addr *a)
{
	static const struct ip_addr any;

	return ip_addr_equal(a, &any);
}

static inline bool ip_addr_is_4(const struct ip_addr *a)
{
	uint64_t zeros;

	memcpy(&zeros, a->b, sizeof zeros);
	return zeros == 0 && load_be32(a->b + 8) == 0xffff;
}

/* From an IPv4 address in host byte order, and back; the latter only if ip_addr_is_4(). */
static inline struct ip_addr ip_addr_from_4(uint32_t host_order)
{
	struct ip_addr a = { .b = { [10] = 0xff, 0xff } };

	store_be32(a.b + 12, host_order);
	return a;
}

static inline uint32_t ip_addr_to_4(const struct ip_addr *a)
{
	assert(ip_addr_is_4(a));
	return load_be32(a->b + 12);
}

/* 224.0.0.0/4, ff00::/8 */
static inline bool ip_addr_is_multicast(const struct ip_addr *a)
{
	return ip_addr_is_4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool ip_addr_is_loopback(const struct ip_addr *a); /* 127.0.0.0/8, ::1 */

/* The part of an address that is one client's: IPv4's all, IPv6's first 64 bits (RFC 6177). The rest is 0. */
struct ip_addr ip_addr_client_network(const struct ip_addr *a);

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);

/* "10.77.0.2", "2001:db8::1"; false if the text is anything else. */
bool ip_addr_parse(const char *text, struct ip_addr *out);
/* As above with "/bits"; without it the whole address counts. Host bits may be set. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out);

/* Writes the usual text (RFC 5952 for IPv6) into out and returns out. */
char *ip_addr_format(const struct ip_addr *a, char out[static IP_ADDR_TEXT]);
/* The same with /bits (IPv4 bits for IPv4). */
char *ip_prefix_format(const struct ip_prefix *p, char out[static IP_PREFIX_TEXT]);

#endif
