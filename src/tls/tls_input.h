/*
 * Records out of what arrives. One that came in one piece is opened where it lies; one that is cut is
 * gathered in a buffer. A connection that rests between records holds none.
 */
#ifndef TLS_TLS_INPUT_H
#define TLS_TLS_INPUT_H

#include "tls/tls_buffer.h"

/* All zero: nothing. */
struct tls_input {
	struct tls_buffer *partial; /* a record, not whole yet */
	struct tls_buffer *rest;    /* text of the last record that the layer above has not taken */
};

enum tls_input_result {
	TLS_INPUT_RECORD,
	TLS_INPUT_AWAITED,   /* all was taken, and the record is not whole */
	TLS_INPUT_TOO_LONG,  /* RFC 8446 section 5.2: record_overflow */
	TLS_INPUT_NO_MEMORY,
};

/* Takes the next record from data, which is shortened by what was taken. *record is good until
 * tls_input_drop_record(). */
enum tls_input_result tls_input_take(struct tls_input *in, struct tls_buffers *b, struct bytes *data,
				     struct bytes *record);
void tls_input_drop_record(struct tls_input *in);

/* Keeps text for later. False: no memory. */
bool tls_input_keep(struct tls_input *in, struct tls_buffers *b, struct bytes text);
/* Text that was kept: in->rest is there. */
static inline struct bytes tls_input_kept(const struct tls_input *in)
{
	return bytes_of(in->rest->data + in->rest->start, in->rest->len - in->rest->start);
}

/* So much of it is taken now. */
void tls_input_skip(struct tls_input *in, size_t n);

void tls_input_free(struct tls_input *in);

#endif
