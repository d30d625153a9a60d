/* SipHash against the vectors of its authors (2-4) and of the Rust library (1-3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

/* Vector i is the hash of the bytes 0, 1, … i - 1 under the key 00 01 … 0f. */
static const struct hash_key vector_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static const uint64_t vectors24[64] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
	0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
	0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
	0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
	0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
	0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
	0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
	0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
	0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
	0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
	0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
	0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
	0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
	0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static const uint64_t vectors13[64] = {
	0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
	0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
	0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
	0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
	0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
	0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123,
	0xf464aeb267349c8c, 0x45cd5928705b0979, 0x3a3e35e3ca9913a5, 0xa91dc74e4ade3b35,
	0xfb0bed02ef6cd00d, 0x88d93cb44ab1e1f4, 0x540f11d643c5e663, 0x2370dd1f8c21d1bc,
	0x81157b6c16a7b60d, 0x4d54b9e57a8ff9bf, 0x759f12781f2a753e, 0xcea1a3bebf186b91,
	0x2cf508d3ada26206, 0xb6101c2da3c33057, 0xb3f47496ae3a36a1, 0x626b57547b108392,
	0xc1d2363299e41531, 0x667cc1923f1ad944, 0x65704ffec8138825, 0x24f280d1c28949a6,
	0xc2ca1cedfaf8876b, 0xc2164bfc9f042196, 0xa16e9c9368b1d623, 0x49fb169c8b5114fd,
	0x9f3143f8df074c46, 0xc6fdaf2412cc86b3, 0x7eaf49d10a52098f, 0x1cf313559d292f9a,
	0xc44a30dda2f41f12, 0x36fae98943a71ed0, 0x318fb34c73f0bce6, 0xa27abf3670a7e980,
	0xb4bcc0db243c6d75, 0x23f8d852fdb71513, 0x8f035f4da67d8a08, 0xd89cd0e5b7e8f148,
	0xf6f4e6bcf7a644ee, 0xaec59ad80f1837f2, 0xc3b2f6154b6694e0, 0x9d199062b7bbb3a8,
};

/* From every alignment, and at the very end of an allocation's worth of bytes. */
static void check(uint64_t (*hash)(const struct hash_key *, const void *, size_t), const uint64_t *vectors)
{
	uint8_t buffer[64 + 8];

	for (size_t len = 0; len < 64; len++) {
		for (size_t at = 0; at < 8; at++) {
			memset(buffer, 0xee, sizeof buffer);
			for (size_t i = 0; i < len; i++)
				buffer[at + i] = (uint8_t)i;
			assert_int_equal(hash(&vector_key, buffer + at, len), vectors[len]);
		}
	}
}

static void siphash24_gives_the_authors_vectors(void **state)
{
	(void)state;
	check(hash_siphash24, vectors24);
}

static void siphash13_gives_the_known_vectors(void **state)
{
	(void)state;
	check(hash_siphash13, vectors13);
}

/* Computed with OpenSSL 3.0. Only the lowest byte of the length takes part. */
static void long_data_gives_what_openssl_gives(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash24, hash13;
	} known[] = {
		{ 64, 0xacd2c40b8502cad8, 0xf17997ec4b4a6065 },
		{ 200, 0x10849fe512591651, 0xb73fe861830efaed },
		{ 300, 0x4b0b710db6117839, 0x4016a23bda5a2224 },
	};
	uint8_t data[300];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		assert_int_equal(hash_siphash24(&vector_key, data, known[i].len), known[i].hash24);
		assert_int_equal(hash_siphash13(&vector_key, data, known[i].len), known[i].hash13);
	}
}

static void every_bit_of_key_and_data_counts(void **state)
{
	uint8_t data[36] = { 0 };
	struct hash_key key = vector_key;
	uint64_t plain = hash_siphash13(&key, data, sizeof data);

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(hash_siphash13(&key, data, sizeof data) != plain);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 64; bit++) {
		key = vector_key;
		key.k0 ^= (uint64_t)1 << bit;
		assert_true(hash_siphash13(&key, data, sizeof data) != plain);
		key = vector_key;
		key.k1 ^= (uint64_t)1 << bit;
		assert_true(hash_siphash13(&key, data, sizeof data) != plain);
	}
}

static void zero_bytes_at_the_end_count(void **state)
{
	static const uint8_t zeros[64];

	(void)state;
	for (size_t a = 0; a < sizeof zeros; a++)
		for (size_t b = 0; b < a; b++)
			assert_true(hash_siphash24(&vector_key, zeros, a) !=
				    hash_siphash24(&vector_key, zeros, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash24_gives_the_authors_vectors),
		cmocka_unit_test(siphash13_gives_the_known_vectors),
		cmocka_unit_test(long_data_gives_what_openssl_gives),
		cmocka_unit_test(every_bit_of_key_and_data_counts),
		cmocka_unit_test(zero_bytes_at_the_end_count),
	};

	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
