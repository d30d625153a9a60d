/*
 * What the rooms of one stack share: its time, timers, randomness, counters, log and
 * observers. One worker, one world (design rule 5): nothing in here is global, nothing
 * is shared with another thread, and nothing in it reads a clock.
 */
#ifndef BASE_WORLD_H
#define BASE_WORLD_H

#include <stdint.h>

#include "base/drop.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timer.h"
#include "base/trace.h"

struct world {
	uint64_t now_us;           /* set at each stack_input and stack_poll; any epoch, never goes back */
	struct timer_wheel timers;
	struct random random;
	struct hash_key table_key; /* for tables that peers can fill */
	const struct log *log;     /* may be NULL */
	struct observer *observer; /* may be NULL: nobody watches */
	uint64_t drops[DROP_REASON_COUNT];
};

/* seed 0 takes secrets from the system; any other makes every run with it alike.
 * 0, or negative errno when the system gave no randomness. */
int world_init(struct world *w, uint64_t now_us, uint64_t seed, const struct log *log);

/* Moves time on and fires the timers that are due. A time before now_us is taken as now_us. */
void world_advance(struct world *w, uint64_t now_us);

/* Counts a discard, and gives the reason back so that a caller can `return world_drop(w, DROP_…)`. */
static inline enum drop_reason world_drop(struct world *w, enum drop_reason reason)
{
	w->drops[reason]++;
	return reason;
}

#endif
