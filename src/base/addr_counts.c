/* A hash table with chains; its key is secret, so that nobody can aim at one of them. */
#include "base/addr_counts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct addr_count {
	struct addr_count *next;
	struct ip_addr client;
	uint32_t count;
};

int addr_counts_init(struct addr_counts *t, const char *name, uint32_t limit, const struct hash_key *key)
{
	size_t heads = 1;

	while (heads < limit)
		heads *= 2;
	*t = (struct addr_counts){ .key = *key, .mask = heads - 1 };
	pool_init(&t->pool, name, sizeof(struct addr_count), limit);
	t->heads = calloc(heads, sizeof *t->heads);
	return t->heads != NULL ? 0 : -ENOMEM;
}

void addr_counts_fini(struct addr_counts *t)
{
	pool_fini(&t->pool);
	free(t->heads);
	t->heads = NULL;
}

/* The pointer to the client's record, or to the NULL in whose place it would be. */
static struct addr_count **find(const struct addr_counts *t, const struct ip_addr *network)
{
	struct addr_count **at = &t->heads[hash_siphash13(&t->key, network->b, sizeof network->b) & t->mask];

	while (*at != NULL && !ip_addr_equal(&(*at)->client, network))
		at = &(*at)->next;
	return at;
}

bool addr_counts_add(struct addr_counts *t, const struct ip_addr *client, uint32_t most)
{
	struct ip_addr network = ip_addr_client_network(client);
	struct addr_count **at = find(t, &network);

	if (*at == NULL) {
		struct addr_count *fresh = most > 0 ? pool_take(&t->pool) : NULL;

		if (fresh == NULL)
			return false;
		*fresh = (struct addr_count){ .client = network };
		*at = fresh;
	}
	if ((*at)->count >= most)
		return false;
	(*at)->count++;
	return true;
}

void addr_counts_remove(struct addr_counts *t, const struct ip_addr *client)
{
	struct ip_addr network = ip_addr_client_network(client);
	struct addr_count **at = find(t, &network), *found = *at;

	assert(found != NULL);
	if (--found->count > 0)
		return;
	*at = found->next;
	pool_give(&t->pool, found);
}

uint32_t addr_counts_of(const struct addr_counts *t, const struct ip_addr *client)
{
	struct ip_addr network = ip_addr_client_network(client);
	const struct addr_count *found = *find(t, &network);

	return found != NULL ? found->count : 0;
}
