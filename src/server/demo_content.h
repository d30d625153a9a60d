/*
 * Bytes that look like anything and are made when they are needed: of one seed always the same, any piece of
 * them by itself, so that a file of any size takes no memory, and its hash can be known before its first byte
 * is sent.
 */
#ifndef SERVER_DEMO_CONTENT_H
#define SERVER_DEMO_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEMO_CONTENT_SHA256 = 32 };

/* The len bytes from offset on. */
void demo_content_fill(uint64_t seed, uint64_t offset, uint8_t *out, size_t len);

/* SHA-256 (FIPS 180-4) of the first len bytes. False: no memory. */
bool demo_content_sha256(uint64_t seed, uint64_t len, uint8_t out[static DEMO_CONTENT_SHA256]);

#endif
