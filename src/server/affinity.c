/* System calls: sched_getaffinity, sched_setaffinity (start). */
#include "server/affinity.h"

#include <sched.h>

int affinity_choose(unsigned number, unsigned of)
{
	cpu_set_t allowed;

	if (of < 2 || sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		return -1;
	if ((unsigned)CPU_COUNT(&allowed) < of)
		return -1;
	for (unsigned core = 0; core < CPU_SETSIZE; core++)
		if (CPU_ISSET(core, &allowed) && number-- == 0)
			return (int)core;
	return -1;
}

void affinity_stay(int core)
{
	cpu_set_t one;

	if (core < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET((unsigned)core, &one);
	sched_setaffinity(0, sizeof one, &one);
}
