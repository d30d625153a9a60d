/*
 * A worker: one core, one host, one HTTP server a port (design rule 5). It holds all that its thread uses,
 * and shares nothing but the configuration, which nobody changes. This version runs one, on the main thread.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/access_log.h"
#include "server/document.h"
#include "server/form.h"
#include "server/helper.h"
#include "server/loop.h"
#include "server/upload.h"

enum {
	WORKER_PORTS = 64,        /* most ports listened on */
	WORKER_BODIES = 32 << 20, /* most bytes of bodies at once */
};

struct worker;

/* A port, with the sites that listen on it. */
struct worker_port {
	struct worker *worker;
	uint16_t number;
	struct tcp_listener *listener; /* NULL once no new connections are taken */
	struct http_server *server;
};

struct worker {
	const struct config *config;
	const struct log *log;
	struct host host;
	struct access_log access;
	bool has_access;
	struct worker_port ports[WORKER_PORTS];
	unsigned n_ports;
	struct poller poller;
	struct helper helper;
	struct loop loop;
	struct document_budget documents; /* that locations make */
	struct document_budget bodies;    /* of requests that locations gather, and what is made of them */
	struct forms forms;
	struct uploads uploads;
	uint64_t started_us;     /* world time */
	uint64_t drain_until_us; /* TIMER_NEVER: not draining */
	bool stopped;
};

/* Opens everything that config names. 0, or negative errno and *why. *w must not move while it is open. */
int worker_open(struct worker *w, const struct config *config, const struct log *log,
		const struct signals *signals, struct failure *why);

/* Serves until SIGTERM or SIGINT and the draining that follows; reopen is called on SIGUSR1, for logs that
 * are not the worker's. 0, or negative errno and *why when the device is gone. */
int worker_run(struct worker *w, void (*reopen)(void *context), void *context, struct failure *why);

/* Connections that are still open are reset. */
void worker_close(struct worker *w);

#endif
