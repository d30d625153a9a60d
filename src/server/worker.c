/* A worker: one generation after the other, a drain at the end. */
#include "server/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "server/affinity.h"
#include "server/demo_pattern.h"
#include "server/share.h"
#include "server/status.h"

static void on_request_done(void *context, const struct http_log_record *record)
{
	access_log_add(context, record);
}

static void on_accepted(void *context, struct stream *s)
{
	struct worker *w = context;

	generation_serve(w->current, s);
}

static void set_look(struct worker *w)
{
	uint64_t period_us = w->config->tls.reload_us;

	timer_cancel(&w->host.stack->world.timers, &w->look);
	if (period_us > 0)
		timer_set(&w->host.stack->world.timers, &w->look, w->host.stack->world.now_us + period_us);
}

static void on_look(struct timer *t, uint64_t now_us)
{
	struct worker *w = CONTAINER_OF(t, struct worker, look);

	(void)now_us;
	generation_look_at_certificates(w->current);
	secure_look_at_tickets(&w->secure, w->config);
	set_look(w);
}

static void on_idle(void *context)
{
	struct worker *w = context;

	access_log_flush(&w->access);
	host_flush(&w->host);
}

static int open_host(struct worker *w, struct failure *why)
{
	struct tcp_config tcp = share_tcp(&w->config->tcp, worker_count(w));
	int r;

	if (w->place.ports == NULL)
		r = host_open(&w->host, &w->config->device, &tcp, w->log, why);
	else
		r = host_open_queue(&w->host, ports_take(w->place.ports, w->place.number), &w->config->device,
				    &tcp, w->log, why);
	if (r < 0)
		return r;
	tcp_number_from(w->host.stack->tcp, w->place.number, worker_count(w));
	if (w->place.fast_open != NULL)
		tcp_share_fast_open(w->host.stack->tcp, w->place.fast_open);
	return 0;
}

/* What all else stands on. */
static int open_ground(struct worker *w, struct failure *why)
{
	int r = poller_open(&w->poller, why);

	if (r < 0)
		return r;
	r = helper_open(&w->helper, &w->poller, why);
	if (r < 0)
		goto close_poller;
	r = errands_open(&w->errands, &w->poller, w, why);
	if (r < 0)
		goto close_helper;
	r = open_host(w, why);
	if (r == 0)
		return 0;
	errands_close(&w->errands);
close_helper:
	helper_close(&w->helper);
close_poller:
	poller_close(&w->poller);
	return r;
}

static int open_rest(struct worker *w, struct config *config, struct failure *why)
{
	int r = websockets_open_server(w, config, why);

	if (r == 0)
		r = access_log_open(&w->access, config->log.access, config->log.format, w->log, why);
	if (r == 0)
		r = secure_open(&w->secure, config, &w->host.stack->world, &w->host, w->place.secure, w->log,
				why);
	if (r < 0)
		return r;
	access_log_take_turns(&w->access, w->place.turn);
	set_look(w);
	return generation_new(w, config, NULL, &w->current, why);
}

int worker_open(struct worker *w, struct config *config, const struct worker_place *place,
		struct failure *why)
{
	static const struct signals none = { .fd = -1 };
	const struct signals *signals = place->signals != NULL ? place->signals : &none;
	int r;

	*w = (struct worker){
		.place = *place,
		.config = config,
		.log = place->log,
		.hooks = {
			.on_request_done = on_request_done,
			.context = &w->access,
			.offload = &w->helper.offload,
		},
		.documents = { .limit = STATUS_DOCUMENTS },
		.bodies = { .limit = WORKER_BODIES },
		.drain_until_us = TIMER_NEVER,
		.acceptor = { .on_accepted = on_accepted, .context = w },
		.secure.key_log = -1,
	};
	list_init(&w->retired);
	timer_init(&w->look, on_look);
	r = open_ground(w, why);
	if (r < 0)
		return r;
	w->started_us = w->host.stack->world.now_us;
	frames_init(&w->frames, w->host.stack);
	w->opened_us = clock_wall_us();
	loop_init(&w->loop, &w->host, signals, &w->poller, on_idle, w);
	r = open_rest(w, config, why);
	if (r < 0)
		worker_close(w);
	return r;
}

static struct generation *oldest_retired(const struct worker *w)
{
	struct list *first = list_first(&w->retired);

	return first != NULL ? LIST_ENTRY(first, struct generation, node) : NULL;
}

void worker_close(struct worker *w)
{
	struct generation *retired;

	worker_discard(w);
	if (w->current != NULL)
		generation_stop_listening(w->current);
	helper_close(&w->helper); /* who waits for it is answered, and what is over is freed */
	while ((retired = oldest_retired(w)) != NULL)
		generation_free(retired);
	if (w->current != NULL)
		generation_free(w->current);
	if (w->pattern != NULL)
		span_owner_unref(&w->pattern->owner);
	websockets_close_server(w);
	frames_fini(&w->frames);
	timer_cancel(&w->host.stack->world.timers, &w->look);
	demo_flood_close(&w->flood, &w->host.stack->world.timers);
	secure_close(&w->secure);
	host_turn(&w->host, clock_now_us()); /* the RST segments of those cut off */
	access_log_close(&w->access);
	host_close(&w->host);
	errands_close(&w->errands);
	poller_close(&w->poller);
}

/* ---- reading the configuration again ---- */

/* The oldest waits for a client that takes its time; memory is not to grow with each such client. */
static void bound_retired(struct worker *w)
{
	struct generation *oldest = NULL;
	unsigned kept = 0;
	uint64_t cut_off;

	LIST_FOR_EACH(node, &w->retired) {
		struct generation *g = LIST_ENTRY(node, struct generation, node);

		if (generation_is_deserted(g))
			continue;
		oldest = oldest != NULL ? oldest : g;
		kept++;
	}
	if (kept <= WORKER_RETIRED)
		return;
	cut_off = generation_cut_off(oldest);
	w->reloads.cut_off += cut_off;
	log_line(w->log, LOG_WARNING, "server",
		 "more than %d old configurations are in use: connections cut off "
		 "that the oldest had: %" PRIu64,
		 WORKER_RETIRED, cut_off);
}

static void put_in_use(struct worker *w, struct generation *next)
{
	struct generation *before = w->current;

	generation_succeed(next, before);
	w->current = next;
	w->config = next->config;
	events_record(w->events, websockets_tell_events(w->config));
	LIST_FOR_EACH(node, &w->retired)
		generation_follow(LIST_ENTRY(node, struct generation, node), next);
	list_append(&w->retired, &before->node);
	bound_retired(w);
}

/* What can fail comes first; then nothing does. TLS has its files at once: nothing else of it can fail. */
int worker_prepare(struct worker *w, struct config *config, struct failure *why)
{
	struct generation *next;
	int r = generation_new(w, config, w->current, &next, why);

	if (r < 0)
		return r;
	r = access_log_prepare(&w->access, config->log.access, config->log.format, &w->next_access, why);
	if (r < 0)
		goto free_generation;
	r = secure_change(&w->secure, config, why);
	if (r < 0)
		goto discard_log;
	w->next = next;
	return 0;
discard_log:
	access_log_discard(&w->access, &w->next_access);
free_generation:
	generation_free(next);
	return r;
}

void worker_use(struct worker *w)
{
	access_log_succeed(&w->access, &w->next_access);
	put_in_use(w, w->next);
	w->next = NULL;
	set_look(w);
}

void worker_discard(struct worker *w)
{
	struct failure why;

	if (w->next == NULL)
		return;
	access_log_discard(&w->access, &w->next_access);
	generation_free(w->next);
	w->next = NULL;
	if (secure_change(&w->secure, w->config, &why) < 0)
		log_line(w->log, LOG_ERROR, "tls", "the ticket keys that were to be used stay: %s", why.text);
}

static void bury_retired(struct worker *w)
{
	LIST_FOR_EACH_SAFE(node, &w->retired)
		generation_bury(LIST_ENTRY(node, struct generation, node), w->current);
}

/* ---- stopping ---- */

void worker_drain(struct worker *w)
{
	generation_stop_listening(w->current);
	ws_server_drain(w->websockets, WS_CLOSE_GOING_AWAY);
	w->drain_until_us = w->loop.now_us + w->config->drain_timeout_us;
}

void worker_stop(struct worker *w)
{
	w->stopped = true;
}

static bool is_drained(const struct worker *w)
{
	struct tcp_usage usage;
	bool all = generation_drain(w->current);

	LIST_FOR_EACH(node, &w->retired)
		all &= generation_drain(LIST_ENTRY(node, struct generation, node));
	tcp_usage(w->host.stack->tcp, &usage); /* data and FIN may still be on their way to the peer */
	return all && usage.connections == 0;
}

static void tell_cut_off(const struct worker *w)
{
	struct tcp_usage usage;

	tcp_usage(w->host.stack->tcp, &usage);
	log_line(w->log, LOG_NOTICE, "server", "connections cut off at the end of drain_timeout: %" PRIu32,
		 usage.connections);
}

static void drain(struct worker *w)
{
	bool is_over = is_drained(w);

	if (!is_over && w->loop.now_us < w->drain_until_us)
		return;
	if (!is_over)
		tell_cut_off(w);
	w->drained = true;
	w->drain_until_us = TIMER_NEVER;
	w->place.on_drained(w);
}

/* ---- the loop ---- */

void worker_reopen(struct worker *w)
{
	struct failure why;

	if (access_log_reopen(&w->access, &why) < 0)
		log_line(w->log, LOG_ERROR, "server", "%s", why.text);
	forms_reopen(&w->current->forms);
}

int worker_run(struct worker *w, struct failure *why)
{
	int r = helper_start(&w->helper, why);

	if (r < 0)
		return r;
	affinity_stay(w->place.core); /* the helper's may be any */
	while (!w->stopped) {
		enum signal_event signal;

		r = loop_step(&w->loop, w->drain_until_us, &signal);
		if (r < 0)
			return failure_set(why, r, "device %s is gone: %s", w->config->device.name.interface,
					   strerror(-r));
		if (signal != SIGNAL_NONE)
			w->place.on_signal(w, signal);
		if (UNLIKELY(!list_is_empty(&w->retired)))
			bury_retired(w);
		if (w->drain_until_us != TIMER_NEVER)
			drain(w);
	}
	return 0;
}
