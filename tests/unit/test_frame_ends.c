/* Between whom a frame goes: both families, and every length at which headers can be cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/ladder_frame.h"
#include "link/frame_ends.h"

enum { ETH = 14, IP4 = 20, IP6 = 40, TCP = 20 };

static const struct ladder_frame request = {
	.src = 0x0a4d0001, .dst = 0x0a4d0002, .src_port = 40000, .dst_port = 80, .flags = FRAME_TCP_ACK, .text = "GET",
};

/* In memory of just this length, so that reading beyond it is seen. */
static bool parse(const uint8_t *frame, size_t len, struct frame_ends *out)
{
	uint8_t *exact = malloc(len + 1);
	bool ok;

	assert_non_null(exact);
	memcpy(exact + 1, frame, len);
	ok = frame_ends_parse(bytes_of(exact + 1, len), out);
	free(exact);
	return ok;
}

static void a_segment_over_ip4(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	size_t len = ladder_frame_make(&request, frame);
	struct frame_ends ends;
	char text[IP_ADDR_TEXT];

	(void)state;
	memset(frame + len, 0, 30); /* an Ethernet frame is padded: that is no text */
	assert_true(parse(frame, len + 30, &ends));
	assert_string_equal(ip_addr_format(&ends.src, text), "10.77.0.1");
	assert_string_equal(ip_addr_format(&ends.dst, text), "10.77.0.2");
	assert_true(ends.is_tcp);
	assert_int_equal(ends.src_port, 40000);
	assert_int_equal(ends.dst_port, 80);
	assert_int_equal(ends.flags, FRAME_TCP_ACK);
	assert_int_equal(ends.text_len, 3);
	assert_int_equal(ends.head_len, ETH + IP4 + TCP);
}

static void headers_alone_say_as_much(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	struct frame_ends ends;

	(void)state;
	ladder_frame_make(&request, frame);
	for (size_t len = 0; len < ETH + IP4; len++)
		assert_false(parse(frame, len, &ends));
	for (size_t len = ETH + IP4; len < ETH + IP4 + TCP; len++) {
		assert_true(parse(frame, len, &ends));
		assert_false(ends.is_tcp);
	}
	assert_true(parse(frame, ETH + IP4 + TCP, &ends));
	assert_true(ends.is_tcp);
	assert_int_equal(ends.text_len, 3);
}

static void a_segment_over_ip6(void **state)
{
	uint8_t frame[ETH + IP6 + TCP + 5] = { 0 };
	struct frame_ends ends;

	(void)state;
	store_be16(frame + 12, 0x86dd);
	frame[ETH] = 0x60;
	store_be16(frame + ETH + 4, TCP + 5);
	frame[ETH + 6] = 6;
	frame[ETH + 8 + 15] = 1;
	frame[ETH + 24 + 15] = 2;
	store_be16(frame + ETH + IP6 + 2, 443);
	frame[ETH + IP6 + 12] = TCP / 4 << 4;
	for (size_t len = 0; len < ETH + IP6; len++)
		assert_false(parse(frame, len, &ends));
	assert_true(parse(frame, sizeof frame, &ends));
	assert_int_equal(ends.src.b[15], 1);
	assert_int_equal(ends.dst.b[15], 2);
	assert_true(ends.is_tcp);
	assert_int_equal(ends.dst_port, 443);
	assert_int_equal(ends.text_len, 5);
	assert_int_equal(ends.head_len, ETH + IP6 + TCP);
	frame[ETH + 6] = 17;
	assert_true(parse(frame, sizeof frame, &ends));
	assert_false(ends.is_tcp);
}

/* Lengths that the headers give wrongly; what is no segment, or not its beginning. */
static void what_is_no_segment(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {
		{ ETH + 0, 0x44 }, { ETH + 0, 0x4f }, { ETH + 2, 0 },         { ETH + 9, 17 },
		{ ETH + 7, 1 },    { ETH + 3, IP4 },  { ETH + IP4 + 12, 0x40 }, { ETH + IP4 + 12, 0xf0 },
	};
	uint8_t frame[LADDER_FRAME_MAX];
	struct frame_ends ends;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		size_t len = ladder_frame_make(&request, frame);

		frame[wrong[i].at] = wrong[i].value;
		if (wrong[i].at == ETH + 2)
			frame[ETH + 3] = 10;
		assert_true(parse(frame, len, &ends));
		assert_false(ends.is_tcp);
	}
}

static void what_is_no_ip(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	size_t len = ladder_frame_make(&request, frame);
	struct frame_ends ends;

	(void)state;
	store_be16(frame + 12, 0x0806);
	assert_false(parse(frame, len, &ends));
	store_be16(frame + 12, 0x86dd); /* of version 4 */
	assert_false(parse(frame, len, &ends));
	store_be16(frame + 12, 0x0800);
	frame[ETH] = 0x65;
	assert_false(parse(frame, len, &ends));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_over_ip4),
		cmocka_unit_test(headers_alone_say_as_much),
		cmocka_unit_test(a_segment_over_ip6),
		cmocka_unit_test(what_is_no_segment),
		cmocka_unit_test(what_is_no_ip),
	};

	return cmocka_run_group_tests_name("frame_ends", tests, NULL, NULL);
}
