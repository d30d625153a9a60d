/*
 * Raw frames of a connection, as they stand on the wire, for who wants to take one apart: `frame` below a
 * status location. Asking for a connection's frames arms it: an observer of the stack (base/trace.h) keeps
 * the last few of either direction, for half a minute after the last question, and what it has kept is the
 * answer. While nobody asks nothing is observed, and nothing is spent.
 *
 * Frames hold what requests hold, cookies and all: a client is shown those of its own address and no others.
 */
#ifndef SERVER_FRAMES_H
#define SERVER_FRAMES_H

#include "http/http_call.h"
#include "server/document.h"
#include "stack/stack.h"

enum {
	FRAMES_WATCHES = 16,    /* connections at once; the one that was asked for longest ago gives way */
	FRAMES_KEPT = 12,       /* the last of each */
	FRAMES_BYTES = 2 << 10, /* the first of each frame */
	FRAMES_US = 30000000,
	FRAMES_MOST = 128 << 10, /* bytes of the longest frame: a super-frame has 64 KiB, and headers */
};

struct frames_watch;

struct frames {
	struct stack *stack;
	struct observer observer;
	struct timer timer;                           /* forgets */
	struct frames_watch *watches[FRAMES_WATCHES]; /* those in front of n */
	unsigned n;
	uint8_t *whole; /* FRAMES_MOST bytes, while there are watches: a frame whose checksum is finished */
};

void frames_init(struct frames *f, struct stack *stack);
void frames_fini(struct frames *f);

/*
 * What was kept of a connection since it was armed, which it is from now on: of the one that the call came
 * over, or of the one that its query names ("?connection=12"). 200 and *d written; 400 for another query; 404
 * if there is no such connection of this client's; 503 without memory.
 */
unsigned frames_answer(struct frames *f, const struct http_call *call, struct document *d);

#endif
