/* Histograms: what is counted where, at every bound and beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/histogram.h"

/* The bucket that the duration is counted in: the only one. */
static unsigned bucket_of(uint64_t us)
{
	struct histogram h = { 0 };
	unsigned found = UINT32_MAX;

	histogram_add(&h, us);
	assert_int_equal(h.sum_us, us);
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		assert_in_range(h.counts[i], 0, 1);
		if (h.counts[i] == 0)
			continue;
		assert_int_equal(found, UINT32_MAX);
		found = i;
	}
	return found;
}

static void bounds_are_powers_of_two_from_16_us_to_67_s(void **state)
{
	(void)state;
	assert_int_equal(HISTOGRAM_BOUNDS, 23);
	assert_int_equal(histogram_bound_us(0), 16);
	assert_int_equal(histogram_bound_us(6), 1024);
	assert_int_equal(histogram_bound_us(22), 67108864);
}

/* "le": less than or equal. */
static void a_bound_belongs_to_its_bucket(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		assert_int_equal(bucket_of(histogram_bound_us(i) - 1), i);
		assert_int_equal(bucket_of(histogram_bound_us(i)), i);
		assert_int_equal(bucket_of(histogram_bound_us(i) + 1), i + 1);
	}
}

static void nothing_is_too_short_or_too_long(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(0), 0);
	assert_int_equal(bucket_of(1), 0);
	assert_int_equal(bucket_of(2), 0);
	assert_int_equal(bucket_of(UINT64_C(1) << 40), HISTOGRAM_BOUNDS);
	assert_int_equal(bucket_of(UINT64_MAX), HISTOGRAM_BOUNDS);
}

static void counts_add_up(void **state)
{
	struct histogram h = { 0 };
	uint64_t n = 0;

	(void)state;
	for (uint64_t us = 0; us < 1000; us++)
		histogram_add(&h, us);
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		n += h.counts[i];
	assert_int_equal(n, 1000);
	assert_int_equal(h.sum_us, 499500);
	assert_int_equal(h.counts[0], 17); /* 0 to 16 */
	assert_int_equal(h.counts[6], 999 - 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_powers_of_two_from_16_us_to_67_s),
		cmocka_unit_test(a_bound_belongs_to_its_bucket),
		cmocka_unit_test(nothing_is_too_short_or_too_long),
		cmocka_unit_test(counts_add_up),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
