/* Sent on by 308, so that a POST stays one (RFC 9110 section 15.4.9). */
#include "server/https_redirect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The field line, in memory of its own, which goes with the call. */
struct redirect {
	size_t len;
	char line[];
};

static struct redirect *make_redirect(const struct http_call *call)
{
	const uint16_t *port = call->context;
	struct bytes host = http_authority_host(call->target->authority);
	struct bytes path = call->target->path, query = call->target->query;
	size_t room = host.len + path.len + query.len + 64;
	struct redirect *r = malloc(sizeof *r + room);
	char number[8] = "";

	if (r == NULL)
		return NULL;
	if (*port != 443)
		snprintf(number, sizeof number, ":%u", *port);
	r->len = (size_t)snprintf(r->line, room, "Location: https://%.*s%s%.*s%.*s\r\n", (int)host.len,
				  (const char *)host.data, number, (int)path.len, (const char *)path.data,
				  (int)query.len, query.len > 0 ? (const char *)query.data : "");
	return r;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct redirect *r;

	if (call->target->authority.len == 0)
		return 400; /* HTTP/1.0 without Host: where to is not known */
	r = make_redirect(call);
	call->state = r;
	if (r == NULL)
		return 503;
	if (r->len > HTTP_DOCUMENT_FIELDS)
		return 414;
	out->fields = bytes_of((const uint8_t *)r->line, r->len);
	return 308;
}

static void end(struct http_call *call)
{
	free(call->state);
}

const struct http_handler https_redirect_handler = {
	.methods = HTTP_METHODS_ALL,
	.answer = answer,
	.end = end,
};
