/*
 * Two stacks joined by a wire in one process, on virtual time: the ground of tests/sim and tests/conformance.
 * Every run repeats exactly from its seed.
 */
#ifndef TESTS_COMMON_SIM_H
#define TESTS_COMMON_SIM_H

#include "link/device.h"
#include "link/wire.h"
#include "stack/stack.h"

struct sim_config {
	uint64_t seed;             /* of both stacks and of the impairment */
	struct wire_config wire;
	const char *impair;        /* in front of host b's end, both ways; NULL: a clean wire */
	struct tcp_config tcp;     /* of both ... */
	const struct tcp_config *tcp_b; /* ... or of a only: b has this one; NULL: the same */
};

struct sim_host {
	struct stack *stack;
	struct device *device;
	struct ip_addr addr;       /* 10.77.0.1 for a, 10.77.0.2 for b */
	uint64_t frames_sent, bytes_sent;
	uint64_t gso_frames_sent;  /* of these larger than one segment */
};

struct sim {
	uint64_t now_us;
	struct sim_host a, b;
};

void sim_config_default(struct sim_config *c);

/* Fails the running test if anything cannot be made. */
void sim_init(struct sim *s, const struct sim_config *config);
void sim_fini(struct sim *s);

/* Moves time to the next event and handles it. False if nothing will ever happen again. */
bool sim_step(struct sim *s);
/* The same, but time moves to at_us at most: for a caller who has something to do then. False if nothing will
 * ever happen again and at_us is TIMER_NEVER. */
bool sim_step_until(struct sim *s, uint64_t at_us);

/* Steps until done(context) says so: true; or until virtual time `limit_us` from now is over, or nothing is
 * left to happen: false. done may be NULL. */
bool sim_run(struct sim *s, uint64_t limit_us, bool (*done)(void *context), void *context);

/* Lets so much time pass, no more, whatever happens in it. */
void sim_pass(struct sim *s, uint64_t us);

/* An endless reproducible sequence of bytes: fills out with those from position on. */
void sim_pattern(uint64_t seed, uint64_t position, uint8_t *out, size_t len);

#endif
