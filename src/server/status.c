/* The status location: which path is which document; the others are the live page's. */
#include "server/status.h"

#include <string.h>

#include "http/http_origin.h"
#include "server/live.h"
#include "server/status_gather.h"

static struct worker *worker_of(const struct http_call *call)
{
	return ((const struct websocket *)call->context)->worker;
}

static unsigned answer_frames(struct http_call *call, struct http_document *out)
{
	struct worker *w = worker_of(call);
	struct document *d = document_new(&w->documents, STATUS_DOCUMENT);
	unsigned status = d != NULL ? frames_answer(&w->frames, call, d) : 503;

	out->type = "application/json";
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

/* The handler of documents that are about all workers. */
static void end_gathering(struct http_call *call)
{
	status_gather_end(call->state);
}

static unsigned answer_page(struct http_call *call, struct http_document *out)
{
	return status_gather(call, worker_of(call), status_find_page(call->path), out);
}

static const struct http_handler page_handler = {
	.methods = HTTP_METHODS_READING, .answer = answer_page, .end = end_gathering,
};

static unsigned begin(struct http_call *call)
{
	if (status_find_page(call->path) != NULL)
		call->handler = &page_handler;
	return 0;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (strcmp(call->path, "frame") == 0)
		return http_origin_is_certain(call) ? answer_frames(call, out) : 421;
	if (strcmp(call->path, "events") == 0)
		return http_origin_is_certain(call) ? open_events(call, out) : 421;
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
	.methods = HTTP_METHODS_READING, .begin = begin, .answer = answer, .take_over = take_over, .end = end,
};
