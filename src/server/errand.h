/*
 * Errands: what a worker asks of another one. Nobody touches what is another worker's, so the errand goes to
 * the other's loop, is run there, and comes back to the loop it came from. Whoever sends keeps it where it is
 * until done() is called, and bounds how many of its own are out.
 */
#ifndef SERVER_ERRAND_H
#define SERVER_ERRAND_H

#include <pthread.h>

#include "base/list.h"
#include "server/poller.h"

struct errands;

struct errand {
	/* In a turn of the loop that it was sent to; owner is that loop's. */
	void (*run)(struct errand *e, void *owner);
	/* In a later turn of the loop that sent it, once. */
	void (*done)(struct errand *e);
	bool ran; /* asked in done(): false when the workers stopped before its turn came */
	struct list node;     /* these two: of this file */
	struct errands *from; /* NULL: on its way back */
};

/* Those that have come to a worker. */
struct errands {
	struct poller *poller;
	struct poll_watch watch; /* of an eventfd */
	void *owner;
	pthread_mutex_t lock;    /* of what follows */
	struct list waiting;
	bool is_closed;
};

/* 0, or negative errno and *why. *m must not move while it is open. */
int errands_open(struct errands *m, struct poller *poller, void *owner, struct failure *why);

/* False: the other takes none any more. It may be sent to oneself. */
bool errand_send(struct errand *e, struct errands *from, struct errands *to);

/* When all loops have ended: no errand is taken any more; */
void errands_refuse(struct errands *m);
/* then those that are here are done, run or not. */
void errands_settle(struct errands *m);
void errands_close(struct errands *m);

#endif
