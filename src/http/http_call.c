/* Calls, but for http_call_resume(), http_call_complete() and
 * http_call_retry(), which are the connection's. */
#include "http/http_call.h"

/* A body piece as it comes from the parser. */
static unsigned on_body(void *context, struct bytes data)
{
	struct http_call *call = context;

	return call->handler->take(call, data);
}

unsigned http_call_begin(struct http_call *call, struct http_request *r, const struct http_handler *handler)
{
	if (call->refusal != 0)
		return call->refusal; /* it is asked once: when the head is there, or the answer is due */
	call->state = NULL;
	call->body_len = http_request_body_length(r);
	call->handler = handler;
	call->refusal = handler->begin != NULL ? handler->begin(call) : 0;
	if (call->refusal != 0) {
		call->handler = NULL;
		return call->refusal;
	}
	if (call->handler->take != NULL) {
		r->on_body = on_body;
		r->body_context = call;
	}
	return 0;
}

size_t http_call_room(const struct http_call *call)
{
	if (call->handler == NULL || call->handler->room == NULL)
		return SIZE_MAX;
	return call->handler->room(call);
}

void http_call_end(struct http_call *call)
{
	if (call->handler != NULL && call->handler->end != NULL)
		call->handler->end(call);
	http_pass_forget(&call->pass);
	call->handler = NULL;
	call->pass.is_decided = false;
}

bool http_call_field(const struct http_call *call, uint32_t i, struct bytes *name, struct bytes *value)
{
	const struct http_request *r = call->request;

	if (i >= r->field_count)
		return false;
	*name = bytes_of(r->store + r->fields[i].name_at, r->fields[i].name_len);
	*value = bytes_of(r->store + r->fields[i].value_at, r->fields[i].value_len);
	return true;
}
