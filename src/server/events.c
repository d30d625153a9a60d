/* Events: noted while they happen, told when TCP has done its work. */
#include "server/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/minmax.h"
#include "server/json.h"
#include "server/watcher.h"
#include "tcp/tcp.h"

enum { NOTE = 64, MESSAGE = 1024, MESSAGES = 64 << 10 };

/* Those of which many tell the same story. */
enum { SAMPLES = TRACE_TCP_RTT | TRACE_TCP_CWND | TRACE_TCP_WINDOW };

/* Those that watchers want beside what is recorded. */
enum { STEPS = LADDER_STEP_KINDS & ~TRACE_TCP_STATE };

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
	bool has_asked;    /* for connections, and has not got them yet */
	uint64_t next_us;  /* not before that is it replayed anything again */
	struct watch_request request;
	struct watcher *watcher; /* NULL: it has not asked; it is told events */
};

struct events {
	struct stack *stack;
	struct observer observer;
	struct recorder *recorder;
	bool records;       /* while nobody watches */
	struct timer timer; /* tells what is in the queue, and what watchers get */
	uint64_t wall_offset_us;
	struct list viewers;
	unsigned n_viewers, n_watchers; /* watchers are viewers too */
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

static bool is_viewers_own(const struct events *e, const struct tcp_name *name)
{
	LIST_FOR_EACH(n, &e->viewers) {
		const struct viewer *v = LIST_ENTRY(n, struct viewer, node);

		if (v->port == name->remote_port && ip_addr_equal(&v->client, &name->remote))
			return true;
	}
	return false;
}

/* Somebody who has not asked for connections sees it. */
static bool is_watched(const struct events *e, const struct tcp_name *name)
{
	LIST_FOR_EACH(n, &e->viewers) {
		const struct viewer *v = LIST_ENTRY(n, struct viewer, node);

		if (v->watcher == NULL && sees(v, &name->remote))
			return true;
	}
	return false;
}

static const struct kind *find_kind(enum trace_kind kind)
{
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

static void set_timer(struct events *e)
{
	if (!timer_is_set(&e->timer))
		timer_set(&e->stack->world.timers, &e->timer, e->stack->world.now_us + EVENTS_PERIOD_US);
}

static void note(struct events *e, const struct trace_event *t, const struct tcp_name *name)
{
	struct event *event = &e->queue[e->n++];

	*event = (struct event){
		.kind = find_kind(t->kind),
		.connection = name->id,
		.now_us = t->now_us,
		.old_value = t->old_value,
		.new_value = t->new_value,
		.remote = name->remote,
		.remote_port = name->remote_port,
		.local_port = name->local_port,
	};
	for (size_t i = 0; t->note != NULL && t->note[i] != '\0' && i < NOTE - 1; i++)
		event->note[i] = t->note[i];
	set_timer(e);
}

static void note_if_watched(struct events *e, const struct trace_event *t, const struct tcp_name *name)
{
	unsigned room = (t->kind & SAMPLES) != 0 ? EVENTS_QUEUE / 2 : EVENTS_QUEUE;

	if (!is_watched(e, name))
		return;
	if (e->n < room)
		note(e, t, name);
	else
		e->left_out++;
}

/* False: none wants to know more in this period. */
static bool tell_watchers(struct events *e, const struct trace_event *t, const struct tcp_name *name)
{
	bool is_wanted = false;

	LIST_FOR_EACH(n, &e->viewers) {
		struct viewer *v = LIST_ENTRY(n, struct viewer, node);

		if (v->watcher == NULL || !watcher_wants_events(v->watcher))
			continue;
		is_wanted = true;
		watcher_event(v->watcher, t, name);
	}
	return is_wanted;
}

static void on_event(void *context, const struct trace_event *t)
{
	struct events *e = context;
	struct tcp_name name;

	if (t->conn == NULL)
		return;
	tcp_conn_name(t->conn, &name);
	if (is_viewers_own(e, &name))
		return;
	if (find_kind(t->kind) != NULL && e->n_watchers < e->n_viewers)
		note_if_watched(e, t, &name);
	if ((t->kind & STEPS) != 0 && !tell_watchers(e, t, &name))
		world_observe_kinds(&e->stack->world, &e->observer, e->observer.kinds & ~(unsigned)STEPS);
}

static void on_record(void *context, const struct recorded *record)
{
	struct events *e = context;

	LIST_FOR_EACH(n, &e->viewers) {
		struct viewer *v = LIST_ENTRY(n, struct viewer, node);

		if (v->watcher != NULL)
			watcher_record(v->watcher, record);
	}
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

/* Sending makes events of its own, which is_viewers_own() keeps out. */
static void tell_events(struct events *e)
{
	unsigned n = e->n;

	LIST_FOR_EACH(node, &e->viewers) {
		struct viewer *v = LIST_ENTRY(node, struct viewer, node);

		if (v->watcher != NULL)
			continue;
		v->left_out += e->left_out;
		for (unsigned i = 0; i < n; i++)
			if (sees(v, &e->queue[i].remote))
				tell(e, v, &e->queue[i]);
	}
	e->n = 0;
	e->left_out = 0;
}

/* ---- viewers ---- */

/* What is wanted of the stack now. */
static void choose_kinds(struct events *e)
{
	unsigned wanted = e->n_watchers > 0 ? STEPS : 0;

	for (size_t i = 0; e->n_watchers < e->n_viewers && i < ARRAY_LENGTH(kinds); i++)
		wanted |= kinds[i].kind;
	world_observe_kinds(&e->stack->world, &e->observer, wanted);
	recorder_tell(e->recorder, e->n_watchers > 0 ? on_record : NULL, e);
	recorder_set(e->recorder, e->records || e->n_viewers > 0);
}

static bool send_batch(struct watcher *w, struct bytes batch)
{
	return ws_send(w->context, WS_TEXT, batch) == WS_SENT;
}

static bool become_watcher(struct events *e, struct viewer *v)
{
	v->watcher = calloc(1, sizeof *v->watcher);
	if (v->watcher == NULL)
		return false;
	v->watcher->client = v->client;
	v->watcher->everybody = v->everybody;
	v->watcher->send = send_batch;
	v->watcher->context = v->conn;
	watcher_init(v->watcher, e->stack->tcp, e->wall_offset_us);
	e->n_watchers++;
	choose_kinds(e);
	return true;
}

/* A replay takes time: one has its own in a period, and is then the last in the line. */
static void begin_one(struct events *e, uint64_t now_us)
{
	LIST_FOR_EACH(node, &e->viewers) {
		struct viewer *v = LIST_ENTRY(node, struct viewer, node);

		if (!v->has_asked || now_us < v->next_us)
			continue;
		v->has_asked = false;
		v->next_us = now_us + EVENTS_REPLAY_US;
		watcher_begin(v->watcher, &v->request, e->recorder);
		list_remove(&v->node);
		list_append(&e->viewers, &v->node);
		return;
	}
}

static void turn_watchers(struct events *e, uint64_t now_us)
{
	uint32_t share = max_u32(min_u32(EVENTS_ROWS / e->n_watchers, EVENTS_SHARE), 1);

	begin_one(e, now_us);
	LIST_FOR_EACH(node, &e->viewers) {
		struct viewer *v = LIST_ENTRY(node, struct viewer, node);

		if (v->watcher != NULL)
			watcher_turn(v->watcher, now_us, share);
	}
	choose_kinds(e);
	set_timer(e);
}

static void on_turn(struct timer *t, uint64_t now_us)
{
	struct events *e = CONTAINER_OF(t, struct events, timer);

	tell_events(e);
	if (e->n_watchers > 0)
		turn_watchers(e, now_us);
}

struct events *events_new(struct stack *stack)
{
	struct events *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	e->recorder = recorder_new(stack);
	if (e->recorder == NULL) {
		free(e);
		return NULL;
	}
	e->stack = stack;
	e->budget.limit = MESSAGES;
	e->wall_offset_us = clock_wall_us() - clock_now_us();
	e->observer = (struct observer){ .on_event = on_event, .context = e };
	stack_observe(stack, &e->observer);
	timer_init(&e->timer, on_turn);
	list_init(&e->viewers);
	return e;
}

void events_free(struct events *e)
{
	if (e == NULL)
		return;
	stack_unobserve(e->stack, &e->observer);
	recorder_free(e->recorder);
	free(e);
}

void events_record(struct events *e, bool on)
{
	e->records = on;
	choose_kinds(e);
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
	e->n_viewers++;
	choose_kinds(e);
	recorder_hide(e->recorder, &v->client, v->port);
	ws_set_user(c, v);
	return true;
}

bool events_request(struct ws_conn *c, struct bytes text)
{
	struct viewer *v = ws_user(c);
	struct watch_request request;

	if (v == NULL)
		return true; /* it was one too many, and is being closed */
	if (!watch_request_parse(text, &request) || (request.what == WATCH_ALL && !v->everybody) ||
	    (v->watcher == NULL && !become_watcher(v->events, v)))
		return false;
	v->request = request;
	v->has_asked = true;
	set_timer(v->events);
	return true;
}

void events_leave(struct ws_conn *c)
{
	struct viewer *v = ws_user(c);
	struct events *e;

	if (v == NULL)
		return;
	e = v->events;
	recorder_unhide(e->recorder, &v->client, v->port);
	list_remove(&v->node);
	e->n_viewers--;
	e->n_watchers -= v->watcher != NULL;
	free(v->watcher);
	free(v);
	ws_set_user(c, NULL);
	choose_kinds(e);
	if (e->n_viewers > 0)
		return;
	timer_cancel(&e->stack->world.timers, &e->timer);
	e->n = 0;
	e->left_out = 0;
}
