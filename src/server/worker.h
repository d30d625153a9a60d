/*
 * A worker: one core, one host, one HTTP server a port (design rule 5). It holds all that its thread uses.
 * What comes of the configuration is in its current generation; a configuration that is in use is never
 * changed, but replaced. This version runs one worker, on the main thread.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/access_log.h"
#include "server/demo.h"
#include "server/document.h"
#include "server/events.h"
#include "server/frames.h"
#include "server/generation.h"
#include "server/helper.h"
#include "server/loop.h"

enum {
	WORKER_RETIRED = 8,       /* most retired generations that connections keep */
	WORKER_BODIES = 32 << 20, /* most bytes of bodies at once */
};

struct worker_reloads {
	uint64_t done, refused;
	uint64_t cut_off; /* connections, at the limit of retired generations */
};

struct worker {
	const struct config *config; /* the current generation's */
	const struct log *log;
	struct host host;
	struct ws_server *websockets;
	struct events *events; /* for those of them that watch */
	struct frames frames;  /* for those who ask for them */
	struct access_log access;
	struct http_hooks hooks;
	struct secure secure;
	struct tls_acceptor acceptor; /* of streams whose handshake is done */
	struct timer look;            /* at certificate files */
	struct generation *current;
	struct list retired;         /* generations, oldest first */
	struct worker_reloads reloads;
	struct poller poller;
	struct helper helper;
	struct loop loop;
	struct demo_flood flood;
	struct demo_pattern *pattern; /* that demos send; NULL: nobody has asked for it */
	unsigned digests;             /* of it that are being made */
	struct document_budget documents; /* that locations make */
	struct document_budget bodies;    /* of requests that locations gather, and what is made of them */
	uint64_t started_us;     /* world time */
	uint64_t opened_us;      /* the same moment, since 1970 */
	uint64_t drain_until_us; /* TIMER_NEVER: not draining */
	bool stopped;
};

/* What the process does itself when a signal asks for it. */
struct worker_owner {
	void (*reopen)(void *context); /* SIGUSR1: logs that are not the worker's */
	/* SIGHUP: reads the configuration, for worker_reload(). False: it does not do. */
	bool (*reload)(void *context);
	void *context;
};

/* Opens everything that config names. config is the worker's from now on, whatever comes of it. 0, or
 * negative errno and *why. *w must not move while it is open. */
int worker_open(struct worker *w, struct config *config, const struct log *log, const struct signals *signals,
		struct failure *why);

/* Opens what config names, and then uses it instead of what was in use. Device, tcp and user must be what
 * they were (config_keep_fixed()). config is the worker's from now on, whatever comes of it. 0; or negative
 * errno and *why, and all is as it was. Not from within a callback of the stack's. */
int worker_reload(struct worker *w, struct config *config, struct failure *why);

/* Serves until SIGTERM or SIGINT and the draining that follows. 0, or negative errno
 * and *why when the device is gone. */
int worker_run(struct worker *w, const struct worker_owner *owner, struct failure *why);

/* Connections that are still open are reset. */
void worker_close(struct worker *w);

#endif
