/* Offload that does nothing by itself: a test says when jobs run, and when their conclusions are told. */
#ifndef COMMON_HAND_OFFLOAD_H
#define COMMON_HAND_OFFLOAD_H

#include "base/offload.h"

struct hand_offload {
	struct offload offload;
	unsigned limit;   /* most jobs taken at once */
	unsigned waiting;
	struct list jobs;
};

void hand_offload_init(struct hand_offload *o, unsigned limit);

/* Runs all jobs and tells of them; as if the server stopped before, if not ran. Returns how many. */
unsigned hand_offload_finish(struct hand_offload *o, bool ran);

#endif
