/* ip/icmp4.h: echo, errors that we send (RFC 1122 section 3.2.2) and errors that come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/ip_host.h"
#include "ip/icmp.h"
#include "ip/reassembly.h"

enum { DF = 0x4000, MF = 0x2000, MAX_ECHO_DATA = 65507 };

static uint8_t message[65536], packet[65536];

static int set_up(void **state)
{
	*state = ip_host_new(1500);
	return 0;
}

static int tear_down(void **state)
{
	ip_host_free(*state);
	return 0;
}

static void mend(uint8_t *m, size_t len)
{
	uint16_t sum;

	memset(m + 2, 0, 2);
	sum = checksum_finish(checksum_add(0, m, len));
	memcpy(m + 2, &sum, sizeof sum);
}

/* An ICMP message of type and code with rest as its bytes 4 to 7, then body. In message[]; returns its
 * length. */
static size_t build(uint8_t type, uint8_t code, uint32_t rest, const void *body, size_t len)
{
	message[0] = type;
	message[1] = code;
	store_be32(message + 4, rest);
	if (len > 0)
		memmove(message + 8, body, len);
	mend(message, 8 + len);
	return 8 + len;
}

static struct ip4_spec carrying(size_t len)
{
	return (struct ip4_spec){ .protocol = IP_PROTO_ICMP, .payload = message, .payload_len = len };
}

static enum ip_verdict put(struct ip_host *h, size_t len)
{
	struct ip4_spec spec = carrying(len);

	return ip_host_put_spec(h, &spec);
}

static void expect_drop(struct ip_host *h, size_t len, enum drop_reason why)
{
	uint64_t before = ip_host_drops(h), of_this = h->world.drops[why];
	enum ip_verdict verdict = put(h, len);

	if (verdict != IP_DROPPED || h->reason != why)
		fail_msg("verdict %d, reason %s; expected %s", (int)verdict, drop_reason_name(h->reason),
			 drop_reason_name(why));
	assert_int_equal(ip_host_drops(h), before + 1);
	assert_int_equal(h->world.drops[why], of_this + 1);
	assert_int_equal(ip_host_n_sent(h), 0);
}

/* --- echo --- */

static void test_echo_reply_byte_by_byte_rfc792(void **state)
{
	static const uint8_t request[] = {
		8, 0, 0xe5, 0xf9, 0x12, 0x34, 0x00, 0x01, 'p', 'i', 'n', 'g', '!'
	};
	static const uint8_t want[] = { 0, 0, 0xed, 0xf9, 0x12, 0x34, 0x00, 0x01, 'p', 'i', 'n', 'g', '!' };
	struct ip_host *h = *state;
	struct bytes sent;

	assert_int_equal(checksum_finish(checksum_add(0, request, sizeof request)), 0);
	memcpy(message, request, sizeof request);
	assert_int_equal(put(h, sizeof request), IP_DONE);
	assert_int_equal(h->reason, DROP_NONE);
	assert_int_equal(ip_host_n_sent(h), 1);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.len, 20 + sizeof want);
	assert_memory_equal(sent.data + 20, want, sizeof want);
	assert_int_equal(sent.data[0], 0x45);
	assert_int_equal(sent.data[8], 64);
	assert_int_equal(sent.data[9], IP_PROTO_ICMP);
	assert_int_equal(load_be16(sent.data + 6), 0); /* no DF: we know no path MTU for echo */
	assert_int_equal(load_be32(sent.data + 12), IP_HOST_US);
	assert_int_equal(load_be32(sent.data + 16), IP_HOST_PEER);
	assert_string_equal(ip_host_sent_frame(h, 0)->note, "echo reply");
	assert_int_equal(h->ip.stats.icmp_in_msgs, 1);
	assert_int_equal(h->ip.stats.icmp_in_echos, 1);
	assert_int_equal(h->ip.stats.icmp_out_echo_reps, 1);
	assert_int_equal(h->ip.stats.icmp_out_msgs, 1);
	assert_int_equal(ip_host_drops(h), 0);
}

static void test_echo_reply_of_zeros_only_has_a_checksum_that_verifies(void **state)
{
	struct ip_host *h = *state;
	uint8_t zeros[32] = { 0 };
	struct bytes sent;

	for (size_t len = 0; len <= sizeof zeros; len++) {
		assert_int_equal(put(h, build(8, 0, 0, zeros, len)), IP_DONE);
		sent = ip_host_sent(h, 0);
		assert_int_equal(checksum_finish(checksum_add(0, sent.data + 20, sent.len - 20)), 0);
		ip_host_clear(h);
	}
}

static void test_echo_checksums_of_every_value_verify(void **state)
{
	struct ip_host *h = *state;

	h->link.caps.mtu = 1500;
	for (uint32_t word = 0; word < 65536; word++) {
		struct bytes sent;

		ip_host_advance(h, 1000);
		assert_int_equal(put(h, build(8, 0, word, NULL, 0)), IP_DONE);
		sent = ip_host_sent(h, 0);
		if (checksum_finish(checksum_add(0, sent.data + 20, sent.len - 20)) != 0)
			fail_msg("wrong checksum for %u", word);
		ip_host_clear(h);
	}
}

/* Cuts an ICMP message into fragments of mtu and puts them in, in an order shuffled by seed. */
static enum ip_verdict put_fragmented(struct ip_host *h, size_t len, uint32_t mtu, uint16_t id)
{
	uint32_t room = (mtu - 20) & ~7u, n = (uint32_t)((len + room - 1) / room);
	enum ip_verdict verdict = IP_DROPPED;
	uint32_t order[2048];

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = random_below(&h->world.random, i), t = order[j];

		order[j] = order[i - 1];
		order[i - 1] = t;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = order[i] * room;
		bool is_last = order[i] == n - 1;
		struct ip4_spec spec = {
			.protocol = IP_PROTO_ICMP,
			.id = id,
			.field = (uint16_t)((is_last ? 0 : MF) | at / 8),
			.payload = message + at,
			.payload_len = is_last ? len - at : room,
		};

		verdict = ip_host_put_spec(h, &spec);
		if (i + 1 < n)
			assert_int_equal(verdict, IP_DONE);
	}
	return verdict;
}

/* Joins the fragments that were sent (in order) into packet[]; returns the length of the ICMP message. */
static size_t join_sent(struct ip_host *h)
{
	size_t at = 0;

	for (unsigned i = 0; i < ip_host_n_sent(h); i++) {
		struct bytes sent = ip_host_sent(h, i);
		bool is_last = i + 1 == ip_host_n_sent(h);

		assert_int_equal(load_be16(sent.data + 6), (is_last ? 0 : MF) | at / 8);
		memcpy(packet + at, sent.data + 20, sent.len - 20);
		at += sent.len - 20;
	}
	return at;
}

static void check_echo(struct ip_host *h, size_t len)
{
	size_t all = build(8, 0, 0x00070008, message + 8, len);

	ip_host_advance(h, 100000);
	assert_int_equal(put_fragmented(h, all, 1500, (uint16_t)len), IP_DONE);
	assert_int_equal(join_sent(h), all);
	assert_int_equal(packet[0], 0);
	assert_int_equal(checksum_finish(checksum_add(0, packet, all)), 0);
	assert_memory_equal(packet + 4, message + 4, all - 4);
	ip_host_clear(h);
}

static void test_echo_of_every_size_rfc1122_3_2_2_6(void **state)
{
	static const size_t edges[] = { 1471, 1472, 1473, 2048, 2049, 2952, 2953, 65506, MAX_ECHO_DATA };
	struct ip_host *h = *state;

	for (size_t i = 0; i < MAX_ECHO_DATA; i++)
		message[8 + i] = (uint8_t)random_u32(&h->world.random);
	for (size_t len = 0; len <= 300; len++)
		check_echo(h, len);
	for (size_t i = 0; i < ARRAY_LENGTH(edges); i++)
		check_echo(h, edges[i]);
	for (size_t len = 300; len < MAX_ECHO_DATA; len += 997)
		check_echo(h, len);
	assert_int_equal(ip_host_drops(h), 0);
	assert_int_equal(reassembly_datagrams(h->ip.reassembly), 0);
}

static void test_echo_keeps_dscp_and_clears_ecn(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = carrying(build(8, 0, 1, NULL, 0));

	spec.tos = 0xbb;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DONE);
	assert_int_equal(ip_host_sent(h, 0).data[1], 0xb8);
}

static void test_echo_to_a_broadcast_is_not_answered(void **state)
{
	static const uint32_t broadcasts[] = { 0xffffffff, IP_HOST_BROADCAST, 0xe0000001 };
	struct ip_host *h = *state;
	struct ip4_spec spec = carrying(build(8, 0, 1, NULL, 0));

	for (unsigned i = 0; i < ARRAY_LENGTH(broadcasts); i++) {
		spec.dst = broadcasts[i];
		assert_int_equal(ip_host_put_spec(h, &spec), IP_DROPPED);
		assert_int_equal(h->reason, DROP_ICMP_UNKNOWN_TYPE);
	}
	spec.dst = IP_HOST_US;
	assert_int_equal(ip_host_put_broadcast(h, &spec), IP_DROPPED);
	assert_int_equal(ip_host_n_sent(h), 0);
	assert_int_equal(ip_host_drops(h), 4);
}

static void test_echo_rate_counts_fragments(void **state)
{
	struct ip_host *h = *state;
	size_t all = build(8, 0, 1, message, 14800 - 8); /* ten fragments */
	unsigned answered = 0;

	for (unsigned i = 0; i < ICMP_ECHO_BURST / 10 + 7; i++) {
		if (put_fragmented(h, all, 1500, (uint16_t)i) == IP_DONE)
			answered++;
		else
			assert_int_equal(h->reason, DROP_ICMP_RATE);
		ip_host_clear(h);
	}
	assert_int_equal(answered, ICMP_ECHO_BURST / 10);
	assert_int_equal(h->world.drops[DROP_ICMP_RATE], 7);
	ip_host_advance(h, 10 * 1000000 / ICMP_ECHO_RATE); /* ten more frames */
	assert_int_equal(put_fragmented(h, all, 1500, 9999), IP_DONE);
}

static void test_echo_memory_has_a_limit_and_comes_back(void **state)
{
	struct ip_host *h = *state;
	size_t all = build(8, 0, 1, message, 3000);
	unsigned n = 0;

	while (put_fragmented(h, all, 1500, (uint16_t)n) == IP_DONE)
		n++;
	assert_int_equal(n, ICMP_LARGE_COPIES);
	assert_int_equal(h->reason, DROP_NO_MEMORY);
	assert_int_equal(ip_host_drops(h), 1);
	ip_host_clear(h);
	assert_int_equal(put_fragmented(h, all, 1500, 9999), IP_DONE);
	/* And what is still in the ring when the host goes is freed: tear_down() asserts it. */
}

/* With frames that hold no memory of ICMP's. */
static void fill_ring(struct ip_host *h)
{
	struct ip_send how = {
		.src = ip_addr_from_4(IP_HOST_US),
		.dst = ip_addr_from_4(IP_HOST_PEER),
		.protocol = IP_PROTO_TCP,
	};

	while (link_tx_room(&h->link) > 0)
		assert_int_equal(ip_output(&h->ip, link_tx_slot(&h->link), &how), DROP_NONE);
}

static void test_echo_with_the_ring_full_is_counted_once(void **state)
{
	struct ip_host *h = *state;

	fill_ring(h);
	assert_int_equal(put(h, build(8, 0, 1, NULL, 0)), IP_DROPPED);
	assert_int_equal(h->reason, DROP_TX_RING_FULL);
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 1);
	assert_int_equal(put_fragmented(h, build(8, 0, 1, message, 3000), 1500, 1), IP_DROPPED);
	assert_int_equal(h->reason, DROP_TX_RING_FULL);
	assert_int_equal(ip_host_drops(h), 2);
	assert_int_equal(h->ip.stats.icmp_out_echo_reps, 0);
}

static void test_large_echo_with_little_room_is_not_sent_in_part(void **state)
{
	struct ip_host *h = *state;
	size_t len = build(8, 0, 1, message, 3000); /* three fragments */

	fill_ring(h);
	h->link.n_tx -= 2;
	assert_int_equal(put_fragmented(h, len, 1500, 1), IP_DROPPED);
	assert_int_equal(h->reason, DROP_TX_RING_FULL);
	assert_int_equal(ip_host_drops(h), 1);
	assert_int_equal(link_tx_room(&h->link), 2);
}

static void test_message_shorter_than_its_header(void **state)
{
	memset(message, 0, sizeof message);
	for (size_t len = 0; len < 8; len++)
		expect_drop(*state, len, DROP_ICMP_MALFORMED);
}

static void test_every_flipped_bit_is_found(void **state)
{
	size_t len = build(8, 0, 0x12345678, "abc", 3);

	for (unsigned bit = 0; bit < 8 * len; bit++) {
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_drop(*state, len, DROP_ICMP_CHECKSUM);
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_device_cannot_vouch_for_an_icmp_checksum(void **state)
{
	struct ip_host *h = *state;
	size_t len = build(8, 0, 1, NULL, 0);

	message[7] ^= 1;
	h->frame.flags = RX_CHECKSUM_VALID;
	expect_drop(h, len, DROP_ICMP_CHECKSUM);
}

static void test_other_types_are_dropped_by_name(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		size_t len = build((uint8_t)type, 0, 0, message, 40);

		switch (type) {
		case 3:
		case 8:
		case 11:
		case 12:
			continue;
		case 4: /* RFC 6633, RFC 9293 MUST-55 */
			expect_drop(*state, len, DROP_ICMP_SOURCE_QUENCH);
			break;
		default:
			expect_drop(*state, len, DROP_ICMP_UNKNOWN_TYPE);
		}
	}
}

/* --- errors in --- */

/* What a router quotes of a segment of ours. In quoted[]; returns its length. */
static uint8_t quoted[128];

static size_t quote(uint32_t src, uint8_t protocol, size_t transport_len)
{
	static const uint8_t transport[20] = { 0, 80, 0x30, 0x39, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ip4_spec spec = {
		.src = src,
		.dst = IP_HOST_FAR,
		.protocol = protocol,
		.field = DF,
		.payload = transport,
		.payload_len = transport_len,
	};

	return ip4_build(quoted, &spec);
}

static size_t build_error(uint8_t type, uint8_t code, uint32_t rest)
{
	return build(type, code, rest, quoted, quote(IP_HOST_US, IP_PROTO_TCP, 8));
}

static void expect_error(struct ip_host *h, size_t len, enum icmp_error_kind kind, uint32_t mtu)
{
	struct ip_addr us = ip_addr_from_4(IP_HOST_US), far = ip_addr_from_4(IP_HOST_FAR),
		       peer = ip_addr_from_4(IP_HOST_PEER);

	memset(&h->error, 0xee, sizeof h->error);
	assert_int_equal(put(h, len), IP_ICMP_ERROR);
	assert_int_equal(h->error.kind, kind);
	assert_int_equal(h->error.mtu, mtu);
	assert_int_equal(h->error.type, message[0]);
	assert_int_equal(h->error.code, message[1]);
	assert_true(ip_addr_equal(&h->error.src, &us));
	assert_true(ip_addr_equal(&h->error.dst, &far));
	assert_true(ip_addr_equal(&h->error.reporter, &peer));
	assert_in_range(h->error.quoted.len, 8, 20);
	assert_memory_equal(h->error.quoted.data, "\0\x50\x30\x39\1\2\3\4", 8);
	assert_int_equal(h->reason, DROP_NONE);
	assert_int_equal(ip_host_drops(h), 0);
}

static void test_unreachable_codes_rfc1122_3_2_2_1(void **state)
{
	static const enum icmp_error_kind want[16] = {
		ICMP_NET_UNREACHABLE,  ICMP_HOST_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE,
		ICMP_PORT_UNREACHABLE, ICMP_TOO_BIG,          ICMP_NET_UNREACHABLE,
		ICMP_NET_UNREACHABLE,  ICMP_HOST_UNREACHABLE, ICMP_HOST_UNREACHABLE,
		ICMP_NET_UNREACHABLE,  ICMP_HOST_UNREACHABLE, ICMP_NET_UNREACHABLE,
		ICMP_HOST_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMP_HOST_UNREACHABLE,
		ICMP_HOST_UNREACHABLE,
	};
	struct ip_host *h = *state;

	for (uint8_t code = 0; code < 16; code++)
		expect_error(h, build_error(3, code, 0), want[code], 0);
	assert_int_equal(h->ip.stats.icmp_in_dest_unreachs, 16);
	for (unsigned code = 16; code < 256; code++)
		expect_drop(h, build_error(3, (uint8_t)code, 0), DROP_ICMP_UNKNOWN_TYPE);
}

static void test_next_hop_mtu_rfc1191(void **state)
{
	expect_error(*state, build_error(3, 4, 1400), ICMP_TOO_BIG, 1400);
	expect_error(*state, build_error(3, 4, 65535), ICMP_TOO_BIG, 65535);
	expect_error(*state, build_error(3, 4, 0), ICMP_TOO_BIG, 0);          /* an old router did not say */
	expect_error(*state, build_error(3, 4, 0xffff0000), ICMP_TOO_BIG, 0); /* the upper half is unused */
	expect_error(*state, build_error(3, 4, 68), ICMP_TOO_BIG, 68);
	expect_error(*state, build_error(3, 4, 67), ICMP_TOO_BIG, 68);
	expect_error(*state, build_error(3, 4, 1), ICMP_TOO_BIG, 68);
	expect_error(*state, build_error(3, 3, 1400), ICMP_PORT_UNREACHABLE, 0);
}

static void test_time_exceeded_and_parameter_problem(void **state)
{
	struct ip_host *h = *state;

	expect_error(h, build_error(11, 0, 0), ICMP_TIME_EXCEEDED, 0);
	expect_error(h, build_error(11, 1, 0), ICMP_TIME_EXCEEDED, 0);
	expect_error(h, build_error(12, 0, 0x14000000), ICMP_PARAMETER_PROBLEM, 0);
	assert_int_equal(h->ip.stats.icmp_in_time_excds, 2);
	expect_drop(h, build_error(11, 2, 0), DROP_ICMP_UNKNOWN_TYPE);
}

static void test_quoted_header_with_options(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = {
		.src = IP_HOST_US,
		.dst = IP_HOST_FAR,
		.protocol = IP_PROTO_UDP,
		.options = "\1\1\1\0",
		.options_len = 4,
		.payload = "\0\x50\x30\x39\1\2\3\4",
		.payload_len = 8,
	};

	expect_error(h, build(3, 1, 0, quoted, ip4_build(quoted, &spec)), ICMP_HOST_UNREACHABLE, 0);
	assert_int_equal(h->error.protocol, IP_PROTO_UDP);
}

static void test_quote_that_is_too_short_or_no_ipv4(void **state)
{
	size_t len = quote(IP_HOST_US, IP_PROTO_TCP, 8);

	for (size_t n = 0; n < len; n++)
		expect_drop(*state, build(3, 3, 0, quoted, n), DROP_ICMP_MALFORMED);
	quoted[0] = 0x65;
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_MALFORMED);
	quoted[0] = 0x44;
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_MALFORMED);
	quoted[0] = 0x4f;
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_MALFORMED);
	quoted[0] = 0x46; /* leaves 4 bytes of TCP */
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_MALFORMED);
}

static void test_quote_of_what_we_cannot_have_sent(void **state)
{
	size_t len = quote(IP_HOST_PEER, IP_PROTO_TCP, 8);

	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_NO_CONNECTION);
	quote(IP_HOST_BROADCAST, IP_PROTO_TCP, 8);
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_NO_CONNECTION);
	quote(IP_HOST_US, IP_PROTO_ICMP, 8); /* an echo reply of ours: nobody waits for it */
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_NO_CONNECTION);
	quote(IP_HOST_US, IP_PROTO_TCP, 8);
	store_be16(quoted + 6, 1); /* a later fragment: what stands there are no ports */
	expect_drop(*state, build(3, 3, 0, quoted, len), DROP_ICMP_NO_CONNECTION);
}

static void test_error_to_a_broadcast_is_no_error(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = carrying(build_error(3, 3, 0));

	spec.dst = IP_HOST_BROADCAST;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DROPPED);
	assert_int_equal(h->reason, DROP_ICMP_NO_CONNECTION);
	assert_int_equal(ip_host_drops(h), 1);
}

/* --- errors out --- */

static void put_udp(struct ip_host *h, size_t len)
{
	struct ip4_spec spec = { .payload = message, .payload_len = len };

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
}

static void test_port_unreachable_byte_by_byte(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		0x45, 0, 0, 64, 0, 0, 0, 0, 64, 1, 0, 0,
		10, 77, 0, 2,
		10, 77, 0, 9,
		3, 3, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	struct ip_host *h = *state;
	struct bytes sent;

	memcpy(message, "\x12\x34\0\x35\0\x10\0\0datadata", 16);
	put_udp(h, 16);
	icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
	assert_int_equal(ip_host_n_sent(h), 1);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.len, 20 + 8 + 36);
	assert_int_equal(checksum_finish(checksum_add(0, sent.data, 20)), 0);
	assert_int_equal(checksum_finish(checksum_add(0, sent.data + 20, sent.len - 20)), 0);
	assert_memory_equal(sent.data + 28, h->packet.header.data, 36);
	for (size_t i = 0; i < sizeof want; i++)
		if (i != 4 && i != 5 && i != 10 && i != 11 && i != 22 && i != 23) /* ID and the checksums */
			assert_int_equal(sent.data[i], want[i]);
	assert_int_equal(h->ip.stats.icmp_out_dest_unreachs, 1);
	assert_int_equal(ip_host_drops(h), 0);
}

static void test_protocol_unreachable_has_code_2(void **state)
{
	struct ip_host *h = *state;

	put_udp(h, 16);
	icmp_send_unreachable(&h->ip, &h->packet, ICMP_PROTOCOL_UNREACHABLE);
	assert_memory_equal(ip_host_sent(h, 0).data + 20, "\3\2", 2);
}

static void test_error_quotes_as_much_as_fits_576_bytes_rfc1812_4_3_2_3(void **state)
{
	struct ip_host *h = *state;

	for (size_t len = 0; len <= 1480; len += 8) {
		size_t want = 20 + 8 + 20 + len;

		put_udp(h, len);
		icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
		assert_int_equal(ip_host_sent(h, 0).len, want < 576 ? want : 576);
		assert_memory_equal(ip_host_sent(h, 0).data + 28, h->packet.header.data,
				    ip_host_sent(h, 0).len - 28);
		ip_host_clear(h);
		ip_host_advance(h, 10000);
	}
}

static void test_no_error_about_broadcasts_rfc1122_3_2_2(void **state)
{
	static const uint32_t broadcasts[] = { 0xffffffff, IP_HOST_BROADCAST, 0xe0000001 };
	struct ip_host *h = *state;
	struct ip4_spec spec = { .payload = message, .payload_len = 16 };

	for (unsigned i = 0; i < ARRAY_LENGTH(broadcasts); i++) {
		spec.dst = broadcasts[i];
		assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
		icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
	}
	spec.dst = IP_HOST_US;
	assert_int_equal(ip_host_put_broadcast(h, &spec), IP_DELIVER);
	icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
	assert_int_equal(ip_host_n_sent(h), 0);
	assert_int_equal(ip_host_drops(h), 0);
}

static void test_no_protocol_unreachable_about_broadcasts(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = {
		.protocol = 200, .dst = IP_HOST_BROADCAST, .payload = message, .payload_len = 16
	};

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DROPPED);
	assert_int_equal(h->reason, DROP_IP_UNKNOWN_PROTOCOL);
	assert_int_equal(ip_host_n_sent(h), 0);
}

static void test_errors_out_are_limited_in_rate_rfc1812_4_3_2_8(void **state)
{
	struct ip_host *h = *state;
	unsigned sent = 0;

	/* A second of a thousand packets a second that nobody asked for. */
	for (unsigned i = 0; i < 1000; i++) {
		put_udp(h, 16);
		icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
		sent += ip_host_n_sent(h);
		ip_host_clear(h);
		ip_host_advance(h, 1000);
	}
	assert_in_range(sent, ICMP_ERROR_RATE + ICMP_ERROR_BURST - 2, ICMP_ERROR_RATE + ICMP_ERROR_BURST);
	assert_int_equal(h->world.drops[DROP_ICMP_RATE], 1000 - sent);
	assert_int_equal(h->ip.stats.icmp_out_dest_unreachs, sent);
}

static void put_fragment(struct ip_host *h, uint8_t protocol, const void *data, size_t len, uint16_t field)
{
	struct ip4_spec spec = {
		.protocol = protocol, .id = 5, .field = field, .payload = data, .payload_len = len
	};

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DONE);
}

static void wait_for_timeout(struct ip_host *h)
{
	ip_host_advance(h, REASSEMBLY_TIMEOUT_US + 1000);
}

static void test_reassembly_time_exceeded_quotes_the_first_fragment_rfc1122_3_3_2(void **state)
{
	struct ip_host *h = *state;
	struct bytes sent;

	memcpy(message, "\x12\x34\0\x35\0\x30\0\0datadata", 16);
	put_fragment(h, IP_PROTO_UDP, message, 16, MF);
	wait_for_timeout(h);
	assert_int_equal(ip_host_n_sent(h), 1);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.len, 20 + 8 + 20 + 16);
	assert_memory_equal(sent.data + 20, "\x0b\1", 2);
	assert_int_equal(checksum_finish(checksum_add(0, sent.data + 20, sent.len - 20)), 0);
	assert_int_equal(load_be16(sent.data + 28 + 6), MF); /* as it came */
	assert_int_equal(load_be16(sent.data + 28 + 4), 5);
	assert_memory_equal(sent.data + 48, message, 16);
	assert_int_equal(load_be32(sent.data + 16), IP_HOST_PEER);
	assert_int_equal(h->ip.stats.icmp_out_time_excds, 1);
	assert_int_equal(h->world.drops[DROP_FRAGMENT_TIMEOUT], 1);
	assert_int_equal(ip_host_drops(h), 1);
}

static void test_no_time_exceeded_without_the_first_fragment_rfc1122_3_3_2(void **state)
{
	struct ip_host *h = *state;

	put_fragment(h, IP_PROTO_UDP, message, 16, MF | 2);
	wait_for_timeout(h);
	assert_int_equal(ip_host_n_sent(h), 0);
	assert_int_equal(h->world.drops[DROP_FRAGMENT_TIMEOUT], 1);
}

static void test_no_time_exceeded_about_icmp_errors_but_about_echo(void **state)
{
	struct ip_host *h = *state;

	for (unsigned type = 0; type < 20; type++) {
		bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;

		message[0] = (uint8_t)type;
		put_fragment(h, IP_PROTO_ICMP, message, 16, MF);
		wait_for_timeout(h);
		assert_int_equal(ip_host_n_sent(h), is_error ? 0 : 1);
		ip_host_clear(h);
	}
}

static void test_no_time_exceeded_about_broadcasts(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = {
		.dst = IP_HOST_BROADCAST, .field = MF, .payload = message, .payload_len = 16
	};
	struct ip4_spec second = { .id = 6, .field = 2, .payload = message, .payload_len = 16 };

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DONE);
	/* Also when only one of the fragments came by broadcast. */
	spec.dst = IP_HOST_US;
	spec.id = 6;
	assert_int_equal(ip_host_put_broadcast(h, &spec), IP_DONE);
	second.field = MF | 4;
	assert_int_equal(ip_host_put_spec(h, &second), IP_DONE);
	wait_for_timeout(h);
	assert_int_equal(ip_host_n_sent(h), 0);
	assert_int_equal(h->world.drops[DROP_FRAGMENT_TIMEOUT], 2);
}

static void test_error_with_the_ring_full_is_counted_once(void **state)
{
	struct ip_host *h = *state;

	fill_ring(h);
	put_udp(h, 16);
	icmp_send_unreachable(&h->ip, &h->packet, ICMP_PORT_UNREACHABLE);
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 1);
	assert_int_equal(ip_host_drops(h), 1);
	assert_int_equal(h->ip.stats.icmp_out_dest_unreachs, 0);
	assert_int_equal(h->ip.stats.icmp_out_msgs, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_echo_reply_byte_by_byte_rfc792),
		T(test_echo_reply_of_zeros_only_has_a_checksum_that_verifies),
		T(test_echo_checksums_of_every_value_verify),
		T(test_echo_of_every_size_rfc1122_3_2_2_6),
		T(test_echo_keeps_dscp_and_clears_ecn),
		T(test_echo_to_a_broadcast_is_not_answered),
		T(test_echo_rate_counts_fragments),
		T(test_echo_memory_has_a_limit_and_comes_back),
		T(test_echo_with_the_ring_full_is_counted_once),
		T(test_large_echo_with_little_room_is_not_sent_in_part),
		T(test_message_shorter_than_its_header),
		T(test_every_flipped_bit_is_found),
		T(test_device_cannot_vouch_for_an_icmp_checksum),
		T(test_other_types_are_dropped_by_name),
		T(test_unreachable_codes_rfc1122_3_2_2_1),
		T(test_next_hop_mtu_rfc1191),
		T(test_time_exceeded_and_parameter_problem),
		T(test_quoted_header_with_options),
		T(test_quote_that_is_too_short_or_no_ipv4),
		T(test_quote_of_what_we_cannot_have_sent),
		T(test_error_to_a_broadcast_is_no_error),
		T(test_port_unreachable_byte_by_byte),
		T(test_protocol_unreachable_has_code_2),
		T(test_error_quotes_as_much_as_fits_576_bytes_rfc1812_4_3_2_3),
		T(test_no_error_about_broadcasts_rfc1122_3_2_2),
		T(test_no_protocol_unreachable_about_broadcasts),
		T(test_errors_out_are_limited_in_rate_rfc1812_4_3_2_8),
		T(test_reassembly_time_exceeded_quotes_the_first_fragment_rfc1122_3_3_2),
		T(test_no_time_exceeded_without_the_first_fragment_rfc1122_3_3_2),
		T(test_no_time_exceeded_about_icmp_errors_but_about_echo),
		T(test_no_time_exceeded_about_broadcasts),
		T(test_error_with_the_ring_full_is_counted_once),
	};

	return cmocka_run_group_tests_name("icmp4", tests, NULL, NULL);
}
