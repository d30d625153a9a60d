/* One connection: the record that stays, and what happens to it. */
#ifndef HTTP_HTTP_CONN_H
#define HTTP_HTTP_CONN_H

#include "base/stream.h"
#include "http/http_exchange.h"
#include "http/http_server.h"

enum http_conn_flags {
	HTTP_CONN_HELD = 1,       /* the stream holds bytes that were not taken */
	HTTP_CONN_ENDED = 2,      /* the peer's FIN has come */
	HTTP_CONN_UNDRAINED = 4,  /* something was sent that is not acknowledged yet */
	HTTP_CONN_BUSY = 8,       /* at work on it: calls from below only leave a mark */
	HTTP_CONN_GONE = 16,      /* the stream ended while at work */
	HTTP_CONN_RESUMED = 32,   /* in stream_resume(), which may offer what is held piece by piece */
	HTTP_CONN_FORGOTTEN = 64, /* ended in there */
	HTTP_CONN_LEFT = 128,     /* lingering: the first FIN is the peer's */
	HTTP_CONN_TUNED = 256,    /* its congestion control is the last answer's */
};

enum { HTTP_CONN_AGE_UNIT_US = 1 << 20 };

struct http_conn {
	struct stream *stream;
	struct http_server *server;
	struct http_exchange *exchange; /* NULL between requests */
	struct http_queue_node node;
	uint32_t requests;   /* finished on this connection */
	uint32_t mark;       /* low bits of what was measured at node.since_us; lingering: bytes still read */
	uint32_t opened;     /* world time, in units of HTTP_CONN_AGE_UNIT_US */
	uint8_t state;       /* enum http_conn_state */
	uint8_t blank_lines; /* that came since the last request */
	uint16_t flags;      /* enum http_conn_flags */
};

_Static_assert(sizeof(struct http_conn) <= 64, "an idle connection is to stay small");

/* Takes the stream over. */
void http_conn_open(struct http_server *s, struct stream *stream);

/* Ends it at once, with RST. */
void http_conn_abort(struct http_conn *c);

/* Ends it; what is queued is still delivered. */
void http_conn_close(struct http_conn *c);

/* What it waited for, a request or a buffer, may be there now. The connection may be gone afterwards. */
void http_conn_wake(struct http_conn *c);

/* It has stayed too long in the queue of its state. */
void http_conn_expire(struct http_queue_node *n);

static inline struct http_conn *http_conn_of(struct http_queue_node *n)
{
	return CONTAINER_OF(n, struct http_conn, node);
}

#endif
