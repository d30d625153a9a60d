/*
 * Turns: how much work of a kind may be done before the loop goes on. A handshake costs as much as a thousand
 * requests, and a message of a few hundred bytes may expand to a megabyte; so what is done is counted, and
 * whoever comes when a turn is used up waits in a queue, its input unread, while everything else that the
 * worker does has its time.
 */
#ifndef BASE_TURNS_H
#define BASE_TURNS_H

#include "base/world.h"

/* Goes on with what the node stands for. */
typedef void turn_fn(struct list *node);

struct turns {
	struct world *world;
	turn_fn *resume;
	size_t most;        /* work of a turn, in units of the owner's; may be changed at any time */
	struct list waiting;
	struct timer timer; /* serves them */
	uint64_t since_us;  /* a turn is known by its time */
	size_t left;        /* of the work */
	bool is_serving;
};

void turns_init(struct turns *t, struct world *w, size_t most, turn_fn *resume);
/* Those that wait are not resumed. */
void turns_fini(struct turns *t);

/* Whether there may be work now. False: the node waits, and resume() is told. One that is removed from the
 * list waits no more. */
bool turns_has(struct turns *t, struct list *node);
/* So much was done. */
void turns_count(struct turns *t, size_t work);

#endif
