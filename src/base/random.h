/*
 * A seedable random source: SipHash-2-4 in counter mode. With a secret seed nobody outside
 * can predict it (ports, IDs, jitter); with a known seed a simulation repeats exactly.
 * Secrets of a real server come from random_init_from_system().
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct random {
	struct hash_key key;
	uint64_t counter;
};

/* Same seed, same numbers. */
void random_init(struct random *r, uint64_t seed);

/* Key of 128 bits from getrandom(2). 0 or negative errno. */
int random_init_from_system(struct random *r);

uint64_t random_u64(struct random *r);
uint32_t random_u32(struct random *r);

/* Uniform in 0 .. bound - 1, without modulo bias. bound must not be 0. */
uint32_t random_below(struct random *r, uint32_t bound);

/* True with probability parts_per_million / 1 000 000. */
bool random_chance(struct random *r, uint32_t parts_per_million);

#endif
