/* The neighbour table: states and times of RFC 4861 section 7.3, frames that wait, hints, limits; then a
 * random walk with invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/link_host.h"

enum { MTU = 1500, NET = 0x0a4e0000 }; /* 10.78.0.0: strangers */

static const uint64_t second_us = 1000000;

static int new_host(void **state)
{
	struct link_host *h = link_host_new(MTU, 4861);

	link_host_claim(h);
	link_host_advance(h, 2 * second_us);
	link_tx_done(&h->link);
	*state = h;
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

static enum neighbour_state state_of(struct link_host *h, uint32_t ip)
{
	const struct neighbour *n = find(h, ip);

	return n != NULL ? (enum neighbour_state)n->state : NEIGHBOUR_FREE;
}

static enum drop_reason send_text(struct link_host *h, uint32_t ip, const char *text, uint32_t *hint)
{
	return link_host_send(h, ip, text, strlen(text), hint);
}

static void expect_text(struct link_host *h, uint32_t ip, const char *text)
{
	const struct mac_addr mac = link_host_mac_of(ip);

	link_host_expect_payload(h, &mac, text, strlen(text));
}

static void answer(struct link_host *h, uint32_t ip)
{
	const struct mac_addr mac = link_host_mac_of(ip);

	assert_int_equal(link_host_put_arp(h, ARP_REPLY, ip, &mac, LINK_HOST_US), DROP_NONE);
}

/* ip asks for us; our reply is thrown away. */
static void ask(struct link_host *h, uint32_t ip)
{
	const struct mac_addr mac = link_host_mac_of(ip);

	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, ip, &mac, LINK_HOST_US), DROP_NONE);
	assert_int_equal(h->link.n_tx, 1);
	link_tx_done(&h->link);
}

/* Asked, answered, nothing in the ring. */
static void make_reachable(struct link_host *h, uint32_t ip, uint32_t *hint)
{
	assert_int_equal(send_text(h, ip, "x", hint), DROP_NONE);
	answer(h, ip);
	link_tx_done(&h->link);
	assert_int_equal(state_of(h, ip), NEIGHBOUR_REACHABLE);
}

static void make_stale(struct link_host *h, uint32_t ip, uint32_t *hint)
{
	make_reachable(h, ip, hint);
	link_host_advance(h, 45 * second_us);
	assert_int_equal(state_of(h, ip), NEIGHBOUR_STALE);
}

static void make_probing(struct link_host *h, uint32_t ip, uint32_t *hint)
{
	make_stale(h, ip, hint);
	send_text(h, ip, "x", hint);
	link_tx_done(&h->link);
	assert_int_equal(state_of(h, ip), NEIGHBOUR_DELAY);
	link_host_advance(h, 5 * second_us);
	assert_int_equal(state_of(h, ip), NEIGHBOUR_PROBE);
}

/* Resolution. */

static void the_first_frame_asks_and_waits_for_the_answer(void **state)
{
	struct link_host *h = *state;

	assert_int_equal(send_text(h, LINK_HOST_PEER, "hello", NULL), DROP_NONE);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_INCOMPLETE);
	answer(h, LINK_HOST_PEER);
	expect_text(h, LINK_HOST_PEER, "hello");
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	assert_int_equal(h->link.neighbours->pending.in_use, 0);
	assert_int_equal(link_host_drops(h), 0);
}

static void a_known_neighbour_is_sent_to_at_once(void **state)
{
	struct link_host *h = *state;

	make_reachable(h, LINK_HOST_PEER, NULL);
	assert_int_equal(send_text(h, LINK_HOST_PEER, "again", NULL), DROP_NONE);
	expect_text(h, LINK_HOST_PEER, "again");
}

static void what_waits_is_a_copy_with_all_that_the_device_needs(void **state)
{
	const struct ip_addr to = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;
	struct tx_frame *f = link_tx_slot(&h->link);
	char payload[] = "payload";
	uint16_t head_len;

	memcpy(tx_push(f, 40), "0123456789012345678901234567890123456789", 40);
	tx_add_payload(f, payload, 3);
	tx_add_payload(f, payload + 3, 4);
	f->flags = TX_CHECKSUM_PARTIAL;
	f->checksum_start = 34;
	f->checksum_offset = 16;
	f->gso = GSO_TCP4;
	f->gso_size = 5;
	f->note = "data";
	assert_int_equal(link_output(&h->link, f, &to, 0x86dd, NULL), DROP_NONE);
	memset(payload, 'z', sizeof payload);
	link_tx_done(&h->link);
	answer(h, LINK_HOST_PEER);

	assert_int_equal(h->link.n_tx, 1);
	f = &h->link.tx[0];
	head_len = (uint16_t)tx_head_len(f);
	assert_int_equal(head_len, 54); /* headers stay in the header block */
	assert_int_equal(f->payload_len, 7);
	assert_int_equal(f->flags, TX_CHECKSUM_PARTIAL);
	assert_int_equal(f->checksum_start, 34);
	assert_int_equal(f->checksum_offset, 16);
	assert_int_equal(f->gso, GSO_TCP4);
	assert_int_equal(f->gso_size, 5);
	assert_string_equal(f->note, "data");
	assert_null(f->conn);
	link_host_expect(h, "\2\0\0\0\1\x09\2\0\0\0\0\2\x86\xdd"
			    "0123456789012345678901234567890123456789payload", 61);
}

static void a_head_without_payload_waits_as_well(void **state)
{
	const struct ip_addr to = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;
	struct tx_frame *f = link_tx_slot(&h->link);

	memcpy(tx_push(f, 3), "SYN", 3);
	assert_int_equal(link_output(&h->link, f, &to, ETH_TYPE_IPV4, NULL), DROP_NONE);
	link_tx_done(&h->link);
	answer(h, LINK_HOST_PEER);
	assert_int_equal(h->link.tx[0].pieces, 0);
	expect_text(h, LINK_HOST_PEER, "SYN");
}

static unsigned released;

static void count_release(struct span_owner *owner)
{
	(void)owner;
	released++;
}

static void the_owner_of_a_frame_that_waits_is_released_at_once(void **state)
{
	const struct ip_addr to = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;
	struct tx_frame *f = link_tx_slot(&h->link);
	struct span_owner owner;

	released = 0;
	span_owner_init(&owner, count_release);
	tx_add_payload(f, "x", 1);
	f->owner = &owner;
	assert_int_equal(link_output(&h->link, f, &to, ETH_TYPE_IPV4, NULL), DROP_NONE);
	assert_int_equal(released, 1);
	link_tx_done(&h->link);
	assert_int_equal(released, 1);
}

static void the_question_is_asked_three_times_a_second_apart_rfc4861_7_2_2(void **state)
{
	struct link_host *h = *state;

	send_text(h, LINK_HOST_PEER, "one", NULL);
	send_text(h, LINK_HOST_PEER, "two", NULL);
	for (int i = 0; i < 3; i++) {
		link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
		link_host_advance(h, second_us - 1);
		link_host_expect_nothing(h);
		assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_INCOMPLETE);
		link_host_advance(h, 1);
	}
	link_host_expect_nothing(h);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
	assert_int_equal(h->world.drops[DROP_NEIGHBOUR_UNREACHABLE], 2);
	assert_int_equal(link_host_drops(h), 2);
	assert_int_equal(h->link.neighbours->pending.in_use, 0);
	assert_int_equal(h->world.timers.armed, 0);
}

static void a_neighbour_that_failed_can_be_asked_for_again(void **state)
{
	struct link_host *h = *state;

	send_text(h, LINK_HOST_PEER, "one", NULL);
	link_host_advance(h, 10 * second_us);
	link_host_advance(h, 10 * second_us);
	link_host_advance(h, 10 * second_us);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
	link_tx_done(&h->link);
	send_text(h, LINK_HOST_PEER, "two", NULL);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
	answer(h, LINK_HOST_PEER);
	expect_text(h, LINK_HOST_PEER, "two");
}

static void a_request_from_the_neighbour_answers_ours_and_is_verified_later(void **state)
{
	struct link_host *h = *state;

	send_text(h, LINK_HOST_PEER, "hello", NULL);
	link_tx_done(&h->link);
	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &link_host_peer_mac, LINK_HOST_US),
			 DROP_NONE);
	assert_int_equal(h->link.n_tx, 2);
	assert_memory_equal(link_host_sent(h, 0).data + 14, "hello", 5);
	assert_int_equal(load_be16(link_host_sent(h, 1).data + 20), ARP_REPLY);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_DELAY);
	link_tx_done(&h->link);
	link_host_advance(h, 5 * second_us);
	link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
}

static void a_reply_to_somebody_else_is_no_answer_to_us(void **state)
{
	struct link_host *h = *state;

	send_text(h, LINK_HOST_PEER, "hello", NULL);
	link_tx_done(&h->link);
	/* A gratuitous reply: good enough to send to, not to call the neighbour reachable. */
	assert_int_equal(link_host_put_arp(h, ARP_REPLY, LINK_HOST_PEER, &link_host_peer_mac, LINK_HOST_PEER),
			 DROP_NONE);
	expect_text(h, LINK_HOST_PEER, "hello");
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_DELAY);
	link_host_advance(h, 5 * second_us);
	link_host_put_arp(h, ARP_REPLY, LINK_HOST_PEER, &link_host_peer_mac, LINK_HOST_PEER);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_PROBE);
}

/* Frames that wait, and their limits. */

static void the_oldest_of_too_many_waiting_frames_goes_rfc1122_2_3_2_2(void **state)
{
	static const char *const texts[] = { "one", "two", "three", "four", "five", "six" };
	struct link_host *h = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_int_equal(send_text(h, LINK_HOST_PEER, texts[i], NULL), DROP_NONE);
	assert_int_equal(h->world.drops[DROP_NEIGHBOUR_PENDING_FULL], 2);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
	answer(h, LINK_HOST_PEER);
	assert_int_equal(h->link.n_tx, NEIGHBOUR_MAX_PENDING);
	for (unsigned i = 0; i < NEIGHBOUR_MAX_PENDING; i++)
		assert_memory_equal(link_host_sent(h, i).data + 14, texts[i + 2], strlen(texts[i + 2]));
}

static void frames_of_an_mtu_wait_and_larger_ones_do_not(void **state)
{
	static uint8_t payload[MTU + 1];
	struct link_host *h = *state;

	memset(payload, 0x5a, sizeof payload);
	assert_int_equal(link_host_send(h, LINK_HOST_PEER, payload, MTU + 1, NULL),
			 DROP_NEIGHBOUR_PENDING_FULL);
	assert_int_equal(link_host_drops(h), 1);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast); /* asked for all the same */
	assert_int_equal(link_host_send(h, LINK_HOST_PEER, payload, MTU, NULL), DROP_NONE);
	answer(h, LINK_HOST_PEER);
	link_host_expect_payload(h, &link_host_peer_mac, payload, MTU);
}

static void all_waiting_frames_together_are_bounded(void **state)
{
	struct link_host *h = *state;
	uint32_t i;

	for (i = 0; i < NEIGHBOUR_MAX_PENDING_ALL / NEIGHBOUR_MAX_PENDING; i++)
		for (int j = 0; j < NEIGHBOUR_MAX_PENDING; j++)
			assert_int_equal(send_text(h, NET + i, "x", NULL), DROP_NONE);
	assert_int_equal(send_text(h, NET + i, "x", NULL), DROP_NEIGHBOUR_PENDING_FULL);
	assert_int_equal(state_of(h, NET + i), NEIGHBOUR_INCOMPLETE);
	assert_int_equal(h->link.n_tx, i + 1); /* the last one is asked for as well */
	/* Whose own frames fill the pool still exchanges the oldest for the newest. */
	assert_int_equal(send_text(h, NET, "newest", NULL), DROP_NONE);
	link_tx_done(&h->link);
	answer(h, NET);
	assert_memory_equal(link_host_sent(h, NEIGHBOUR_MAX_PENDING - 1).data + 14, "newest", 6);
}

static void frames_that_waited_are_dropped_and_counted_when_the_ring_is_full(void **state)
{
	struct link_host *h = *state;

	for (int i = 0; i < 3; i++)
		send_text(h, LINK_HOST_PEER, "x", NULL);
	while (link_tx_room(&h->link) > 1)
		link_send_to_mac(&h->link, link_tx_slot(&h->link), &mac_broadcast, 0x0800);
	answer(h, LINK_HOST_PEER);
	assert_int_equal(h->link.n_tx, LINK_TX_RING);
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 2);
	assert_int_equal(h->link.neighbours->pending.in_use, 1);
	link_tx_done(&h->link);
	assert_int_equal(h->link.neighbours->pending.in_use, 0);
}

static void a_question_that_found_the_ring_full_is_repeated(void **state)
{
	struct link_host *h = *state;

	send_text(h, LINK_HOST_PEER, "hello", NULL);
	while (link_tx_room(&h->link) > 0)
		link_send_to_mac(&h->link, link_tx_slot(&h->link), &mac_broadcast, 0x0800);
	link_host_advance(h, second_us);
	assert_int_equal(h->world.drops[DROP_TX_RING_FULL], 1);
	link_tx_done(&h->link);
	link_host_advance(h, second_us);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
}

/* Ageing and verification. */

static void reachable_lasts_between_15_and_45_seconds_rfc4861_6_3_4(void **state)
{
	struct link_host *h = *state;
	unsigned early = 0;

	for (uint32_t i = 0; i < 100; i++)
		make_reachable(h, NET + i, NULL);
	link_host_advance(h, 15 * second_us - 1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(state_of(h, NET + i), NEIGHBOUR_REACHABLE);
	link_host_advance(h, 15 * second_us);
	for (uint32_t i = 0; i < 100; i++)
		early += state_of(h, NET + i) == NEIGHBOUR_STALE;
	assert_in_range(early, 30, 70);
	link_host_advance(h, 15 * second_us + 1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(state_of(h, NET + i), NEIGHBOUR_STALE);
	link_host_expect_nothing(h);
}

static void a_stale_neighbour_is_used_while_it_is_verified(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	make_stale(h, LINK_HOST_PEER, &hint);
	for (int tenths = 0; tenths < 50; tenths++) {
		send_text(h, LINK_HOST_PEER, "data", &hint);
		expect_text(h, LINK_HOST_PEER, "data");
		assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_DELAY);
		link_host_advance(h, second_us / 10);
	}
	link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
	for (int i = 0; i < 2; i++) {
		send_text(h, LINK_HOST_PEER, "data", &hint);
		expect_text(h, LINK_HOST_PEER, "data");
		link_host_advance(h, second_us);
		link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
	}
	answer(h, LINK_HOST_PEER);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	link_host_advance(h, 10 * second_us);
	link_host_expect_nothing(h);
	assert_int_equal(link_host_drops(h), 0);
}

static void a_neighbour_that_answers_no_probe_is_forgotten_and_asked_for_anew(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	make_probing(h, LINK_HOST_PEER, &hint);
	for (int i = 0; i < 3; i++) {
		link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
		link_host_advance(h, second_us);
	}
	link_host_expect_nothing(h);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
	send_text(h, LINK_HOST_PEER, "data", &hint);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
}

static void progress_above_spares_all_questions_rfc4861_7_3_1(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	make_reachable(h, LINK_HOST_PEER, &hint);
	for (int i = 0; i < 360; i++) {
		link_confirm(&h->link, hint);
		link_host_advance(h, 10 * second_us);
		assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
		send_text(h, LINK_HOST_PEER, "data", &hint);
		expect_text(h, LINK_HOST_PEER, "data");
	}
	link_host_advance(h, 35 * second_us);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_STALE);
}

static void progress_confirms_in_every_state_but_incomplete(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	send_text(h, LINK_HOST_PEER, "x", &hint);
	assert_int_not_equal(hint, 0);
	link_confirm(&h->link, hint);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_INCOMPLETE);
	make_stale(h, LINK_HOST_PEER, &hint);
	link_confirm(&h->link, hint);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	make_probing(h, LINK_HOST_PEER, &hint);
	link_tx_done(&h->link);
	link_confirm(&h->link, hint);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	link_host_advance(h, 10 * second_us);
	link_host_expect_nothing(h);
}

static void doubt_from_above_asks_at_once_rfc1122_3_3_1_4(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	send_text(h, LINK_HOST_PEER, "x", &hint);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
	link_doubt(&h->link, hint); /* INCOMPLETE: it is being asked */
	link_doubt(&h->link, 0);
	link_doubt(&h->link, UINT32_MAX);
	link_host_expect_nothing(h);
	answer(h, LINK_HOST_PEER);
	expect_text(h, LINK_HOST_PEER, "x");
	link_doubt(&h->link, hint); /* it has just answered */
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	link_host_advance(h, second_us);
	link_doubt(&h->link, hint);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_PROBE);
	link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
	link_doubt(&h->link, hint); /* PROBE: again, it is being asked */
	link_host_expect_nothing(h);
	send_text(h, LINK_HOST_PEER, "data", &hint); /* and still used */
	expect_text(h, LINK_HOST_PEER, "data");
	answer(h, LINK_HOST_PEER);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_REACHABLE);
	make_stale(h, LINK_HOST_PEER, &hint);
	link_doubt(&h->link, hint);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_PROBE);
	for (int i = 0; i < 3; i++) { /* gone indeed */
		link_host_expect_request(h, LINK_HOST_PEER, &link_host_peer_mac);
		link_host_advance(h, second_us);
	}
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
}

static void a_stale_neighbour_nobody_uses_is_forgotten_after_ten_minutes(void **state)
{
	struct link_host *h = *state;

	ask(h, LINK_HOST_PEER);
	link_host_advance(h, 600 * second_us - 1);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_STALE);
	link_host_advance(h, 1);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
	assert_int_equal(h->link.neighbours->n_entries, 0);
	link_host_expect_nothing(h);
}

static void a_neighbour_that_moved_is_believed_and_verified_rfc4861_7_2_5(void **state)
{
	const struct mac_addr moved = { { 2, 0, 0, 0, 7, 7 } };
	struct link_host *h = *state;

	make_reachable(h, LINK_HOST_PEER, NULL);
	assert_int_equal(link_host_put_arp(h, ARP_REQUEST, LINK_HOST_PEER, &moved, LINK_HOST_PEER),
			 DROP_NONE);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_STALE);
	send_text(h, LINK_HOST_PEER, "data", NULL);
	link_host_expect_payload(h, &moved, "data", 4);
	link_host_advance(h, 5 * second_us);
	link_host_expect_request(h, LINK_HOST_PEER, &moved);
}

static void hearing_the_same_again_proves_nothing(void **state)
{
	struct link_host *h = *state;

	make_stale(h, LINK_HOST_PEER, NULL);
	answer(h, LINK_HOST_PEER); /* nobody asked */
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_STALE);
	ask(h, LINK_HOST_PEER);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_STALE);
	make_probing(h, LINK_HOST_PEER + 1, NULL);
	link_tx_done(&h->link);
	ask(h, LINK_HOST_PEER + 1);
	assert_int_equal(state_of(h, LINK_HOST_PEER + 1), NEIGHBOUR_PROBE);
	answer(h, LINK_HOST_PEER + 1);
	assert_int_equal(state_of(h, LINK_HOST_PEER + 1), NEIGHBOUR_REACHABLE);
}

/* Hints. */

static void a_hint_finds_its_neighbour_and_no_other(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0, used;

	make_reachable(h, LINK_HOST_PEER, &hint);
	make_reachable(h, NET, NULL);
	assert_int_not_equal(hint, 0);
	used = hint;
	send_text(h, LINK_HOST_PEER, "data", &used);
	assert_int_equal(used, hint);
	expect_text(h, LINK_HOST_PEER, "data");
	send_text(h, NET, "other", &used); /* the caller's route has changed */
	assert_int_not_equal(used, hint);
	expect_text(h, NET, "other");
}

static void any_number_is_a_safe_hint(void **state)
{
	struct link_host *h = *state;
	struct random r;

	random_init(&r, 9);
	make_reachable(h, LINK_HOST_PEER, NULL);
	for (int i = 0; i < 10000; i++) {
		uint32_t hint = random_u32(&r) >> random_below(&r, 32);

		link_confirm(&h->link, hint);
		send_text(h, LINK_HOST_PEER, "data", &hint);
		expect_text(h, LINK_HOST_PEER, "data");
	}
	link_confirm(&h->link, 0);
	link_confirm(&h->link, UINT32_MAX);
}

static void a_hint_of_a_recycled_entry_is_not_believed(void **state)
{
	struct link_host *h = *state;
	uint32_t hint = 0;

	make_reachable(h, LINK_HOST_PEER, &hint);
	link_host_advance(h, 45 * second_us);
	link_host_advance(h, 600 * second_us);
	assert_int_equal(state_of(h, LINK_HOST_PEER), NEIGHBOUR_FREE);
	ask(h, NET); /* takes the entry that has just become free */
	link_confirm(&h->link, hint);
	assert_int_equal(state_of(h, NET), NEIGHBOUR_STALE);
	send_text(h, LINK_HOST_PEER, "data", &hint);
	link_host_expect_request(h, LINK_HOST_PEER, &mac_broadcast);
}

static void generations_wrap_past_the_hint_that_means_none(void **state)
{
	struct link_host *h = *state;
	struct neighbour *n = &h->link.neighbours->entries[0];
	uint32_t hint = 0;

	assert_ptr_equal(list_first(&h->link.neighbours->unused), &n->order);
	n->generation = UINT32_MAX >> NEIGHBOUR_INDEX_BITS;
	make_stale(h, LINK_HOST_PEER, &hint);
	assert_int_equal(hint, UINT32_MAX << NEIGHBOUR_INDEX_BITS);
	link_host_advance(h, 600 * second_us);
	assert_int_equal(n->state, NEIGHBOUR_FREE);
	assert_int_equal(n->generation, 1);
}

/* Limits of the table. */

static void a_flood_of_strangers_recycles_the_oldest_of_them_only(void **state)
{
	struct link_host *h = *state;

	for (uint32_t i = 0; i < 100; i++)
		make_reachable(h, LINK_HOST_PEER + i, NULL);
	for (uint32_t i = 0; i < 20000; i++)
		ask(h, NET + i);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(state_of(h, LINK_HOST_PEER + i), NEIGHBOUR_REACHABLE);
	assert_int_equal(h->link.neighbours->n_entries, NEIGHBOUR_MAX);
	for (uint32_t i = 0; i < 20000; i++)
		assert_int_equal(state_of(h, NET + i) != NEIGHBOUR_FREE, i >= 20000 - (NEIGHBOUR_MAX - 100));
	assert_int_equal(link_host_drops(h), 0);
}

static void in_a_flood_whoever_we_answer_is_kept(void **state)
{
	struct link_host *h = *state;
	uint32_t i = 0;

	/* All entries have been in use once. */
	while (i < NEIGHBOUR_MAX)
		make_reachable(h, NET + i++, NULL);
	link_host_advance(h, 45 * second_us);
	while (i < 2000)
		ask(h, NET + i++);
	ask(h, LINK_HOST_PEER);
	assert_int_equal(send_text(h, LINK_HOST_PEER, "SYN-ACK", NULL), DROP_NONE);
	expect_text(h, LINK_HOST_PEER, "SYN-ACK");
	while (i < 5000)
		ask(h, NET + i++);
	assert_int_equal(send_text(h, LINK_HOST_PEER, "data", NULL), DROP_NONE);
	expect_text(h, LINK_HOST_PEER, "data");
}

static void entries_in_use_are_never_recycled_and_idle_ones_are_oldest_first(void **state)
{
	struct link_host *h = *state;

	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		make_reachable(h, NET + i, NULL);
	assert_int_equal(send_text(h, LINK_HOST_PEER, "x", NULL), DROP_NEIGHBOUR_TABLE_FULL);
	assert_int_equal(h->world.drops[DROP_NEIGHBOUR_TABLE_FULL], 1);
	link_host_expect_nothing(h);
	ask(h, LINK_HOST_PEER); /* is answered, though not learnt */
	assert_int_equal(h->world.drops[DROP_NEIGHBOUR_TABLE_FULL], 2);

	link_host_advance(h, NEIGHBOUR_IN_USE_US);
	assert_int_equal(send_text(h, LINK_HOST_PEER, "x", NULL), DROP_NEIGHBOUR_TABLE_FULL);
	link_host_advance(h, 1);
	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++) {
		if (i == 7)
			continue;
		send_text(h, NET + i, "x", NULL);
		link_tx_done(&h->link);
	}
	make_reachable(h, LINK_HOST_PEER, NULL);
	assert_int_equal(state_of(h, NET + 7), NEIGHBOUR_FREE);
	assert_int_equal(send_text(h, NET + 7, "x", NULL), DROP_NEIGHBOUR_TABLE_FULL);
	assert_int_equal(link_host_drops(h), 4);
}

static void a_dropped_frames_owner_is_released(void **state)
{
	const struct ip_addr to = ip_addr_from_4(LINK_HOST_PEER);
	struct link_host *h = *state;
	struct span_owner owner;
	struct tx_frame *f;

	for (uint32_t i = 0; i < NEIGHBOUR_MAX; i++)
		make_reachable(h, NET + i, NULL);
	released = 0;
	span_owner_init(&owner, count_release);
	f = link_tx_slot(&h->link);
	f->owner = &owner;
	assert_int_equal(link_output(&h->link, f, &to, ETH_TYPE_IPV4, NULL), DROP_NEIGHBOUR_TABLE_FULL);
	assert_int_equal(released, 1);
}

static void unanswered_questions_fill_a_quarter_of_the_table_at_most(void **state)
{
	struct link_host *h = *state;
	uint32_t i;

	for (i = 0; i < NEIGHBOUR_MAX_INCOMPLETE; i++) {
		assert_int_equal(send_text(h, NET + i, "x", NULL), DROP_NONE);
		link_tx_done(&h->link);
	}
	assert_int_equal(send_text(h, NET + i, "x", NULL), DROP_NEIGHBOUR_TABLE_FULL);
	link_host_expect_nothing(h);
	/* Whoever asks for us needs no question. */
	ask(h, LINK_HOST_PEER);
	send_text(h, LINK_HOST_PEER, "data", NULL);
	expect_text(h, LINK_HOST_PEER, "data");
	answer(h, NET);
	link_tx_done(&h->link);
	assert_int_equal(send_text(h, NET + i, "x", NULL), DROP_NONE);
	link_host_expect_request(h, NET + i, &mac_broadcast);
}

static void ipv6_neighbours_share_the_table(void **state)
{
	const struct mac_addr mac = { { 2, 6, 6, 6, 6, 6 } };
	struct link_host *h = *state;
	struct tx_frame *f;
	struct ip_addr to;

	assert_true(ip_addr_parse("fe80::1", &to));
	f = link_tx_slot(&h->link);
	tx_add_payload(f, "six", 3);
	assert_int_equal(link_output(&h->link, f, &to, ETH_TYPE_IPV6, NULL), DROP_NONE);
	link_host_expect_nothing(h); /* not asked for by ARP */
	assert_true(neighbour_update(h->link.neighbours, &to, &mac, true));
	link_host_expect(h, "\2\6\6\6\6\6\2\0\0\0\0\2\x86\xddsix", 17);
}

static void frames_that_wait_when_the_link_goes_are_freed(void **state)
{
	struct link_host *h = *state;

	for (uint32_t i = 0; i < 20; i++)
		send_text(h, NET + i, "x", NULL);
	answer(h, NET);
	/* The teardown frees the host: pool and timers assert that nothing is left, the sanitizer that
	 * nothing leaks. */
	assert_int_equal(h->link.neighbours->pending.in_use, 20);
}

/* A random walk. */

static unsigned count(const struct list *head)
{
	unsigned n = 0;

	LIST_FOR_EACH(node, head)
		n++;
	return n;
}

static void check_entry(struct link_host *h, struct neighbour *n, unsigned *entries, unsigned *incomplete,
			unsigned *waiting)
{
	assert_int_equal(count(&n->pending), n->n_pending);
	assert_int_equal(timer_is_set(&n->timer), n->state != NEIGHBOUR_FREE);
	if (n->state == NEIGHBOUR_FREE) {
		assert_int_equal(n->n_pending, 0);
		return;
	}
	assert_ptr_equal(neighbour_find(h->link.neighbours, &n->addr), n);
	assert_true(n->n_pending == 0 || n->state == NEIGHBOUR_INCOMPLETE);
	assert_in_range(n->solicits, 0, NEIGHBOUR_MAX_SOLICIT);
	*entries += 1;
	*incomplete += n->state == NEIGHBOUR_INCOMPLETE;
	*waiting += n->n_pending;
}

static void check_invariants(struct link_host *h)
{
	struct neighbour_table *t = h->link.neighbours;
	unsigned entries = 0, incomplete = 0, waiting = 0;

	for (unsigned i = 0; i < NEIGHBOUR_MAX; i++)
		check_entry(h, &t->entries[i], &entries, &incomplete, &waiting);
	assert_int_equal(t->n_entries, entries);
	assert_int_equal(t->n_incomplete, incomplete);
	assert_true(incomplete <= NEIGHBOUR_MAX_INCOMPLETE);
	assert_int_equal(count(&t->incomplete), incomplete);
	assert_int_equal(count(&t->learnt) + count(&t->used), entries - incomplete);
	assert_int_equal(count(&t->unused), NEIGHBOUR_MAX - entries);
	assert_true(t->pending.in_use >= waiting && t->pending.in_use <= waiting + h->link.n_tx);
}

static void step(struct link_host *h, struct random *r)
{
	uint32_t ip = NET + random_below(r, 1500);
	struct mac_addr mac = { { 2, 2, 2, 2, 2, (uint8_t)random_below(r, 3) } };
	uint32_t hint = random_chance(r, 500000) ? 0 : random_u32(r) & 0xfff;

	switch (random_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		if (link_tx_room(&h->link) > 0)
			link_host_send(h, ip, "abcdefgh", random_below(r, 9), &hint);
		break;
	case 3:
	case 4:
		link_host_put_arp(h, ARP_REPLY, ip, &mac, LINK_HOST_US);
		break;
	case 5:
		link_host_put_arp(h, ARP_REQUEST, ip, &mac,
				  random_chance(r, 500000) ? (uint32_t)LINK_HOST_US : ip);
		break;
	case 6:
		link_confirm(&h->link, hint);
		link_tx_done(&h->link);
		break;
	default:
		link_host_advance(h, random_u64(r) >> (64 - 1 - random_below(r, 25)));
	}
}

static void a_random_walk_keeps_the_invariants(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct link_host *h = link_host_new(MTU, seed);
		struct random r;

		random_init(&r, seed);
		link_host_claim(h);
		for (int i = 0; i < 20000; i++) {
			step(h, &r);
			if (i % 500 == 0)
				check_invariants(h);
		}
		check_invariants(h);
		link_host_free(h);
	}
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, new_host, free_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(the_first_frame_asks_and_waits_for_the_answer),
		WITH_HOST(a_known_neighbour_is_sent_to_at_once),
		WITH_HOST(what_waits_is_a_copy_with_all_that_the_device_needs),
		WITH_HOST(a_head_without_payload_waits_as_well),
		WITH_HOST(the_owner_of_a_frame_that_waits_is_released_at_once),
		WITH_HOST(the_question_is_asked_three_times_a_second_apart_rfc4861_7_2_2),
		WITH_HOST(a_neighbour_that_failed_can_be_asked_for_again),
		WITH_HOST(a_request_from_the_neighbour_answers_ours_and_is_verified_later),
		WITH_HOST(a_reply_to_somebody_else_is_no_answer_to_us),
		WITH_HOST(the_oldest_of_too_many_waiting_frames_goes_rfc1122_2_3_2_2),
		WITH_HOST(frames_of_an_mtu_wait_and_larger_ones_do_not),
		WITH_HOST(all_waiting_frames_together_are_bounded),
		WITH_HOST(frames_that_waited_are_dropped_and_counted_when_the_ring_is_full),
		WITH_HOST(a_question_that_found_the_ring_full_is_repeated),
		WITH_HOST(reachable_lasts_between_15_and_45_seconds_rfc4861_6_3_4),
		WITH_HOST(a_stale_neighbour_is_used_while_it_is_verified),
		WITH_HOST(a_neighbour_that_answers_no_probe_is_forgotten_and_asked_for_anew),
		WITH_HOST(progress_above_spares_all_questions_rfc4861_7_3_1),
		WITH_HOST(progress_confirms_in_every_state_but_incomplete),
		WITH_HOST(doubt_from_above_asks_at_once_rfc1122_3_3_1_4),
		WITH_HOST(a_stale_neighbour_nobody_uses_is_forgotten_after_ten_minutes),
		WITH_HOST(a_neighbour_that_moved_is_believed_and_verified_rfc4861_7_2_5),
		WITH_HOST(hearing_the_same_again_proves_nothing),
		WITH_HOST(a_hint_finds_its_neighbour_and_no_other),
		WITH_HOST(any_number_is_a_safe_hint),
		WITH_HOST(a_hint_of_a_recycled_entry_is_not_believed),
		WITH_HOST(generations_wrap_past_the_hint_that_means_none),
		WITH_HOST(a_flood_of_strangers_recycles_the_oldest_of_them_only),
		WITH_HOST(in_a_flood_whoever_we_answer_is_kept),
		WITH_HOST(entries_in_use_are_never_recycled_and_idle_ones_are_oldest_first),
		WITH_HOST(a_dropped_frames_owner_is_released),
		WITH_HOST(unanswered_questions_fill_a_quarter_of_the_table_at_most),
		WITH_HOST(ipv6_neighbours_share_the_table),
		WITH_HOST(frames_that_wait_when_the_link_goes_are_freed),
		cmocka_unit_test(a_random_walk_keeps_the_invariants),
	};

	return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
