/*
 * Four-tuple look-up. Three tables of buckets (connections, half-open records, TIME-WAIT records) share one
 * keyed hash, so that it is computed once a segment. Their size follows the configured limits; untouched
 * buckets cost no memory.
 */
#include "tcp/tcp_conn.h"

#include <errno.h>
#include <stdlib.h>

uint64_t tcp_hash(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		  const struct ip_addr *remote, uint16_t remote_port)
{
	struct {
		struct ip_addr local, remote;
		uint16_t local_port, remote_port;
	} key = { *local, *remote, local_port, remote_port };

	return hash_siphash13(&tcp->world->table_key, &key, sizeof key);
}

/* Power of two, at least a half of the limit: chains of two on average when all is full. */
static uint32_t buckets_for(size_t limit)
{
	uint32_t n = 16;

	while (n < limit / 2)
		n *= 2;
	return n;
}

int tcp_tables_new(struct tcp *tcp)
{
	uint32_t conns = buckets_for(tcp->config.max_connections);
	uint32_t syns = buckets_for(tcp->config.syn_backlog);
	uint32_t timewaits = buckets_for(tcp->config.max_time_wait);

	tcp->conns = calloc(conns, sizeof(*tcp->conns));
	tcp->syns = calloc(syns, sizeof(*tcp->syns));
	tcp->timewaits = calloc(timewaits, sizeof(*tcp->timewaits));
	tcp->conn_mask = conns - 1;
	tcp->syn_mask = syns - 1;
	tcp->timewait_mask = timewaits - 1;
	return tcp->conns != NULL && tcp->syns != NULL && tcp->timewaits != NULL ? 0 : -ENOMEM;
}

void tcp_tables_free(struct tcp *tcp)
{
	free(tcp->conns);
	free(tcp->syns);
	free(tcp->timewaits);
}

void tcp_table_add(struct tcp_conn *c)
{
	struct tcp_conn **bucket = &c->tcp->conns[c->hash & c->tcp->conn_mask];

	c->hash_next = *bucket;
	*bucket = c;
	c->flags |= CONN_TABLED;
}

void tcp_table_remove(struct tcp_conn *c)
{
	struct tcp_conn **at = &c->tcp->conns[c->hash & c->tcp->conn_mask];

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
	for (struct tcp_conn *c = tcp->conns[hash & tcp->conn_mask]; c != NULL; c = c->hash_next)
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
	for (uint32_t i = 0; i <= tcp->conn_mask; i++)
		for (const struct tcp_conn *c = tcp->conns[i]; c != NULL; c = c->hash_next)
			fn(context, c);
}
