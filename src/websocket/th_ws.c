/* The public interface of libtaphouse: a WebSocket server on a port, with one endpoint for all paths. */
#include "taphouse/websocket.h"

#include <errno.h>
#include <stdlib.h>

#include "stack/th_internal.h"
#include "websocket/ws.h"
#include "websocket/ws_utf8.h"

struct th_ws_server {
	struct ws_server *ws;
	struct ws_endpoint *endpoint;
	struct http_server *http;
	struct tcp_listener *listener;
	const struct th_ws_handler *handler;
	void *context;
};

static struct ws_conn *conn_of(const struct th_ws *ws)
{
	return (struct ws_conn *)(uintptr_t)ws;
}

static struct th_ws *public_of(struct ws_conn *c)
{
	return (struct th_ws *)(void *)c;
}

static struct th_ws_server *server_of(const struct ws_conn *c)
{
	return ws_endpoint_context(ws_endpoint_of(c));
}

/* ---- what is told ---- */

static void on_open(struct ws_conn *c, const struct ws_opening *opening)
{
	const struct th_ws_handler *h = server_of(c)->handler;

	if (h->on_open != NULL)
		h->on_open(public_of(c), opening->path);
}

static void on_message(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	const struct th_ws_handler *h = server_of(c)->handler;

	if (h->on_message != NULL)
		h->on_message(public_of(c), opcode == WS_TEXT ? TH_WS_TEXT : TH_WS_BINARY, message->data,
			      message->len);
}

static void on_drained(struct ws_conn *c)
{
	const struct th_ws_handler *h = server_of(c)->handler;

	if (h->on_drained != NULL)
		h->on_drained(public_of(c));
}

static void on_close(struct ws_conn *c, unsigned code)
{
	const struct th_ws_handler *h = server_of(c)->handler;

	if (h->on_close != NULL)
		h->on_close(public_of(c), code);
}

static const struct ws_handler handler = {
	.on_open = on_open, .on_message = on_message, .on_drained = on_drained, .on_close = on_close,
};

/* ---- the server ---- */

static void on_acceptable(struct tcp_listener *l, void *context)
{
	const struct th_ws_server *server = context;
	struct stream *s;

	while ((s = tcp_accept(l)) != NULL) {
		tcp_set_nodelay(s, true);
		http_serve(server->http, s);
	}
}

/* What is longer is no time any more, and could not be reckoned with. */
static bool is_time(uint64_t us)
{
	return us <= UINT64_C(1) << 60;
}

static bool is_window(uint8_t bits)
{
	return bits == 0 || (bits >= WS_WINDOW_BITS_MIN && bits <= WS_WINDOW_BITS_MAX);
}

static bool is_valid(const struct th_ws_config *c)
{
	return (is_time(c->ping_interval_us) || c->ping_interval_us == TH_NEVER) &&
	       is_time(c->message_timeout_us) && is_time(c->ping_timeout_us) &&
	       is_time(c->close_timeout_us) && is_window(c->window_bits) &&
	       c->compression <= TH_WS_UNCOMPRESSED && c->close_slow_readers <= 1;
}

static void set(uint64_t *to, uint64_t given)
{
	if (given != 0)
		*to = given;
}

static struct ws_config translate(const struct th_ws_config *c)
{
	static const enum ws_compression compressions[] = {
		[TH_WS_TAKEOVER] = WS_COMPRESSION_TAKEOVER,
		[TH_WS_EACH_MESSAGE] = WS_COMPRESSION_MESSAGE,
		[TH_WS_UNCOMPRESSED] = WS_COMPRESSION_OFF,
	};
	struct ws_config to;

	ws_config_default(&to);
	to.origins = c->origins;
	to.protocols = c->protocols;
	to.compression = compressions[c->compression];
	to.slow_reader = c->close_slow_readers ? WS_SLOW_CLOSE : WS_SLOW_DROP;
	if (c->window_bits != 0)
		to.window_bits = c->window_bits;
	set(&to.max_message, c->max_message);
	set(&to.message_timeout_us, c->message_timeout_us);
	set(&to.ping_interval_us, c->ping_interval_us);
	if (c->ping_interval_us == TH_NEVER)
		to.ping_interval_us = 0;
	set(&to.ping_timeout_us, c->ping_timeout_us);
	set(&to.close_timeout_us, c->close_timeout_us);
	return to;
}

static int open_endpoint(struct th_ws_server *server, struct world *w, const struct th_ws_config *given)
{
	const struct ws_config config = translate(given);
	struct ws_limits limits = {
		.max_connections = given->max_connections != 0 ? given->max_connections : 65536,
		.memory = given->memory != 0 ? given->memory : 64 << 20,
	};

	limits.max_connections_per_address = limits.max_connections;
	if (ws_server_new(&limits, w, &server->ws) < 0)
		return -ENOMEM;
	server->endpoint = ws_endpoint_new(server->ws, &config, &handler, server);
	return server->endpoint != NULL ? 0 : -ENOMEM;
}

/* The endpoint answers for all paths, so no file of the root ever does. */
static int open_http(struct th_ws_server *server, struct world *w)
{
	struct http_location location = {
		.prefix = "/", .handler = &ws_http_handler, .context = server->endpoint,
	};
	struct http_site site = {
		.name = "websocket", .root = "/", .locations = &location, .n_locations = 1,
	};
	struct http_config config;
	struct failure why;

	http_config_default(&config);
	config.mime_types = "";
	config.max_connections_per_address = config.max_connections;
	return http_server_new(&config, &site, 1, w, NULL, &server->http, &why);
}

static int open_all(struct th_ws_server *server, struct stack *stack, const struct ip_addr *addr,
		    uint16_t port, const struct th_ws_config *config)
{
	struct tcp_listener_handler acceptor = { .on_acceptable = on_acceptable, .context = server };
	int error = open_endpoint(server, &stack->world, config);

	if (error == 0)
		error = open_http(server, &stack->world);
	if (error == 0)
		error = tcp_listen(stack->tcp, addr, port, &acceptor, NULL, &server->listener);
	return error;
}

int th_ws_serve_sized(struct th_stack *stack, const char *address, uint16_t port,
		      const struct th_ws_config *given, size_t size, const struct th_ws_handler *h,
		      void *context, struct th_ws_server **out)
{
	struct th_ws_config config;
	struct ip_addr addr = { { 0 } };
	struct th_ws_server *server;
	int error;

	if (port == 0 || (address != NULL && !ip_addr_parse(address, &addr)) ||
	    !th_take(&config, sizeof config, given, size) || !is_valid(&config))
		return -EINVAL;
	server = calloc(1, sizeof *server);
	if (server == NULL)
		return -ENOMEM;
	server->handler = h;
	server->context = context;
	error = open_all(server, stack->stack, &addr, port, &config);
	if (error != 0) {
		th_ws_server_free(server);
		return error;
	}
	*out = server;
	return 0;
}

static void stop_listening(struct th_ws_server *server)
{
	if (server->listener != NULL)
		tcp_listener_close(server->listener);
	server->listener = NULL;
}

void th_ws_drain(struct th_ws_server *server, unsigned code)
{
	stop_listening(server);
	http_drain(server->http);
	ws_server_drain(server->ws, code);
}

void th_ws_server_free(struct th_ws_server *server)
{
	if (server == NULL)
		return;
	stop_listening(server);
	http_server_free(server->http);
	ws_endpoint_close(server->endpoint);
	ws_server_free(server->ws);
	free(server);
}

/* ---- connections ---- */

void *th_ws_context(const struct th_ws *ws)
{
	return server_of(conn_of(ws))->context;
}

void th_ws_set_user(struct th_ws *ws, void *user)
{
	ws_set_user(conn_of(ws), user);
}

void *th_ws_user(const struct th_ws *ws)
{
	return ws_user(conn_of(ws));
}

static bool is_message(enum th_ws_kind kind, struct bytes data)
{
	struct ws_utf8 utf8 = { 0 };

	return kind == TH_WS_BINARY ||
	       (kind == TH_WS_TEXT && ws_utf8_feed(&utf8, data) && ws_utf8_is_whole(&utf8));
}

static enum ws_opcode opcode_of(enum th_ws_kind kind)
{
	return kind == TH_WS_TEXT ? WS_TEXT : WS_BINARY;
}

int th_ws_send(struct th_ws *ws, enum th_ws_kind kind, const void *data, size_t len)
{
	struct ws_conn *c = conn_of(ws);
	struct ws_buffer *message;
	enum ws_sent sent;

	if (!is_message(kind, bytes_of(data, len)))
		return -EINVAL;
	message = ws_message_new(server_of(c)->ws, bytes_of(data, len));
	if (message == NULL)
		return -ENOMEM;
	sent = ws_send_buffer(c, opcode_of(kind), message);
	ws_buffer_give(message);
	return sent == WS_SENT ? 0 : sent == WS_SENT_DROPPED ? -EAGAIN : -EPIPE;
}

int th_ws_close(struct th_ws *ws, unsigned code, const char *reason)
{
	if (!ws_close_code_is_valid(code))
		return -EINVAL;
	ws_close(conn_of(ws), code, reason != NULL ? reason : "");
	return 0;
}

int th_ws_subscribe(struct th_ws *ws, const char *topic)
{
	return ws_subscribe(conn_of(ws), topic);
}

void th_ws_unsubscribe(struct th_ws *ws, const char *topic)
{
	ws_unsubscribe(conn_of(ws), topic);
}

int th_ws_publish(struct th_ws_server *server, const char *topic, enum th_ws_kind kind, const void *data,
		  size_t len)
{
	struct ws_buffer *message;
	unsigned n;

	if (!is_message(kind, bytes_of(data, len)))
		return -EINVAL;
	message = ws_message_new(server->ws, bytes_of(data, len));
	if (message == NULL)
		return -ENOMEM;
	n = ws_publish(server->ws, topic, opcode_of(kind), message);
	ws_buffer_give(message);
	return (int)n;
}
