/*
 * Routes (RFC 1122 section 3.3.1): the table is kept sorted, longest prefix first, so that the first match is
 * the right one. A host has a handful of routes, and the on-link prefix, where most peers of a lone host are,
 * comes first.
 */
#include "ip/route.h"

#include <errno.h>

enum { IP4_PREFIX_BITS = 96 }; /* ::ffff:0:0/96 holds all IPv4 addresses */

static bool holds(const struct ip_prefix *p, const struct ip_addr *a)
{
	if (!ip_prefix_contains(p, a))
		return false;
	/* ::/0 holds IPv4-mapped addresses too, but an IPv6 route says nothing about IPv4. */
	return p->bits >= IP4_PREFIX_BITS || !ip_addr_is_4(a);
}

const struct ip_route *route_find(const struct ip *ip, const struct ip_addr *dst)
{
	for (unsigned i = 0; i < ip->n_routes; i++)
		if (holds(&ip->routes[i].to, dst))
			return &ip->routes[i];
	return NULL;
}

static struct ip_prefix without_host_bits(const struct ip_prefix *p)
{
	struct ip_prefix out = *p;

	for (unsigned i = 0; i < sizeof out.addr.b; i++) {
		unsigned kept = p->bits > 8 * i ? p->bits - 8 * i : 0;

		if (kept < 8)
			out.addr.b[i] = (uint8_t)(out.addr.b[i] & (0xff00u >> kept));
	}
	return out;
}

static struct ip_route *find_same(struct ip *ip, const struct ip_prefix *to)
{
	for (unsigned i = 0; i < ip->n_routes; i++)
		if (ip->routes[i].to.bits == to->bits && ip_addr_equal(&ip->routes[i].to.addr, &to->addr))
			return &ip->routes[i];
	return NULL;
}

bool route_fits(const struct ip *ip, const struct ip_prefix *to)
{
	struct ip_prefix clean = without_host_bits(to);

	if (ip->n_routes < IP_MAX_ROUTES)
		return true;
	for (unsigned i = 0; i < ip->n_routes; i++)
		if (ip->routes[i].to.bits == clean.bits && ip_addr_equal(&ip->routes[i].to.addr, &clean.addr))
			return true;
	return false;
}

int route_add(struct ip *ip, const struct ip_prefix *to, const struct ip_addr *gateway)
{
	struct ip_route added = { .to = without_host_bits(to), .gateway = *gateway };
	struct ip_route *same = find_same(ip, &added.to);
	unsigned at;

	if (same != NULL) {
		same->gateway = *gateway;
		return 0;
	}
	if (ip->n_routes == IP_MAX_ROUTES)
		return -ENOSPC;
	for (at = ip->n_routes; at > 0 && ip->routes[at - 1].to.bits < added.to.bits; at--)
		ip->routes[at] = ip->routes[at - 1];
	ip->routes[at] = added;
	ip->n_routes++;
	return 0;
}
