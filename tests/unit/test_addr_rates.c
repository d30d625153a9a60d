/* Token buckets by address: exact for one client, bounded and fair for very many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr_rates.h"
#include "base/random.h"

enum { INTERVAL_US = 100000, BURST = 5, CLIENTS = 1000, PLACES = 1792, SETS = 256 };

#define SECOND UINT64_C(1000000)

static const struct rate_limit limit = { .interval_us = INTERVAL_US, .burst = BURST };
static const struct hash_key key = { 3, 4 };
static struct addr_rates rates;
static uint64_t now;

static int set_up(void **state)
{
	(void)state;
	now = 5 * SECOND;
	return addr_rates_init(&rates, &limit, CLIENTS, &key);
}

static int tear_down(void **state)
{
	(void)state;
	addr_rates_fini(&rates);
	return 0;
}

static struct ip_addr address(uint32_t number)
{
	return ip_addr_from_4(0x0a000000 + number);
}

/* How often the client gets through at once. */
static unsigned burst_of(uint32_t number)
{
	struct ip_addr a = address(number);
	unsigned n = 0;

	while (addr_rates_take(&rates, &a, now) == 0)
		n++;
	return n;
}

static void a_burst_then_one_an_interval(void **state)
{
	struct ip_addr a = address(1);

	(void)state;
	assert_int_equal(burst_of(1), BURST);
	assert_int_equal(addr_rates_wait_us(&rates, &a, now), INTERVAL_US);
	now += INTERVAL_US - 1;
	assert_int_equal(addr_rates_take(&rates, &a, now), 1);
	now += 1;
	assert_int_equal(burst_of(1), 1);
	now += 3 * INTERVAL_US;
	assert_int_equal(burst_of(1), 3);
	now += 100 * INTERVAL_US;
	assert_int_equal(burst_of(1), BURST);
}

static void asking_takes_nothing(void **state)
{
	struct ip_addr a = address(1);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(addr_rates_wait_us(&rates, &a, now), 0);
	assert_int_equal(burst_of(1), BURST);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
	struct ip_addr a = address(1);

	(void)state;
	addr_rates_give(&rates, &a, now); /* a full bucket stays full */
	assert_int_equal(burst_of(1), BURST);
	addr_rates_give(&rates, &a, now);
	addr_rates_give(&rates, &a, now);
	assert_int_equal(burst_of(1), 2);
	assert_int_equal(burst_of(2), BURST);
}

static void each_address_has_a_bucket_of_its_own(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CLIENTS / 4; i++)
		assert_int_equal(burst_of(i), BURST);
}

static void an_ip6_client_is_its_network_of_64_bits(void **state)
{
	struct ip_addr a, neighbour, other;

	(void)state;
	assert_true(ip_addr_parse("2001:db8::1", &a) && ip_addr_parse("2001:db8::ffff:1", &neighbour) &&
		    ip_addr_parse("2001:db8:0:1::1", &other));
	while (addr_rates_take(&rates, &a, now) == 0)
		;
	assert_int_equal(addr_rates_wait_us(&rates, &neighbour, now), INTERVAL_US);
	assert_int_equal(addr_rates_wait_us(&rates, &other, now), 0);
}

/* Against a bucket that is filled drop by drop. */
static void a_bucket_agrees_with_a_model(void **state)
{
	struct ip_addr a = address(1);
	uint64_t credit_us = BURST * INTERVAL_US;
	struct random r;

	(void)state;
	random_init(&r, 11);
	for (int step = 0; step < 100000; step++) {
		uint64_t passed = random_below(&r, 2 * INTERVAL_US);
		bool expected;

		now += passed;
		credit_us += passed;
		if (credit_us > BURST * INTERVAL_US)
			credit_us = BURST * INTERVAL_US;
		expected = credit_us >= INTERVAL_US;
		assert_int_equal(addr_rates_take(&rates, &a, now) == 0, expected);
		credit_us -= expected ? INTERVAL_US : 0;
	}
}

/* Ten seconds of one request every 2 us, from 100 000 addresses in turn or at random. */
static uint64_t flood(struct random *r, bool in_turn, void (*between)(void))
{
	uint64_t admitted = 0;

	for (uint32_t i = 0; i < 5 * SECOND; i++) {
		struct ip_addr a = address(1000000 + (in_turn ? i % 100000 : random_below(r, 100000)));

		admitted += addr_rates_take(&rates, &a, now) == 0;
		now += 2;
		if (between != NULL)
			between();
	}
	return admitted;
}

static void more_addresses_than_places_win_nothing(void **state)
{
	const uint64_t most = (PLACES + SETS) * (uint64_t)(BURST + 10 * SECOND / INTERVAL_US);
	struct random r;

	(void)state;
	random_init(&r, 13);
	assert_in_range(flood(&r, true, NULL), most / 2, most);
	now += 100 * SECOND;
	assert_in_range(flood(&r, false, NULL), most / 2, most);
}

static uint64_t regular_due, regular_sent, regular_admitted;

/* A client that was there before, and stays just below its rate and a burst. */
static void ask_regularly(void)
{
	struct ip_addr a = address(1);

	if (now < regular_due)
		return;
	regular_due = now + INTERVAL_US - 100;
	regular_sent++;
	regular_admitted += addr_rates_take(&rates, &a, now) == 0;
}

static void who_is_known_does_not_notice_a_flood(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 17);
	regular_due = regular_sent = regular_admitted = 0;
	flood(&r, false, ask_regularly);
	assert_in_range(regular_sent, 99, 101);
	assert_int_equal(regular_admitted, regular_sent);
}

static uint64_t newcomers, newcomers_admitted;

static void ask_once_each(void)
{
	struct ip_addr a = address((uint32_t)newcomers);

	if (now % 1000 != 0)
		return;
	newcomers++;
	newcomers_admitted += addr_rates_take(&rates, &a, now) == 0;
}

/* 500 000 requests a second are 25 times what the table lets through: newcomers have the flood's own odds. */
static void newcomers_are_slowed_down_and_not_shut_out(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 19);
	newcomers = newcomers_admitted = 0;
	flood(&r, false, ask_once_each);
	assert_in_range(newcomers_admitted, newcomers / 60, newcomers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_then_one_an_interval),
		TEST(asking_takes_nothing),
		TEST(what_is_given_back_can_be_taken_again),
		TEST(each_address_has_a_bucket_of_its_own),
		TEST(an_ip6_client_is_its_network_of_64_bits),
		TEST(a_bucket_agrees_with_a_model),
		TEST(more_addresses_than_places_win_nothing),
		TEST(who_is_known_does_not_notice_a_flood),
		TEST(newcomers_are_slowed_down_and_not_shut_out),
	};

	return cmocka_run_group_tests_name("base/addr_rates", tests, NULL, NULL);
}
