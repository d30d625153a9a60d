/* The content of demos: the same for the same seed, in one piece or in many, and its digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "server/demo_pattern.h"

static struct demo_pattern *pattern;

/* Taken by pieces of at most `most`. */
static uint8_t *copy(uint64_t seed, uint64_t n, size_t most)
{
	uint8_t *all = malloc(n);

	assert_non_null(all);
	for (uint64_t at = 0; at < n;) {
		struct bytes piece = demo_pattern_at(pattern, seed, at, n - at < most ? n - at : most);

		assert_true(piece.len > 0 && piece.len <= most && piece.len <= n - at);
		assert_true(piece.data >= pattern->data && piece.data + piece.len <= pattern->data + DEMO_PATTERN);
		memcpy(all + at, piece.data, piece.len);
		at += piece.len;
	}
	return all;
}

static void pieces_do_not_matter(void **state)
{
	enum { N = DEMO_PATTERN + 12345 };
	uint8_t *whole = copy(7, N, N), *cut = copy(7, N, 1000);

	(void)state;
	assert_memory_equal(whole, cut, N);
	assert_memory_equal(whole, whole + DEMO_PATTERN, N - DEMO_PATTERN);
	free(whole);
	free(cut);
}

static void seeds_begin_elsewhere(void **state)
{
	static const uint64_t seeds[] = { 0, 1, 2, 3, 1000, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(seeds); i++)
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(demo_pattern_at(pattern, seeds[i], 0, 1).data,
					     demo_pattern_at(pattern, seeds[j], 0, 1).data);
}

static void the_digest_is_that_of_the_content(void **state)
{
	static const uint64_t lengths[] = { 1, 1000, DEMO_PATTERN, 2 * DEMO_PATTERN + 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		uint8_t *all = copy(9, lengths[i], SIZE_MAX), digest[DEMO_SHA256], expected[DEMO_SHA256];

		assert_true(demo_pattern_sha256(pattern, 9, lengths[i], digest));
		assert_int_equal(EVP_Digest(all, lengths[i], expected, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(digest, expected, sizeof digest);
		free(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(seeds_begin_elsewhere),
		cmocka_unit_test(the_digest_is_that_of_the_content),
	};
	int failed;

	pattern = demo_pattern_new();
	if (pattern == NULL)
		return 1;
	failed = cmocka_run_group_tests_name("demo_pattern", tests, NULL, NULL);
	span_owner_unref(&pattern->owner);
	return failed;
}
