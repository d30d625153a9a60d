/*
 * A generation: what one reading of the configuration makes. The first is made at start, another by each
 * SIGHUP, whole before anything of it is used; then it takes the place of the one before, which retires: its
 * listeners go over at once, its connections when they are between two requests (http_retire()). It is freed
 * when no connection is left on it, and nothing that it gave to the helper is out.
 *
 * What a kind of location or a port opens is opened here, so that it is read again with the configuration.
 */
#ifndef SERVER_GENERATION_H
#define SERVER_GENERATION_H

#include "base/offload.h"
#include "server/config.h"
#include "server/fastcgi.h"
#include "server/file_watch.h"
#include "server/form.h"
#include "server/secure.h"
#include "server/upload.h"
#include "server/websocket.h"

enum { GENERATION_PORTS = 64 }; /* most ports listened on */

struct generation;
struct worker;

/* A port, with the sites that listen on it. */
struct generation_port {
	struct generation *generation;
	uint16_t number;
	struct tcp_listener *listener; /* NULL: not yet, or no more */
	struct http_server *server;
	struct secure_port secure;
	struct file_watch files; /* the server's */
};

struct generation {
	struct list node; /* in the worker's, once retired */
	struct worker *worker;
	struct config *config;
	struct forms forms;
	struct uploads uploads;
	struct fastcgis fastcgis;
	struct websockets websockets;
	struct generation_port ports[GENERATION_PORTS];
	unsigned n_ports;
	struct offload_job last_job; /* those before it are done when it is, and they submit no others */
	bool last_job_is_out;
};

/* Opens all that config names but listeners, which are opened on ports that `before` (may be NULL) has not.
 * config is the generation's too from then on. 0, or negative errno and *why. */
int generation_new(struct worker *w, struct config *config, struct generation *before,
		   struct generation **out, struct failure *why);

/* Connections that are still open are reset. */
void generation_free(struct generation *g);

/* Serves a stream that is ready for HTTP, as the port says that it came by. */
void generation_serve(struct generation *g, struct stream *s);

/* g takes the place of `before`. */
void generation_succeed(struct generation *g, struct generation *before);

/* The successor of one that retired has retired: g is it now. */
void generation_follow(struct generation *retired, struct generation *g);

/* Whoever the process is by now may enter all roots. 0, or negative errno and *why. */
int generation_check_roots(const struct generation *g, struct failure *why);

/* Frees one that retired, now or later, if it is over. g has what it counted. */
void generation_bury(struct generation *retired, struct generation *g);

/* No connection is left on it, and nothing that came by one is still being stored. */
bool generation_is_deserted(const struct generation *g);

/* Resets the connections of one that retired; how many they were. */
uint64_t generation_cut_off(struct generation *retired);

/* Certificates in use follow their files. */
void generation_look_at_certificates(struct generation *g);

void generation_stop_listening(struct generation *g);
/* Drains its servers (http_drain()). True when no connection is left. */
bool generation_drain(struct generation *g);

#endif
