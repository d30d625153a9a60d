/*
 * A hierarchical timer wheel (Varghese and Lauck, 1987).
 *
 * A timer's tick is its deadline divided by the tick length. It lies on the level of the highest
 * byte in which its tick differs from the present one, in the slot which that byte numbers. Hence:
 *  - on level 0 all slots are at or after the present one, on the others after it: nothing wraps;
 *  - whatever lies on a level is due before whatever lies on a higher one;
 *  - so the lowest set bit of the lowest level with a bit set is the next slot that matters.
 * When time reaches the start of a slot on a higher level its timers are placed anew, lower. Ticks
 * that differ above the last level wait in one more slot, `far`, until time gets there.
 *
 * A timer that is moved to a later deadline stays where it is: time comes by its slot too early,
 * finds the deadline ahead, and places it anew. So the common move costs one store.
 *
 * Most times that the wheel is advanced nothing is due, and time has come to no slot: next_tick tells. It is
 * where the next slot with timers begins, or began when they were still in it.
 *
 * In the present tick's slot deadlines are compared to the microsecond, so no timer is late when the
 * wheel is advanced to its deadline.
 */
#include "base/timer.h"

#include <string.h>

#include "base/minmax.h"

enum { SCAN_MAX = 4 }; /* timers of one slot that timer_wheel_next() looks at to be exact */

/* A slot that time will come to. Level TIMER_LEVELS stands for `far`. */
struct stop {
	unsigned level;
	unsigned slot;
	uint64_t tick; /* where the slot begins */
};

static struct timer *timer_of(struct list *node)
{
	return LIST_ENTRY(node, struct timer, node);
}

static uint64_t tick_of(uint64_t us)
{
	return us >> TIMER_TICK_SHIFT;
}

static unsigned level_shift(unsigned level)
{
	return level * TIMER_SLOT_BITS;
}

/* The first tick of the slot in which this one lies. */
static uint64_t slot_start(uint64_t tick, unsigned level)
{
	return tick >> level_shift(level) << level_shift(level);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_us)
{
	memset(w, 0, sizeof *w);
	w->now_tick = tick_of(now_us);
	w->next_tick = UINT64_MAX;
	list_init(&w->due);
	list_init(&w->far);
	for (size_t level = 0; level < TIMER_LEVELS; level++)
		for (size_t i = 0; i < TIMER_SLOTS; i++)
			list_init(&w->slots[level][i]);
}

void timer_init(struct timer *t, timer_fn *fire)
{
	list_init(&t->node);
	t->deadline_us = TIMER_NEVER;
	t->fire = fire;
}

static void place(struct timer_wheel *w, struct timer *t)
{
	uint64_t tick = tick_of(t->deadline_us), differs;
	unsigned level, slot;

	if (tick < w->now_tick)
		tick = w->now_tick;
	differs = tick ^ w->now_tick;
	level = (63 - (unsigned)__builtin_clzll(differs | 1)) / TIMER_SLOT_BITS;
	w->next_tick = min_u64(w->next_tick, slot_start(tick, level < TIMER_LEVELS ? level : TIMER_LEVELS));
	if (level >= TIMER_LEVELS) {
		list_append(&w->far, &t->node);
		return;
	}
	slot = tick >> level_shift(level) & (TIMER_SLOTS - 1);
	list_append(&w->slots[level][slot], &t->node);
	w->occupied[level][slot / 64] |= (uint64_t)1 << slot % 64;
}

/* Clears the bit of a slot that has become empty; head may also be due or far, which have none. */
static void slot_emptied(struct timer_wheel *w, const struct list *head)
{
	size_t i = ((uintptr_t)head - (uintptr_t)w->slots) / sizeof *head;

	if (i < (size_t)TIMER_LEVELS * TIMER_SLOTS)
		w->occupied[i / TIMER_SLOTS][i % TIMER_SLOTS / 64] &= ~((uint64_t)1 << i % 64);
}

static void unlink_timer(struct timer_wheel *w, struct timer *t)
{
	struct list *next = t->node.next, *prev = t->node.prev;

	list_remove(&t->node);
	if (next == prev)
		slot_emptied(w, next);
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_us)
{
	if (!timer_is_set(t)) {
		w->armed++;
	} else if (deadline_us >= t->deadline_us && list_is_empty(&w->due)) {
		t->deadline_us = deadline_us;
		return;
	} else {
		unlink_timer(w, t);
	}
	t->deadline_us = deadline_us;
	place(w, t);
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
	if (!timer_is_set(t))
		return;
	unlink_timer(w, t);
	w->armed--;
}

/* The first occupied slot of a level, or -1. */
static int first_occupied(const uint64_t occupied[static TIMER_SLOTS / 64])
{
	for (int i = 0; i < TIMER_SLOTS / 64; i++)
		if (occupied[i] != 0)
			return i * 64 + __builtin_ctzll(occupied[i]);
	return -1;
}

/* The next slot that time will come to; false if the wheel is empty. */
static bool find_stop(const struct timer_wheel *w, struct stop *out)
{
	*out = (struct stop){ .level = 0 };
	for (; out->level < TIMER_LEVELS; out->level++) {
		int slot = first_occupied(w->occupied[out->level]);
		if (slot < 0)
			continue;
		out->slot = (unsigned)slot;
		out->tick = (w->now_tick >> level_shift(out->level + 1) << TIMER_SLOT_BITS | out->slot)
			    << level_shift(out->level);
		return true;
	}
	out->tick = ((w->now_tick >> level_shift(TIMER_LEVELS)) + 1) << level_shift(TIMER_LEVELS);
	return !list_is_empty(&w->far);
}

/* Empties a slot and moves its timers to out. */
static void detach(struct timer_wheel *w, const struct stop *at, struct list *out)
{
	struct list *slot = at->level < TIMER_LEVELS ? &w->slots[at->level][at->slot] : &w->far;

	list_insert_after(slot, out);
	list_remove(slot);
	slot_emptied(w, slot);
}

/* Comes to a slot: its timers that are due by now_us go to the due list, the others are placed anew. */
static void visit(struct timer_wheel *w, const struct stop *at, uint64_t now_us)
{
	struct list timers;

	detach(w, at, &timers);
	w->now_tick = at->tick;
	/* Nobody reads `timers` again, so its nodes are linked elsewhere without unlinking them here. */
	LIST_FOR_EACH_SAFE(node, &timers) {
		struct timer *t = timer_of(node);
		if (at->level == 0 && t->deadline_us <= now_us && tick_of(t->deadline_us) <= at->tick)
			list_append(&w->due, &t->node);
		else
			place(w, t);
	}
}

static void collect_due(struct timer_wheel *w, uint64_t now_us)
{
	uint64_t target = tick_of(now_us);
	struct stop at = { .level = 0 };
	bool any;

	while ((any = find_stop(w, &at)) && at.tick <= target) {
		visit(w, &at, now_us);
		/* What is left in the present slot is due later in this tick. */
		if (at.level == 0 && at.tick == target)
			break;
	}
	w->now_tick = target;
	w->next_tick = any ? at.tick : UINT64_MAX;
}

void timer_wheel_advance(struct timer_wheel *w, uint64_t now_us)
{
	uint64_t tick = tick_of(now_us);

	if (tick < w->now_tick)
		return;
	if (LIKELY(tick < w->next_tick)) {
		w->now_tick = tick;
		return;
	}
	collect_due(w, now_us);
	while (!list_is_empty(&w->due)) {
		struct timer *t = timer_of(w->due.next);
		list_remove(&t->node);
		w->armed--;
		t->fire(t, now_us);
	}
}

/* The earliest deadline in a slot that reaches from from_us to last_us; just from_us if there are more than
 * scan_max timers to look at. */
static uint64_t earliest(const struct list *slot, uint64_t from_us, uint64_t last_us, uint64_t scan_max)
{
	uint64_t first = last_us;

	LIST_FOR_EACH(node, slot) {
		if (scan_max-- == 0)
			return from_us;
		if (timer_of(node)->deadline_us < first)
			first = timer_of(node)->deadline_us;
	}
	return first;
}

uint64_t timer_wheel_next(const struct timer_wheel *w)
{
	uint64_t from_us, last_us;
	const struct list *slot;
	struct stop at;

	if (!find_stop(w, &at))
		return TIMER_NEVER;
	slot = at.level < TIMER_LEVELS ? &w->slots[at.level][at.slot] : &w->far;
	from_us = at.tick << TIMER_TICK_SHIFT;
	last_us = from_us + (((uint64_t)TIMER_TICK_US << level_shift(at.level)) - 1);
	/* The start of the present slot lies in the past: whoever slept until then would never get on. */
	return earliest(slot, from_us, last_us, at.tick == w->now_tick ? UINT64_MAX : SCAN_MAX);
}
