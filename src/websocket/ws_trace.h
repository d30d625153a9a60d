/* Messages and control frames, told to the observers between the segments of the connection (base/trace.h).
 * Each costs one predicted branch when nobody watches. */
#ifndef WEBSOCKET_WS_TRACE_H
#define WEBSOCKET_WS_TRACE_H

#include "base/world.h"
#include "websocket/ws_conn.h"

/* payload: of a message as it is sent or was understood, of a control frame as it stands in it. */
void ws_trace_tell(const struct ws_conn *c, enum trace_doer doer, uint8_t first, struct bytes payload);

static inline bool ws_is_traced(const struct ws_conn *c)
{
	return world_is_observed(ws_conn_server(c)->world, TRACE_LAYER);
}

/* A frame of ours. */
static inline void ws_trace_sent(const struct ws_conn *c, uint8_t first, struct bytes payload)
{
	if (ws_is_traced(c))
		ws_trace_tell(c, TRACE_OURS, first, payload);
}

/* What the client has sent; the message has not been taken out of the reader yet. */
void ws_trace_tell_event(const struct ws_conn *c, enum ws_event event);
static inline void ws_trace_event(const struct ws_conn *c, enum ws_event event)
{
	if (ws_is_traced(c))
		ws_trace_tell_event(c, event);
}

#endif
