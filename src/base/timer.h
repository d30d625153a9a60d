/*
 * A hierarchical timer wheel: set, move and cancel in O(1), time in microseconds as an
 * argument. A timer never fires early, and not late when the wheel is advanced to its
 * deadline. The wheel reads no clock.
 *
 * timer_set() with a later deadline than the armed one, as for retransmission, costs one store.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum {
	TIMER_TICK_SHIFT = 6, /* 64 microseconds */
	TIMER_TICK_US = 1 << TIMER_TICK_SHIFT,
	TIMER_SLOT_BITS = 8,
	TIMER_SLOTS = 1 << TIMER_SLOT_BITS,
	TIMER_LEVELS = 5, /* 64 us * 2^40: over two years */
};

#define TIMER_NEVER UINT64_MAX

struct timer;
/* Called with the timer disarmed; may set it again, or free what holds it. */
typedef void timer_fn(struct timer *timer, uint64_t now_us);

struct timer {
	struct list node;
	uint64_t deadline_us;
	timer_fn *fire;
};

struct timer_wheel {
	uint64_t now_tick;
	uint64_t next_tick; /* no timer lies in a slot that begins before */
	uint64_t armed;  /* number of timers set */
	struct list due; /* being fired: a timer cancelled by another's callback is taken out of here */
	struct list far; /* beyond the last level */
	uint64_t occupied[TIMER_LEVELS][TIMER_SLOTS / 64]; /* a bit for each slot that is not empty */
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us);

/* Fires all timers whose deadline is at or before now_us, in order of their ticks. A callback may set and
 * cancel any timer; timers set by callbacks to a time already past fire at the next advance, so that one
 * call always ends. A now_us in a tick before the last one's does nothing. */
void timer_wheel_advance(struct timer_wheel *w, uint64_t now_us);

/* When to advance next: never later than the earliest deadline, mostly exactly then, sometimes earlier (many
 * timers in one slot, a timer that was moved); TIMER_NEVER when none is set. Advancing to this time always
 * gets on: a timer fires, or the next answer is later. Cheap: a few words are scanned. */
uint64_t timer_wheel_next(const struct timer_wheel *w);

void timer_init(struct timer *t, timer_fn *fire);
static inline bool timer_is_set(const struct timer *t)
{
	return list_is_linked(&t->node);
}

/* Sets, or moves, t to fire at deadline_us; a deadline in the past fires at the next advance. */
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us);
void timer_cancel(struct timer_wheel *w, struct timer *t);

#endif
