/*
 * Traffic keys: what a finished handshake leaves for the records after it. In TLS 1.3 they come from a
 * secret of each direction, which KeyUpdate replaces (RFC 8446 sections 7.2 and 7.3); in 1.2 from the
 * master secret (RFC 5246 section 6.3).
 *
 * OpenSSL tells the secrets by its callback for key logs, in the format that SSLKEYLOGFILE has: that and the
 * key derivation functions are documented interfaces of all its versions from 3.0 on.
 */
#ifndef TLS_TLS_KEY_SCHEDULE_H
#define TLS_TLS_KEY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum {
	TLS_SECRET_MOST = 48, /* SHA-384 */
	TLS_KEY_MOST = 32,
	TLS_NONCE = 12,       /* of all AEADs here */
	TLS_SUITES = 3,
};

/* What the cipher suites of both versions have in common: an AEAD, and the hash that they go with. */
struct tls_suite {
	EVP_CIPHER *cipher;
	const char *hash;
	int nid;
	uint8_t key_len;
	uint8_t fixed_len; /* of the nonce in 1.2: what is not fixed stands in the record (RFC 5288 section 3,
			    * RFC 7905 section 2) */
};

/* Looked up in OpenSSL once: each look-up costs as much as a record. */
struct tls_algorithms {
	struct tls_suite suites[TLS_SUITES];
	EVP_KDF *hkdf, *prf;
};

/* False: OpenSSL has not all of them, or no memory; to be freed all the same. */
bool tls_algorithms_init(struct tls_algorithms *a);
void tls_algorithms_fini(struct tls_algorithms *a);

/* NULL: it is none of those. */
const struct tls_suite *tls_suite_find(const struct tls_algorithms *a, const SSL_CIPHER *cipher);

/* A direction's secret in 1.3. len 0: it is not known. */
struct tls_secret {
	uint8_t len;
	uint8_t bytes[TLS_SECRET_MOST];
};

struct tls_keys {
	uint8_t key[TLS_KEY_MOST];
	uint8_t iv[TLS_NONCE]; /* what is not fixed is zero */
};

/* Takes the secret out of a line of a key log. False: it is not of that label. */
bool tls_secret_read(struct tls_secret *s, const char *line, const char *label);
/* The one that follows it at a KeyUpdate. */
bool tls_secret_advance(const struct tls_algorithms *a, const struct tls_suite *suite, struct tls_secret *s);

bool tls_keys_of_secret(const struct tls_algorithms *a, const struct tls_suite *suite,
			const struct tls_secret *s, struct tls_keys *out);
/* Of 1.2, when the handshake is done. */
bool tls_keys_of_session(const struct tls_algorithms *a, const struct tls_suite *suite, const SSL *ssl,
			 struct tls_keys *client, struct tls_keys *server);

#endif
