/*
 * What makes rows of what goes on: segments, as they were seen on the wire or as the recorder kept them, and
 * what TCP, TLS and HTTP tell of connections. The ladder in the terminal and those who watch over WebSocket
 * have their rows from here.
 *
 * What is told of a connection (a step of TLS or HTTP, a loss) is told before the segment that caused it if
 * that came in, and before the segment that it causes if that goes out; so such steps are kept until the next
 * segment, and stand behind the former and in front of the latter.
 */
#ifndef SERVER_LADDER_ROWS_H
#define SERVER_LADDER_ROWS_H

#include "base/trace.h"
#include "server/ladder_row.h"

enum { LADDER_STEPS = 16 }; /* that wait for a segment; the oldest gives way */

/* The kinds of events that make rows beside segments. */
enum {
	LADDER_STEP_KINDS = TRACE_LAYER | TRACE_TCP_RTO | TRACE_TCP_RECOVERY | TRACE_TCP_MTU |
			    TRACE_TCP_SOFT_ERROR | TRACE_TCP_STATE,
};

/* A segment, and what there is to know of it beside what it says itself. */
struct ladder_seen {
	struct ladder_segment segment;
	uint64_t now_us;
	bool is_out;
	enum drop_reason drop;
	enum tcp_state own;      /* our state after it; 0: not known */
	uint64_t connection;     /* 0: not known */
	const char *note;        /* why it was sent; may be NULL */
};

struct ladder_waiting_step {
	struct ladder_flow *flow;
	unsigned number;         /* the flow's; another one: it has given way */
	uint64_t now_us;
	enum ladder_end from;
	enum trace_kind kind;
	char text[TRACE_TEXT];
};

struct ladder_rows {
	/* Takes a row, which is valid during the call. */
	void (*write)(void *context, const struct ladder_row *row);
	void *context;
	const struct tcp *tcp;   /* is asked of connections seen from the middle; may be NULL */
	uint64_t wall_offset_us; /* to be added to the stack's time to give the time since 1970 */
	unsigned n_steps;
	struct ladder_waiting_step steps[LADDER_STEPS];
	struct ladder_flows flows;
};

void ladder_rows_init(struct ladder_rows *r, const struct tcp *tcp, uint64_t wall_offset_us,
		      void (*write)(void *context, const struct ladder_row *row), void *context);

/* Makes the rows of a segment, and of the steps that waited for it. False: its connection is not followed, as
 * too many are. */
bool ladder_rows_segment(struct ladder_rows *r, const struct ladder_seen *seen);

/* An event of one of LADDER_STEP_KINDS of the connection of this name. */
void ladder_rows_event(struct ladder_rows *r, const struct trace_event *e, const struct tcp_name *name);

/* Makes the rows of the steps that wait. */
void ladder_rows_flush(struct ladder_rows *r);

#endif
