/*
 * What a request has to pass before anybody looks after its answer: its client is admitted, keeps the rate,
 * and is who it has to be. A policy without any of this costs a request one look at a flag.
 */
#ifndef HTTP_HTTP_GUARD_H
#define HTTP_HTTP_GUARD_H

#include <stdbool.h>

#include "base/failure.h"
#include "base/list.h"
#include "base/offload.h"
#include "base/stream.h"
#include "base/world.h"
#include "http/http_clients.h"
#include "http/http_users.h"

struct http_answer;
struct http_auth;
struct http_buffers;
struct http_policy;
struct http_rate;
struct http_request;
struct http_usage;

/* What the guards of a server share. */
struct http_guards {
	struct world *world;
	struct offload *offload; /* may be NULL */
	struct http_usage *usage;
};

struct http_guard {
	struct http_guards *shared;
	bool is_closed; /* it has something to ask */
	struct http_clients clients;
	struct http_rate *rate; /* NULL: as often as you like */
	struct http_auth *auth; /* NULL: whoever you are */
};

/* What became of one request: it is decided once, when its head is there, and holds for the rest of it. */
struct http_pass {
	bool is_decided;
	bool is_waiting;     /* for a password to be hashed */
	unsigned refusal;    /* status; 0: it has passed */
	uint32_t retry_s;    /* of a 429 */
	uint8_t user_len;    /* who it says that it is; 0: nobody */
	char user[HTTP_USER_MOST];
	struct list waiting; /* with others, for the same; linked if is_waiting */
};

/* A guard as the policy has it; one of a location shares with the site's, `above`, what is the same. 0, or
 * negative errno and *why, which begins with `whose`; then nothing is held. */
int http_guard_open(struct http_guard *g, struct http_guards *shared, const struct http_policy *policy,
		    const struct http_guard *above, const char *whose, struct failure *why);
void http_guard_close(struct http_guard *g);

/* 0, or the status that refuses the request of this stream, or HTTP_LATER: then http_call_retry() is called
 * for the pass's call, unless the pass is forgotten before. asks_who: for a name and password too, if the
 * policy does. For guards that are closed. */
unsigned http_guard_ask(const struct http_guard *g, const struct stream *stream, const struct http_request *r,
			bool asks_who, struct http_pass *pass);

/* What HTTP_LATER was about is known now. */
void http_pass_decide(struct http_pass *pass, unsigned refusal);
/* The request is over. */
void http_pass_forget(struct http_pass *pass);

/* The field lines that go with the refusal: Retry-After (RFC 6585 section 4), WWW-Authenticate (RFC 7617). */
void http_guard_explain(const struct http_guard *g, const struct http_pass *pass,
			struct http_buffers *buffers, struct http_answer *answer);

#endif
