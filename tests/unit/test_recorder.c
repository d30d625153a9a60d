/* The flight recorder: what it keeps of frames, for how long, of whom, and what it gives back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ladder_frame.h"
#include "server/recorder.h"

static const uint8_t options[] = { 2, 4, 5, 0xb4, 1, 3, 3, 7 };

static const struct ladder_frame syn = {
	.src = 0x0a4d0001, .dst = 0x0a4d0002, .src_port = 40000, .dst_port = 80, .seq = 1000,
	.flags = LADDER_SYN, .window = 64240, .options = options, .options_len = sizeof options,
};

static const struct ladder_frame answer = {
	.src = 0x0a4d0002, .dst = 0x0a4d0001, .src_port = 80, .dst_port = 40000, .seq = 5000, .ack = 1001,
	.flags = LADDER_SYN | LADDER_ACK, .window = 65535,
};

static struct stack *stack;
static struct recorder *recorder;
static struct recorded seen[16];
static unsigned n_seen;

static int set_up(void **state)
{
	struct stack_config c;
	struct failure why;

	(void)state;
	stack_config_default(&c);
	c.seed = 1;
	c.caps.mtu = 1500;
	assert_int_equal(stack_new(&c, 1000000, &stack, &why), 0);
	recorder = recorder_new(stack);
	assert_non_null(recorder);
	recorder_set(recorder, true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recorder_free(recorder);
	assert_null(stack->world.observer);
	assert_int_equal(stack->world.observed, 0);
	stack_free(stack);
	return 0;
}

static void tell_in(const uint8_t *frame, size_t len, uint64_t now_us, enum drop_reason drop)
{
	struct rx_frame rx = { .data = frame, .len = (uint32_t)len };

	observers_tell(stack->world.observer, &(struct trace_event){
		.kind = TRACE_FRAME_IN, .now_us = now_us, .rx = &rx, .drop = drop });
}

static void see_in(const struct ladder_frame *f, uint64_t now_us, enum drop_reason drop)
{
	uint8_t frame[LADDER_FRAME_MAX];

	tell_in(frame, ladder_frame_make(f, frame), now_us, drop);
}

/* Headers in the frame's own memory, text in a piece. */
static void see_out(const struct ladder_frame *f, uint64_t now_us, const char *note, const char *text)
{
	struct ladder_frame whole = *f;
	uint8_t frame[LADDER_FRAME_MAX];
	struct tx_frame tx;
	size_t len, head;

	whole.text = text;
	len = ladder_frame_make(&whole, frame);
	head = len - (text != NULL ? strlen(text) : 0);
	tx_begin(&tx);
	memcpy(tx_push(&tx, (unsigned)head), frame, head);
	if (text != NULL)
		tx_add_payload(&tx, frame + head, len - head);
	observers_tell(stack->world.observer, &(struct trace_event){
		.kind = TRACE_FRAME_OUT, .now_us = now_us, .tx = &tx, .note = note });
}

static void keep(void *context, const struct recorded *record)
{
	(void)context;
	if (n_seen < ARRAY_LENGTH(seen))
		seen[n_seen] = *record;
	n_seen++;
}

static unsigned replay(void)
{
	n_seen = 0;
	recorder_each(recorder, keep, NULL);
	return n_seen;
}

static uint64_t oldest_us; /* 0: not known yet */

static void note_oldest(void *context, const struct recorded *record)
{
	(void)context;
	if (oldest_us == 0)
		oldest_us = record->now_us;
}

static void segments_come_back_as_they_went(void **state)
{
	struct ladder_frame request = syn;
	struct ladder_seen s;

	(void)state;
	request.flags = LADDER_PSH | LADDER_ACK;
	request.options_len = 0;
	request.text = "GET / HTTP/1.1\r\nHost: 10.77.0.2\r\n"
		       "User-Agent: so that it has more than eighty bytes\r\n\r\n";
	see_in(&syn, 1, DROP_NONE);
	see_out(&answer, 2, "SYN-ACK retransmission", NULL);
	see_in(&request, 3, DROP_TCP_DUPLICATE);
	see_out(&answer, 4, NULL, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(replay(), 4);
	assert_true(recorded_segment(&seen[0], &s));
	assert_false(s.is_out);
	assert_int_equal(s.now_us, 1);
	assert_int_equal(ip_addr_to_4(&s.segment.src), syn.src);
	assert_int_equal(ip_addr_to_4(&s.segment.dst), syn.dst);
	assert_int_equal(s.segment.src_port, 40000);
	assert_int_equal(s.segment.dst_port, 80);
	assert_int_equal(s.segment.seq.n, 1000);
	assert_int_equal(s.segment.flags, LADDER_SYN);
	assert_int_equal(s.segment.window, 64240);
	assert_int_equal(s.segment.headers, 20 + 20 + sizeof options);
	assert_true(s.segment.options.has_mss && s.segment.options.has_wscale);
	assert_int_equal(s.segment.options.mss, 1460);
	assert_int_equal(s.segment.options.wscale, 7);
	assert_false(s.segment.options.has_timestamp || s.segment.options.sack_permitted);
	assert_true(recorded_segment(&seen[1], &s));
	assert_true(s.is_out);
	assert_int_equal(ip_addr_to_4(&s.segment.src), answer.src);
	assert_int_equal(s.segment.ack.n, 1001);
	assert_string_equal(s.note, "SYN-ACK retransmission");
	assert_true(recorded_segment(&seen[2], &s));
	assert_int_equal(s.drop, DROP_TCP_DUPLICATE);
	assert_int_equal(s.segment.len, strlen(request.text));
	assert_int_equal(s.segment.text.len, RECORDER_PACKET - 40);
	assert_memory_equal(s.segment.text.data, request.text, RECORDER_PACKET - 40);
	assert_true(recorded_segment(&seen[3], &s));
	assert_int_equal(s.segment.text.len, 17);
	assert_memory_equal(s.segment.text.data, "HTTP/1.1 200 OK\r\n", 17);
}

static void what_is_no_segment_does_not_come_back(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	size_t len = ladder_frame_make(&syn, frame);
	struct ladder_seen s;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, frame, cut);
		tell_in(copy, cut, 1, DROP_NONE);
		free(copy);
	}
	frame[14 + 9] = 17; /* UDP */
	tell_in(frame, len, 1, DROP_NONE);
	frame[14 + 9] = 6;
	frame[14 + 6] = 0x20; /* a fragment */
	tell_in(frame, len, 1, DROP_NONE);
	frame[14 + 6] = 0;
	frame[14 + 20 + 12] = 0x40; /* a header of 16 bytes */
	tell_in(frame, len, 1, DROP_NONE);
	frame[14 + 20 + 12] = 0xf0; /* one that is longer than the packet */
	tell_in(frame, len, 1, DROP_NONE);
	see_in(&syn, 1, DROP_ETH_NOT_OURS);
	assert_true(replay() < ARRAY_LENGTH(seen));
	for (unsigned i = 0; i < n_seen; i++)
		assert_false(recorded_segment(&seen[i], &s));
}

static void the_oldest_give_way(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < RECORDER_RECORDS + 3; i++)
		see_in(&syn, i, DROP_NONE);
	assert_int_equal(replay(), RECORDER_RECORDS);
	assert_int_equal(seen[0].now_us, 3);
}

static void who_is_hidden_is_not_seen(void **state)
{
	struct ladder_frame other = syn, ack = syn;
	struct ip_addr addr = ip_addr_from_4(syn.src);
	struct tcp_name name;

	(void)state;
	other.src_port = 40257;
	ack.flags = LADDER_ACK;
	see_in(&syn, 1, DROP_NONE);
	recorder_hide(recorder, &addr, 40000);
	assert_int_equal(replay(), 0);
	see_in(&syn, 2, DROP_NONE);
	see_out(&answer, 3, NULL, NULL);
	see_in(&other, 4, DROP_NONE);
	assert_int_equal(replay(), 1);
	recorded_name(&seen[0], &name);
	assert_int_equal(name.remote_port, 40257);
	/* What is left of it is hidden too, until another opens from there. */
	recorder_unhide(recorder, &addr, 40000);
	see_in(&ack, 5, DROP_NONE);
	assert_int_equal(replay(), 1);
	see_in(&syn, 6, DROP_NONE);
	see_in(&ack, 7, DROP_NONE);
	assert_int_equal(replay(), 3);
}

/* What is hidden is written where the oldest was: that is gone, and it is not seen in its place. */
static void who_is_hidden_is_not_seen_in_a_full_ring(void **state)
{
	struct ip_addr addr = ip_addr_from_4(syn.src);
	struct ladder_frame other = syn;

	(void)state;
	other.src_port++;
	for (uint64_t i = 1; i <= RECORDER_RECORDS; i++)
		see_in(&other, i, DROP_NONE);
	recorder_hide(recorder, &addr, syn.src_port);
	see_in(&syn, RECORDER_RECORDS + 1, DROP_NONE);
	recorder_tell(recorder, NULL, NULL);
	oldest_us = 0;
	recorder_each(recorder, note_oldest, NULL);
	assert_int_equal(oldest_us, 2);
}

/* A place that is free is nobody's: not even of who has port 0. */
static void a_free_place_hides_nobody_and_shows_nobody(void **state)
{
	struct ladder_frame viewer = syn, zero = syn;
	struct ip_addr addr = ip_addr_from_4(syn.src);

	(void)state;
	viewer.src_port++;
	zero.src_port = 0;
	recorder_hide(recorder, &addr, viewer.src_port);
	recorder_hide(recorder, &addr, syn.src_port);
	recorder_unhide(recorder, &addr, syn.src_port);
	see_in(&syn, 1, DROP_NONE); /* another connection: it is seen */
	for (uint64_t i = 2; i < 5; i++)
		see_in(&zero, i, DROP_NONE);
	see_in(&viewer, 5, DROP_NONE);
	assert_int_equal(replay(), 4);
	assert_int_equal(seen[3].now_us, 4);
}

static void nothing_is_kept_while_it_is_off(void **state)
{
	(void)state;
	see_in(&syn, 1, DROP_NONE);
	recorder_set(recorder, false);
	assert_null(stack->world.observer);
	assert_int_equal(replay(), 0);
	recorder_set(recorder, true);
	recorder_set(recorder, true);
	see_in(&syn, 2, DROP_NONE);
	assert_int_equal(replay(), 1);
}

/* As if it had been ours: those say. */
static void number_fourth(void *context, const struct recorded *record)
{
	(void)context;
	if (record->now_us == 4)
		((struct recorded *)(uintptr_t)record)->connection = 7;
}

/* Its SYN came before there was a connection, the last segments after it was one. */
static void what_has_no_number_gets_that_of_its_connection(void **state)
{
	static const uint64_t numbers[] = { 0, 7, 7, 7, 7, 0 };
	struct ladder_frame ack = syn, other = syn;

	(void)state;
	ack.flags = LADDER_ACK;
	other.seq = 90000;
	see_in(&ack, 1, DROP_NONE); /* of one before */
	see_in(&syn, 2, DROP_NONE);
	see_in(&ack, 3, DROP_NONE);
	see_in(&ack, 4, DROP_NONE);
	see_in(&ack, 5, DROP_NONE);
	see_in(&other, 6, DROP_NONE); /* and of one afterwards */
	recorder_each(recorder, number_fourth, NULL);
	recorder_number(recorder);
	assert_int_equal(replay(), ARRAY_LENGTH(numbers));
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
		assert_int_equal(seen[i].connection, numbers[i]);
}

static void tell(void *context, const struct recorded *record)
{
	(*(unsigned *)context)++;
	assert_int_equal(record->kind, RECORDED_IN);
}

static void whoever_wants_is_told_at_once(void **state)
{
	unsigned told = 0;

	(void)state;
	recorder_tell(recorder, tell, &told);
	see_in(&syn, 1, DROP_NONE);
	assert_int_equal(told, 1);
	recorder_tell(recorder, NULL, NULL);
	see_in(&syn, 2, DROP_NONE);
	assert_int_equal(told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(segments_come_back_as_they_went, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_segment_does_not_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_oldest_give_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_hidden_is_not_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_hidden_is_not_seen_in_a_full_ring, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_free_place_hides_nobody_and_shows_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_has_no_number_gets_that_of_its_connection, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_kept_while_it_is_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whoever_wants_is_told_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
