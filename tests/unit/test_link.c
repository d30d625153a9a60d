/* The interface: what goes up, the tx ring and its one open slot, owners, and two links that find each
 * other over a wire. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/link_host.h"
#include "link/wire.h"

static const uint64_t second_us = 1000000;

static int new_host(void **state)
{
	struct link_host *h = link_host_new(1500, 1);

	link_host_claim(h);
	*state = h;
	return 0;
}

static int free_host(void **state)
{
	link_host_free(*state);
	return 0;
}

static void ip_goes_to_the_layer_above(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(link_host_put(h, "\2\0\0\0\0\2\2\0\0\0\0\7\x08\0ipv4", 18), DROP_NONE);
	assert_int_equal(h->ethertype, ETH_TYPE_IPV4);
	assert_int_equal(h->payload.len, 4);
	assert_memory_equal(h->payload.data, "ipv4", 4);
	assert_int_equal(link_host_put(h, "\x33\x33\0\0\0\1\2\0\0\0\0\7\x86\xddipv6", 18), DROP_NONE);
	assert_int_equal(h->ethertype, ETH_TYPE_IPV6);
	assert_memory_equal(h->payload.data, "ipv6", 4);
	assert_int_equal(link_host_drops(h), 0);
}

static void arp_is_dealt_with_here(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &link_host_peer_mac, LINK_HOST_US),
			 DROP_NONE);
	assert_int_equal(h->ethertype, 0);
	assert_int_equal(h->link.n_tx, 1);
}

static void expect_drop(struct link_host *h, const void *frame, size_t len, enum drop_reason reason)
{
	uint64_t before = h->world.drops[reason], all = link_host_drops(h);

	assert_int_equal(link_host_put(h, frame, len), reason);
	assert_int_equal(h->world.drops[reason], before + 1);
	assert_int_equal(link_host_drops(h), all + 1);
	assert_int_equal(h->ethertype, 0);
}

static void every_drop_is_named_and_counted_once(void **state)
{
	struct link_host *h = *state;

	expect_drop(h, "\2\0\0\0\0\2\2\0\0\0\0\7\x08", 13, DROP_ETH_SHORT);
	expect_drop(h, "\2\0\0\0\0\3\2\0\0\0\0\7\x08\0", 14, DROP_ETH_NOT_OURS);
	expect_drop(h, "\2\0\0\0\0\2\3\0\0\0\0\7\x08\0", 14, DROP_ETH_SOURCE);
	expect_drop(h, "\2\0\0\0\0\2\2\0\0\0\0\7\x81\0\0\1\x08\0", 18, DROP_ETH_UNKNOWN_TYPE);
	expect_drop(h, "\2\0\0\0\0\2\2\0\0\0\0\7\x08\6", 14, DROP_ARP_MALFORMED);
}

static void random_frames_of_every_short_length_get_a_verdict(void **state)
{
	struct link_host *h = *state;
	struct random r;

	random_init(&r, 60);
	for (uint32_t round = 0; round < 61000; round++) {
		uint8_t frame[60];
		size_t len = round % 61;

		for (size_t i = 0; i < sizeof frame; i++)
			frame[i] = (uint8_t)random_u32(&r);
		if (round % 2 == 0) /* else hardly one comes past the address */
			memcpy(frame, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\7\x08\x06\0\1\x08\0\6\4\0",
			       random_below(&r, 22));
		if (link_host_put(h, frame, len) != DROP_NONE)
			assert_int_equal(h->ethertype, 0);
		else if (h->ethertype != 0)
			assert_int_equal(h->payload.len, len - 14);
		link_tx_done(&h->link);
	}
}

static bool was_broadcast(const char *frame, uint32_t len)
{
	const struct rx_frame rx = { .data = (const uint8_t *)frame, .len = len };
	static const struct link ethernet;

	return link_was_broadcast(&ethernet, &rx);
}

static void broadcast_and_multicast_are_told_from_unicast(void **state)
{
	(void)state;
	assert_true(was_broadcast("\xff\xff\xff\xff\xff\xff\2\0\0\0\0\7\x08\0", 14));
	assert_true(was_broadcast("\x01\0\x5e\0\0\1\2\0\0\0\0\7\x08\0", 14));
	assert_false(was_broadcast("\2\0\0\0\0\2\2\0\0\0\0\7\x08\0", 14));
	assert_false(was_broadcast("", 0));
}

static void a_slot_not_sent_is_given_again(void **state)
{
	struct link_host *h = *state;
	struct tx_frame *f = link_tx_slot(&h->link);

	assert_non_null(f);
	tx_push(f, 20);
	f->flags = TX_CHECKSUM_PARTIAL;
	assert_ptr_equal(link_tx_slot(&h->link), f);
	assert_int_equal(tx_len(f), 0);
	assert_int_equal(f->flags, 0);
	assert_int_equal(h->link.n_tx, 0);
	link_send_to_mac(&h->link, f, &link_host_peer_mac, ETH_TYPE_IPV4);
	assert_int_equal(h->link.n_tx, 1);
	assert_ptr_equal(link_tx_slot(&h->link), f + 1);
}

static void a_full_ring_gives_no_slot_and_counts(void **state)
{
	struct link_host *h = *state;

	for (unsigned i = 0; i < LINK_TX_RING; i++) {
		assert_int_equal(link_tx_room(&h->link), LINK_TX_RING - i);
		link_send_to_mac(&h->link, link_tx_slot(&h->link), &link_host_peer_mac, ETH_TYPE_IPV4);
	}
	assert_int_equal(link_tx_room(&h->link), 0);
	assert_null(link_tx_slot(&h->link));
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 1);
	link_tx_done(&h->link);
	assert_int_equal(link_tx_room(&h->link), LINK_TX_RING);
	assert_non_null(link_tx_slot(&h->link));
}

static unsigned released;

static void count_release(struct span_owner *owner)
{
	(void)owner;
	released++;
}

static void owners_are_released_when_their_frames_were_sent(void **state)
{
	struct link_host *h = *state;
	struct span_owner owner;

	released = 0;
	span_owner_init(&owner, count_release);
	span_owner_ref(&owner);
	for (int i = 0; i < 2; i++) {
		struct tx_frame *f = link_tx_slot(&h->link);

		f->owner = &owner;
		link_send_to_mac(&h->link, f, &link_host_peer_mac, ETH_TYPE_IPV4);
	}
	link_send_to_mac(&h->link, link_tx_slot(&h->link), &link_host_peer_mac, ETH_TYPE_IPV4);
	assert_int_equal(released, 0);
	link_tx_done(&h->link);
	assert_int_equal(released, 1);
	link_tx_done(&h->link);
	assert_int_equal(released, 1);
}

static void broadcast_and_multicast_packets_need_no_neighbour(void **state)
{
	static const struct mac_addr all_hosts = { { 0x01, 0x00, 0x5e, 0, 0, 1 } };
	struct link_host *h = *state;
	uint32_t hint = 0;

	assert_int_equal(link_host_send(h, 0xffffffff, "x", 1, &hint), DROP_NONE);
	link_host_expect_payload(h, &mac_broadcast, "x", 1);
	assert_int_equal(link_host_send(h, 0xe0000001, "y", 1, &hint), DROP_NONE);
	link_host_expect_payload(h, &all_hosts, "y", 1);
	assert_int_equal(hint, 0);
	assert_int_equal(h->link.neighbours->n_entries, 0);
}

static void addresses_are_unique_and_bounded(void **state)
{
	struct link_host *h = *state;
	struct ip_addr a = ip_addr_from_4(LINK_HOST_US);

	assert_int_equal(link_add_address(&h->link, &a), -EEXIST);
	for (uint32_t i = 1; i < LINK_MAX_ADDRESSES; i++) {
		a = ip_addr_from_4(LINK_HOST_US + i);
		assert_int_equal(link_add_address(&h->link, &a), 0);
	}
	a = ip_addr_from_4(LINK_HOST_US + LINK_MAX_ADDRESSES);
	assert_int_equal(link_add_address(&h->link, &a), -ENOSPC);
	assert_int_equal(h->link.n_addresses, LINK_MAX_ADDRESSES);
	assert_int_equal(h->link.n_tx, LINK_MAX_ADDRESSES - 1);
}

static void an_ipv6_address_is_not_announced_by_arp(void **state)
{
	struct link_host *h = *state;
	struct ip_addr a;

	assert_true(ip_addr_parse("2001:db8::2", &a));
	assert_int_equal(link_add_address(&h->link, &a), 0);
	assert_int_equal(h->link.n_addresses, 2);
	link_host_expect_nothing(h);
}

static void a_link_can_go_with_frames_in_its_ring(void **state)
{
	struct link_host *h = *state;
	struct tx_frame *f;
	struct span_owner owner;

	released = 0;
	span_owner_init(&owner, count_release);
	f = link_tx_slot(&h->link);
	f->owner = &owner;
	link_send_to_mac(&h->link, f, &link_host_peer_mac, ETH_TYPE_IPV4);
	link_host_send(h, LINK_HOST_PEER, "waits", 5, NULL);
	link_fini(&h->link);
	assert_int_equal(released, 1);
	assert_int_equal(h->world.timers.armed, 0);
	/* for the teardown */
	assert_int_equal(link_init(&h->link, &h->world, &h->link.caps, &link_host_mac), 0);
}

/* One end of a wire with a link behind it. */
struct station {
	struct world world;
	struct link link;
	struct device *device;
	struct ip_addr ip;
	char got[64]; /* what came in and was not ARP */
};

static void station_init(struct station *s, struct device *d, uint8_t number)
{
	const struct mac_addr mac = { { 2, 0, 0, 0, 0, number } };

	s->device = d;
	s->ip = ip_addr_from_4(0x0a4d0000 + number);
	assert_int_equal(world_init(&s->world, 0, number, NULL), 0);
	assert_int_equal(link_init(&s->link, &s->world, &d->caps, &mac), 0);
	assert_int_equal(link_add_address(&s->link, &s->ip), 0);
}

static void station_run(struct station *s, uint64_t now_us)
{
	struct rx_frame frames[DEVICE_BATCH];
	int n;

	world_advance(&s->world, now_us);
	while ((n = s->device->ops->recv(s->device, frames, DEVICE_BATCH, now_us)) > 0) {
		for (int i = 0; i < n; i++) {
			struct bytes payload;
			uint16_t type;

			if (link_input(&s->link, &frames[i], &type, &payload) == DROP_NONE && type != 0)
				strncat(s->got, (const char *)payload.data, payload.len);
		}
	}
	if (s->link.n_tx > 0)
		assert_int_equal(s->device->ops->send(s->device, s->link.tx, (int)s->link.n_tx, now_us),
				 s->link.n_tx);
	link_tx_done(&s->link);
}

static void station_say(struct station *s, const struct station *to, const char *text)
{
	struct tx_frame *f = link_tx_slot(&s->link);

	assert_non_null(f);
	assert_true(tx_add_payload(f, text, strlen(text)));
	assert_int_equal(link_output(&s->link, f, &to->ip, ETH_TYPE_IPV4, NULL), DROP_NONE);
}

static void two_links_find_each_other_over_a_wire(void **state)
{
	const struct wire_config config = { .delay_us = 1000 };
	static struct station a, b;
	struct device *ends[2];

	(void)state;
	assert_int_equal(wire_open(&config, &ends[0], &ends[1]), 0);
	station_init(&a, ends[0], 1);
	station_init(&b, ends[1], 2);
	station_say(&a, &b, "one ");
	station_say(&a, &b, "two ");
	station_say(&b, &a, "three ");
	for (uint64_t now_us = 0; now_us < 5000; now_us += 500) {
		station_run(&a, now_us);
		station_run(&b, now_us);
	}
	assert_string_equal(b.got, "one two ");
	assert_string_equal(a.got, "three ");
	/* An hour of silence: both ends forget; then they talk again. */
	for (uint64_t now_us = 0; now_us < 3600 * second_us; now_us += second_us / 2) {
		station_run(&a, now_us);
		station_run(&b, now_us);
	}
	assert_int_equal(a.link.neighbours->n_entries, 0);
	station_say(&b, &a, "four");
	for (uint64_t now_us = 3600 * second_us; now_us < 3600 * second_us + 5000; now_us += 500) {
		station_run(&a, now_us);
		station_run(&b, now_us);
	}
	assert_string_equal(a.got, "three four");
	link_fini(&a.link);
	link_fini(&b.link);
	ends[0]->ops->close(ends[0]);
	ends[1]->ops->close(ends[1]);
}

/* Frames that are packets: nothing around them on either way, and nobody to ask. */
static void a_link_without_framing(void **state)
{
	const struct device_caps caps = { .framing = FRAMING_IP, .mtu = 1500 };
	const struct ip_addr us = ip_addr_from_4(LINK_HOST_US), other = ip_addr_from_4(0x08080808);
	uint8_t packet[20] = { 0x45 };
	struct rx_frame rx = { .data = packet, .len = sizeof packet };
	struct bytes payload;
	struct tx_frame *f;
	struct world w;
	struct link l;
	uint32_t hint = 0;
	uint16_t type;

	(void)state;
	assert_int_equal(world_init(&w, 0, 1, NULL), 0);
	assert_int_equal(link_init(&l, &w, &caps, &mac_zero), 0);
	assert_int_equal(link_header_len(&l), 0);
	assert_int_equal(link_add_address(&l, &us), 0);
	assert_int_equal(l.n_tx, 0); /* not announced */
	assert_int_equal(w.timers.armed, 0);

	assert_int_equal(link_input(&l, &rx, &type, &payload), DROP_NONE);
	assert_int_equal(type, ETH_TYPE_IPV4);
	assert_ptr_equal(payload.data, packet);
	assert_int_equal(payload.len, sizeof packet);
	assert_false(link_was_broadcast(&l, &rx)); /* though its first byte is odd */
	packet[0] = 0x60;
	assert_int_equal(link_input(&l, &rx, &type, &payload), DROP_NONE);
	assert_int_equal(type, ETH_TYPE_IPV6);
	packet[0] = 0x08;
	assert_int_equal(link_input(&l, &rx, &type, &payload), DROP_IP_VERSION);
	assert_int_equal(type, 0);
	rx.len = 0;
	assert_int_equal(link_input(&l, &rx, &type, &payload), DROP_IP_SHORT);
	rx = (struct rx_frame){ .data = packet, .len = sizeof packet, .flags = RX_TRUNCATED };
	assert_int_equal(link_input(&l, &rx, &type, &payload), DROP_ETH_TRUNCATED);

	f = link_tx_slot(&l);
	assert_true(tx_add_payload(f, "packet", 6));
	assert_int_equal(link_output(&l, f, &other, ETH_TYPE_IPV4, &hint), DROP_NONE);
	assert_int_equal(l.n_tx, 1);
	assert_int_equal(tx_len(&l.tx[0]), 6);
	link_confirm(&l, hint);
	link_doubt(&l, hint);
	link_fini(&l);
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, new_host, free_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(ip_goes_to_the_layer_above),
		WITH_HOST(arp_is_dealt_with_here),
		WITH_HOST(every_drop_is_named_and_counted_once),
		WITH_HOST(random_frames_of_every_short_length_get_a_verdict),
		cmocka_unit_test(broadcast_and_multicast_are_told_from_unicast),
		WITH_HOST(a_slot_not_sent_is_given_again),
		WITH_HOST(a_full_ring_gives_no_slot_and_counts),
		WITH_HOST(owners_are_released_when_their_frames_were_sent),
		WITH_HOST(broadcast_and_multicast_packets_need_no_neighbour),
		WITH_HOST(addresses_are_unique_and_bounded),
		WITH_HOST(an_ipv6_address_is_not_announced_by_arp),
		WITH_HOST(a_link_can_go_with_frames_in_its_ring),
		cmocka_unit_test(two_links_find_each_other_over_a_wire),
		cmocka_unit_test(a_link_without_framing),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
