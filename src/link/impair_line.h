/*
 * One direction of a bad wire at work: frames go in, are given their fates, and come out when their time has
 * come, or not at all. The device that the line belongs to gives it its frames one by one, as they stand on a
 * wire, and memory for those under way, which several lines may share.
 */
#ifndef LINK_IMPAIR_LINE_H
#define LINK_IMPAIR_LINE_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/random.h"
#include "link/device.h"
#include "link/ethernet.h"
#include "link/impair.h"

enum {
	IMPAIR_PASSING = 4096, /* most frames in passing, as a batch of super-frames cut makes them */
	IMPAIR_HEADERS = ETH_HEADER_LEN + 4 /* of a frame beside its MTU: a VLAN tag may be in there */
};

/* A frame under way. */
struct impair_entry {
	uint64_t release_us;
	uint64_t order; /* of entering: first in, first out among those of one time */
	uint32_t len;
	bool passes; /* had no time to wait: does not count as queued */
	uint8_t data[];
};

struct impair_line {
	struct impair_path spec; /* may be changed at any time; the queue cannot become longer */
	struct impair_counters counters;
	struct pool *entries;       /* of struct impair_entry with room for a frame */
	struct random random;       /* its own: no decision depends on what passes the other way */
	uint64_t order;             /* next entry's */
	uint64_t free_at_ns;        /* when the bottleneck has sent all it has taken */
	struct impair_entry **heap; /* room for spec.queue and IMPAIR_PASSING */
	uint32_t n_heap, n_passing; /* in the heap; of these, in passing */
};

/* What becomes of a copy of a frame. */
enum impair_fate {
	IMPAIR_ARRIVES,
	IMPAIR_DAMAGED, /* arrives, with a bit inverted */
	IMPAIR_LOST,
	IMPAIR_FULL,    /* was not taken: no room in the queue */
};

/* Of a frame: most often of its one copy. */
struct impair_fates {
	unsigned n;
	enum impair_fate of[2];
};

/* 0, or -ENOMEM. */
int impair_line_init(struct impair_line *l, const struct impair_path *spec, uint64_t seed,
		     struct pool *entries);
/* Frames that are under way are given back. */
void impair_line_fini(struct impair_line *l);

/* One single frame, its checksums finished, which is copied. */
struct impair_fates impair_line_enter(struct impair_line *l, const uint8_t *data, uint32_t len,
				      uint64_t now_us);

/* False if the queue took no copy of it. A lost frame counts as taken: nobody knows yet. */
static inline bool impair_was_taken(const struct impair_fates *f)
{
	return f->of[0] != IMPAIR_FULL || f->of[f->n - 1] != IMPAIR_FULL;
}

/* When the next frame leaves, or TIMER_NEVER. */
uint64_t impair_line_next(const struct impair_line *l);

/* The next frame; there must be one. It goes back to the pool. */
struct impair_entry *impair_line_take(struct impair_line *l);

/* Sends what is due by the device, with these flags of frames. 0, or a negative errno when the device is
 * gone. */
int impair_line_send(struct impair_line *l, struct device *to, uint8_t flags, uint64_t now_us);

/* Frames that came off lines, and that are handed out until the next time. */
struct impair_lent {
	struct impair_entry *entries[DEVICE_BATCH];
	int n;
};

/* Hands out what is due, until there are max frames, of which n are there already; without a word about
 * checksums, which a bit may have been flipped under. Returns how many there are then. */
int impair_line_lend(struct impair_line *l, struct impair_lent *lent, struct rx_frame *frames, int n, int max,
		     uint64_t now_us);
void impair_lent_take_back(struct impair_lent *lent, struct pool *entries);

#endif
