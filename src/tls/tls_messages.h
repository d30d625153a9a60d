/*
 * Handshake messages after the handshake (RFC 8446 section 4.6), out of records that cut them as they like.
 * Of those of 1.3 only KeyUpdate means anything to us. A client is given tickets too, and does not use them.
 */
#ifndef TLS_TLS_MESSAGES_H
#define TLS_TLS_MESSAGES_H

#include <stdbool.h>

#include "base/bytes.h"

enum { TLS_MESSAGE_HEADER = 4 };

/* All zero: between two messages. */
struct tls_messages {
	uint8_t head[TLS_MESSAGE_HEADER + 1]; /* the header, and the only byte of a KeyUpdate */
	uint8_t have;
	uint32_t skip;                        /* bytes of a ticket that are still to come */
};

enum tls_key_update {
	TLS_KEY_UPDATE_NONE,
	TLS_KEY_UPDATE_PEERS,    /* the peer's next record has the next keys ... */
	TLS_KEY_UPDATE_OURS_TOO, /* ... and ours is to have too, once we send */
};

/* Takes the contents of a record. 0 and what they ask for, or the alert that is due. */
int tls_messages_take(struct tls_messages *m, bool takes_tickets, struct bytes text,
		      enum tls_key_update *update);

/* No message has begun that is not whole: only then may a record of another kind come (section 5.1). */
static inline bool tls_messages_are_whole(const struct tls_messages *m)
{
	return m->have == 0 && m->skip == 0;
}

#endif
