/* Opening a device's queues together: all, or none. */
#ifndef LINK_QUEUES_H
#define LINK_QUEUES_H

#include "link/device.h"

/* 0 and *out, or negative errno and *why. */
typedef int queue_open_fn(void *context, unsigned queue, struct device **out, struct failure *why);

/* Queues 0 to n - 1, in this order; out has room for n. */
int queues_open(unsigned n, queue_open_fn *open, void *context, struct device **out, struct failure *why);
void queues_close(unsigned n, struct device *const *queues);

#endif
