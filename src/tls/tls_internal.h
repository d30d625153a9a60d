/* The instance and its streams. For the files of this room. */
#ifndef TLS_TLS_INTERNAL_H
#define TLS_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "base/list.h"
#include "base/turns.h"
#include "tls/tls.h"
#include "tls/tls_context.h"
#include "tls/tls_key_schedule.h"
#include "tls/tls_records.h"
#include "tls/tls_ticket.h"

struct tls {
	struct span_owner keeper; /* keeps this memory while lower streams point into its buffers */
	struct tls_config config;
	struct tls_hooks hooks;
	struct world *world;
	BIO_METHOD *bio;
	struct tls_tickets tickets; /* in use: own ones, or a file's; */
	struct tls_tickets own;     /* the own ones in the meantime */
	struct tls_algorithms algorithms;
	struct tls_buffers buffers; /* for records on their way down ... */
	struct tls_buffers inputs;  /* ... and for what arrived, at most one a stream */
	struct pool streams;
	struct list all;     /* streams */
	struct turns turns;  /* of steps of handshakes */
	struct list under_way; /* those of clients that came to us, the oldest first */
	struct tls_usage usage;
};

/* An identity as OpenSSL has it. */
struct tls_identity {
	SSL_CTX *ctx;
	char **names; /* NULL-terminated; empty: those in its certificates */
	struct tls_certificate certificates[TLS_PAIRS];
	char *files[TLS_PAIRS];
	size_t n_certificates;
};

struct tls_context {
	struct tls *tls;
	uint32_t references;
	struct tls_identity *identities;
	size_t n_identities;
	uint8_t asks[EVP_MAX_MD_SIZE]; /* a digest of what clients are asked for */
	unsigned asks_len;
};

/* The context's SSL_CTX for connections whose name is not known yet. */
static inline SSL_CTX *tls_context_first(const struct tls_context *c)
{
	return c->identities[0].ctx;
}

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_LINGER,  /* an alert or an answer in clear text is on its way; what arrives is dropped */
	TLS_CLOSING, /* the layer above has let go; records are still waiting for room in the lower stream */
};

enum tls_stream_flags {
	TLS_CLIENT = 1,
	TLS_RECEIVING = 2,    /* in the lower stream's on_receive() */
	TLS_DELIVERING = 4,   /* in on_receive() of the layer above */
	TLS_HELD = 8,         /* the layer above did not take all */
	TLS_LOWER_HELD = 16,  /* the lower stream holds what was not taken */
	TLS_LOWER_ENDED = 32, /* its peer's FIN has come */
	TLS_ENDED = 64,       /* the layer above knows of the end */
	TLS_SHUT = 128,       /* close_notify is made */
	TLS_LOWER_SHUT = 256, /* and the lower stream shut down behind it */
	TLS_UNDRAINED = 512,  /* the lower stream has something that is not acknowledged */
	TLS_BEGUN = 1024,     /* the first byte has come: it was not clear text */
	TLS_ANSWERED = 2048,  /* the handshake has gone past where an alert in clear text is understood */
	TLS_DEAD = 4096,      /* to be freed when nobody is at work on it */
};

struct tls_stream {
	struct stream stream;     /* for the layer above; the first member */
	struct stream *lower;
	struct tls *tls;
	struct tls_context *context;
	const struct tls_acceptor *acceptor;
	SSL *ssl;                 /* of the handshake; NULL: it is over */
	struct bytes input;       /* what the lower stream offers now */
	struct tls_output output;
	struct tls_records records;
	struct timer timer;       /* of the handshake, of lingering, of closing */
	uint64_t begun_us;        /* when the handshake began: world time */
	struct list node;         /* in all */
	struct list turn;         /* waiting for one */
	struct list under_way;    /* in the handshake, as a server */
	uint32_t linger_bytes;    /* that are still read */
	uint16_t flags;           /* enum tls_stream_flags */
	uint8_t state;            /* enum tls_state */
	uint8_t depth;            /* of calls at work on it */
	bool is_resumed;
	const char *version;      /* when the handshake is done, like the cipher */
	const char *cipher;
	char why[TLS_ERROR_TEXT]; /* of a client's failure */
};

static inline struct tls_stream *tls_stream_of(struct stream *s)
{
	return CONTAINER_OF(s, struct tls_stream, stream);
}

/* ---- tls_bio.c ---- */

BIO_METHOD *tls_bio_method(void);
/* False: no memory. */
bool tls_bio_attach(struct tls_stream *s);

/* ---- tls_handshake.c ---- */

/* Begins, or refuses: on the server's side when the limit is reached, and nobody has been waited for so long
 * that there may be another in that place. */
void tls_handshake_begin(struct tls_stream *s);
/* Takes what arrived, if the stream has its turn; what it leaves is offered again later. */
void tls_handshake_input(struct tls_stream *s);
void tls_handshake_step(struct tls_stream *s);
void tls_handshake_timeout(struct tls_stream *s);
/* The lower stream has come to its end. */
void tls_handshake_cut_off(struct tls_stream *s);
/* It is over, done or not. */
void tls_handshake_over(struct tls_stream *s);
void tls_handshake_on_turn(struct list *node);

/* ---- tls_stream.c ---- */

struct tls_stream *tls_stream_new(struct tls *tls, struct tls_context *context, struct stream *lower);
/* Hands to the lower stream what it has room for, and shuts it down, or lets go of it, when that is due. A
 * lower stream that fails is let go of, and the layer above hears of it. */
void tls_stream_flush(struct tls_stream *s);
/* Takes what the lower stream holds. */
void tls_stream_take_held(struct tls_stream *s);
/* The connection goes no further, and the layer above, if there is one, hears of it: what is queued is still
 * sent, and what arrives is dropped for a while, so that it is received. */
void tls_stream_linger(struct tls_stream *s);
/* Forgets it; the lower stream has been let go of, is gone, or is to be kept. */
void tls_stream_forget(struct tls_stream *s);
/* Ends it at once. */
void tls_stream_abort(struct tls_stream *s);
/* Around everything that may end it. */
void tls_stream_enter(struct tls_stream *s);
void tls_stream_leave(struct tls_stream *s);

static inline bool tls_stream_is_dead(const struct tls_stream *s)
{
	return (s->flags & TLS_DEAD) != 0;
}

/* ---- tls_trace.c ---- */

/* What is said beside the text, told to the observers if one wants to see it. message: its beginning. */
void tls_trace_message(const struct tls_stream *s, bool is_ours, const uint8_t *message, size_t len);
void tls_trace_alert(const struct tls_stream *s, bool is_ours, const uint8_t alert[static 2]);

#endif
