/* What a worker has counted at one moment: taken in its loop, and then anybody's to read and to add up. */
#ifndef SERVER_STATUS_SAMPLE_H
#define SERVER_STATUS_SAMPLE_H

#include "server/worker.h"

enum {
	STATUS_COUNTERS = 256, /* room for those of status_groups */
	STATUS_POOLS = 512,    /* pools that are told of; more are not */
};

/* All but the name are numbers of 64 bits, which may be added up. */
struct status_pool {
	const char *name;
	uint64_t port; /* 0: it is of all ports */
	uint64_t object_size, in_use, peak, limit, refused;
};

struct status_port {
	uint16_t number;
	struct http_usage usage;
};

/* What is told of each worker by itself. */
struct status_row {
	uint64_t connections, requests;
	uint64_t core_us; /* of processor time, of its thread */
	struct steer_stats steering; /* frames to and from others */
};

struct status_sample {
	uint64_t counters[STATUS_COUNTERS]; /* those of status_groups, one after the other */
	uint64_t drops[DROP_REASON_COUNT];
	uint64_t neighbours, neighbours_incomplete;
	struct tcp_usage tcp;
	struct tcp_times tcp_times;
	struct tls_usage tls;
	struct status_port ports[GENERATION_PORTS];
	unsigned n_ports;
	struct status_pool pools[STATUS_POOLS];
	unsigned n_pools;
	struct status_row row;
};

/* In the worker's loop. */
void status_take(struct status_sample *s, const struct worker *w);
/* A port or pool that *to has not is left out: the two are of different configurations, for a moment. */
void status_add(struct status_sample *to, const struct status_sample *from);

#endif
