/*
 * Buffers for records, of two sizes, from pools with a limit. A buffer owns itself (base/span.h): the lower
 * stream sends from it, and sends again, and it comes back to its pool when the last reference goes.
 */
#ifndef TLS_TLS_BUFFER_H
#define TLS_TLS_BUFFER_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/span.h"
#include "tls/tls_protection.h"

enum {
	TLS_BUFFER_SMALL = 2000, /* room of a small buffer: answers and handshakes of one segment */
	TLS_BUFFER_LARGE = TLS_HEADER + TLS_CIPHERTEXT_MOST, /* any record */
};

struct tls_buffers {
	struct pool small, large;
	struct span_owner *keeper; /* of this memory: each buffer that is out holds a reference */
};

/* Names for metrics, and a limit to the large ones, and to the small ones. */
void tls_buffers_init(struct tls_buffers *b, const char *small_name, const char *large_name, size_t limit,
		      struct span_owner *keeper);
void tls_buffers_fini(struct tls_buffers *b);
/* Three quarters of the large ones are out: those who hold some wait. */
bool tls_buffers_are_scarce(const struct tls_buffers *b);

struct tls_buffer {
	struct span_owner owner;
	struct tls_buffers *buffers;
	struct tls_buffer *next;
	uint32_t start, len, room; /* what is in it ends at len */
	uint8_t data[];
};

/* An empty one with room for what is wanted, or a large one if that is more. NULL: no memory. */
struct tls_buffer *tls_buffer_take(struct tls_buffers *b, size_t wanted);

/* Ours is not needed any more. May be NULL. */
static inline void tls_buffer_release(struct tls_buffer *buffer)
{
	if (buffer != NULL)
		span_owner_unref(&buffer->owner);
}

#endif
