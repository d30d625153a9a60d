/* ip/ip4.h: each check on the way in, headers byte by byte on the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/ip_host.h"
#include "ip/ip4.h"

enum { DF = 0x4000, MF = 0x2000, RESERVED_FLAG = 0x8000 };

static const uint8_t text[12] = "Hello, tap!";

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

static struct ip4_spec usual(void)
{
	return (struct ip4_spec){ .payload = text, .payload_len = sizeof text };
}

/* The packet is dropped for this reason, counted once, and answered by nothing. */
static void expect_drop(struct ip_host *h, const uint8_t *packet, size_t len, enum drop_reason why)
{
	uint64_t before = ip_host_drops(h), of_this = h->world.drops[why];
	enum ip_verdict verdict = ip_host_put(h, packet, len);

	if (verdict != IP_DROPPED || h->reason != why)
		fail_msg("verdict %d, reason %s; expected %s", (int)verdict, drop_reason_name(h->reason),
			 drop_reason_name(why));
	assert_int_equal(ip_host_drops(h), before + 1);
	assert_int_equal(h->world.drops[why], of_this + 1);
	assert_int_equal(ip_host_n_sent(h), 0);
}

static void expect_spec_drop(struct ip_host *h, const struct ip4_spec *spec, enum drop_reason why)
{
	uint8_t packet[256];

	expect_drop(h, packet, ip4_build(packet, spec), why);
}

static void test_good_packet_is_delivered_with_all_it_says(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	struct ip_addr peer = ip_addr_from_4(IP_HOST_PEER), us = ip_addr_from_4(IP_HOST_US);

	spec.protocol = IP_PROTO_TCP;
	spec.ttl = 17;
	spec.tos = 0xb9;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_true(ip_addr_equal(&h->packet.src, &peer));
	assert_true(ip_addr_equal(&h->packet.dst, &us));
	assert_int_equal(h->packet.protocol, IP_PROTO_TCP);
	assert_int_equal(h->packet.ttl, 17);
	assert_int_equal(h->packet.tos, 0xb9);
	assert_false(h->packet.is_broadcast);
	assert_int_equal(h->packet.header.len, 20);
	assert_int_equal(h->packet.payload.len, sizeof text);
	assert_memory_equal(h->packet.payload.data, text, sizeof text);
	assert_ptr_equal(h->packet.header.data + 20, h->packet.payload.data);
	assert_ptr_equal(h->packet.frame, &h->frame);
	assert_int_equal(h->reason, DROP_NONE);
	assert_int_equal(ip_host_drops(h), 0);
	assert_int_equal(h->ip.stats.in_receives, 1);
	assert_int_equal(h->ip.stats.in_delivers, 1);
}

static void test_offload_marks_are_passed_on(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_false(h->packet.checksum_valid);
	assert_int_equal(h->packet.gso_size, 0);
	h->frame.flags = RX_CHECKSUM_VALID;
	h->frame.gso_size = 1448;
	h->frame.gso = GSO_TCP4;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_true(h->packet.checksum_valid);
	assert_int_equal(h->packet.gso_size, 1448);
}

static void test_padding_behind_the_packet_is_cut_off(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	uint8_t packet[100];
	size_t len = ip4_build(packet, &spec);

	memset(packet + len, 0xee, sizeof packet - len);
	for (size_t with = len; with <= sizeof packet; with++) {
		assert_int_equal(ip_host_put(h, packet, with), IP_DELIVER);
		assert_int_equal(h->packet.payload.len, sizeof text);
	}
}

static void test_packet_without_payload_is_delivered(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = { 0 };

	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_int_equal(h->packet.payload.len, 0);
}

static void test_every_cut_of_a_packet_is_ip_short(void **state)
{
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len;

	spec.options = "\1\1\1\0";
	spec.options_len = 4;
	len = ip4_build(packet, &spec);
	for (size_t n = 0; n < len; n++)
		expect_drop(*state, packet, n, DROP_IP_SHORT);
}

static void test_version(void **state)
{
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len = ip4_build(packet, &spec);

	for (unsigned version = 0; version < 16; version++) {
		if (version == 4)
			continue;
		packet[0] = (uint8_t)(version << 4 | 5);
		ip4_mend_checksum(packet);
		expect_drop(*state, packet, len, DROP_IP_VERSION);
	}
}

static void test_header_length(void **state)
{
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len = ip4_build(packet, &spec);

	for (unsigned ihl = 0; ihl < 5; ihl++) {
		packet[0] = (uint8_t)(0x40 | ihl);
		expect_drop(*state, packet, len, DROP_IP_HEADER_LENGTH);
	}
	packet[0] = 0x4f; /* longer than the packet */
	expect_drop(*state, packet, len, DROP_IP_HEADER_LENGTH);
	packet[0] = 0x45;
	store_be16(packet + 2, 19); /* the packet shorter than its header */
	ip4_mend_checksum(packet);
	expect_drop(*state, packet, len, DROP_IP_HEADER_LENGTH);
}

static void test_every_flipped_header_bit_is_found(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len = ip4_build(packet, &spec);

	for (unsigned bit = 0; bit < 160; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ip_host_put(h, packet, len), IP_DROPPED);
		if (bit >= 32)
			assert_int_equal(h->reason, DROP_IP_CHECKSUM);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(ip_host_drops(h), 160);
	assert_int_equal(ip_host_put(h, packet, len), IP_DELIVER);
}

static void test_ttl_of_0_and_1_is_good_enough_for_the_final_host_rfc1122_3_2_1_7(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len;

	spec.ttl = 1;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	len = ip4_build(packet, &spec);
	packet[8] = 0;
	ip4_mend_checksum(packet);
	assert_int_equal(ip_host_put(h, packet, len), IP_DELIVER);
	assert_int_equal(h->packet.ttl, 0);
}

static void test_sources_that_nobody_may_have_rfc1122_3_2_1_3(void **state)
{
	static const uint32_t bad[] = {
		0x00000001, 0x00ffffff, 0x7f000001, 0x7fffffff,        0xe0000001,
		0xefffffff, 0xffffffff, IP_HOST_US, IP_HOST_BROADCAST,
	};
	static const uint32_t good[] = { 0x01000000,      0x7effffff,  0x80000000, 0xdfffffff,
					 IP_HOST_GATEWAY, IP_HOST_FAR, 0x0a4d01ff };
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	uint8_t packet[64];
	size_t len;

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		spec.src = bad[i];
		expect_spec_drop(h, &spec, DROP_IP_SOURCE);
	}
	len = ip4_build(packet, &spec);
	memset(packet + 12, 0, 4); /* 0.0.0.0 */
	ip4_mend_checksum(packet);
	expect_drop(h, packet, len, DROP_IP_SOURCE);
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		spec.src = good[i];
		assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	}
}

static void test_packets_for_others_are_never_forwarded(void **state)
{
	static const uint32_t others[] = {
		IP_HOST_PEER + 1, IP_HOST_GATEWAY, IP_HOST_FAR, 0x7f000001, 0xe0000002,
		0xe00000fb,       0x0a4d01ff,      0x0affffff,  0x0a4d0000, 0xfffffffe,
	};
	struct ip4_spec spec = usual();

	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		spec.dst = others[i];
		expect_spec_drop(*state, &spec, DROP_IP_NOT_OURS);
	}
}

static void test_broadcasts_are_flagged(void **state)
{
	static const uint32_t broadcasts[] = { 0xffffffff, IP_HOST_BROADCAST, 0xe0000001 };
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();

	for (size_t i = 0; i < ARRAY_LENGTH(broadcasts); i++) {
		spec.dst = broadcasts[i];
		assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
		assert_true(h->packet.is_broadcast);
		assert_int_equal(ip_host_put_broadcast(h, &spec), IP_DELIVER);
		assert_true(h->packet.is_broadcast);
	}
	/* To our own address, but to everybody's MAC address. */
	spec.dst = IP_HOST_US;
	assert_int_equal(ip_host_put_broadcast(h, &spec), IP_DELIVER);
	assert_true(h->packet.is_broadcast);
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_false(h->packet.is_broadcast);
}

static void test_each_address_has_its_broadcast(void **state)
{
	struct ip_host *h = *state;
	struct ip_prefix p;
	struct ip4_spec spec = usual();

	assert_true(ip_prefix_parse("192.0.2.6/28", &p));
	assert_int_equal(ip_add_address(&h->ip, &p), 0);
	ip_host_clear(h); /* the announcement */
	spec.dst = 0xc000020f;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_true(h->packet.is_broadcast);
	spec.src = 0xc000020f;
	expect_spec_drop(h, &spec, DROP_IP_SOURCE);
	spec.src = 0xc0000206; /* our second address */
	expect_spec_drop(h, &spec, DROP_IP_SOURCE);
}

static void test_no_directed_broadcast_on_31_and_32_bit_prefixes_rfc3021(void **state)
{
	struct ip_host *h = *state;
	struct ip_prefix p;
	struct ip4_spec spec = usual();

	assert_true(ip_prefix_parse("192.0.2.6/31", &p));
	assert_int_equal(ip_add_address(&h->ip, &p), 0);
	ip_host_clear(h); /* the announcement */
	spec.src = 0xc0000207;
	spec.dst = 0xc0000206;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_false(h->packet.is_broadcast);
}

static void put_options(struct ip_host *h, const char *options, size_t len, enum drop_reason want)
{
	struct ip4_spec spec = usual();

	spec.options = options;
	spec.options_len = len;
	if (want != DROP_NONE) {
		expect_spec_drop(h, &spec, want);
		return;
	}
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_int_equal(h->packet.header.len, 20 + len);
	assert_int_equal(h->packet.payload.len, sizeof text);
	assert_memory_equal(h->packet.payload.data, text, sizeof text);
}

static void test_options_are_walked_and_skipped_rfc791_3_1(void **state)
{
	static const char longest[40] = { 7, 39, 4 };

	put_options(*state, "\0\0\0\0", 4, DROP_NONE);
	put_options(*state, "\1\1\1\1", 4, DROP_NONE);
	put_options(*state, "\1\1\1\0", 4, DROP_NONE);
	put_options(*state, "\x94\4\0\0", 4, DROP_NONE);             /* router alert */
	put_options(*state, "\x44\x08\x05\0\0\0\0\0", 8, DROP_NONE); /* timestamp */
	put_options(*state, "\x07\x07\x04\0\0\0\0\0", 8, DROP_NONE); /* record route, then the end */
	put_options(*state, "\x99\2\x99\2", 4, DROP_NONE);           /* unknown, empty */
	put_options(*state, "\0\x83\0\0", 4, DROP_NONE);             /* what lies behind the end is padding */
	put_options(*state, longest, sizeof longest, DROP_NONE);
}

static void test_options_of_impossible_length(void **state)
{
	put_options(*state, "\7\0\0\0", 4, DROP_IP_OPTIONS);
	put_options(*state, "\7\1\0\0", 4, DROP_IP_OPTIONS);
	put_options(*state, "\7\5\4\0", 4, DROP_IP_OPTIONS);
	put_options(*state, "\7\xff\4\0", 4, DROP_IP_OPTIONS);
	put_options(*state, "\1\1\1\7", 4, DROP_IP_OPTIONS); /* a kind without a length */
	put_options(*state, "\7\3\4\x44\3\0\0\0", 8, DROP_NONE);
	put_options(*state, "\7\3\4\x44\6\0\0\0", 8, DROP_IP_OPTIONS);
}

static void test_source_routes_are_refused_rfc7126(void **state)
{
	put_options(*state, "\x83\x07\x04\x0a\x4d\0\1\0", 8, DROP_IP_OPTIONS);
	put_options(*state, "\x89\x07\x04\x0a\x4d\0\1\0", 8, DROP_IP_OPTIONS);
	put_options(*state, "\1\x83\x03\x04", 4, DROP_IP_OPTIONS);
}

static void test_unknown_protocol_is_dropped_and_reported(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();
	struct bytes sent;

	spec.protocol = 132;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DROPPED);
	assert_int_equal(h->reason, DROP_IP_UNKNOWN_PROTOCOL);
	assert_int_equal(ip_host_drops(h), 1);
	assert_int_equal(h->ip.stats.in_delivers, 0);
	assert_int_equal(ip_host_n_sent(h), 1);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.data[9], IP_PROTO_ICMP);
	assert_int_equal(sent.data[20], 3);
	assert_int_equal(sent.data[21], 2);
}

static void test_df_and_the_reserved_flag_make_no_fragment(void **state)
{
	struct ip_host *h = *state;
	struct ip4_spec spec = usual();

	spec.field = DF;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	spec.field = RESERVED_FLAG;
	assert_int_equal(ip_host_put_spec(h, &spec), IP_DELIVER);
	assert_int_equal(h->ip.stats.reasm_reqds, 0);
}

static void test_fragments_become_one_packet_with_a_mended_header(void **state)
{
	struct ip_host *h = *state;
	uint8_t data[100];
	struct ip4_spec first = {
		.id = 77,
		.tos = 0x10,
		.ttl = 9,
		.field = MF,
		.options = "\1\1\1\0",
		.options_len = 4,
		.payload = data,
		.payload_len = 64,
	};
	struct ip4_spec last = { .id = 77, .ttl = 8, .field = 8, .payload = data + 64, .payload_len = 36 };

	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(ip_host_put_spec(h, &last), IP_DONE);
	h->frame.flags = RX_CHECKSUM_VALID;
	assert_int_equal(ip_host_put_spec(h, &first), IP_DELIVER);
	assert_int_equal(h->packet.payload.len, sizeof data);
	assert_memory_equal(h->packet.payload.data, data, sizeof data);
	assert_int_equal(h->packet.ttl, 9);
	assert_int_equal(h->packet.tos, 0x10);
	assert_false(h->packet.checksum_valid);
	assert_int_equal(h->packet.header.len, 24);
	assert_ptr_equal(h->packet.header.data + 24, h->packet.payload.data);
	assert_int_equal(load_be16(h->packet.header.data + 2), 124);
	assert_int_equal(load_be16(h->packet.header.data + 6), 0);
	assert_int_equal(checksum_finish(checksum_add(0, h->packet.header.data, 24)), 0);
	assert_int_equal(h->ip.stats.in_receives, 2);
	assert_int_equal(h->ip.stats.in_delivers, 1);
	assert_int_equal(h->ip.stats.reasm_reqds, 2);
	assert_int_equal(h->ip.stats.reasm_oks, 1);
	assert_int_equal(ip_host_drops(h), 0);
}

/* Of several stacks the one that puts it together need not be the one that it is for. */
static bool takes_it_if_long(void *context, const struct ip_packet *whole)
{
	*(size_t *)context = whole->payload.len;
	assert_int_equal(checksum_finish(checksum_add(0, whole->header.data, whole->header.len)), 0);
	assert_ptr_equal(whole->header.data + whole->header.len, whole->payload.data);
	return whole->payload.len > 100;
}

static void test_packet_of_fragments_can_be_another_stacks(void **state)
{
	struct ip_host *h = *state;
	uint8_t data[200] = { 0 };
	struct ip4_spec first = { .id = 1, .field = MF, .payload = data, .payload_len = 64 };
	struct ip4_spec last = { .id = 1, .field = 8, .payload = data, .payload_len = 36 };
	size_t shown = 0;

	ip_divert(&h->ip, takes_it_if_long, &shown);
	assert_int_equal(ip_host_put_spec(h, &first), IP_DONE);
	assert_int_equal(shown, 0);
	assert_int_equal(ip_host_put_spec(h, &last), IP_DELIVER);
	assert_int_equal(shown, 100);
	last.payload_len = 37;
	assert_int_equal(ip_host_put_spec(h, &first), IP_DONE);
	assert_int_equal(ip_host_put_spec(h, &last), IP_DONE);
	assert_int_equal(shown, 101);
	assert_int_equal(h->ip.stats.in_delivers, 1);
	first.field = 0;
	assert_int_equal(ip_host_put_spec(h, &first), IP_DELIVER);
	assert_int_equal(shown, 101);
	assert_int_equal(ip_host_drops(h), 0);
}

static void test_tcp_header_split_over_fragments_is_refused_rfc3128(void **state)
{
	struct ip_host *h = *state;
	uint8_t data[64] = { 0 };
	struct ip4_spec tiny = {
		.protocol = IP_PROTO_TCP, .id = 1, .field = MF, .payload = data, .payload_len = 16
	};
	struct ip4_spec second = {
		.protocol = IP_PROTO_TCP, .id = 2, .field = 1, .payload = data, .payload_len = 16
	};

	expect_spec_drop(h, &tiny, DROP_FRAGMENT_MALFORMED);
	expect_spec_drop(h, &second, DROP_FRAGMENT_MALFORMED);
	tiny.payload_len = 24;
	assert_int_equal(ip_host_put_spec(h, &tiny), IP_DONE);
	tiny.protocol = IP_PROTO_UDP;
	tiny.payload_len = 8;
	assert_int_equal(ip_host_put_spec(h, &tiny), IP_DONE);
	assert_int_equal(ip_host_drops(h), 1 + 1);
}

/* --- output --- */

static unsigned released;

static void count_release(struct span_owner *owner)
{
	(void)owner;
	released++;
}

static struct ip_send to(uint32_t dst)
{
	return (struct ip_send){ .src = ip_addr_from_4(IP_HOST_US),
				 .dst = ip_addr_from_4(dst),
				 .protocol = IP_PROTO_TCP };
}

/* A frame with an 8 byte header "ABCDEFGH" and the payload given. */
static struct tx_frame *begin(struct ip_host *h, const void *payload, size_t len)
{
	struct tx_frame *f = link_tx_slot(&h->link);

	assert_non_null(f);
	memcpy(tx_push(f, 8), "ABCDEFGH", 8);
	if (len > 0)
		assert_true(tx_add_payload(f, payload, len));
	return f;
}

static void test_header_byte_by_byte_rfc791_3_1(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		0x45, 0x00, 0x00, 0x21, /* version, IHL, TOS; total length 33 */
		0x00, 0x00, 0x40, 0x00, /* ID 0, DF: atomic (RFC 6864) */
		0x40, 0x06, 0x26, 0x33, /* TTL 64, TCP, checksum */
		10, 77, 0, 2,
		10, 77, 0, 9,
		'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'p', 'a', 'y', 'l', 'o',
	};
	/* clang-format on */
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	struct bytes sent;

	assert_int_equal(ip_output(&h->ip, begin(h, "payload", 5), &how), DROP_NONE);
	assert_int_equal(ip_host_n_sent(h), 1);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.len, sizeof want);
	assert_memory_equal(sent.data, want, sizeof want);
	assert_memory_equal(sent.data - 14, "\x02\0\0\0\1\x09\x02\0\0\0\0\2\x08\0", 14);
	assert_int_equal(h->ip.stats.out_requests, 1);
}

static void test_ttl_and_tos_are_the_senders(void **state)
{
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	struct bytes sent;

	how.ttl = 255;
	how.tos = 0xb8;
	assert_int_equal(ip_output(&h->ip, begin(h, NULL, 0), &how), DROP_NONE);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.data[1], 0xb8);
	assert_int_equal(sent.data[8], 255);
	assert_int_equal(checksum_finish(checksum_add(0, sent.data, 20)), 0);
}

static void test_packet_that_may_be_fragmented_has_a_random_id_and_no_df(void **state)
{
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	uint16_t ids[16];
	unsigned steps = 0;

	how.may_fragment = true;
	for (unsigned i = 0; i < ARRAY_LENGTH(ids); i++) {
		struct bytes sent;

		assert_int_equal(ip_output(&h->ip, begin(h, NULL, 0), &how), DROP_NONE);
		sent = ip_host_sent(h, i);
		assert_int_equal(load_be16(sent.data + 6), 0);
		ids[i] = load_be16(sent.data + 4);
		steps += i > 0 && (uint16_t)(ids[i] - ids[i - 1]) <= 1;
	}
	assert_int_equal(steps, 0); /* neither constant nor a counter */
}

static void test_far_packets_go_to_the_gateway(void **state)
{
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_FAR);
	struct bytes sent;

	assert_int_equal(ip_output(&h->ip, begin(h, NULL, 0), &how), DROP_NONE);
	sent = ip_host_sent(h, 0);
	assert_int_equal(sent.data[-14 + 5], 1); /* the gateway's MAC */
	assert_int_equal(load_be32(sent.data + 16), IP_HOST_FAR);
}

static void test_broadcasts_go_to_the_broadcast_mac(void **state)
{
	static const uint32_t broadcasts[] = { 0xffffffff, IP_HOST_BROADCAST };
	struct ip_host *h = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct ip_send how = to(broadcasts[i]);

		assert_int_equal(ip_output(&h->ip, begin(h, NULL, 0), &how), DROP_NONE);
		assert_memory_equal(ip_host_sent(h, i).data - 14, "\xff\xff\xff\xff\xff\xff", 6);
	}
}

static void test_no_route_is_counted_and_releases_the_frame(void **state)
{
	struct ip_host *h = *state;
	struct span_owner owner;
	struct ip_send how = to(IP_HOST_FAR);
	struct tx_frame *f = begin(h, "x", 1);

	h->ip.n_routes = 1; /* the on-link one */
	released = 0;
	span_owner_init(&owner, count_release);
	f->owner = &owner;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_IP_NO_ROUTE);
	assert_int_equal(released, 1);
	assert_int_equal(h->world.drops[DROP_IP_NO_ROUTE], 1);
	assert_int_equal(ip_host_drops(h), 1);
	assert_int_equal(ip_host_n_sent(h), 0);
}

static void test_mtu_is_the_limit_unless_cut_later(void **state)
{
	static const uint8_t data[65536];
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	struct span_owner owner;
	struct tx_frame *f;

	assert_int_equal(ip_output(&h->ip, begin(h, data, 1500 - 28), &how), DROP_NONE);
	released = 0;
	span_owner_init(&owner, count_release);
	f = begin(h, data, 1500 - 28 + 1);
	f->owner = &owner;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_IP_TOO_BIG);
	assert_int_equal(released, 1);
	assert_int_equal(h->world.drops[DROP_IP_TOO_BIG], 1);
	assert_int_equal(ip_host_n_sent(h), 1);
	how.may_fragment = true;
	assert_int_equal(ip_output(&h->ip, begin(h, data, 65535 - 28 + 1), &how), DROP_IP_TOO_BIG);
	assert_int_equal(ip_host_drops(h), 2);
}

static void test_gso_frame_may_be_as_large_as_the_device_cuts(void **state)
{
	static const uint8_t data[65536];
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	struct tx_frame *f = begin(h, data, 65535 - 28);
	struct bytes sent;

	f->gso = GSO_TCP4;
	f->gso_size = 1460;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_NONE);
	sent = ip_host_sent(h, 0);
	assert_int_equal(load_be16(sent.data + 2), 65535);
	assert_int_equal(load_be16(sent.data + 6), DF);
	f = begin(h, data, 65535 - 28 + 1);
	f->gso = GSO_TCP4;
	h->link.caps.gso_max = 65536;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_IP_TOO_BIG);
	h->link.caps.gso_max = 32768;
	f = begin(h, data, 32768 - 28 + 1);
	f->gso = GSO_TCP4;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_IP_TOO_BIG);
}

/* Sends header and payload, in pieces cut at random, and puts the fragments together again. */
static void check_fragments(struct ip_host *h, uint32_t mtu, size_t len, unsigned pieces)
{
	static uint8_t data[65536], joined[65536];
	uint32_t room = (mtu - 20) & ~7u, n, at = 0;
	struct ip_send how = to(IP_HOST_PEER);
	struct tx_frame *f = begin(h, NULL, 0);
	struct span_owner owner;
	uint16_t id = 0;

	h->link.caps.mtu = mtu;
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)random_u32(&h->world.random);
	for (unsigned i = 0; i < pieces; i++) {
		size_t part = i + 1 == pieces ? len - at
					      : random_below(&h->world.random, (uint32_t)(len - at) + 1);

		assert_true(tx_add_payload(f, data + at, part));
		at += (uint32_t)part;
	}
	released = 0;
	span_owner_init(&owner, count_release);
	f->owner = &owner;
	f->note = "in pieces";
	how.may_fragment = true;
	n = ip4_frames_for(&h->ip, (uint32_t)len + 8);
	h->ip.stats = (struct ip_stats){ 0 };
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_NONE);
	assert_int_equal(h->ip.stats.out_requests, 1);
	assert_int_equal(h->ip.stats.frag_oks, 1);
	assert_int_equal(h->ip.stats.frag_creates, n);
	assert_int_equal(ip_host_n_sent(h), n);
	for (unsigned i = 0; i < n; i++) {
		struct bytes sent = ip_host_sent(h, i);
		bool is_last = i + 1 == n;

		assert_true(sent.len <= mtu);
		assert_int_equal(load_be16(sent.data + 2), sent.len);
		assert_int_equal(checksum_finish(checksum_add(0, sent.data, 20)), 0);
		assert_int_equal(load_be16(sent.data + 6), (is_last ? 0 : MF) | i * room / 8);
		if (i == 0)
			id = load_be16(sent.data + 4);
		assert_int_equal(load_be16(sent.data + 4), id);
		assert_int_equal(sent.len, 20 + (is_last ? len + 8 - i * room : room));
		memcpy(joined + i * room, sent.data + 20, sent.len - 20);
		assert_string_equal(ip_host_sent_frame(h, i)->note, "in pieces");
	}
	assert_memory_equal(joined, "ABCDEFGH", 8);
	assert_memory_equal(joined + 8, data, len);
	assert_int_equal(released, 0);
	ip_host_clear(h);
	assert_int_equal(released, 1);
}

static void test_fragments_carry_every_byte_once(void **state)
{
	static const uint32_t mtus[] = { 1500, 1280, 576, 1499, 9000 };
	struct ip_host *h = *state;

	for (unsigned round = 0; round < 300; round++) {
		uint32_t mtu = mtus[round % ARRAY_LENGTH(mtus)];
		uint32_t least = mtu - 28 + 1;
		size_t len = least + random_below(&h->world.random, 65507 - least + 1);

		check_fragments(h, mtu, len, 1 + random_below(&h->world.random, TX_PIECES));
	}
	check_fragments(h, 1500, 1480 - 8 + 1, 1);
	check_fragments(h, 1500, 1480 * 2 - 8, 1); /* the last fragment is full */
	check_fragments(h, 1500, 65507, 1);
	check_fragments(h, 68, 48 * 200 - 8, 3);
}

static void test_fragments_are_sent_all_or_none(void **state)
{
	static const uint8_t data[65507];
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER);
	struct span_owner owner;
	struct tx_frame *f;

	while (link_tx_room(&h->link) > 44)
		assert_int_equal(ip_output(&h->ip, begin(h, NULL, 0), &how), DROP_NONE);
	how.may_fragment = true;
	f = begin(h, data, sizeof data); /* 45 fragments */
	released = 0;
	span_owner_init(&owner, count_release);
	f->owner = &owner;
	assert_int_equal(ip_output(&h->ip, f, &how), DROP_TX_RING_FULL);
	assert_int_equal(released, 1);
	assert_int_equal(ip_host_drops(h), 1);
	assert_int_equal(link_tx_room(&h->link), 44);
	assert_int_equal(ip_output(&h->ip, begin(h, data, 44 * 1480 - 8), &how), DROP_NONE);
	assert_int_equal(link_tx_room(&h->link), 0);
}

static void test_fragments_to_an_unknown_neighbour_lose_no_reference(void **state)
{
	static const uint8_t data[65507];
	struct ip_host *h = *state;
	struct ip_send how = to(IP_HOST_PEER + 1);
	struct span_owner owner;
	struct tx_frame *f = begin(h, data, 20000);

	released = 0;
	span_owner_init(&owner, count_release);
	f->owner = &owner;
	how.may_fragment = true;
	(void)ip_output(&h->ip, f, &how);
	ip_host_clear(h);
	assert_int_equal(released, 1);
}

/* Random bytes, and good packets with random damage and mended checksum: no verdict is wrong form, all is
 * counted once. */
static void test_random_packets(void **state)
{
	struct ip_host *h = *state;
	struct random *r = &h->world.random;
	uint8_t packet[200];

	for (unsigned round = 0; round < 200000; round++) {
		uint8_t data[120];
		struct ip4_spec spec = {
			.protocol = (uint8_t[]){ 1, 6, 17, 99 }[random_below(r, 4)],
			.field = random_chance(r, 300000) ? (uint16_t)random_below(r, 0x2010) : 0,
			.id = (uint16_t)random_below(r, 3),
			.options = data,
			.options_len = random_below(r, 11) * 4,
			.payload = data,
			.payload_len = random_below(r, 100),
		};
		uint64_t before = ip_host_drops(h);
		size_t len;
		enum ip_verdict verdict;

		for (unsigned i = 0; i < sizeof data; i++)
			data[i] = (uint8_t)random_u32(r);
		len = ip4_build(packet, &spec);
		for (unsigned n = random_below(r, 4); n > 0; n--)
			packet[random_below(r, (uint32_t)len)] = (uint8_t)random_u32(r);
		if (random_chance(r, 900000) && len >= (packet[0] & 15u) * 4)
			ip4_mend_checksum(packet);
		len -= random_chance(r, 100000) ? random_below(r, (uint32_t)len + 1) : 0;
		h->reason = DROP_REASON_COUNT;
		verdict = ip_host_put(h, packet, len);
		ip_host_advance(h, 100);
		if (verdict == IP_DROPPED) {
			assert_in_range(h->reason, DROP_NONE + 1, DROP_REASON_COUNT - 1);
			assert_true(ip_host_drops(h) > before);
		} else {
			assert_int_equal(h->reason, DROP_NONE);
		}
		if (verdict == IP_DELIVER)
			assert_true(h->packet.payload.len <= 65515);
		ip_host_clear(h);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_good_packet_is_delivered_with_all_it_says),
		T(test_offload_marks_are_passed_on),
		T(test_padding_behind_the_packet_is_cut_off),
		T(test_packet_without_payload_is_delivered),
		T(test_every_cut_of_a_packet_is_ip_short),
		T(test_version),
		T(test_header_length),
		T(test_every_flipped_header_bit_is_found),
		T(test_ttl_of_0_and_1_is_good_enough_for_the_final_host_rfc1122_3_2_1_7),
		T(test_sources_that_nobody_may_have_rfc1122_3_2_1_3),
		T(test_packets_for_others_are_never_forwarded),
		T(test_broadcasts_are_flagged),
		T(test_each_address_has_its_broadcast),
		T(test_no_directed_broadcast_on_31_and_32_bit_prefixes_rfc3021),
		T(test_options_are_walked_and_skipped_rfc791_3_1),
		T(test_options_of_impossible_length),
		T(test_source_routes_are_refused_rfc7126),
		T(test_unknown_protocol_is_dropped_and_reported),
		T(test_df_and_the_reserved_flag_make_no_fragment),
		T(test_fragments_become_one_packet_with_a_mended_header),
		T(test_packet_of_fragments_can_be_another_stacks),
		T(test_tcp_header_split_over_fragments_is_refused_rfc3128),
		T(test_header_byte_by_byte_rfc791_3_1),
		T(test_ttl_and_tos_are_the_senders),
		T(test_packet_that_may_be_fragmented_has_a_random_id_and_no_df),
		T(test_far_packets_go_to_the_gateway),
		T(test_broadcasts_go_to_the_broadcast_mac),
		T(test_no_route_is_counted_and_releases_the_frame),
		T(test_mtu_is_the_limit_unless_cut_later),
		T(test_gso_frame_may_be_as_large_as_the_device_cuts),
		T(test_fragments_carry_every_byte_once),
		T(test_fragments_are_sent_all_or_none),
		T(test_fragments_to_an_unknown_neighbour_lose_no_reference),
		T(test_random_packets),
	};

	return cmocka_run_group_tests_name("ip4", tests, NULL, NULL);
}
