/*
 * WebSocket (RFC 6455, RFC 7692) on a stack of libtaphouse: a server on a port, whose handler is told of
 * whole messages and sends to one client, or to all that have subscribed to a topic. taphouse.h says how a
 * stack is driven; the handler is called from within th_stack_input() and th_stack_output().
 *
 * Every limit has a default, and what happens at it is told with the member. Who does not read is not read
 * from; what is published to it meanwhile goes as far as the connection's send buffer.
 */
#ifndef TAPHOUSE_WEBSOCKET_H
#define TAPHOUSE_WEBSOCKET_H

#include <taphouse/taphouse.h>

#ifdef __cplusplus
extern "C" {
#endif

struct th_ws_server;
struct th_ws; /* a client's connection, valid from on_open() until on_close() returns */

enum th_ws_kind {
	TH_WS_TEXT = 1, /* UTF-8 */
	TH_WS_BINARY = 2,
};

/* Any member may be NULL. The functions may call all that is below but th_ws_server_free(). */
struct th_ws_handler {
	/* path: of the request, resolved, without the slash that it begins with; valid during the call. */
	void (*on_open)(struct th_ws *ws, const char *path);
	/* A whole message. What is text has been checked to be UTF-8. data is valid during the call. */
	void (*on_message)(struct th_ws *ws, enum th_ws_kind kind, const void *data, size_t len);
	/* th_ws_send() said -EAGAIN, or a published message was lost, and now there is room again. */
	void (*on_drained)(struct th_ws *ws);
	/* No more will come or go. code: of the close frame that came, or else that was sent; 1006: there
	 * was none. */
	void (*on_close)(struct th_ws *ws, unsigned code);
};

enum th_ws_compression {
	TH_WS_TAKEOVER,     /* permessage-deflate; messages may refer to those before them */
	TH_WS_EACH_MESSAGE, /* each stands by itself, and nothing is kept between them */
	TH_WS_UNCOMPRESSED,
};

/* Zero in any member means its default. */
struct th_ws_config {
	const char *const *origins;   /* whose pages may connect, NULL-terminated, "*": all; default: the
				server's own, by whatever name a browser has reached it, so that
				who lets a name lead here gets in (DNS rebinding): list them to
				keep that out. Must live as long as the server, as the next */
	const char *const *protocols; /* subprotocols: the first that the client names is agreed to;
				default: none */
	uint64_t max_message;         /* bytes, also after expansion (else 1009); default 1 MiB */
	uint64_t message_timeout_us;  /* from a message's first byte to its last (else 1008); default 60 s */
	uint64_t ping_interval_us;    /* of silence, then the client is pinged; TH_NEVER: never;
				default 30 s */
	uint64_t ping_timeout_us;     /* then it is reset; default 20 s */
	uint64_t close_timeout_us;    /* for the client's part of the closing handshake; default 5 s */
	uint64_t memory;              /* bytes of messages of all clients (else 1013); default 64 MiB */
	uint32_t max_connections;     /* more are answered with 503; default 65536 */
	uint8_t compression;          /* enum th_ws_compression; without zlib there is none */
	uint8_t window_bits;          /* 8 to 15: each way 2^bits bytes are kept for takeover; default 12 */
	uint8_t close_slow_readers;   /* 1: a client without room for a message is closed (1008); default:
				it loses the message */
};

/* As th_ws_serve(), for callers that know the size of *config otherwise. */
TH_API int th_ws_serve_sized(struct th_stack *stack, const char *address, uint16_t port,
			     const struct th_ws_config *config, size_t size,
			     const struct th_ws_handler *handler, void *context, struct th_ws_server **out);

/* Serves on address (NULL: all of the stack's) and port, whatever the path. config may be NULL; handler
 * must live as long as the server. -EINVAL, -EADDRINUSE, -EADDRNOTAVAIL, -ENOMEM. */
static inline int th_ws_serve(struct th_stack *stack, const char *address, uint16_t port,
			      const struct th_ws_config *config, const struct th_ws_handler *handler,
			      void *context, struct th_ws_server **out)
{
	return th_ws_serve_sized(stack, address, port, config, sizeof *config, handler, context, out);
}

/* No new clients; those that there are are closed with this code (1001: going away). */
TH_API void th_ws_drain(struct th_ws_server *server, unsigned code);

/* Resets all clients. To be called before the stack is freed. NULL is allowed. */
TH_API void th_ws_server_free(struct th_ws_server *server);

/* The context that the server was given. */
TH_API void *th_ws_context(const struct th_ws *ws);
/* A pointer of the handler's own; NULL at first. */
TH_API void th_ws_set_user(struct th_ws *ws, void *user);
TH_API void *th_ws_user(const struct th_ws *ws);

/* Sends a message, which is copied. -EAGAIN: the send buffer is full, and the message is dropped; -ENOMEM;
 * -EPIPE: the connection is not open any more; -EINVAL: the text is not UTF-8. */
TH_API int th_ws_send(struct th_ws *ws, enum th_ws_kind kind, const void *data, size_t len);

/* Begins the closing handshake. code: 1000 to 1003, 1007 to 1014, 3000 to 4999. reason: up to 123 bytes of
 * UTF-8, or NULL. -EINVAL. */
TH_API int th_ws_close(struct th_ws *ws, unsigned code, const char *reason);

/* A client of a topic gets what is published to it. A topic is a name of up to 255 bytes, and there is
 * nothing to make or to free; a client may have 16. -ENOSPC, -ENOMEM. */
TH_API int th_ws_subscribe(struct th_ws *ws, const char *topic);
TH_API void th_ws_unsubscribe(struct th_ws *ws, const char *topic);

/* Sends a message, one copy for all, to the clients of a topic. Returns how many it went to, or -ENOMEM,
 * -EINVAL. */
TH_API int th_ws_publish(struct th_ws_server *server, const char *topic, enum th_ws_kind kind,
			 const void *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
