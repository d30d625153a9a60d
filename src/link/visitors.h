/*
 * A wire of its own for each of some addresses: a device that wraps another, and is a bad wire (impair.h) to
 * frames from and to these addresses alone. All other frames pass as they are, by reference and with the
 * offloads of the device behind; while nobody has a wire, so do all, for one branch.
 *
 * Of an address that has one, what is merged is cut and what is unfinished is finished first. ARP and the
 * like belong to nobody, and always pass.
 */
#ifndef LINK_VISITORS_H
#define LINK_VISITORS_H

#include "link/drop_next.h"
#include "link/impair.h"

enum {
	VISITORS_MAX = 16,      /* most wires at once */
	VISITORS_QUEUE = 1000,  /* most frames that wait on one, each way */
	VISITORS_FRAMES = 8192, /* most under way on all */
};

/* What somebody has asked for. */
struct visitor_wire {
	struct impair_path rx, tx; /* rx: towards us; queue 0: as long as it may be */
	struct drop_next next;
	uint64_t expires_us;       /* world time: it is forgotten then */
};

/* What has become of it. */
struct visitor_counters {
	struct impair_counters rx, tx;
	uint64_t dropped; /* by drop_next */
};

struct visitors_way {
	uint64_t lost, corrupted, queue_full;
};

/* Of all wires, those that are over too. */
struct visitors_counters {
	struct visitors_way rx, tx;
	uint64_t dropped; /* by drop_next */
	uint64_t refused; /* wires beyond VISITORS_MAX, or for want of memory */
};

/* Wraps inner, which it owns from then on; on failure it stays the caller's. 0, or -ENOMEM. */
int visitors_open(struct device *inner, struct device **out);

/* From now on the world's observers are told what becomes of frames. */
void visitors_tell(struct device *d, struct world *w);

/* Gives these addresses, one as a rule, this wire, or changes the one that they have: frames on their way
 * stay on it. 0, -ENOSPC, -ENOMEM. Not from within recv() or send(). */
int visitors_set(struct device *d, const struct ip_prefix *of, const struct visitor_wire *wire);

/* Frames that are on their way still arrive. */
void visitors_clear(struct device *d, const struct ip_prefix *of);

/* The wire of these addresses. False: they have none. counters may be NULL. */
bool visitors_find(const struct device *d, const struct ip_prefix *of, struct visitor_wire *wire,
		   struct visitor_counters *counters);

/* A single whole frame that nobody has sent: it comes in on the wire of these addresses. False: they have
 * none, or it is full. */
bool visitors_pretend(struct device *d, const struct ip_prefix *of, const uint8_t *frame, uint32_t len,
		      uint64_t now_us);

/* The prefix that is one address. */
static inline struct ip_prefix visitor_prefix(const struct ip_addr *address)
{
	return (struct ip_prefix){ .addr = *address, .bits = 128 };
}

const struct visitors_counters *visitors_counters(const struct device *d);

#endif
