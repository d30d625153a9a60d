/* The event loop. System calls: ppoll, and those of device and signals. */
#include "server/loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/minmax.h"

enum {
	POLL_ON_US = 50,          /* after work, before sleeping: about what waking up costs */
	LOOK_EVERY_US = 1000,     /* for signals, while busy */
	IDLE_CALL_US = 1000000,   /* buffers are written out at least this often */
};

void loop_init(struct loop *l, struct host *host, const struct signals *signals,
	       void (*on_idle)(void *context), void *context)
{
	*l = (struct loop){ .host = host, .signals = signals, .on_idle = on_idle, .context = context };
}

static void call_idle(struct loop *l)
{
	l->idle_call_us = l->now_us + IDLE_CALL_US;
	l->on_idle(l->context);
}

static enum signal_event look(struct loop *l)
{
	if (l->now_us < l->look_at_us)
		return SIGNAL_NONE;
	l->look_at_us = l->now_us + LOOK_EVERY_US;
	if (l->now_us >= l->idle_call_us)
		call_idle(l);
	return signals_take(l->signals);
}

/* Waits for a frame or a signal until the time given. */
static void sleep_until(const struct loop *l, uint64_t until_us)
{
	const struct device *d = l->host->device;
	struct pollfd fds[] = {
		{ .fd = d->ops->fd(d), .events = POLLIN },
		{ .fd = l->signals->fd, .events = POLLIN },
	};
	uint64_t now = clock_now_us(), left = until_us > now ? until_us - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(left / 1000000),
		.tv_nsec = (long)(left % 1000000 * 1000),
	};

	/* EINTR and every other failure: the next turn finds out what there is to do. */
	ppoll(fds, ARRAY_LENGTH(fds), until_us == TIMER_NEVER ? NULL : &timeout, NULL);
}

int loop_step(struct loop *l, uint64_t deadline_us, enum signal_event *signal)
{
	int moved;

	l->now_us = clock_now_us();
	*signal = look(l);
	moved = host_turn(l->host, l->now_us);
	if (moved != 0)
		l->poll_until_us = l->now_us + POLL_ON_US;
	if (moved < 0)
		return moved;
	if (moved > 0 || *signal != SIGNAL_NONE || l->now_us < l->poll_until_us)
		return 0;
	call_idle(l);
	sleep_until(l, min_u64(deadline_us, host_deadline(l->host)));
	l->look_at_us = 0;
	return 0;
}
