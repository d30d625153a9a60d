/*
 * A bucket is one number, the time when it will be full again: a token taken moves it one interval on, and
 * tokens are missing as long as it lies ahead (the generic cell rate algorithm of ITU-T I.371). The table is
 * set-associative: a client's hash, whose key is secret, names its set, and it stands somewhere in it.
 */
#include "base/addr_rates.h"

#include <errno.h>
#include <stdlib.h>

enum { PLACES = 7 };

struct place {
	struct ip_addr client;
	uint64_t full_at_us;
};

struct addr_rate_set {
	struct place places[PLACES];
	struct place others; /* for clients that found no place; its address is none */
};

int addr_rates_init(struct addr_rates *t, const struct rate_limit *limit, uint32_t clients,
		    const struct hash_key *key)
{
	size_t sets = 1;

	while (sets * PLACES < clients)
		sets *= 2;
	*t = (struct addr_rates){ .key = *key, .limit = *limit, .mask = sets - 1 };
	t->sets = calloc(sets, sizeof *t->sets);
	return t->sets != NULL ? 0 : -ENOMEM;
}

void addr_rates_fini(struct addr_rates *t)
{
	free(t->sets);
	t->sets = NULL;
}

static struct addr_rate_set *set_of(const struct addr_rates *t, const struct ip_addr *network)
{
	return &t->sets[hash_siphash13(&t->key, network->b, sizeof network->b) & t->mask];
}

/* The client's own place, or else one whose bucket is full, or else the common one. */
static struct place *find(const struct addr_rates *t, const struct ip_addr *network, uint64_t now_us)
{
	struct addr_rate_set *set = set_of(t, network);
	struct place *found = &set->others;

	for (struct place *p = set->places; p < set->places + PLACES; p++) {
		if (ip_addr_equal(&p->client, network))
			return p;
		if (p->full_at_us <= now_us)
			found = p;
	}
	return found;
}

static uint64_t full_at(const struct place *p, uint64_t now_us)
{
	return p->full_at_us > now_us ? p->full_at_us : now_us;
}

/* It may be all but one token from full. */
static uint64_t wait_us(const struct addr_rates *t, const struct place *p, uint64_t now_us)
{
	uint64_t missing_us = full_at(p, now_us) - now_us;
	uint64_t most_us = (t->limit.burst - 1) * t->limit.interval_us;

	return missing_us > most_us ? missing_us - most_us : 0;
}

uint64_t addr_rates_wait_us(const struct addr_rates *t, const struct ip_addr *client, uint64_t now_us)
{
	struct ip_addr network = ip_addr_client_network(client);

	return wait_us(t, find(t, &network, now_us), now_us);
}

uint64_t addr_rates_take(struct addr_rates *t, const struct ip_addr *client, uint64_t now_us)
{
	struct ip_addr network = ip_addr_client_network(client);
	struct place *p = find(t, &network, now_us);
	uint64_t wait = wait_us(t, p, now_us);

	if (wait > 0)
		return wait;
	if (p != &set_of(t, &network)->others)
		p->client = network;
	p->full_at_us = full_at(p, now_us) + t->limit.interval_us;
	return 0;
}

/* Where nothing is missing there is nothing to give: the bucket has filled meanwhile. */
void addr_rates_give(struct addr_rates *t, const struct ip_addr *client, uint64_t now_us)
{
	struct ip_addr network = ip_addr_client_network(client);
	struct place *p = find(t, &network, now_us);

	if (p->full_at_us > now_us)
		p->full_at_us -= t->limit.interval_us;
}
