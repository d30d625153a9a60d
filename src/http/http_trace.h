/* Steps of HTTP, told to the observers between the segments of the connection (base/trace.h). Each costs one
 * predicted branch when nobody watches. */
#ifndef HTTP_HTTP_TRACE_H
#define HTTP_HTTP_TRACE_H

#include "http/http_conn.h"

enum http_trace_step {
	HTTP_TRACE_REQUEST,  /* its head is complete */
	HTTP_TRACE_RESPONSE, /* its head is made */
	HTTP_TRACE_END,      /* all of it is handed to the stream */
};

void http_trace_tell(const struct http_conn *c, enum http_trace_step step);

static inline void http_trace(const struct http_conn *c, enum http_trace_step step)
{
	if (world_is_observed(c->server->world, TRACE_LAYER))
		http_trace_tell(c, step);
}

#endif
