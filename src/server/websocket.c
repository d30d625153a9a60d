/* What each kind of WebSocket location does with a message. */
#include "server/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_origin.h"
#include "server/chat.h"
#include "server/echo.h"
#include "server/json.h"
#include "server/share.h"
#include "server/status.h"
#include "server/worker.h"

/* ---- who is let in ---- */

/* Pages of our own, where no others are listed, must have asked for a name that is certain: at another, its
 * owner's pages are taken for ours (DNS rebinding). */
unsigned websocket_admit(void *context, const struct http_call *call)
{
	const struct websocket *ws = context;
	bool of_a_page = http_request_value(call->request, HTTP_FIELD_ORIGIN).data != NULL;

	if (!of_a_page || ws->config->websocket_origins.n > 0 || http_origin_is_certain(call))
		return 0;
	return 421;
}

/* ---- the handshake, shown ---- */

static void write_handshake(struct document *d, const struct ws_opening *opening)
{
	struct bytes target = http_request_target(opening->call->request);

	json_open_object(d, NULL);
	json_open_object(d, "handshake");
	json_bytes(d, "target", target.data, target.len);
	echo_write_fields(d, opening->call);
	json_bytes(d, "answer", opening->fields.data, opening->fields.len);
	json_close_object(d);
	json_close_object(d);
}

/* Without memory for it a client goes without. */
void websocket_show_handshake(struct ws_conn *c, const struct ws_opening *opening)
{
	const struct websocket *ws = ws_endpoint_context(ws_endpoint_of(c));
	struct document *d;

	if (opening->protocol == NULL || strcmp(opening->protocol, WEBSOCKET_SHOWS_HANDSHAKE) != 0)
		return;
	d = document_new(&ws->worker->documents, STATUS_DOCUMENT);
	if (d == NULL)
		return;
	write_handshake(d, opening);
	if (!d->failed)
		ws_send(c, WS_TEXT, bytes_of(d->text, d->len));
	span_owner_unref(&d->owner);
}

/* ---- echo ---- */

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static const struct ws_handler websocket_echo = {
	.admit = websocket_admit, .on_open = websocket_show_handshake, .on_message = echo,
};

/* ---- events ---- */

static void watch(struct ws_conn *c, const struct ws_opening *opening)
{
	const struct websocket *ws = ws_endpoint_context(ws_endpoint_of(c));

	if (!events_watch(ws->worker->events, c, opening->call, ws->config->websocket_events_all))
		ws_close(c, WS_CLOSE_TRY_AGAIN_LATER, "too many viewers");
}

static void ask(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	if (opcode != WS_TEXT || !events_request(c, bytes_of(message->data, message->len)))
		ws_close(c, WS_CLOSE_POLICY, "nothing that may be watched: see docs/live.md");
}

static void leave(struct ws_conn *c, unsigned code)
{
	(void)code;
	events_leave(c);
}

static const struct ws_handler websocket_events = {
	.admit = websocket_admit, .on_open = watch, .on_message = ask, .on_close = leave,
};

/* ---- the locations ---- */

static const struct ws_handler *const handlers[] = {
	[CONFIG_WEBSOCKET_ECHO] = &websocket_echo,
	[CONFIG_WEBSOCKET_CHAT] = &chat_handler,
	[CONFIG_WEBSOCKET_EVENTS] = &websocket_events,
};

/* What a status location has below it is one of events. */
static enum config_websocket kind_of(const struct config_location *l)
{
	return l->status ? CONFIG_WEBSOCKET_EVENTS : l->websocket;
}

bool websockets_tell_events(const struct config *c)
{
	for (unsigned i = 0; i < c->n_locations; i++)
		if (kind_of(&c->locations[i]) == CONFIG_WEBSOCKET_EVENTS)
			return true;
	return false;
}

int websockets_open_server(struct worker *w, const struct config *c, struct failure *why)
{
	const struct ws_limits limits = {
		.max_connections = share_count(c->http.max_connections, worker_count(w)),
		.max_connections_per_address = c->http.max_connections_per_address,
		.memory = WEBSOCKET_MEMORY,
	};

	w->events = events_new(w->host.stack);
	if (w->events == NULL || ws_server_new(&limits, &w->host.stack->world, &w->websockets) < 0)
		return failure_set(why, -ENOMEM, "no memory for WebSocket");
	events_record(w->events, websockets_tell_events(c));
	return 0;
}

void websockets_close_server(struct worker *w)
{
	ws_server_free(w->websockets); /* viewers of events leave */
	events_free(w->events);
}

static bool open_endpoint(struct websocket *ws, struct worker *w)
{
	const struct config_location *l = ws->config;
	struct ws_config config = l->websocket_config;

	config.origins = l->websocket_origins.items;
	config.protocols = l->websocket_protocols.items;
	ws->endpoint = ws_endpoint_new(w->websockets, &config, handlers[kind_of(l)], ws);
	return ws->endpoint != NULL;
}

static bool open_site(struct websockets *all, const struct config_site *site, struct worker *w)
{
	for (unsigned i = 0; i < site->n_locations; i++) {
		struct websocket *ws = &all->items[all->n];

		if (kind_of(&site->locations[i]) == CONFIG_WEBSOCKET_OFF)
			continue;
		*ws = (struct websocket){ .worker = w, .config = &site->locations[i], .site = site };
		if (!open_endpoint(ws, w))
			return false;
		all->n++;
	}
	return true;
}

int websockets_open(struct websockets *all, const struct config *c, struct worker *w, struct failure *why)
{
	bool opened;

	*all = (struct websockets){ .items = calloc(c->n_locations + 1, sizeof *all->items) };
	opened = all->items != NULL;
	for (unsigned i = 0; opened && i < c->n_sites; i++)
		opened = open_site(all, &c->sites[i], w);
	if (opened)
		return 0;
	websockets_close(all);
	return failure_set(why, -ENOMEM, "no memory for WebSocket locations");
}

void websockets_close(struct websockets *all)
{
	for (unsigned i = 0; i < all->n; i++)
		ws_endpoint_close(all->items[i].endpoint);
	free(all->items);
	*all = (struct websockets){ 0 };
}

struct websocket *websockets_find(const struct websockets *all, const struct config_location *l)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->items[i].config == l)
			return &all->items[i];
	return NULL;
}
