/*
 * The timer wheel against a plain model: an array of deadlines. Random operations, many seeds, steps of
 * time from a microsecond to years.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/timer.h"

enum { TIMERS = 48, SEEDS = 300, STEPS = 400 };

static const uint64_t second_us = 1000000, day_us = 86400 * (uint64_t)1000000;

struct model;

struct model_timer {
	struct timer timer;
	struct model *model;
	bool set; /* what timer_is_set() must say */
	bool due; /* must fire in the advance that is under way */
	uint64_t deadline_us;
};

struct model {
	struct timer_wheel wheel;
	struct random random;
	uint64_t now_us;
	uint64_t first_tick; /* where the advance under way began */
	uint64_t last_tick;  /* of the last timer that fired in it */
	bool callbacks_act;
	size_t fired;
	struct model_timer timers[TIMERS];
};

static struct model_timer *any_timer(struct model *m)
{
	return &m->timers[random_below(&m->random, TIMERS)];
}

/* A random number of random magnitude below 2^bits. */
static uint64_t any_span(struct model *m, uint32_t bits)
{
	return random_u64(&m->random) >> (63 - random_below(&m->random, bits));
}

static void model_set(struct model *m, struct model_timer *t, uint64_t deadline_us)
{
	timer_set(&m->wheel, &t->timer, deadline_us);
	t->set = true;
	t->due = false;
	t->deadline_us = deadline_us;
}

static void model_set_any(struct model *m)
{
	struct model_timer *t = any_timer(m);
	uint64_t deadline_us = m->now_us + any_span(m, 50);

	if (random_chance(&m->random, 50000))
		deadline_us = random_below(&m->random, 2) ? TIMER_NEVER : m->now_us - any_span(m, 10);
	else if (t->set && random_chance(&m->random, 300000))
		deadline_us = t->deadline_us + any_span(m, 20);
	model_set(m, t, deadline_us);
}

static void model_cancel_any(struct model *m)
{
	struct model_timer *t = any_timer(m);

	timer_cancel(&m->wheel, &t->timer);
	t->set = t->due = false;
}

static void model_fire(struct timer *timer, uint64_t now_us)
{
	struct model_timer *t = CONTAINER_OF(timer, struct model_timer, timer);
	struct model *m = t->model;
	uint64_t tick = t->deadline_us >> TIMER_TICK_SHIFT;

	assert_int_equal(now_us, m->now_us);
	assert_true(t->set);
	assert_true(t->due);
	assert_false(timer_is_set(timer));
	assert_true(t->deadline_us <= now_us);
	if (tick < m->first_tick)
		tick = m->first_tick;
	assert_true(tick >= m->last_tick);
	m->last_tick = tick;
	m->fired++;
	t->set = t->due = false;
	if (!m->callbacks_act)
		return;
	for (uint32_t n = random_below(&m->random, 4); n > 0; n--)
		if (random_below(&m->random, 3) == 0)
			model_cancel_any(m);
		else
			model_set_any(m);
}

static void model_init(struct model *m, uint64_t seed, uint64_t now_us)
{
	m->now_us = now_us;
	m->fired = 0;
	m->callbacks_act = true;
	random_init(&m->random, seed);
	timer_wheel_init(&m->wheel, now_us);
	for (size_t i = 0; i < TIMERS; i++) {
		m->timers[i] = (struct model_timer){ .model = m };
		timer_init(&m->timers[i].timer, model_fire);
	}
}

static void model_check(struct model *m)
{
	uint64_t earliest_us = TIMER_NEVER, armed = 0, next_us = timer_wheel_next(&m->wheel);

	for (size_t i = 0; i < TIMERS; i++) {
		struct model_timer *t = &m->timers[i];
		assert_int_equal(timer_is_set(&t->timer), t->set);
		armed += t->set;
		if (t->set && t->deadline_us < earliest_us)
			earliest_us = t->deadline_us;
	}
	assert_int_equal(m->wheel.armed, armed);
	assert_int_equal(m->wheel.now_tick, m->now_us >> TIMER_TICK_SHIFT);
	assert_true(next_us <= earliest_us);
	if (armed == 0)
		assert_true(next_us == TIMER_NEVER);
}

static void model_advance(struct model *m, uint64_t now_us)
{
	m->first_tick = m->last_tick = m->now_us >> TIMER_TICK_SHIFT;
	m->now_us = now_us;
	for (size_t i = 0; i < TIMERS; i++)
		m->timers[i].due = m->timers[i].set && m->timers[i].deadline_us <= now_us;
	timer_wheel_advance(&m->wheel, now_us);
	for (size_t i = 0; i < TIMERS; i++)
		assert_false(m->timers[i].due);
}

static void random_operations_match_the_model(void **state)
{
	static struct model m;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		model_init(&m, seed, seed % 3 == 0 ? 0 : seed * 0x123456789abULL);
		for (int step = 0; step < STEPS; step++) {
			uint32_t what = random_below(&m.random, 10);
			if (what < 5)
				model_set_any(&m);
			else if (what < 7)
				model_cancel_any(&m);
			else
				model_advance(&m, m.now_us + any_span(&m, (uint32_t)(seed % 50 + 1)));
			model_check(&m);
		}
		assert_true(m.fired > 0);
	}
}

/* The simulator's loop: always to where timer_wheel_next() says. Every timer must fire at its deadline
 * exactly. */
static void jumping_to_next_fires_each_timer_at_its_deadline(void **state)
{
	static struct model m;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		size_t jumps = 0;
		uint64_t next_us;
		model_init(&m, seed, seed * 1000003);
		m.callbacks_act = false;
		for (size_t i = 0; i < TIMERS; i++)
			model_set(&m, &m.timers[i], m.now_us + any_span(&m, (uint32_t)(seed % 48 + 1)));
		for (size_t i = 0; i < TIMERS; i++)
			model_set(&m, &m.timers[i], m.timers[i].deadline_us + any_span(&m, 16));
		while ((next_us = timer_wheel_next(&m.wheel)) != TIMER_NEVER) {
			size_t fired = m.fired;
			uint64_t earliest_us = TIMER_NEVER;
			for (size_t i = 0; i < TIMERS; i++)
				if (m.timers[i].set && m.timers[i].deadline_us < earliest_us)
					earliest_us = m.timers[i].deadline_us;
			assert_true(next_us >= m.now_us);
			assert_true(next_us <= earliest_us);
			model_advance(&m, next_us);
			assert_true(m.fired > fired || timer_wheel_next(&m.wheel) > next_us);
			assert_int_equal(m.fired > fired, next_us == earliest_us);
			jumps++;
		}
		assert_int_equal(m.fired, TIMERS);
		assert_true(jumps <= TIMERS * (TIMER_LEVELS + 2));
	}
}

struct counting {
	struct timer timer;
	struct timer_wheel *wheel;
	struct counting *other;
	uint64_t fired_us;
	unsigned fired;
	uint64_t again_us; /* set again so much later; 0: not */
};

static void count(struct timer *timer, uint64_t now_us)
{
	struct counting *c = CONTAINER_OF(timer, struct counting, timer);

	c->fired++;
	c->fired_us = now_us;
	if (c->again_us != 0)
		timer_set(c->wheel, timer, now_us + c->again_us);
}

static void a_timer_fires_at_its_deadline_and_not_a_microsecond_before(void **state)
{
	static const uint64_t delays[] = { 1, 63, 64, 65, 16383, 16384, 200000, 1000000, 75000000 };
	struct timer_wheel w;

	(void)state;
	for (uint64_t start = 0; start < 130; start += 13) {
		for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
			struct counting c = { .wheel = &w };
			timer_wheel_init(&w, start);
			timer_init(&c.timer, count);
			timer_set(&w, &c.timer, start + delays[i]);
			assert_int_equal(timer_wheel_next(&w), start + delays[i]);
			timer_wheel_advance(&w, start + delays[i] - 1);
			assert_int_equal(c.fired, 0);
			timer_wheel_advance(&w, start + delays[i]);
			assert_int_equal(c.fired, 1);
			assert_int_equal(timer_wheel_next(&w), TIMER_NEVER);
		}
	}
}

static void a_deadline_in_the_past_fires_at_the_next_advance(void **state)
{
	struct timer_wheel w;
	struct counting c = { .wheel = &w };

	(void)state;
	timer_wheel_init(&w, 5 * second_us);
	timer_init(&c.timer, count);
	timer_set(&w, &c.timer, 1);
	assert_int_equal(timer_wheel_next(&w), 1);
	timer_wheel_advance(&w, 5 * second_us);
	assert_int_equal(c.fired, 1);
}

static void time_that_goes_back_is_ignored(void **state)
{
	struct timer_wheel w;
	struct counting c = { .wheel = &w };

	(void)state;
	timer_wheel_init(&w, 5 * second_us);
	timer_init(&c.timer, count);
	timer_set(&w, &c.timer, 6 * second_us);
	timer_wheel_advance(&w, second_us);
	assert_int_equal(w.now_tick, 5 * second_us >> TIMER_TICK_SHIFT);
	timer_wheel_advance(&w, 6 * second_us);
	assert_int_equal(c.fired, 1);
}

static void a_timer_set_again_to_the_past_by_its_callback_fires_once_an_advance(void **state)
{
	struct timer_wheel w;
	struct counting c = { .wheel = &w, .again_us = (uint64_t)0 - 10 };

	(void)state;
	timer_wheel_init(&w, 1000);
	timer_init(&c.timer, count);
	timer_set(&w, &c.timer, 1000);
	for (unsigned i = 1; i <= 5; i++) {
		timer_wheel_advance(&w, 1000);
		assert_int_equal(c.fired, i);
		assert_true(timer_is_set(&c.timer));
	}
}

static void cancel_other(struct timer *timer, uint64_t now_us)
{
	struct counting *c = CONTAINER_OF(timer, struct counting, timer);

	count(timer, now_us);
	timer_cancel(c->wheel, &c->other->timer);
}

static void a_callback_cancels_another_timer_that_is_due_too(void **state)
{
	struct timer_wheel w;
	struct counting a = { .wheel = &w }, b = { .wheel = &w };

	(void)state;
	a.other = &b;
	timer_wheel_init(&w, 0);
	timer_init(&a.timer, cancel_other);
	timer_init(&b.timer, count);
	timer_set(&w, &a.timer, 100);
	timer_set(&w, &b.timer, 20000000);
	timer_wheel_advance(&w, day_us);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);
	assert_false(timer_is_set(&b.timer));
	assert_int_equal(w.armed, 0);
	assert_int_equal(timer_wheel_next(&w), TIMER_NEVER);
}

static void move_other(struct timer *timer, uint64_t now_us)
{
	struct counting *c = CONTAINER_OF(timer, struct counting, timer);

	count(timer, now_us);
	timer_set(c->wheel, &c->other->timer, now_us + 100);
}

static void a_callback_moves_away_another_timer_that_is_due_too(void **state)
{
	struct timer_wheel w;
	struct counting a = { .wheel = &w }, b = { .wheel = &w };

	(void)state;
	a.other = &b;
	timer_wheel_init(&w, 0);
	timer_init(&a.timer, move_other);
	timer_init(&b.timer, count);
	timer_set(&w, &a.timer, 100);
	timer_set(&w, &b.timer, 101);
	timer_wheel_advance(&w, 1000);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);
	timer_wheel_advance(&w, 1099);
	assert_int_equal(b.fired, 0);
	timer_wheel_advance(&w, 1100);
	assert_int_equal(b.fired, 1);
}

struct held {
	struct timer timer;
	struct timer_wheel *wheel;
	struct held **victim; /* freed together with this one */
};

static void free_holders(struct timer *timer, uint64_t now_us)
{
	struct held *h = CONTAINER_OF(timer, struct held, timer);

	(void)now_us;
	if (h->victim != NULL) {
		timer_cancel(h->wheel, &(*h->victim)->timer);
		free(*h->victim);
		*h->victim = NULL;
	}
	free(h);
}

static void a_callback_frees_its_holder_and_another(void **state)
{
	struct timer_wheel w;
	struct held *a = malloc(sizeof *a), *b = malloc(sizeof *b);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	timer_wheel_init(&w, 0);
	*a = (struct held){ .wheel = &w, .victim = &b };
	*b = (struct held){ .wheel = &w };
	timer_init(&a->timer, free_holders);
	timer_init(&b->timer, free_holders);
	timer_set(&w, &a->timer, 50);
	timer_set(&w, &b->timer, 50);
	timer_wheel_advance(&w, 100);
	assert_null(b);
	assert_int_equal(w.armed, 0);
}

/* Day by day for 300 years: a billion ticks a step, so it ends only if empty slots cost nothing. */
static void long_jumps_skip_empty_slots(void **state)
{
	struct timer_wheel w;
	struct counting daily = { .wheel = &w, .again_us = day_us }, end = { .wheel = &w };
	uint64_t days = 300 * 365, start = 12345;

	(void)state;
	timer_wheel_init(&w, start);
	timer_init(&daily.timer, count);
	timer_init(&end.timer, count);
	timer_set(&w, &daily.timer, start + day_us);
	timer_set(&w, &end.timer, start + days * day_us + 1);
	for (uint64_t i = 1; i <= days; i++)
		timer_wheel_advance(&w, start + i * day_us);
	assert_int_equal(daily.fired, days);
	assert_int_equal(end.fired, 0);
	timer_wheel_advance(&w, start + days * day_us + 1);
	assert_int_equal(end.fired, 1);
}

static void a_deadline_beyond_the_last_level_is_kept(void **state)
{
	const uint64_t range_us = (uint64_t)TIMER_TICK_US << (TIMER_LEVELS * TIMER_SLOT_BITS);
	struct timer_wheel w;
	struct counting c = { .wheel = &w }, never = { .wheel = &w };

	(void)state;
	timer_wheel_init(&w, range_us - 1);
	timer_init(&c.timer, count);
	timer_init(&never.timer, count);
	timer_set(&w, &never.timer, TIMER_NEVER);
	timer_set(&w, &c.timer, range_us);
	assert_int_equal(timer_wheel_next(&w), range_us);
	timer_wheel_advance(&w, range_us);
	assert_int_equal(c.fired, 1);
	timer_set(&w, &c.timer, 7 * range_us + 77);
	timer_wheel_advance(&w, 7 * range_us + 76);
	assert_int_equal(c.fired, 1);
	timer_wheel_advance(&w, 7 * range_us + 77);
	assert_int_equal(c.fired, 2);
	assert_int_equal(never.fired, 0);
	timer_cancel(&w, &never.timer);
	assert_int_equal(timer_wheel_next(&w), TIMER_NEVER);
}

static void a_crowded_slot_still_gets_on(void **state)
{
	enum { CROWD = 1000 };
	static struct counting crowd[CROWD];
	struct timer_wheel w;
	uint64_t next_us, now_us = 0;
	unsigned jumps = 0;

	(void)state;
	timer_wheel_init(&w, 0);
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = (struct counting){ .wheel = &w };
		timer_init(&crowd[i].timer, count);
		timer_set(&w, &crowd[i].timer, 40000 + i % 50);
	}
	while ((next_us = timer_wheel_next(&w)) != TIMER_NEVER) {
		assert_true(next_us > now_us);
		now_us = next_us;
		timer_wheel_advance(&w, now_us);
		jumps++;
	}
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(crowd[i].fired_us, 40000 + i % 50);
	assert_true(jumps <= 50 + TIMER_LEVELS);
}

static void cancel_of_a_timer_that_is_not_set_does_nothing(void **state)
{
	struct timer_wheel w;
	struct counting c = { .wheel = &w };

	(void)state;
	timer_wheel_init(&w, 0);
	timer_init(&c.timer, count);
	assert_false(timer_is_set(&c.timer));
	timer_cancel(&w, &c.timer);
	assert_int_equal(w.armed, 0);
	timer_set(&w, &c.timer, 10);
	timer_cancel(&w, &c.timer);
	timer_cancel(&w, &c.timer);
	assert_int_equal(w.armed, 0);
	timer_wheel_advance(&w, second_us);
	assert_int_equal(c.fired, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_the_model),
		cmocka_unit_test(jumping_to_next_fires_each_timer_at_its_deadline),
		cmocka_unit_test(a_timer_fires_at_its_deadline_and_not_a_microsecond_before),
		cmocka_unit_test(a_deadline_in_the_past_fires_at_the_next_advance),
		cmocka_unit_test(time_that_goes_back_is_ignored),
		cmocka_unit_test(a_timer_set_again_to_the_past_by_its_callback_fires_once_an_advance),
		cmocka_unit_test(a_callback_cancels_another_timer_that_is_due_too),
		cmocka_unit_test(a_callback_moves_away_another_timer_that_is_due_too),
		cmocka_unit_test(a_callback_frees_its_holder_and_another),
		cmocka_unit_test(long_jumps_skip_empty_slots),
		cmocka_unit_test(a_deadline_beyond_the_last_level_is_kept),
		cmocka_unit_test(a_crowded_slot_still_gets_on),
		cmocka_unit_test(cancel_of_a_timer_that_is_not_set_does_nothing),
	};

	return cmocka_run_group_tests_name("base/timer", tests, NULL, NULL);
}
