/* One connection. For the files of this room. */
#ifndef WEBSOCKET_WS_CONN_H
#define WEBSOCKET_WS_CONN_H

#include "http/http_batch.h"
#include "websocket/ws_handshake.h"
#include "websocket/ws_reader.h"
#include "websocket/ws_server.h"
#include "websocket/ws_window.h"

enum ws_conn_flags {
	WS_CONN_HELD = 1,    /* the stream holds bytes that were not taken */
	WS_CONN_ENDED = 2,   /* the client's FIN has come */
	WS_CONN_BUSY = 4,    /* taking input: calls from below only leave a mark */
	WS_CONN_LACKING = 8, /* the handler was refused room, and is to be told when there is some */
	WS_CONN_TOLD = 16,   /* the handler knows that it is over */
};

struct ws_conn {
	struct stream *stream;         /* NULL when it is gone */
	struct ws_endpoint *endpoint;
	void *user;
	struct http_queue_node node;
	struct list ended;             /* in the server's list */
	struct list turn;              /* waiting for one, with input that is not taken */
	struct list subscriptions;
	struct http_batch *out;        /* while taking input: what is sent leaves together. NULL: at once */
	struct timer message_timer;    /* set while a message is under way */
	struct ws_buffer *close_due;   /* a close frame that there was no room for */
	struct ip_addr client;
	struct ws_deflate_params deflate;
	struct ws_window received, sent;
	uint32_t mark;                 /* low bits of bytes_acked when it was last pinged */
	uint16_t code;                 /* that it is closed with, as the handler is told; 0: it is open */
	uint8_t n_subscriptions;
	uint8_t state;                 /* enum ws_state */
	uint8_t flags;                 /* enum ws_conn_flags */
	struct ws_reader reader;
};

_Static_assert(sizeof(struct ws_conn) <= 768, "a connection without windows is to stay small");

/* A message on its way, in the forms that connections want it in: made once for all of them. */
struct ws_outgoing {
	struct ws_buffer *plain;
	enum ws_opcode opcode;
	struct ws_buffer *packed[WS_WINDOW_BITS_MAX + 1]; /* without takeover, by the bits of the window */
	uint16_t tried; /* a bit for each of these that there is or will not be */
};

static inline struct ws_conn *ws_conn_of(struct http_queue_node *n)
{
	return CONTAINER_OF(n, struct ws_conn, node);
}

static inline struct ws_server *ws_conn_server(const struct ws_conn *c)
{
	return c->endpoint->server;
}

static inline bool ws_conn_is_open(const struct ws_conn *c)
{
	return c->state == WS_OPEN || c->state == WS_PINGED;
}

/* A connection for a client, for a handshake that has been agreed on; NULL: it is one too many, or there
 * is no memory. It has no stream yet. */
struct ws_conn *ws_conn_new(struct ws_endpoint *e, const struct ip_addr *client,
			    const struct ws_handshake *h);
/* It never got a stream. */
void ws_conn_discard(struct ws_conn *c);
/* The stream is its own from now on; as take_over() of a http_handler. */
size_t ws_conn_open(struct ws_conn *c, const struct ws_opening *opening, struct stream *stream,
		    struct bytes rest, bool ended);

/* ---- sending (ws_send.c) ---- */

/* Bytes that the client's queue still takes. */
size_t ws_conn_room(const struct ws_conn *c);
/* A frame, whose payload is the buffer's. The connection may be dead afterwards. */
void ws_conn_send_frame(struct ws_conn *c, uint8_t first, struct ws_buffer *payload);
enum ws_sent ws_conn_send(struct ws_conn *c, struct ws_outgoing *message);
void ws_outgoing_fini(struct ws_outgoing *o);

/* ---- the end ---- */

void ws_conn_abort(struct ws_conn *c, unsigned code);
/* It has stayed too long in the queue of its state. */
void ws_conn_expire(struct http_queue_node *n);
/* Tells handlers of connections that are over, and frees those whose stream is gone. */
void ws_conn_reap(struct ws_server *s);

/* It may take input again (base/turns.h). */
void ws_conn_on_turn(struct list *node);

/* It leaves its topics (ws_topic.c). */
void ws_conn_unsubscribe_all(struct ws_conn *c);

#endif
