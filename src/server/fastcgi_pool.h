/*
 * The connections to one application: so many at once, and so many requests that wait for one of them. Who
 * wants one holds a ticket, and is told in a later turn.
 */
#ifndef SERVER_FASTCGI_POOL_H
#define SERVER_FASTCGI_POOL_H

#include "base/world.h"
#include "server/fastcgi_conn.h"

struct fastcgi_limits {
	uint32_t connections, waiting;
	uint64_t connect_timeout_us; /* from asking until there is a connection */
	uint64_t idle_timeout_us;    /* until an unused one is closed */
};

struct fastcgi_pool {
	const char *name; /* of the application, for messages */
	struct fastcgi_address address;
	struct fastcgi_limits limits;
	struct poller *poller;
	struct world *world;
	const struct log *log;
	struct list idle, busy; /* connections */
	struct list waiting;    /* tickets */
	uint32_t n_conns, n_idle, n_waiting;
	struct timer turn;      /* tickets have their turn */
	bool is_failing;        /* the last connection could not be opened; told once */
};

struct fastcgi_ticket {
	struct fastcgi_pool *pool;
	bool wants_fresh;          /* not a connection that was used before */
	/* One of them is called, once. */
	void (*on_granted)(struct fastcgi_ticket *t, struct fastcgi_conn *c);
	void (*on_refused)(struct fastcgi_ticket *t, unsigned status);
	/* The pool's. */
	struct list node;          /* among those that wait */
	struct fastcgi_conn *conn; /* that is being opened for it */
	struct timer timer;
	bool is_out;               /* neither was called yet */
};

/* name must outlive the pool, which must not move. */
void fastcgi_pool_init(struct fastcgi_pool *p, const char *name, const struct fastcgi_address *address,
		       const struct fastcgi_limits *limits, struct poller *poller, struct world *world,
		       const struct log *log);
/* All tickets and all connections in use must have been given back. */
void fastcgi_pool_fini(struct fastcgi_pool *p);

/* False: too many wait. t must not move until it is told, or given back. */
bool fastcgi_pool_ask(struct fastcgi_pool *p, struct fastcgi_ticket *t);
void fastcgi_ticket_give_back(struct fastcgi_ticket *t);

/* The request on it is over: it is kept if it is clean, or becomes so soon when
 * the rest of the answer is read. */
void fastcgi_pool_return(struct fastcgi_pool *p, struct fastcgi_conn *c);
/* It cannot be used any more. */
void fastcgi_pool_discard(struct fastcgi_pool *p, struct fastcgi_conn *c);

#endif
