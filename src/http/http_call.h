/*
 * A call: a request on its way through the handler of a location. begin() when its head is there, take() for
 * each piece of its body, answer() when it is whole, give() for each piece of the answer's body if it was not
 * all there, end() when it is over, answered or not.
 *
 * A handler that does not know its answer yet says HTTP_LATER and completes the call in a later turn.
 * Meanwhile, and while it has nothing to give, the connection waits, for answer_timeout at most (504), and
 * what the client sends behind the request stays with the stream.
 *
 * A handler that has take_over() may answer 101 (RFC 9110 section 7.8): then the connection's stream becomes
 * its own, and HTTP has nothing more to do with it.
 */
#ifndef HTTP_HTTP_CALL_H
#define HTTP_HTTP_CALL_H

#include "http/http.h"
#include "http/http_guard.h"
#include "http/http_parser.h"
#include "http/http_target.h"

/* Sets of methods, a bit each. */
#define HTTP_METHOD_BIT(name) (1u << HTTP_METHOD_##name)

enum {
	HTTP_METHODS_READING = HTTP_METHOD_BIT(GET) | HTTP_METHOD_BIT(HEAD),
	/* CONNECT has no path, and so never comes to a location. */
	HTTP_METHODS_ALL = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST) | HTTP_METHOD_BIT(OPTIONS) |
			   HTTP_METHOD_BIT(PUT) | HTTP_METHOD_BIT(DELETE) | HTTP_METHOD_BIT(PATCH) |
			   HTTP_METHOD_BIT(TRACE),
};

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

enum { HTTP_LATER = 1 }; /* instead of a status */

struct http_conn;

struct http_call {
	const struct http_handler *handler; /* NULL: no handler has begun */
	void *context;                      /* the location's */
	const struct http_open_policy *policy; /* of the place that was asked for */
	void *state;                        /* the handler's own, NULL at the beginning */
	const struct http_request *request;
	const struct http_target *target;
	const char *path;                   /* the resolved rest behind the prefix; in
					     * begin() and answer() only */
	struct ip_addr client, server;      /* the addresses of the two ends */
	uint16_t client_port, server_port;
	bool is_encrypted;                  /* it came over TLS */
	uint64_t body_len;                  /* as announced; HTTP_LENGTH_UNKNOWN: chunked */
	struct http_pass pass;              /* what the policy's guard said */
	unsigned refusal;                   /* what begin() gave */
	bool answers_early;                 /* begin() may set it: answer() is asked before the body has
					     * come, which is dropped; the connection ends with it */
	struct http_conn *conn;
};

/* What give() has. */
enum http_give {
	HTTP_GIVE_PIECE,  /* *out, which is not empty; its reference goes to HTTP */
	HTTP_GIVE_LATER,  /* nothing now: http_call_resume() when there is */
	HTTP_GIVE_END,    /* that was all. Not asked for after as many bytes as were said to come */
	HTTP_GIVE_BROKEN, /* there should be more, and will not be: the connection is
			   * aborted, so that it is seen */
};

/*
 * Who answers for a location. The functions are called in the middle of a request, and must not touch the
 * server, its streams or the stack but to read. A status that they give is answered with its page; one of a
 * request that is not whole yet ends the connection, unless it is 403, 404 or 405.
 */
struct http_handler {
	unsigned methods; /* a HTTP_METHOD_BIT() each; others get 405. OPTIONS is
			   * answered for it unless given */
	/* Those of the part at this path, behind the prefix. NULL: all parts have the same. */
	unsigned (*methods_at)(const char *path);
	/* May be NULL. 0, or the status that refuses the request; then none of the others is called. It may
	 * put another handler in call->handler, whose functions are called from there on (but begin()). */
	unsigned (*begin)(struct http_call *call);
	/* Some of the body, all of which is taken; NULL: it is dropped. 0, or the
	 * status that refuses the request. */
	unsigned (*take)(struct http_call *call, struct bytes data);
	/* How many bytes take() takes now; NULL: any number. At 0 the rest stays with the stream, whose
	 * window closes, until http_call_resume(). */
	size_t (*room)(const struct http_call *call);
	/* The status, and *out if there is more to say than that: 200 needs a body. Or HTTP_LATER. */
	unsigned (*answer)(struct http_call *call, struct http_document *out);
	/* At most so many bytes more of a document's body that is_given; NULL: it never is. */
	enum http_give (*give)(struct http_call *call, size_t most, struct span *out);
	/* The answer 101 is on its way: sets the stream's handler and user, after which it may do with the
	 * stream what it likes. What came behind the request is in rest; ended: the peer's FIN has come too.
	 * Returns how much of the rest it took, as on_receive() does. NULL: it never answers 101. */
	size_t (*take_over)(struct http_call *call, struct stream *stream, struct bytes rest, bool ended);
	/* May be NULL. Frees the state. Called once for each begin() that gave 0. */
	void (*end)(struct http_call *call);
};

/* These two are not for within the handler's functions, and the call may be over afterwards. */

/* The handler takes again, or has more to give. */
void http_call_resume(struct http_call *call);
/* The answer that answer() said would come later: as it would have given them. document may be NULL. */
void http_call_complete(struct http_call *call, unsigned status, struct http_document *document);

/* The policy's guard knows now whether the request passes. */
void http_call_retry(struct http_call *call);

/* Begins; call holds what the handler is to know. 0, or the status that refuses it. */
unsigned http_call_begin(struct http_call *call, struct http_request *r, const struct http_handler *handler);
size_t http_call_room(const struct http_call *call);
/* Ends it, if it has begun. */
void http_call_end(struct http_call *call);

static inline struct bytes http_call_method(const struct http_call *call)
{
	return bytes_of(call->request->store, call->request->line.method_len);
}

/* Most bytes that the body can have, where it is asked for. */
static inline uint64_t http_call_max_body(const struct http_call *call)
{
	return call->request->max_body;
}

/* The i-th field, from 0; false: there are fewer. */
bool http_call_field(const struct http_call *call, uint32_t i, struct bytes *name, struct bytes *value);

/* The value of the first field of this name, in lower case; data NULL: there is none. */
static inline struct bytes http_call_value(const struct http_call *call, const char *name)
{
	return http_request_value_of(call->request, name);
}

#endif
