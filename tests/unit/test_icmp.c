/* ip/icmp.h: rate limits and the memory of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ip/icmp.h"

static bool take(struct rate_limit *l, uint64_t now_us)
{
	return rate_limit_take(l, now_us, 1, 100, 20);
}

static unsigned take_all(struct rate_limit *l, uint64_t now_us)
{
	unsigned n = 0;

	while (take(l, now_us))
		n++;
	return n;
}

static void test_burst_then_rate(void **state)
{
	struct rate_limit l = { 0 };
	unsigned n = 0;

	(void)state;
	assert_int_equal(take_all(&l, 0), 20); /* also at time 0 */
	for (uint64_t t = 1000; t <= 1000000; t += 1000)
		n += take(&l, t);
	assert_int_equal(n, 100);
}

static void test_bucket_never_holds_more_than_the_burst(void **state)
{
	struct rate_limit l = { 0 };

	(void)state;
	assert_int_equal(take_all(&l, 5000000), 20);
	assert_int_equal(take_all(&l, 5000000), 0);
	assert_int_equal(take_all(&l, 5000000 + 50000), 5);
	assert_int_equal(take_all(&l, UINT64_C(1) << 60), 20);
}

static void test_refused_take_costs_nothing(void **state)
{
	struct rate_limit l = { 0 };

	(void)state;
	assert_false(rate_limit_take(&l, 0, 21, 100, 20));
	assert_true(rate_limit_take(&l, 0, 15, 100, 20));
	assert_false(rate_limit_take(&l, 0, 6, 100, 20));
	assert_true(rate_limit_take(&l, 0, 5, 100, 20));
}

static void test_held_back_answers_are_counted(void **state)
{
	struct world w = { .now_us = 7 };
	struct ip ip = { .world = &w, .icmp = icmp_new() };

	(void)state;
	assert_non_null(ip.icmp);
	for (int i = 0; i < ICMP_ERROR_BURST; i++)
		assert_true(icmp_may_send_error(&ip));
	assert_int_equal(w.drops[DROP_ICMP_RATE], 0);
	assert_false(icmp_may_send_error(&ip));
	assert_int_equal(w.drops[DROP_ICMP_RATE], 1);
	/* The two budgets are apart. */
	assert_true(icmp_may_send_echo(&ip, ICMP_ECHO_BURST));
	assert_false(icmp_may_send_echo(&ip, 1));
	assert_int_equal(w.drops[DROP_ICMP_RATE], 2);
	icmp_free(ip.icmp);
}

static void test_copies_have_a_limit_for_each_size(void **state)
{
	static struct icmp_copy *small[ICMP_SMALL_COPIES], *large[ICMP_LARGE_COPIES];
	struct world w = { .now_us = 7 };
	struct ip ip = { .world = &w, .icmp = icmp_new() };

	(void)state;
	assert_non_null(ip.icmp);
	for (int i = 0; i < ICMP_SMALL_COPIES; i++) {
		small[i] = icmp_copy_new(&ip, ICMP_SMALL_COPY);
		assert_non_null(small[i]);
		memset(small[i]->data, i, ICMP_SMALL_COPY);
	}
	assert_null(icmp_copy_new(&ip, 0));
	for (int i = 0; i < ICMP_LARGE_COPIES; i++) {
		large[i] = icmp_copy_new(&ip, i == 0 ? ICMP_SMALL_COPY + 1 : ICMP_LARGE_COPY);
		assert_non_null(large[i]);
		memset(large[i]->data, i, ICMP_LARGE_COPY);
	}
	assert_null(icmp_copy_new(&ip, ICMP_LARGE_COPY));
	assert_int_equal(w.drops[DROP_NO_MEMORY], 2);

	span_owner_unref(&small[3]->owner);
	small[3] = icmp_copy_new(&ip, 1);
	assert_non_null(small[3]);
	for (int i = 0; i < ICMP_SMALL_COPIES; i++)
		span_owner_unref(&small[i]->owner);
	for (int i = 0; i < ICMP_LARGE_COPIES; i++)
		span_owner_unref(&large[i]->owner);
	icmp_free(ip.icmp); /* asserts that all came back */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_bucket_never_holds_more_than_the_burst),
		cmocka_unit_test(test_refused_take_costs_nothing),
		cmocka_unit_test(test_held_back_answers_are_counted),
		cmocka_unit_test(test_copies_have_a_limit_for_each_size),
	};

	return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
