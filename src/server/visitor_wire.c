/* A visitor's wire, asked for and changed. */
#include "server/visitor_wire.h"

#include <errno.h>
#include <stdlib.h>

#include "http/http_origin.h"
#include "server/crew.h"

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

/* ---- the client's wire at other workers, who may have connections of it too ---- */

struct told {
	struct errand errand;
	struct worker *by;
	struct ip_prefix client;
	bool has_wire;
	struct visitor_wire wire;
};

static void hear(struct errand *e, void *owner)
{
	const struct told *told = CONTAINER_OF(e, struct told, errand);
	const struct worker *w = owner;

	if (told->has_wire)
		visitors_set(w->host.device, &told->client, &told->wire); /* what is refused is counted */
	else
		visitors_clear(w->host.device, &told->client);
}

static void forget(struct errand *e)
{
	struct told *told = CONTAINER_OF(e, struct told, errand);

	told->by->n_told--;
	free(told);
}

/* wire NULL: it has none any more. False: too much is on its way to them. */
static bool tell(struct worker *w, struct worker *other, const struct ip_prefix *client,
		 const struct visitor_wire *wire)
{
	struct told *told = w->n_told < VISITOR_WIRE_TOLD ? calloc(1, sizeof *told) : NULL;

	if (told == NULL)
		return false;
	told->errand = (struct errand){ .run = hear, .done = forget };
	told->by = w;
	told->client = *client;
	told->has_wire = wire != NULL;
	if (wire != NULL)
		told->wire = *wire;
	w->n_told++;
	if (errand_send(&told->errand, &w->errands, &other->errands))
		return true;
	forget(&told->errand);
	return false;
}

static bool tell_others(struct worker *w, const struct ip_prefix *client, const struct visitor_wire *wire)
{
	bool all = true;

	if (w->config->device.steering == STEER_ADDRESS)
		return true; /* none has a connection of this client */
	for (unsigned i = 0; i < crew_size(w->place.crew); i++)
		if (i != w->place.number)
			all &= tell(w, crew_worker(w->place.crew, i), client, wire);
	return all;
}

/* ---- the requests ---- */

/* What the body does not name stays as it is. */
static unsigned change(const struct http_call *call)
{
	struct worker *w = call->context;
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
	if (visitors_set(w->host.device, &client, &wire) < 0 || !tell_others(w, &client, &wire))
		return 503;
	return 0;
}

static unsigned clear(struct worker *w, const struct ip_prefix *client)
{
	visitors_clear(w->host.device, client);
	return tell_others(w, client, NULL) ? 0 : 503;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct worker *w = call->context;
	struct ip_prefix client = visitor_prefix(&call->client);
	unsigned status = 0;

	if (call->request->line.method == HTTP_METHOD_POST)
		status = change(call);
	else if (call->request->line.method == HTTP_METHOD_DELETE)
		status = clear(w, &client);
	return status != 0 ? status : describe(call, out);
}

const struct http_handler visitor_wire_handler = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST) | HTTP_METHOD_BIT(DELETE),
	.begin = begin, .take = take, .answer = answer, .end = end,
};
