/* A worker: ports opened, connections handed to their HTTP servers, signals obeyed, a drain at the end. */
#include "server/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "server/location.h"
#include "server/policy.h"
#include "server/status.h"

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct worker_port *port = context;
	struct stream *s;

	while ((s = tcp_accept(l)) != NULL) {
		tcp_set_nodelay(s, true); /* responses are written whole: there is nothing to wait for */
		if (port->worker->config->tcp_keepalive)
			tcp_set_keepalive(s, true);
		http_serve(port->server, s);
	}
}

static void on_request_done(void *context, const struct http_log_record *record)
{
	access_log_add(context, record);
}

static struct worker_port *find_port(struct worker *w, uint16_t number)
{
	for (unsigned i = 0; i < w->n_ports; i++)
		if (w->ports[i].number == number)
			return &w->ports[i];
	return NULL;
}

static bool listens_on(const struct config_site *site, uint16_t number)
{
	for (unsigned i = 0; i < site->listen.n; i++)
		if (site->listen.items[i] == number)
			return true;
	return false;
}

/* Sites as HTTP is told of them. */
struct site_list {
	struct http_site sites[CONFIG_SITES];
	size_t n;
	struct http_location locations[CONFIG_LOCATIONS];
	struct http_policy policies[CONFIG_LOCATIONS]; /* theirs */
	size_t n_locations;
};

static void add_site(struct site_list *list, const struct config_site *site, struct worker *w)
{
	list->sites[list->n++] = (struct http_site){
		.name = site->name,
		.root = site->root,
		.hosts = site->hosts.items,
		.policy = policy_for_http(&site->policy, &w->documents),
		.locations = &list->locations[list->n_locations],
		.n_locations = site->n_locations,
	};
	for (unsigned i = 0; i < site->n_locations; i++) {
		size_t number = list->n_locations++;

		list->locations[number] = location_for_http(&site->locations[i], &w->config->device, w,
							    &list->policies[number]);
	}
}

/* The sites of a port, in the order of the configuration: the first one is its default. */
static void list_sites_of_port(struct site_list *list, uint16_t number, struct worker *w)
{
	list->n = list->n_locations = 0;
	for (unsigned i = 0; i < w->config->n_sites; i++)
		if (listens_on(&w->config->sites[i], number))
			add_site(list, &w->config->sites[i], w);
}

static int open_server(struct worker_port *port, struct failure *why)
{
	struct worker *w = port->worker;
	struct site_list list;
	struct http_hooks hooks = {
		.on_request_done = w->has_access ? on_request_done : NULL,
		.context = &w->access,
		.offload = &w->helper.offload,
	};

	list_sites_of_port(&list, port->number, w);
	return http_server_new(&w->config->http, list.sites, list.n, &w->host.stack->world, &hooks,
			       &port->server, why);
}

/* Of the sites on a port one may have an opinion, or several the same: config_finish() has seen to it. */
static const char *congestion_of_port(const struct config *c, uint16_t number)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		if (*c->sites[i].congestion != '\0' && listens_on(&c->sites[i], number))
			return c->sites[i].congestion;
	return NULL;
}

static int open_listener(struct worker_port *port, struct failure *why)
{
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = port };
	struct tcp_listen_options options = {
		.congestion = congestion_of_port(port->worker->config, port->number),
	};
	struct ip_addr any = { { 0 } };
	int r = tcp_listen(port->worker->host.stack->tcp, &any, port->number, &handler, &options,
			   &port->listener);

	return r == 0 ? 0 : failure_set(why, r, "port %u cannot be opened: %s", port->number, strerror(-r));
}

static int open_port(struct worker *w, uint16_t number, struct failure *why)
{
	struct worker_port *port = &w->ports[w->n_ports];
	int r;

	if (find_port(w, number) != NULL)
		return 0;
	if (w->n_ports == WORKER_PORTS)
		return failure_set(why, -ENOSPC, "more than %d ports to listen on", WORKER_PORTS);
	*port = (struct worker_port){ .worker = w, .number = number };
	w->n_ports++;
	r = open_server(port, why);
	return r < 0 ? r : open_listener(port, why);
}

static int open_ports(struct worker *w, struct failure *why)
{
	for (unsigned i = 0; i < w->config->n_sites; i++) {
		const struct port_list *listen = &w->config->sites[i].listen;

		for (unsigned k = 0; k < listen->n; k++) {
			int r = open_port(w, listen->items[k], why);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int open_access_log(struct worker *w, struct failure *why)
{
	const char *path = w->config->log.access;
	int r;

	if (strcmp(path, "off") == 0)
		return 0;
	r = access_log_open(&w->access, path, w->config->log.format, w->log, why);
	w->has_access = r == 0;
	return r;
}

static void on_idle(void *context)
{
	struct worker *w = context;

	if (w->has_access)
		log_file_flush(&w->access.file);
	host_flush(&w->host);
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
	r = host_open(&w->host, &w->config->device, &w->config->tcp, w->log, why);
	if (r == 0)
		return 0;
	helper_close(&w->helper);
close_poller:
	poller_close(&w->poller);
	return r;
}

int worker_open(struct worker *w, const struct config *config, const struct log *log,
		const struct signals *signals, struct failure *why)
{
	int r;

	*w = (struct worker){
		.config = config,
		.log = log,
		.documents = { .limit = STATUS_DOCUMENTS },
		.bodies = { .limit = WORKER_BODIES },
		.drain_until_us = TIMER_NEVER,
	};
	r = open_ground(w, why);
	if (r < 0)
		return r;
	w->started_us = w->host.stack->world.now_us;
	loop_init(&w->loop, &w->host, signals, &w->poller, on_idle, w);
	r = open_access_log(w, why);
	if (r == 0)
		r = forms_open(&w->forms, w, why);
	if (r == 0)
		r = uploads_open(&w->uploads, w, why);
	if (r == 0)
		r = open_ports(w, why);
	if (r < 0)
		worker_close(w);
	return r;
}

static void close_listeners(struct worker *w)
{
	for (unsigned i = 0; i < w->n_ports; i++)
		if (w->ports[i].listener != NULL) {
			tcp_listener_close(w->ports[i].listener);
			w->ports[i].listener = NULL;
		}
}

void worker_close(struct worker *w)
{
	close_listeners(w);
	helper_close(&w->helper); /* who waits for it is answered */
	for (unsigned i = 0; i < w->n_ports; i++)
		if (w->ports[i].server != NULL)
			http_server_free(w->ports[i].server);
	host_turn(&w->host, clock_now_us()); /* the RST segments of those cut off */
	forms_close(&w->forms);
	uploads_close(&w->uploads);
	if (w->has_access)
		access_log_close(&w->access);
	host_close(&w->host);
	poller_close(&w->poller);
}

static void begin_drain(struct worker *w)
{
	log_line(w->log, LOG_INFO, "server", "stopping: no new connections");
	close_listeners(w);
	w->drain_until_us = w->loop.now_us + w->config->drain_timeout_us;
}

static bool is_drained(const struct worker *w)
{
	struct tcp_usage usage;
	bool all = true;

	for (unsigned i = 0; i < w->n_ports; i++)
		all &= http_drain(w->ports[i].server);
	tcp_usage(w->host.stack->tcp, &usage); /* data and FIN may still be on their way to the peer */
	return all && usage.connections == 0;
}

static void drain(struct worker *w)
{
	struct tcp_usage usage;

	w->stopped = is_drained(w);
	if (w->stopped || w->loop.now_us < w->drain_until_us)
		return;
	tcp_usage(w->host.stack->tcp, &usage);
	log_line(w->log, LOG_NOTICE, "server", "connections cut off at the end of drain_timeout: %" PRIu32,
		 usage.connections);
	w->stopped = true;
}

static void reopen_access_log(struct worker *w)
{
	struct failure why;

	if (w->has_access && log_file_reopen(&w->access.file, &why) < 0)
		log_line(w->log, LOG_ERROR, "server", "%s", why.text);
}

static void obey(struct worker *w, enum signal_event signal, void (*reopen)(void *context), void *context)
{
	switch (signal) {
	case SIGNAL_STOP:
		if (w->drain_until_us == TIMER_NEVER)
			begin_drain(w);
		else
			w->stopped = true;
		break;
	case SIGNAL_REOPEN:
		reopen(context);
		reopen_access_log(w);
		forms_reopen(&w->forms);
		break;
	case SIGNAL_RELOAD:
		log_line(w->log, LOG_NOTICE, "server",
			 "SIGHUP: this version does not reread its configuration; restart it");
		break;
	case SIGNAL_NONE:
		break;
	}
}

int worker_run(struct worker *w, void (*reopen)(void *context), void *context, struct failure *why)
{
	int r = helper_start(&w->helper, why);

	if (r < 0)
		return r;
	while (!w->stopped) {
		enum signal_event signal;

		r = loop_step(&w->loop, w->drain_until_us, &signal);
		if (r < 0)
			return failure_set(why, r, "device %s is gone: %s", w->config->device.name.interface,
					   strerror(-r));
		obey(w, signal, reopen, context);
		if (w->drain_until_us != TIMER_NEVER && !w->stopped)
			drain(w);
	}
	return 0;
}
