/*
 * Received bytes that nobody has taken yet: copies, in chunks of one size from a pool with a limit. The queue
 * in order (tcp_receive.c) and the one out of order (tcp_reorder.c) pass them on without another copy.
 */
#ifndef TCP_TCP_CHUNK_H
#define TCP_TCP_CHUNK_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/pool.h"
#include "tcp/seq.h"

enum { TCP_CHUNK_SIZE = 2048 }; /* one object of the pool */

struct rx_chunk {
	struct list node;
	struct seq seq;      /* of data[start] */
	uint16_t start, len; /* what is left in data[] */
	uint8_t data[];      /* TCP_CHUNK_SIZE - sizeof(struct rx_chunk) */
};
enum { TCP_CHUNK_ROOM = TCP_CHUNK_SIZE - sizeof(struct rx_chunk) };

static inline struct rx_chunk *rx_chunk_of(struct list *n)
{
	return LIST_ENTRY(n, struct rx_chunk, node);
}

static inline struct bytes rx_chunk_bytes(const struct rx_chunk *k)
{
	return bytes_of(k->data + k->start, k->len);
}

/* The sequence number behind its last byte. */
static inline struct seq rx_chunk_end(const struct rx_chunk *k)
{
	return seq_add(k->seq, k->len);
}

/* An empty one, or NULL when the pool refuses. */
static inline struct rx_chunk *rx_chunk_new(struct pool *pool, struct seq seq)
{
	struct rx_chunk *k = pool_take(pool);

	if (k == NULL)
		return NULL;
	list_init(&k->node);
	k->seq = seq;
	k->start = k->len = 0;
	return k;
}

static inline size_t rx_chunk_room(const struct rx_chunk *k)
{
	return TCP_CHUNK_ROOM - (size_t)k->start - k->len;
}

/* Copies as much of text as the chunk has room for behind what it holds. */
static inline void rx_chunk_fill(struct rx_chunk *k, struct bytes *text)
{
	size_t room = rx_chunk_room(k);
	size_t n = text->len < room ? text->len : room;

	memcpy(k->data + k->start + k->len, text->data, n);
	k->len = (uint16_t)(k->len + n);
	bytes_skip(text, n);
}

static inline void rx_chunk_drop_front(struct rx_chunk *k, uint32_t n)
{
	k->seq = seq_add(k->seq, n);
	k->start = (uint16_t)(k->start + n);
	k->len = (uint16_t)(k->len - n);
}

#endif
