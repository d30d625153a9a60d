/*
 * How often each client may do something: a token bucket for each. It holds `burst` tokens, one comes back
 * every interval, and each time takes one. A client is an address, or an IPv6 network of 64 bits, which is
 * the least that a customer is given (RFC 6177).
 *
 * The table has a fixed size. A bucket that is full again says nothing, so its place is free for another
 * client. When no place is free where a client would stand, it shares one bucket with all others of whom that
 * is true: an attacker with more addresses than the table has places gets no more than the rate times places,
 * those who are in the table already do not notice, and newcomers are slowed down, not shut out.
 */
#ifndef BASE_ADDR_RATES_H
#define BASE_ADDR_RATES_H

#include "base/addr.h"
#include "base/hash.h"

struct rate_limit {
	uint64_t interval_us; /* in which one token comes back; 0: no limit */
	uint32_t burst;       /* 1 or more */
};

struct addr_rates {
	struct hash_key key;
	struct rate_limit limit;
	struct addr_rate_set *sets;
	size_t mask; /* number of sets, a power of two, less one */
};

/* For as many clients at once as given, or a few more. The interval must not be 0. 0 or -ENOMEM. */
int addr_rates_init(struct addr_rates *t, const struct rate_limit *limit, uint32_t clients,
		    const struct hash_key *key);
void addr_rates_fini(struct addr_rates *t);

/* How long the client has to wait for a token: 0 if there is one now. */
uint64_t addr_rates_wait_us(const struct addr_rates *t, const struct ip_addr *client, uint64_t now_us);

/* Takes a token and returns 0; or how long the client has to wait for one, and none is taken. */
uint64_t addr_rates_take(struct addr_rates *t, const struct ip_addr *client, uint64_t now_us);

/* Gives one back. */
void addr_rates_give(struct addr_rates *t, const struct ip_addr *client, uint64_t now_us);

#endif
