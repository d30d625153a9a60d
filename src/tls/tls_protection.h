/*
 * Record protection: contents on their way into records, and out of them (RFC 8446 section 5.2; RFC 5246
 * section 6.2.3.3). One direction of one connection, by the AEADs of tls_key_schedule.h.
 *
 * Contents are encrypted from where they lie, span by span, into the buffer that the record is sent from: no
 * byte of them is copied.
 */
#ifndef TLS_TLS_PROTECTION_H
#define TLS_TLS_PROTECTION_H

#include "base/bytes.h"
#include "base/span.h"
#include "tls/tls_key_schedule.h"
#include "tls/tls_record.h"

enum {
	TLS_HEADER = 5,
	TLS_TAG = 16,
	/* RFC 8446 section 5.2; our ciphers in 1.2 need less */
	TLS_CIPHERTEXT_MOST = TLS_RECORD_LARGEST + 256,
	/* A record of ours is longer than its contents by no more than this: explicit nonce or type. */
	TLS_SEALED_MORE = TLS_HEADER + 8 + TLS_TAG,
	TLS_PROTECTION_LAST = 1 << 24,       /* records under one key of AES-GCM: section 5.5 */
};

/* All zero: none. */
struct tls_protection {
	EVP_CIPHER_CTX *cipher;    /* NULL: not begun */
	const struct tls_suite *suite;
	uint64_t sequence;         /* of the next record */
	uint8_t iv[TLS_NONCE];
	bool is_1_3;
	struct tls_secret secret;  /* of 1.3 */
};

/* Begins with the record of that number. False: no memory. */
bool tls_protection_begin(struct tls_protection *p, const struct tls_suite *suite,
			  const struct tls_keys *keys, bool is_1_3, bool seals, uint64_t sequence);
/* In 1.3: the same from the secret. */
bool tls_protection_begin_secret(struct tls_protection *p, const struct tls_algorithms *a,
				 const struct tls_suite *suite, const struct tls_secret *secret, bool seals,
				 uint64_t sequence);
/* The keys that follow at a KeyUpdate (RFC 8446 section 7.2). */
bool tls_protection_advance(struct tls_protection *p, const struct tls_algorithms *a);
void tls_protection_end(struct tls_protection *p);

/* Where the contents of records come from. */
struct tls_source {
	const struct span *span; /* the one at hand */
	size_t at;               /* bytes of it that are done */
};

/* Makes a record of the next len bytes, TLS_RECORD_LARGEST or less, in out, which has TLS_SEALED_MORE more
 * than that. Its length, or 0: OpenSSL failed. */
size_t tls_protection_seal(struct tls_protection *p, uint8_t type, struct tls_source *from, size_t len,
			   uint8_t *out);

/* What a record was found to have in it. */
struct tls_opened {
	uint8_t type;
	struct bytes text;
};

/*
 * Takes a whole record, header included, apart: into out, which has TLS_CIPHERTEXT_MOST bytes. 0, or the
 * alert that is due (RFC 8446 section 6.2).
 */
int tls_protection_open(struct tls_protection *p, struct bytes record, uint8_t *out,
			struct tls_opened *opened);

/* How long a record is that begins so: TLS_HEADER bytes, or more. */
static inline size_t tls_record_length(const uint8_t *header)
{
	return TLS_HEADER + load_be16(header + 3);
}

#endif
