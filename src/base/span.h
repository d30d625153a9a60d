/*
 * Payload on its way out is passed by reference: a span points at bytes that an owner keeps
 * in place until the last reference is released (design rule 3). A span holds one reference.
 * Counts are plain integers: an owner belongs to one worker.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span_owner {
	uint32_t references;
	void (*release)(struct span_owner *owner); /* called when the last reference goes */
};

/* owner may be NULL: bytes that live as long as the process (string literals). */
struct span {
	const uint8_t *data;
	size_t len;
	struct span_owner *owner;
};

static inline void span_owner_init(struct span_owner *o, void (*release)(struct span_owner *))
{
	o->references = 1;
	o->release = release;
}

static inline void span_owner_ref(struct span_owner *o)
{
	if (o != NULL)
		o->references++;
}

static inline void span_owner_unref(struct span_owner *o)
{
	if (o != NULL && --o->references == 0)
		o->release(o);
}

#endif
