/*
 * The network layer as its callers see it: set-up, our addresses, which of them to use, and the switch
 * between families. A host, never a router (RFC 1122 section 3.2.1): what is not for us is dropped.
 */
#include "ip/ip.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "ip/icmp.h"
#include "ip/icmp4.h"
#include "ip/ip4.h"
#include "ip/reassembly.h"
#include "ip/route.h"

enum { IP4_PREFIX_BITS = 96, ADDR_BITS = 128 };

static const struct ip_addr any;

static void on_reassembly_timeout(void *context, const struct ip_packet *first)
{
	icmp4_send_time_exceeded(context, first);
}

int ip_init(struct ip *ip, struct world *w, struct link *l)
{
	assert(l->caps.mtu >= IP4_MIN_MTU);
	memset(ip, 0, sizeof *ip);
	ip->world = w;
	ip->link = l;
	ip->icmp = icmp_new();
	if (ip->icmp == NULL)
		return -ENOMEM;
	ip->reassembly = reassembly_new(w, &ip->stats, on_reassembly_timeout, ip);
	if (ip->reassembly == NULL) {
		icmp_free(ip->icmp);
		return -ENOMEM;
	}
	return 0;
}

void ip_fini(struct ip *ip)
{
	link_tx_done(ip->link);
	reassembly_free(ip->reassembly);
	icmp_free(ip->icmp);
}

/* The host part is neither all zeros nor all ones (RFC 1122 section 3.2.1.3). In /31 and /32 any will do
 * (RFC 3021). */
static bool is_host_of_prefix(const struct ip_prefix *p)
{
	uint32_t host_bits = ADDR_BITS - p->bits;
	uint32_t mask = host_bits >= 32 ? UINT32_MAX : (1u << host_bits) - 1;
	uint32_t host = ip_addr_to_4(&p->addr) & mask;

	return host_bits <= 1 || (host != 0 && host != mask);
}

static bool may_be_ours(const struct ip *ip, const struct ip_prefix *p)
{
	if (!ip_addr_is_4(&p->addr) || p->bits < IP4_PREFIX_BITS || p->bits > ADDR_BITS)
		return false;
	return !ip_is_invalid_peer(ip, &p->addr) && is_host_of_prefix(p);
}

int ip_add_address(struct ip *ip, const struct ip_prefix *address)
{
	struct ip_ifaddr *added = &ip->addresses[ip->n_addresses];
	int error;

	if (!may_be_ours(ip, address))
		return -EINVAL;
	if (ip_is_ours(ip, &address->addr))
		return -EEXIST;
	if (ip->n_addresses == IP_MAX_ADDRESSES || !route_fits(ip, address))
		return -ENOSPC;
	error = link_add_address(ip->link, &address->addr);
	if (error != 0)
		return error;
	added->addr = address->addr;
	added->prefix_bits = address->bits;
	added->broadcast = ip4_broadcast_of(&address->addr, address->bits);
	ip->n_addresses++;
	return route_add(ip, address, &any);
}

static bool is_on_link(const struct ip *ip, const struct ip_addr *a)
{
	const struct ip_route *route = route_find(ip, a);

	return route != NULL && ip_addr_equal(&route->gateway, &any);
}

int ip_add_route(struct ip *ip, const struct ip_prefix *to, const struct ip_addr *gateway)
{
	if (to->bits > ADDR_BITS || (ip_addr_is_4(&to->addr) && to->bits < IP4_PREFIX_BITS))
		return -EINVAL;
	if (gateway == NULL || ip_addr_is_any(gateway))
		return route_add(ip, to, &any);
	if (ip_addr_is_4(gateway) != ip_addr_is_4(&to->addr) || ip_is_ours(ip, gateway))
		return -EINVAL;
	if (ip_is_invalid_peer(ip, gateway) || !is_on_link(ip, gateway))
		return -EINVAL;
	return route_add(ip, to, gateway);
}

void ip_divert(struct ip *ip, ip_divert_fn *divert, void *context)
{
	ip->divert = divert;
	ip->divert_context = context;
}

void ip_each_pool(const struct ip *ip, pool_visit_fn *visit, void *context)
{
	reassembly_each_pool(ip->reassembly, visit, context);
	icmp_each_pool(ip->icmp, visit, context);
}

enum ip_verdict ip_input(struct ip *ip, uint16_t ethertype, const struct rx_frame *frame,
			 struct bytes payload, struct ip_packet *packet, struct icmp_error *error,
			 enum drop_reason *reason)
{
	if (LIKELY(ethertype == ETH_TYPE_IPV4))
		return ip4_input(ip, frame, payload, packet, error, reason);
	*reason = world_drop(ip->world, DROP_ETH_UNKNOWN_TYPE);
	return IP_DROPPED;
}

bool ip_is_ours(const struct ip *ip, const struct ip_addr *a)
{
	for (unsigned i = 0; i < ip->n_addresses; i++)
		if (ip_addr_equal(&ip->addresses[i].addr, a))
			return true;
	return false;
}

static bool is_own_broadcast(const struct ip *ip, const struct ip_addr *a)
{
	for (unsigned i = 0; i < ip->n_addresses; i++)
		if (ip_addr_equal(&ip->addresses[i].broadcast, a))
			return true;
	return false;
}

bool ip_is_invalid_peer(const struct ip *ip, const struct ip_addr *a)
{
	if (ip_addr_is_4(a) && (a->b[12] == 0 || ip_addr_to_4(a) == UINT32_MAX))
		return true;
	if (ip_addr_is_any(a) || ip_addr_is_multicast(a) || ip_addr_is_loopback(a))
		return true;
	return is_own_broadcast(ip, a);
}

/* The address whose prefix holds a, the longest of these; NULL if there is none. */
static const struct ip_ifaddr *find_near(const struct ip *ip, const struct ip_addr *a)
{
	const struct ip_ifaddr *best = NULL;

	for (unsigned i = 0; i < ip->n_addresses; i++) {
		const struct ip_ifaddr *ours = &ip->addresses[i];
		struct ip_prefix on_link = { .addr = ours->addr, .bits = ours->prefix_bits };

		if (ip_prefix_contains(&on_link, a) &&
		    (best == NULL || ours->prefix_bits > best->prefix_bits))
			best = ours;
	}
	return best;
}

static const struct ip_ifaddr *find_of_family(const struct ip *ip, const struct ip_addr *a)
{
	for (unsigned i = 0; i < ip->n_addresses; i++)
		if (ip_addr_is_4(&ip->addresses[i].addr) == ip_addr_is_4(a))
			return &ip->addresses[i];
	return NULL;
}

bool ip_source_for(const struct ip *ip, const struct ip_addr *dst, struct ip_addr *src)
{
	const struct ip_route *route = route_find(ip, dst);
	const struct ip_ifaddr *best;

	if (route == NULL)
		return false;
	best = find_near(ip, route_next_hop(route, dst));
	if (best == NULL)
		best = find_of_family(ip, dst); /* dst is on-link by a route of its own */
	if (best == NULL)
		return false;
	*src = best->addr;
	return true;
}

uint32_t ip_mtu(const struct ip *ip, const struct ip_addr *dst)
{
	(void)dst; /* one link: all destinations are behind the same MTU */
	return ip->link->caps.mtu;
}

static uint32_t pseudo_sum_4(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
			     uint16_t len)
{
	uint64_t sum = (uint64_t)be32_swap(ip_addr_to_4(src)) + be32_swap(ip_addr_to_4(dst));

	return checksum_fold_to_32(sum + be16_swap((uint16_t)protocol) + be16_swap(len));
}

uint32_t ip_pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint32_t len)
{
	uint32_t sum;

	if (LIKELY(ip_addr_is_4(src)))
		return pseudo_sum_4(src, dst, protocol, (uint16_t)len);
	sum = checksum_add(checksum_add_be16(0, protocol), src->b, sizeof src->b);
	sum = checksum_add(sum, dst->b, sizeof dst->b);
	return checksum_add_be32(sum, len);
}

enum drop_reason ip_output(struct ip *ip, struct tx_frame *f, const struct ip_send *how)
{
	assert(ip_addr_is_4(&how->src) && ip_addr_is_4(&how->dst));
	return ip4_output(ip, f, how);
}
