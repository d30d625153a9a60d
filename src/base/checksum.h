/*
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 * Sums are kept unfolded in a uint32_t between calls, in native byte order, so
 * that they can be added up piece by piece; folding complements and finishes.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* Adds len bytes at data to sum. Every piece but the last must have an even length. Carries are added in at
 * once, here and below: any number of pieces of any length is safe. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t len);

/* Any sum of 32-bit words, with end-around carry. */
static inline uint32_t checksum_fold_to_32(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	return (uint32_t)(sum + (sum >> 32));
}

/* The sum of 20 bytes, an IPv4 header without options: what each packet needs, twice. */
static inline uint32_t checksum_of_20(const void *data)
{
	const uint8_t *p = data;
	uint64_t a, b;
	uint32_t c;

	memcpy(&a, p, sizeof a);
	memcpy(&b, p + 8, sizeof b);
	memcpy(&c, p + 16, sizeof c);
	return checksum_fold_to_32((a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) + c);
}

/* Adds a 16 or 32 bit number given in host byte order, as it would stand on the wire. */
static inline uint32_t checksum_add_be16(uint32_t sum, uint16_t v)
{
	return checksum_fold_to_32((uint64_t)sum + be16_swap(v));
}

static inline uint32_t checksum_add_be32(uint32_t sum, uint32_t v)
{
	return checksum_fold_to_32((uint64_t)sum + be32_swap(v));
}

/* Folds to 16 bits without complementing: what a pseudo-header leaves for an offloading device. */
static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* Folds and complements: the value to store (memcpy, native order) into a checksum field. A correct
 * packet, its checksum field included, finishes to 0. */
static inline uint16_t checksum_finish(uint32_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

/* RFC 1624 equation 3: the new field value after a 16 or 32 bit word changed.
 * field, old and new are all in the byte order in which they stand in the packet. */
uint16_t checksum_update16(uint16_t field, uint16_t old_word, uint16_t new_word);
uint16_t checksum_update32(uint16_t field, uint32_t old_word, uint32_t new_word);

#endif
