/*
 * Pools of equal objects with a limit. Memory grows slab by slab up to the limit and
 * is then reused; an empty pool at its limit refuses, and counts the refusal. Taking and
 * giving are O(1) and call the system only when a new slab is needed.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool {
	const char *name;    /* for metrics and messages */
	size_t object_size;  /* as asked, rounded up to the alignment */
	size_t limit;        /* most objects that may be out at once */
	size_t in_use;       /* objects out now */
	size_t peak;         /* most that were out at once */
	size_t allocated;    /* objects that slabs have room for */
	uint64_t refused;    /* takes refused: at the limit, or no memory */
	void *free_objects;  /* singly linked through the objects' first word */
	void *slabs;         /* singly linked through the slabs' first word */
	char *fresh;         /* untouched room in the newest slab */
	size_t fresh_left;   /* objects in it */
};

/* Called for each pool of a room, for metrics. */
typedef void pool_visit_fn(void *context, const struct pool *p);

/* name must outlive the pool. object_size 1 or more; limit 0 means every take is refused.
 * No memory is taken yet. */
void pool_init(struct pool *p, const char *name, size_t object_size, size_t limit);

/* Frees every slab. All objects must have been given back (asserted). */
void pool_fini(struct pool *p);

/* An object with undefined content, aligned for any type and at least to 16; NULL when refused. */
void *pool_take(struct pool *p);

/* object may be NULL. Under AddressSanitizer given objects are poisoned; with TH_CHECKS giving one twice is
 * asserted, and what is taken is filled with 0xa5. */
void pool_give(struct pool *p, void *object);

#endif
