/* Generated content: SplitMix64's known numbers, the same from wherever one begins, and its hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/demo_content.h"

enum { LENGTH = 10000 };

/* 6457827717110365317 and 3203168211198807973 are its first two numbers of the seed 1234567. */
static void it_is_splitmix64(void **state)
{
	static const uint8_t expected[16] = { 0x85, 0xfc, 0x08, 0xfb, 0x17, 0xd0, 0x9e, 0x59,
					      0xa5, 0x0f, 0x54, 0x58, 0x84, 0xf0, 0x73, 0x2c };
	uint8_t out[16];

	(void)state;
	demo_content_fill(1234567, 0, out, sizeof out);
	assert_memory_equal(out, expected, sizeof out);
}

static void any_piece_is_that_of_the_whole(void **state)
{
	static uint8_t whole[LENGTH], piece[64];

	(void)state;
	demo_content_fill(7, 0, whole, LENGTH);
	for (size_t at = 0; at < 100; at++)
		for (size_t len = 0; len <= sizeof piece; len++) {
			demo_content_fill(7, at, piece, len);
			assert_memory_equal(piece, whole + at, len);
		}
}

static void seeds_differ(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	demo_content_fill(1, 0, a, sizeof a);
	demo_content_fill(2, 0, b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}

static void the_hash_is_that_of_the_bytes(void **state)
{
	static const struct {
		uint64_t seed, len;
		uint8_t first[4];
	} all[] = {
		{ 7, LENGTH, { 0xd2, 0xd6, 0xe7, 0x09 } }, /* by Python's hashlib */
		{ 7, 0, { 0xe3, 0xb0, 0xc4, 0x42 } },      /* of nothing */
	};
	uint8_t digest[DEMO_CONTENT_SHA256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		assert_true(demo_content_sha256(all[i].seed, all[i].len, digest));
		assert_memory_equal(digest, all[i].first, sizeof all[i].first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_splitmix64),
		cmocka_unit_test(any_piece_is_that_of_the_whole),
		cmocka_unit_test(seeds_differ),
		cmocka_unit_test(the_hash_is_that_of_the_bytes),
	};

	return cmocka_run_group_tests_name("demo_content", tests, NULL, NULL);
}
