/*
 * ICMP, what is alike in both families: rate limits and the memory of answers. Errors have a small budget
 * (RFC 1812 section 4.3.2.8): they are caused by anybody who can reach us. Echo has a larger one, enough for
 * a flood ping.
 */
#include "ip/icmp.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pool.h"
#include "ip/icmp4.h"

struct icmp {
	struct rate_limit errors, echoes;
	struct pool small, large; /* of struct icmp_copy */
};

bool rate_limit_take(struct rate_limit *l, uint64_t now_us, uint32_t n, uint32_t rate, uint32_t burst)
{
	uint64_t full_at_us = l->full_at_us > now_us ? l->full_at_us : now_us;
	uint64_t cost_us = (uint64_t)n * 1000000 / rate;

	if (full_at_us + cost_us - now_us > (uint64_t)burst * 1000000 / rate)
		return false;
	l->full_at_us = full_at_us + cost_us;
	return true;
}

struct icmp *icmp_new(void)
{
	struct icmp *icmp = calloc(1, sizeof *icmp);

	if (icmp == NULL)
		return NULL;
	pool_init(&icmp->small, "icmp_small", sizeof(struct icmp_copy) + ICMP_SMALL_COPY, ICMP_SMALL_COPIES);
	pool_init(&icmp->large, "icmp_large", sizeof(struct icmp_copy) + ICMP_LARGE_COPY, ICMP_LARGE_COPIES);
	return icmp;
}

void icmp_free(struct icmp *icmp)
{
	pool_fini(&icmp->small);
	pool_fini(&icmp->large);
	free(icmp);
}

void icmp_each_pool(const struct icmp *icmp, pool_visit_fn *visit, void *context)
{
	visit(context, &icmp->small);
	visit(context, &icmp->large);
}

bool icmp_may_send_error(struct ip *ip)
{
	if (rate_limit_take(&ip->icmp->errors, ip->world->now_us, 1, ICMP_ERROR_RATE, ICMP_ERROR_BURST))
		return true;
	world_drop(ip->world, DROP_ICMP_RATE);
	return false;
}

bool icmp_may_send_echo(struct ip *ip, uint32_t frames)
{
	if (rate_limit_take(&ip->icmp->echoes, ip->world->now_us, frames, ICMP_ECHO_RATE, ICMP_ECHO_BURST))
		return true;
	world_drop(ip->world, DROP_ICMP_RATE);
	return false;
}

static void release_copy(struct span_owner *owner)
{
	struct icmp_copy *copy = CONTAINER_OF(owner, struct icmp_copy, owner);

	pool_give(copy->pool, copy);
}

struct icmp_copy *icmp_copy_new(struct ip *ip, size_t len)
{
	struct pool *pool = len <= ICMP_SMALL_COPY ? &ip->icmp->small : &ip->icmp->large;
	struct icmp_copy *copy;

	assert(len <= ICMP_LARGE_COPY);
	copy = pool_take(pool);
	if (copy == NULL) {
		world_drop(ip->world, DROP_NO_MEMORY);
		return NULL;
	}
	span_owner_init(&copy->owner, release_copy);
	copy->pool = pool;
	return copy;
}

void icmp_send_unreachable(struct ip *ip, const struct ip_packet *packet, enum icmp_error_kind kind)
{
	assert(kind == ICMP_PORT_UNREACHABLE || kind == ICMP_PROTOCOL_UNREACHABLE);
	assert(ip_addr_is_4(&packet->src));
	icmp4_send_unreachable(ip, packet, kind);
}
