/*
 * SipHash-2-4 of a counter. A known seed of 64 bits is spread over the 128-bit key with
 * splitmix64 (Steele, Lea, Flood, 2014), so that near seeds give unrelated keys.
 */
#include "base/random.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <sys/random.h>

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void random_init(struct random *r, uint64_t seed)
{
	r->key.k0 = splitmix64(&seed);
	r->key.k1 = splitmix64(&seed);
	r->counter = 0;
}

int random_init_from_system(struct random *r)
{
	ssize_t n;

	do
		n = getrandom(&r->key, sizeof r->key, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* getrandom(2): requests of up to 256 bytes are never cut short. */
	assert(n == (ssize_t)sizeof r->key);
	r->counter = 0;
	return 0;
}

uint64_t random_u64(struct random *r)
{
	uint64_t counter = htole64(r->counter++);

	return hash_siphash24(&r->key, &counter, sizeof counter);
}

uint32_t random_u32(struct random *r)
{
	return (uint32_t)random_u64(r);
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of a product, and a
 * new try in the rare case that the low half lies in the part that would favour some results. */
uint32_t random_below(struct random *r, uint32_t bound)
{
	uint64_t product;

	assert(bound > 0);
	product = (uint64_t)random_u32(r) * bound;
	if ((uint32_t)product < bound) {
		uint32_t biased = -bound % bound;
		while ((uint32_t)product < biased)
			product = (uint64_t)random_u32(r) * bound;
	}
	return (uint32_t)(product >> 32);
}

bool random_chance(struct random *r, uint32_t parts_per_million)
{
	return random_below(r, 1000000) < parts_per_million;
}
