/*
 * The device's queues, one for each worker: opened together before the first worker starts, and taken by the
 * workers' hosts. With several, each brings its worker the frames that are the worker's (link/steer.h).
 */
#ifndef SERVER_PORTS_H
#define SERVER_PORTS_H

#include "link/steer.h"
#include "server/config.h"

struct ports {
	struct steer_group *group; /* NULL: there is one queue */
	unsigned n;
	struct device *queues[STEER_QUEUES]; /* NULL: taken */
};

/* n: 1 to STEER_QUEUES. 0, or negative errno and *why: then ports_close() finds nothing to close. */
int ports_open(struct ports *p, const struct config_device *d, unsigned n, const struct log *log,
	       struct failure *why);

/* The caller's from then on. */
struct device *ports_take(struct ports *p, unsigned queue);

/* Closes what nobody took. Those that were taken must be closed already. */
void ports_close(struct ports *p);

#endif
