/*
 * --trace: what goes on on the wire, told while it happens: a line a segment, and between them the steps of
 * TLS and HTTP that they carry (base/trace.h). An observer of the stack; without it nothing is spent.
 *
 * The program is not held up by who reads: lines wait in a bounded buffer, and those that find no room in it
 * are counted and told of.
 */
#ifndef SERVER_LADDER_H
#define SERVER_LADDER_H

#include "base/failure.h"
#include "server/ladder_flow.h"
#include "stack/stack.h"

struct ladder_options {
	bool wanted;
	bool json;
	bool has_addr;       /* connections with this address alone */
	struct ip_addr addr;
	uint16_t port;       /* with this port alone, of either side; 0: all */
};

/* NULL: not wanted. Else a list, parted by commas and perhaps empty: "json", an address, a port. 0, or
 * -EINVAL and *why. */
int ladder_options_parse(const char *text, struct ladder_options *out, struct failure *why);

struct ladder_config {
	struct ladder_options options;
	enum ladder_end ours;      /* what this program is for the most part */
	int fd;                    /* where lines go; a terminal gets colour, unless NO_COLOR is set */
	uint64_t wall_offset_us;   /* to be added to the stack's time to give the time since 1970 */
};

struct ladder;

/* 0 and *out, which is NULL if it is not wanted; or -ENOMEM and *why. */
int ladder_open(const struct ladder_config *config, struct stack *stack, struct ladder **out,
		struct failure *why);

/* Waits a little for a reader who is slow. To be called before the stack is freed. l may be NULL. */
void ladder_close(struct ladder *l);

#endif
