/*
 * A queue in which every member may stay equally long: a list in order of arrival and one timer for its head.
 * Entering and leaving are O(1) and do not touch the timer.
 */
#ifndef HTTP_HTTP_QUEUE_H
#define HTTP_HTTP_QUEUE_H

#include "base/list.h"
#include "base/world.h"

struct http_queue_node {
	struct list list;
	uint64_t since_us; /* world time of entering */
};

struct http_queue {
	struct list members; /* oldest first */
	uint32_t count;
	uint64_t timeout_us;
	struct world *world;
	struct timer timer; /* set at or before the time when the head has stayed too long */
	/* A member has stayed too long: it must leave, or enter again. */
	void (*on_expire)(struct http_queue_node *n);
};

/* timeout_us: at most 2^62. */
void http_queue_init(struct http_queue *q, struct world *w, uint64_t timeout_us,
		     void (*on_expire)(struct http_queue_node *));
/* The queue must be empty. */
void http_queue_fini(struct http_queue *q);

/* At the end, with its time beginning now. */
void http_queue_enter(struct http_queue *q, struct http_queue_node *n);
void http_queue_leave(struct http_queue *q, struct http_queue_node *n);

/* The member that has stayed longest, or NULL. */
struct http_queue_node *http_queue_first(const struct http_queue *q);

#endif
