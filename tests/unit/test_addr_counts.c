/* Counts by address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr_counts.h"
#include "base/random.h"

enum { LIMIT = 300, CLIENTS = 100 };

static const struct hash_key key = { 1, 2 };
static struct addr_counts counts;

static int set_up(void **state)
{
	(void)state;
	return addr_counts_init(&counts, "counts", LIMIT, &key);
}

static int tear_down(void **state)
{
	(void)state;
	addr_counts_fini(&counts);
	return 0;
}

static struct ip_addr address(uint32_t number)
{
	return ip_addr_from_4(0x0a000000 + number);
}

static void each_address_has_a_count_of_its_own(void **state)
{
	struct ip_addr a = address(1), b = address(2);

	(void)state;
	assert_true(addr_counts_add(&counts, &a, 2));
	assert_true(addr_counts_add(&counts, &a, 2));
	assert_false(addr_counts_add(&counts, &a, 2));
	assert_true(addr_counts_add(&counts, &b, 2));
	assert_int_equal(addr_counts_of(&counts, &a), 2);
	addr_counts_remove(&counts, &a);
	assert_true(addr_counts_add(&counts, &a, 2));
	addr_counts_remove(&counts, &a);
	addr_counts_remove(&counts, &a);
	addr_counts_remove(&counts, &b);
	assert_int_equal(addr_counts_of(&counts, &a), 0);
}

static void an_address_without_count_takes_no_memory(void **state)
{
	struct ip_addr a = address(1);

	(void)state;
	assert_false(addr_counts_add(&counts, &a, 0));
	assert_int_equal(counts.pool.in_use, 0);
	assert_true(addr_counts_add(&counts, &a, 1));
	assert_int_equal(counts.pool.in_use, 1);
	addr_counts_remove(&counts, &a);
	assert_int_equal(counts.pool.in_use, 0);
}

static void an_ip6_client_is_its_network_of_64_bits(void **state)
{
	struct ip_addr a, neighbour, other;

	(void)state;
	assert_true(ip_addr_parse("2001:db8::1", &a) && ip_addr_parse("2001:db8::ffff:1", &neighbour) &&
		    ip_addr_parse("2001:db8:0:1::1", &other));
	assert_true(addr_counts_add(&counts, &a, 1));
	assert_false(addr_counts_add(&counts, &neighbour, 1));
	assert_true(addr_counts_add(&counts, &other, 1));
	addr_counts_remove(&counts, &neighbour);
	addr_counts_remove(&counts, &other);
}

/* Against an array, whatever comes and goes. */
static void counts_agree_with_a_model(void **state)
{
	uint32_t model[CLIENTS] = { 0 }, total = 0;
	struct random r;

	(void)state;
	random_init(&r, 7);
	for (int step = 0; step < 200000; step++) {
		uint32_t number = random_below(&r, CLIENTS);
		struct ip_addr a = address(number);

		if (random_chance(&r, 500000) && total < LIMIT) {
			assert_int_equal(addr_counts_add(&counts, &a, 5), model[number] < 5);
			total += model[number] < 5;
			model[number] += model[number] < 5;
		} else if (model[number] > 0) {
			addr_counts_remove(&counts, &a);
			model[number]--;
			total--;
		}
		assert_int_equal(addr_counts_of(&counts, &a), model[number]);
	}
	for (uint32_t number = 0; number < CLIENTS; number++)
		for (struct ip_addr a = address(number); model[number] > 0; model[number]--)
			addr_counts_remove(&counts, &a);
	assert_int_equal(counts.pool.in_use, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_address_has_a_count_of_its_own),
		TEST(an_address_without_count_takes_no_memory),
		TEST(an_ip6_client_is_its_network_of_64_bits),
		TEST(counts_agree_with_a_model),
	};

	return cmocka_run_group_tests_name("base/addr_counts", tests, NULL, NULL);
}
