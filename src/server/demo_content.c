/* Each eight bytes are SplitMix64 (Steele, Lea and Flood, 2014) of seed and place, the lowest first. */
#include "server/demo_content.h"

#include <openssl/evp.h>

#include "base/minmax.h"

static uint64_t word_at(uint64_t seed, uint64_t place)
{
	uint64_t z = seed + (place + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void demo_content_fill(uint64_t seed, uint64_t offset, uint8_t *out, size_t len)
{
	uint64_t word = word_at(seed, offset / 8) >> offset % 8 * 8;

	for (size_t i = 0; i < len; i++) {
		if ((offset + i) % 8 == 0)
			word = word_at(seed, (offset + i) / 8);
		out[i] = (uint8_t)word;
		word >>= 8;
	}
}

static bool add_all(EVP_MD_CTX *context, uint64_t seed, uint64_t len)
{
	uint8_t piece[4096];

	for (uint64_t at = 0; at < len; at += sizeof piece) {
		size_t n = (size_t)min_u64(sizeof piece, len - at);

		demo_content_fill(seed, at, piece, n);
		if (EVP_DigestUpdate(context, piece, n) != 1)
			return false;
	}
	return true;
}

bool demo_content_sha256(uint64_t seed, uint64_t len, uint8_t out[static DEMO_CONTENT_SHA256])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		  add_all(context, seed, len) && EVP_DigestFinal_ex(context, out, NULL) == 1;

	EVP_MD_CTX_free(context);
	return ok;
}
