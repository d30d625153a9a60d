/*
 * Text out of order. A segment's place is looked for where it usually is: behind the last range (new data
 * while a hole is open), before the first (a retransmission), next to the one that grew last. Only a peer
 * that sends here and there makes the search long, and TCP_REORDER_RANGES bounds it. A segment that covers
 * many ranges melts them into one, so that this is paid for by those that made them.
 */
#include "tcp/tcp_reorder.h"

#include <assert.h>
#include <stddef.h>

static struct rx_range *range_of(struct list *n)
{
	return LIST_ENTRY(n, struct rx_range, node);
}

void tcp_reorder_init(struct tcp_reorder *q, struct pool *ranges, struct pool *chunks)
{
	*q = (struct tcp_reorder){ .range_pool = ranges, .chunk_pool = chunks };
	list_init(&q->ranges);
	list_init(&q->recent);
}

static void set_told(struct tcp_reorder *q, struct rx_range *r)
{
	q->n_untold -= r->untold;
	r->untold = false;
}

static void free_range(struct tcp_reorder *q, struct rx_range *r)
{
	set_told(q, r);
	list_remove(&r->node);
	list_remove(&r->recent);
	pool_give(q->range_pool, r);
	q->n_ranges--;
}

static void free_chunk(struct tcp_reorder *q, struct rx_chunk *k)
{
	list_remove(&k->node);
	pool_give(q->chunk_pool, k);
	q->n_chunks--;
}

void tcp_reorder_free(struct tcp_reorder *q)
{
	struct list *n, *m;

	while ((n = list_first(&q->ranges)) != NULL) {
		while ((m = list_first(&range_of(n)->chunks)) != NULL)
			free_chunk(q, rx_chunk_of(m));
		free_range(q, range_of(n));
	}
}

/* ---- store ---- */

/* The last range that begins at or before seq, or NULL. */
static struct rx_range *find(const struct tcp_reorder *q, struct seq seq)
{
	struct list *n;

	if (tcp_reorder_is_empty(q) || seq_gt(range_of(q->ranges.next)->left, seq))
		return NULL;
	if (seq_le(range_of(q->ranges.prev)->left, seq))
		return range_of(q->ranges.prev);
	/* Now there is one at or before seq, and one after it: neither walk comes to the list's end. */
	n = &LIST_ENTRY(q->recent.next, struct rx_range, recent)->node;
	while (seq_gt(range_of(n)->left, seq))
		n = n->prev;
	while (seq_le(range_of(n->next)->left, seq))
		n = n->next;
	return range_of(n);
}

static struct rx_range *next_of(const struct tcp_reorder *q, const struct rx_range *r)
{
	return r->node.next == &q->ranges ? NULL : range_of(r->node.next);
}

/* A range at seq, still empty, behind `before` (NULL: the first). */
static struct rx_range *add_range(struct tcp_reorder *q, struct rx_range *before, struct seq seq)
{
	struct rx_range *r = q->n_ranges < TCP_REORDER_RANGES ? pool_take(q->range_pool) : NULL;

	if (r == NULL)
		return NULL;
	*r = (struct rx_range){ .left = seq, .right = seq };
	list_init(&r->chunks);
	list_insert_after(before == NULL ? &q->ranges : &before->node, &r->node);
	list_prepend(&q->recent, &r->recent);
	q->n_ranges++;
	return r;
}

/* False: some of text found no room. */
static bool append(struct tcp_reorder *q, struct rx_range *r, struct bytes text, uint32_t max_chunks)
{
	size_t before = text.len;
	struct list *last = list_last(&r->chunks);

	if (last != NULL)
		rx_chunk_fill(rx_chunk_of(last), &text);
	while (text.len > 0 && q->n_chunks < max_chunks) {
		struct seq seq = seq_add(r->right, (uint32_t)(before - text.len));
		struct rx_chunk *k = rx_chunk_new(q->chunk_pool, seq);
		if (k == NULL)
			break;
		rx_chunk_fill(k, &text);
		list_append(&r->chunks, &k->node);
		q->n_chunks++;
	}
	r->right = seq_add(r->right, (uint32_t)(before - text.len));
	return text.len == 0;
}

/* Two ranges touch: the second becomes part of the first. Where they meet, small chunks become one, so that
 * text octet by octet, in whatever order, ends in full ones. */
static void merge(struct tcp_reorder *q, struct rx_range *r, struct rx_range *next)
{
	struct list *n = list_first(&next->chunks);
	struct rx_chunk *last = rx_chunk_of(list_last(&r->chunks));

	if (rx_chunk_of(n)->len <= rx_chunk_room(last)) {
		struct bytes all = rx_chunk_bytes(rx_chunk_of(n));
		rx_chunk_fill(last, &all);
		free_chunk(q, rx_chunk_of(n));
	}
	list_splice(&r->chunks, &next->chunks);
	r->right = next->right;
	free_range(q, next);
}

/* Puts text behind r, up to the range after it, and on behind that if they touch. False: some found no
 * room. */
static bool fill_gaps(struct tcp_reorder *q, struct rx_range *r, struct seq seq, struct bytes text,
		      uint32_t max_chunks)
{
	struct seq end = seq_add(seq, (uint32_t)text.len);

	for (;;) {
		struct rx_range *next = next_of(q, r);
		struct seq until = next != NULL ? seq_min(end, next->left) : end;
		if (seq_lt(r->right, until)) {
			const uint8_t *gap = text.data + seq_len(r->right, seq);
			if (!append(q, r, bytes_of(gap, seq_len(until, r->right)), max_chunks))
				return false;
		}
		if (next == NULL || seq_lt(r->right, next->left))
			return true;
		merge(q, r, next);
	}
}

/* The first bytes from seq to before end that are held; r begins at or before seq, or is NULL. */
static struct sack_block first_held(const struct tcp_reorder *q, const struct rx_range *r, struct seq seq,
				    struct seq end)
{
	struct list *next = r == NULL ? q->ranges.next : r->node.next;

	if (r != NULL && seq_gt(r->right, seq))
		return (struct sack_block){ seq, seq_min(end, r->right) };
	if (next != &q->ranges && seq_lt(range_of(next)->left, end))
		return (struct sack_block){ range_of(next)->left, seq_min(end, range_of(next)->right) };
	return (struct sack_block){ seq, seq };
}

/* It has grown, or was sent again: the next report begins with it. */
static void touch(struct tcp_reorder *q, struct rx_range *r)
{
	q->n_untold += !r->untold;
	r->untold = true;
	list_remove(&r->recent);
	list_prepend(&q->recent, &r->recent);
}

enum tcp_reorder_result tcp_reorder_store(struct tcp_reorder *q, struct seq seq, struct bytes text,
					  uint32_t max_chunks, struct sack_block *held)
{
	struct seq end = seq_add(seq, (uint32_t)text.len);
	struct rx_range *r = find(q, seq);
	bool stored;

	*held = first_held(q, r, seq, end);
	if (r == NULL || seq_lt(r->right, seq))
		r = add_range(q, r, seq);
	if (r == NULL)
		return TCP_REORDER_FULL;
	stored = fill_gaps(q, r, seq, text, max_chunks);
	if (list_is_empty(&r->chunks))
		free_range(q, r);
	else
		touch(q, r);
	if (!stored)
		return TCP_REORDER_FULL;
	return seq_len(held->right, held->left) == text.len ? TCP_REORDER_HELD : TCP_REORDER_STORED;
}

/* ---- take ---- */

struct sack_block tcp_reorder_covered(const struct tcp_reorder *q, struct seq rcv_nxt)
{
	struct list *n = list_first(&q->ranges);

	if (n == NULL || seq_ge(range_of(n)->left, rcv_nxt))
		return (struct sack_block){ rcv_nxt, rcv_nxt };
	return (struct sack_block){ range_of(n)->left, seq_min(range_of(n)->right, rcv_nxt) };
}

static struct rx_chunk *take_first_chunk(struct tcp_reorder *q, struct rx_range *r)
{
	struct rx_chunk *k = rx_chunk_of(list_first(&r->chunks));

	list_remove(&k->node);
	q->n_chunks--;
	r->left = rx_chunk_end(k);
	if (list_is_empty(&r->chunks))
		free_range(q, r);
	return k;
}

struct rx_chunk *tcp_reorder_take(struct tcp_reorder *q, struct seq rcv_nxt)
{
	struct list *n;

	while ((n = list_first(&q->ranges)) != NULL && seq_le(range_of(n)->left, rcv_nxt)) {
		struct rx_chunk *k = take_first_chunk(q, range_of(n));
		if (seq_gt(rx_chunk_end(k), rcv_nxt)) {
			rx_chunk_drop_front(k, seq_len(rcv_nxt, k->seq));
			return k;
		}
		pool_give(q->chunk_pool, k);
	}
	return NULL;
}

/* ---- report ---- */

/* The range that b lies in, or NULL. */
static struct rx_range *find_around(const struct tcp_reorder *q, const struct sack_block *b)
{
	struct rx_range *r = find(q, b->left);
	return r != NULL && seq_le(b->right, r->right) ? r : NULL;
}

static struct sack_block block_of(struct tcp_reorder *q, struct rx_range *r)
{
	set_told(q, r);
	return (struct sack_block){ r->left, r->right };
}

unsigned tcp_reorder_report(struct tcp_reorder *q, const struct sack_block *first, unsigned max,
			    struct sack_block *out)
{
	struct rx_range *around = first == NULL || max == 0 ? NULL : find_around(q, first);
	unsigned n = 0, skip;

	if (around != NULL)
		out[n++] = block_of(q, around);
	skip = q->n_untold > max - n ? q->n_untold - (max - n) : 0;
	LIST_FOR_EACH(at, &q->recent) {
		struct rx_range *r = LIST_ENTRY(at, struct rx_range, recent);
		if (n == max)
			break;
		if (skip > 0)
			skip -= r->untold;
		else if (r != around)
			out[n++] = block_of(q, r);
	}
	return n;
}

#ifdef TH_CHECKS
static uint32_t check_range(const struct rx_range *r)
{
	struct seq at = r->left;
	uint32_t chunks = 0;

	LIST_FOR_EACH(n, &r->chunks) {
		const struct rx_chunk *k = rx_chunk_of(n);
		assert(seq_eq(k->seq, at) && k->len > 0);
		at = rx_chunk_end(k);
		chunks++;
	}
	assert(chunks > 0 && seq_eq(at, r->right));
	return chunks;
}

void tcp_reorder_check(const struct tcp_reorder *q, struct seq rcv_nxt)
{
	uint32_t ranges = 0, chunks = 0, untold = 0;

	LIST_FOR_EACH(n, &q->ranges) {
		const struct rx_range *r = range_of(n);
		assert(ranges == 0 ? seq_ge(r->left, rcv_nxt) : seq_gt(r->left, range_of(n->prev)->right));
		chunks += check_range(r);
		untold += r->untold;
		ranges++;
	}
	assert(ranges == q->n_ranges && chunks == q->n_chunks && untold == q->n_untold);
}
#else
void tcp_reorder_check(const struct tcp_reorder *q, struct seq rcv_nxt)
{
	(void)q;
	(void)rcv_nxt;
}
#endif
