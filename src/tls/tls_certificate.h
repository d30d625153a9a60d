/*
 * A certificate chain and its key, from files or made on the spot. Several of them, of different key types,
 * can stand for one name: the client's signature algorithms decide which is shown.
 */
#ifndef TLS_TLS_CERTIFICATE_H
#define TLS_TLS_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/failure.h"

/* A certificate in memory that signs itself. */
struct tls_self_signed {
	X509 *certificate;
	EVP_PKEY *key;
};

/* Where a pair comes from. */
struct tls_pair {
	const char *certificate; /* PEM file: the chain, the server's own first */
	const char *key;         /* PEM file */
	const char *staple;      /* DER file with an OCSP response; NULL: none */
	const struct tls_self_signed *own; /* instead of the files; NULL: the files */
};

struct tls_certificate {
	X509 *leaf;
	uint8_t *staple;
	size_t staple_len;
	int64_t not_after; /* seconds since 1970 */
};

/* Loads the pair into ctx, beside those of other key types. 0 and *out, or negative errno and *why. */
int tls_certificate_load(struct tls_certificate *out, const struct tls_pair *pair, SSL_CTX *ctx,
			 struct failure *why);
void tls_certificate_free(struct tls_certificate *c);

/* A new P-256 key and a certificate for these names and addresses, valid for 90 days from wall_s on (seconds
 * since 1970). 0, or negative errno and *why. */
int tls_self_signed_make(struct tls_self_signed *out, const char *const *names,
			 const struct ip_addr *addresses, size_t n_addresses, int64_t wall_s,
			 struct failure *why);
/* Another one of the same, which shares no memory with it. 0, or negative errno and *why. */
int tls_self_signed_copy(struct tls_self_signed *out, const struct tls_self_signed *from,
			 struct failure *why);
void tls_self_signed_free(struct tls_self_signed *s);

enum { TLS_FINGERPRINT = 3 * 32 };

/* "AB:CD:…": SHA-256 over the certificate, as browsers and openssl show it. */
char *tls_fingerprint(const X509 *certificate, char out[static TLS_FINGERPRINT]);

#endif
