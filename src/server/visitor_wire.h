/*
 * The wire location: a wire of its own for whoever asks (link/visitors.h), of his address and of nobody
 * else's. GET says what it is like, POST changes it, DELETE does away with it; each answers with what holds
 * then. A wire forgets itself, and cannot be made so bad that it could not be made good again.
 */
#ifndef SERVER_VISITOR_WIRE_H
#define SERVER_VISITOR_WIRE_H

#include "http/http_call.h"
#include "link/visitors.h"
#include "server/document.h"
#include "server/pairs.h"

#define VISITOR_WIRE_LIFE_US (UINT64_C(600) * 1000000)

enum {
	VISITOR_WIRE_BODY = 1024, /* most bytes of a POST */
	VISITOR_WIRE_DOCUMENT = 2048,
	VISITOR_WIRE_SHARE_PPM = 300000, /* most that is lost, or otherwise treated, of a hundred frames */
	VISITOR_WIRE_DELAY_MS = 2000,
	VISITOR_WIRE_JITTER_MS = 1000,
	VISITOR_WIRE_RATE_KBIT = 64, /* least; */
	VISITOR_WIRE_RATE_MAX_KBIT = 10000000,
	VISITOR_WIRE_QUEUE = 10, /* least */
	VISITOR_WIRE_TOLD = 64, /* changes that are on their way to other workers */
	VISITOR_WIRE_DROP = 10, /* most frames that drop_next swallows */
};

/* The context is the worker. */
extern const struct http_handler visitor_wire_handler;

/* Changes in *wire what the pairs name. False: a name or a value is none, or there is no pair. */
bool visitor_wire_read(struct pairs *pairs, struct visitor_wire *wire);

void visitor_wire_write(struct document *d, const struct visitor_wire *wire, const struct visitor_counters *c,
			uint64_t expires_in_us);

#endif
