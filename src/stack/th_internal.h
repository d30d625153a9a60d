/* What stands behind the handles of taphouse/taphouse.h. */
#ifndef STACK_TH_INTERNAL_H
#define STACK_TH_INTERNAL_H

#include "stack/stack.h"
#include "taphouse/taphouse.h"

struct th_stack {
	struct stack *stack;
	struct tx_frame *frames; /* of the last poll: those from next to count - 1 have not been fetched */
	int next, count;
};

struct th_listener {
	struct tcp_listener *tcp;
};

struct th_conn {
	struct stream *stream; /* NULL once the connection is over */
	bool open, ended;
	enum stream_end why;   /* when it is over */
	int soft_error;        /* the last that th_soft_error() has not told, as an errno; 0: none */
};

/* Fills *to with what a caller gave (from may be NULL), who may have been compiled with an older header, and
 * so given less, or with a newer one. False: he has set something that is not known here. */
bool th_take(void *to, size_t size, const void *from, size_t given);

/* The handle of a connection, or NULL if the caller has none of it. */
const struct th_conn *th_conn_of(const struct tcp_conn *c);

#endif
