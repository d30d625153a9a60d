/*
 * What TCP does, told to clients of a WebSocket location as it happens. One that says nothing is told TCP's
 * events, a message each: changes of state, samples of the round trip, congestion window, timeouts, loss
 * recovery. One that asks for connections (watch_request.h) is told of these, in batches of rows (watcher.h).
 * An observer of the stack (base/trace.h) while somebody watches; the recorder is one all the time.
 *
 * What happens in the middle of TCP's work is noted, and sent some milliseconds later. The queue of events is
 * bounded: when half of it is full, samples are left out, then the rest, and each viewer is told how many.
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
	EVENTS_ROWS = 80,       /* in a period, for all who watch connections ... */
	EVENTS_SHARE = 20,      /* ... and most for one: 1000 a second */
	EVENTS_REPLAY_US = 250000, /* between two replays for one: each looks at all that is recorded */
};

struct events;

/* NULL: no memory. */
struct events *events_new(struct stack *stack);
/* All viewers must have left. */
void events_free(struct events *e);

/* Whether what happens is recorded while nobody watches. */
void events_record(struct events *e, bool on);

/* Of this connection's client the viewer sees all connections; or those of everybody. Its own it never
 * sees, nor those of other viewers: they would have no end. False: no memory, or too many viewers. */
bool events_watch(struct events *e, struct ws_conn *c, const struct http_call *call, bool everybody);
/* It asks for connections. False: it must not, or what it says is nonsense. */
bool events_request(struct ws_conn *c, struct bytes text);
/* It leaves, if it has watched. */
void events_leave(struct ws_conn *c);

#endif
