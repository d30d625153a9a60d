/* A visitor's wire, asked for and changed. */
#include "server/visitor_wire.h"

#include <errno.h>

#include "http/http_origin.h"
#include "server/worker.h"

static bool changes(const struct http_call *call)
{
	return call->request->line.method == HTTP_METHOD_POST ||
	       call->request->line.method == HTTP_METHOD_DELETE;
}

static unsigned begin(struct http_call *call)
{
	struct worker *w = call->context;

	if (changes(call) && !http_origin_is_trusted(call))
		return 403;
	if (call->body_len != HTTP_LENGTH_UNKNOWN && call->body_len > VISITOR_WIRE_BODY)
		return 413;
	call->state = document_new(&w->bodies, VISITOR_WIRE_BODY);
	return call->state != NULL ? 0 : 503;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct document *body = call->state;

	if (data.len > document_left(body))
		return 413;
	document_add(body, data.data, data.len);
	return body->failed ? 503 : 0;
}

static void end(struct http_call *call)
{
	struct document *body = call->state;

	span_owner_unref(&body->owner);
}

/* What the client's wire is like now. */
static unsigned describe(const struct http_call *call, struct http_document *out)
{
	struct worker *w = call->context;
	uint64_t now_us = w->host.stack->world.now_us;
	struct visitor_counters counters = { .dropped = 0 };
	struct visitor_wire wire = { .expires_us = now_us };
	struct document *d = document_new(&w->documents, VISITOR_WIRE_DOCUMENT);
	struct ip_prefix client = visitor_prefix(&call->client);

	if (d == NULL)
		return 503;
	visitors_find(w->host.device, &client, &wire, &counters);
	visitor_wire_write(d, &wire, &counters, wire.expires_us > now_us ? wire.expires_us - now_us : 0);
	out->type = "application/json";
	return document_finish(d, &out->body) ? 200 : 503;
}

/* What the body does not name stays as it is. */
static unsigned change(const struct http_call *call)
{
	const struct worker *w = call->context;
	const struct document *body = call->state;
	struct visitor_wire wire = { .expires_us = 0 };
	struct ip_prefix client = visitor_prefix(&call->client);
	struct pairs pairs;

	if (!pairs_begin(&pairs, http_call_value(call, "content-type"), bytes_of(body->text, body->len)))
		return 400;
	visitors_find(w->host.device, &client, &wire, NULL);
	if (!visitor_wire_read(&pairs, &wire))
		return 400;
	wire.next.spared = call->client_port;
	wire.expires_us = w->host.stack->world.now_us + VISITOR_WIRE_LIFE_US;
	return visitors_set(w->host.device, &client, &wire) == 0 ? 0 : 503;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	const struct worker *w = call->context;
	struct ip_prefix client = visitor_prefix(&call->client);
	unsigned status = 0;

	if (call->request->line.method == HTTP_METHOD_POST)
		status = change(call);
	else if (call->request->line.method == HTTP_METHOD_DELETE)
		visitors_clear(w->host.device, &client);
	return status != 0 ? status : describe(call, out);
}

const struct http_handler visitor_wire_handler = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST) | HTTP_METHOD_BIT(DELETE),
	.begin = begin, .take = take, .answer = answer, .end = end,
};
