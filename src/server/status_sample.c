/* Samples: taken and added up. System calls: clock_gettime. */
#include "server/status_sample.h"

#include <string.h>
#include <time.h>

#include "link/neighbour.h"
#include "server/status.h"

/* ---- taking ---- */

static size_t take_group(struct status_sample *s, size_t n, const struct status_group *g, const void *base)
{
	assert(n + g->n <= STATUS_COUNTERS);
	for (size_t i = 0; i < g->n; i++)
		s->counters[n + i] = status_value(&g->counters[i], base);
	return n + g->n;
}

static void take_counters(struct status_sample *s, const struct worker *w)
{
	size_t n = 0;

	for (size_t g = 0; g < status_groups_count; g++)
		n = take_group(s, n, &status_groups[g], status_groups[g].base(w));
}

/* A walk through pools. */
struct pool_walk {
	struct status_sample *to;
	uint64_t port;
};

static void take_pool(void *context, const struct pool *p)
{
	const struct pool_walk *walk = context;
	struct status_sample *to = walk->to;

	if (to->n_pools == STATUS_POOLS)
		return;
	to->pools[to->n_pools++] = (struct status_pool){
		.name = p->name,
		.port = walk->port,
		.object_size = p->object_size,
		.in_use = p->in_use,
		.peak = p->peak,
		.limit = p->limit,
		.refused = p->refused,
	};
}

static void take_pools(struct status_sample *s, const struct worker *w)
{
	struct pool_walk walk = { .to = s };

	stack_each_pool(w->host.stack, take_pool, &walk);
	ws_server_each_pool(w->websockets, take_pool, &walk);
	tls_each_pool(w->secure.tls, take_pool, &walk);
	for (unsigned i = 0; i < w->current->n_ports; i++) {
		walk.port = w->current->ports[i].number;
		http_each_pool(w->current->ports[i].server, take_pool, &walk);
	}
}

static void take_ports(struct status_sample *s, const struct worker *w)
{
	s->n_ports = w->current->n_ports;
	for (unsigned i = 0; i < s->n_ports; i++) {
		s->ports[i].number = w->current->ports[i].number;
		http_usage(w->current->ports[i].server, &s->ports[i].usage);
	}
}

static uint64_t core_time_us(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0
		       ? 0
		       : (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void take_row(struct status_sample *s, const struct worker *w)
{
	const struct ports *ports = w->place.ports;

	s->row = (struct status_row){ .connections = s->tcp.connections, .core_us = core_time_us() };
	for (unsigned i = 0; i < s->n_ports; i++)
		s->row.requests += s->ports[i].usage.requests;
	if (ports != NULL && ports->group != NULL)
		steer_stats(ports->group, w->place.number, &s->row.steering);
}

void status_take(struct status_sample *s, const struct worker *w)
{
	const struct stack *stack = w->host.stack;

	s->n_pools = 0;
	take_counters(s, w);
	memcpy(s->drops, stack->world.drops, sizeof s->drops);
	s->neighbours = stack->link.neighbours->n_entries;
	s->neighbours_incomplete = stack->link.neighbours->n_incomplete;
	tcp_usage(stack->tcp, &s->tcp);
	s->tcp_times = *tcp_times(stack->tcp);
	tls_usage(w->secure.tls, &s->tls);
	take_ports(s, w);
	take_pools(s, w);
	take_row(s, w);
}

/* ---- adding ---- */

/* Of structures that have nothing but numbers of 64 bits. */
static void add_numbers(void *to, const void *from, size_t size)
{
	uint64_t *sum = to;
	const uint64_t *more = from;

	for (size_t i = 0; i < size / sizeof *sum; i++)
		sum[i] += more[i];
}

static void add_usage(struct tcp_usage *to, const struct tcp_usage *from)
{
	to->connections += from->connections;
	to->half_open += from->half_open;
	to->accept_queued += from->accept_queued;
	to->orphans += from->orphans;
	to->time_wait += from->time_wait;
}

static void add_port(struct status_sample *to, const struct status_port *port)
{
	for (unsigned i = 0; i < to->n_ports; i++)
		if (to->ports[i].number == port->number)
			add_numbers(&to->ports[i].usage, &port->usage, sizeof port->usage);
}

static void add_pool(struct status_sample *to, const struct status_pool *pool)
{
	for (unsigned i = 0; i < to->n_pools; i++) {
		struct status_pool *sum = &to->pools[i];

		if (sum->port != pool->port || strcmp(sum->name, pool->name) != 0)
			continue;
		add_numbers(&sum->in_use, &pool->in_use, sizeof *pool - offsetof(struct status_pool, in_use));
		return;
	}
}

void status_add(struct status_sample *to, const struct status_sample *from)
{
	add_numbers(to->counters, from->counters, sizeof to->counters);
	add_numbers(to->drops, from->drops, sizeof to->drops);
	to->neighbours += from->neighbours;
	to->neighbours_incomplete += from->neighbours_incomplete;
	add_usage(&to->tcp, &from->tcp);
	add_numbers(&to->tcp_times, &from->tcp_times, sizeof to->tcp_times);
	add_numbers(&to->tls, &from->tls, sizeof to->tls);
	for (unsigned i = 0; i < from->n_ports; i++)
		add_port(to, &from->ports[i]);
	for (unsigned i = 0; i < from->n_pools; i++)
		add_pool(to, &from->pools[i]);
}
