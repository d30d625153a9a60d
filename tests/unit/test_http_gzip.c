/* The gzip compressor: zlib's own inflate gives back what went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/compressible.h"
#include "http/http_codec.h"

static void assert_inflates_to(const uint8_t *coded, size_t len, struct bytes expected)
{
	uint8_t *out = malloc(expected.len + 1);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)coded, .avail_in = (uInt)len };

	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)expected.len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, expected.len);
	assert_memory_equal(out, expected.data, expected.len);
	inflateEnd(&z);
	free(out);
}

static void every_level_can_be_inflated(void **state)
{
	static uint8_t text[COMPRESSIBLE_LEN], out[COMPRESSIBLE_LEN];
	struct bytes data = compressible_text(text);

	(void)state;
	for (int level = 1; level <= 9; level++) {
		size_t len = http_gzip(data, level, out, sizeof out);

		assert_in_range(len, 1, sizeof text / 2);
		assert_inflates_to(out, len, data);
	}
}

static void an_empty_file_has_a_coding_too(void **state)
{
	uint8_t out[64];
	struct bytes nothing = { 0 };

	(void)state;
	assert_inflates_to(out, http_gzip(nothing, 5, out, sizeof out), nothing);
}

static void what_does_not_fit_is_none(void **state)
{
	static uint8_t text[COMPRESSIBLE_LEN], out[COMPRESSIBLE_LEN];
	struct bytes data = compressible_text(text);
	size_t len = http_gzip(data, 5, out, sizeof out);

	(void)state;
	assert_int_equal(http_gzip(data, 5, out, len), len);
	for (size_t room = 0; room < len; room++)
		assert_int_equal(http_gzip(data, 5, out, room), 0);
}

static void nothing_but_the_contents_is_told(void **state)
{
	static uint8_t text[COMPRESSIBLE_LEN], out[COMPRESSIBLE_LEN];

	(void)state;
	assert_true(http_gzip(compressible_text(text), 5, out, sizeof out) > 0);
	assert_memory_equal(out, "\x1f\x8b\x08\0\0\0\0\0", 8); /* RFC 1952: no flags, no time */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_can_be_inflated),
		cmocka_unit_test(an_empty_file_has_a_coding_too),
		cmocka_unit_test(what_does_not_fit_is_none),
		cmocka_unit_test(nothing_but_the_contents_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
