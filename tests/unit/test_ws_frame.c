/* Frame headers, in pieces, by the table of what RFC 6455 section 5.2 forbids; masks at every offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_frame.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	const char *name;
	const char *fault; /* NULL: none */
	const uint8_t *text;
	size_t len;
	uint64_t payload;
} cases[] = {
	{ "text of 0", NULL, BYTES(0x81, 0x80, 1, 2, 3, 4), 0 },
	{ "binary of 125", NULL, BYTES(0x82, 0xfd, 1, 2, 3, 4), 125 },
	{ "126", NULL, BYTES(0x82, 0xfe, 0, 126, 1, 2, 3, 4), 126 },
	{ "65535", NULL, BYTES(0x82, 0xfe, 0xff, 0xff, 1, 2, 3, 4), 65535 },
	{ "65536", NULL, BYTES(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4), 65536 },
	{ "63 bits", NULL, BYTES(0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4), INT64_MAX },
	{ "first fragment", NULL, BYTES(0x01, 0x81, 1, 2, 3, 4), 1 },
	{ "continuation", NULL, BYTES(0x00, 0x81, 1, 2, 3, 4), 1 },
	{ "compressed", NULL, BYTES(0xc1, 0x81, 1, 2, 3, 4), 1 },
	{ "ping of 125", NULL, BYTES(0x89, 0xfd, 1, 2, 3, 4), 125 },
	{ "pong", NULL, BYTES(0x8a, 0x80, 1, 2, 3, 4), 0 },
	{ "close", NULL, BYTES(0x88, 0x82, 1, 2, 3, 4), 2 },
	{ "rsv2", "reserved bit set", BYTES(0xa1, 0x80), 0 },
	{ "rsv3", "reserved bit set", BYTES(0x91, 0x80), 0 },
	{ "all of them", "reserved bit set", BYTES(0xf1, 0x80), 0 },
	{ "rsv1 of a ping", "reserved bit set", BYTES(0xc9, 0x80), 0 },
	{ "rsv1 of a close", "reserved bit set", BYTES(0xc8, 0x80), 0 },
	{ "opcode 3", "reserved opcode", BYTES(0x83, 0x80), 0 },
	{ "opcode 4", "reserved opcode", BYTES(0x84, 0x80), 0 },
	{ "opcode 7", "reserved opcode", BYTES(0x87, 0x80), 0 },
	{ "opcode 11", "reserved opcode", BYTES(0x8b, 0x80), 0 },
	{ "opcode 15", "reserved opcode", BYTES(0x8f, 0x80), 0 },
	{ "not masked", "frame not masked", BYTES(0x81, 0x05), 0 },
	{ "ping not masked", "frame not masked", BYTES(0x89, 0x00), 0 },
	{ "fragmented ping", "fragmented control frame", BYTES(0x09, 0x80), 0 },
	{ "fragmented close", "fragmented control frame", BYTES(0x08, 0x80), 0 },
	{ "ping of 126", "control frame too long", BYTES(0x89, 0xfe), 0 },
	{ "close of 64 bits", "control frame too long", BYTES(0x88, 0xff), 0 },
	{ "125 in 16 bits", "length not minimal", BYTES(0x82, 0xfe, 0, 125, 1, 2, 3, 4), 0 },
	{ "0 in 16 bits", "length not minimal", BYTES(0x82, 0xfe, 0, 0, 1, 2, 3, 4), 0 },
	{ "65535 in 64 bits", "length not minimal", BYTES(0x82, 0xff, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4), 0 },
	{ "64 bits", "length beyond 63 bits", BYTES(0x82, 0xff, 128, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4), 0 },
};

static void assert_case(size_t number, size_t piece)
{
	struct ws_header_reader r = { .len = 0 };
	struct bytes all = bytes_of(cases[number].text, cases[number].len), data;
	struct ws_header h = { 0 };
	enum ws_header_verdict verdict = WS_HEADER_MORE;
	const char *why = NULL;

	while (all.len > 0 && verdict == WS_HEADER_MORE) {
		bytes_take(&all, all.len < piece ? all.len : piece, &data);
		verdict = ws_header_take(&r, &data, &h, &why);
	}
	if (cases[number].fault != NULL) {
		assert_int_equal(verdict, WS_HEADER_BAD);
		assert_string_equal(why, cases[number].fault);
		return;
	}
	assert_int_equal(verdict, WS_HEADER_DONE);
	assert_int_equal(all.len + data.len, 0);
	assert_true(h.len == cases[number].payload);
	assert_int_equal(h.opcode, cases[number].text[0] & 0x0f);
	assert_int_equal(h.fin, cases[number].text[0] >> 7);
	assert_int_equal(h.rsv1, cases[number].text[0] >> 6 & 1);
	assert_memory_equal(h.mask, ((const uint8_t[]){ 1, 2, 3, 4 }), 4);
	assert_int_equal(r.len, 0); /* ready for the next */
}

static void every_header_is_taken_or_refused_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		for (size_t piece = 1; piece <= WS_HEADER_MAX; piece++)
			assert_case(i, piece);
}

static void what_follows_a_header_is_left(void **state)
{
	static const uint8_t text[] = { 0x81, 0x83, 1, 2, 3, 4, 'a', 'b', 'c' };
	struct ws_header_reader r = { .len = 0 };
	struct bytes data = bytes_of(text, sizeof text);
	struct ws_header h;
	const char *why;

	(void)state;
	assert_int_equal(ws_header_take(&r, &data, &h, &why), WS_HEADER_DONE);
	assert_int_equal(data.len, 3);
}

static void lengths_are_written_in_the_fewest_bytes(void **state)
{
	static const struct {
		uint64_t len;
		size_t size;
	} sizes[] = {
		{ 0, 2 }, { 125, 2 }, { 126, 4 }, { 65535, 4 }, { 65536, 10 }, { UINT64_C(1) << 40, 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		uint8_t text[WS_HEADER_MAX] = { 0 };
		size_t size = ws_header_emit(text, WS_FIN | WS_BINARY, sizes[i].len);
		struct ws_header_reader r = { .len = 0 };
		struct bytes data = bytes_of(text, size + 4);
		struct ws_header h;
		const char *why;

		assert_int_equal(size, sizes[i].size);
		text[1] |= WS_MASKED;
		assert_int_equal(ws_header_take(&r, &data, &h, &why), WS_HEADER_DONE);
		assert_true(h.len == sizes[i].len && h.fin && h.opcode == WS_BINARY);
	}
}

static void a_mask_fits_at_every_offset_length_and_alignment(void **state)
{
	static const uint8_t mask[4] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t from[80], to[80];

	(void)state;
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (uint8_t)(i * 7);
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len <= 64; len++)
			for (uint64_t at = 0; at < 9; at++) {
				memset(to, 0xee, sizeof to);
				ws_mask_copy(to + start, from + start, len, mask, at);
				for (size_t i = 0; i < len; i++)
					assert_int_equal(to[start + i], from[start + i] ^ mask[(at + i) % 4]);
				assert_int_equal(to[start + len], 0xee);
			}
}

static void masking_in_place_twice_changes_nothing(void **state)
{
	static const uint8_t mask[4] = { 0xff, 0x00, 0xaa, 0x55 };
	char text[] = "Hello, this is some text";

	(void)state;
	ws_mask_copy((uint8_t *)text, (uint8_t *)text, sizeof text, mask, 3);
	ws_mask_copy((uint8_t *)text, (uint8_t *)text, sizeof text, mask, 3);
	assert_string_equal(text, "Hello, this is some text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_is_taken_or_refused_in_any_pieces),
		cmocka_unit_test(what_follows_a_header_is_left),
		cmocka_unit_test(lengths_are_written_in_the_fewest_bytes),
		cmocka_unit_test(a_mask_fits_at_every_offset_length_and_alignment),
		cmocka_unit_test(masking_in_place_twice_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
