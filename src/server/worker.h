/*
 * A worker: one core, one host, one HTTP server a port (design rule 5). It holds all that its thread uses,
 * and nobody else touches it while it runs: whoever wants something of it sends an errand (server/errand.h).
 * What comes of the configuration is in its current generation; a configuration that is in use is never
 * changed, but replaced.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "base/hash.h"
#include "server/access_log.h"
#include "server/chat.h"
#include "server/demo.h"
#include "server/document.h"
#include "server/errand.h"
#include "server/events.h"
#include "server/frames.h"
#include "server/generation.h"
#include "server/helper.h"
#include "server/loop.h"
#include "server/ports.h"

enum {
	WORKER_RETIRED = 8,       /* most retired generations that connections keep */
	WORKER_BODIES = 32 << 20, /* most bytes of bodies at once */
};

struct worker_reloads {
	uint64_t done, refused;
	uint64_t cut_off; /* connections, at the limit of retired generations */
};

struct worker;
struct crew;

/* Who it is among the others, and what it has in common with them. */
struct worker_place {
	struct crew *crew;             /* NULL: it is alone */
	unsigned number;               /* from 0 */
	unsigned of;                   /* how many there are; 0: it is alone */
	struct ports *ports;           /* where it takes its queue from; NULL: it opens the device */
	int core;                      /* that its thread stays on; -1: any */
	const struct log *log;
	const struct signals *signals; /* NULL: another worker takes them */
	struct secure_common *secure;
	const struct hash_key *fast_open; /* makes cookies of all workers' */
	struct log_turn *turn;         /* of the access log */
	/* In its loop: a signal came; and after worker_drain(), once, all its connections are over. */
	void (*on_signal)(struct worker *w, enum signal_event signal);
	void (*on_drained)(struct worker *w);
};

struct worker {
	struct worker_place place;
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
	struct generation *next;     /* prepared, and not in use yet; NULL: none is */
	struct access_log next_access;
	struct list retired;         /* generations, oldest first */
	struct worker_reloads reloads;
	struct poller poller;
	struct helper helper;
	struct errands errands;
	struct loop loop;
	struct demo_flood flood;
	struct demo_pattern *pattern; /* that demos send; NULL: nobody has asked for it */
	unsigned digests;             /* of it that are being made */
	struct chat_out chat;
	unsigned n_told;              /* changes of clients' wires, on their way to others */
	unsigned n_gathers;           /* documents about all workers, being gathered for */
	struct document_budget documents; /* that locations make */
	struct document_budget bodies;    /* of requests that locations gather, and what is made of them */
	uint64_t started_us;     /* world time */
	uint64_t opened_us;      /* the same moment, since 1970 */
	uint64_t drain_until_us; /* TIMER_NEVER: not draining */
	bool drained, stopped;
};

/* How many there are. */
static inline unsigned worker_count(const struct worker *w)
{
	return w->place.of > 0 ? w->place.of : 1;
}

/* Opens everything that config names, which it holds from then on. 0, or negative errno and *why. *w must not
 * move while it is open. */
int worker_open(struct worker *w, struct config *config, const struct worker_place *place,
		struct failure *why);

/* Serves until worker_stop(). 0, or negative errno and *why when the device is gone. */
int worker_run(struct worker *w, struct failure *why);

/* ---- in its loop, and not from within a callback of the stack's ---- */

/* Opens what config names, beside what is in use. Device, tcp and user must be what they were
 * (config_keep_fixed()). 0; then one of the two below is to be called. Or negative errno and *why. */
int worker_prepare(struct worker *w, struct config *config, struct failure *why);
/* It is used from now on, instead of what was. */
void worker_use(struct worker *w);
/* It is not. Nothing was prepared: nothing happens. */
void worker_discard(struct worker *w);

/* Opens its logs and what forms are appended to anew. */
void worker_reopen(struct worker *w);

/* No new connections, idle ones closed, busy ones finished, at most drain_timeout. It goes on turning
 * afterwards: frames of others may come by its queue. */
void worker_drain(struct worker *w);
void worker_stop(struct worker *w);

/* Connections that are still open are reset. */
void worker_close(struct worker *w);

#endif
