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
};

#endif
