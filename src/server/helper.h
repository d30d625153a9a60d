/*
 * A worker's helper: a thread that does, one after the other, what the worker's loop must not wait for
 * (base/offload.h). It shares nothing with the worker but the jobs that are in its hands.
 */
#ifndef SERVER_HELPER_H
#define SERVER_HELPER_H

#include <pthread.h>

#include "base/offload.h"
#include "server/poller.h"

enum { HELPER_JOBS = 256 }; /* most that are out at once; more are refused */

struct helper {
	struct offload offload;
	struct poller *poller;
	struct poll_watch done_watch; /* of an eventfd */
	uint32_t out;                 /* jobs that done() was not called for; the loop's own */
	bool is_running, is_closed;   /* the loop's own */
	pthread_t thread;
	pthread_mutex_t lock;         /* of what follows */
	pthread_cond_t has_work;
	struct list waiting, finished;
	bool stopping;
};

/* Jobs are taken from now on. 0, or negative errno and *why. *h must not move while it is open. */
int helper_open(struct helper *h, struct poller *poller, struct failure *why);

/* Jobs are done from now on: to be called when what the thread shall not have was given up, for what a thread
 * may is settled one by one. 0, or negative errno and *why. */
int helper_start(struct helper *h, struct failure *why);

/* Waits for the job under way, leaves the others undone, and calls done() of
 * all. What those submit is refused. */
void helper_close(struct helper *h);

#endif
