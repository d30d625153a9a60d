/*
 * SipHash-2-4 and SipHash-1-3 (Aumasson, Bernstein), the keyed hash for tables that a peer
 * can fill (1-3) and for secrets (2-4): without the key nobody can aim at one bucket.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* For secrets: initial sequence numbers, cookies, the random source. */
uint64_t hash_siphash24(const struct hash_key *key, const void *data, size_t len);

/* For tables. */
uint64_t hash_siphash13(const struct hash_key *key, const void *data, size_t len);
/* The same of twelve bytes, without a loop: each segment of IPv4 is looked up by so many. */
uint64_t hash_siphash13_of_12(const struct hash_key *key, const void *data);

#endif
