/*
 * TCP's events, told to clients of a WebSocket location as they happen: changes of state, samples of the
 * round trip, congestion window, timeouts, loss recovery. An observer of the stack (base/trace.h) while
 * somebody watches, and nothing otherwise.
 *
 * What happens in the middle of TCP's work is noted in a queue, and sent some milliseconds later. The queue
 * is bounded: when half of it is full, samples are left out, then the rest, and each viewer is told how many.
 */
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include "base/trace.h"
#include "stack/stack.h"
#include "websocket/ws.h"

enum {
	EVENTS_QUEUE = 512,     /* most in one go ... */
	EVENTS_PERIOD_US = 20000, /* ... which is so long after the first of them */
	EVENTS_VIEWERS = 64,
};

struct events;

/* NULL: no memory. */
struct events *events_new(struct stack *stack);
/* All viewers must have left. */
void events_free(struct events *e);

/* Of this connection's client the viewer sees all connections; or those of everybody. Its own it never
 * sees, nor those of other viewers: they would have no end. False: no memory, or too many viewers. */
bool events_watch(struct events *e, struct ws_conn *c, const struct http_call *call, bool everybody);
/* It leaves, if it has watched. */
void events_leave(struct ws_conn *c);

#endif
