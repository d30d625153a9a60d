/*
 * Signals by signalfd(2).
 * System calls: rt_sigprocmask, rt_sigaction, signalfd4 (start); read, close.
 */
#include "server/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

int signals_open(struct signals *s, struct failure *why)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	fill(&set);
	s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->fd >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0 &&
	    sigaction(SIGXFSZ, &ignore, NULL) == 0)
		return 0;
	return failure_set(why, -errno, "signals cannot be set up: %s", strerror(errno));
}

void signals_close(struct signals *s)
{
	close(s->fd);
}

enum signal_event signals_take(const struct signals *s)
{
	struct signalfd_siginfo info;

	if (s->fd < 0 || read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return SIGNAL_NONE;
	switch (info.ssi_signo) {
	case SIGHUP:
		return SIGNAL_RELOAD;
	case SIGUSR1:
		return SIGNAL_REOPEN;
	default:
		return SIGNAL_STOP;
	}
}
