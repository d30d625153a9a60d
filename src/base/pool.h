/*
 * Pools of equal objects with a limit. Memory grows slab by slab up to the limit and
 * is then reused; an empty pool at its limit refuses, and counts the refusal. Taking and
 * giving are O(1) and call the system only when a new slab is needed.
 *
 * Objects of a packed pool lie close together, and have numbers of 32 bits: links between them are of half a
 * pointer's size.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
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
	void **numbered;     /* packed: its slabs, in the order of their objects' numbers; else NULL */
	uint32_t n_numbered;
	uint32_t per_slab;   /* packed: objects of a slab, all but the last; else 0 */
};

/* Called for each pool of a room, for metrics. */
typedef void pool_visit_fn(void *context, const struct pool *p);

/* name must outlive the pool. object_size 1 or more; limit 0 means every take is refused.
 * No memory is taken yet. */
void pool_init(struct pool *p, const char *name, size_t object_size, size_t limit);

/* The same of a packed pool: objects of at least 16 bytes, aligned to 4 only. */
void pool_init_packed(struct pool *p, const char *name, size_t object_size, size_t limit);

/* Frees every slab. All objects must have been given back (asserted). */
void pool_fini(struct pool *p);

/* An object with undefined content, aligned for any type and at least to 16 (packed: to 4); NULL when
 * refused. */
void *pool_take(struct pool *p);

/* object may be NULL. Under AddressSanitizer given objects are poisoned; with TH_CHECKS giving one twice is
 * asserted, and what is taken is filled with 0xa5. */
void pool_give(struct pool *p, void *object);

/* Of packed pools: an object's number, which is 1 at least and the limit at most; the object of a number. */
uint32_t pool_number(const struct pool *p, const void *object);
void *pool_object(const struct pool *p, uint32_t number);

#endif
