/*
 * The Internet checksum, RFC 1071, and its update, RFC 1624.
 *
 * The one's complement sum does not care for byte order (RFC 1071 section 2 B) nor for
 * word size: sums of 32-bit words, folded with end-around carry, are the same sum. So
 * memory is added up as it lies there, in vectors of eight 32-bit words, halves apart so
 * that no lane overflows, and folded at the end. Short runs take 32-bit words one by one.
 *
 * Every function returns a sum that any other takes: carries are added in at once, so any
 * number of pieces of any length may be added.
 */
#include "base/checksum.h"

#include <string.h>

#include "base/bytes.h"

enum {
	BLOCK = 64,              /* bytes that one step of the vector loop takes */
	VECTOR_FROM = 2 * BLOCK, /* shorter runs are not worth it */
	STEPS_MAX = 0x4000,      /* 4 * 0xffff added so often still fits a 32-bit lane */
};

typedef uint32_t words __attribute__((vector_size(32)));

static inline uint64_t lanes_sum(const words *v)
{
	uint64_t sum = 0;

	for (int i = 0; i < 8; i++)
		sum += (*v)[i];
	return sum;
}

/* The sum of `blocks` blocks. Always inlined: it is compiled once for each instruction set below. */
__attribute__((always_inline)) static inline uint64_t sum_blocks(const uint8_t *p, size_t blocks)
{
	uint64_t sum = 0;

	while (blocks > 0) {
		size_t steps = blocks < STEPS_MAX ? blocks : STEPS_MAX;
		words low = { 0 }, high = { 0 };

		blocks -= steps;
		for (; steps > 0; steps--, p += BLOCK) {
			words a, b;
			memcpy(&a, p, sizeof a);
			memcpy(&b, p + sizeof a, sizeof b);
			low += (a & 0xffff) + (b & 0xffff);
			high += (a >> 16) + (b >> 16);
		}
		/* High halves weigh as much as low ones: 2^16 is 1 modulo 2^16 - 1. */
		low += high;
		sum += lanes_sum(&low);
	}
	return sum;
}

static uint64_t sum_blocks_any(const uint8_t *p, size_t blocks)
{
	return sum_blocks(p, blocks);
}

#if defined(__x86_64__) && !defined(__AVX2__)
__attribute__((target("avx2"))) static uint64_t sum_blocks_avx2(const uint8_t *p, size_t blocks)
{
	return sum_blocks(p, blocks);
}

static uint64_t sum_blocks_best(const uint8_t *p, size_t blocks)
{
	return __builtin_cpu_supports("avx2") ? sum_blocks_avx2(p, blocks) : sum_blocks_any(p, blocks);
}
#else
static uint64_t sum_blocks_best(const uint8_t *p, size_t blocks)
{
	return sum_blocks_any(p, blocks);
}
#endif

uint32_t checksum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t total = sum;
	uint32_t word;

	if (len >= VECTOR_FROM) {
		total += checksum_fold_to_32(sum_blocks_best(p, len / BLOCK));
		p += len - len % BLOCK;
		len %= BLOCK;
	}
	for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		total += word;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, p, len);
		total += word;
	}
	return checksum_fold_to_32(total);
}

uint16_t checksum_update16(uint16_t field, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint32_t)(uint16_t)~field + (uint16_t)~old_word + new_word;

	return checksum_finish(sum);
}

uint16_t checksum_update32(uint16_t field, uint32_t old_word, uint32_t new_word)
{
	uint64_t sum = (uint64_t)(uint16_t)~field + (uint32_t)~old_word + new_word;

	return checksum_finish(checksum_fold_to_32(sum));
}
