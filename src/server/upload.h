/*
 * The upload location: the files of a multipart POST are stored in a directory while they arrive. The worker
 * takes bytes off the connection into a buffer, and its helper thread takes them apart and writes them; while
 * it is at that, as much again may come, and then the connection's window closes. So an upload takes up the
 * same memory whatever its size, and a slow disk slows those who send, and nobody else.
 */
#ifndef SERVER_UPLOAD_H
#define SERVER_UPLOAD_H

#include "http/http_call.h"
#include "server/config.h"
#include "server/upload_store.h"

enum {
	UPLOAD_PARTS = 1024,       /* most parts of a request: fields of a form too, which are dropped */
	UPLOAD_BUFFER = 32 << 10,  /* bytes, twice for each request under way */
	UPLOADS_UNDER_WAY = 256,   /* most requests to a location at once */
};

struct worker;

struct upload {
	const struct config_location *config;
	struct worker *worker;
	struct upload_store store; /* only of locations that are uploads */
	unsigned under_way;        /* requests */
	bool failing;              /* the last request failed by our fault; told once */
};

struct uploads {
	struct upload *items; /* one a location */
	unsigned n;
};

/* The context is a struct upload. */
extern const struct http_handler upload_handler;

/* Opens the directories of all of the configuration's locations that are uploads. 0, or negative errno
 * and *why; then nothing is held. */
int uploads_open(struct uploads *uploads, const struct config *c, struct worker *w, struct failure *why);
/* No request may be under way. */
void uploads_close(struct uploads *uploads);
/* No request is under way, nor one that was given up with the helper. */
bool uploads_are_over(const struct uploads *uploads);

/* The one of this location of that configuration. */
struct upload *uploads_find(const struct uploads *uploads, const struct config_location *l);

#endif
