/*
 * What a port's handshakes have in common: certificates by name, and what is offered and asked for. By
 * default that is Mozilla's intermediate configuration, guideline 6.0. A context is made whole or not at
 * all, and replaced by another one; handshakes under way finish with the one that they began with.
 */
#ifndef TLS_TLS_CONTEXT_H
#define TLS_TLS_CONTEXT_H

#include <stdbool.h>

#include "tls/tls.h"
#include "tls/tls_certificate.h"

enum { TLS_PAIRS = 4 }; /* most pairs of one identity: one a key type */

/* Who we are for some names. */
struct tls_identity_config {
	const char *const *names; /* base/host_name.h, NULL-terminated; NULL: those in its certificates */
	struct tls_pair pairs[TLS_PAIRS];
	size_t n_pairs;
};

struct tls_context_config {
	const struct tls_identity_config *identities; /* the first one is for clients that
						       * name none, or another */
	size_t n_identities;
	enum tls_client_certificates client_certificates;
	const char *client_ca; /* PEM file of who may sign them */
	bool only_1_3;
};

/* 0 and *out, or negative errno and *why. */
int tls_context_new(struct tls *tls, const struct tls_context_config *config, struct tls_context **out,
		    struct failure *why);

/* For clients. ca: PEM file of those to be trusted; NULL: the system's.
 * insecure: servers are not verified. */
int tls_context_new_client(struct tls *tls, const char *ca, bool insecure, struct tls_context **out,
			   struct failure *why);

/* Both ask clients for the same certificates: who was let in by one is let in by the other. NULL: nothing
 * was asked, and nothing encrypted. */
bool tls_contexts_ask_alike(const struct tls_context *a, const struct tls_context *b);

/* Under which the stream's handshake began; NULL: it is not of TLS. */
const struct tls_context *tls_context_of(const struct stream *stream);

/* Handshakes that use it keep it. context may be NULL. */
void tls_context_free(struct tls_context *context);

/* Calls visit for each certificate; not_after in seconds since 1970. */
typedef void tls_certificate_visit_fn(void *context, const char *file, int64_t not_after);
void tls_context_each_certificate(const struct tls_context *c, tls_certificate_visit_fn *visit,
				  void *context);

#endif
