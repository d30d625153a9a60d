/* The status location: which path is which document; the others are the live page's. */
#include "server/status.h"

#include <string.h>

#include "http/http_origin.h"
#include "server/live.h"

/* ---- the documents ---- */

static struct worker *worker_of(const struct http_call *call)
{
	return ((const struct websocket *)call->context)->worker;
}

static void write_status(struct document *d, const struct http_call *call)
{
	status_write_json(d, worker_of(call));
}

static void write_connections(struct document *d, const struct http_call *call)
{
	status_write_connections(d, worker_of(call), call, STATUS_CONNECTIONS);
}

static void write_metrics(struct document *d, const struct http_call *call)
{
	status_write_metrics(d, worker_of(call));
}

#define JSON "application/json"

static const struct view {
	const char *path, *type;
	void (*write)(struct document *d, const struct http_call *call);
} views[] = {
	{ "status.json", JSON, write_status },
	{ "connections.json", JSON, write_connections },
	{ "metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics },
};

static unsigned write_view(const struct view *view, const struct http_call *call, struct http_document *out)
{
	struct document *d = document_new(&worker_of(call)->documents, STATUS_DOCUMENT);

	if (d == NULL)
		return 503;
	view->write(d, call);
	out->type = view->type;
	return document_finish(d, &out->body) ? 200 : 503;
}

static unsigned answer_frames(struct http_call *call, struct http_document *out)
{
	struct worker *w = worker_of(call);
	struct document *d = document_new(&w->documents, STATUS_DOCUMENT);
	unsigned status = d != NULL ? frames_answer(&w->frames, call, d) : 503;

	out->type = JSON;
	if (status == 200)
		return document_finish(d, &out->body) ? 200 : 503;
	if (d != NULL)
		span_owner_unref(&d->owner);
	return status;
}

/* WebSocket has the call from here on. */
static unsigned open_events(struct http_call *call, struct http_document *out)
{
	call->context = ((struct websocket *)call->context)->endpoint;
	return ws_http_handler.answer(call, out);
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (strcmp(call->path, "frame") == 0)
		return http_origin_is_certain(call) ? answer_frames(call, out) : 421;
	if (strcmp(call->path, "events") == 0)
		return http_origin_is_certain(call) ? open_events(call, out) : 421;
	for (size_t i = 0; i < ARRAY_LENGTH(views); i++)
		if (strcmp(views[i].path, call->path) == 0)
			return write_view(&views[i], call, out);
	return live_answer(call, out);
}

static size_t take_over(struct http_call *call, struct stream *stream, struct bytes rest, bool ended)
{
	return ws_http_handler.take_over(call, stream, rest, ended);
}

static void end(struct http_call *call)
{
	ws_http_handler.end(call);
}

const struct http_handler status_handler = {
	.methods = HTTP_METHODS_READING, .answer = answer, .take_over = take_over, .end = end,
};
