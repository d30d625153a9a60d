/*
 * The WebSocket locations: "echo" sends each message back; "chat" passes it on to all in the same room, whose
 * name is the rest of the path; "events" tells what TCP does (events.h), as does what a status location has
 * at "events" below it. A location of a generation is an endpoint; all belong to the worker's WebSocket
 * server, so that connections, and rooms, outlive a generation.
 */
#ifndef SERVER_WEBSOCKET_H
#define SERVER_WEBSOCKET_H

#include "server/config.h"
#include "websocket/ws.h"

struct worker;

enum {
	WEBSOCKET_MEMORY = 64 << 20, /* most bytes of messages of a worker, under way and on their way */
	WEBSOCKET_ROOM = 64,         /* most characters of a room's name in the path */
};

/* The subprotocol of clients that want to see how they came here, if the location agrees to it: their
 * first message is JSON, with the request and the answer as the server has them. */
#define WEBSOCKET_SHOWS_HANDSHAKE "taphouse.handshake"

struct websocket {
	struct worker *worker;
	const struct config_location *config;
	const struct config_site *site;
	struct ws_endpoint *endpoint;
};

/* What their handlers have in common: who is let in, where the context is a struct websocket; and clients
 * that want to see their handshake are shown it. */
unsigned websocket_admit(void *context, const struct http_call *call);
void websocket_show_handshake(struct ws_conn *c, const struct ws_opening *opening);

/* Some location tells what TCP does. */
bool websockets_tell_events(const struct config *c);

struct websockets {
	struct websocket *items; /* one a location that is one, or has one below it */
	unsigned n;
};

/* Makes the worker's server, and what tells events. 0, or negative errno and *why; to be closed in either
 * case. */
int websockets_open_server(struct worker *w, const struct config *c, struct failure *why);
/* Connections that are still open are reset. */
void websockets_close_server(struct worker *w);

/* Opens an endpoint for each of the configuration's locations that is one. 0, or negative errno and *why;
 * then nothing is held. */
int websockets_open(struct websockets *ws, const struct config *c, struct worker *w, struct failure *why);
/* Their connections go on. */
void websockets_close(struct websockets *ws);

/* That of this location of that configuration. */
struct websocket *websockets_find(const struct websockets *ws, const struct config_location *l);

#endif
