/* Segments taken out of frames: what they say, and frames that are cut, padded or no segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ladder_frame.h"
#include "server/ladder_content.h"

static const uint8_t syn_options[] = { 2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1 };

static const struct ladder_frame syn = {
	.src = 0x0a4d0001,
	.dst = 0x0a4d0002,
	.src_port = 40000,
	.dst_port = 80,
	.seq = 0xfffffff0,
	.flags = LADDER_SYN,
	.window = 64240,
	.options = syn_options,
	.options_len = sizeof syn_options,
};

static const struct ladder_frame get = {
	.src = 0x0a4d0001, .dst = 0x0a4d0002, .src_port = 40000, .dst_port = 80, .seq = 7, .ack = 9,
	.flags = LADDER_PSH | LADDER_ACK, .window = 512, .text = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
};

static uint8_t frame[LADDER_FRAME_MAX];

static void assert_content(const struct ladder_frame *f, const char *expected)
{
	struct ladder_segment s;
	char content[LADDER_CONTENT];
	size_t len = ladder_frame_make(f, frame);

	assert_true(ladder_segment_parse(bytes_of(frame, len), bytes_of(NULL, 0), &s));
	ladder_content(&s, content);
	assert_string_equal(content, expected);
}

static void assert_text(const char *text, size_t len, const char *expected)
{
	struct ladder_frame f = get;

	f.text = text;
	f.len = len;
	assert_content(&f, expected);
}

static void headers_are_read(void **state)
{
	struct ladder_segment s;
	size_t len = ladder_frame_make(&syn, frame);

	(void)state;
	assert_true(ladder_segment_parse(bytes_of(frame, len), bytes_of(NULL, 0), &s));
	assert_int_equal(ip_addr_to_4(&s.src), 0x0a4d0001);
	assert_int_equal(ip_addr_to_4(&s.dst), 0x0a4d0002);
	assert_int_equal(s.src_port, 40000);
	assert_int_equal(s.dst_port, 80);
	assert_int_equal(s.seq.n, 0xfffffff0);
	assert_int_equal(s.flags, LADDER_SYN);
	assert_int_equal(s.window, 64240);
	assert_int_equal(s.len, 0);
	assert_int_equal(ladder_segment_length(&s), 1);
	assert_true(s.options.has_wscale && s.options.wscale == 7 && s.options.mss == 1460);
}

/* A frame of ours: headers in one piece, text in another, of which only the first may be given. */
static void text_may_lie_in_another_piece(void **state)
{
	struct ladder_segment s;
	size_t len = ladder_frame_make(&get, frame), head = 14 + 20 + 20;

	(void)state;
	assert_true(ladder_segment_parse(bytes_of(frame, head), bytes_of(frame + head, 5), &s));
	assert_int_equal(s.len, len - head);
	assert_int_equal(s.text.len, 5);
	assert_memory_equal(s.text.data, "GET /", 5);
}

static void padding_is_no_text(void **state)
{
	struct ladder_frame ack = get;
	struct ladder_segment s;

	(void)state;
	ack.text = NULL;
	ladder_frame_make(&ack, frame);
	assert_true(ladder_segment_parse(bytes_of(frame, 60), bytes_of(NULL, 0), &s));
	assert_int_equal(s.len, 0);
	assert_int_equal(s.text.len, 0);
}

/* In memory of just its length, so that a sanitizer sees a byte too far. */
static void a_frame_may_end_anywhere(void **state)
{
	struct ladder_segment s;
	size_t len = ladder_frame_make(&get, frame);
	char content[LADDER_CONTENT];

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *copy = malloc(cut > 0 ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, frame, cut);
		if (ladder_segment_parse(bytes_of(copy, cut), bytes_of(NULL, 0), &s)) {
			assert_true(cut >= 54);
			ladder_content(&s, content);
		}
		free(copy);
	}
}

static void every_byte_may_be_wrong(void **state)
{
	struct ladder_segment s;
	size_t len = ladder_frame_make(&syn, frame);
	char content[LADDER_CONTENT];

	(void)state;
	for (size_t at = 0; at < len; at++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t *copy = malloc(len);

			assert_non_null(copy);
			memcpy(copy, frame, len);
			copy[at] = (uint8_t)value;
			if (ladder_segment_parse(bytes_of(copy, len), bytes_of(NULL, 0), &s)) {
				assert_true(s.text.len <= s.len);
				ladder_content(&s, content);
			}
			free(copy);
		}
}

static void what_is_no_segment_is_none(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {
		{ 13, 6 },          /* ARP */
		{ 14, 0x65 },       /* IPv6 */
		{ 14, 0x44 },       /* a header of 16 bytes */
		{ 20, 0x20 },       /* more fragments */
		{ 21, 1 },          /* not the first */
		{ 23, 17 },         /* UDP */
		{ 17, 20 },         /* a packet that ends with its header */
		{ 46, 0x40 },       /* a TCP header of 16 bytes */
		{ 46, 0xf0 },       /* and one that goes on behind the frame */
	};
	struct ladder_frame ack = get;
	struct ladder_segment s;
	size_t len;

	(void)state;
	ack.text = NULL;
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		len = ladder_frame_make(&ack, frame);
		frame[wrong[i].at] = wrong[i].value;
		assert_false(ladder_segment_parse(bytes_of(frame, len), bytes_of(NULL, 0), &s));
	}
}

static void content_is_told_by_its_first_bytes(void **state)
{
	(void)state;
	assert_content(&syn, "mss 1460 scale 7 sack");
	assert_content(&get, "GET /x");
	assert_text("POST /a?b=c HTTP/1.1\r\n", 0, "POST /a?b=c");
	assert_text("GETTING", 0, "data");
	assert_text("HTTP/1.1 404 Not Found\r\nDate: x\r\n", 0, "404 Not Found");
	assert_text("HTTP/1.", 0, "data");
	assert_text("\x16\x03\x01\x02", 0, "TLS handshake");
	assert_text("\x17\x03\x03\x02", 0, "TLS data");
	assert_text("\x15\x03\x03", 0, "TLS alert");
	assert_text("\x18\x03\x03", 0, "data");
	assert_text("hello", 0, "data");
}

static void a_terminal_gets_nothing_to_obey(void **state)
{
	(void)state;
	assert_text("GET /\033[31m\x9b\x7f HTTP/1.1\r\n", 0, "GET /?[31m??");
	assert_text("HTTP/1.1 200 \033]0;x\007\r\n", 0, "200 ?]0;x?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(text_may_lie_in_another_piece),
		cmocka_unit_test(padding_is_no_text),
		cmocka_unit_test(a_frame_may_end_anywhere),
		cmocka_unit_test(every_byte_may_be_wrong),
		cmocka_unit_test(what_is_no_segment_is_none),
		cmocka_unit_test(content_is_told_by_its_first_bytes),
		cmocka_unit_test(a_terminal_gets_nothing_to_obey),
	};

	return cmocka_run_group_tests_name("ladder_segment", tests, NULL, NULL);
}
