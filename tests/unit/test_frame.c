/* Frames: the header block that grows downwards, references to payload, flattening, finished checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/random.h"
#include "link/ethernet.h"
#include "link/frame.h"

static void headers_are_pushed_in_front_of_each_other(void **state)
{
	struct tx_frame f;
	uint8_t out[8];

	(void)state;
	tx_begin(&f);
	assert_int_equal(tx_len(&f), 0);
	memcpy(tx_push(&f, 3), "tcp", 3);
	memcpy(tx_push(&f, 2), "ip", 2);
	assert_int_equal(tx_head_len(&f), 5);
	assert_int_equal(tx_len(&f), 5);
	assert_memory_equal(tx_head(&f), "iptcp", 5);
	assert_int_equal(tx_flatten(&f, out), 5);
	assert_memory_equal(out, "iptcp", 5);
}

static void room_for_the_device_stays_in_front_of_the_largest_headers(void **state)
{
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	tx_push(&f, 60); /* TCP */
	tx_push(&f, 60); /* IP */
	tx_push(&f, 14); /* Ethernet */
	assert_true(f.head_start >= 16);
	tx_begin(&f);
	tx_push(&f, TX_HEAD_SIZE - 16);
	assert_int_equal(f.head_start, 16);
}

static void begin_forgets_the_frame_before(void **state)
{
	struct tx_frame f;

	(void)state;
	memset(&f, 0xff, sizeof f);
	tx_begin(&f);
	assert_int_equal(f.pieces, 0);
	assert_int_equal(f.payload_len, 0);
	assert_int_equal(f.checksum_start, 0);
	assert_int_equal(f.checksum_offset, 0);
	assert_int_equal(f.gso_size, 0);
	assert_int_equal(f.gso, GSO_NONE);
	assert_int_equal(f.flags, 0);
	assert_null(f.note);
	assert_null(f.conn);
	assert_null(f.owner);
}

static void flatten_joins_head_and_pieces_in_order(void **state)
{
	uint8_t out[11];
	struct tx_frame f;

	(void)state;
	memset(out, 0xee, sizeof out);
	tx_begin(&f);
	memcpy(tx_push(&f, 1), "H", 1);
	assert_true(tx_add_payload(&f, "one", 3));
	assert_true(tx_add_payload(&f, NULL, 0)); /* an empty piece may point nowhere */
	assert_true(tx_add_payload(&f, "twofour", 3));
	assert_true(tx_add_payload(&f, "three", 3));
	assert_int_equal(f.payload_len, 9);
	assert_int_equal(tx_flatten(&f, out), 10);
	assert_memory_equal(out, "Honetwothr\xee", 11);
}

static void a_whole_frame_is_wrapped_without_a_copy_of_its_payload(void **state)
{
	static const uint8_t frame[] = "to....from..08payload";
	uint8_t out[sizeof frame];
	struct tx_frame f;

	(void)state;
	tx_wrap(&f, frame, sizeof frame);
	assert_int_equal(tx_head_len(&f), 14);
	assert_int_equal(f.pieces, 1);
	assert_ptr_equal(f.iov[1].iov_base, frame + 14);
	assert_int_equal(tx_flatten(&f, out), sizeof frame);
	assert_memory_equal(out, frame, sizeof frame);
	tx_wrap(&f, frame, 13); /* no Ethernet frame */
	assert_int_equal(tx_len(&f), 0);
}

static void a_frame_takes_so_many_pieces_and_refuses_the_next(void **state)
{
	uint8_t out[TX_PIECES];
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	for (int i = 0; i < TX_PIECES; i++)
		assert_true(tx_add_payload(&f, "x", 1));
	assert_false(tx_add_payload(&f, "y", 1));
	assert_int_equal(f.pieces, TX_PIECES);
	assert_int_equal(tx_len(&f), TX_PIECES);
	assert_int_equal(tx_flatten(&f, out), TX_PIECES);
	assert_int_equal(out[TX_PIECES - 1], 'x');
}

/* RFC 1071 section 1, word by word. */
static uint16_t plain_sum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void a_finished_checksum_is_what_its_receiver_expects(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 71);
	for (int round = 0; round < 5000; round++) {
		uint32_t start = random_below(&r, 60), len = start + 2 + random_below(&r, 300);
		uint32_t offset = random_below(&r, len - start - 1) & ~1u;
		uint8_t *frame = malloc(len);
		uint16_t pseudo, expected;

		assert_non_null(frame);
		for (uint32_t i = 0; i < len; i++)
			frame[i] = (uint8_t)random_u32(&r);
		pseudo = load_be16(frame + start + offset);
		expected = (uint16_t)~plain_sum(frame + start, len - start);
		frame_finish_checksum(frame, len, (uint16_t)start, (uint16_t)offset);
		assert_int_equal(load_be16(frame + start + offset),
				 expected == 0 && offset == 6 ? 0xffff : expected);
		/* What the receiver sums: pseudo-header, and the segment with the checksum in it. */
		assert_int_equal(((uint32_t)pseudo + plain_sum(frame + start, len - start)) % 0xffff, 0);
		free(frame);
	}
}

static void a_checksum_of_zero_is_sent_as_all_ones_by_udp_only_rfc768(void **state)
{
	uint8_t udp[] = { 9, 9, 0xff, 0xff, 0, 0, 0, 0, 0, 0 };
	uint8_t tcp[22] = { 9, 9, 0xff, 0xff };

	(void)state;
	frame_finish_checksum(udp, sizeof udp, 2, 6);
	assert_memory_equal(udp, "\x09\x09\xff\xff\0\0\0\0\xff\xff", sizeof udp);
	frame_finish_checksum(tcp, sizeof tcp, 2, 16);
	assert_int_equal(load_be16(tcp + 18), 0);
}

/* ---- checksums that somebody else has not finished ---- */

enum { TCP_FRAME = ETH_HEADER_LEN + 20 + 20 + 3, CHECKSUM_AT = ETH_HEADER_LEN + 20 + 16 };

/* A segment of three bytes whose checksum field holds the pseudo-header's sum. */
static void make_unfinished(uint8_t frame[TCP_FRAME])
{
	static const uint8_t ip[] = { 0x45, 0, 0, 43, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2 };
	static const uint8_t text[] = "abc";
	uint32_t sum = checksum_add_be32(checksum_add_be16(checksum_add(0, ip + 12, 8), 6), 23);
	uint16_t field = checksum_fold(sum);

	memset(frame, 0, TCP_FRAME);
	frame[12] = 8;
	memcpy(frame + ETH_HEADER_LEN, ip, sizeof ip);
	memcpy(frame + ETH_HEADER_LEN + 40, text, 3);
	memcpy(frame + CHECKSUM_AT, &field, sizeof field);
}

static uint8_t flags_of(const uint8_t *frame, uint32_t len)
{
	struct rx_frame f = { .data = frame, .len = len };

	frame_find_unfinished(&f);
	return f.flags;
}

static void an_unfinished_checksum_is_found_and_nothing_else(void **state)
{
	uint8_t frame[TCP_FRAME];
	struct rx_frame f = { .data = frame, .len = TCP_FRAME };

	(void)state;
	make_unfinished(frame);
	frame_find_unfinished(&f);
	assert_int_equal(f.flags, RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL);
	assert_int_equal(f.checksum_start, ETH_HEADER_LEN + 20);
	assert_int_equal(f.checksum_offset, 16);
	for (uint32_t len = 0; len < TCP_FRAME; len++)
		assert_int_equal(flags_of(frame, len), 0);
	frame_finish_checksum(frame, TCP_FRAME, f.checksum_start, f.checksum_offset);
	assert_int_equal(flags_of(frame, TCP_FRAME), 0);
	for (uint32_t i = 12; i < TCP_FRAME; i++) {
		static const uint8_t harmless[] = { 15, 18, 19, 22, 24, 25 }; /* TOS, identification, TTL, checksum of IP */
		bool counts = i < ETH_HEADER_LEN + 20 || i == CHECKSUM_AT || i == CHECKSUM_AT + 1;

		make_unfinished(frame);
		frame[i] ^= 0x11;
		assert_int_equal(flags_of(frame, TCP_FRAME) == 0,
				 counts && memchr(harmless, (int)i, sizeof harmless) == NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_pushed_in_front_of_each_other),
		cmocka_unit_test(room_for_the_device_stays_in_front_of_the_largest_headers),
		cmocka_unit_test(begin_forgets_the_frame_before),
		cmocka_unit_test(flatten_joins_head_and_pieces_in_order),
		cmocka_unit_test(a_whole_frame_is_wrapped_without_a_copy_of_its_payload),
		cmocka_unit_test(a_frame_takes_so_many_pieces_and_refuses_the_next),
		cmocka_unit_test(a_finished_checksum_is_what_its_receiver_expects),
		cmocka_unit_test(a_checksum_of_zero_is_sent_as_all_ones_by_udp_only_rfc768),
		cmocka_unit_test(an_unfinished_checksum_is_found_and_nothing_else),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
