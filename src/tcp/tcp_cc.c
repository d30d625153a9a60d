/* The list of congestion controls, and what they share. */
#include "tcp/tcp_cc.h"

#include <stddef.h>
#include <string.h>

#include "base/minmax.h"

enum { SLOW_START_LIMIT = 8 };

static const struct tcp_cc_ops *const algorithms[] = { &tcp_bbr, &tcp_cubic, &tcp_reno };

const struct tcp_cc_ops *tcp_cc_find(const char *name)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return algorithms[i];
	return NULL;
}

uint8_t tcp_cc_number(const struct tcp_cc_ops *ops)
{
	uint8_t i = 0;

	while (algorithms[i] != ops)
		i++;
	return i;
}

const struct tcp_cc_ops *tcp_cc_of_number(uint8_t number)
{
	return algorithms[number];
}

uint32_t tcp_initial_window(uint32_t mss)
{
	return min_u32(10 * mss, max_u32(2 * mss, 14600));
}

uint32_t tcp_slow_start_growth(const struct tcp_cc *cc, const struct tcp_cc_event *e)
{
	return cc->pacing_rate != 0 ? e->acked : min_u32(e->acked, SLOW_START_LIMIT * e->mss);
}

void tcp_slow_start(struct tcp_cc *cc, uint32_t bytes)
{
	cc->cwnd = (uint32_t)min_u64((uint64_t)cc->cwnd + bytes, min_u32(cc->ssthresh, TCP_MAX_CWND));
}
