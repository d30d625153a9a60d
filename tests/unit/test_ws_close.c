/* Close codes: which there are, and the payloads around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_close.h"

static bool is_listed(unsigned code, const unsigned *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == code)
			return true;
	return false;
}

static void codes_are_those_of_the_registry_and_the_free_ones(void **state)
{
	static const unsigned assigned[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014 };

	(void)state;
	for (unsigned code = 0; code <= UINT16_MAX; code++)
		assert_int_equal(ws_close_code_is_valid(code), (code >= 3000 && code < 5000) ||
				 is_listed(code, assigned, ARRAY_LENGTH(assigned)));
}

static void payloads(void **state)
{
	static const struct {
		const char *payload;
		size_t len;
		unsigned refusal, code;
		const char *reason;
	} cases[] = {
		{ "", 0, 0, 1005, "" },
		{ "\x03", 1, 1002, 1005, "" },
		{ "\x03\xe8", 2, 0, 1000, "" },
		{ "\x03\xe8ok", 4, 0, 1000, "ok" },
		{ "\x03\xed", 2, 1002, 1005, "" }, /* 1005 */
		{ "\x03\xf6", 2, 0, 1014, "" },
		{ "\x03\xf7", 2, 1002, 1005, "" }, /* 1015 */
		{ "\x0b\xb8", 2, 0, 3000, "" },
		{ "\x13\x88", 2, 1002, 1005, "" }, /* 5000 */
		{ "\x03\xe8\xff", 3, 1007, 1005, "" },
		{ "\x03\xe8\xe2\x82", 4, 1007, 1005, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bytes reason;
		unsigned code;

		assert_int_equal(ws_close_parse(bytes_of(cases[i].payload, cases[i].len), &code, &reason),
				 cases[i].refusal);
		assert_int_equal(code, cases[i].code);
		assert_int_equal(reason.len, strlen(cases[i].reason));
		if (reason.len > 0)
			assert_memory_equal(reason.data, cases[i].reason, reason.len);
	}
}

static void a_long_reason_is_cut_between_characters(void **state)
{
	uint8_t out[2 + WS_CLOSE_REASON_MAX];
	char text[200];

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(ws_close_format(out, 1000, bytes_of(text, 123)), 125);
	assert_int_equal(ws_close_format(out, 1000, bytes_of(text, 124)), 125);
	memcpy(text + 121, "\xe2\x82\xac", 3);
	assert_int_equal(ws_close_format(out, 1000, bytes_of(text, 150)), 123);
	assert_int_equal(ws_close_format(out, 1005, bytes_of(text, 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_registry_and_the_free_ones),
		cmocka_unit_test(payloads),
		cmocka_unit_test(a_long_reason_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
