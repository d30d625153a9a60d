/* virtio_net_hdr both ways, and the receive slots (virtio 1.2 section 5.1.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/virtio_net.h>

#include "base/random.h"
#include "link/device.h"
#include "link/vnet.h"

enum { FRAME = 100 };

/* A header in front of FRAME bytes, in memory of just that size. */
static bool parse(struct virtio_net_hdr h, struct rx_frame *out)
{
	static uint8_t *wire;

	free(wire);
	wire = malloc(sizeof h + FRAME);
	assert_non_null(wire);
	memset(wire, 0x55, sizeof h + FRAME);
	memcpy(wire, &h, sizeof h);
	if (!vnet_parse(wire, sizeof h + FRAME, out))
		return false;
	assert_ptr_equal(out->data, wire + sizeof h);
	assert_int_equal(out->len, FRAME);
	return true;
}

static void nothing_said_is_a_plain_frame(void **state)
{
	struct rx_frame f;

	(void)state;
	assert_true(parse((struct virtio_net_hdr){ 0 }, &f));
	assert_int_equal(f.flags, 0);
	assert_int_equal(f.gso, GSO_NONE);
	assert_int_equal(f.gso_size, 0);
}

static void an_unfinished_checksum_is_partial_and_vouched_for(void **state)
{
	struct rx_frame f;

	(void)state;
	assert_true(parse((struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						   .csum_start = 34,
						   .csum_offset = 16 }, &f));
	assert_int_equal(f.flags, RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID);
	assert_int_equal(f.checksum_start, 34);
	assert_int_equal(f.checksum_offset, 16);
}

static void a_verified_checksum_is_valid_only(void **state)
{
	struct rx_frame f;

	(void)state;
	assert_true(parse((struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID }, &f));
	assert_int_equal(f.flags, RX_CHECKSUM_VALID);
}

static void checksum_field_must_lie_in_the_frame_and_behind_ethernet(void **state)
{
	static const struct {
		uint16_t start, offset;
		bool ok;
	} cases[] = {
		{ 34, FRAME - 34 - 2, true }, { 34, FRAME - 34 - 1, false }, { FRAME - 2, 0, true },
		{ FRAME - 1, 0, false },      { 13, 16, false },             { 14, 16, true },
		{ 65535, 65535, false },      { 34, 65535, false },          { 0, 0, false },
	};
	struct rx_frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					    .csum_start = cases[i].start,
					    .csum_offset = cases[i].offset };
		assert_int_equal(parse(h, &f), cases[i].ok);
	}
}

static void merged_frames_say_kind_and_size(void **state)
{
	struct virtio_net_hdr h = { .gso_size = 1448 };
	struct rx_frame f;

	(void)state;
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	assert_true(parse(h, &f));
	assert_int_equal(f.gso, GSO_TCP4);
	assert_int_equal(f.gso_size, 1448);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN;
	assert_true(parse(h, &f));
	assert_int_equal(f.gso, GSO_TCP6);
}

static void merged_frames_without_size_or_of_unknown_kind_are_refused(void **state)
{
	struct rx_frame f;

	(void)state;
	assert_false(parse((struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 }, &f));
	assert_false(parse((struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 9 }, &f));
	assert_false(parse((struct virtio_net_hdr){ .gso_type = 0x7f, .gso_size = 1400 }, &f));
	assert_false(parse((struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
						    .gso_size = 1400,
						    .hdr_len = FRAME + 1 }, &f));
}

static void less_than_a_header_is_refused(void **state)
{
	struct rx_frame f;
	uint8_t wire[VNET_HEADER_LEN] = { 0 };

	(void)state;
	for (uint32_t len = 0; len < VNET_HEADER_LEN; len++)
		assert_false(vnet_parse(wire, len, &f));
	assert_true(vnet_parse(wire, VNET_HEADER_LEN, &f));
	assert_int_equal(f.len, 0);
}

/* What is accepted can be relied on: the checksum field can be written. */
static void random_headers_never_lead_out_of_the_frame(void **state)
{
	struct random random;
	unsigned accepted = 0;

	(void)state;
	random_init(&random, 1);
	for (int i = 0; i < 200000; i++) {
		uint8_t wire[VNET_HEADER_LEN + 64];
		uint32_t len = random_below(&random, sizeof wire + 1);
		struct rx_frame f;

		for (size_t b = 0; b < sizeof wire; b++)
			wire[b] = (uint8_t)(random_chance(&random, 500000) ? 0 : random_u32(&random));
		if (!vnet_parse(wire, len, &f))
			continue;
		accepted++;
		assert_int_equal(f.len, len - VNET_HEADER_LEN);
		assert_true(f.gso == GSO_NONE || f.gso_size > 0);
		if (f.flags & RX_CHECKSUM_PARTIAL)
			frame_finish_checksum(wire + VNET_HEADER_LEN, f.len, f.checksum_start,
					      f.checksum_offset);
	}
	assert_true(accepted > 1000);
}

static void plain_frames_are_sent_without_a_header(void **state)
{
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	memcpy(tx_push(&f, 4), "head", 4);
	assert_int_equal(vnet_gather(&f, false), 1);
	assert_int_equal(f.iov[0].iov_len, 4);
	assert_memory_equal(f.iov[0].iov_base, "head", 4);
}

static void a_header_stands_directly_in_front_and_payload_is_not_copied(void **state)
{
	static const char payload[] = "payload";
	struct virtio_net_hdr h;
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	tx_add_payload(&f, payload, 3);
	tx_add_payload(&f, payload + 3, 4);
	memset(tx_push(&f, 54), 0x66, 54);
	f.flags = TX_CHECKSUM_PARTIAL;
	f.checksum_start = 34;
	f.checksum_offset = 16;
	f.gso = GSO_TCP4;
	f.gso_size = 1460;
	assert_int_equal(vnet_gather(&f, true), 3);
	assert_int_equal(f.iov[0].iov_len, VNET_HEADER_LEN + 54);
	assert_ptr_equal(f.iov[1].iov_base, payload);
	assert_ptr_equal(f.iov[2].iov_base, payload + 3);
	memcpy(&h, f.iov[0].iov_base, sizeof h);
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(h.hdr_len, 54);
	assert_int_equal(h.gso_size, 1460);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.csum_offset, 16);
	/* The frame itself is as it was: it can be gathered again. */
	assert_int_equal(tx_len(&f), 61);
	assert_int_equal(*tx_head(&f), 0x66);
}

static void a_sent_header_says_nothing_that_was_not_asked_for(void **state)
{
	struct virtio_net_hdr h, expected = { .hdr_len = 54 };
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	memset(tx_push(&f, 54), 0, 54);
	f.checksum_start = 34;
	f.gso_size = 1460;
	assert_int_equal(vnet_gather(&f, true), 1);
	memcpy(&h, f.iov[0].iov_base, sizeof h);
	assert_memory_equal(&h, &expected, sizeof h);
	f.gso = GSO_TCP6;
	vnet_gather(&f, true);
	memcpy(&h, f.iov[0].iov_base, sizeof h);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
}

static void what_is_emitted_parses_as_the_same(void **state)
{
	uint8_t wire[VNET_HEADER_LEN + FRAME];
	struct rx_frame r;
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	memset(tx_push(&f, FRAME), 0, FRAME);
	f.flags = TX_CHECKSUM_PARTIAL;
	f.checksum_start = 54;
	f.checksum_offset = 6;
	f.gso = GSO_TCP6;
	f.gso_size = 1220;
	vnet_gather(&f, true);
	assert_int_equal(f.iov[0].iov_len, sizeof wire);
	memcpy(wire, f.iov[0].iov_base, sizeof wire);
	assert_true(vnet_parse(wire, sizeof wire, &r));
	assert_int_equal(r.checksum_start, 54);
	assert_int_equal(r.checksum_offset, 6);
	assert_int_equal(r.gso, GSO_TCP6);
	assert_int_equal(r.gso_size, 1220);
}

static void slots_take_the_largest_frame_and_do_not_overlap(void **state)
{
	uint8_t *slots = vnet_slots_new();
	uint32_t room;

	(void)state;
	assert_non_null(slots);
	for (int i = 0; i < DEVICE_BATCH; i++) {
		uint8_t *with = vnet_slot(slots, i, true, &room);
		assert_true(room > VNET_HEADER_LEN + 14 + 4 + 65535);
		assert_true(with + room <= slots + (size_t)(i + 1) * VNET_SLOT_SIZE);
		assert_int_equal((uintptr_t)(with + VNET_HEADER_LEN + 14) % 64, 0);
		assert_ptr_equal(vnet_slot(slots, i, false, &room), with + VNET_HEADER_LEN);
		memset(with, i, 64);
	}
	free(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_is_a_plain_frame),
		cmocka_unit_test(an_unfinished_checksum_is_partial_and_vouched_for),
		cmocka_unit_test(a_verified_checksum_is_valid_only),
		cmocka_unit_test(checksum_field_must_lie_in_the_frame_and_behind_ethernet),
		cmocka_unit_test(merged_frames_say_kind_and_size),
		cmocka_unit_test(merged_frames_without_size_or_of_unknown_kind_are_refused),
		cmocka_unit_test(less_than_a_header_is_refused),
		cmocka_unit_test(random_headers_never_lead_out_of_the_frame),
		cmocka_unit_test(plain_frames_are_sent_without_a_header),
		cmocka_unit_test(a_header_stands_directly_in_front_and_payload_is_not_copied),
		cmocka_unit_test(a_sent_header_says_nothing_that_was_not_asked_for),
		cmocka_unit_test(what_is_emitted_parses_as_the_same),
		cmocka_unit_test(slots_take_the_largest_frame_and_do_not_overlap),
	};

	return cmocka_run_group_tests_name("vnet", tests, NULL, NULL);
}
