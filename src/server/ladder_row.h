/* A line of the ladder, before it is written: a connection's beginning, a segment, or a step between two. */
#ifndef SERVER_LADDER_ROW_H
#define SERVER_LADDER_ROW_H

#include "server/ladder_flow.h"

enum ladder_event {
	LADDER_OPENED,  /* the connection is seen for the first time */
	LADDER_SEGMENT,
	LADDER_STEP,    /* of HTTP, of TLS, of TCP's own: note says which */
};

struct ladder_row {
	enum ladder_event event;
	const struct ladder_flow *flow;
	uint64_t now_us, wall_us;     /* the world's time, and the time of day */
	enum ladder_end from;         /* whose segment or step it is */
	struct ladder_step step;      /* of a segment, as what follows */
	uint8_t flags;                /* enum ladder_flags */
	uint32_t len;
	uint32_t isn;                 /* the sequence number as it stands there; told of SYNs */
	uint8_t headers;              /* bytes of the IP and TCP headers */
	enum drop_reason drop;
	char content[LADDER_CONTENT];
	const char *note;             /* NULL: nothing to add */
	bool is_replayed;             /* it was kept, and is told now */
	bool is_trouble;              /* lost, sent again, thrown away, cut off */
};

enum { LADDER_LINE = 1024 }; /* room for what is written of one row */

/* "SYN ACK", between the flags what is given; returns out. */
enum { LADDER_FLAGS = 40 };
char *ladder_flags_text(uint8_t flags, char between, char out[static LADDER_FLAGS]);

#endif
