/*
 * Descriptors of the kernel's that a loop waits for beside its device: sockets to local applications, and the
 * descriptor by which a helper tells that it is done. Level-triggered: who is told
 * and does nothing is told again.
 */
#ifndef SERVER_POLLER_H
#define SERVER_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>

#include "base/failure.h"

enum { POLLER_BATCH = 64 };

struct poll_watch {
	int fd;
	/* events: of epoll(7). It may remove any watch, its own included, and add others. */
	void (*on_ready)(struct poll_watch *w, uint32_t events);
};

struct poller {
	int fd; /* readable while a watched descriptor is ready */
	/* What is expected from watched descriptors, counted by who expects it: while there is something a
	 * busy loop looks each turn, else only now and then. */
	uint32_t awaited;
	int n_ready, next; /* of ready[]: how many, and which has its turn after this */
	struct epoll_event ready[POLLER_BATCH];
};

/* 0, or negative errno and *why. */
int poller_open(struct poller *p, struct failure *why);
void poller_close(struct poller *p);

/* 0, or negative errno. w must not move while it is watched. */
int poller_add(struct poller *p, struct poll_watch *w, uint32_t events);
void poller_change(struct poller *p, struct poll_watch *w, uint32_t events);
/* To be called before the descriptor is closed. */
void poller_remove(struct poller *p, struct poll_watch *w);

/* Tells those that are ready, POLLER_BATCH at most, without waiting. Returns how many. */
int poller_look(struct poller *p);

#endif
