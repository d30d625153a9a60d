/*
 * WebSocket (RFC 6455, RFC 7692) on streams: what the rooms above use. A worker has one server; each place
 * that clients connect to is an endpoint, with its limits and a handler; each client is a connection.
 * Messages are told to the handler whole; it answers one connection, or all that have subscribed to a topic.
 *
 * Bounded: messages under way and on their way share one budget; a message, its fragments and its time have
 * limits; the stream's send buffer is the queue to a client. A client that does not read is not read from
 * either, and what is published meanwhile it loses, or is closed for, as the endpoint has it.
 */
#ifndef WEBSOCKET_WS_H
#define WEBSOCKET_WS_H

#include "base/pool.h"
#include "base/world.h"
#include "http/http_call.h"
#include "websocket/ws_buffer.h"
#include "websocket/ws_close.h"
#include "websocket/ws_extension.h"

struct ws_server;
struct ws_endpoint;
struct ws_conn;

/* What happens to a message for a client whose queue is full. */
enum ws_slow_reader {
	WS_SLOW_DROP,  /* it goes without the message */
	WS_SLOW_CLOSE, /* it is closed (1008) */
};

/* Of the server. */
struct ws_limits {
	uint32_t max_connections;
	uint32_t max_connections_per_address;
	size_t memory; /* bytes of messages */
};

/* Of an endpoint. Times in microseconds; lists are NULL-terminated, may be NULL, and must live as long as the
 * endpoint. */
struct ws_config {
	const char *const *origins;   /* as ws_handshake.h has them */
	const char *const *protocols;
	enum ws_compression compression;
	enum ws_slow_reader slow_reader;
	uint8_t window_bits;          /* most that is kept of what came before, each way: 2^bits bytes */
	uint64_t max_message;         /* bytes; also after it was expanded */
	uint64_t message_timeout_us;  /* from its first byte to its last */
	uint64_t ping_interval_us;    /* without a byte from the client; 0: never */
	uint64_t ping_timeout_us;     /* then without a sign of life */
	uint64_t close_timeout_us;    /* for the other side of the closing handshake */
};

void ws_config_default(struct ws_config *c);

/* How a connection came to be; valid during the call. */
enum { WS_PATH = 1023 }; /* most characters of it; else 404 */

struct ws_opening {
	const struct http_call *call; /* the request; of its path only this is still there: */
	const char *path;             /* the resolved rest behind the location's prefix */
	const char *protocol;         /* that was agreed on; NULL: none */
	struct bytes fields;          /* lines of the answer, without Date */
};

/* What an endpoint does. Any member but on_message may be NULL. The functions may send, publish and close. */
struct ws_handler {
	/* 0, or the status that refuses the client before it is one. */
	unsigned (*admit)(void *context, const struct http_call *call);
	void (*on_open)(struct ws_conn *c, const struct ws_opening *opening);
	/* opcode is WS_TEXT, which is UTF-8, or WS_BINARY. The message may be sent on, but not be changed. */
	void (*on_message)(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message);
	/* There is room again, after a message was dropped or ws_send() had none. */
	void (*on_drained)(struct ws_conn *c);
	/* No more messages will come or go: the code of the close frame that came, or else of the one that
	 * was sent, or WS_CLOSE_ABNORMAL. Told once, in a later turn of the timers. */
	void (*on_close)(struct ws_conn *c, unsigned code);
};

struct ws_usage {
	uint64_t opened;                /* connections, ever */
	uint64_t refused;               /* handshakes */
	uint64_t messages_in, messages_out;
	uint64_t bytes_in, bytes_out;   /* of these, expanded */
	uint64_t compressed_in, compressed_out; /* messages */
	uint64_t dropped;               /* messages, for clients that do not read */
	uint64_t closed_slow, closed_dead, closed_invalid, closed_big, closed_full; /* by us */
	uint64_t connections, topics;   /* now */
	uint64_t memory;                /* bytes of messages now */
};

/* 0 or -ENOMEM. */
int ws_server_new(const struct ws_limits *limits, struct world *w, struct ws_server **out);
/* Resets every connection. What streams still point at is freed when they let go of it. Endpoints must
 * have been closed. */
void ws_server_free(struct ws_server *s);
/* No new connections; those that there are are closed with this code. */
void ws_server_drain(struct ws_server *s, unsigned code);
/* As it is now; valid until it is asked for again. */
const struct ws_usage *ws_server_usage(struct ws_server *s);
void ws_server_each_pool(const struct ws_server *s, pool_visit_fn *visit, void *context);

/* NULL: no memory. */
struct ws_endpoint *ws_endpoint_new(struct ws_server *s, const struct ws_config *config,
				    const struct ws_handler *handler, void *context);
/* No new connections; those that there are go on. NULL is nothing to close. */
void ws_endpoint_close(struct ws_endpoint *e);

/* Answers for a location whose context is an endpoint. */
extern const struct http_handler ws_http_handler;

void *ws_endpoint_context(const struct ws_endpoint *e);
struct ws_endpoint *ws_endpoint_of(const struct ws_conn *c);
/* The handler's own. */
void ws_set_user(struct ws_conn *c, void *user);
void *ws_user(const struct ws_conn *c);

/* What becomes of a message. */
enum ws_sent {
	WS_SENT,
	WS_SENT_DROPPED, /* the queue is full, or there is no memory */
	WS_SENT_CLOSED,  /* the connection is no longer open, or has been closed for not reading */
};

/* A message, to be sent to one or many: a copy. NULL: no memory. */
struct ws_buffer *ws_message_new(struct ws_server *s, struct bytes data);

/* opcode: WS_TEXT, of UTF-8, or WS_BINARY. */
enum ws_sent ws_send(struct ws_conn *c, enum ws_opcode opcode, struct bytes data);
/* The same without a copy; the caller keeps its reference. */
enum ws_sent ws_send_buffer(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message);

/* Begins the closing handshake. */
void ws_close(struct ws_conn *c, unsigned code, const char *reason);

/* ---- topics: names that connections of a server have in common ---- */

enum {
	WS_TOPIC_NAME = 255, /* most characters */
	WS_TOPICS = 16384,   /* most of a server */
	WS_TOPICS_OF_CONN = 16,
};

/* 0 (also if it has already), -ENOSPC or -ENOMEM. */
int ws_subscribe(struct ws_conn *c, const char *topic);
void ws_unsubscribe(struct ws_conn *c, const char *topic);
/* To all that have subscribed; the caller keeps its reference. Returns how many it was sent to. */
unsigned ws_publish(struct ws_server *s, const char *topic, enum ws_opcode opcode, struct ws_buffer *message);
/* To all topics that the connection has subscribed to, itself included. */
unsigned ws_publish_from(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message);

#endif
