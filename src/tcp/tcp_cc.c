/* The list of congestion controls, and what they share. */
#include "tcp/tcp_cc.h"

#include <stddef.h>
#include <string.h>

static const struct tcp_cc_ops *const algorithms[] = { &tcp_reno };

const struct tcp_cc_ops *tcp_cc_find(const char *name)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		if (strcmp(algorithms[i]->name, name) == 0)
			return algorithms[i];
	return NULL;
}

uint32_t tcp_initial_window(uint32_t mss)
{
	uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600;
	return 10 * mss < floor ? 10 * mss : floor;
}
