/* Server and endpoints: made, counted, drained, freed. */
#include "websocket/ws_server.h"

#include <errno.h>
#include <stdlib.h>

#include "websocket/ws_conn.h"

#define SECONDS(n) ((n)*UINT64_C(1000000))
#define NEVER_US (UINT64_C(1) << 62)

void ws_config_default(struct ws_config *c)
{
	*c = (struct ws_config){
		.compression = WS_COMPRESSION_TAKEOVER,
		.slow_reader = WS_SLOW_DROP,
		.window_bits = 12,
		.max_message = 1 << 20,
		.message_timeout_us = SECONDS(60),
		.ping_interval_us = SECONDS(30),
		.ping_timeout_us = SECONDS(20),
		.close_timeout_us = SECONDS(5),
	};
}

/* The last buffer that was on its way is gone. */
static void free_memory(struct span_owner *keeper)
{
	free(CONTAINER_OF(keeper, struct ws_server, keeper));
}

static void reap(struct timer *t, uint64_t now_us)
{
	struct ws_server *s = CONTAINER_OF(t, struct ws_server, reap);

	(void)now_us;
	ws_conn_reap(s);
}

int ws_server_new(const struct ws_limits *limits, struct world *w, struct ws_server **out)
{
	struct ws_server *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	if (addr_counts_init(&s->clients, "ws_client", limits->max_connections, &w->table_key) < 0) {
		free(s);
		return -ENOMEM;
	}
	span_owner_init(&s->keeper, free_memory);
	s->limits = *limits;
	s->world = w;
	s->budget = (struct ws_budget){ .limit = limits->memory, .keeper = &s->keeper };
	s->codecs = ws_codecs_new();
	pool_init(&s->conns, "ws_connection", sizeof(struct ws_conn), limits->max_connections);
	for (size_t i = 0; i < WS_TOPIC_HEADS; i++)
		list_init(&s->topics[i]);
	list_init(&s->endpoints);
	list_init(&s->ended);
	timer_init(&s->reap, reap);
	turns_init(&s->turns, w, WS_TURN_BYTES, ws_conn_on_turn);
	*out = s;
	return 0;
}

static void each_conn(struct ws_server *s, void (*visit)(struct ws_conn *c, unsigned code), unsigned code)
{
	LIST_FOR_EACH(n, &s->endpoints) {
		struct ws_endpoint *e = LIST_ENTRY(n, struct ws_endpoint, node);

		for (int i = 0; i < WS_STATES; i++)
			LIST_FOR_EACH_SAFE(m, &e->queues[i].members)
				visit(ws_conn_of(LIST_ENTRY(m, struct http_queue_node, list)), code);
	}
}

void ws_server_free(struct ws_server *s)
{
	if (s == NULL)
		return;
	each_conn(s, ws_conn_abort, WS_CLOSE_ABNORMAL);
	ws_conn_reap(s);
	timer_cancel(&s->world->timers, &s->reap);
	turns_fini(&s->turns);
	pool_fini(&s->conns);
	addr_counts_fini(&s->clients);
	ws_codecs_free(s->codecs);
	span_owner_unref(&s->keeper);
}

static void close_for_drain(struct ws_conn *c, unsigned code)
{
	ws_close(c, code, "");
}

void ws_server_drain(struct ws_server *s, unsigned code)
{
	s->draining = true;
	each_conn(s, close_for_drain, code);
}

const struct ws_usage *ws_server_usage(struct ws_server *s)
{
	s->usage.connections = s->conns.in_use;
	s->usage.memory = s->budget.in_use;
	return &s->usage;
}

void ws_server_each_pool(const struct ws_server *s, pool_visit_fn *visit, void *context)
{
	visit(context, &s->conns);
	visit(context, &s->clients.pool);
}

/* ---- endpoints ---- */

static void init_queues(struct ws_endpoint *e)
{
	const struct ws_config *c = &e->config;
	const uint64_t timeouts[WS_STATES] = {
		[WS_OPEN] = c->ping_interval_us > 0 ? c->ping_interval_us : NEVER_US,
		[WS_PINGED] = c->ping_timeout_us,
		[WS_CLOSING] = c->close_timeout_us,
		[WS_LINGER] = c->close_timeout_us,
	};

	for (int i = 0; i < WS_STATES; i++)
		http_queue_init(&e->queues[i], e->server->world, timeouts[i], ws_conn_expire);
}

struct ws_endpoint *ws_endpoint_new(struct ws_server *s, const struct ws_config *config,
				    const struct ws_handler *handler, void *context)
{
	struct ws_endpoint *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	e->server = s;
	e->config = *config;
	e->handler = handler;
	e->context = context;
	e->references = 1;
	list_append(&s->endpoints, &e->node);
	init_queues(e);
	return e;
}

void ws_endpoint_unref(struct ws_endpoint *e)
{
	if (--e->references > 0)
		return;
	for (int i = 0; i < WS_STATES; i++)
		http_queue_fini(&e->queues[i]);
	list_remove(&e->node);
	free(e);
}

void ws_endpoint_close(struct ws_endpoint *e)
{
	if (e == NULL)
		return;
	e->closed = true;
	ws_endpoint_unref(e);
}

void *ws_endpoint_context(const struct ws_endpoint *e)
{
	return e->context;
}
