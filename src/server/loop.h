/*
 * The event loop of one host: turn after turn while there is work; then polling for a moment, if the
 * next frame is usually near (polling.h); then sleep until a frame, a timer, a signal or a watched
 * descriptor comes. An idle host takes no processor time.
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "server/host.h"
#include "server/poller.h"
#include "server/polling.h"
#include "server/signals.h"

struct loop {
	struct host *host;
	const struct signals *signals;
	struct poller *poller;   /* may be NULL */
	void (*on_idle)(void *context); /* before sleeping, and now and then while busy: write out buffers */
	void *context;
	struct polling polling;
	uint64_t now_us;         /* the clock at the last step */
	uint64_t look_at_us;     /* when a busy loop next looks for signals and descriptors */
	uint64_t idle_call_us;   /* when a busy loop next calls on_idle() */
};

void loop_init(struct loop *l, struct host *host, const struct signals *signals,
	       struct poller *poller, void (*on_idle)(void *context), void *context);

/* One turn, and sleep if there is nothing to do, until deadline_us at most. Returns 0, or a negative errno
 * when the device is gone. *signal is what came in meanwhile. */
int loop_step(struct loop *l, uint64_t deadline_us, enum signal_event *signal);

#endif
