/*
 * The flight recorder: a ring of the last segments and changes of state, as a compact form of what the ladder
 * wants to know of each. So whoever begins to watch a connection can still see how it was opened. It is an
 * observer of the stack that must cost next to nothing: what can wait until somebody looks, waits.
 *
 * Connections may be hidden: those by which people watch, whose segments would have no end and leave no room
 * for others.
 */
#ifndef SERVER_RECORDER_H
#define SERVER_RECORDER_H

#include "base/ip4_fields.h"
#include "server/ladder_rows.h"
#include "stack/stack.h"

enum {
	RECORDER_RECORDS = 16384, /* that are kept; a power of two */
	RECORDER_PACKET = 120,    /* first bytes of a packet: headers, and how its text begins */
	RECORDER_HIDDEN = 128,    /* connections at once; the one hidden first is seen again */
};

enum recorded_kind { RECORDED_NOTHING, RECORDED_IN, RECORDED_OUT, RECORDED_STATE };

/* A packet is kept as it is: what it says is looked at when somebody wants to know. */
struct recorded {
	uint64_t now_us;
	uint64_t connection;      /* 0: not known */
	const char *note;         /* a string literal, or NULL */
	uint16_t own;             /* enum tcp_state, 0: not known; of a change what was entered ... */
	uint16_t before;          /* ... and what was left */
	uint8_t kind;             /* enum recorded_kind */
	uint8_t drop;             /* enum drop_reason */
	uint8_t len;              /* of the packet, as far as it is here */
	union {
		uint8_t packet[RECORDER_PACKET]; /* IPv4, as in the ladder, and TCP's ports at least */
		struct tcp_name name;            /* of a change of state */
	};
};
_Static_assert(sizeof(struct recorded) <= 160, "the ring of a worker has at most 2.5 MiB");

/* TCP's flags; of a change of state none. */
static inline uint8_t recorded_flags(const struct recorded *record)
{
	return record->kind != RECORDED_STATE ? record->packet[ip4_header_len(record->packet) + 13] : 0;
}

struct recorder;

/* NULL: no memory. It does not record yet. */
struct recorder *recorder_new(struct stack *stack);
void recorder_free(struct recorder *r);

/* Begins to record, or ends it and forgets. */
void recorder_set(struct recorder *r, bool on);

/* told is called with each record while it is made; NULL: nobody wants to know. */
void recorder_tell(struct recorder *r, void (*told)(void *context, const struct recorded *record),
		   void *context);

/* From now on nothing of this connection is recorded, and what was is gone. */
void recorder_hide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port);
/* It may go once it is over: the next SYN from there opens another. */
void recorder_unhide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port);

/* Gives records that were made before their connection had a number, or after it was over, that number. */
void recorder_number(struct recorder *r);
/* All records, the oldest first. */
void recorder_each(const struct recorder *r, void (*fn)(void *context, const struct recorded *record),
		   void *context);

/* Which connection it is of, and its state. */
void recorded_name(const struct recorded *record, struct tcp_name *out);
/* A record of a segment, as the ladder wants it; *out points into it. False: it was none. */
bool recorded_segment(const struct recorded *record, struct ladder_seen *out);

#endif
