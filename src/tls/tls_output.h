/*
 * Records on their way down. OpenSSL writes them into buffers that own themselves (base/span.h); these go
 * into the lower stream's queue as they are, and are sent, and sent again, from there. A buffer comes back
 * to its pool when the last of its bytes has been acknowledged.
 */
#ifndef TLS_TLS_OUTPUT_H
#define TLS_TLS_OUTPUT_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/stream.h"
#include "tls/tls_record.h"

enum {
	TLS_BUFFER_SMALL = 2000, /* room of a small buffer: answers and handshakes of one segment */
	TLS_BUFFER_LARGE = TLS_RECORD_LARGEST + TLS_RECORD_OVERHEAD,
};

struct tls_buffers {
	struct pool small, large;
	struct span_owner *keeper; /* of this memory: each buffer that is out holds a reference */
};

/* limit: large ones, and small ones. */
void tls_buffers_init(struct tls_buffers *b, size_t limit, struct span_owner *keeper);
void tls_buffers_fini(struct tls_buffers *b);
/* Three quarters of the large ones are out: those who hold some wait. */
bool tls_buffers_are_scarce(const struct tls_buffers *b);

struct tls_buffer;

/* What waits for room in the lower stream. All zero: nothing. */
struct tls_output {
	struct tls_buffer *first, *last;
	size_t more; /* plaintext that will follow what is put now: decides between small and large buffers */
};

/* Copies len bytes in. False: no memory; nothing was taken. */
bool tls_output_put(struct tls_output *o, struct tls_buffers *b, const void *data, size_t len);

/* Hands over to the lower stream what it has room for. 0, or the negative errno of a send that failed. */
int tls_output_send(struct tls_output *o, struct stream *lower);

void tls_output_free(struct tls_output *o);

static inline bool tls_output_is_empty(const struct tls_output *o)
{
	return o->first == NULL;
}

#endif
