/* The world of a stack, and the small things in it: drop reasons, observers, clocks, failures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/world.h"

enum { START_US = 1000000 };

static void the_same_seed_makes_the_same_world(void **state)
{
	static struct world a, b;

	(void)state;
	assert_int_equal(world_init(&a, START_US, 7, NULL), 0);
	assert_int_equal(world_init(&b, 9 * START_US, 7, NULL), 0);
	assert_memory_equal(&a.table_key, &b.table_key, sizeof a.table_key);
	for (int i = 0; i < 100; i++)
		assert_true(random_u64(&a.random) == random_u64(&b.random));
	assert_int_equal(world_init(&b, START_US, 8, NULL), 0);
	assert_memory_not_equal(&a.table_key, &b.table_key, sizeof a.table_key);
}

static void seed_zero_takes_secrets_from_the_system(void **state)
{
	static struct world a, b;
	struct random known;

	(void)state;
	assert_int_equal(world_init(&a, START_US, 0, NULL), 0);
	assert_int_equal(world_init(&b, START_US, 0, NULL), 0);
	random_init(&known, 0);
	assert_memory_not_equal(&a.random.key, &b.random.key, sizeof a.random.key);
	assert_memory_not_equal(&a.random.key, &known.key, sizeof known.key);
	assert_memory_not_equal(&a.table_key, &b.table_key, sizeof a.table_key);
}

static void a_new_world_is_empty(void **state)
{
	static struct world w;
	struct log log = { LOG_ERROR, log_write_to_fd, NULL };

	(void)state;
	memset(&w, 0xee, sizeof w);
	assert_int_equal(world_init(&w, START_US, 7, &log), 0);
	assert_int_equal(w.now_us, START_US);
	assert_ptr_equal(w.log, &log);
	assert_null(w.observer);
	assert_int_equal(timer_wheel_next(&w.timers), TIMER_NEVER);
	for (size_t i = 0; i < DROP_REASON_COUNT; i++)
		assert_int_equal(w.drops[i], 0);
}

static uint64_t fired_us;

static void fire(struct timer *timer, uint64_t now_us)
{
	(void)timer;
	fired_us = now_us;
}

static void time_moves_on_and_never_back(void **state)
{
	static struct world w;
	struct timer t;

	(void)state;
	fired_us = 0;
	assert_int_equal(world_init(&w, START_US, 7, NULL), 0);
	timer_init(&t, fire);
	timer_set(&w.timers, &t, START_US + 500);
	world_advance(&w, START_US + 499);
	assert_int_equal(fired_us, 0);
	world_advance(&w, START_US);
	assert_int_equal(w.now_us, START_US + 499);
	world_advance(&w, START_US + 500);
	assert_int_equal(fired_us, START_US + 500);
	timer_set(&w.timers, &t, START_US + 400);
	world_advance(&w, 0);
	assert_int_equal(fired_us, START_US + 500);
	assert_int_equal(w.now_us, START_US + 500);
	assert_false(timer_is_set(&t));
}

static void drops_are_counted_by_reason(void **state)
{
	static struct world w;

	(void)state;
	assert_int_equal(world_init(&w, START_US, 7, NULL), 0);
	assert_int_equal(world_drop(&w, DROP_TCP_PAWS), DROP_TCP_PAWS);
	world_drop(&w, DROP_TCP_PAWS);
	world_drop(&w, DROP_ETH_SHORT);
	assert_int_equal(w.drops[DROP_TCP_PAWS], 2);
	assert_int_equal(w.drops[DROP_ETH_SHORT], 1);
	assert_int_equal(w.drops[DROP_NO_MEMORY], 0);
}

static void drop_reasons_have_names_of_their_own(void **state)
{
	(void)state;
	assert_string_equal(drop_reason_name(DROP_NONE), "none");
	assert_string_equal(drop_reason_name(DROP_NO_MEMORY), "no_memory");
	assert_string_equal(drop_reason_text(DROP_IP_CHECKSUM), "IP header checksum is wrong");
	for (int i = 0; i < DROP_REASON_COUNT; i++) {
		const char *name = drop_reason_name((enum drop_reason)i);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_true(strlen(drop_reason_text((enum drop_reason)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, drop_reason_name((enum drop_reason)j));
	}
}

struct watcher {
	struct observer observer;
	struct observer **unlink_from; /* takes itself out at the first event */
	unsigned seen;
	const struct trace_event *last;
};

static void watch(void *context, const struct trace_event *event)
{
	struct watcher *w = context;

	w->seen++;
	w->last = event;
	if (w->unlink_from != NULL) {
		*w->unlink_from = w->observer.next;
		w->observer.next = NULL;
	}
}

static void observers_are_told_what_they_asked_for(void **state)
{
	struct watcher frames = { .observer = { TRACE_FRAME_IN | TRACE_FRAME_OUT, watch, &frames, NULL } };
	struct watcher states = { .observer = { TRACE_TCP_STATE, watch, &states, &frames.observer } };
	struct trace_event event = { .kind = TRACE_FRAME_OUT };

	(void)state;
	observers_tell(NULL, &event);
	observers_tell(&states.observer, &event);
	assert_int_equal(frames.seen, 1);
	assert_ptr_equal(frames.last, &event);
	assert_int_equal(states.seen, 0);
	event.kind = TRACE_TCP_STATE;
	observers_tell(&states.observer, &event);
	assert_int_equal(frames.seen, 1);
	assert_int_equal(states.seen, 1);
}

static void an_observer_may_take_itself_out(void **state)
{
	struct watcher second = { .observer = { TRACE_LAYER, watch, &second, NULL } };
	struct watcher first = { .observer = { TRACE_LAYER, watch, &first, &second.observer } };
	struct trace_event event = { .kind = TRACE_LAYER };
	struct observer *list = &first.observer;

	(void)state;
	first.unlink_from = &list;
	observers_tell(list, &event);
	observers_tell(list, &event);
	assert_int_equal(first.seen, 1);
	assert_int_equal(second.seen, 2);
}

static void the_world_knows_what_is_observed(void **state)
{
	struct watcher frames = { .observer = { TRACE_FRAME_IN, watch, &frames, NULL } };
	struct watcher states = { .observer = { TRACE_TCP_STATE, watch, &states, NULL } };
	struct world w = { .now_us = 1 };

	(void)state;
	assert_false(world_is_observed(&w, TRACE_FRAME_IN | TRACE_TCP_STATE));
	world_observe(&w, &frames.observer);
	world_observe(&w, &states.observer);
	assert_true(world_is_observed(&w, TRACE_FRAME_IN));
	assert_true(world_is_observed(&w, TRACE_TCP_STATE | TRACE_LAYER));
	assert_false(world_is_observed(&w, TRACE_LAYER));
	world_observe_kinds(&w, &states.observer, TRACE_LAYER);
	assert_true(world_is_observed(&w, TRACE_LAYER));
	assert_false(world_is_observed(&w, TRACE_TCP_STATE));
	world_unobserve(&w, &frames.observer);
	assert_false(world_is_observed(&w, TRACE_FRAME_IN));
	world_unobserve(&w, &frames.observer); /* it is out already */
	assert_ptr_equal(w.observer, &states.observer);
	world_unobserve(&w, &states.observer);
	assert_int_equal(w.observed, 0);
}

static void events_say_their_numbers(void **state)
{
	static const struct {
		struct trace_event event;
		const char *text;
	} all[] = {
		{ { .kind = TRACE_TCP_STATE, .note = "A -> B", .old_value = 1, .new_value = 2 }, "A -> B" },
		{ { .kind = TRACE_LAYER, .note = "TLS Finished", .new_value = TRACE_OURS }, "TLS Finished" },
		{ { .kind = TRACE_TCP_RECOVERY, .note = "loss: RACK", .old_value = 20, .new_value = 10 },
		  "loss: RACK, cwnd 20 -> 10" },
		{ { .kind = TRACE_TCP_MTU,
		    .note = "a router reported it",
		    .old_value = 1500,
		    .new_value = 1400 },
		  "path MTU 1500 -> 1400: a router reported it" },
		{ { .kind = TRACE_TCP_RTO, .new_value = 400000 },
		  "retransmission timeout, the next one after 400 ms" },
		{ { .kind = TRACE_TCP_RTT }, "" },
	};
	char text[TRACE_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		trace_text(&all[i].event, text);
		assert_string_equal(text, all[i].text);
	}
}

static void clocks_run(void **state)
{
	uint64_t before = clock_now_us();

	(void)state;
	assert_true(before > 0);
	while (clock_now_us() == before)
		;
	assert_true(clock_now_us() > before);
	/* Between 2020 and 2100. */
	assert_true(clock_wall_us() > 1577836800000000 && clock_wall_us() < 4102444800000000);
}

static void a_failure_holds_one_line_and_passes_the_error_on(void **state)
{
	struct failure why;

	(void)state;
	assert_int_equal(failure_set(&why, -EINVAL, "%s: line %d", "taphouse.conf", 3), -EINVAL);
	assert_string_equal(why.text, "taphouse.conf: line 3");
	assert_int_equal(failure_set(&why, -ENOENT, "%1000d", 1), -ENOENT);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_makes_the_same_world),
		cmocka_unit_test(seed_zero_takes_secrets_from_the_system),
		cmocka_unit_test(a_new_world_is_empty),
		cmocka_unit_test(time_moves_on_and_never_back),
		cmocka_unit_test(drops_are_counted_by_reason),
		cmocka_unit_test(drop_reasons_have_names_of_their_own),
		cmocka_unit_test(observers_are_told_what_they_asked_for),
		cmocka_unit_test(an_observer_may_take_itself_out),
		cmocka_unit_test(the_world_knows_what_is_observed),
		cmocka_unit_test(events_say_their_numbers),
		cmocka_unit_test(clocks_run),
		cmocka_unit_test(a_failure_holds_one_line_and_passes_the_error_on),
	};

	return cmocka_run_group_tests_name("base/world", tests, NULL, NULL);
}
