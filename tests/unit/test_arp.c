/* ARP: every byte of every packet, what is learnt and what is not (RFC 826), announcements and conflicts
 * (RFC 5227). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/link_host.h"

enum { THIRD = 0x0a4d0021 }; /* 10.77.0.33, not us */

static const uint64_t second_us = 1000000;

/* A well-formed request from 10.77.0.9 at 02:00:00:00:01:09 for 10.77.0.2. */
static const uint8_t request[28] = {
	0, 1, 0x08, 0x00, 6, 4, 0, 1,           /* Ethernet, IPv4, lengths, request */
	0x02, 0, 0, 0, 1, 9, 10, 77, 0, 9,      /* sender */
	0, 0, 0, 0, 0, 0, 10, 77, 0, 2,         /* target */
};

static const uint8_t announcement[42] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 2, 0x08, 0x06, /* Ethernet */
	0, 1, 0x08, 0x00, 6, 4, 0, 1,
	0x02, 0, 0, 0, 0, 2, 10, 77, 0, 2,
	0, 0, 0, 0, 0, 0, 10, 77, 0, 2,
};

static int host_with_address(void **state)
{
	struct link_host *h = link_host_new(1500, 1);

	link_host_claim(h);
	*state = h;
	return 0;
}

static int host_without_address(void **state)
{
	*state = link_host_new(1500, 1);
	return 0;
}

static int free_host(void **state)
{
	link_host_free(*state);
	return 0;
}

static struct neighbour *find(struct link_host *h, uint32_t ip)
{
	const struct ip_addr a = ip_addr_from_4(ip);

	return neighbour_find(h->link.neighbours, &a);
}

static const struct mac_addr *known_mac(struct link_host *h, uint32_t ip)
{
	const struct neighbour *n = find(h, ip);

	assert_non_null(n);
	return &n->mac;
}

/* A frame of this ARP packet, to the broadcast address. */
static enum drop_reason put_packet(struct link_host *h, const uint8_t *packet, size_t len)
{
	uint8_t frame[14 + 64];

	assert_true(len <= 64);
	memcpy(frame, (const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 1, 9, 0x08, 0x06 },
	       14);
	memcpy(frame + 14, packet, len);
	return link_host_put(h, frame, 14 + len);
}

static enum drop_reason put_changed(struct link_host *h, size_t at, const void *bytes, size_t len)
{
	uint8_t packet[28];

	memcpy(packet, request, sizeof packet);
	memcpy(packet + at, bytes, len);
	return put_packet(h, packet, sizeof packet);
}

static void parse_takes_each_field_from_its_place(void **state)
{
	static const uint8_t packet[30] = {
		0, 1, 8, 0, 6, 4, 0, 2, 2, 3, 4, 5, 6, 7, 192, 0, 2, 1, 8, 9, 10, 11, 12, 13, 198, 51, 100, 7,
		0xee, 0xee,
	};
	struct arp_packet p;

	(void)state;
	assert_true(arp_parse(bytes_of(packet, 30), &p));
	assert_int_equal(p.operation, ARP_REPLY);
	assert_memory_equal(p.sender_mac.b, "\2\3\4\5\6\7", 6);
	assert_int_equal(p.sender_ip, 0xc0000201);
	assert_memory_equal(p.target_mac.b, "\x08\x09\x0a\x0b\x0c\x0d", 6);
	assert_int_equal(p.target_ip, 0xc6336407);
}

static void emit_is_the_inverse_of_parse(void **state)
{
	uint8_t out[ARP_PACKET_LEN];
	struct arp_packet p;

	(void)state;
	assert_true(arp_parse(bytes_of(request, sizeof request), &p));
	arp_emit(&p, out);
	assert_memory_equal(out, request, sizeof request);
}

static void a_short_packet_is_malformed(void **state)
{
	struct link_host *h = *state;

	for (size_t len = 0; len < sizeof request; len++)
		assert_int_equal(put_packet(h, request, len), DROP_ARP_MALFORMED);
	assert_int_equal(h->world.drops[DROP_ARP_MALFORMED], sizeof request);
	assert_int_equal(link_host_drops(h), sizeof request);
	link_host_expect_nothing(h);
}

static void wrong_types_and_lengths_are_malformed(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(put_changed(h, 0, "\0\6", 2), DROP_ARP_MALFORMED); /* IEEE 802 hardware */
	assert_int_equal(put_changed(h, 0, "\1\1", 2), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 2, "\x08\x06", 2), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 4, "\5", 1), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 4, "\x08", 1), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 5, "\3", 1), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 5, "\x10", 1), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 6, "\0\0", 2), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 6, "\0\3", 2), DROP_ARP_MALFORMED); /* RARP request */
	assert_int_equal(put_changed(h, 6, "\1\1", 2), DROP_ARP_MALFORMED);
	link_host_expect_nothing(h);
	assert_null(find(h, LINK_HOST_PEER));
}

static void a_sender_that_cannot_be_is_malformed(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(put_changed(h, 8, "\3\0\0\0\1\x09", 6), DROP_ARP_MALFORMED); /* multicast */
	assert_int_equal(put_changed(h, 8, "\xff\xff\xff\xff\xff\xff", 6), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 8, "\0\0\0\0\0\0", 6), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 8, "\2\0\0\0\0\2", 6), DROP_ARP_MALFORMED); /* our own */
	assert_int_equal(put_changed(h, 14, "\xff\xff\xff\xff", 4), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 14, "\xe0\0\0\x01", 4), DROP_ARP_MALFORMED); /* 224.0.0.1 */
	assert_int_equal(put_changed(h, 14, "\xef\xff\xff\xff", 4), DROP_ARP_MALFORMED);
	assert_int_equal(put_changed(h, 14, "\x7f\0\0\x01", 4), DROP_ARP_MALFORMED); /* 127.0.0.1 */
	link_host_expect_nothing(h);
	assert_int_equal(h->link.neighbours->n_entries, 0);
	assert_int_equal(h->link.arp->stats.requests_in, 0);
}

static void a_request_for_us_is_answered_by_unicast(void **state)
{
	static const uint8_t reply[42] = {
		0x02, 0, 0, 0, 1, 9, 0x02, 0, 0, 0, 0, 2, 0x08, 0x06,
		0, 1, 0x08, 0x00, 6, 4, 0, 2,
		0x02, 0, 0, 0, 0, 2, 10, 77, 0, 2,
		0x02, 0, 0, 0, 1, 9, 10, 77, 0, 9,
	};
	struct link_host *h = *state;

	assert_int_equal(put_packet(h, request, sizeof request), DROP_NONE);
	assert_int_equal(h->ethertype, 0);
	assert_string_equal(h->link.tx[0].note, "ARP reply");
	link_host_expect(h, reply, sizeof reply);
	assert_int_equal(h->link.arp->stats.requests_in, 1);
	assert_int_equal(h->link.arp->stats.replies_out, 1);
}

static void a_request_for_us_teaches_who_asks_rfc826(void **state)
{
	struct link_host *h = *state;

	put_packet(h, request, sizeof request);
	assert_true(mac_equal(known_mac(h, LINK_HOST_PEER), &link_host_peer_mac));
	assert_int_equal(find(h, LINK_HOST_PEER)->state, NEIGHBOUR_STALE);
}

static void padding_behind_the_packet_is_ignored(void **state)
{
	uint8_t padded[46];
	struct link_host *h = *state;

	memset(padded, 0xa5, sizeof padded);
	memcpy(padded, request, sizeof request);
	assert_int_equal(put_packet(h, padded, sizeof padded), DROP_NONE);
	assert_int_equal(h->link.n_tx, 1);
	assert_int_equal(link_host_sent(h, 0).len, 42);
}

static void a_request_for_another_teaches_nothing_new(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &link_host_peer_mac, THIRD),
			 DROP_ARP_NOT_OURS);
	assert_int_equal(link_host_drops(h), 1);
	assert_null(find(h, LINK_HOST_PEER));
	assert_null(find(h, THIRD));
	link_host_expect_nothing(h);
}

static void whoever_is_known_is_updated_by_any_packet_of_his_rfc826(void **state)
{
	const struct mac_addr moved = { { 2, 0, 0, 0, 7, 7 } }, again = { { 2, 0, 0, 0, 8, 8 } };
	struct link_host *h = *state;

	put_packet(h, request, sizeof request);
	link_tx_done(&h->link);
	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &moved, THIRD), DROP_NONE);
	assert_true(mac_equal(known_mac(h, LINK_HOST_PEER), &moved));
	/* A gratuitous reply: sender and target are the same. */
	assert_int_equal(link_host_put_arp(h, ARP_REPLY, LINK_HOST_PEER, &again, LINK_HOST_PEER), DROP_NONE);
	assert_true(mac_equal(known_mac(h, LINK_HOST_PEER), &again));
	link_host_expect_nothing(h);
	assert_int_equal(link_host_drops(h), 0);
}

static void a_reply_nobody_asked_for_creates_nothing(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(link_host_put_arp(h, ARP_REPLY, LINK_HOST_PEER, &link_host_peer_mac, LINK_HOST_US),
			 DROP_ARP_NOT_OURS);
	assert_int_equal(link_host_put_arp(h, ARP_REPLY, THIRD, &link_host_peer_mac, THIRD),
			 DROP_ARP_NOT_OURS);
	assert_int_equal(h->link.neighbours->n_entries, 0);
	assert_int_equal(link_host_drops(h), 2);
	link_host_expect_nothing(h);
}

static void another_hosts_announcement_creates_nothing(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, THIRD, &link_host_peer_mac, THIRD),
			 DROP_ARP_NOT_OURS);
	assert_null(find(h, THIRD));
}

static void a_probe_is_answered_and_teaches_nothing_rfc5227_1_1(void **state)
{
	static const uint8_t reply[42] = {
		0x02, 0, 0, 0, 1, 9, 0x02, 0, 0, 0, 0, 2, 0x08, 0x06,
		0, 1, 0x08, 0x00, 6, 4, 0, 2,
		0x02, 0, 0, 0, 0, 2, 10, 77, 0, 2,
		0x02, 0, 0, 0, 1, 9, 0, 0, 0, 0,
	};
	struct link_host *h = *state;

	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, 0, &link_host_peer_mac, LINK_HOST_US), DROP_NONE);
	link_host_expect(h, reply, sizeof reply);
	assert_int_equal(h->link.neighbours->n_entries, 0);
	assert_int_equal(h->link.arp->stats.conflicts, 0);
	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, 0, &link_host_peer_mac, THIRD), DROP_ARP_NOT_OURS);
	link_host_expect_nothing(h);
}

static void a_new_address_is_announced_twice_rfc5227_2_3(void **state)
{
	const struct ip_addr us = ip_addr_from_4(LINK_HOST_US);
	struct link_host *h = *state;

	assert_int_equal(link_add_address(&h->link, &us), 0);
	assert_string_equal(h->link.tx[0].note, "ARP announcement");
	link_host_expect(h, announcement, sizeof announcement);
	link_host_advance(h, 2 * second_us - 1);
	link_host_expect_nothing(h);
	link_host_advance(h, TIMER_TICK_US);
	link_host_expect(h, announcement, sizeof announcement);
	link_host_advance(h, 3600 * second_us);
	link_host_expect_nothing(h);
	assert_int_equal(h->link.arp->stats.requests_out, 2);
}

static void each_address_is_announced_and_answered_for(void **state)
{
	struct link_host *h = *state;

	for (uint32_t i = 0; i < LINK_MAX_ADDRESSES; i++) {
		const struct ip_addr a = ip_addr_from_4(0x0a4d0100 + i);

		assert_int_equal(link_add_address(&h->link, &a), 0);
	}
	assert_int_equal(h->link.n_tx, LINK_MAX_ADDRESSES);
	link_tx_done(&h->link);
	link_host_advance(h, 2 * second_us);
	assert_int_equal(h->link.n_tx, LINK_MAX_ADDRESSES);
	link_tx_done(&h->link);
	for (uint32_t i = 0; i < LINK_MAX_ADDRESSES; i++) {
		assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &link_host_peer_mac,
						   0x0a4d0100 + i),
				 DROP_NONE);
		assert_int_equal(h->link.n_tx, 1);
		assert_int_equal(load_be32(link_host_sent(h, 0).data + 28), 0x0a4d0100 + i);
		link_tx_done(&h->link);
	}
}

static void a_request_comes_from_our_address_nearest_to_the_target(void **state)
{
	/* 192.0.2.1, 10.77.0.2, 10.77.128.2 */
	static const uint32_t ours[] = { 0xc0000201, 0x0a4d0002, 0x0a4d8002 };
	static const uint32_t pairs[][2] = {
		{ 0xc0000299, 0xc0000201 },
		{ 0x0a4d0063, 0x0a4d0002 },
		{ 0x0a4d80ff, 0x0a4d8002 },
		{ 0x0a4d8002, 0x0a4d8002 },
	};
	struct link_host *h = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(ours); i++) {
		const struct ip_addr a = ip_addr_from_4(ours[i]);

		assert_int_equal(link_add_address(&h->link, &a), 0);
	}
	link_tx_done(&h->link);
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		const struct ip_addr target = ip_addr_from_4(pairs[i][0]);

		arp_send_request(&h->link, &target, NULL);
		assert_int_equal(load_be32(link_host_sent(h, 0).data + 28), pairs[i][1]);
		link_tx_done(&h->link);
	}
}

static void without_an_address_nobody_is_asked(void **state)
{
	const struct ip_addr target = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;

	arp_send_request(&h->link, &target, NULL);
	link_host_expect_nothing(h);
	assert_int_equal(h->link.arp->stats.requests_out, 0);
	assert_int_equal(put_packet(h, request, sizeof request), DROP_ARP_NOT_OURS);
}

static void requests_are_broadcast_and_polls_unicast_rfc1122_2_3_2_1(void **state)
{
	const struct ip_addr target = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;

	arp_send_request(&h->link, &target, NULL);
	assert_string_equal(h->link.tx[0].note, "ARP request");
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
	arp_send_request(&h->link, &target, &link_host_peer_mac);
	assert_string_equal(h->link.tx[0].note, "ARP request (unicast poll)");
	link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
	assert_int_equal(h->link.arp->stats.requests_out, 1 + 2); /* with the announcement */
}

static void a_conflict_is_defended_and_logged_once_in_ten_seconds_rfc5227_2_4(void **state)
{
	const struct mac_addr other = { { 0x02, 0, 0, 0, 0, 7 } };
	struct link_host *h = *state;

	link_host_advance(h, 60 * second_us);
	link_tx_done(&h->link);
	for (int interval = 1; interval <= 3; interval++) {
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(link_host_put_arp(h, i % 2 == 0 ? ARP_REQUEST : ARP_REPLY,
							   LINK_HOST_US, &other, THIRD),
					 DROP_NONE);
		assert_int_equal(h->log_lines, interval);
		assert_non_null(strstr(h->log_text, "warning"));
		assert_non_null(strstr(h->log_text, "10.77.0.2 is also claimed by 02:00:00:00:00:07"));
		link_host_expect(h, announcement, sizeof announcement);
		link_host_advance(h, 10 * second_us - 1);
		link_host_put_arp(h, ARP_REQUEST, LINK_HOST_US, &other, LINK_HOST_US);
		link_host_expect_nothing(h);
		link_host_advance(h, 1);
	}
	assert_int_equal(h->link.arp->stats.conflicts, 303);
	assert_int_equal(h->link.neighbours->n_entries, 0);
	assert_int_equal(link_host_drops(h), 0);
}

static void a_conflict_over_one_address_leaves_the_others_alone(void **state)
{
	const struct ip_addr second = ip_addr_from_4(0x0a4d0003);
	struct link_host *h = *state;

	assert_int_equal(link_add_address(&h->link, &second), 0);
	link_tx_done(&h->link);
	link_host_put_arp(h, ARP_REQUEST, LINK_HOST_US, &link_host_peer_mac, THIRD);
	link_host_put_arp(h, ARP_REQUEST, 0x0a4d0003, &link_host_peer_mac, THIRD);
	assert_int_equal(h->log_lines, 2);
	assert_int_equal(h->link.n_tx, 2);
	assert_int_equal(load_be32(link_host_sent(h, 0).data + 38), LINK_HOST_US);
	assert_int_equal(load_be32(link_host_sent(h, 1).data + 38), 0x0a4d0003);
}

/* The first one announces, answers and defends for them too. */
static void of_several_stacks_on_a_port_the_others_learn_and_are_silent(void **state)
{
	const struct ip_addr us = ip_addr_from_4(LINK_HOST_US);
	struct link_host *h = *state;

	h->link.caps.queue = 1;
	assert_int_equal(link_add_address(&h->link, &us), 0);
	link_host_advance(h, 10 * second_us);
	link_host_expect_nothing(h);
	assert_int_equal(put_packet(h, request, sizeof request), DROP_NONE);
	link_host_put_arp(h, ARP_REQUEST, LINK_HOST_US, &link_host_peer_mac, THIRD);
	link_host_expect_nothing(h);
	assert_int_equal(h->log_lines, 0);
	assert_true(mac_equal(known_mac(h, LINK_HOST_PEER), &link_host_peer_mac));
	link_host_send(h, THIRD, "x", 1, NULL);
	link_host_expect_request(h, THIRD, &mac_broadcast);
}

static void a_full_ring_costs_the_answer_and_is_counted(void **state)
{
	struct link_host *h = *state;
	unsigned n;

	for (n = 0; n < LINK_TX_RING + 10; n++)
		assert_int_equal(put_packet(h, request, sizeof request), DROP_NONE);
	assert_int_equal(h->link.n_tx, LINK_TX_RING);
	assert_int_equal(h->link.arp->stats.replies_out, LINK_TX_RING);
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 10);
}

/* Packets with a right head and random rest, and random bits turned over: whatever comes out of them, the
 * books balance. */
static void random_packets_leave_the_table_sane(void **state)
{
	struct link_host *h = *state;
	struct random r;

	random_init(&r, 826);
	for (int i = 0; i < 50000; i++) {
		uint8_t packet[64];
		size_t len = random_below(&r, 47);

		for (size_t j = 0; j < sizeof packet; j++)
			packet[j] = (uint8_t)random_u32(&r);
		memcpy(packet, request, 8 + random_below(&r, 20));
		if (random_chance(&r, 300000))
			packet[random_below(&r, 28)] ^= (uint8_t)(1 << random_below(&r, 8));
		if (random_chance(&r, 500000)) {
			memcpy(packet + 24, request + 24, 4);
			packet[7] = (uint8_t)(1 + random_below(&r, 2));
			len = 28;
		}
		put_packet(h, packet, len);
		link_tx_done(&h->link);
		if (random_chance(&r, 1000))
			link_host_advance(h, random_below(&r, 100) * second_us);
	}
	assert_true(h->link.neighbours->n_entries <= NEIGHBOUR_MAX);
	assert_true(h->link.arp->stats.replies_out > 0);
	assert_true(h->world.drops[DROP_ARP_MALFORMED] > 0);
	for (unsigned i = 0; i < NEIGHBOUR_MAX; i++) {
		const struct neighbour *n = &h->link.neighbours->entries[i];

		if (n->state == NEIGHBOUR_FREE)
			continue;
		assert_false(mac_is_group(&n->mac));
		assert_false(mac_equal(&n->mac, &link_host_mac));
		assert_false(ip_addr_is_multicast(&n->addr));
	}
}

#define WITH_ADDRESS(test) cmocka_unit_test_setup_teardown(test, host_with_address, free_host)
#define WITHOUT_ADDRESS(test) cmocka_unit_test_setup_teardown(test, host_without_address, free_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_takes_each_field_from_its_place),
		cmocka_unit_test(emit_is_the_inverse_of_parse),
		WITH_ADDRESS(a_short_packet_is_malformed),
		WITH_ADDRESS(wrong_types_and_lengths_are_malformed),
		WITH_ADDRESS(a_sender_that_cannot_be_is_malformed),
		WITH_ADDRESS(a_request_for_us_is_answered_by_unicast),
		WITH_ADDRESS(a_request_for_us_teaches_who_asks_rfc826),
		WITH_ADDRESS(padding_behind_the_packet_is_ignored),
		WITH_ADDRESS(a_request_for_another_teaches_nothing_new),
		WITH_ADDRESS(whoever_is_known_is_updated_by_any_packet_of_his_rfc826),
		WITH_ADDRESS(a_reply_nobody_asked_for_creates_nothing),
		WITH_ADDRESS(another_hosts_announcement_creates_nothing),
		WITH_ADDRESS(a_probe_is_answered_and_teaches_nothing_rfc5227_1_1),
		WITHOUT_ADDRESS(a_new_address_is_announced_twice_rfc5227_2_3),
		WITHOUT_ADDRESS(each_address_is_announced_and_answered_for),
		WITHOUT_ADDRESS(a_request_comes_from_our_address_nearest_to_the_target),
		WITHOUT_ADDRESS(without_an_address_nobody_is_asked),
		WITH_ADDRESS(requests_are_broadcast_and_polls_unicast_rfc1122_2_3_2_1),
		WITH_ADDRESS(a_conflict_is_defended_and_logged_once_in_ten_seconds_rfc5227_2_4),
		WITH_ADDRESS(a_conflict_over_one_address_leaves_the_others_alone),
		WITHOUT_ADDRESS(of_several_stacks_on_a_port_the_others_learn_and_are_silent),
		WITH_ADDRESS(a_full_ring_costs_the_answer_and_is_counted),
		WITH_ADDRESS(random_packets_leave_the_table_sane),
	};

	return cmocka_run_group_tests_name("arp", tests, NULL, NULL);
}
