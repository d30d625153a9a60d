/*
 * A queue from one thread to one other, without locks: a ring of bytes in which each record lies in one
 * piece. Bounded: a record for which there is no room is refused.
 *
 * The producer reserves a record, fills it and commits it. The consumer takes records one after the other,
 * may look at all that it has taken, and gives them back together. What one side writes lies in a cache line
 * of its own, and the other side reads it only when by the copy that it keeps the ring is full, or empty.
 */
#ifndef BASE_SPSC_H
#define BASE_SPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPSC_LINE = 64 };

/* Positions count bytes and never go back; a position in the ring is one modulo its size. */
struct spsc {
	uint8_t *bytes;
	size_t size; /* a power of two */
	_Alignas(SPSC_LINE) atomic_size_t head; /* where the next record will begin: the producer writes it */
	size_t reserved;                        /* where the one after that will */
	size_t seen_tail;
	_Alignas(SPSC_LINE) atomic_size_t tail; /* what is before it was given back: the consumer writes it */
	size_t next;                            /* the next record to take */
	size_t seen_head;
};

/* size: a power of two. 0, or -ENOMEM. Memory that was never used stays untouched. */
int spsc_init(struct spsc *q, size_t size);
void spsc_fini(struct spsc *q);

/* ---- the producer's ---- */

/* A record of len bytes, aligned to 16, of at most half of the ring. NULL: it would leave less than spare
 * bytes free. One that is not committed has not been. */
void *spsc_reserve(struct spsc *q, size_t len, size_t spare);
void spsc_commit(struct spsc *q);

/* ---- the consumer's ---- */

/* The next record, which stays until spsc_give_back(); NULL: there is none. */
void *spsc_take(struct spsc *q);
/* All that were taken. */
void spsc_give_back(struct spsc *q);
/* Nothing is left to take. */
bool spsc_is_empty(const struct spsc *q);

#endif
