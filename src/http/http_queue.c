/* Queues with a time limit. A timer left behind by a member that has gone fires, and is set for the next. */
#include "http/http_queue.h"

#include <assert.h>

struct http_queue_node *http_queue_first(const struct http_queue *q)
{
	struct list *first = list_first(&q->members);

	return first != NULL ? LIST_ENTRY(first, struct http_queue_node, list) : NULL;
}

static void fire(struct timer *t, uint64_t now_us)
{
	struct http_queue *q = CONTAINER_OF(t, struct http_queue, timer);
	struct http_queue_node *n;

	while ((n = http_queue_first(q)) != NULL && n->since_us + q->timeout_us <= now_us)
		q->on_expire(n);
	if (n != NULL)
		timer_set(&q->world->timers, &q->timer, n->since_us + q->timeout_us);
}

void http_queue_init(struct http_queue *q, struct world *w, uint64_t timeout_us,
		     void (*on_expire)(struct http_queue_node *))
{
	*q = (struct http_queue){ .timeout_us = timeout_us, .world = w, .on_expire = on_expire };
	if (timeout_us == 0)
		q->timeout_us = 1; /* who enters again on expiry must not expire in the same turn */
	list_init(&q->members);
	timer_init(&q->timer, fire);
}

void http_queue_fini(struct http_queue *q)
{
	assert(q->count == 0);
	timer_cancel(&q->world->timers, &q->timer);
}

void http_queue_enter(struct http_queue *q, struct http_queue_node *n)
{
	n->since_us = q->world->now_us;
	list_append(&q->members, &n->list);
	q->count++;
	if (!timer_is_set(&q->timer))
		timer_set(&q->world->timers, &q->timer, n->since_us + q->timeout_us);
}

void http_queue_leave(struct http_queue *q, struct http_queue_node *n)
{
	list_remove(&n->list);
	q->count--;
}
