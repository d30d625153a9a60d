/*
 * Observation: one hook (struct observer) sees every frame in and out and every change of a
 * connection's state, window, RTT and congestion window. The terminal ladder, the pcapng writer, the
 * live page and the tests hang on it. With no observer the cost is one predicted branch.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/drop.h"

struct tcp_conn;
struct rx_frame;
struct tx_frame;

enum trace_kind {
	TRACE_FRAME_IN = 1 << 0,  /* a frame was processed: rx, drop, note */
	/* A frame is about to be handed to the device, or was lost there: tx, drop, note */
	TRACE_FRAME_OUT = 1 << 1,
	TRACE_TCP_STATE = 1 << 2, /* conn went from state old_value to new_value (enum tcp_state) */
	TRACE_TCP_RTT = 1 << 3,   /* a sample: old_value the sample, new_value srtt; microseconds */
	TRACE_TCP_CWND = 1 << 4,  /* old_value, new_value: cwnd in bytes; note says why */
	TRACE_TCP_RTO = 1 << 5,   /* the retransmission timer fired; new_value: the next rto, microseconds */
	TRACE_TCP_WINDOW = 1 << 6, /* the peer's window: old_value, new_value in bytes */
	TRACE_TCP_MTU = 1 << 7,   /* the path's MTU: old_value, new_value in bytes; note says how it was
				learnt */
	TRACE_TCP_URGENT = 1 << 8, /* the peer's urgent mark moved: new_value, octets up to it not read yet */
	TRACE_TCP_SOFT_ERROR = 1 << 9, /* new_value: enum stream_soft_error; note names it */
	TRACE_LAYER = 1 << 10,    /* a step of TLS or HTTP on conn: note names it; new_value: enum
				trace_doer */
	TRACE_TCP_SSTHRESH = 1 << 11, /* old_value, new_value: ssthresh in bytes; note says why */
	/* An episode of loss recovery begins, ends or is undone, or the window shrinks for congestion without
	 * one; old_value, new_value: cwnd in bytes; note says which */
	TRACE_TCP_RECOVERY = 1 << 12,
};

enum trace_doer { TRACE_PEERS, TRACE_OURS };

/* Everything that it points at is valid during the call only. */
struct trace_event {
	enum trace_kind kind;
	uint64_t now_us;
	const struct tcp_conn *conn; /* NULL if the event belongs to none */
	const struct rx_frame *rx;
	const struct tx_frame *tx;
	enum drop_reason drop;       /* DROP_NONE: taken */
	const char *note;            /* "retransmission (RTO)", "window probe", …; NULL: nothing to add */
	uint64_t old_value;
	uint64_t new_value;
};

struct observer {
	unsigned kinds; /* enum trace_kind or'ed: what it wants to see */
	void (*on_event)(void *context, const struct trace_event *event);
	void *context;
	struct observer *next; /* several may watch; the list is walked in order */
};

/* Somebody below the stack who knows what becomes of frames, and tells TRACE_FRAME_OUT of those in place of
 * the stack. */
struct frame_teller {
	bool (*takes)(struct frame_teller *t, const struct tx_frame *frame);
};

/* What the event says to a person, with its numbers where they matter; "" if it has nothing to say. */
enum { TRACE_TEXT = 96 };
void trace_text(const struct trace_event *event, char out[static TRACE_TEXT]);

void observers_tell(struct observer *first, const struct trace_event *event);

#endif
