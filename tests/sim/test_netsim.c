/*
 * What congestion control makes of a path: goodput of bulk transfers over a bottleneck with a queue of one
 * bandwidth-delay product, for each algorithm, rate, round trip and loss. Runs repeat exactly, so that the
 * table in netsim.txt, which is kept with the source, must come out the same: a change of behaviour shows as
 * a difference there. UPDATE=1 writes it anew, to be looked at and committed.
 *
 * Then two flows of one kind share a bottleneck fairly: Jain's index of the second half is 0.95 or better.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/sim.h"
#include "common/sim_bulk.h"

enum { SEEDS = 2, TABLE = 16384 };
#define SECOND 1000000ull

static const char *const controls[] = { "reno", "cubic", "bbr" };
static const unsigned rates_mbit[] = { 20, 100 };
static const unsigned rtts_ms[] = { 10, 50, 200 };
static const double losses_percent[] = { 0, 0.1, 1, 3, 10 };

static double goodput_mbit(const char *congestion, const struct sim_bottleneck *path)
{
	const uint64_t slow_start = 5 * SECOND, us = 15 * SECOND;
	uint64_t bytes = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_bulk b;

		sim_bulk_open(&b, path, congestion, 1, seed);
		sim_pass(&b.sim, slow_start);
		bytes -= b.received[0];
		sim_pass(&b.sim, us);
		bytes += b.received[0];
		sim_bulk_close(&b);
	}
	return (double)bytes * 8 / (double)us / (double)SEEDS;
}

static void print_row(char *out, size_t size, const char *congestion, unsigned rate, unsigned rtt)
{
	size_t n = (size_t)snprintf(out, size, "%-6s %4u %4u ", congestion, rate, rtt);

	for (size_t i = 0; i < ARRAY_LENGTH(losses_percent); i++) {
		struct sim_bottleneck path = { .rate_mbit = rate,
					       .rtt_ms = rtt,
					       .loss_percent = losses_percent[i] };
		n += (size_t)snprintf(out + n, size - n, " %6.2f", goodput_mbit(congestion, &path));
	}
	snprintf(out + n, size - n, "\n");
}

static void print_table(char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size,
				    "# Goodput in Mbit/s, by loss in percent; tests/sim/test_netsim.c has the rules.\n"
				    "#       Mbit/s RTT ms   0    0.1      1      3     10\n");

	for (size_t c = 0; c < ARRAY_LENGTH(controls); c++)
		for (size_t r = 0; r < ARRAY_LENGTH(rates_mbit); r++)
			for (size_t t = 0; t < ARRAY_LENGTH(rtts_ms); t++) {
				print_row(out + n, size - n, controls[c], rates_mbit[r], rtts_ms[t]);
				n += strlen(out + n);
			}
}

static void goodput_is_as_in_the_table(void **state)
{
	static char now[TABLE], kept[TABLE];
	bool update = getenv("UPDATE") != NULL;
	FILE *f;

	(void)state;
	print_table(now, sizeof now);
	f = fopen(NETSIM_TABLE, update ? "w" : "r");
	assert_non_null(f);
	if (update)
		fputs(now, f);
	else
		kept[fread(kept, 1, sizeof kept - 1, f)] = 0;
	assert_int_equal(fclose(f), 0);
	if (!update && strcmp(now, kept) != 0)
		fail_msg("%s says otherwise; if this is better, make it with UPDATE=1:\n%s", NETSIM_TABLE,
			 now);
}

/* ---- fairness ---- */

static double jain(double a, double b)
{
	return (a + b) * (a + b) / (2 * (a * a + b * b));
}

static void assert_fair(const char *congestion)
{
	const struct sim_bottleneck path = { .rate_mbit = 20, .rtt_ms = 40 };
	const uint64_t half = 60 * SECOND;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t before[2], got[2];
		struct sim_bulk b;

		sim_bulk_open(&b, &path, congestion, 2, seed);
		sim_pass(&b.sim, half);
		for (unsigned i = 0; i < 2; i++)
			before[i] = b.received[i];
		sim_pass(&b.sim, half);
		for (unsigned i = 0; i < 2; i++)
			got[i] = b.received[i] - before[i];
		if (jain((double)got[0], (double)got[1]) < 0.95)
			fail_msg("%s, seed %llu: %llu and %llu bytes", congestion, (unsigned long long)seed,
				 (unsigned long long)got[0], (unsigned long long)got[1]);
		assert_true((got[0] + got[1]) * 8 / (half / 1000) > 20 * 900); /* and nothing is wasted */
		sim_bulk_close(&b);
	}
}

static void two_reno_flows_share_fairly(void **state)
{
	(void)state;
	assert_fair("reno");
}

static void two_cubic_flows_share_fairly(void **state)
{
	(void)state;
	assert_fair("cubic");
}

static void two_bbr_flows_share_fairly(void **state)
{
	(void)state;
	assert_fair("bbr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goodput_is_as_in_the_table),
		cmocka_unit_test(two_reno_flows_share_fairly),
		cmocka_unit_test(two_cubic_flows_share_fairly),
		cmocka_unit_test(two_bbr_flows_share_fairly),
	};

	return cmocka_run_group_tests_name("netsim", tests, NULL, NULL);
}
