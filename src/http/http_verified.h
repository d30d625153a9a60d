/*
 * Credentials that were found right a short while ago, so that not every request costs the time that a
 * password's hash is made to take. Neither names nor passwords are kept, but keyed digests of both together.
 */
#ifndef HTTP_HTTP_VERIFIED_H
#define HTTP_HTTP_VERIFIED_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"

enum { HTTP_VERIFIED_MOST = 1024 };

#define HTTP_VERIFIED_US UINT64_C(300000000) /* how long they count */

struct http_digest {
	uint64_t words[2];
};

struct http_verified {
	struct hash_key keys[2];
	struct http_verified_item {
		struct http_digest digest;
		uint64_t until_us; /* 0: it is none */
	} items[HTTP_VERIFIED_MOST];
};

/* Empty, with keys from random. */
void http_verified_init(struct http_verified *v, struct random *random);
/* Forgets all. */
void http_verified_clear(struct http_verified *v);

struct http_digest http_verified_digest(const struct http_verified *v, struct bytes credentials);
bool http_digest_equal(const struct http_digest *a, const struct http_digest *b);

bool http_verified_has(const struct http_verified *v, const struct http_digest *digest, uint64_t now_us);
/* In the place of another, if need be. */
void http_verified_add(struct http_verified *v, const struct http_digest *digest, uint64_t now_us);

#endif
