/* Cores: another one for each, if there are as many. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/affinity.h"

static unsigned allowed(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
	return (unsigned)CPU_COUNT(&set);
}

static void each_has_another(void **state)
{
	unsigned n = allowed();
	int before = -1;

	(void)state;
	for (unsigned i = 0; n > 1 && i < n; i++) {
		int core = affinity_choose(i, n);

		assert_true(core > before);
		before = core;
	}
}

static void with_too_few_the_kernel_chooses(void **state)
{
	unsigned n = allowed();

	(void)state;
	assert_int_equal(affinity_choose(0, 1), -1);
	assert_int_equal(affinity_choose(0, n + 1), -1);
	affinity_stay(-1);
	assert_int_equal(allowed(), n);
}

static void one_stays_where_it_is_told(void **state)
{
	cpu_set_t before, now;
	int core;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	core = affinity_choose(1, 2);
	if (core < 0)
		return; /* a machine of one core */
	affinity_stay(core);
	assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
	assert_int_equal(CPU_COUNT(&now), 1);
	assert_true(CPU_ISSET((unsigned)core, &now));
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_another),
		cmocka_unit_test(with_too_few_the_kernel_chooses),
		cmocka_unit_test(one_stays_where_it_is_told),
	};

	return cmocka_run_group_tests_name("affinity", tests, NULL, NULL);
}
