/* A request under way and its response: borrowed while there is one, and what can be said of it by itself. */
#ifndef HTTP_HTTP_EXCHANGE_H
#define HTTP_HTTP_EXCHANGE_H

#include "http/http_body.h"
#include "http/http_call.h"
#include "http/http_head.h"
#include "http/http_server.h"

struct http_exchange {
	struct http_request *request;
	struct http_target target;
	struct http_call call;
	uint64_t started_us; /* world time of the request's first byte */
	unsigned status;     /* of the response; 0: none yet */
	bool head_checked;
	bool is_held_up;     /* by the guard, whose word is awaited */
	bool persistent;     /* the connection goes on after it */
	bool is_left_to_peer; /* if it does not, who closes first */
	uint64_t body_total; /* bytes of the response's body */
	struct http_body body;
};

/* One for a request that begins now; NULL: so many are under way. */
struct http_exchange *http_exchange_take(struct http_server *s);
void http_exchange_give(struct http_server *s, struct http_exchange *x);

/* What the head alone decides, of a request that came over this stream. 0, or the status that refuses it. */
unsigned http_exchange_check_head(struct http_exchange *x, const struct http_server *s,
				  const struct stream *stream);

/* The client waits for 100 before it sends the body (RFC 9110 section 10.1.1). */
bool http_exchange_expects_continue(const struct http_exchange *x);

/* After these the request was understood and read to its end. */
bool http_status_persists(unsigned status);

/* Decides whether the connection goes on after this answer, and how that is said. is_last: it does not in any
 * case. */
enum http_persistence http_exchange_persist(struct http_exchange *x, const struct http_answer *answer,
					    bool is_last);

#endif
