/* Events: noted while they happen, told when TCP has done its work. */
#include "server/events.h"

#include <stdlib.h>

#include "server/json.h"
#include "tcp/tcp.h"

enum { NOTE = 64, MESSAGE = 1024, MESSAGES = 64 << 10 };

/* Those of which many tell the same story. */
enum { SAMPLES = TRACE_TCP_RTT | TRACE_TCP_CWND | TRACE_TCP_WINDOW };

static const struct kind {
	enum trace_kind kind;
	const char *name;
} kinds[] = {
	{ TRACE_TCP_STATE, "state" },       { TRACE_TCP_RTT, "rtt" },
	{ TRACE_TCP_CWND, "cwnd" },         { TRACE_TCP_SSTHRESH, "ssthresh" },
	{ TRACE_TCP_RTO, "rto" },           { TRACE_TCP_WINDOW, "window" },
	{ TRACE_TCP_RECOVERY, "recovery" }, { TRACE_TCP_MTU, "mtu" },
	{ TRACE_TCP_URGENT, "urgent" },     { TRACE_TCP_SOFT_ERROR, "soft_error" },
};

struct event {
	const struct kind *kind;
	uint64_t connection; /* its number, as in the access log */
	uint64_t now_us, old_value, new_value;
	struct ip_addr remote;
	uint16_t remote_port, local_port;
	char note[NOTE]; /* "": none */
};

struct viewer {
	struct list node;
	struct events *events;
	struct ws_conn *conn;
	struct ip_addr client;
	uint16_t port;
	bool everybody;
	uint64_t left_out; /* events that it was not told of yet */
};

struct events {
	struct stack *stack;
	struct observer observer;
	struct timer timer; /* tells what is in the queue */
	struct list viewers;
	unsigned n_viewers;
	struct document_budget budget;
	struct event queue[EVENTS_QUEUE];
	unsigned n;
	uint64_t left_out; /* for want of room in the queue */
};

/* ---- noting ---- */

static bool sees(const struct viewer *v, const struct ip_addr *remote)
{
	return v->everybody || ip_addr_equal(&v->client, remote);
}

/* Somebody sees it, and it is no viewer's own. */
static bool is_watched(const struct events *e, const struct tcp_info *info)
{
	bool seen = false;

	LIST_FOR_EACH(n, &e->viewers) {
		const struct viewer *v = LIST_ENTRY(n, struct viewer, node);

		if (v->port == info->remote_port && ip_addr_equal(&v->client, &info->remote))
			return false;
		seen |= sees(v, &info->remote);
	}
	return seen;
}

static const struct kind *find_kind(enum trace_kind kind)
{
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

static void note(struct events *e, const struct trace_event *t, const struct tcp_info *info)
{
	struct event *event = &e->queue[e->n++];

	*event = (struct event){
		.kind = find_kind(t->kind),
		.connection = info->id,
		.now_us = t->now_us,
		.old_value = t->old_value,
		.new_value = t->new_value,
		.remote = info->remote,
		.remote_port = info->remote_port,
		.local_port = info->local_port,
	};
	for (size_t i = 0; t->note != NULL && t->note[i] != '\0' && i < NOTE - 1; i++)
		event->note[i] = t->note[i];
	if (!timer_is_set(&e->timer))
		timer_set(&e->stack->world.timers, &e->timer, e->stack->world.now_us + EVENTS_PERIOD_US);
}

static void on_event(void *context, const struct trace_event *t)
{
	struct events *e = context;
	unsigned room = (t->kind & SAMPLES) != 0 ? EVENTS_QUEUE / 2 : EVENTS_QUEUE;
	struct tcp_info info;

	if (t->conn == NULL)
		return;
	tcp_conn_info(t->conn, &info);
	if (!is_watched(e, &info))
		return;
	if (e->n < room)
		note(e, t, &info);
	else
		e->left_out++;
}

/* ---- telling ---- */

static void write_event(struct document *d, const struct event *event, uint64_t left_out)
{
	char remote[IP_ADDR_TEXT];

	json_open_object(d, NULL);
	json_number(d, "time_us", event->now_us);
	json_text(d, "event", event->kind->name);
	json_number(d, "connection", event->connection);
	json_text(d, "remote", ip_addr_format(&event->remote, remote));
	json_number(d, "remote_port", event->remote_port);
	json_number(d, "local_port", event->local_port);
	if (event->kind->kind != TRACE_TCP_STATE) { /* there the note says it all; the numbers are our own */
		json_number(d, "old", event->old_value);
		json_number(d, "new", event->new_value);
	}
	if (*event->note != '\0')
		json_text(d, "note", event->note);
	if (left_out > 0)
		json_number(d, "left_out", left_out);
	json_close_object(d);
}

static void tell(struct events *e, struct viewer *v, const struct event *event)
{
	struct document *d = document_new(&e->budget, MESSAGE);
	enum ws_sent sent = WS_SENT_DROPPED;

	if (d != NULL) {
		write_event(d, event, v->left_out);
		if (!d->failed)
			sent = ws_send(v->conn, WS_TEXT, bytes_of(d->text, d->len));
		span_owner_unref(&d->owner);
	}
	if (sent == WS_SENT)
		v->left_out = 0;
	else
		v->left_out++;
}

/* Sending makes events of its own, which is_watched() keeps out. */
static void tell_all(struct timer *t, uint64_t now_us)
{
	struct events *e = CONTAINER_OF(t, struct events, timer);
	unsigned n = e->n;

	(void)now_us;
	LIST_FOR_EACH(node, &e->viewers) {
		struct viewer *v = LIST_ENTRY(node, struct viewer, node);

		v->left_out += e->left_out;
		for (unsigned i = 0; i < n; i++)
			if (sees(v, &e->queue[i].remote))
				tell(e, v, &e->queue[i]);
	}
	e->n = 0;
	e->left_out = 0;
}

/* ---- viewers ---- */

struct events *events_new(struct stack *stack)
{
	struct events *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	e->stack = stack;
	e->budget.limit = MESSAGES;
	e->observer = (struct observer){ .on_event = on_event, .context = e };
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		e->observer.kinds |= kinds[i].kind;
	timer_init(&e->timer, tell_all);
	list_init(&e->viewers);
	return e;
}

void events_free(struct events *e)
{
	free(e);
}

bool events_watch(struct events *e, struct ws_conn *c, const struct http_call *call, bool everybody)
{
	struct viewer *v = e->n_viewers < EVENTS_VIEWERS ? malloc(sizeof *v) : NULL;

	if (v == NULL)
		return false;
	*v = (struct viewer){
		.events = e,
		.conn = c,
		.client = call->client,
		.port = call->client_port,
		.everybody = everybody,
	};
	list_append(&e->viewers, &v->node);
	if (e->n_viewers++ == 0)
		stack_observe(e->stack, &e->observer);
	ws_set_user(c, v);
	return true;
}

void events_leave(struct ws_conn *c)
{
	struct viewer *v = ws_user(c);
	struct events *e;

	if (v == NULL)
		return;
	e = v->events;
	list_remove(&v->node);
	free(v);
	ws_set_user(c, NULL);
	if (--e->n_viewers > 0)
		return;
	stack_unobserve(e->stack, &e->observer);
	timer_cancel(&e->stack->world.timers, &e->timer);
	e->n = 0;
	e->left_out = 0;
}
