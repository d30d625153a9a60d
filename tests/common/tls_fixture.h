/*
 * TLS between a stream in memory and OpenSSL's own client, also in memory: what the one side sends is given
 * to the other in pieces of any size.
 */
#ifndef TESTS_TLS_FIXTURE_H
#define TESTS_TLS_FIXTURE_H

#include <openssl/ssl.h>

#include "base/world.h"
#include "common/fake_stream.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

enum { TLS_FIXTURE_TEXT = 4 << 20 };

struct tls_fixture {
	struct world world;
	struct tls *tls;
	struct tls_self_signed own;
	struct tls_context *context;
	struct tls_acceptor acceptor;
	struct fake_stream lower;
	size_t to_client;        /* bytes of lower.sent that the client has been given */
	size_t piece;            /* most bytes given to the server at once; 0: all */
	size_t cut;              /* bytes of the first piece of each flight; 0: as the others */
	SSL_CTX *client_ctx;
	SSL *client;
	/* The layer above. */
	struct stream *upper;    /* NULL before the handshake is done, and after the end */
	uint8_t *received;
	size_t received_len;
	size_t take;             /* most bytes that it takes of one offer */
	bool taking;             /* false: it takes nothing */
	unsigned accepted, ended, closed, writable, drained;
	enum stream_end why;
};

/* config NULL: the defaults. tune changes the context's configuration; NULL: not. Fails the test if anything
 * cannot be made. A connection stands ready, of which nothing has been said. */
void tls_fixture_init(struct tls_fixture *f, const struct tls_config *config,
		      void (*tune)(struct tls_context_config *));
void tls_fixture_fini(struct tls_fixture *f);

/* Another connection: the last one must be over. session: to be resumed; NULL: none. */
void tls_fixture_open(struct tls_fixture *f, SSL_SESSION *session);
/* Ends it, as it is. */
void tls_fixture_close(struct tls_fixture *f);

/* Gives each side what the other has sent, until nothing moves. Acknowledges all. */
void tls_fixture_shuttle(struct tls_fixture *f);
/* One way only. */
void tls_fixture_to_client(struct tls_fixture *f);
void tls_fixture_to_server(struct tls_fixture *f);

/* The whole handshake; fails the test if it is not done then. */
void tls_fixture_handshake(struct tls_fixture *f);

/* What the client reads now, up to size bytes. */
size_t tls_fixture_client_read(struct tls_fixture *f, void *out, size_t size);

#endif
