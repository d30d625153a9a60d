/*
 * Four-tuple look-up. The table of connections and those of records (tcp_record.c) share one keyed hash, so
 * that it is computed once a segment. Their size follows the configured limits; untouched buckets cost no
 * memory.
 */
#include "tcp/tcp_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/minmax.h"

static uint64_t hash_4(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		       const struct ip_addr *remote, uint16_t remote_port)
{
	const struct {
		uint32_t local, remote;
		uint16_t local_port, remote_port;
	} key = { ip_addr_to_4(local), ip_addr_to_4(remote), local_port, remote_port };

	_Static_assert(sizeof key == 12, "no padding");
	return hash_siphash13_of_12(&tcp->world->table_key, &key);
}

uint64_t tcp_hash(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		  const struct ip_addr *remote, uint16_t remote_port)
{
	struct {
		struct ip_addr local, remote;
		uint16_t local_port, remote_port;
	} key = { *local, *remote, local_port, remote_port };

	/* What all IPv4 addresses have in common need not be mixed in. */
	if (LIKELY(ip_addr_is_4(local) && ip_addr_is_4(remote)))
		return hash_4(tcp, local, local_port, remote, remote_port);
	return hash_siphash13(&tcp->world->table_key, &key, sizeof key);
}

uint32_t tcp_buckets_for(uint32_t limit)
{
	return max_u32(limit / 2, 16);
}

int tcp_tables_new(struct tcp *tcp)
{
	const struct tcp_config *c = &tcp->config;
	uint32_t conns = tcp_buckets_for(c->max_connections);
	int syns, timewaits;

	tcp->conns = calloc(conns, sizeof(*tcp->conns));
	tcp->n_buckets = conns;
	syns = tcp_records_init(&tcp->syns, "tcp_half_open", sizeof(struct tcp_syn), c->syn_backlog);
	timewaits = tcp_records_init(&tcp->timewaits, "tcp_time_wait", sizeof(struct tcp_timewait),
				     c->max_time_wait);
	return tcp->conns != NULL && syns == 0 && timewaits == 0 ? 0 : -ENOMEM;
}

void tcp_tables_free(struct tcp *tcp)
{
	free(tcp->conns);
	tcp_records_fini(&tcp->syns);
	tcp_records_fini(&tcp->timewaits);
}

static struct tcp_conn **bucket_of(const struct tcp *tcp, uint64_t hash)
{
	return &tcp->conns[tcp_bucket(hash, tcp->n_buckets)];
}

void tcp_table_add(struct tcp_conn *c)
{
	struct tcp_conn **bucket = bucket_of(c->tcp, c->hash);

	c->hash_next = *bucket;
	*bucket = c;
	c->flags |= CONN_TABLED;
}

void tcp_table_remove(struct tcp_conn *c)
{
	struct tcp_conn **at = bucket_of(c->tcp, c->hash);

	if ((c->flags & CONN_TABLED) == 0)
		return;
	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
	c->flags &= ~(unsigned)CONN_TABLED;
}

struct tcp_conn *tcp_table_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
				uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port)
{
	for (struct tcp_conn *c = *bucket_of(tcp, hash); c != NULL; c = c->hash_next)
		if (c->remote_port == remote_port && c->local_port == local_port &&
		    ip_addr_equal(&c->remote, remote) && ip_addr_equal(&c->local, local))
			return c;
	return NULL;
}

const struct tcp_conn *tcp_find(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
				const struct ip_addr *remote, uint16_t remote_port)
{
	return tcp_table_find(tcp, tcp_hash(tcp, local, local_port, remote, remote_port), local, local_port,
			      remote, remote_port);
}

void tcp_each(const struct tcp *tcp, void (*fn)(void *context, const struct tcp_conn *c), void *context)
{
	for (uint32_t i = 0; i < tcp->n_buckets; i++)
		for (const struct tcp_conn *c = tcp->conns[i]; c != NULL; c = c->hash_next)
			fn(context, c);
}
