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
	unsigned observed;         /* enum trace_kind or'ed: what any of them wants to see */
	struct frame_teller *teller; /* may be NULL: the stack tells of all frames */
	uint64_t drops[DROP_REASON_COUNT];
};

/* seed 0 takes secrets from the system; any other makes every run with it alike.
 * 0, or negative errno when the system gave no randomness. */
int world_init(struct world *w, uint64_t now_us, uint64_t seed, const struct log *log);

/* Moves time on and fires the timers that are due. A time before now_us is taken as now_us. */
void world_advance(struct world *w, uint64_t now_us);

/* Somebody wants to see events of such a kind: one predicted branch. Compiled with TH_NO_OBSERVER nobody ever
 * does, which tells what it costs that somebody could (tests/bench). */
static inline bool world_is_observed(const struct world *w, unsigned kinds)
{
#ifdef TH_NO_OBSERVER
	(void)w, (void)kinds;
	return false;
#else
	return UNLIKELY((w->observed & kinds) != 0);
#endif
}

/* Adds an observer, or takes it out. */
void world_observe(struct world *w, struct observer *o);
void world_unobserve(struct world *w, struct observer *o);
/* It wants to see other kinds from now on. */
void world_observe_kinds(struct world *w, struct observer *o, unsigned kinds);

/* Counts a discard, and gives the reason back so that a caller can `return world_drop(w, DROP_…)`. */
static inline enum drop_reason world_drop(struct world *w, enum drop_reason reason)
{
	w->drops[reason]++;
	return reason;
}

#endif
