/* The server instance: what connections share. For the files of this room. */
#ifndef HTTP_HTTP_SERVER_H
#define HTTP_HTTP_SERVER_H

#include "base/addr_counts.h"
#include "http/http.h"
#include "http/http_buffer.h"
#include "http/http_cache.h"
#include "http/http_clock.h"
#include "http/http_pages.h"
#include "http/http_parser.h"
#include "http/http_queue.h"
#include "http/http_route.h"
#include "http/http_site.h"

/* Where a connection stands. It is in the queue of its state, whose time limit is the state's. */
enum http_conn_state {
	HTTP_CONN_FRESH,   /* nothing has arrived yet */
	HTTP_CONN_IDLE,    /* between requests */
	HTTP_CONN_HEAD,    /* a request's head has begun to arrive */
	HTTP_CONN_BODY,    /* its body is arriving */
	HTTP_CONN_STALLED, /* its body waits for the handler that takes it */
	HTTP_CONN_AWAITING, /* an answer, or more of it, waits for the handler that gives it */
	HTTP_CONN_SENDING, /* a response, or the next request, waits for room in the stream */
	HTTP_CONN_STARVED, /* a response waits for a file buffer */
	HTTP_CONN_WAITING, /* a request waits for memory to be read into */
	HTTP_CONN_LINGER,  /* the last answer is given; what still arrives is read and dropped */
	HTTP_CONN_STATES
};

struct http_server {
	struct span_owner keeper; /* keeps this memory while streams point into it */
	struct http_config config;
	struct http_hooks hooks;
	struct world *world;
	struct http_guards guards;
	struct http_sites sites;
	struct http_clock clock;
	struct http_pages *pages;
	struct http_cache cache;
	struct http_buffers buffers;
	struct http_parser_pool parsers;
	struct pool exchanges, conns;
	struct addr_counts clients; /* connections of each */
	struct http_router router;
	struct http_queue queues[HTTP_CONN_STATES];
	struct http_server *successor; /* NULL: not retired, or nobody succeeds */
	struct timer wake; /* something that connections wait for has come back */
	bool draining;
	bool closed; /* http_server_free() was called: only memory is left */
	struct http_usage usage;
};

/* Something that connections may wait for has come back: they go on at the next turn of the timers, not from
 * within whatever gave it back. */
void http_server_wake(struct http_server *s);

#endif
