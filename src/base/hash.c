/*
 * SipHash-c-d: "SipHash: a fast short-input PRF", Aumasson and Bernstein, 2012. Words are
 * little-endian; c rounds take in each word, d rounds finish.
 */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

__attribute__((always_inline)) static inline void sip_rounds(struct sip *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate_left(s->v1, 13) ^ s->v0;
		s->v3 = rotate_left(s->v3, 16) ^ s->v2;
		s->v0 = rotate_left(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate_left(s->v1, 17) ^ s->v2;
		s->v3 = rotate_left(s->v3, 21) ^ s->v0;
		s->v2 = rotate_left(s->v2, 32);
	}
}

__attribute__((always_inline)) static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	sip_rounds(s, rounds);
	s->v0 ^= word;
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static inline uint32_t load_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

/* The last len % 8 bytes at p. With a whole word before them, one load that overlaps it has them all; four
 * and more are two loads that may overlap. */
static inline uint64_t load_tail(const uint8_t *p, size_t len)
{
	size_t left = len % 8;
	uint64_t v = 0;

	if (left == 0)
		return 0;
	if (len > 8)
		return load_le64(p + left - 8) >> (64 - 8 * left);
	if (left >= 4)
		return load_le32(p) | (uint64_t)load_le32(p + left - 4) << (8 * (left - 4));
	for (size_t i = 0; i < left; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

__attribute__((always_inline)) static inline uint64_t siphash(const struct hash_key *key, const uint8_t *p,
							      size_t len, int c, int d)
{
	struct sip s = {
		.v0 = key->k0 ^ 0x736f6d6570736575,
		.v1 = key->k1 ^ 0x646f72616e646f6d,
		.v2 = key->k0 ^ 0x6c7967656e657261,
		.v3 = key->k1 ^ 0x7465646279746573,
	};

	for (size_t words = len / 8; words > 0; words--, p += 8)
		sip_word(&s, load_le64(p), c);
	sip_word(&s, (uint64_t)len << 56 | load_tail(p, len), c);
	s.v2 ^= 0xff;
	sip_rounds(&s, d);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_siphash24(const struct hash_key *key, const void *data, size_t len)
{
	return siphash(key, data, len, 2, 4);
}

uint64_t hash_siphash13_of_12(const struct hash_key *key, const void *data)
{
	return siphash(key, data, 12, 1, 3);
}

uint64_t hash_siphash13(const struct hash_key *key, const void *data, size_t len)
{
	return siphash(key, data, len, 1, 3);
}
