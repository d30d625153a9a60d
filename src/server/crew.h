/*
 * The workers of the process: the first one on the main thread, the others on threads of their own. What
 * concerns all is decided on the main thread and ordered of each (server/errand.h): to drain, to stop, to
 * open logs anew, and to use another configuration, which all have opened before any uses it.
 */
#ifndef SERVER_CREW_H
#define SERVER_CREW_H

#include "server/worker.h"

struct crew;

/* What the process does itself. All of it is called on the main thread, in the first worker's loop. */
struct crew_owner {
	void (*reopen)(void *context);   /* SIGUSR1: logs that are no worker's */
	void (*reload)(void *context);   /* SIGHUP: reads the configuration, for crew_reload() */
	/* What has become of crew_reload(): why NULL: it is in use. */
	void (*reloaded)(void *context, const struct failure *why);
	void *context;
};

/* Opens config->workers of them. config is theirs as well from then on. owner must outlive the crew. 0 and
 * *out, or negative errno and *why. */
int crew_open(struct crew **out, struct config *config, const struct crew_owner *owner, const struct log *log,
	      const struct signals *signals, struct failure *why);
/* Connections that are still open are reset. Nothing is told of a reload that is under way. */
void crew_close(struct crew *crew);

/* Starts the threads; to be called when what they shall not have was given up. 0, or negative errno and *why:
 * none runs then. */
int crew_start(struct crew *crew, struct failure *why);
/* Serves until SIGTERM or SIGINT and the draining that follows, or, when all drain already, at once. 0, or
 * negative errno and *why when the device is gone. */
int crew_run(struct crew *crew, struct failure *why);

/* Uses config if all can, which is told by owner->reloaded() in a later turn; until then there must not be
 * another. */
void crew_reload(struct crew *crew, struct config *config);

unsigned crew_size(const struct crew *crew);
/* To send errands to. */
struct worker *crew_worker(const struct crew *crew, unsigned number);

#endif
