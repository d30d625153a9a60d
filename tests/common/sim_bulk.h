/*
 * Bulk transfers through a bottleneck, in the simulator: host a sends without end to host b, over one or two
 * connections that begin a second apart; what is only counted on arrival. The queue holds one bandwidth-delay
 * product, loss is on the way of the data.
 */
#ifndef TESTS_COMMON_SIM_BULK_H
#define TESTS_COMMON_SIM_BULK_H

#include "common/sim.h"

enum { SIM_BULK_FLOWS = 2 };

struct sim_bottleneck {
	unsigned rate_mbit, rtt_ms;
	double loss_percent;
	unsigned queue;              /* frames; 0: a bandwidth-delay product */
};

struct sim_bulk {
	struct sim sim;
	unsigned n_flows;
	uint64_t received[SIM_BULK_FLOWS]; /* bytes that have reached the application */
	char impair[128];
};

/* Fails the running test if anything cannot be made. */
void sim_bulk_open(struct sim_bulk *b, const struct sim_bottleneck *path, const char *congestion,
		   unsigned n_flows, uint64_t seed);
void sim_bulk_close(struct sim_bulk *b);

#endif
