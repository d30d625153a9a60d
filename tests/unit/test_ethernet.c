/* Ethernet II: which frames are for us, the header's bytes, and where broadcast and multicast packets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "link/ethernet.h"

static const struct mac_addr own = { { 0x02, 0, 0, 0, 0, 2 } };

static enum drop_reason parse_flagged(const void *data, size_t len, uint8_t flags, struct eth_header *header,
				      struct bytes *payload)
{
	const struct rx_frame frame = { .data = data, .len = (uint32_t)len, .flags = flags };

	return eth_parse(&frame, &own, header, payload);
}

/* The verdict on a frame of 60 bytes with this header. */
static enum drop_reason verdict(const char header[static 14])
{
	struct eth_header parsed;
	struct bytes payload;
	uint8_t frame[60] = { 0 };

	memcpy(frame, header, 14);
	return parse_flagged(frame, sizeof frame, 0, &parsed, &payload);
}

static void each_field_is_where_rfc894_has_it(void **state)
{
	static const uint8_t frame[] = {
		2, 0, 0, 0, 0, 2, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x00, 'a', 'b',
	};
	struct eth_header header;
	struct bytes payload;

	(void)state;
	assert_int_equal(parse_flagged(frame, sizeof frame, 0, &header, &payload), DROP_NONE);
	assert_memory_equal(header.dst.b, frame, 6);
	assert_memory_equal(header.src.b, frame + 6, 6);
	assert_int_equal(header.type, ETH_TYPE_IPV4);
	assert_int_equal(payload.len, 2);
	assert_ptr_equal(payload.data, frame + 14);
}

static void a_header_without_payload_is_a_frame(void **state)
{
	struct eth_header header;
	struct bytes payload;

	(void)state;
	assert_int_equal(parse_flagged("\2\0\0\0\0\2\2\0\0\0\0\7\x08\x06", 14, 0, &header, &payload),
			 DROP_NONE);
	assert_int_equal(payload.len, 0);
}

static void shorter_than_a_header_is_dropped(void **state)
{
	struct eth_header header;
	struct bytes payload;

	(void)state;
	for (size_t len = 0; len < 14; len++) {
		uint8_t *frame = malloc(len > 0 ? len : 1);

		assert_non_null(frame);
		memset(frame, 0xff, len);
		assert_int_equal(parse_flagged(frame, len, 0, &header, &payload), DROP_ETH_SHORT);
		free(frame);
	}
}

static void ours_broadcast_and_multicast_are_for_us(void **state)
{
	(void)state;
	assert_int_equal(verdict("\2\0\0\0\0\2\2\0\0\0\0\7\x08\x00"), DROP_NONE);
	assert_int_equal(verdict("\xff\xff\xff\xff\xff\xff\2\0\0\0\0\7\x08\x06"), DROP_NONE);
	assert_int_equal(verdict("\x01\x00\x5e\0\0\x01\2\0\0\0\0\7\x08\x00"), DROP_NONE);
	assert_int_equal(verdict("\x33\x33\0\0\0\x01\2\0\0\0\0\7\x86\xdd"), DROP_NONE);
}

static void another_hosts_frame_is_not_ours(void **state)
{
	(void)state;
	assert_int_equal(verdict("\2\0\0\0\0\3\2\0\0\0\0\7\x08\x00"), DROP_ETH_NOT_OURS);
	assert_int_equal(verdict("\0\0\0\0\0\2\2\0\0\0\0\7\x08\x00"), DROP_ETH_NOT_OURS);
	assert_int_equal(verdict("\0\0\0\0\0\0\2\0\0\0\0\7\x08\x00"), DROP_ETH_NOT_OURS);
}

static void a_source_that_cannot_be_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(verdict("\2\0\0\0\0\2\3\0\0\0\0\7\x08\x00"), DROP_ETH_SOURCE);
	assert_int_equal(verdict("\2\0\0\0\0\2\xff\xff\xff\xff\xff\xff\x08\x00"), DROP_ETH_SOURCE);
	assert_int_equal(verdict("\xff\xff\xff\xff\xff\xff\2\0\0\0\0\2\x08\x06"), DROP_ETH_SOURCE);
}

static void types_not_spoken_are_named(void **state)
{
	(void)state;
	assert_int_equal(verdict("\2\0\0\0\0\2\2\0\0\0\0\7\x81\x00"), DROP_ETH_UNKNOWN_TYPE); /* 802.1Q */
	assert_int_equal(verdict("\2\0\0\0\0\2\2\0\0\0\0\7\x88\xa8"), DROP_ETH_UNKNOWN_TYPE); /* 802.1ad */
	assert_int_equal(verdict("\2\0\0\0\0\2\2\0\0\0\0\7\x00\x2e"), DROP_ETH_UNKNOWN_TYPE); /* 802.3 */
	assert_int_equal(verdict("\2\0\0\0\0\2\2\0\0\0\0\7\x08\x35"), DROP_ETH_UNKNOWN_TYPE); /* RARP */
}

static void a_frame_cut_by_its_buffer_is_dropped(void **state)
{
	struct eth_header header;
	struct bytes payload;

	(void)state;
	assert_int_equal(parse_flagged("\2\0\0\0\0\2\2\0\0\0\0\7\x08\0", 14, RX_TRUNCATED, &header, &payload),
			 DROP_ETH_TRUNCATED);
}

static void random_short_frames_get_a_verdict(void **state)
{
	struct eth_header header;
	struct bytes payload;
	struct random r;

	(void)state;
	random_init(&r, 3);
	for (uint32_t round = 0; round < 20000; round++) {
		size_t len = round % 61;
		uint8_t *frame = malloc(len > 0 ? len : 1);
		enum drop_reason reason;

		assert_non_null(frame);
		for (size_t i = 0; i < len; i++)
			frame[i] = (uint8_t)random_u32(&r);
		reason = parse_flagged(frame, len, 0, &header, &payload);
		if (len < 14)
			assert_int_equal(reason, DROP_ETH_SHORT);
		else if ((frame[0] & 1) == 0)
			assert_int_equal(reason, DROP_ETH_NOT_OURS);
		else if ((frame[6] & 1) != 0)
			assert_int_equal(reason, DROP_ETH_SOURCE);
		free(frame);
	}
}

static void the_header_pushed_has_these_bytes(void **state)
{
	const struct eth_header header = { .dst = { { 1, 2, 3, 4, 5, 6 } }, .src = own, .type = 0x86dd };
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	memcpy(tx_push(&f, 2), "ip", 2);
	eth_push(&f, &header);
	assert_int_equal(tx_head_len(&f), 16);
	assert_memory_equal(tx_head(&f), "\1\2\3\4\5\6\2\0\0\0\0\2\x86\xddip", 16);
}

static void expect_group(const char *ip, const char mac[static 6])
{
	struct ip_addr a;
	struct mac_addr m;

	assert_true(ip_addr_parse(ip, &a));
	assert_true(eth_group_of(&a, &m));
	assert_memory_equal(m.b, mac, 6);
}

static void broadcast_goes_to_everybody(void **state)
{
	(void)state;
	expect_group("255.255.255.255", "\xff\xff\xff\xff\xff\xff");
}

static void ipv4_multicast_goes_to_its_low_23_bits_rfc1112_6_4(void **state)
{
	(void)state;
	expect_group("224.0.0.1", "\x01\x00\x5e\x00\x00\x01");
	expect_group("239.255.255.250", "\x01\x00\x5e\x7f\xff\xfa");
	expect_group("224.128.1.2", "\x01\x00\x5e\x00\x01\x02");
}

static void ipv6_multicast_goes_to_its_low_32_bits_rfc2464_7(void **state)
{
	(void)state;
	expect_group("ff02::1:ff80:1234", "\x33\x33\xff\x80\x12\x34");
	expect_group("ff02::1", "\x33\x33\x00\x00\x00\x01");
}

static void a_host_has_no_group(void **state)
{
	static const char *const hosts[] = {
		"10.77.0.2", "10.77.0.255", "223.255.255.255", "240.0.0.1", "2001:db8::1",
	};
	struct ip_addr a;
	struct mac_addr m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
		assert_true(ip_addr_parse(hosts[i], &a));
		assert_false(eth_group_of(&a, &m));
	}
}

static void an_address_is_written_in_hex(void **state)
{
	char text[MAC_ADDR_TEXT];

	(void)state;
	assert_string_equal(mac_format(&(struct mac_addr){ { 0, 0x0a, 0xb0, 0xcd, 0xef, 0xff } }, text),
			    "00:0a:b0:cd:ef:ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_is_where_rfc894_has_it),
		cmocka_unit_test(a_header_without_payload_is_a_frame),
		cmocka_unit_test(shorter_than_a_header_is_dropped),
		cmocka_unit_test(ours_broadcast_and_multicast_are_for_us),
		cmocka_unit_test(another_hosts_frame_is_not_ours),
		cmocka_unit_test(a_source_that_cannot_be_is_dropped),
		cmocka_unit_test(types_not_spoken_are_named),
		cmocka_unit_test(a_frame_cut_by_its_buffer_is_dropped),
		cmocka_unit_test(random_short_frames_get_a_verdict),
		cmocka_unit_test(the_header_pushed_has_these_bytes),
		cmocka_unit_test(broadcast_goes_to_everybody),
		cmocka_unit_test(ipv4_multicast_goes_to_its_low_23_bits_rfc1112_6_4),
		cmocka_unit_test(ipv6_multicast_goes_to_its_low_32_bits_rfc2464_7),
		cmocka_unit_test(a_host_has_no_group),
		cmocka_unit_test(an_address_is_written_in_hex),
	};

	return cmocka_run_group_tests_name("ethernet", tests, NULL, NULL);
}
