/*
 * A wire of one's own: a wire joins "near", which visitors stand in front of, and "far", from where frames
 * come and are looked at. 10.77.0.1 is who has a wire, 10.77.0.9 has none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/timer.h"
#include "base/world.h"
#include "common/ladder_frame.h"
#include "link/visitors.h"
#include "link/wire.h"

enum { VISITOR = 0x0a4d0001, OTHER = 0x0a4d0009, US = 0x0a4d0002, MSS = 1400, HEADS = 14 + 20 + 20 };
enum { ALL = 1000000 /* ppm */ };

static const uint64_t ms = 1000, start = 5000000, life = 600000000;

struct bench {
	struct device *near, *far;
	struct world world;
	struct observer observer;
	unsigned told_in, told_out, told_lost; /* frames that observers were told of */
	uint32_t lost_len[8];
	const char *note;
};

static void on_event(void *context, const struct trace_event *e)
{
	struct bench *b = context;

	*(e->kind == TRACE_FRAME_IN ? &b->told_in : &b->told_out) += 1;
	b->note = e->note;
	if (e->drop == DROP_NONE)
		return;
	assert_int_equal(e->drop, DROP_WIRE);
	if (b->told_lost < ARRAY_LENGTH(b->lost_len))
		b->lost_len[b->told_lost] = e->kind == TRACE_FRAME_IN ? e->rx->len : tx_len(e->tx);
	b->told_lost++;
}

static struct bench *bench_new(uint32_t gso_max)
{
	struct bench *b = calloc(1, sizeof *b);
	struct wire_config wire = { .mtu = 1500, .gso_max = gso_max, .queue = 40000 };
	struct device *inner;

	assert_non_null(b);
	assert_int_equal(wire_open(&wire, &inner, &b->far), 0);
	assert_int_equal(visitors_open(inner, &b->near), 0);
	assert_int_equal(world_init(&b->world, start, 7, NULL), 0);
	b->observer = (struct observer){ .kinds = ~0U, .on_event = on_event, .context = b };
	world_observe(&b->world, &b->observer);
	visitors_tell(b->near, &b->world);
	return b;
}

static void bench_free(struct bench *b)
{
	b->near->ops->close(b->near);
	b->far->ops->close(b->far);
	free(b);
}

static struct ip_prefix address(uint32_t ip)
{
	struct ip_addr a = ip_addr_from_4(ip);

	return visitor_prefix(&a);
}

static int set(struct bench *b, const struct visitor_wire *wire)
{
	struct ip_prefix visitor = address(VISITOR);
	struct visitor_wire w = *wire;

	w.expires_us = start + life;
	return visitors_set(b->near, &visitor, &w);
}

static uint32_t make(uint32_t src, uint32_t dst, uint32_t number, uint8_t out[static LADDER_FRAME_MAX])
{
	const struct ladder_frame f = { .src = src, .dst = dst, .src_port = src == US ? 80 : 40000,
					.dst_port = src == US ? 40000 : 80, .seq = number, .flags = FRAME_TCP_ACK,
					.text = "text" };

	return (uint32_t)ladder_frame_make(&f, out);
}

static uint32_t number_of(const struct rx_frame *f)
{
	return load_be32(f->data + 14 + 20 + 4);
}

/* All headers in the header block, as the stack makes it. */
static int send_one(struct device *d, uint32_t src, uint32_t dst, uint32_t number, uint64_t now_us)
{
	uint8_t frame[LADDER_FRAME_MAX];
	uint32_t len = make(src, dst, number, frame);
	struct tx_frame f;

	tx_begin(&f);
	tx_add_payload(&f, frame + HEADS, len - HEADS);
	memcpy(tx_push(&f, HEADS), frame, HEADS);
	return d->ops->send(d, &f, 1, now_us);
}

/* The numbers of all frames that d has at this time. */
static unsigned receive(struct device *d, uint32_t *numbers, unsigned max, uint64_t now_us)
{
	struct rx_frame f[DEVICE_BATCH];
	unsigned count = 0;
	int n;

	while ((n = d->ops->recv(d, f, DEVICE_BATCH, now_us)) > 0)
		for (int i = 0; i < n; i++) {
			assert_true(count < max);
			numbers[count++] = number_of(&f[i]);
		}
	assert_int_equal(n, 0);
	return count;
}

static unsigned count(struct device *d, uint64_t now_us)
{
	uint32_t numbers[4096];

	return receive(d, numbers, 4096, now_us);
}

static void without_wires_all_passes_with_its_offloads(void **state)
{
	struct bench *b = bench_new(65535);

	(void)state;
	assert_int_equal(b->near->caps.gso_max, 65535);
	assert_true(b->near->caps.tx_checksum);
	send_one(b->near, US, VISITOR, 1, start);
	send_one(b->far, VISITOR, US, 2, start);
	assert_int_equal(count(b->far, start), 1);
	assert_int_equal(count(b->near, start), 1);
	assert_int_equal(b->near->ops->deadline(b->near), TIMER_NEVER);
	assert_int_equal(b->told_in + b->told_out, 0); /* that is the stack's */
	bench_free(b);
}

static void only_frames_of_the_address_are_lost(void **state)
{
	struct bench *b = bench_new(0);
	uint32_t numbers[20];

	(void)state;
	assert_int_equal(set(b, &(struct visitor_wire){ .rx.loss_ppm = ALL, .tx.loss_ppm = ALL }), 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(send_one(b->near, US, VISITOR, i, start), 1);
		assert_int_equal(send_one(b->near, US, OTHER, 100 + i, start), 1);
		send_one(b->far, VISITOR, US, i, start);
		send_one(b->far, OTHER, US, 200 + i, start);
	}
	assert_int_equal(receive(b->far, numbers, 20, start), 5);
	assert_int_equal(numbers[4], 104);
	assert_int_equal(receive(b->near, numbers, 20, start), 5);
	assert_int_equal(numbers[4], 204);
	assert_int_equal(b->told_lost, 10);
	assert_int_equal(b->told_in, 5);
	assert_int_equal(b->told_out, 5);
	assert_int_equal(b->world.drops[DROP_WIRE], 10);
	assert_int_equal(visitors_counters(b->near)->rx.lost, 5);
	assert_int_equal(visitors_counters(b->near)->tx.lost, 5);
	bench_free(b);
}

/* A frame is told of once: by who knows what becomes of it. */
static void the_stack_is_told_which_frames_are_not_its_to_tell(void **state)
{
	struct bench *b = bench_new(0);
	struct frame_teller *t = b->world.teller;
	uint8_t frame[LADDER_FRAME_MAX];
	struct tx_frame f;
	uint32_t len;

	(void)state;
	len = make(US, VISITOR, 1, frame);
	tx_begin(&f);
	memcpy(tx_push(&f, len), frame, len);
	assert_false(t->takes(t, &f));
	set(b, &(struct visitor_wire){ .tx.delay_us = 1 });
	assert_true(t->takes(t, &f));
	make(US, OTHER, 1, frame);
	memcpy((uint8_t *)(uintptr_t)tx_head(&f), frame, len);
	assert_false(t->takes(t, &f));
	bench_free(b);
}

static void a_frame_that_arrives_is_told_with_its_headers_in_the_header_block(void **state)
{
	struct bench *b = bench_new(0);

	(void)state;
	set(b, &(struct visitor_wire){ .tx.corrupt_ppm = ALL });
	send_one(b->near, US, VISITOR, 1, start);
	assert_int_equal(b->told_out, 1);
	assert_int_equal(b->told_lost, 1);
	assert_string_equal(b->note, "damaged on the wire");
	set(b, &(struct visitor_wire){ .tx.duplicate_ppm = ALL });
	send_one(b->near, US, VISITOR, 2, start);
	assert_int_equal(b->told_out, 3);
	assert_int_equal(b->told_lost, 1);
	assert_string_equal(b->note, "duplicated on the wire");
	assert_int_equal(count(b->far, start), 3);
	bench_free(b);
}

/* The super-frame's headers; checksums are left to the device. */
static void send_super(struct device *d, uint32_t dst, uint32_t segments, uint64_t now_us)
{
	static uint8_t text[64 * MSS];
	uint8_t frame[LADDER_FRAME_MAX];
	struct tx_frame f;

	make(US, dst, 1000, frame);
	store_be16(frame + 16, (uint16_t)(40 + segments * MSS));
	tx_begin(&f);
	for (uint32_t i = 0; i < segments * MSS; i++)
		text[i] = (uint8_t)(i / MSS);
	tx_add_payload(&f, text, segments * MSS);
	memcpy(tx_push(&f, HEADS), frame, HEADS);
	f.gso = GSO_TCP4;
	f.gso_size = MSS;
	f.flags = TX_CHECKSUM_PARTIAL;
	f.checksum_start = 34;
	f.checksum_offset = 16;
	f.note = "a note";
	assert_int_equal(d->ops->send(d, &f, 1, now_us), 1);
}

static void a_super_frame_is_cut_for_the_address_alone(void **state)
{
	struct bench *b = bench_new(65535);
	struct rx_frame f[DEVICE_BATCH];
	const uint8_t *ip;
	uint32_t sum;

	(void)state;
	set(b, &(struct visitor_wire){ .tx.delay_us = ms });
	send_super(b->near, OTHER, 10, start);
	assert_int_equal(b->far->ops->recv(b->far, f, DEVICE_BATCH, start), 1);
	assert_int_equal(f[0].gso, GSO_TCP4);
	assert_int_equal(f[0].len, HEADS + 10 * MSS);
	send_super(b->near, VISITOR, 10, start);
	assert_int_equal(b->told_out, 10);
	assert_string_equal(b->note, "a note");
	assert_int_equal(b->near->ops->recv(b->near, f, DEVICE_BATCH, start + ms), 0);
	assert_int_equal(b->far->ops->recv(b->far, f, DEVICE_BATCH, start + ms), 10);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(f[i].gso, GSO_NONE);
		assert_int_equal(f[i].len, HEADS + MSS);
		assert_int_equal(number_of(&f[i]), 1000 + i * MSS);
		assert_int_equal(f[i].data[HEADS], i);
		ip = f[i].data + 14;
		sum = checksum_add_be32(checksum_add(0, ip + 12, 8), 20 + MSS);
		sum = checksum_add(checksum_add_be16(sum, 6), ip + 20, 20 + MSS);
		assert_int_equal(checksum_finish(sum), 0);
	}
	bench_free(b);
}

static void drop_next_takes_one_segment_of_a_super_frame(void **state)
{
	struct bench *b = bench_new(65535);
	struct visitor_counters counters;
	struct visitor_wire wire;
	struct ip_prefix visitor = address(VISITOR);
	uint32_t numbers[20];

	(void)state;
	set(b, &(struct visitor_wire){ .next = { .kind = DROP_NEXT_DATA, .left = 1, .tx = true } });
	send_super(b->near, VISITOR, 3, start);
	assert_int_equal(receive(b->far, numbers, 20, start), 2);
	assert_int_equal(numbers[0], 1000 + MSS);
	assert_int_equal(b->told_lost, 1);
	assert_int_equal(b->lost_len[0], HEADS + MSS);
	assert_true(visitors_find(b->near, &visitor, &wire, &counters));
	assert_int_equal(wire.next.left, 0);
	assert_int_equal(counters.dropped, 1);
	assert_int_equal(counters.tx.lost, 0);
	assert_int_equal(visitors_counters(b->near)->dropped, 1);
	bench_free(b);
}

static void what_waits_has_a_deadline(void **state)
{
	struct bench *b = bench_new(0);

	(void)state;
	set(b, &(struct visitor_wire){ .rx.delay_us = 20 * ms, .tx.delay_us = 30 * ms });
	assert_int_equal(b->near->ops->deadline(b->near), start + life);
	send_one(b->near, US, VISITOR, 1, start);
	assert_int_equal(b->near->ops->deadline(b->near), start + 30 * ms);
	send_one(b->far, VISITOR, US, 1, start);
	assert_int_equal(count(b->near, start), 0);
	assert_int_equal(b->near->ops->deadline(b->near), start + 20 * ms);
	assert_int_equal(count(b->near, start + 20 * ms), 1);
	assert_int_equal(count(b->far, start + 29 * ms), 0);
	assert_int_equal(count(b->near, start + 30 * ms), 0);
	assert_int_equal(count(b->far, start + 30 * ms), 1);
	bench_free(b);
}

static void a_change_keeps_what_is_on_its_way(void **state)
{
	struct bench *b = bench_new(0);
	uint32_t numbers[4];

	(void)state;
	set(b, &(struct visitor_wire){ .tx.delay_us = 20 * ms });
	send_one(b->near, US, VISITOR, 1, start);
	set(b, &(struct visitor_wire){ .tx.delay_us = 0 });
	send_one(b->near, US, VISITOR, 2, start);
	assert_int_equal(receive(b->far, numbers, 4, start), 1);
	assert_int_equal(numbers[0], 2);
	count(b->near, start + 20 * ms);
	assert_int_equal(receive(b->far, numbers, 4, start + 20 * ms), 1);
	assert_int_equal(numbers[0], 1);
	bench_free(b);
}

static void cleared_it_lets_all_pass_and_loses_nothing(void **state)
{
	struct bench *b = bench_new(0);
	struct ip_prefix visitor = address(VISITOR);
	struct visitor_wire wire;

	(void)state;
	set(b, &(struct visitor_wire){ .rx.delay_us = 20 * ms, .tx = { .delay_us = 20 * ms } });
	send_one(b->near, US, VISITOR, 1, start);
	send_one(b->far, VISITOR, US, 1, start);
	assert_int_equal(count(b->near, start), 0);
	visitors_clear(b->near, &visitor);
	assert_false(visitors_find(b->near, &visitor, &wire, NULL));
	send_one(b->near, US, VISITOR, 2, start);
	assert_int_equal(count(b->far, start), 1);
	assert_int_equal(count(b->near, start + 20 * ms), 1);
	assert_int_equal(count(b->far, start + 20 * ms), 1);
	assert_int_equal(count(b->near, start + 21 * ms), 0);
	assert_int_equal(b->near->ops->deadline(b->near), TIMER_NEVER);
	bench_free(b);
}

static void it_forgets_itself(void **state)
{
	struct bench *b = bench_new(0);
	struct ip_prefix visitor = address(VISITOR);
	struct visitor_wire wire;

	(void)state;
	set(b, &(struct visitor_wire){ .tx.loss_ppm = ALL });
	count(b->near, start + life - 1);
	send_one(b->near, US, VISITOR, 1, start + life - 1);
	assert_int_equal(count(b->far, start + life - 1), 0);
	count(b->near, start + life);
	assert_false(visitors_find(b->near, &visitor, &wire, NULL));
	send_one(b->near, US, VISITOR, 1, start + life);
	assert_int_equal(count(b->far, start + life), 1);
	bench_free(b);
}

static void the_table_is_bounded(void **state)
{
	struct bench *b = bench_new(0);
	const struct visitor_wire wire = { .tx.loss_ppm = ALL, .expires_us = start + life };
	struct ip_prefix a;

	(void)state;
	for (uint32_t i = 0; i < VISITORS_MAX; i++) {
		a = address(OTHER + i);
		assert_int_equal(visitors_set(b->near, &a, &wire), 0);
	}
	assert_int_equal(set(b, &wire), -ENOSPC);
	assert_int_equal(visitors_set(b->near, &a, &wire), 0); /* one that is there may be changed */
	visitors_clear(b->near, &a);
	count(b->near, start);
	assert_int_equal(set(b, &wire), 0);
	assert_int_equal(visitors_counters(b->near)->refused, 1);
	bench_free(b);
}

/* Whoever has much due does not keep the others waiting. */
static void a_burst_of_one_leaves_room_for_others(void **state)
{
	struct bench *b = bench_new(0);
	struct rx_frame f[DEVICE_BATCH];
	unsigned others = 0;
	int n;

	(void)state;
	set(b, &(struct visitor_wire){ .rx.delay_us = ms });
	for (uint32_t i = 0; i < 500; i++)
		send_one(b->far, VISITOR, US, i, start);
	while (b->near->ops->recv(b->near, f, DEVICE_BATCH, start) > 0)
		;
	for (uint32_t i = 0; i < 500; i++) /* each batch of the inner device's gives nothing to hand out */
		b->near->ops->recv(b->near, f, DEVICE_BATCH, start);
	for (uint32_t i = 0; i < 8; i++)
		send_one(b->far, OTHER, US, 1000 + i, start);
	n = b->near->ops->recv(b->near, f, DEVICE_BATCH, start + ms);
	for (int i = 0; i < n; i++)
		others += number_of(&f[i]) >= 1000;
	assert_int_equal(n, DEVICE_BATCH);
	assert_int_equal(others, 8);
	bench_free(b);
}

/* Peers that are not there: what they say comes in, and what they are told goes nowhere. */
static void who_is_not_there_can_be_pretended(void **state)
{
	struct bench *b = bench_new(0);
	struct ip_prefix network;
	uint8_t frame[LADDER_FRAME_MAX];
	uint32_t len = make(0xc6336407, US, 77, frame), numbers[4];

	(void)state;
	assert_true(ip_prefix_parse("198.51.100.0/24", &network));
	assert_false(visitors_pretend(b->near, &network, frame, len, start));
	assert_int_equal(visitors_set(b->near, &network,
				      &(struct visitor_wire){ .tx.loss_ppm = ALL, .expires_us = start + life }), 0);
	assert_true(visitors_pretend(b->near, &network, frame, len, start));
	assert_false(visitors_pretend(b->near, &network, frame, 2000, start));
	assert_int_equal(b->near->ops->deadline(b->near), start);
	assert_int_equal(receive(b->near, numbers, 4, start), 1);
	assert_int_equal(numbers[0], 77);
	send_one(b->near, US, 0xc6336407, 1, start);
	send_one(b->near, US, 0xc6336507, 2, start);
	assert_int_equal(receive(b->far, numbers, 4, start), 1);
	assert_int_equal(numbers[0], 2);
	bench_free(b);
}

static void a_short_queue_is_as_short_as_was_asked(void **state)
{
	struct bench *b = bench_new(0);

	(void)state;
	set(b, &(struct visitor_wire){ .tx = { .delay_us = 20 * ms, .queue = 10 } });
	for (uint32_t i = 0; i < 25; i++)
		send_one(b->near, US, VISITOR, i, start);
	assert_int_equal(b->told_lost, 15);
	bench_free(b);
}

static void the_queue_is_bounded(void **state)
{
	struct bench *b = bench_new(0);
	struct visitor_counters counters;
	struct ip_prefix visitor = address(VISITOR);
	struct visitor_wire wire;

	(void)state;
	set(b, &(struct visitor_wire){ .tx = { .delay_us = 20 * ms, .queue = 5000 } });
	for (uint32_t i = 0; i < VISITORS_QUEUE + 10; i++)
		send_one(b->near, US, VISITOR, i, start);
	assert_true(visitors_find(b->near, &visitor, &wire, &counters));
	assert_int_equal(counters.tx.queue_full, 10);
	assert_int_equal(b->told_lost, 10);
	count(b->near, start + 20 * ms);
	assert_int_equal(count(b->far, start + 20 * ms), VISITORS_QUEUE);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_wires_all_passes_with_its_offloads),
		cmocka_unit_test(only_frames_of_the_address_are_lost),
		cmocka_unit_test(the_stack_is_told_which_frames_are_not_its_to_tell),
		cmocka_unit_test(a_frame_that_arrives_is_told_with_its_headers_in_the_header_block),
		cmocka_unit_test(a_super_frame_is_cut_for_the_address_alone),
		cmocka_unit_test(drop_next_takes_one_segment_of_a_super_frame),
		cmocka_unit_test(what_waits_has_a_deadline),
		cmocka_unit_test(a_change_keeps_what_is_on_its_way),
		cmocka_unit_test(cleared_it_lets_all_pass_and_loses_nothing),
		cmocka_unit_test(it_forgets_itself),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(a_burst_of_one_leaves_room_for_others),
		cmocka_unit_test(who_is_not_there_can_be_pretended),
		cmocka_unit_test(a_short_queue_is_as_short_as_was_asked),
		cmocka_unit_test(the_queue_is_bounded),
	};

	return cmocka_run_group_tests_name("visitors", tests, NULL, NULL);
}
