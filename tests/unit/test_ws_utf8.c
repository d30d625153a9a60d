/* UTF-8 in pieces: every code point, every pair of bytes, and the byte at which a text is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_utf8.h"

static size_t encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

static bool is_whole_text(struct bytes text)
{
	struct ws_utf8 u = { 0 };

	return ws_utf8_feed(&u, text) && ws_utf8_is_whole(&u);
}

static void every_code_point_but_surrogates_is_text(void **state)
{
	uint8_t text[4];

	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		size_t len = encode(c, text);
		bool surrogate = c >= 0xd800 && c <= 0xdfff;

		assert_int_equal(is_whole_text(bytes_of(text, len)), !surrogate);
		if (!surrogate && len > 1)
			assert_false(is_whole_text(bytes_of(text, len - 1)));
	}
	for (uint32_t c = 0x110000; c < 0x140000; c += 0x3ff)
		assert_false(is_whole_text(bytes_of(text, encode(c, text))));
}

/* What goes wrong is told by the byte that no text can have there, and not later. */
static void a_text_is_lost_at_the_first_wrong_byte(void **state)
{
	static const struct {
		const char *text;
		size_t good; /* bytes that may still become a text */
	} cases[] = {
		{ "\x80", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "a\xe0\x80\x80", 2 },
		{ "\xe0\x9f\xbf", 1 },
		{ "\xed\xa0\x80", 1 },
		{ "\xf0\x8f\xbf\xbf", 1 },
		{ "\xf4\x90\x80\x80", 1 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "\xe2\x82" "x", 2 },
		{ "\xf0\x9f\x98\xc0", 3 },
		{ "12345678\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80" "edited", 20 },
		{ "ascii words that fill \xfe", 22 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ws_utf8 u = { 0 };
		size_t len = strlen(cases[i].text);

		for (size_t at = 0; at < cases[i].good; at++)
			assert_true(ws_utf8_feed(&u, bytes_of(cases[i].text + at, 1)));
		assert_false(ws_utf8_feed(&u, bytes_of(cases[i].text + cases[i].good, 1)));
		assert_false(is_whole_text(bytes_of(cases[i].text, len)));
	}
}

static void a_text_may_be_cut_anywhere(void **state)
{
	static const char text[] = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!! \xe2\x82\xac "
				   "\xf0\x9f\x98\x80 and so on to the end";

	(void)state;
	for (size_t cut = 0; cut <= sizeof text - 1; cut++) {
		struct ws_utf8 u = { 0 };

		assert_true(ws_utf8_feed(&u, bytes_of(text, cut)));
		assert_true(ws_utf8_feed(&u, bytes_of(text + cut, sizeof text - 1 - cut)));
		assert_true(ws_utf8_is_whole(&u));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_but_surrogates_is_text),
		cmocka_unit_test(a_text_is_lost_at_the_first_wrong_byte),
		cmocka_unit_test(a_text_may_be_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
