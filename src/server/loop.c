/* The event loop. System calls: ppoll, and those of device, signals and poller. */
#include "server/loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/minmax.h"

enum {
	LOOK_EVERY_US = 1000,     /* for signals and descriptors, while busy */
	IDLE_CALL_US = 1000000,   /* buffers are written out at least this often */
};

void loop_init(struct loop *l, struct host *host, const struct signals *signals,
	       struct poller *poller, void (*on_idle)(void *context), void *context)
{
	*l = (struct loop){
		.host = host, .signals = signals, .poller = poller, .on_idle = on_idle, .context = context,
	};
	polling_init(&l->polling);
}

static void call_idle(struct loop *l)
{
	l->idle_call_us = l->now_us + IDLE_CALL_US;
	l->on_idle(l->context);
}

static enum signal_event look(struct loop *l)
{
	l->look_at_us = l->now_us + LOOK_EVERY_US;
	if (l->now_us >= l->idle_call_us)
		call_idle(l);
	return signals_take(l->signals);
}

/* Tells what is ready, if it is time to look or something is awaited. Returns how much. */
static int look_at_descriptors(const struct loop *l, bool is_time)
{
	return l->poller != NULL && (is_time || l->poller->awaited > 0) ? poller_look(l->poller) : 0;
}

/* A turn of the host first: it moves the world's time on, which those who are
 * told of descriptors work with. */
static int turn(struct loop *l, bool is_time)
{
	int moved = host_turn(l->host, l->now_us);

	return moved < 0 ? moved : moved + look_at_descriptors(l, is_time);
}

/* Waits for a frame, a signal or a descriptor until the time given. */
static void sleep_until(const struct loop *l, uint64_t until_us)
{
	const struct device *d = l->host->device;
	struct pollfd fds[] = {
		{ .fd = d->ops->fd(d), .events = POLLIN },
		{ .fd = l->signals->fd, .events = POLLIN },
		{ .fd = l->poller != NULL ? l->poller->fd : -1, .events = POLLIN },
	};
	uint64_t now = clock_now_us(), left = until_us > now ? until_us - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(left / 1000000),
		.tv_nsec = (long)(left % 1000000 * 1000),
	};

	/* EINTR and every other failure: the next turn finds out what there is to do. */
	ppoll(fds, ARRAY_LENGTH(fds), until_us == TIMER_NEVER ? NULL : &timeout, NULL);
}

/* There is nothing to do. */
static void rest(struct loop *l, uint64_t until_us)
{
	if (polling_goes_on(&l->polling, l->now_us, until_us))
		return;
	call_idle(l);
	polling_sleeps(&l->polling);
	if (device_may_sleep(l->host->device))
		sleep_until(l, until_us);
	l->look_at_us = 0;
}

int loop_step(struct loop *l, uint64_t deadline_us, enum signal_event *signal)
{
	bool is_time;
	int moved;

	l->now_us = clock_now_us();
	is_time = l->now_us >= l->look_at_us;
	*signal = is_time ? look(l) : SIGNAL_NONE;
	moved = turn(l, is_time);
	if (moved < 0)
		return moved;
	if (moved > 0)
		polling_has_worked(&l->polling, l->now_us);
	else if (*signal == SIGNAL_NONE)
		rest(l, min_u64(deadline_us, host_deadline(l->host)));
	return 0;
}
