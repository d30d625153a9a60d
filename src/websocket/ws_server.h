/* The server and its endpoints. For the files of this room. */
#ifndef WEBSOCKET_WS_SERVER_H
#define WEBSOCKET_WS_SERVER_H

#include "base/addr_counts.h"
#include "base/turns.h"
#include "http/http_queue.h"
#include "websocket/ws.h"
#include "websocket/ws_deflate.h"
#include "websocket/ws_handshake.h"

/* Where a connection stands. It is in its endpoint's queue of this state, whose time limit is the state's. */
enum ws_state {
	WS_OPEN,    /* and heard of since */
	WS_PINGED,  /* open, and asked for a sign of life */
	WS_CLOSING, /* our close frame is sent, the client's awaited */
	WS_LINGER,  /* nothing more is said; what still arrives is dropped until the client's FIN */
	WS_STATES,
	WS_DEAD = WS_STATES, /* the stream is gone; in no queue */
};

struct ws_endpoint {
	struct ws_server *server;
	struct ws_config config;
	const struct ws_handler *handler;
	void *context;
	struct list node;    /* in the server's */
	uint32_t references; /* its location's, and one of each connection */
	bool closed;
	struct http_queue queues[WS_STATES];
};

enum { WS_TOPIC_HEADS = 256 };

/* Of the work that messages make before the loop goes on (base/turns.h). */
enum {
	WS_TURN_BYTES = 256 << 10, /* expanded or compressed: a few milliseconds of it */
	/* What counts beside these bytes: */
	WS_WORK_CODEC = 4096, /* a state of zlib made ready */
	WS_WORK_SEND = 64,    /* a message sent */
};

struct ws_server {
	struct span_owner keeper; /* keeps this memory while streams point at buffers of its budget */
	struct ws_limits limits;
	struct world *world;
	struct ws_budget budget;
	struct ws_codecs *codecs; /* NULL: nothing is compressed */
	struct pool conns;
	struct addr_counts clients;
	struct list topics[WS_TOPIC_HEADS]; /* by the hash of their names */
	struct list endpoints;
	struct list ended;  /* connections whose handler is to be told so, or whose memory is to be freed */
	struct timer reap;  /* sees to it */
	struct turns turns; /* of connections whose input makes work */
	bool draining;
	struct ws_usage usage;
	/* Of the answer that is on its way, until its stream is taken over. */
	char answer[WS_HANDSHAKE_ANSWER]; /* field lines */
	size_t answer_len;
	const char *protocol;
	char path[WS_PATH + 1];
};

void ws_endpoint_unref(struct ws_endpoint *e);

#endif
