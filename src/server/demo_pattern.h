/*
 * What bytes of the demo location are: bytes that look random and are the same in every process, in memory
 * once for all who get them. Each seed has its own content, which repeats itself after DEMO_PATTERN bytes, so
 * that a file of any size takes no memory and its hash can be known before its first byte is sent.
 */
#ifndef SERVER_DEMO_PATTERN_H
#define SERVER_DEMO_PATTERN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/span.h"

enum { DEMO_PATTERN = 1 << 20, DEMO_SHA256 = 32 };

struct demo_pattern {
	struct span_owner owner; /* who sends a piece holds a reference */
	uint8_t data[DEMO_PATTERN];
};

/* NULL: no memory. */
struct demo_pattern *demo_pattern_new(void);

/* The content of this seed from offset on: as much as lies in one piece, at most `most` bytes. */
struct bytes demo_pattern_at(const struct demo_pattern *p, uint64_t seed, uint64_t offset, size_t most);

/* SHA-256 (FIPS 180-4) of its first n bytes. False: no memory. */
bool demo_pattern_sha256(const struct demo_pattern *p, uint64_t seed, uint64_t n,
			 uint8_t out[static DEMO_SHA256]);

#endif
