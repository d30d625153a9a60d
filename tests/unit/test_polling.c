/* When the loop polls on: on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timer.h"
#include "server/polling.h"

struct waits {
	struct polling polling;
	uint64_t now_us;
	uint64_t polled_us; /* in all */
	unsigned slept, n;
};

static struct waits *new_waits(void)
{
	static struct waits w;

	w = (struct waits){ .now_us = 1000000 };
	polling_init(&w.polling);
	polling_has_worked(&w.polling, w.now_us);
	return &w;
}

/* Looks once a microsecond, as long as it is to; wakes up when the next frame is there, and a little later. */
static void wait(struct waits *w, uint64_t gap_us)
{
	uint64_t until_us = w->now_us + gap_us;

	w->n++;
	while (w->now_us < until_us && polling_goes_on(&w->polling, w->now_us, TIMER_NEVER)) {
		w->now_us++;
		w->polled_us++;
	}
	if (w->now_us < until_us) {
		w->slept++;
		polling_sleeps(&w->polling);
		w->now_us = until_us + POLLING_WAKE_US;
	}
	polling_has_worked(&w->polling, w->now_us);
}

static void waits(struct waits *w, unsigned n, uint64_t gap_us)
{
	w->n = w->slept = 0;
	w->polled_us = 0;
	while (n-- > 0)
		wait(w, gap_us);
}

static void test_before_the_first_frame_it_sleeps(void **state)
{
	struct polling p;

	(void)state;
	polling_init(&p);
	assert_false(polling_goes_on(&p, 0, TIMER_NEVER));
	assert_false(polling_goes_on(&p, 5, TIMER_NEVER));
}

static void test_in_a_conversation_it_never_sleeps(void **state)
{
	struct waits *w = new_waits();

	(void)state;
	waits(w, 100, 15);
	assert_int_equal(w->slept, 0);
}

static void test_it_polls_no_longer_than_the_longest_time(void **state)
{
	struct waits *w = new_waits();

	(void)state;
	waits(w, 1, 1000000);
	assert_int_equal(w->slept, 1);
	assert_int_equal(w->polled_us, POLLING_LONGEST_US);
}

static void test_light_load_is_not_polled_for(void **state)
{
	struct waits *w = new_waits();

	(void)state;
	waits(w, 10, 1000);
	waits(w, 1000, 1000);
	assert_int_equal(w->polled_us, 0);
	waits(w, 1000, POLLING_WORTH_US + 5); /* polling would catch each of them, at too high a price */
	assert_int_equal(w->polled_us, 0);
}

static void test_a_conversation_is_noticed(void **state)
{
	struct waits *w = new_waits();

	(void)state;
	waits(w, 1000, 1000);
	waits(w, 20, 10);
	assert_in_range(w->slept, 1, 12);
	waits(w, 20, 10);
	assert_int_equal(w->slept, 0);
}

/* A handshake, a request and a close every ten milliseconds: three frames near each other, one not. */
static void test_a_mixture_is_judged_by_what_a_catch_costs(void **state)
{
	struct waits *w = new_waits();

	(void)state;
	for (int i = 0; i < 100; i++) {
		wait(w, 10);
		wait(w, 10);
		wait(w, 10000);
	}
	assert_true(w->polled_us < 100 * POLLING_LONGEST_US / 2);
	waits(w, 100, 10); /* and fifteen in twenty make it worth it */
	for (int i = 0; i < 400; i++)
		wait(w, i % 20 < 19 ? 10 : 10000);
	assert_true(w->slept < 2 * 20);
}

static void test_what_is_near_by_the_clock_is_waited_for_awake(void **state)
{
	struct polling p;

	(void)state;
	polling_init(&p);
	assert_true(polling_goes_on(&p, 1000, 1000 + POLLING_WORTH_US));
	assert_false(polling_goes_on(&p, 1000, 1001 + POLLING_WORTH_US));
	assert_true(polling_goes_on(&p, 1000, 10)); /* past */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_first_frame_it_sleeps),
		cmocka_unit_test(test_in_a_conversation_it_never_sleeps),
		cmocka_unit_test(test_it_polls_no_longer_than_the_longest_time),
		cmocka_unit_test(test_light_load_is_not_polled_for),
		cmocka_unit_test(test_a_conversation_is_noticed),
		cmocka_unit_test(test_a_mixture_is_judged_by_what_a_catch_costs),
		cmocka_unit_test(test_what_is_near_by_the_clock_is_waited_for_awake),
	};

	return cmocka_run_group_tests_name("polling", tests, NULL, NULL);
}
