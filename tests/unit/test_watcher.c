/* One who watches: what it is told of segments, steps, samples and ends; and how much of it at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/ladder_frame.h"
#include "server/watcher.h"

enum { CLIENT = 0x0a4d0001, SERVER = 0x0a4d0002, PORT = 40000 };

static struct stack *stack;
static struct recorder *recorder;
static struct watcher *watcher;
static struct {
	char text[1 << 20];
	size_t len;
	unsigned batches;
	bool is_full;
} told;

static bool take(struct watcher *w, struct bytes batch)
{
	json_t *rows;

	(void)w;
	if (told.is_full)
		return false;
	told.batches++;
	rows = json_loadb((const char *)batch.data, batch.len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_array_size(rows) > 0);
	json_decref(rows);
	assert_true(told.len + batch.len < sizeof told.text);
	memcpy(told.text + told.len, batch.data, batch.len);
	told.len += batch.len;
	told.text[told.len] = '\0';
	return true;
}

static void on_record(void *context, const struct recorded *record)
{
	watcher_record(context, record);
}

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
	watcher = calloc(1, sizeof *watcher);
	assert_true(recorder != NULL && watcher != NULL);
	recorder_set(recorder, true);
	recorder_tell(recorder, on_record, watcher);
	memset(&told, 0, sizeof told);
	watcher->client = ip_addr_from_4(CLIENT);
	watcher->send = take;
	watcher_init(watcher, stack->tcp, 1700000000000000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recorder_free(recorder);
	stack_free(stack);
	free(watcher);
	return 0;
}

static void see_frame(uint32_t client, uint16_t port, bool is_out, uint8_t flags, uint32_t n)
{
	uint8_t frame[LADDER_FRAME_MAX];
	struct ladder_frame f = {
		.src = is_out ? SERVER : client, .dst = is_out ? client : SERVER,
		.src_port = is_out ? 80 : port, .dst_port = is_out ? port : 80,
		.seq = n, .ack = (flags & LADDER_ACK) != 0 ? n : 0, .flags = flags,
	};
	struct rx_frame rx = { .data = frame, .len = (uint32_t)ladder_frame_make(&f, frame) };
	struct tx_frame tx;

	tx_begin(&tx);
	memcpy(tx_push(&tx, rx.len), frame, rx.len);
	observers_tell(stack->world.observer, &(struct trace_event){
		.kind = is_out ? TRACE_FRAME_OUT : TRACE_FRAME_IN, .now_us = 1000000 + n, .rx = &rx, .tx = &tx });
}

static void see(uint8_t flags, uint32_t n)
{
	see_frame(CLIENT, PORT, false, flags, n);
}

static void watch(enum watch_what what, uint64_t connection)
{
	const struct watch_request request = {
		.what = what, .n = connection != 0, .connections = { connection }, .segments = true,
	};

	watcher_begin(watcher, &request, recorder);
}

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *at = told.text; (at = strstr(at, what)) != NULL; at += strlen(what))
		n++;
	return n;
}

/* What is told now is this, so often. */
static void expect(const char *what, unsigned times)
{
	told.len = 0;
	told.text[0] = '\0';
	watcher_turn(watcher, 2000000, 0);
	if (count(what) != times)
		fail_msg("%u times and not %u: %s in %s", count(what), times, what, told.text);
}

static void nothing_is_told_before_it_asks(void **state)
{
	(void)state;
	see(LADDER_SYN, 1);
	expect("event", 0);
	assert_int_equal(told.batches, 0);
}

static void what_was_before_is_replayed(void **state)
{
	(void)state;
	see(LADDER_SYN, 1);
	see_frame(CLIENT, PORT, true, LADDER_SYN | LADDER_ACK, 2);
	watch(WATCH_MINE, 0);
	expect("\"replayed\":true", 3); /* with that it opens */
	see(LADDER_ACK, 3);
	expect("\"replayed\"", 0);
	watch(WATCH_MINE, 0);
	expect("\"number\":2,", 4);
	watch(WATCH_NOTHING, 0);
	see(LADDER_ACK, 4);
	expect("event", 0);
}

static void others_are_seen_by_who_may(void **state)
{
	(void)state;
	see_frame(CLIENT + 1, PORT, false, LADDER_SYN, 1);
	watch(WATCH_MINE, 0);
	expect("event", 0);
	watch(WATCH_ALL, 0);
	expect("event", 0);
	watcher->everybody = true;
	watch(WATCH_ALL, 0);
	expect("\"segment\"", 1);
	watch(WATCH_MINE, 0);
	expect("event", 0);
}

/* By its number, which only some of its segments have. */
static void a_connection_may_be_named(void **state)
{
	const struct recorded state_record = {
		.now_us = 1000005, .connection = 9, .own = TCP_ESTABLISHED, .before = TCP_SYN_RECEIVED,
		.kind = RECORDED_STATE,
		.name = { .id = 9, .local = ip_addr_from_4(SERVER), .remote = ip_addr_from_4(CLIENT),
			  .local_port = 80, .remote_port = PORT, .state = TCP_ESTABLISHED },
	};

	(void)state;
	watch(WATCH_NAMED, 9);
	see(LADDER_SYN, 1);
	expect("event", 0);
	watcher_record(watcher, &state_record);
	see(LADDER_ACK, 2);
	see_frame(CLIENT, PORT + 1, false, LADDER_ACK, 2);
	expect("\"segment\"", 1);
}

/* Ordinary segments first, then those that open: and what is left out is told. */
static void a_share_is_all_it_gets(void **state)
{
	char left_out[64];

	(void)state;
	watch(WATCH_MINE, 0);
	for (uint32_t i = 0; i < 1000; i++)
		see(LADDER_ACK, i);
	snprintf(left_out, sizeof left_out, "{\"event\":\"left_out\",\"rows\":%d}]",
		 1000 - (WATCHER_SAVED - WATCHER_RESERVED - 1));
	expect(left_out, 1);
	assert_int_equal(count("\"segment\""), WATCHER_SAVED - WATCHER_RESERVED - 1);
	for (uint16_t i = 0; i < 1000; i++)
		see_frame(CLIENT, i, false, LADDER_SYN, i);
	expect("\"SYN\"", WATCHER_RESERVED / 2); /* and as many of "opened" */
	see(LADDER_SYN, 5000);
	expect("\"segment\"", 0);
	watcher_turn(watcher, 2000000, 10);
	see(LADDER_FIN | LADDER_ACK, 5001);
	see(LADDER_ACK, 5002);
	expect("\"segment\"", 1);
}

static void a_replay_has_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * WATCHER_REPLAYED; i++)
		see(LADDER_ACK, i);
	watcher->left = 0;
	watch(WATCH_MINE, 0);
	watcher_turn(watcher, 2000000, 0);
	assert_int_equal(count("\"segment\""), WATCHER_REPLAYED - WATCHER_RESERVED - 1);
	assert_in_range(told.batches, 2, 8);
	assert_int_equal(watcher->left, 0);
}

static void what_could_not_be_sent_is_told_as_left_out(void **state)
{
	(void)state;
	watch(WATCH_MINE, 0);
	told.is_full = true;
	see(LADDER_SYN, 1);
	expect("event", 0);
	see(LADDER_ACK, 2);
	expect("event", 0);
	told.is_full = false;
	expect("[{\"event\":\"left_out\",\"rows\":3}]", 1);
	expect("event", 0);
}

static void damage_makes_no_connection(void **state)
{
	uint8_t frame[LADDER_FRAME_MAX];
	const struct ladder_frame f = { .src = CLIENT, .dst = SERVER, .src_port = 1, .dst_port = 80 };
	struct rx_frame rx = { .data = frame, .len = (uint32_t)ladder_frame_make(&f, frame) };

	(void)state;
	watch(WATCH_MINE, 0);
	observers_tell(stack->world.observer, &(struct trace_event){
		.kind = TRACE_FRAME_IN, .now_us = 1000000, .rx = &rx, .drop = DROP_TCP_CHECKSUM });
	expect("event", 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_told_before_it_asks),
		TEST(what_was_before_is_replayed),
		TEST(others_are_seen_by_who_may),
		TEST(a_connection_may_be_named),
		TEST(a_share_is_all_it_gets),
		TEST(a_replay_has_its_own),
		TEST(what_could_not_be_sent_is_told_as_left_out),
		TEST(damage_makes_no_connection),
	};

	return cmocka_run_group_tests_name("watcher", tests, NULL, NULL);
}
