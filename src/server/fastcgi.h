/*
 * The fastcgi location: requests are answered by an application behind a socket of this machine. One struct
 * fastcgi a location with fastcgi = ADDRESS.
 */
#ifndef SERVER_FASTCGI_H
#define SERVER_FASTCGI_H

#include "http/http_call.h"
#include "server/config.h"
#include "server/document.h"
#include "server/fastcgi_pool.h"

struct fastcgi {
	const struct config_location *config;
	struct document_budget *budget; /* of requests on their way */
	struct fastcgi_pool pool;
	/* Lines of the application's for the error log: so many may come in the second that began then. */
	uint64_t lines_since_us;
	uint32_t lines, lines_dropped;
};

struct fastcgis {
	struct fastcgi *items; /* one a location; those that are none have no config */
	unsigned n;
};

/* What they stand on. */
struct fastcgi_ground {
	struct poller *poller;
	struct world *world;
	const struct log *log;
	struct document_budget *budget;
};

/* The context is a struct fastcgi. */
extern const struct http_handler fastcgi_handler;

/* Nothing is connected to before it is asked for. 0, or negative errno and *why. */
int fastcgis_open(struct fastcgis *f, const struct config *c, const struct fastcgi_ground *ground,
		  struct failure *why);
/* After all calls have ended. */
void fastcgis_close(struct fastcgis *f);

/* The one of this location. */
struct fastcgi *fastcgis_find(const struct fastcgis *f, const struct config_location *l);

#endif
