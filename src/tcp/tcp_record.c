/*
 * Records: a table of buckets with chains, and doubly linked queues, because a record may leave from the
 * middle when its peer answers. All links are numbers.
 */
#include "tcp/tcp_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/minmax.h"

#define MOST_RECORDS ((UINT32_C(1) << TCP_RECORD_BITS) - 1)

_Static_assert(sizeof(struct tcp_record) == 32, "a record leaves 20 bytes to its kind");
_Static_assert(IP_MAX_ADDRESSES <= 1 << TCP_RECORD_LOCAL_BITS, "tcp_record.local is an index of an address");

int tcp_records_init(struct tcp_records *r, const char *name, size_t size, uint32_t limit)
{
	r->n_buckets = tcp_buckets_for(limit);
	pool_init_packed(&r->pool, name, size, min_u32(limit, MOST_RECORDS));
	r->buckets = calloc(r->n_buckets, sizeof *r->buckets);
	return r->buckets != NULL ? 0 : -ENOMEM;
}

void tcp_records_fini(struct tcp_records *r)
{
	pool_fini(&r->pool);
	free(r->buckets);
}

static uint32_t *bucket_of(const struct tcp_records *r, uint64_t hash)
{
	return &r->buckets[tcp_bucket(hash, r->n_buckets)];
}

static struct tcp_record *numbered(const struct tcp_records *r, uint32_t number)
{
	return number != 0 ? pool_object(&r->pool, number) : NULL;
}

struct tcp_record tcp_record_of(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
				const struct ip_addr *remote, uint16_t remote_port)
{
	return (struct tcp_record){
		.local = (unsigned)tcp_local_index(tcp, local) & ((1u << TCP_RECORD_LOCAL_BITS) - 1),
		.remote_port = remote_port,
		.local_port = local_port,
		.remote = *remote,
	};
}

const struct ip_addr *tcp_record_local(const struct tcp *tcp, const struct tcp_record *record)
{
	return &tcp->ip->addresses[record->local].addr;
}

uint64_t tcp_record_hash(const struct tcp *tcp, const struct tcp_record *record)
{
	return tcp_hash(tcp, tcp_record_local(tcp, record), record->local_port, &record->remote,
			record->remote_port);
}

struct tcp_record *tcp_record_find(const struct tcp *tcp, const struct tcp_records *r, uint64_t hash,
				   const struct ip_addr *local, uint16_t local_port,
				   const struct ip_addr *remote, uint16_t remote_port)
{
	struct tcp_record *found = numbered(r, *bucket_of(r, hash));

	for (; found != NULL; found = numbered(r, found->hash_next))
		if (found->remote_port == remote_port && found->local_port == local_port &&
		    ip_addr_equal(&found->remote, remote) &&
		    ip_addr_equal(tcp_record_local(tcp, found), local))
			break;
	return found;
}

static void append(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record)
{
	uint32_t number = pool_number(&r->pool, record);
	struct tcp_record *last = numbered(r, q->last);

	record->previous = q->last;
	record->next = 0;
	if (last != NULL)
		last->next = number & MOST_RECORDS;
	else
		q->first = number;
	q->last = number;
}

static void leave(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record)
{
	struct tcp_record *previous = numbered(r, record->previous), *next = numbered(r, record->next);

	if (previous != NULL)
		previous->next = record->next;
	else
		q->first = record->next;
	if (next != NULL)
		next->previous = record->previous;
	else
		q->last = record->previous;
}

void tcp_record_add(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record,
		    uint64_t hash)
{
	uint32_t *bucket = bucket_of(r, hash);

	record->hash_next = *bucket;
	*bucket = pool_number(&r->pool, record);
	append(r, q, record);
}

void tcp_record_forget(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record,
		       uint64_t hash)
{
	uint32_t number = pool_number(&r->pool, record), *at = bucket_of(r, hash);

	while (*at != number)
		at = &numbered(r, *at)->hash_next;
	*at = record->hash_next;
	leave(r, q, record);
	pool_give(&r->pool, record);
}

void tcp_record_move(struct tcp_records *r, struct tcp_record_queue *from, struct tcp_record_queue *to,
		     struct tcp_record *record)
{
	leave(r, from, record);
	append(r, to, record);
}

struct tcp_record *tcp_record_first(const struct tcp_records *r, const struct tcp_record_queue *q)
{
	return numbered(r, q->first);
}

struct tcp_record *tcp_record_last(const struct tcp_records *r, const struct tcp_record_queue *q)
{
	return numbered(r, q->last);
}

struct tcp_record *tcp_record_next(const struct tcp_records *r, const struct tcp_record *record)
{
	return numbered(r, record->next);
}

struct tcp_record *tcp_record_previous(const struct tcp_records *r, const struct tcp_record *record)
{
	return numbered(r, record->previous);
}
