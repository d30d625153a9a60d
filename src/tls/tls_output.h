/*
 * Records on their way down. They are made in buffers (tls_buffer.h), which go into the lower stream's
 * queue as they are.
 */
#ifndef TLS_TLS_OUTPUT_H
#define TLS_TLS_OUTPUT_H

#include "base/stream.h"
#include "tls/tls_buffer.h"

/* What waits for room in the lower stream. All zero: nothing. */
struct tls_output {
	struct tls_buffer *first, *last;
};

/* Room for a record of len bytes at the end, where more bytes will follow soon, or not: that decides
 * between small and large buffers. NULL: no memory. */
uint8_t *tls_output_reserve(struct tls_output *o, struct tls_buffers *b, size_t len, size_t more);
/* So many bytes of it, one or more, are filled. To be called before anything else. */
void tls_output_commit(struct tls_output *o, size_t len);

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
