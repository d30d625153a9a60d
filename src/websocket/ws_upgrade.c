/* The way from HTTP: a request is checked and answered with 101, and its stream becomes a connection. */
#include "websocket/ws_conn.h"

static unsigned refuse(struct ws_server *s, unsigned status, struct http_document *out)
{
	s->usage.refused++;
	if (status != 426)
		return status;
	out->fields = bytes_of(ws_handshake_versions, strlen(ws_handshake_versions));
	out->tells_caching = true;
	return status;
}

static unsigned check(const struct ws_endpoint *e, const struct http_call *call, struct ws_handshake *h)
{
	const struct ws_config *c = &e->config;
	const struct ws_handshake_rules rules = {
		.origins = c->origins,
		.protocols = c->protocols,
		.compression = e->server->codecs != NULL ? c->compression : WS_COMPRESSION_OFF,
		.window_bits = c->window_bits,
		.is_encrypted = call->is_encrypted,
	};
	unsigned status = ws_handshake_check(call, &rules, h);

	if (status == 0 && strlen(call->path) > WS_PATH)
		return 404;
	if (status == 0 && e->handler->admit != NULL)
		status = e->handler->admit(e->context, call);
	if (status == 0 && (e->closed || e->server->draining))
		return 503;
	return status;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct ws_endpoint *e = call->context;
	struct ws_server *s = e->server;
	struct ws_handshake h;
	unsigned status = check(e, call, &h);

	if (status != 0)
		return refuse(s, status, out);
	s->answer_len = ws_handshake_format(&h, s->answer);
	s->protocol = h.protocol;
	strcpy(s->path, call->path);
	if (s->answer_len == 0)
		return refuse(s, 500, out);
	call->state = ws_conn_new(e, &call->client, &h);
	if (call->state == NULL)
		return refuse(s, 503, out);
	out->fields = bytes_of(s->answer, s->answer_len);
	out->tells_caching = true;
	return 101;
}

static size_t take_over(struct http_call *call, struct stream *stream, struct bytes rest, bool ended)
{
	struct ws_conn *c = call->state;
	struct ws_server *s = c->endpoint->server;
	const struct ws_opening opening = {
		.call = call,
		.path = s->path,
		.protocol = s->protocol,
		.fields = bytes_of(s->answer, s->answer_len),
	};

	call->state = NULL;
	return ws_conn_open(c, &opening, stream, rest, ended);
}

static void end(struct http_call *call)
{
	if (call->state != NULL)
		ws_conn_discard(call->state);
}

const struct http_handler ws_http_handler = {
	.methods = HTTP_METHOD_BIT(GET), .answer = answer, .take_over = take_over, .end = end,
};
