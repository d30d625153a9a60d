/*
 * What the ICMPs of both families share: how many answers we send, when an error may be answered with an
 * error at all, and the memory that answers are copied to until the device has taken them.
 */
#ifndef IP_ICMP_H
#define IP_ICMP_H

#include "base/span.h"
#include "ip/ip.h"

enum {
	ICMP_ERROR_RATE = 100, /* errors sent a second */
	ICMP_ERROR_BURST = 20,
	ICMP_ECHO_RATE = 50000, /* frames of echo replies a second: each fragment counts */
	ICMP_ECHO_BURST = 1000,
	ICMP_SMALL_COPY = 2048, /* an answer up to this size … */
	ICMP_SMALL_COPIES = LINK_TX_RING,
	ICMP_LARGE_COPY = 65535, /* … and up to this; how many of each may wait to be sent */
	ICMP_LARGE_COPIES = 8,
};

/* A token bucket, kept as the time at which it will be full again (GCRA): zero is a full one. */
struct rate_limit {
	uint64_t full_at_us;
};

/* Takes n tokens if they are there; rate is in tokens a second. */
bool rate_limit_take(struct rate_limit *l, uint64_t now_us, uint32_t n, uint32_t rate, uint32_t burst);

/* NULL: no memory. */
struct icmp *icmp_new(void);
/* All copies must have been released. */
void icmp_free(struct icmp *icmp);

void icmp_each_pool(const struct icmp *icmp, pool_visit_fn *visit, void *context);

/* May an answer go out now? If not, ICMP_RATE is counted. */
bool icmp_may_send_error(struct ip *ip);
bool icmp_may_send_echo(struct ip *ip, uint32_t frames);

/* Memory for len bytes of an answer's payload, with one reference to give to a frame; NULL (and counted) at
 * the limit. */
struct icmp_copy {
	struct span_owner owner;
	struct pool *pool;
	uint8_t data[];
};
struct icmp_copy *icmp_copy_new(struct ip *ip, size_t len);

#endif
