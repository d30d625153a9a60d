/* The wire: order, delay, deadlines, limits, and what a receiver sees of offloaded frames with and without
 * segmentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/timer.h"
#include "link/wire.h"

struct ends {
	struct device *a, *b;
};

static struct ends open_wire(const struct wire_config *config)
{
	struct ends e;

	assert_int_equal(wire_open(config, &e.a, &e.b), 0);
	return e;
}

static void close_wire(struct ends *e)
{
	e->a->ops->close(e->a);
	e->b->ops->close(e->b);
}

static int send_bytes(struct device *d, const void *data, size_t len, uint64_t now_us)
{
	struct tx_frame f;

	tx_begin(&f);
	tx_add_payload(&f, data, len);
	return d->ops->send(d, &f, 1, now_us);
}

static void expect_bytes(struct device *d, const void *data, size_t len, uint64_t now_us)
{
	struct rx_frame f;

	assert_int_equal(d->ops->recv(d, &f, 1, now_us), 1);
	assert_int_equal(f.len, len);
	assert_memory_equal(f.data, data, len);
	assert_int_equal(f.flags, 0);
	assert_int_equal(f.gso, GSO_NONE);
	assert_int_equal(f.gso_size, 0);
}

static void expect_nothing(struct device *d, uint64_t now_us)
{
	struct rx_frame f;

	assert_int_equal(d->ops->recv(d, &f, 1, now_us), 0);
}

static void what_one_end_sends_the_other_receives(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ 0 });

	(void)state;
	assert_int_equal(send_bytes(e.a, "there", 5, 10), 1);
	assert_int_equal(send_bytes(e.b, "back", 4, 10), 1);
	expect_bytes(e.b, "there", 5, 10);
	expect_bytes(e.a, "back", 4, 10);
	expect_nothing(e.a, 1000);
	expect_nothing(e.b, 1000);
	close_wire(&e);
}

static void defaults_and_capabilities_are_told(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ 0 });

	(void)state;
	assert_int_equal(e.a->caps.mtu, 1500);
	assert_int_equal(e.a->caps.gso_max, 0);
	assert_false(e.a->caps.tx_checksum);
	assert_string_equal(e.a->ops->name, "wire");
	assert_int_equal(e.a->ops->fd(e.a), -1);
	close_wire(&e);
	e = open_wire(&(struct wire_config){ .mtu = 9000, .gso_max = 65535 });
	assert_int_equal(e.b->caps.mtu, 9000);
	assert_int_equal(e.b->caps.gso_max, 65535);
	assert_true(e.b->caps.tx_checksum);
	close_wire(&e);
}

static void a_frame_arrives_after_the_delay_and_the_deadline_says_when(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .delay_us = 20000 });

	(void)state;
	assert_true(e.b->ops->deadline(e.b) == TIMER_NEVER);
	send_bytes(e.a, "one", 3, 1000);
	send_bytes(e.a, "two", 3, 1500);
	assert_true(e.a->ops->deadline(e.a) == TIMER_NEVER);
	assert_int_equal(e.b->ops->deadline(e.b), 21000);
	expect_nothing(e.b, 20999);
	expect_bytes(e.b, "one", 3, 21000);
	assert_int_equal(e.b->ops->deadline(e.b), 21500);
	expect_nothing(e.b, 21499);
	expect_bytes(e.b, "two", 3, 21500);
	assert_true(e.b->ops->deadline(e.b) == TIMER_NEVER);
	close_wire(&e);
}

static void order_is_kept_even_when_a_clock_goes_back(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .delay_us = 10 });

	(void)state;
	send_bytes(e.a, "one", 3, 100);
	send_bytes(e.a, "two", 3, 50);
	assert_int_equal(e.b->ops->deadline(e.b), 110);
	expect_nothing(e.b, 109);
	expect_bytes(e.b, "one", 3, 110);
	expect_bytes(e.b, "two", 3, 110);
	close_wire(&e);
}

static void payload_is_copied_and_stays_until_the_next_receive(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .queue = 4 });
	struct rx_frame got[DEVICE_BATCH];
	char text[] = "first";

	(void)state;
	send_bytes(e.a, text, 5, 0);
	memset(text, 'z', sizeof text);
	assert_int_equal(e.b->ops->recv(e.b, got, DEVICE_BATCH, 0), 1);
	for (int i = 0; i < 4; i++)
		send_bytes(e.a, "other", 5, 0);
	assert_memory_equal(got[0].data, "first", 5);
	assert_int_equal(e.b->ops->recv(e.b, got, DEVICE_BATCH, 0), 4);
	close_wire(&e);
}

static void header_block_and_pieces_arrive_as_one(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ 0 });
	struct tx_frame f;

	(void)state;
	tx_begin(&f);
	memcpy(tx_push(&f, 4), "head", 4);
	tx_add_payload(&f, "pie", 3);
	tx_add_payload(&f, "ces", 3);
	assert_int_equal(e.a->ops->send(e.a, &f, 1, 0), 1);
	expect_bytes(e.b, "headpieces", 10, 0);
	close_wire(&e);
}

static void more_than_the_queue_holds_is_dropped_and_counted(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .queue = 3, .delay_us = 5 });

	(void)state;
	for (char c = 'a'; c <= 'c'; c++)
		assert_int_equal(send_bytes(e.a, &c, 1, 0), 1);
	assert_int_equal(send_bytes(e.a, "d", 1, 0), 0);
	assert_int_equal(send_bytes(e.b, "x", 1, 0), 1); /* each direction for itself */
	assert_int_equal(e.a->stats.tx_dropped, 1);
	assert_int_equal(e.a->stats.tx_frames, 3);
	for (char c = 'a'; c <= 'c'; c++)
		expect_bytes(e.b, &c, 1, 5);
	expect_nothing(e.b, 5);
	assert_int_equal(send_bytes(e.a, "e", 1, 5), 1);
	close_wire(&e);
}

static void frames_handed_out_do_not_count_as_on_the_way(void **state)
{
	enum { QUEUE = DEVICE_BATCH };
	struct ends e = open_wire(&(struct wire_config){ .queue = QUEUE });
	struct device *both[2] = { e.a, e.b };
	struct rx_frame got[DEVICE_BATCH];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int side = 0; side < 2; side++) {
			for (int i = 0; i < QUEUE; i++)
				assert_int_equal(send_bytes(both[side], "x", 1, 0), 1);
			assert_int_equal(send_bytes(both[side], "x", 1, 0), 0);
		}
		for (int side = 0; side < 2; side++)
			assert_int_equal(both[side]->ops->recv(both[side], got, DEVICE_BATCH, 0),
					 DEVICE_BATCH);
	}
	close_wire(&e);
}

static void a_batch_is_taken_in_order_as_far_as_it_fits(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .queue = 2 });
	struct tx_frame frames[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		tx_begin(&frames[i]);
		tx_add_payload(&frames[i], &"abc"[i], 1);
	}
	assert_int_equal(e.a->ops->send(e.a, frames, 3, 0), 2);
	assert_int_equal(e.a->stats.tx_dropped, 1);
	expect_bytes(e.b, "a", 1, 0);
	expect_bytes(e.b, "b", 1, 0);
	expect_nothing(e.b, 0);
	close_wire(&e);
}

static void recv_gives_what_was_asked_for_and_keeps_the_rest(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ 0 });
	struct rx_frame got[2 * DEVICE_BATCH];
	uint8_t i;
	int n = 0;

	(void)state;
	for (i = 0; i < 200; i++)
		send_bytes(e.a, &i, 1, 0);
	assert_int_equal(e.b->ops->recv(e.b, got, 5, 0), 5);
	assert_int_equal(got[4].data[0], 4);
	i = 5;
	while ((n = e.b->ops->recv(e.b, got, 2 * DEVICE_BATCH, 0)) > 0)
		for (int j = 0; j < n; j++)
			assert_int_equal(got[j].data[0], i++);
	assert_int_equal(i, 200);
	assert_int_equal(e.b->stats.rx_frames, 200);
	assert_int_equal(e.b->stats.rx_bytes, 200);
	assert_int_equal(e.a->stats.tx_bytes, 200);
	assert_int_equal(e.a->stats.tx_calls, 200);
	close_wire(&e);
}

static void a_frame_beyond_the_mtu_is_dropped(void **state)
{
	static uint8_t data[14 + 1501];
	struct ends e = open_wire(&(struct wire_config){ .mtu = 1500 });

	(void)state;
	assert_int_equal(send_bytes(e.a, data, 14 + 1501, 0), 0);
	assert_int_equal(e.a->stats.tx_dropped, 1);
	expect_nothing(e.b, 0);
	assert_int_equal(send_bytes(e.a, data, 14 + 1500, 0), 1);
	expect_bytes(e.b, data, 14 + 1500, 0);
	close_wire(&e);
}

/* A frame of len bytes whose 16-bit checksum field at 6 covers all from byte 2 on; the field holds 0x1234. */
static void fill_partial(struct tx_frame *f, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)i;
	store_be16(data + 6, 0x1234);
	tx_begin(f);
	tx_add_payload(f, data, len);
	f->flags = TX_CHECKSUM_PARTIAL;
	f->checksum_start = 2;
	f->checksum_offset = 4;
}

static void without_offload_the_wire_finishes_checksums(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ 0 });
	struct tx_frame f;
	uint8_t data[10];

	(void)state;
	fill_partial(&f, data, sizeof data);
	assert_int_equal(e.a->ops->send(e.a, &f, 1, 0), 1);
	/* 0x0203 + 0x0405 + 0x1234 + 0x0809 = 0x2045 */
	expect_bytes(e.b, "\0\1\2\3\4\5\xdf\xba\x08\x09", 10, 0);
	assert_int_equal(load_be16(data + 6), 0x1234); /* the sender's own bytes are as they were */
	close_wire(&e);
}

static void with_offload_checksums_arrive_unfinished_as_over_a_tap(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .gso_max = 65535 });
	struct rx_frame got;
	struct tx_frame f;
	uint8_t data[10];

	(void)state;
	fill_partial(&f, data, sizeof data);
	assert_int_equal(e.a->ops->send(e.a, &f, 1, 0), 1);
	assert_int_equal(e.b->ops->recv(e.b, &got, 1, 0), 1);
	assert_memory_equal(got.data, data, sizeof data);
	assert_int_equal(got.flags, RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID);
	assert_int_equal(got.checksum_start, 2);
	assert_int_equal(got.checksum_offset, 4);
	assert_int_equal(send_bytes(e.a, "full", 4, 0), 1);
	expect_bytes(e.b, "full", 4, 0); /* and without any flag where the sender did it */
	close_wire(&e);
}

static void super_frames_pass_uncut(void **state)
{
	static uint8_t data[14 + 65536];
	struct ends e = open_wire(&(struct wire_config){ .gso_max = 65535 });
	struct rx_frame got;
	struct tx_frame f;

	(void)state;
	fill_partial(&f, data, 14 + 65535);
	f.gso = GSO_TCP4;
	f.gso_size = 1460;
	assert_int_equal(e.a->ops->send(e.a, &f, 1, 0), 1);
	assert_int_equal(e.b->ops->recv(e.b, &got, 1, 0), 1);
	assert_int_equal(got.len, 14 + 65535);
	assert_memory_equal(got.data, data, got.len);
	assert_int_equal(got.gso, GSO_TCP4);
	assert_int_equal(got.gso_size, 1460);
	assert_int_equal(got.flags, RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID);
	fill_partial(&f, data, 14 + 65536);
	f.gso = GSO_TCP4;
	f.gso_size = 1460;
	assert_int_equal(e.a->ops->send(e.a, &f, 1, 0), 0);
	f.gso = GSO_NONE; /* not cut by anybody: the MTU counts */
	assert_int_equal(send_bytes(e.a, data, 14 + 1501, 0), 0);
	assert_int_equal(e.a->stats.tx_dropped, 2);
	expect_nothing(e.b, 0);
	close_wire(&e);
}

static void closing_one_end_leaves_the_other_silent(void **state)
{
	struct ends e = open_wire(&(struct wire_config){ .delay_us = 10 });

	(void)state;
	send_bytes(e.a, "on the way", 10, 0);
	send_bytes(e.b, "on the way", 10, 0);
	e.a->ops->close(e.a);
	expect_bytes(e.b, "on the way", 10, 10);
	assert_int_equal(send_bytes(e.b, "lost", 4, 20), 0);
	assert_int_equal(e.b->stats.tx_dropped, 1);
	expect_nothing(e.b, 1000);
	assert_true(e.b->ops->deadline(e.b) == TIMER_NEVER);
	e.b->ops->close(e.b);

	e = open_wire(&(struct wire_config){ 0 });
	send_bytes(e.a, "never read", 10, 0);
	e.b->ops->close(e.b);
	e.a->ops->close(e.a);
}

/* Both directions at random against a plain model of a delay line. */
static void random_traffic_arrives_whole_in_order_and_in_time(void **state)
{
	enum { QUEUE = 50, DELAY = 700 };
	struct ends e = open_wire(&(struct wire_config){ .queue = QUEUE, .delay_us = DELAY });
	struct device *ends[2] = { e.a, e.b };
	static uint64_t sent_at[2][100000];
	uint32_t sent[2] = { 0 }, got[2] = { 0 };
	uint64_t now_us = 0;
	struct random r;

	(void)state;
	random_init(&r, 5);
	for (int i = 0; i < 100000; i++) {
		uint32_t side = random_below(&r, 2), other = 1 - side;
		struct rx_frame frames[DEVICE_BATCH];
		uint8_t data[1514];

		now_us += random_below(&r, 30);
		if (random_chance(&r, 700000)) {
			size_t len = 4 + random_below(&r, sizeof data - 3);

			memset(data, (int)(sent[side] & 0xff), len);
			store_be32(data, sent[side]);
			if (sent[side] - got[other] < QUEUE) {
				assert_int_equal(send_bytes(ends[side], data, len, now_us), 1);
				sent_at[side][sent[side]++] = now_us;
			} else {
				assert_int_equal(send_bytes(ends[side], data, len, now_us), 0);
			}
			continue;
		}
		int n = ends[side]->ops->recv(ends[side], frames, 1 + (int)random_below(&r, DEVICE_BATCH),
					      now_us);
		for (int j = 0; j < n; j++, got[side]++) {
			assert_int_equal(load_be32(frames[j].data), got[side]);
			for (uint32_t k = 3; k < frames[j].len; k++)
				assert_true(frames[j].data[k] == (got[side] & 0xff));
			assert_true(sent_at[other][got[side]] + DELAY <= now_us);
		}
		if (got[side] < sent[other])
			assert_int_equal(ends[side]->ops->deadline(ends[side]),
					 sent_at[other][got[side]] + DELAY);
	}
	assert_true(got[0] > 10000 && got[1] > 10000);
	close_wire(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_end_sends_the_other_receives),
		cmocka_unit_test(defaults_and_capabilities_are_told),
		cmocka_unit_test(a_frame_arrives_after_the_delay_and_the_deadline_says_when),
		cmocka_unit_test(order_is_kept_even_when_a_clock_goes_back),
		cmocka_unit_test(payload_is_copied_and_stays_until_the_next_receive),
		cmocka_unit_test(header_block_and_pieces_arrive_as_one),
		cmocka_unit_test(more_than_the_queue_holds_is_dropped_and_counted),
		cmocka_unit_test(frames_handed_out_do_not_count_as_on_the_way),
		cmocka_unit_test(a_batch_is_taken_in_order_as_far_as_it_fits),
		cmocka_unit_test(recv_gives_what_was_asked_for_and_keeps_the_rest),
		cmocka_unit_test(a_frame_beyond_the_mtu_is_dropped),
		cmocka_unit_test(without_offload_the_wire_finishes_checksums),
		cmocka_unit_test(with_offload_checksums_arrive_unfinished_as_over_a_tap),
		cmocka_unit_test(super_frames_pass_uncut),
		cmocka_unit_test(closing_one_end_leaves_the_other_silent),
		cmocka_unit_test(random_traffic_arrives_whole_in_order_and_in_time),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
