/* Two exponentially weighted means, in fixed point. */
#include "server/polling.h"

#include "base/minmax.h"

enum { WEIGHT = 8 }; /* of what was, against what is new */

void polling_init(struct polling *p)
{
	*p = (struct polling){ .caught = POLLING_ONE, .is_waiting = true };
}

static bool is_worth_it(const struct polling *p)
{
	return p->cost_us <= POLLING_WORTH_US * p->caught;
}

static void begin_wait(struct polling *p, uint64_t now_us)
{
	p->is_waiting = true;
	p->has_slept = false;
	p->since_us = now_us;
	p->until_us = now_us + (is_worth_it(p) ? POLLING_LONGEST_US : 0);
}

bool polling_goes_on(struct polling *p, uint64_t now_us, uint64_t deadline_us)
{
	if (!p->is_waiting)
		begin_wait(p, now_us);
	return now_us < p->until_us || deadline_us <= now_us + POLLING_WORTH_US;
}

void polling_sleeps(struct polling *p)
{
	p->has_slept = true;
}

static void average(uint32_t *mean, uint32_t value)
{
	*mean = (*mean * (WEIGHT - 1) + value * POLLING_ONE) / WEIGHT;
}

void polling_end_wait(struct polling *p, uint64_t now_us)
{
	uint64_t took_us = now_us - p->since_us;

	if (p->has_slept)
		took_us -= min_u64(took_us, POLLING_WAKE_US);
	average(&p->cost_us, (uint32_t)min_u64(took_us, POLLING_LONGEST_US));
	average(&p->caught, took_us < POLLING_LONGEST_US);
	p->is_waiting = false;
}
