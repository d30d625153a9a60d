/*
 * Addresses as text and back. IPv4 is parsed strictly (four decimal parts, no leading
 * zeros, which some programs read as octal); IPv6 is written as RFC 5952 says.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "base/bytes.h"

enum { IPV4_BITS_BEFORE = 96, IPV6_GROUPS = 8 };

bool ip_addr_is_loopback(const struct ip_addr *a)
{
	static const struct ip_addr loopback6 = { .b = { [15] = 1 } };

	return ip_addr_is_4(a) ? a->b[12] == 127 : ip_addr_equal(a, &loopback6);
}

struct ip_addr ip_addr_client_network(const struct ip_addr *a)
{
	struct ip_addr network = *a;

	if (!ip_addr_is_4(a))
		memset(network.b + 8, 0, 8);
	return network;
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	uint64_t high = load_be64(p->addr.b) ^ load_be64(a->b);
	uint64_t low = load_be64(p->addr.b + 8) ^ load_be64(a->b + 8);

	assert(p->bits <= 128);
	if (p->bits <= 64)
		return p->bits == 0 || high >> (64 - p->bits) == 0;
	return high == 0 && low >> (128 - p->bits) == 0;
}

/* A decimal number of at most max without sign, space or leading zero; moves *text behind it. */
static bool parse_number(const char **text, unsigned max, unsigned *out)
{
	const char *p = *text;
	unsigned v = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (unsigned)(*p - '0');
		if (v > max)
			return false;
	}
	*text = p;
	*out = v;
	return true;
}

static bool parse_ip4(const char *text, struct ip_addr *out)
{
	uint32_t v = 0;
	unsigned part;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && *text++ != '.')
			return false;
		if (!parse_number(&text, 255, &part))
			return false;
		v = v << 8 | part;
	}
	if (*text != '\0')
		return false;
	*out = ip_addr_from_4(v);
	return true;
}

bool ip_addr_parse(const char *text, struct ip_addr *out)
{
	struct ip_addr a;

	if (strchr(text, ':') == NULL)
		return parse_ip4(text, out);
	if (inet_pton(AF_INET6, text, a.b) != 1)
		return false;
	*out = a;
	return true;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char address[IP_ADDR_TEXT];
	unsigned before, bits;
	struct ip_addr a;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!ip_addr_parse(address, &a))
		return false;
	before = strchr(address, ':') == NULL ? IPV4_BITS_BEFORE : 0;
	bits = 128 - before;
	if (slash != NULL) {
		slash++;
		if (!parse_number(&slash, bits, &bits) || *slash != '\0')
			return false;
	}
	*out = (struct ip_prefix){ .addr = a, .bits = (uint8_t)(before + bits) };
	return true;
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 section 4.2). */
static void find_zero_run(const uint8_t *b, int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0, run = 0; i < IPV6_GROUPS; i++) {
		run = load_be16(b + 2 * i) == 0 ? run + 1 : 0;
		if (run > *len) {
			*len = run;
			*start = i + 1 - run;
		}
	}
}

static char *put_ip4(char *p, const uint8_t *b)
{
	return p + sprintf(p, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

/* 39 characters and NUL at most: no mapped address comes here. */
static char *put_ip6(char *p, const uint8_t *b)
{
	int start, len;

	find_zero_run(b, &start, &len);
	for (int i = 0; i < IPV6_GROUPS; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += len - 1;
			continue;
		}
		if (i > 0 && i != start + len)
			*p++ = ':';
		p += sprintf(p, "%x", load_be16(b + 2 * i));
	}
	*p = '\0';
	return p;
}

static char *put_address(char *p, const struct ip_addr *a)
{
	return ip_addr_is_4(a) ? put_ip4(p, a->b + IPV4_BITS_BEFORE / 8) : put_ip6(p, a->b);
}

char *ip_addr_format(const struct ip_addr *a, char out[static IP_ADDR_TEXT])
{
	put_address(out, a);
	return out;
}

char *ip_prefix_format(const struct ip_prefix *p, char out[static IP_PREFIX_TEXT])
{
	bool is_4 = ip_addr_is_4(&p->addr) && p->bits >= IPV4_BITS_BEFORE;
	char *end = out;

	assert(p->bits <= 128);
	/* Fewer bits than the mapped prefix has do not fit IPv4's notation. */
	if (ip_addr_is_4(&p->addr) && !is_4)
		end += sprintf(end, "::ffff:");
	end = put_address(end, &p->addr);
	sprintf(end, "/%u", (unsigned)p->bits - (is_4 ? IPV4_BITS_BEFORE : 0));
	return out;
}
