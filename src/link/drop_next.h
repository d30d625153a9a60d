/*
 * The next frames of one kind, swallowed: so that what happens then can be looked at on its own. Not those of
 * chance, as on a bad wire.
 */
#ifndef LINK_DROP_NEXT_H
#define LINK_DROP_NEXT_H

#include "link/frame_ends.h"

enum drop_next_kind { DROP_NEXT_SYN, DROP_NEXT_SYN_ACK, DROP_NEXT_DATA };

struct drop_next {
	enum drop_next_kind kind;
	uint32_t left;   /* so many more; 0: none */
	bool rx, tx;     /* of those towards us, of those from us */
	uint16_t port;   /* that one of the ends has; 0: any */
	/* The peer's port on the connection that asked for this: its answer is not meant, and so it is spared
	 * until the peer sends more on it; 0: none. */
	uint16_t spared;
};

/* The frame goes by. True: it is one of them, and is to be swallowed. */
bool drop_next_takes(struct drop_next *d, const struct frame_ends *frame, bool is_rx);

#endif
