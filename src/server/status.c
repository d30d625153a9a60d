/* The status location: which path is which document; the others are the live page's. */
#include "server/status.h"

#include <string.h>

#include "server/live.h"

/* ---- the documents ---- */

static void write_status(struct document *d, const struct http_call *call)
{
	status_write_json(d, call->context);
}

static void write_connections(struct document *d, const struct http_call *call)
{
	status_write_connections(d, call, STATUS_CONNECTIONS);
}

static void write_metrics(struct document *d, const struct http_call *call)
{
	status_write_metrics(d, call->context);
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
	struct worker *w = call->context;
	struct document *d = document_new(&w->documents, STATUS_DOCUMENT);

	if (d == NULL)
		return 503;
	view->write(d, call);
	out->type = view->type;
	return document_finish(d, &out->body) ? 200 : 503;
}

static unsigned answer_frames(struct http_call *call, struct http_document *out)
{
	struct worker *w = call->context;
	struct document *d = document_new(&w->documents, STATUS_DOCUMENT);
	unsigned status = d != NULL ? frames_answer(&w->frames, call, d) : 503;

	out->type = JSON;
	if (status == 200)
		return document_finish(d, &out->body) ? 200 : 503;
	if (d != NULL)
		span_owner_unref(&d->owner);
	return status;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (strcmp("frame", call->path) == 0)
		return answer_frames(call, out);
	for (size_t i = 0; i < ARRAY_LENGTH(views); i++)
		if (strcmp(views[i].path, call->path) == 0)
			return write_view(&views[i], call, out);
	return live_answer(call, out);
}

const struct http_handler status_handler = { .methods = HTTP_METHODS_READING, .answer = answer };
