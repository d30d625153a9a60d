/* The content of demos: one array, read in a circle, from where the seed says. */
#include "server/demo_pattern.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/minmax.h"
#include "base/random.h"

static void release(struct span_owner *owner)
{
	free(CONTAINER_OF(owner, struct demo_pattern, owner));
}

struct demo_pattern *demo_pattern_new(void)
{
	struct demo_pattern *p = malloc(sizeof *p);
	struct random random;

	if (p == NULL)
		return NULL;
	span_owner_init(&p->owner, release);
	random_init(&random, 1);
	for (size_t i = 0; i < DEMO_PATTERN; i += sizeof(uint64_t)) {
		uint64_t bits = random_u64(&random);

		memcpy(p->data + i, &bits, sizeof bits);
	}
	return p;
}

struct bytes demo_pattern_at(const struct demo_pattern *p, uint64_t seed, uint64_t offset, size_t most)
{
	/* Knuth's multiplier: seeds that are close begin far from one another. */
	size_t at = (size_t)((seed * UINT64_C(2654435761) + offset) % DEMO_PATTERN);

	return bytes_of(p->data + at, (size_t)min_u64(most, DEMO_PATTERN - at));
}

bool demo_pattern_sha256(const struct demo_pattern *p, uint64_t seed, uint64_t n,
			 uint8_t out[static DEMO_SHA256])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (uint64_t at = 0; ok && at < n;) {
		struct bytes piece = demo_pattern_at(p, seed, at, (size_t)(n - at));

		ok = EVP_DigestUpdate(ctx, piece.data, piece.len) == 1;
		at += piece.len;
	}
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}
