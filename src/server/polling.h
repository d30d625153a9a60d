/*
 * Whether a loop that has nothing to do polls on for a moment or goes to sleep at once, learnt from how
 * long it waited before. Polling on spares the next frame the time that waking up takes, and costs the
 * processor the time until that frame: worth it in a conversation, whose next frame is near; not under
 * light load, nor for one frame now and then.
 *
 * A wait is the time without work between two turns with work. Of the last waits, some eight, two means
 * are kept: what polling cost, or would have cost, in one of them, and in how many of them it caught the
 * next frame. What a catch costs is the first by the second. Of frames that arrive independently of each
 * other it is the mean time between two.
 */
#ifndef SERVER_POLLING_H
#define SERVER_POLLING_H

#include <stdbool.h>
#include <stdint.h>

enum {
	POLLING_LONGEST_US = 50, /* then nothing came: sleep */
	POLLING_WORTH_US = 30,   /* what a catch may cost */
	POLLING_WAKE_US = 10,    /* waking up takes so long: by it a sleep seems longer than the wait was */
};

struct polling {
	uint32_t cost_us; /* of a wait, times POLLING_ONE */
	uint32_t caught;  /* share of the waits, times POLLING_ONE */
	uint64_t since_us, until_us; /* the wait that is on: its begin, and when to sleep */
	bool is_waiting, has_slept;
};

enum { POLLING_ONE = 256 };

/* It waits for the first work, asleep. */
void polling_init(struct polling *p);

/* After a turn without work; deadline_us: when there will be some even though no frame comes. True: another
 * turn at once. False: sleep, and say so. */
bool polling_goes_on(struct polling *p, uint64_t now_us, uint64_t deadline_us);
void polling_sleeps(struct polling *p);

/* A turn with work, which ends a wait. */
void polling_end_wait(struct polling *p, uint64_t now_us);

static inline void polling_has_worked(struct polling *p, uint64_t now_us)
{
	if (p->is_waiting)
		polling_end_wait(p, now_us);
}

#endif
