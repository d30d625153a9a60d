/*
 * The ring. A record that does not fit before the end of the ring begins at its start, and a gap fills what
 * is left. Releasing and acquiring head hands a record's bytes over, doing so with tail hands its place back.
 */
#include "base/spsc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { ALIGNMENT = 16 };

struct record {
	_Alignas(ALIGNMENT) size_t size; /* of record and header, or of the gap */
	bool is_gap;
};

int spsc_init(struct spsc *q, size_t size)
{
	assert(size >= ALIGNMENT && (size & (size - 1)) == 0);
	*q = (struct spsc){ .size = size };
	q->bytes = aligned_alloc(ALIGNMENT, size);
	return q->bytes != NULL ? 0 : -ENOMEM;
}

void spsc_fini(struct spsc *q)
{
	free(q->bytes);
	q->bytes = NULL;
}

static struct record *record_at(const struct spsc *q, size_t position)
{
	return (struct record *)(void *)(q->bytes + (position & (q->size - 1)));
}

static bool has_room(struct spsc *q, size_t end)
{
	if (end - q->seen_tail <= q->size)
		return true;
	q->seen_tail = atomic_load_explicit(&q->tail, memory_order_acquire);
	return end - q->seen_tail <= q->size;
}

void *spsc_reserve(struct spsc *q, size_t len, size_t spare)
{
	size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
	size_t size = (sizeof(struct record) + len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	size_t to_end = q->size - (head & (q->size - 1)), gap = to_end < size ? to_end : 0;

	assert(size <= q->size / 2);
	if (!has_room(q, head + gap + size + spare))
		return NULL;
	if (gap > 0)
		*record_at(q, head) = (struct record){ .size = gap, .is_gap = true };
	*record_at(q, head + gap) = (struct record){ .size = size };
	q->reserved = head + gap + size;
	return record_at(q, head + gap) + 1;
}

void spsc_commit(struct spsc *q)
{
	atomic_store_explicit(&q->head, q->reserved, memory_order_release);
}

bool spsc_is_empty(const struct spsc *q)
{
	return atomic_load_explicit(&q->head, memory_order_acquire) == q->next;
}

void *spsc_take(struct spsc *q)
{
	struct record *r;

	if (q->next == q->seen_head)
		q->seen_head = atomic_load_explicit(&q->head, memory_order_acquire);
	if (q->next == q->seen_head)
		return NULL;
	r = record_at(q, q->next);
	if (r->is_gap) { /* a record was committed with it */
		q->next += r->size;
		r = record_at(q, q->next);
	}
	q->next += r->size;
	return r + 1;
}

void spsc_give_back(struct spsc *q)
{
	if (atomic_load_explicit(&q->tail, memory_order_relaxed) != q->next)
		atomic_store_explicit(&q->tail, q->next, memory_order_release);
}
