/* The br compressor: brotli's own decoder gives back what went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <cmocka.h>

#include "common/compressible.h"
#include "http/http_codec.h"

static void assert_decodes_to(const uint8_t *coded, size_t len, struct bytes expected)
{
	size_t out_len = expected.len + 1;
	uint8_t *out = malloc(out_len);

	assert_int_equal(BrotliDecoderDecompress(len, coded, &out_len, out), BROTLI_DECODER_RESULT_SUCCESS);
	assert_int_equal(out_len, expected.len);
	assert_memory_equal(out, expected.data, expected.len);
	free(out);
}

static void every_level_can_be_decoded(void **state)
{
	static uint8_t text[COMPRESSIBLE_LEN], out[COMPRESSIBLE_LEN];
	struct bytes data = compressible_text(text);

	(void)state;
	for (int level = 0; level <= 11; level++) {
		size_t len = http_brotli(data, level, out, sizeof out);

		assert_in_range(len, 1, sizeof text / 2);
		assert_decodes_to(out, len, data);
	}
}

static void an_empty_file_has_a_coding_too(void **state)
{
	uint8_t out[64];
	struct bytes nothing = { 0 };

	(void)state;
	assert_decodes_to(out, http_brotli(nothing, 5, out, sizeof out), nothing);
}

static void what_does_not_fit_is_none(void **state)
{
	static uint8_t text[COMPRESSIBLE_LEN], out[COMPRESSIBLE_LEN];
	struct bytes data = compressible_text(text);
	size_t len = http_brotli(data, 5, out, sizeof out);

	(void)state;
	assert_int_equal(http_brotli(data, 5, out, len), len);
	for (size_t room = 0; room < len; room += 1 + len / 100)
		assert_int_equal(http_brotli(data, 5, out, room), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_can_be_decoded),
		cmocka_unit_test(an_empty_file_has_a_coding_too),
		cmocka_unit_test(what_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
