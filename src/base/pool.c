/*
 * Pools of equal objects. Memory comes in slabs of about 64 KiB (one object, if that is
 * larger), and stays until the pool goes. Objects given back are taken first, the last one
 * given before the others because it is likely still in the cache; then fresh room.
 *
 * Slabs of a packed pool are aligned to their size, so that an object finds its slab, which knows the number
 * of its first object.
 *
 * Under AddressSanitizer objects that are not out are poisoned and a poisoned gap lies between
 * neighbours. With TH_CHECKS a second give of one object is an assert.
 */
#include "base/pool.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
enum { GAP = 16, PACKED_ALIGNMENT = 8 }; /* the sanitizer knows eight bytes from eight bytes */
#else
enum { GAP = 0, PACKED_ALIGNMENT = 4 };
#define ASAN_POISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

enum {
	SLAB_SIZE = 64 * 1024,
	MALLOC_OWN = 64, /* malloc()'s words before a piece: with them, slabs end where the next one begins */
	ALIGNMENT = alignof(max_align_t) > 16 ? alignof(max_align_t) : 16,
};

struct slab {
	struct slab *next;
	size_t size;     /* bytes of objects behind this header */
	uint32_t before; /* packed: objects in the slabs before it */
	alignas(ALIGNMENT) char objects[];
};

/* What lies in an object while it is not out. In a packed pool it may be aligned to 4 only. */
struct free_object {
	struct free_object *next;
	uintptr_t mark; /* with TH_CHECKS: tells that the object has been given back */
} __attribute__((packed, aligned(4)));

#ifdef TH_CHECKS
static uintptr_t free_mark(const struct free_object *o)
{
	return (uintptr_t)o ^ (uintptr_t)0x5ca1ab1e0ddba11;
}

static bool is_free(const struct free_object *o)
{
#ifdef POOL_ASAN
	return __asan_address_is_poisoned(o);
#else
	return o->mark == free_mark(o);
#endif
}
#endif

static size_t stride(const struct pool *p)
{
	return p->object_size + GAP;
}

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

void pool_init(struct pool *p, const char *name, size_t object_size, size_t limit)
{
	assert(object_size > 0 && object_size <= PTRDIFF_MAX / 2);
	*p = (struct pool){
		.name = name,
		.object_size = round_up(object_size, ALIGNMENT),
		.limit = limit,
	};
}

void pool_init_packed(struct pool *p, const char *name, size_t object_size, size_t limit)
{
	assert(object_size >= sizeof(struct free_object) && object_size <= SLAB_SIZE / 2);
	assert(limit < UINT32_MAX);
	*p = (struct pool){
		.name = name,
		.object_size = round_up(object_size, PACKED_ALIGNMENT),
		.limit = limit,
	};
	p->per_slab = (uint32_t)((SLAB_SIZE - MALLOC_OWN - sizeof(struct slab)) / stride(p));
}

void pool_fini(struct pool *p)
{
	struct slab *next;

	assert(p->in_use == 0);
	for (struct slab *s = p->slabs; s != NULL; s = next) {
		next = s->next;
		ASAN_UNPOISON_MEMORY_REGION(s->objects, s->size);
		free(s);
	}
	free(p->numbered);
	*p = (struct pool){
		.name = p->name, .object_size = p->object_size, .limit = p->limit, .per_slab = p->per_slab,
	};
}

/* Objects of the next slab, if the limit allows as many. */
static size_t slab_objects(const struct pool *p)
{
	size_t count = (SLAB_SIZE - sizeof(struct slab)) / stride(p);

	if (p->per_slab > 0)
		return p->per_slab;
	return count > 0 ? count : 1;
}

/* Room for one more in p->numbered, which doubles when it is full. */
static bool grow_numbered(struct pool *p)
{
	uint32_t n = p->n_numbered;
	void **grown;

	if ((n & (n - 1)) != 0)
		return true;
	grown = realloc(p->numbered, (n > 0 ? 2 * (size_t)n : 1) * sizeof *grown);
	if (grown == NULL)
		return false;
	p->numbered = grown;
	return true;
}

static struct slab *slab_new(struct pool *p, size_t size)
{
	void *s;

	if (p->per_slab == 0)
		return malloc(size);
	if (!grow_numbered(p) || posix_memalign(&s, SLAB_SIZE, size) != 0)
		return NULL;
	p->numbered[p->n_numbered++] = s;
	return s;
}

/* Adds a slab, no larger than what the limit still allows. */
static bool grow(struct pool *p)
{
	size_t count = slab_objects(p);
	struct slab *s;

	if (count > p->limit - p->allocated)
		count = p->limit - p->allocated;
	s = slab_new(p, sizeof *s + count * stride(p));
	if (s == NULL)
		return false;
	s->next = p->slabs;
	s->size = count * stride(p);
	s->before = (uint32_t)p->allocated;
	ASAN_POISON_MEMORY_REGION(s->objects, s->size);
	p->slabs = s;
	p->fresh = s->objects;
	p->fresh_left = count;
	p->allocated += count;
	return true;
}

static void *take_freed(struct pool *p)
{
	struct free_object *o = p->free_objects;

	ASAN_UNPOISON_MEMORY_REGION(o, p->object_size);
	p->free_objects = o->next;
	return o;
}

static void *take_fresh(struct pool *p)
{
	void *object = p->fresh;

	ASAN_UNPOISON_MEMORY_REGION(object, p->object_size);
	p->fresh += stride(p);
	p->fresh_left--;
	return object;
}

void *pool_take(struct pool *p)
{
	void *object;

	if (p->in_use >= p->limit ||
	    (p->free_objects == NULL && p->fresh_left == 0 && !grow(p))) {
		p->refused++;
		return NULL;
	}
	object = p->free_objects != NULL ? take_freed(p) : take_fresh(p);
#ifdef TH_CHECKS
	memset(object, 0xa5, p->object_size);
#endif
	if (++p->in_use > p->peak)
		p->peak = p->in_use;
	return object;
}

void pool_give(struct pool *p, void *object)
{
	struct free_object *o = object;

	if (o == NULL)
		return;
	assert(p->in_use > 0);
#ifdef TH_CHECKS
	assert(!is_free(o));
	o->mark = free_mark(o);
#endif
	o->next = p->free_objects;
	p->free_objects = o;
	p->in_use--;
	ASAN_POISON_MEMORY_REGION(object, p->object_size);
}

uint32_t pool_number(const struct pool *p, const void *object)
{
	size_t at = (uintptr_t)object % SLAB_SIZE;
	const struct slab *s = (const void *)((const char *)object - at);

	return s->before + (uint32_t)(at - sizeof *s) / (uint32_t)stride(p) + 1;
}

void *pool_object(const struct pool *p, uint32_t number)
{
	struct slab *s = p->numbered[(number - 1) / p->per_slab];

	return s->objects + (number - 1) % p->per_slab * stride(p);
}
