/*
 * Documents of the status location about all workers: each is asked for a sample, and for rows of connections
 * where the document has them, by an errand; when all have answered the document is written. A worker that is
 * alone writes it at once.
 */
#ifndef SERVER_STATUS_GATHER_H
#define SERVER_STATUS_GATHER_H

#include "server/status.h"

enum { STATUS_GATHERS = 8 }; /* documents that a worker is gathering for at once; more are refused */

/* A document, of whatever is told of workers. */
struct status_page {
	const char *path, *type;
	bool has_rows;
	/* others: of n other workers, if it has rows */
	void (*write)(struct document *d, const struct status_view *view, const struct http_call *call,
		      const struct status_connections *others, unsigned n);
};

/* NULL: there is none at this path. */
const struct status_page *status_find_page(const char *path);

/* As a handler's answer(). With HTTP_LATER it has put what it needs into the call's state; */
unsigned status_gather(struct http_call *call, struct worker *w, const struct status_page *page,
		       struct http_document *out);
/* the call's end then. state may be NULL. */
void status_gather_end(void *state);

#endif
