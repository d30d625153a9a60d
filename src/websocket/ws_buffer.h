/*
 * Payloads in memory: a message grows in one while it arrives, with room for a header before it, so that it
 * can be sent on as it lies there, to one or to a thousand. All of a worker's share one budget.
 */
#ifndef WEBSOCKET_WS_BUFFER_H
#define WEBSOCKET_WS_BUFFER_H

#include "base/span.h"
#include "websocket/ws_frame.h"

struct ws_budget {
	size_t limit, in_use; /* bytes */
	uint64_t refused;
	struct span_owner *keeper; /* each buffer holds a reference; may be NULL */
};

struct ws_buffer {
	struct span_owner owner;
	struct ws_budget *budget;
	size_t len, room; /* of the payload */
	uint8_t header[WS_HEADER_MAX_SENT]; /* a frame's header goes to its end */
	uint8_t data[];
};

/* One with this much room and one reference; NULL: no memory, or none of the budget is left. */
struct ws_buffer *ws_buffer_new(struct ws_budget *budget, size_t room);

/* Makes room for `more` bytes behind those that are there; most is what it may ever need. The buffer must
 * have one reference only, and moves. False: none was left, and it is as it was. */
bool ws_buffer_grow(struct ws_buffer **b, size_t more, size_t most);

/* Gives back the room that is not used, if it is much. As above. */
void ws_buffer_fit(struct ws_buffer **b);

/* NULL is nothing to give. */
static inline void ws_buffer_give(struct ws_buffer *b)
{
	if (b != NULL)
		span_owner_unref(&b->owner);
}

/* Writes the header of a frame that has all of the payload, and gives the frame. Always the same for the same
 * first byte: a buffer that is on its way already is not changed by sending it again. */
struct span ws_buffer_frame(struct ws_buffer *b, uint8_t first);

#endif
