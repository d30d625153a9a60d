/*
 * Who makes room: the connection that has been idle longest, whose client will open another without a word.
 * If none is idle, the oldest of those on which nothing ever came, unless it is younger than a slow round
 * trip: a flood of connections does not push out those that came a moment before it.
 */
#include "http/http_admission.h"

enum { FRESH_PATIENCE_US = 1000000 };

int http_admission_init(struct http_server *s)
{
	/* One more than there are connections: it is counted before another makes room. */
	uint64_t limit = s->config.max_connections + UINT64_C(1);

	return addr_counts_init(&s->clients, "http_client", limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX,
				&s->world->table_key);
}

void http_admission_fini(struct http_server *s)
{
	addr_counts_fini(&s->clients);
}

static struct http_queue_node *least_useful(const struct http_server *s)
{
	struct http_queue_node *n = http_queue_first(&s->queues[HTTP_CONN_IDLE]);

	if (n != NULL)
		return n;
	n = http_queue_first(&s->queues[HTTP_CONN_FRESH]);
	return n != NULL && s->world->now_us - n->since_us >= FRESH_PATIENCE_US ? n : NULL;
}

/* What the one that leaves was sent last still arrives. */
static bool make_room(struct http_server *s)
{
	struct http_queue_node *n = least_useful(s);

	if (n == NULL)
		return false;
	s->usage.made_room++;
	http_conn_close(http_conn_of(n));
	return true;
}

struct http_conn *http_admission_take(struct http_server *s, const struct stream *stream)
{
	struct stream_info info;
	struct http_conn *c;

	stream_info(stream, &info);
	if (!addr_counts_add(&s->clients, &info.remote, s->config.max_connections_per_address)) {
		s->usage.refused_by_address++;
		return NULL;
	}
	c = s->conns.in_use < s->conns.limit || make_room(s) ? pool_take(&s->conns) : NULL;
	if (c == NULL) {
		addr_counts_remove(&s->clients, &info.remote);
		s->usage.refused_connections++;
	}
	return c;
}

void http_admission_leave(struct http_server *s, const struct stream *stream)
{
	struct stream_info info;

	stream_info(stream, &info);
	addr_counts_remove(&s->clients, &info.remote);
}
