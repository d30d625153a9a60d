/*
 * Keys of session tickets (RFC 5077, RFC 8446 section 4.6.1). What a server needs to resume a session stands
 * in the ticket, sealed with a key that changes: the newest seals, it and the two before open.
 *
 * Own keys come from a ratchet: each is derived from a secret that is then replaced by its own hash. Workers
 * that begin with the same secret have the same keys without sharing anything, and a secret that leaks opens
 * no ticket of an earlier time. Or keys come from a file, so that a fleet resumes each other's sessions.
 */
#ifndef TLS_TLS_TICKET_H
#define TLS_TLS_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/failure.h"

enum {
	TLS_TICKET_KEYS = 3,
	TLS_TICKET_NAME = 16,
	TLS_TICKET_SECRET = 32,
	/* Of one key in a file, as nginx has it. */
	TLS_TICKET_KEY_BYTES = TLS_TICKET_NAME + 2 * TLS_TICKET_SECRET,
};

struct tls_ticket_key {
	uint8_t name[TLS_TICKET_NAME];
	uint8_t mac[TLS_TICKET_SECRET]; /* HMAC with SHA-256 */
	uint8_t aes[TLS_TICKET_SECRET]; /* AES-256 in CBC mode */
};

struct tls_tickets {
	struct tls_ticket_key keys[TLS_TICKET_KEYS]; /* the newest first */
	unsigned n;
	uint8_t secret[TLS_TICKET_SECRET];
	uint64_t period_us, turned_us; /* period 0: the keys are a file's, and stay */
};

/* Own keys from this secret, each used for a period. False: OpenSSL failed. */
bool tls_tickets_init(struct tls_tickets *t, const uint8_t secret[static TLS_TICKET_SECRET],
		      uint64_t period_us, uint64_t now_us);

/* The keys in a file: one to three of 80 bytes each, the one that seals first. 0, or negative errno and
 * *why; *t is as it was then. */
int tls_tickets_load(struct tls_tickets *t, const char *file, struct failure *why);

/* A new key if the period of the newest is over. */
void tls_tickets_turn(struct tls_tickets *t, uint64_t now_us);

/* Forgets the keys for good. */
void tls_tickets_fini(struct tls_tickets *t);

/* What the callback of SSL_CTX_set_tlsext_ticket_key_evp_cb() says. Sealing is OPENED or FAILED. */
enum tls_ticket_verdict {
	TLS_TICKET_FAILED = -1,
	TLS_TICKET_UNKNOWN,  /* there is no such key */
	TLS_TICKET_OPENED,
	TLS_TICKET_REPLACE,  /* opened, and another one is to be sent */
};

/* That callback, for these keys. */
int tls_tickets_use(const struct tls_tickets *t, unsigned char name[static TLS_TICKET_NAME],
		    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal);

#endif
