/* Steps of exchanges in words. What a client sent is told in printable ASCII. */
#include "http/http_trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/ascii.h"
#include "http/http_status.h"
#include "tcp/tcp.h"
#include "tls/tls.h"

static void write_request(const struct http_request *r, char note[static TRACE_TEXT])
{
	struct bytes target = http_request_target(r);

	snprintf(note, TRACE_TEXT, "HTTP request: %.*s %.*s HTTP/%u.%u", (int)r->line.method_len, r->store,
		 (int)target.len, (const char *)target.data, r->line.major, r->line.minor);
	for (; *note != '\0'; note++)
		if (*note != ' ' && !ascii_is_visible(*note))
			*note = '?';
}

static void write_response(const struct http_exchange *x, char note[static TRACE_TEXT])
{
	const struct http_status *status = http_status_find(x->status);

	snprintf(note, TRACE_TEXT, "HTTP response: %u%s%s", x->status, status != NULL ? " " : "",
		 status != NULL ? status->reason : "");
}

static void write_end(const struct http_exchange *x, char note[static TRACE_TEXT])
{
	snprintf(note, TRACE_TEXT, "HTTP body: all %" PRIu64 " bytes; %s",
		 x->body_total - http_body_left(&x->body), x->persistent ? "keep-alive" : "close");
}

void http_trace_tell(const struct http_conn *c, enum http_trace_step step)
{
	const struct world *w = c->server->world;
	char note[TRACE_TEXT];

	if ((c->flags & HTTP_CONN_GONE) != 0)
		return;
	if (step == HTTP_TRACE_REQUEST)
		write_request(c->exchange->request, note);
	else if (step == HTTP_TRACE_RESPONSE)
		write_response(c->exchange, note);
	else
		write_end(c->exchange, note);
	observers_tell(w->observer, &(struct trace_event){
		.kind = TRACE_LAYER,
		.now_us = w->now_us,
		.conn = tcp_conn_of_stream(tls_stream_under(c->stream)),
		.note = note,
		.new_value = step == HTTP_TRACE_REQUEST ? TRACE_PEERS : TRACE_OURS,
	});
}
