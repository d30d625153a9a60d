/*
 * Durations, counted by how long they were. The bounds are powers of two of a microsecond, so that the bucket
 * is found by counting leading zeros: to count one is a handful of instructions without a branch. A histogram
 * belongs to one worker, and there is no lock. All of it are numbers of 64 bits, which may be added up.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_FIRST = 4, /* the first bucket: up to 2^4, 16 us, in which clocks and turns blur */
	HISTOGRAM_LAST = 26, /* the last but one: up to 2^26 us, 67 s, longer than max_rto is by default */
	HISTOGRAM_BOUNDS = HISTOGRAM_LAST - HISTOGRAM_FIRST + 1,
};

struct histogram {
	uint64_t sum_us;
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* each up to its bound, that included; the last: all longer */
};

static inline void histogram_add(struct histogram *h, uint64_t us)
{
	uint64_t below = (us - (us > 0)) | ((1u << HISTOGRAM_FIRST) - 1);
	unsigned bucket = 64u - (unsigned)__builtin_clzll(below) - HISTOGRAM_FIRST;

	h->sum_us += us;
	h->counts[bucket < HISTOGRAM_BOUNDS ? bucket : HISTOGRAM_BOUNDS]++;
}

/* Of bucket 0 to HISTOGRAM_BOUNDS - 1. */
static inline uint64_t histogram_bound_us(unsigned bucket)
{
	return UINT64_C(1) << (HISTOGRAM_FIRST + bucket);
}

#endif
