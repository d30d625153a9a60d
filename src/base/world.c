/* One stack's shared ground: what all its rooms use and nobody else does. */
#include "base/world.h"

#include <string.h>

int world_init(struct world *w, uint64_t now_us, uint64_t seed, const struct log *log)
{
	memset(w, 0, sizeof *w);
	w->now_us = now_us;
	w->log = log;
	timer_wheel_init(&w->timers, now_us);
	if (seed == 0) {
		int error = random_init_from_system(&w->random);
		if (error < 0)
			return error;
	} else {
		random_init(&w->random, seed);
	}
	w->table_key.k0 = random_u64(&w->random);
	w->table_key.k1 = random_u64(&w->random);
	return 0;
}

void world_advance(struct world *w, uint64_t now_us)
{
	if (now_us > w->now_us)
		w->now_us = now_us;
	timer_wheel_advance(&w->timers, w->now_us);
}

static void gather_kinds(struct world *w)
{
	w->observed = 0;
	for (const struct observer *o = w->observer; o != NULL; o = o->next)
		w->observed |= o->kinds;
}

void world_observe(struct world *w, struct observer *o)
{
	o->next = w->observer;
	w->observer = o;
	w->observed |= o->kinds;
}

void world_unobserve(struct world *w, struct observer *o)
{
	struct observer **at = &w->observer;

	while (*at != NULL && *at != o)
		at = &(*at)->next;
	if (*at != NULL)
		*at = o->next;
	gather_kinds(w);
}

void world_observe_kinds(struct world *w, struct observer *o, unsigned kinds)
{
	o->kinds = kinds;
	gather_kinds(w);
}
