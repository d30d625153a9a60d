/* What a client of events asks for: a JSON message, as docs/live.md has it. */
#ifndef SERVER_WATCH_REQUEST_H
#define SERVER_WATCH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	WATCH_MESSAGE = 1024,   /* most bytes of it */
	WATCH_CONNECTIONS = 32, /* most that are named */
	WATCH_SAMPLES_MIN_MS = 20,
	WATCH_SAMPLES_MAX_MS = 5000,
};

enum watch_what {
	WATCH_NOTHING,
	WATCH_MINE, /* all of the client's address */
	WATCH_NAMED,
	WATCH_ALL,
};

struct watch_request {
	enum watch_what what;
	unsigned n;
	uint64_t connections[WATCH_CONNECTIONS]; /* their numbers */
	bool segments;       /* rows of the ladder are wanted */
	uint64_t samples_us; /* how often numbers are; 0: never */
};

/* False: it is no such message. */
bool watch_request_parse(struct bytes text, struct watch_request *out);

#endif
