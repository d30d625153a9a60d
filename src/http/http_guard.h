/*
 * What a request has to pass before anybody looks after its answer: its client is admitted, and keeps the rate.
 * A policy without any of this costs a request one look at a flag.
 */
#ifndef HTTP_HTTP_GUARD_H
#define HTTP_HTTP_GUARD_H

#include <stdbool.h>

#include "base/failure.h"
#include "base/stream.h"
#include "base/world.h"
#include "http/http_clients.h"

struct http_answer;
struct http_buffers;
struct http_policy;
struct http_rate;
struct http_usage;

/* What the guards of a server share. */
struct http_guards {
	struct world *world;
	struct http_usage *usage;
};

struct http_guard {
	struct http_guards *shared;
	bool is_closed; /* it has something to ask */
	struct http_clients clients;
	struct http_rate *rate; /* NULL: as often as you like */
};

/* What became of one request: it is decided once, when its head is there, and holds for the rest of it. */
struct http_pass {
	bool is_decided;
	unsigned refusal; /* status; 0: it has passed */
	uint32_t retry_s; /* of a 429 */
};

/* A guard as the policy has it; one of a location shares its rate with the site's, `above`, if it is the same. 0, or
 * negative errno and *why, which begins with `whose`; then nothing is held. */
int http_guard_open(struct http_guard *g, struct http_guards *shared, const struct http_policy *policy,
		    const struct http_guard *above, const char *whose, struct failure *why);
void http_guard_close(struct http_guard *g);

/* 0, or the status that refuses the request of this stream. To be called for guards that are closed. */
unsigned http_guard_ask(const struct http_guard *g, const struct stream *stream, struct http_pass *pass);

/* The field lines that go with the refusal: Retry-After (RFC 6585 section 4). */
void http_guard_explain(const struct http_pass *pass, struct http_buffers *buffers, struct http_answer *answer);

#endif
