/*
 * What the server says about itself, below a location with status = true: status.json, connections.json and
 * metrics (Prometheus text), and the page that shows it (live.h). Each is made when it is asked for, and
 * changes nothing: where there are several workers, each of them is asked (status_gather.h) and the sums are
 * told.
 */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

#include "http/http_call.h"
#include "server/document.h"
#include "server/status_sample.h"
#include "server/worker.h"

enum {
	STATUS_CONNECTIONS = 10000,    /* most rows of connections.json */
	STATUS_TIME_WAITS = 1000,      /* and of TIME-WAIT */
	STATUS_DOCUMENT = 8 << 20,     /* most bytes of one document ... */
	STATUS_DOCUMENTS = 32 << 20,   /* ... and of all that are on their way to their readers */
};

/* The context is the location's struct websocket: what it has at "events". */
extern const struct http_handler status_handler;

/* What a document is written of. */
struct status_view {
	const struct worker *worker; /* who answers: what all have alike is its own */
	const struct status_sample *total;
	const struct status_row *rows; /* a worker each */
	unsigned n;
};

void status_write_json(struct document *d, const struct status_view *view);
void status_write_metrics(struct document *d, const struct status_view *view);

/* Connections of one worker, as rows: they go behind those of others. */
struct status_connections {
	struct document *connections, *time_waits;
	uint32_t max, left_out;
};

/* In its loop. */
void status_write_rows(struct status_connections *rows, const struct worker *w);
/* others: n of them; their own are added by the worker that answers, at most max_rows. The call's own
 * connection can be told from the others. */
void status_write_connections(struct document *d, const struct status_view *view,
			      const struct http_call *call, const struct status_connections *others,
			      unsigned n, uint32_t max_rows);

/* ---- what the documents have in common ---- */

struct status_counter {
	const char *name;  /* in JSON: as Linux has it, where it has it */
	const char *field; /* in metrics, where prefix and suffix are added */
	const char *help;  /* NULL: name says it */
	size_t offset;     /* of a uint64_t, from the group's base */
};

/* Counters that stand side by side. */
struct status_group {
	const char *name;
	const char *linux_file; /* where Linux shows counters of these names; NULL: nowhere */
	const struct status_counter *counters;
	size_t n;
	const void *(*base)(const struct worker *w); /* NULL: a port's struct http_usage */
};

extern const struct status_group status_groups[]; /* the stack's, its device's, reloads, the access log's */
extern const size_t status_groups_count;
extern const struct status_group status_http_counters, status_http_gauges; /* a port's */

uint64_t status_value(const struct status_counter *c, const void *base);
/* Those of a group, in its order. */
const uint64_t *status_values(const struct status_sample *s, const struct status_group *g);

#endif
