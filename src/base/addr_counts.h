/*
 * How many of something each client has, such as connections. A client is an address, or an IPv6 network of
 * 64 bits, which is the least that a customer is given (RFC 6177). It is kept as long as its count is not 0,
 * so there are never more of them than things counted: nobody is forgotten, and nobody makes room.
 */
#ifndef BASE_ADDR_COUNTS_H
#define BASE_ADDR_COUNTS_H

#include "base/addr.h"
#include "base/hash.h"
#include "base/pool.h"

struct addr_count;

struct addr_counts {
	struct hash_key key;
	struct pool pool;
	struct addr_count **heads;
	size_t mask; /* number of heads, a power of two, less one */
};

/* At most limit things are counted at once. name: of the pool. 0 or -ENOMEM. */
int addr_counts_init(struct addr_counts *t, const char *name, uint32_t limit, const struct hash_key *key);
/* All counts must be 0. */
void addr_counts_fini(struct addr_counts *t);

/* One more of this client's, unless it has `most` of them already, or no memory is left: then false. */
bool addr_counts_add(struct addr_counts *t, const struct ip_addr *client, uint32_t most);

/* One less; there must be one. */
void addr_counts_remove(struct addr_counts *t, const struct ip_addr *client);

uint32_t addr_counts_of(const struct addr_counts *t, const struct ip_addr *client);

#endif
