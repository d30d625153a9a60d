/* A server retires: connections and counters go over to its successor. */
#include "http/http_retire.h"

#include <assert.h>

#include "http/http_admission.h"

/* False: the successor has no room for it, and it stays. */
static bool move(struct http_conn *c)
{
	struct http_server *from = c->server, *to = from->successor;
	struct http_conn *moved = http_admission_take(to, c->stream);

	if (moved == NULL)
		return false;
	assert(c->exchange == NULL && (c->flags & (HTTP_CONN_BUSY | HTTP_CONN_RESUMED)) == 0);
	http_admission_leave(from, c->stream);
	http_queue_leave(&from->queues[c->state], &c->node);
	*moved = *c;
	moved->server = to;
	moved->stream->user = moved;
	http_queue_enter(&to->queues[moved->state], &moved->node);
	pool_give(&from->conns, c);
	return true;
}

static void move_all(struct http_queue *q)
{
	struct http_queue_node *n;

	while ((n = http_queue_first(q)) != NULL && move(http_conn_of(n)))
		;
}

void http_retire_move(struct http_server *s)
{
	move_all(&s->queues[HTTP_CONN_FRESH]);
	move_all(&s->queues[HTTP_CONN_IDLE]);
}

/* So that what is counted for a port never goes back. */
static void hand_over_counters(struct http_server *from, struct http_server *to)
{
	struct http_usage own;
	const uint64_t *counter = (const uint64_t *)&own;
	uint64_t *sum = (uint64_t *)&to->usage;

	_Static_assert(sizeof own % sizeof *counter == 0, "all of it are numbers of this size");
	http_usage(from, &own);
	/* These tell what is now. */
	own.idle = own.busy = own.cache_entries = own.cache_bytes = own.cache_watches = 0;
	for (size_t i = 0; i < sizeof own / sizeof *counter; i++)
		sum[i] += counter[i];
	from->usage = (struct http_usage){ 0 };
	from->cache.hits = from->cache.misses = from->cache.negative_hits = 0;
	from->cache.watch.events = 0;
	from->cache.compressor.made = from->cache.compressor.saved = 0;
}

void http_retire(struct http_server *s, struct http_server *successor)
{
	s->successor = successor;
	s->draining = successor == NULL;
	http_cache_empty(&s->cache); /* what is being sent stays until it is sent */
	if (successor == NULL)
		return;
	hand_over_counters(s, successor);
	http_retire_move(s);
}
