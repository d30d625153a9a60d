/*
 * Turns: how much work messages may make before the loop goes on. A message of a few hundred bytes may expand to a
 * megabyte, and one to a room is sent a thousand times; so what is done is counted, and whoever comes when a turn is
 * used up waits in a queue, its input unread, while everything else that the worker does has its time.
 */
#ifndef WEBSOCKET_WS_TURNS_H
#define WEBSOCKET_WS_TURNS_H

#include "base/world.h"

enum {
	WS_TURN_BYTES = 256 << 10, /* of work: a few milliseconds of compression */
	/* What counts beside the bytes that are expanded or compressed: */
	WS_WORK_CODEC = 4096, /* a state of zlib made ready */
	WS_WORK_SEND = 64,    /* a message sent */
};

/* Goes on with what the node stands for. */
typedef void ws_turn_fn(struct list *node);

struct ws_turns {
	struct world *world;
	ws_turn_fn *resume;
	struct list waiting;
	struct timer timer;  /* serves them */
	uint64_t since_us;   /* a turn is known by its time */
	size_t left;         /* bytes */
	bool is_serving;
};

void ws_turns_init(struct ws_turns *t, struct world *w, ws_turn_fn *resume);
void ws_turns_fini(struct ws_turns *t);

/* Whether there may be work now. False: the node waits, and resume() is told. */
bool ws_turns_has(struct ws_turns *t, struct list *node);
/* So much was done. */
void ws_turns_count(struct ws_turns *t, size_t bytes);

#endif
