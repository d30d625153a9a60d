/*
 * Connections that are held as records: half-open ones (tcp_listen.c) and those in TIME-WAIT
 * (tcp_timewait.c). They are found by their four-tuple, and stand in queues in the order in which their time
 * is over. Records are linked by their numbers in a packed pool (base/pool.h), so that one takes 52 bytes and
 * its part of the table.
 */
#ifndef TCP_TCP_RECORD_H
#define TCP_TCP_RECORD_H

#include <stdint.h>

#include "base/addr.h"
#include "base/pool.h"

struct tcp;

enum {
	TCP_RECORD_BITS = 28,
	TCP_RECORD_LOCAL_BITS = 4,
	TCP_RECORD_SIZE = 52, /* the most that a kind may have */
};

/* What a record begins with. Numbers of records are 0 where there is none. */
struct tcp_record {
	uint32_t hash_next;
	uint32_t previous;
	uint32_t next : TCP_RECORD_BITS;
	uint32_t local : TCP_RECORD_LOCAL_BITS; /* index into ip->addresses */
	uint16_t remote_port, local_port;
	struct ip_addr remote;
};

/* All of one kind. */
struct tcp_records {
	struct pool pool;
	uint32_t *buckets;
	uint32_t n_buckets;
};

/* Which of so many buckets. They need not be a power of two, which may be twice as many as are needed. */
static inline uint32_t tcp_bucket(uint64_t hash, uint32_t buckets)
{
	return (uint32_t)((uint64_t)(uint32_t)hash * buckets >> 32);
}

/* Numbers of the first and the last. */
struct tcp_record_queue {
	uint32_t first, last;
};

/* size: of a record of this kind. 0 or -ENOMEM; in either case tcp_records_fini(), once all are forgotten. */
int tcp_records_init(struct tcp_records *r, const char *name, size_t size, uint32_t limit);
void tcp_records_fini(struct tcp_records *r);

/* Of a connection between these two, in no table and no queue. */
struct tcp_record tcp_record_of(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
				const struct ip_addr *remote, uint16_t remote_port);
/* The record between these two, or NULL; hash: tcp_hash() of them. */
struct tcp_record *tcp_record_find(const struct tcp *tcp, const struct tcp_records *r, uint64_t hash,
				   const struct ip_addr *local, uint16_t local_port,
				   const struct ip_addr *remote, uint16_t remote_port);
const struct ip_addr *tcp_record_local(const struct tcp *tcp, const struct tcp_record *record);
uint64_t tcp_record_hash(const struct tcp *tcp, const struct tcp_record *record);

/* A record of the pool, whose four-tuple is set, can be found from now on, and stands last in the queue. */
void tcp_record_add(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record,
		    uint64_t hash);
/* It leaves table and queue, and goes back to the pool. */
void tcp_record_forget(struct tcp_records *r, struct tcp_record_queue *q, struct tcp_record *record,
		       uint64_t hash);
/* From where it stands in one queue to the end of another, or of the same one. */
void tcp_record_move(struct tcp_records *r, struct tcp_record_queue *from, struct tcp_record_queue *to,
		     struct tcp_record *record);

/* NULL: none. */
struct tcp_record *tcp_record_first(const struct tcp_records *r, const struct tcp_record_queue *q);
struct tcp_record *tcp_record_last(const struct tcp_records *r, const struct tcp_record_queue *q);
struct tcp_record *tcp_record_next(const struct tcp_records *r, const struct tcp_record *record);
struct tcp_record *tcp_record_previous(const struct tcp_records *r, const struct tcp_record *record);

#endif
