/* Generations: sites told to HTTP, a server and a listener for each port; succession and end. */
#include "server/generation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/https_redirect.h"
#include "server/location.h"
#include "server/policy.h"
#include "server/share.h"
#include "server/worker.h"

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct generation_port *port = context;
	struct stream *s;

	while ((s = tcp_accept(l)) != NULL) {
		tcp_set_nodelay(s, true); /* responses are written whole: there is nothing to wait for */
		if (port->generation->config->tcp_keepalive)
			tcp_set_keepalive(s, true);
		if (port->secure.context != NULL)
			tls_accept(port->generation->worker->secure.tls, port->secure.context, s,
				   &port->generation->worker->acceptor);
		else
			http_serve(port->server, s);
	}
}

static struct generation_port *find_port(struct generation *g, uint16_t number)
{
	for (unsigned i = 0; g != NULL && i < g->n_ports; i++)
		if (g->ports[i].number == number)
			return &g->ports[i];
	return NULL;
}

/* The server of this port, if it asks clients for what those of the context were asked for; or NULL. */
static struct http_server *server_of(struct generation *g, uint16_t number, const struct tls_context *context)
{
	const struct generation_port *port = find_port(g, number);

	return port != NULL && tls_contexts_ask_alike(port->secure.context, context) ? port->server : NULL;
}

/* A handshake may last longer than the generation in which it began. */
void generation_serve(struct generation *g, struct stream *s)
{
	struct stream_info info;
	struct http_server *server;

	stream_info(s, &info);
	server = server_of(g, info.local_port, tls_context_of(s));
	if (server != NULL)
		http_serve(server, s);
	else
		stream_abort(s);
}

enum { POLICIES = CONFIG_SITES + CONFIG_LOCATIONS };

/* The header rules of a policy, with one that is the port's in front: theirs may say otherwise. */
struct header_rules {
	const char *rules[CONFIG_LIST + 2];
	char hsts[64];
};

/* Sites as HTTP is told of them. */
struct site_list {
	const struct generation_port *port;
	struct header_rules headers[POLICIES];
	size_t n_headers;
	struct http_site sites[CONFIG_SITES];
	size_t n;
	struct http_location locations[CONFIG_LOCATIONS];
	struct http_policy policies[CONFIG_LOCATIONS]; /* theirs */
	size_t n_locations;
};

/* RFC 6797 section 7.2: not over a connection that anybody may have changed. */
static void add_hsts(struct site_list *list, const struct config_site *site, struct http_policy *policy)
{
	struct header_rules *h = &list->headers[list->n_headers];
	unsigned n = 0;

	if (list->port->secure.context == NULL || site->tls.hsts_us == 0)
		return;
	list->n_headers++;
	snprintf(h->hsts, sizeof h->hsts, "Strict-Transport-Security: max-age=%" PRIu64,
		 site->tls.hsts_us / 1000000);
	h->rules[n++] = h->hsts;
	for (const char *const *rule = policy->header; rule != NULL && *rule != NULL; rule++)
		h->rules[n++] = *rule;
	h->rules[n] = NULL;
	policy->header = h->rules;
}

static void add_location(struct site_list *list, const struct config_site *site,
			 const struct config_location *location, struct generation *g)
{
	size_t number = list->n_locations++;

	list->locations[number] = location_for_http(location, g, &list->policies[number]);
	add_hsts(list, site, &list->policies[number]);
}

/* Instead of all that the site has: nobody is asked for a password before the connection is encrypted. */
static void add_redirect(struct site_list *list, const struct config_site *site)
{
	list->sites[list->n - 1].policy.auth.realm = NULL;
	list->locations[list->n_locations++] = (struct http_location){
		.prefix = "/",
		.handler = &https_redirect_handler,
		.context = (void *)(uintptr_t)&site->listen_tls.items[0],
	};
	list->sites[list->n - 1].n_locations = 1;
}

static void add_site(struct site_list *list, const struct config_site *site, struct generation *g)
{
	struct http_site *to = &list->sites[list->n++];

	*to = (struct http_site){
		.name = site->name,
		.root = site->root,
		.hosts = site->hosts.items,
		.rewrite = site->rewrite.items,
		.policy = policy_for_http(&site->policy, &g->worker->documents),
		.locations = &list->locations[list->n_locations],
		.n_locations = site->n_locations,
	};
	add_hsts(list, site, &to->policy);
	if (site->https_redirect && list->port->secure.context == NULL)
		add_redirect(list, site);
	else
		for (unsigned i = 0; i < site->n_locations; i++)
			add_location(list, site, &site->locations[i], g);
}

/* The sites of a port, in the order of the configuration: the first one is its default. */
static void list_sites_of_port(struct site_list *list, const struct generation_port *port)
{
	struct generation *g = port->generation;

	list->port = port;
	list->n = list->n_locations = list->n_headers = 0;
	for (unsigned i = 0; i < g->config->n_sites; i++)
		if (config_listens(&g->config->sites[i], port->number))
			add_site(list, &g->config->sites[i], g);
}

static int open_server(struct generation_port *port, struct failure *why)
{
	struct generation *g = port->generation;
	struct http_hooks hooks = g->worker->hooks;
	struct http_config http = share_http(&g->config->http, worker_count(g->worker));
	struct site_list list;
	int r;

	if (strcmp(g->config->log.access, "off") == 0)
		hooks.on_request_done = NULL;
	list_sites_of_port(&list, port);
	r = http_server_new(&http, list.sites, list.n, &g->worker->host.stack->world, &hooks,
			    &port->server, why);
	return r < 0 ? r : file_watch_open(&port->files, &g->worker->poller, port->server, why);
}

/* Of the sites on a port one may have an opinion, or several the same: config_finish() has seen to it. */
static const char *congestion_of_port(const struct config *c, uint16_t number)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		if (*c->sites[i].congestion != '\0' && config_listens(&c->sites[i], number))
			return c->sites[i].congestion;
	return NULL;
}

static struct tcp_listen_options options_of_port(const struct generation_port *port)
{
	const struct config *c = port->generation->config;

	return (struct tcp_listen_options){
		.congestion = congestion_of_port(c, port->number),
		.syn_backlog = share_count(config_syn_backlog(c, port->number),
					   worker_count(port->generation->worker)),
	};
}

static int open_listener(struct generation_port *port, struct failure *why)
{
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = port };
	struct tcp_listen_options options = options_of_port(port);
	struct ip_addr any = { { 0 } };
	int r = tcp_listen(port->generation->worker->host.stack->tcp, &any, port->number, &handler, &options,
			   &port->listener);

	return r == 0 ? 0 : failure_set(why, r, "port %u cannot be opened: %s", port->number, strerror(-r));
}

static int open_port(struct generation *g, uint16_t number, struct generation *before, struct failure *why)
{
	struct generation_port *port = &g->ports[g->n_ports];
	int r;

	if (find_port(g, number) != NULL)
		return 0;
	if (g->n_ports == GENERATION_PORTS)
		return failure_set(why, -ENOSPC, "more than %d ports to listen on", GENERATION_PORTS);
	*port = (struct generation_port){ .generation = g, .number = number };
	g->n_ports++;
	r = secure_port_open(&port->secure, &g->worker->secure, g->config, number, why);
	if (r == 0)
		r = open_server(port, why);
	return r < 0 || find_port(before, number) != NULL ? r : open_listener(port, why);
}

static int open_listed(struct generation *g, const struct port_list *listen, struct generation *before,
		       struct failure *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < listen->n; i++)
		r = open_port(g, listen->items[i], before, why);
	return r;
}

static int open_ports(struct generation *g, struct generation *before, struct failure *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < g->config->n_sites; i++) {
		r = open_listed(g, &g->config->sites[i].listen, before, why);
		if (r == 0)
			r = open_listed(g, &g->config->sites[i].listen_tls, before, why);
	}
	return r;
}

/* ---- life ---- */

static int open_fastcgis(struct generation *g, struct failure *why)
{
	struct worker *w = g->worker;
	struct fastcgi_ground ground = {
		.poller = &w->poller, .world = &w->host.stack->world, .log = w->log, .budget = &w->bodies,
	};

	return fastcgis_open(&g->fastcgis, g->config, &ground, why);
}

int generation_new(struct worker *w, struct config *config, struct generation *before,
		   struct generation **out, struct failure *why)
{
	struct generation *g = calloc(1, sizeof *g);
	int r;

	if (g == NULL)
		return failure_set(why, -ENOMEM, "no memory for what the configuration names");
	g->worker = w;
	g->config = config_ref(config);
	list_init(&g->node);
	r = forms_open(&g->forms, config, w, why);
	if (r == 0)
		r = uploads_open(&g->uploads, config, w, why);
	if (r == 0)
		r = open_fastcgis(g, why);
	if (r == 0)
		r = websockets_open(&g->websockets, config, w, why);
	if (r == 0)
		r = open_ports(g, before, why);
	if (r < 0)
		generation_free(g);
	else
		*out = g;
	return r;
}

int generation_check_roots(const struct generation *g, struct failure *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < g->n_ports; i++)
		r = http_check_roots(g->ports[i].server, why);
	return r;
}

void generation_free(struct generation *g)
{
	generation_stop_listening(g);
	for (unsigned i = 0; i < g->n_ports; i++) {
		file_watch_close(&g->ports[i].files);
		http_server_free(g->ports[i].server);
		secure_port_close(&g->ports[i].secure);
	}
	forms_close(&g->forms);
	uploads_close(&g->uploads);
	fastcgis_close(&g->fastcgis);
	websockets_close(&g->websockets);
	config_unref(g->config);
	list_remove(&g->node);
	free(g);
}

void generation_look_at_certificates(struct generation *g)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		secure_port_look(&g->ports[i].secure, &g->worker->secure, g->config, g->ports[i].number);
}

void generation_stop_listening(struct generation *g)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		if (g->ports[i].listener != NULL) {
			tcp_listener_close(g->ports[i].listener);
			g->ports[i].listener = NULL;
		}
}

bool generation_drain(struct generation *g)
{
	bool all = true;

	for (unsigned i = 0; i < g->n_ports; i++)
		all &= http_drain(g->ports[i].server);
	return all;
}

/* ---- succession ---- */

static void take_listener(struct generation_port *port, struct generation_port *before)
{
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = port };
	struct tcp_listen_options options = options_of_port(port);

	if (before == NULL)
		return;
	port->listener = before->listener;
	before->listener = NULL;
	tcp_listener_change(port->listener, &handler, &options);
}

void generation_succeed(struct generation *g, struct generation *before)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		take_listener(&g->ports[i], find_port(before, g->ports[i].number));
	generation_stop_listening(before);
	generation_follow(before, g);
}

void generation_follow(struct generation *retired, struct generation *g)
{
	for (unsigned i = 0; i < retired->n_ports; i++)
		http_retire(retired->ports[i].server,
			    server_of(g, retired->ports[i].number, retired->ports[i].secure.context));
}

bool generation_is_deserted(const struct generation *g)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		if (!http_is_deserted(g->ports[i].server))
			return false;
	return uploads_are_over(&g->uploads);
}

static void run_nothing(struct offload_job *job)
{
	(void)job;
}

static void free_at_last(struct offload_job *job)
{
	generation_free(CONTAINER_OF(job, struct generation, last_job));
}

void generation_bury(struct generation *retired, struct generation *g)
{
	struct offload *helper = &retired->worker->helper.offload;

	if (retired->last_job_is_out || !generation_is_deserted(retired))
		return;
	generation_follow(retired, g); /* the counters of its last requests */
	retired->last_job = (struct offload_job){ .run = run_nothing, .done = free_at_last };
	retired->last_job_is_out = offload_submit(helper, &retired->last_job);
}

uint64_t generation_cut_off(struct generation *retired)
{
	struct http_usage usage;
	uint64_t connections = 0;

	for (unsigned i = 0; i < retired->n_ports; i++) {
		http_usage(retired->ports[i].server, &usage);
		connections += usage.idle + usage.busy;
		http_abort_all(retired->ports[i].server);
	}
	return connections;
}
