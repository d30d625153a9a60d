/* Windows: the last bytes of all that went by, however it was cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_window.h"

static void it_holds_the_last_bytes(void **state)
{
	static const size_t pieces[] = { 1, 3, 100, 255, 256, 257, 700 };
	uint8_t text[4000];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i ^ i >> 8);
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		struct ws_window w = { .bits = 8 };

		for (size_t at = 0; at + pieces[i] <= sizeof text; at += pieces[i]) {
			size_t end = at + pieces[i], len = end < 256 ? end : 256;

			assert_true(ws_window_add(&w, bytes_of(text + at, pieces[i])));
			assert_int_equal(w.len, len);
			assert_memory_equal(w.data, text + end - len, len);
		}
		ws_window_fini(&w);
	}
}

static void one_of_no_bits_keeps_nothing(void **state)
{
	struct ws_window w = { .bits = 0 };

	(void)state;
	assert_true(ws_window_add(&w, bytes_of("text", 4)));
	assert_null(w.data);
	assert_int_equal(w.len, 0);
}

static void the_largest_fits_its_length(void **state)
{
	static uint8_t text[40000];
	struct ws_window w = { .bits = 15 };

	(void)state;
	assert_true(ws_window_add(&w, bytes_of(text, sizeof text)));
	assert_int_equal(w.len, 32768);
	ws_window_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_the_last_bytes),
		cmocka_unit_test(one_of_no_bits_keeps_nothing),
		cmocka_unit_test(the_largest_fits_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
