/* Signals, as something to poll: they interrupt nothing, and only this file knows of them. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "base/failure.h"

enum signal_event {
	SIGNAL_NONE,
	SIGNAL_STOP,   /* SIGTERM, SIGINT */
	SIGNAL_RELOAD, /* SIGHUP */
	SIGNAL_REOPEN, /* SIGUSR1 */
};

struct signals {
	int fd; /* readable when one waits; -1: another takes them */
};

/* From now on the process's signals come here; SIGPIPE is ignored. 0, or negative errno and *why. */
int signals_open(struct signals *s, struct failure *why);
/* They stay blocked: one that comes while the process ends changes nothing. */
void signals_close(struct signals *s);

/* The next one, or SIGNAL_NONE. Never blocks. */
enum signal_event signals_take(const struct signals *s);

#endif
