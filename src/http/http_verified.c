/* Verified credentials: a table in which a digest has one place, and the last one there is kept. */
#include "http/http_verified.h"

#include <string.h>

void http_verified_init(struct http_verified *v, struct random *random)
{
	for (size_t i = 0; i < ARRAY_LENGTH(v->keys); i++)
		v->keys[i] = (struct hash_key){ random_u64(random), random_u64(random) };
	http_verified_clear(v);
}

void http_verified_clear(struct http_verified *v)
{
	memset(v->items, 0, sizeof v->items);
}

struct http_digest http_verified_digest(const struct http_verified *v, struct bytes credentials)
{
	return (struct http_digest){ {
		hash_siphash24(&v->keys[0], credentials.data, credentials.len),
		hash_siphash24(&v->keys[1], credentials.data, credentials.len),
	} };
}

/* Who does not know the keys learns nothing from where two digests begin to differ. */
bool http_digest_equal(const struct http_digest *a, const struct http_digest *b)
{
	return ((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1])) == 0;
}

bool http_verified_has(const struct http_verified *v, const struct http_digest *digest, uint64_t now_us)
{
	const struct http_verified_item *item = &v->items[digest->words[0] % HTTP_VERIFIED_MOST];

	return item->until_us > now_us && http_digest_equal(&item->digest, digest);
}

void http_verified_add(struct http_verified *v, const struct http_digest *digest, uint64_t now_us)
{
	v->items[digest->words[0] % HTTP_VERIFIED_MOST] = (struct http_verified_item){
		.digest = *digest,
		.until_us = now_us + HTTP_VERIFIED_US,
	};
}
