/*
 * The Internet checksum against its definition in RFC 1071, byte by byte, and the update of RFC 1624
 * against computing anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/random.h"

enum { LENGTH_MAX = 4096, ALIGNMENTS = 9 };

/* RFC 1071 section 1: pair bytes to 16-bit integers, high byte first, and add with end-around carry. */
static uint16_t sum_by_definition(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		if (sum > 0xffff)
			sum = (sum & 0xffff) + 1;
	}
	return (uint16_t)sum;
}

/* A folded sum or a checksum field as a number, instead of as it lies in memory. */
static uint16_t host(uint16_t native)
{
	return be16_swap(native);
}

static void check_all_lengths(const uint8_t *buffer)
{
	for (size_t len = 0; len <= LENGTH_MAX; len++) {
		const uint8_t *p = buffer + len % ALIGNMENTS;
		uint16_t want = sum_by_definition(p, len);
		assert_int_equal(host(checksum_fold(checksum_add(0, p, len))), want);
		assert_int_equal(host(checksum_finish(checksum_add(0, p, len))), (uint16_t)~want);
	}
}

static void all_lengths_match_the_definition_rfc1071_1(void **state)
{
	static uint8_t buffer[LENGTH_MAX + ALIGNMENTS];
	struct random r;

	(void)state;
	random_init(&r, 1071);
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = (uint8_t)random_u32(&r);
	check_all_lengths(buffer);
	memset(buffer, 0xff, sizeof buffer);
	check_all_lengths(buffer);
	memset(buffer, 0, sizeof buffer);
	check_all_lengths(buffer);
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = i % 2 ? 0xff : 0;
	check_all_lengths(buffer);
}

static void all_alignments_match_the_definition(void **state)
{
	static uint8_t buffer[512 + 64];
	struct random r;

	(void)state;
	random_init(&r, 7);
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = (uint8_t)random_u32(&r);
	for (size_t at = 0; at < 64; at++)
		for (size_t len = 0; len <= 512; len += 1 + len / 16)
			assert_int_equal(host(checksum_fold(checksum_add(0, buffer + at, len))),
					 sum_by_definition(buffer + at, len));
}

static void the_worst_carries_of_a_long_run_are_kept(void **state)
{
	static uint8_t buffer[5 * 1024 * 1024 + 3];

	(void)state;
	memset(buffer, 0xff, sizeof buffer);
	assert_int_equal(host(checksum_fold(checksum_add(0xffffffff, buffer, sizeof buffer))),
			 sum_by_definition(buffer, sizeof buffer));
	buffer[0] = 0xfe;
	assert_int_equal(host(checksum_fold(checksum_add(0, buffer, sizeof buffer))),
			 sum_by_definition(buffer, sizeof buffer));
}

/* Sums just below, at and above 2^32 and its multiples, where a carry makes another carry. */
static void carries_of_carries_are_kept(void **state)
{
	static const uint32_t words[] = { 0, 1, 2, 0xfffffffe, 0xffffffff, 0x00010000, 0xffff0000 };
	uint32_t data[8] = { 0 };
	struct random r;

	(void)state;
	random_init(&r, 11);
	for (int round = 0; round < 20000; round++) {
		size_t count = random_below(&r, (uint32_t)ARRAY_LENGTH(data) + 1);
		uint32_t sum = 0;
		uint8_t wire[sizeof data];
		for (size_t i = 0; i < count; i++) {
			data[i] = words[random_below(&r, (uint32_t)ARRAY_LENGTH(words))];
			store_be32(wire + 4 * i, data[i]);
			sum = checksum_add_be32(sum, data[i]);
		}
		assert_int_equal(host(checksum_fold(checksum_add(0, wire, 4 * count))),
				 sum_by_definition(wire, 4 * count));
		assert_int_equal(host(checksum_fold(sum)), sum_by_definition(wire, 4 * count));
		memcpy(wire, data, sizeof wire);
		assert_int_equal(host(checksum_fold(checksum_add(0, data, 4 * count))),
				 sum_by_definition(wire, 4 * count));
	}
}

static void the_example_of_rfc1071_3(void **state)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(host(checksum_fold(checksum_add(0, data, sizeof data))), 0xddf2);
	assert_int_equal(host(checksum_finish(checksum_add(0, data, sizeof data))), 0x220d);
}

static void pieces_add_up_to_the_whole(void **state)
{
	static uint8_t buffer[3000];
	struct random r;

	(void)state;
	random_init(&r, 3);
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = (uint8_t)(random_u32(&r) | 0xf0);
	for (int round = 0; round < 500; round++) {
		size_t len = random_below(&r, sizeof buffer + 1), at = 0;
		uint32_t sum = 0;
		while (at < len) {
			size_t piece = 2 * (size_t)random_below(&r, 400);
			if (piece > len - at)
				piece = len - at;
			sum = checksum_add(sum, buffer + at, piece);
			at += piece;
		}
		assert_int_equal(host(checksum_fold(sum)), sum_by_definition(buffer, len));
	}
}

static void any_number_of_pieces_is_safe(void **state)
{
	static const uint8_t ones[2] = { 0xff, 0xff };
	uint32_t bytes = 0, be16 = 0, be32 = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		bytes = checksum_add(bytes, ones, sizeof ones);
		be16 = checksum_add_be16(be16, 0xfffe);
		be32 = checksum_add_be32(be32, 0xfffefffe);
	}
	assert_int_equal(checksum_fold(bytes), 0xffff);
	/* 200000 times -1, and twice as often. */
	assert_int_equal(host(checksum_fold(be16)), 0xffff - 200000 % 0xffff);
	assert_int_equal(host(checksum_fold(be32)), 0xffff - 400000 % 0xffff);
}

static void numbers_add_as_they_stand_on_the_wire(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 5);
	for (int i = 0; i < 10000; i++) {
		uint8_t wire[6];
		uint16_t a = (uint16_t)random_u32(&r);
		uint32_t b = random_u32(&r) | (i % 2 ? 0xffff0000 : 0), sum;
		store_be16(wire, a);
		store_be32(wire + 2, b);
		sum = checksum_add_be32(checksum_add_be16(0, a), b);
		assert_int_equal(host(checksum_fold(sum)), sum_by_definition(wire, sizeof wire));
	}
}

static void a_correct_packet_finishes_to_zero(void **state)
{
	uint8_t packet[64];
	struct random r;

	(void)state;
	random_init(&r, 9);
	for (int i = 0; i < 10000; i++) {
		size_t len = 12 + random_below(&r, sizeof packet - 12 + 1);
		uint16_t field;
		for (size_t j = 0; j < len; j++)
			packet[j] = (uint8_t)random_u32(&r);
		memset(packet + 10, 0, 2);
		field = checksum_finish(checksum_add(0, packet, len));
		memcpy(packet + 10, &field, sizeof field);
		assert_int_equal(checksum_finish(checksum_add(0, packet, len)), 0);
		packet[random_below(&r, (uint32_t)len)] ^= (uint8_t)(1 << random_below(&r, 8));
		assert_int_not_equal(checksum_finish(checksum_add(0, packet, len)), 0);
	}
}

static void the_example_of_rfc1624_4(void **state)
{
	(void)state;
	/* Equation 3 gives 0x0000 where RFC 1141 gave 0xffff. */
	assert_int_equal(host(checksum_update16(host(0xdd2f), host(0x5555), host(0x3285))), 0x0000);
}

static void update_gives_what_computing_anew_gives(void **state)
{
	uint8_t packet[20];
	struct random r;

	(void)state;
	random_init(&r, 1624);
	for (int i = 0; i < 100000; i++) {
		uint16_t field, old16, new16 = (uint16_t)(i % 7 == 0 ? 0xffff : random_u32(&r));
		uint32_t old32, new32 = i % 5 == 0 ? 0xffff : random_u32(&r);

		for (size_t j = 0; j < sizeof packet; j++)
			packet[j] = (uint8_t)(i % 3 == 0 ? 0xff : random_u32(&r));
		field = checksum_finish(checksum_add(0, packet, sizeof packet));
		memcpy(&old16, packet + 8, sizeof old16);
		memcpy(packet + 8, &new16, sizeof new16);
		field = checksum_update16(field, old16, new16);
		assert_int_equal(field, checksum_finish(checksum_add(0, packet, sizeof packet)));
		memcpy(&old32, packet + 12, sizeof old32);
		memcpy(packet + 12, &new32, sizeof new32);
		field = checksum_update32(field, old32, new32);
		assert_int_equal(field, checksum_finish(checksum_add(0, packet, sizeof packet)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lengths_match_the_definition_rfc1071_1),
		cmocka_unit_test(all_alignments_match_the_definition),
		cmocka_unit_test(the_worst_carries_of_a_long_run_are_kept),
		cmocka_unit_test(carries_of_carries_are_kept),
		cmocka_unit_test(the_example_of_rfc1071_3),
		cmocka_unit_test(pieces_add_up_to_the_whole),
		cmocka_unit_test(any_number_of_pieces_is_safe),
		cmocka_unit_test(numbers_add_as_they_stand_on_the_wire),
		cmocka_unit_test(a_correct_packet_finishes_to_zero),
		cmocka_unit_test(the_example_of_rfc1624_4),
		cmocka_unit_test(update_gives_what_computing_anew_gives),
	};

	return cmocka_run_group_tests_name("base/checksum", tests, NULL, NULL);
}
