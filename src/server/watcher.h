/*
 * One who watches connections: which, what of them, and the batch of rows that it gets next. Rows are those
 * of the ladder (ladder_rows.h), made of what the recorder has and has just made, and samples of TCP's
 * numbers.
 *
 * A watcher has a share of rows a second, of which some may be saved up; what goes beyond it is left out, and
 * it is told how much that was. Segments that open or close are left out last.
 */
#ifndef SERVER_WATCHER_H
#define SERVER_WATCHER_H

#include "server/document.h"
#include "server/recorder.h"
#include "server/watch_request.h"

enum {
	WATCHER_SAVED = 512,          /* most rows at once */
	WATCHER_RESERVED = 64,        /* of these for what opens or closes */
	WATCHER_REPLAYED = 1024,      /* most rows of a replay */
	WATCHER_PATIENCE_US = 1000000, /* so long a flow is followed after its last segment */
	WATCHER_NUMBERS = 11,         /* in a sample */
	WATCHER_BATCH = WATCHER_SAVED * LADDER_LINE / 2, /* bytes: rows are half as long, mostly */
};

/* Of a flow, by its place in the table: what is not the ladder's. */
struct watched_flow {
	unsigned number;         /* the flow's; another one: it has given way */
	bool is_changed;         /* something has happened since the last sample */
	enum tcp_state closed;   /* how the connection ended, if the watcher was not told; else 0 */
	uint64_t closed_us;
	uint64_t sample[WATCHER_NUMBERS]; /* what was told last */
};

/* A connection that was asked for by its number. */
struct watched_name {
	uint64_t connection;
	bool is_known;           /* what follows */
	struct tcp_name name;
};

struct watcher {
	struct ip_addr client;      /* its own address */
	bool everybody;             /* it may see them all */
	struct watch_request request;
	struct watched_name names[WATCH_CONNECTIONS];
	uint64_t sample_at_us;
	bool is_replaying;
	bool has_closed;            /* a flow has, see watched_flow */
	uint32_t left;              /* rows that it may have now */
	uint64_t left_out;          /* rows that it was not told of yet */
	/* Takes a batch, a JSON array. False: it is lost. */
	bool (*send)(struct watcher *w, struct bytes batch);
	void *context;              /* of who sends */
	uint32_t rows;              /* in the batch */
	struct document batch;
	struct ladder_rows ladder;
	struct watched_flow flows[LADDER_FLOWS];
	char memory[WATCHER_BATCH];
};

/* client, everybody, send and its context are the caller's to set before. */
void watcher_init(struct watcher *w, const struct tcp *tcp, uint64_t wall_offset_us);

/* This is what it watches from now on, beginning with what the recorder has of it. */
void watcher_begin(struct watcher *w, const struct watch_request *request, struct recorder *recorder);

/* Something happens: a record is made; or an event of one of LADDER_STEP_KINDS but changes of state, which
 * come as records. */
void watcher_record(struct watcher *w, const struct recorded *record);
bool watcher_wants_events(const struct watcher *w);
void watcher_event(struct watcher *w, const struct trace_event *e, const struct tcp_name *name);

/* Sends what there is, and gives it more rows to have. */
void watcher_turn(struct watcher *w, uint64_t now_us, uint32_t more);

#endif
