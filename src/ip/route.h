/* The routing table of one host: a few prefixes, longest first. Both families in one table. */
#ifndef IP_ROUTE_H
#define IP_ROUTE_H

#include "ip/ip.h"

/* The route with the longest prefix that holds dst, or NULL. */
const struct ip_route *route_find(const struct ip *ip, const struct ip_addr *dst);

/* Where a packet to dst goes first on this link: dst itself, or the route's gateway. */
static inline const struct ip_addr *route_next_hop(const struct ip_route *route, const struct ip_addr *dst)
{
	static const struct ip_addr any;

	return ip_addr_equal(&route->gateway, &any) ? dst : &route->gateway;
}

/* gateway any: on-link. Replaces a route to the same prefix; host bits are cleared. 0 or -ENOSPC. */
int route_add(struct ip *ip, const struct ip_prefix *to, const struct ip_addr *gateway);

/* True if another route to a prefix not yet there would fit, or the prefix is there already. */
bool route_fits(const struct ip *ip, const struct ip_prefix *to);

#endif
