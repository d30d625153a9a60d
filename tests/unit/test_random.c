/* The seedable random source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void the_same_seed_gives_the_same_numbers(void **state)
{
	struct random a, b;

	(void)state;
	random_init(&a, 42);
	random_init(&b, 42);
	for (int i = 0; i < 1000; i++)
		assert_true(random_u64(&a) == random_u64(&b));
}

/* Seeds are written down in bug reports: what they give may not change. */
static void a_seed_gives_the_numbers_that_it_always_gave(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 1);
	assert_int_equal(random_u64(&r), 0x0dae6f03e6217986);
	assert_int_equal(random_u64(&r), 0x908f3030db9ac724);
}

static void near_seeds_give_unrelated_numbers(void **state)
{
	struct random a, b;
	unsigned equal_bits = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		random_init(&a, seed);
		random_init(&b, seed + 1);
		equal_bits += (unsigned)__builtin_popcountll(~(random_u64(&a) ^ random_u64(&b)));
	}
	assert_in_range(equal_bits, 31000, 33000);
}

static void the_system_gives_another_key_each_time(void **state)
{
	struct random a, b;

	(void)state;
	assert_int_equal(random_init_from_system(&a), 0);
	assert_int_equal(random_init_from_system(&b), 0);
	assert_memory_not_equal(&a.key, &b.key, sizeof a.key);
	assert_true(random_u64(&a) != random_u64(&b));
}

static void below_stays_below_and_reaches_everything(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 3);
	for (uint32_t bound = 1; bound <= 70; bound++) {
		bool seen[70] = { false };
		for (int i = 0; i < 3000; i++) {
			uint32_t v = random_below(&r, bound);
			assert_true(v < bound);
			seen[v] = true;
		}
		for (uint32_t v = 0; v < bound; v++)
			assert_true(seen[v]);
	}
}

/* With a bound near 3 * 2^30 a plain modulo, or a plain product, gives some numbers twice as often. */
static void below_has_no_bias(void **state)
{
	const uint32_t third = 1u << 30;
	struct random r;

	(void)state;
	random_init(&r, 4);
	for (uint32_t bound = 3 * third - 1; bound <= 3 * third; bound++) {
		uint32_t thirds[3] = { 0 }, remainders[3] = { 0 };
		for (int i = 0; i < 90000; i++) {
			uint32_t v = random_below(&r, bound);
			thirds[v / third]++;
			remainders[v % 3]++;
		}
		for (int i = 0; i < 3; i++) {
			assert_in_range(thirds[i], 29300, 30700);
			assert_in_range(remainders[i], 29300, 30700);
		}
	}
}

static void chance_is_met(void **state)
{
	static const uint32_t chances[] = { 1000, 10000, 200000, 500000, 990000 };
	struct random r;

	(void)state;
	random_init(&r, 5);
	for (int i = 0; i < 10000; i++) {
		assert_false(random_chance(&r, 0));
		assert_true(random_chance(&r, 1000000));
		assert_true(random_chance(&r, UINT32_MAX));
	}
	for (size_t c = 0; c < sizeof chances / sizeof chances[0]; c++) {
		double p = chances[c] / 1e6, n = 100000, off = -n * p;
		for (int i = 0; i < (int)n; i++)
			off += random_chance(&r, chances[c]);
		/* Within five standard deviations. */
		assert_true(off * off < 25 * n * p * (1 - p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_numbers),
		cmocka_unit_test(a_seed_gives_the_numbers_that_it_always_gave),
		cmocka_unit_test(near_seeds_give_unrelated_numbers),
		cmocka_unit_test(the_system_gives_another_key_each_time),
		cmocka_unit_test(below_stays_below_and_reaches_everything),
		cmocka_unit_test(below_has_no_bias),
		cmocka_unit_test(chance_is_met),
	};

	return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
