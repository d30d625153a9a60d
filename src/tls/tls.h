/*
 * TLS 1.2 and 1.3 (RFC 5246, RFC 8446) as a stream over a stream (base/stream.h). OpenSSL does the
 * handshake, in memory, and has the ciphers; the records behind it are ours (tls_records.h): they are
 * opened where they arrive, and made in buffers that the lower stream sends from.
 *
 * An instance a worker; what OpenSSL shares among threads (contexts) is not shared between instances. The
 * server's side hands a stream up when the handshake is done, so that nobody above knows of those that never
 * are.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/failure.h"
#include "base/histogram.h"
#include "base/pool.h"
#include "base/stream.h"
#include "base/world.h"
#include "tls/tls_error.h"

struct tls;
struct tls_context;

/* Whether clients are asked who they are. */
enum tls_client_certificates {
	TLS_CLIENT_CERTIFICATES_OFF,
	TLS_CLIENT_CERTIFICATES_OPTIONAL, /* asked; a certificate that is shown must be good */
	TLS_CLIENT_CERTIFICATES_REQUIRED,
};

/* tls_config_default() gives the documented defaults. Times in microseconds. */
struct tls_config {
	uint64_t handshake_timeout_us;  /* from the connection to the last message of the handshake */
	uint64_t linger_timeout_us;     /* reading on after a last alert, so that it arrives */
	uint64_t ticket_rotation_us;    /* a ticket key seals for so long, and opens for three times that */
	uint64_t ticket_lifetime_us;    /* a session can be resumed for so long */
	uint32_t max_connections;
	uint32_t max_handshakes;        /* under way at once */
	uint32_t handshakes_per_turn;   /* steps of them in one turn of the loop: the
					 * others wait for the next */
	uint32_t buffers;               /* of a full record, waiting to be sent or
					 * acknowledged; all connections */
};

void tls_config_default(struct tls_config *c);

struct tls_hooks {
	/* Secrets of a connection, a line of the format that SSLKEYLOGFILE has, without its newline. NULL:
	 * they are not told. */
	void (*on_key_log)(void *context, const char *line);
	void *context;
};

struct tls_usage {
	uint64_t full, resumed;               /* handshakes done ... */
	struct histogram full_time, resumed_time; /* ... and from the lower stream to the last message */
	uint64_t failed[TLS_FAILURES_COUNT];  /* by enum tls_failure */
	uint64_t truncated;                   /* connections that ended without close_notify */
	uint64_t broken;                      /* that ended by an error after the handshake */
	uint64_t postponed;                   /* steps of handshakes that waited for another turn */
	uint64_t connections, handshakes;     /* now */
};

/* world must outlive the instance. 0, or negative errno and *why. */
int tls_new(const struct tls_config *config, struct world *world, const struct tls_hooks *hooks,
	    struct tls **out, struct failure *why);
enum { TLS_SHARED_SECRET = 32 };

/* Own ticket keys from a secret that other instances are given too, with the same moment: they open each
 * other's tickets. To be called before anything else. False: OpenSSL failed. */
bool tls_share_tickets(struct tls *tls, const uint8_t secret[static TLS_SHARED_SECRET], uint64_t since_us);

/* Resets every connection. Memory that streams still point at is freed when they let go of it. To be called
 * before the stack is freed, and after all contexts. */
void tls_free(struct tls *tls);

/* Times and limits from now on. Ticket keys from a file; "": its own, which go on if they are in use. 0, or
 * negative errno and *why; all is as it was then. */
int tls_set(struct tls *tls, const struct tls_config *config, const char *ticket_keys, struct failure *why);

void tls_usage(const struct tls *tls, struct tls_usage *out);
void tls_each_pool(const struct tls *tls, pool_visit_fn *visit, void *context);

/* Who takes streams whose handshake is done: sets handler and user at once, then calls stream_resume(). */
struct tls_acceptor {
	void (*on_accepted)(void *context, struct stream *stream);
	void *context;
};

/* The server's side: takes the lower stream over. The acceptor must outlive the handshake. */
void tls_accept(struct tls *tls, struct tls_context *context, struct stream *lower,
		const struct tls_acceptor *acceptor);

/* The client's side, over a stream that is being opened: on_open() tells that the handshake is done. name:
 * of the server, or its address, which the certificate must have. 0 and *out, or -ENOMEM; the lower stream
 * is the caller's then. */
int tls_connect(struct tls *tls, struct tls_context *context, struct stream *lower, const char *name,
		const struct stream_handler *handler, void *user, struct stream **out);

/* Why the stream failed; for on_closed(). "" if it did not, or not here. */
const char *tls_failure_text(const struct stream *stream);

/* The TLS stream over this one, or NULL. */
const struct stream *tls_stream_over(const struct stream *lower);

/* The stream under this one if it is TLS, else itself. */
const struct stream *tls_stream_under(const struct stream *stream);

#endif
