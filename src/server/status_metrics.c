/*
 * The metrics in Prometheus' text format, version 0.0.4: "# HELP", "# TYPE", then all samples of that metric
 * together; counters end in _total, names are in snake case with their unit, and what Linux calls a counter
 * stands in its help.
 */
#include <stdio.h>
#include <string.h>

#include "server/status.h"
#include "taphouse/taphouse.h"

#define PREFIX "taphouse_"

static void begin_metric(struct document *d, const char *name, const char *type, const char *help)
{
	document_add_text(d, "# HELP " PREFIX);
	document_add_text(d, name);
	document_add(d, " ", 1);
	document_add_text(d, help);
	document_add_text(d, "\n# TYPE " PREFIX);
	document_add_text(d, name);
	document_add(d, " ", 1);
	document_add_text(d, type);
	document_add(d, "\n", 1);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void add_label_value(struct document *d, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			document_add(d, "\\n", 2);
			continue;
		}
		if (*text == '\\' || *text == '"')
			document_add(d, "\\", 1);
		document_add(d, text, 1);
	}
}

struct label {
	const char *name, *value;
};

static void sample(struct document *d, const char *name, const struct label *labels, size_t n, uint64_t value)
{
	document_add_text(d, PREFIX);
	document_add_text(d, name);
	for (size_t i = 0; i < n; i++) {
		document_add(d, i == 0 ? "{" : ",", 1);
		document_add_text(d, labels[i].name);
		document_add(d, "=\"", 2);
		add_label_value(d, labels[i].value);
		document_add(d, "\"", 1);
	}
	if (n > 0)
		document_add(d, "}", 1);
	document_add(d, " ", 1);
	document_add_number(d, value);
	document_add(d, "\n", 1);
}

static void gauge(struct document *d, const char *name, const char *help, uint64_t value)
{
	begin_metric(d, name, "gauge", help);
	sample(d, name, NULL, 0, value);
}

static void write_server(struct document *d, const struct worker *w)
{
	const struct label version = { "version", th_version() };

	begin_metric(d, "build_info", "gauge", "Always 1; the version is its label.");
	sample(d, "build_info", &version, 1, 1);
	gauge(d, "uptime_seconds", "Time since the worker was opened.", status_uptime_s(w));
}

static void write_counter(struct document *d, const struct status_group *g, const struct status_counter *c,
			  uint64_t value)
{
	char name[96], help[128];

	snprintf(name, sizeof name, "%s_%s_total", g->name, c->field);
	if (g->linux_file != NULL)
		snprintf(help, sizeof help, "%s, as in %s where Linux has it.", c->name, g->linux_file);
	else
		snprintf(help, sizeof help, "Counter %s of the %s.", c->name, g->name);
	begin_metric(d, name, "counter", help);
	sample(d, name, NULL, 0, value);
}

static void write_group(struct document *d, const struct worker *w, const struct status_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		write_counter(d, g, &g->counters[i], status_value(&g->counters[i], g->base(w)));
}

static void write_tcp_usage(struct document *d, const struct worker *w)
{
	struct tcp_usage usage;

	tcp_usage(w->host.stack->tcp, &usage);
	gauge(d, "tcp_connections", "Connections now; half-open and TIME-WAIT ones are not among them.",
	      usage.connections);
	gauge(d, "tcp_half_open", "Half-open connections now.", usage.half_open);
	gauge(d, "tcp_accept_queued", "Connections that wait to be accepted.", usage.accept_queued);
	gauge(d, "tcp_orphans", "Connections that HTTP has let go of, and that are not over.", usage.orphans);
	gauge(d, "tcp_time_wait", "Connections in TIME-WAIT now.", usage.time_wait);
}

static void write_drops(struct document *d, const struct worker *w)
{
	begin_metric(d, "drops_total", "counter", "Frames, packets and segments discarded, by reason.");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		const struct label reason = { "reason", drop_reason_name((enum drop_reason)i) };

		sample(d, "drops_total", &reason, 1, w->host.stack->world.drops[i]);
	}
}

/* ---- a port's ---- */

static struct label port_label(const struct generation_port *port, char text[static 8])
{
	snprintf(text, 8, "%u", port->number);
	return (struct label){ "port", text };
}

static void write_port_metric(struct document *d, const struct worker *w, const struct status_counter *c,
			      const char *suffix, const char *type)
{
	char name[96], number[8];
	struct http_usage usage;

	snprintf(name, sizeof name, "http_%s%s", c->field, suffix);
	begin_metric(d, name, type, c->help);
	for (unsigned i = 0; i < w->current->n_ports; i++) {
		struct label port = port_label(&w->current->ports[i], number);

		http_usage(w->current->ports[i].server, &usage);
		sample(d, name, &port, 1, status_value(c, &usage));
	}
}

static void write_responses_of(struct document *d, const struct generation_port *port)
{
	static const char *const classes[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };
	struct http_usage usage;
	char number[8];

	http_usage(port->server, &usage);
	for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
		const struct label labels[] = { port_label(port, number), { "class", classes[i] } };

		sample(d, "http_responses_total", labels, 2, usage.responses_by_class[i]);
	}
}

static void write_ports(struct document *d, const struct worker *w)
{
	for (size_t i = 0; i < status_http_counters.n; i++)
		write_port_metric(d, w, &status_http_counters.counters[i], "_total", "counter");
	for (size_t i = 0; i < status_http_gauges.n; i++)
		write_port_metric(d, w, &status_http_gauges.counters[i], "", "gauge");
	begin_metric(d, "http_responses_total", "counter", "Responses, by class of their status; none: the "
		     "client left before there was one.");
	for (unsigned i = 0; i < w->current->n_ports; i++)
		write_responses_of(d, &w->current->ports[i]);
}

/* ---- TLS ---- */

static void write_handshakes(struct document *d, const struct tls_usage *usage)
{
	begin_metric(d, "tls_handshakes_total", "counter",
		     "Handshakes done: full ones, and sessions resumed.");
	sample(d, "tls_handshakes_total", &(struct label){ "kind", "full" }, 1, usage->full);
	sample(d, "tls_handshakes_total", &(struct label){ "kind", "resumed" }, 1, usage->resumed);
	begin_metric(d, "tls_handshake_failures_total", "counter", "Handshakes that failed, by reason.");
	for (int i = 0; i < TLS_FAILURES_COUNT; i++) {
		const struct label reason = { "reason", tls_failure_name((enum tls_failure)i) };

		sample(d, "tls_handshake_failures_total", &reason, 1, usage->failed[i]);
	}
}

static void counter(struct document *d, const char *name, const char *help, uint64_t value)
{
	begin_metric(d, name, "counter", help);
	sample(d, name, NULL, 0, value);
}

/* The certificates of the ports, one after the other. */
struct certificates {
	struct document *to;
	const struct generation_port *port;
	bool begun; /* a metric without samples is none */
};

static void write_expiry(void *context, const char *file, int64_t not_after)
{
	struct certificates *c = context;
	char number[8];
	const struct label labels[] = { port_label(c->port, number), { "certificate", file } };

	if (!c->begun)
		begin_metric(c->to, "tls_certificate_expiry_timestamp_seconds", "gauge",
			     "When a certificate expires, since 1970.");
	c->begun = true;
	sample(c->to, "tls_certificate_expiry_timestamp_seconds", labels, 2, (uint64_t)not_after);
}

static void write_certificates(struct document *d, const struct worker *w)
{
	struct certificates c = { .to = d };

	for (unsigned i = 0; i < w->current->n_ports; i++) {
		c.port = &w->current->ports[i];
		if (c.port->secure.context != NULL)
			tls_context_each_certificate(c.port->secure.context, write_expiry, &c);
	}
}

static void write_tls(struct document *d, const struct worker *w)
{
	struct tls_usage usage;

	tls_usage(w->secure.tls, &usage);
	write_handshakes(d, &usage);
	gauge(d, "tls_connections", "Connections with TLS now.", usage.connections);
	gauge(d, "tls_handshakes", "Handshakes under way now.", usage.handshakes);
	counter(d, "tls_postponed_total", "Steps of handshakes that waited for another turn.",
		usage.postponed);
	counter(d, "tls_truncated_total", "Connections that ended without close_notify.", usage.truncated);
	counter(d, "tls_broken_total", "Connections that an error ended after the handshake.", usage.broken);
	write_certificates(d, w);
}

/* ---- pools ---- */

static const struct pool_metric {
	const char *name, *type, *help;
	size_t offset;
} pool_metrics[] = {
	{ "pool_in_use", "gauge", "Objects that are out now.", offsetof(struct pool, in_use) },
	{ "pool_peak", "gauge", "Most objects that were out at once.", offsetof(struct pool, peak) },
	{ "pool_limit", "gauge", "Most objects that may be out at once.", offsetof(struct pool, limit) },
	{ "pool_refused_total", "counter", "Objects refused: at the limit, or no memory.",
	  offsetof(struct pool, refused) },
};

/* A walk through the pools that writes one metric. */
struct pool_walk {
	struct document *to;
	const struct pool_metric *metric;
	const struct generation_port *port; /* NULL: a pool of all ports */
};

static void write_pool(void *context, const struct pool *p)
{
	const struct pool_walk *walk = context;
	struct label labels[2] = { { "pool", p->name } };
	char number[8];
	uint64_t value;

	_Static_assert(sizeof p->in_use == sizeof value, "one width for all numbers of a pool");
	memcpy(&value, (const char *)p + walk->metric->offset, sizeof value);
	if (walk->port != NULL)
		labels[1] = port_label(walk->port, number);
	sample(walk->to, walk->metric->name, labels, walk->port != NULL ? 2 : 1, value);
}

static void write_pools(struct document *d, const struct worker *w)
{
	for (size_t i = 0; i < ARRAY_LENGTH(pool_metrics); i++) {
		struct pool_walk walk = { .to = d, .metric = &pool_metrics[i] };

		begin_metric(d, walk.metric->name, walk.metric->type, walk.metric->help);
		stack_each_pool(w->host.stack, write_pool, &walk);
		ws_server_each_pool(w->websockets, write_pool, &walk);
		tls_each_pool(w->secure.tls, write_pool, &walk);
		for (unsigned k = 0; k < w->current->n_ports; k++) {
			walk.port = &w->current->ports[k];
			http_each_pool(walk.port->server, write_pool, &walk);
		}
	}
}

void status_write_metrics(struct document *d, const struct worker *w)
{
	write_server(d, w);
	for (size_t i = 0; i < status_groups_count; i++)
		write_group(d, w, &status_groups[i]);
	write_tcp_usage(d, w);
	write_drops(d, w);
	write_ports(d, w);
	write_tls(d, w);
	write_pools(d, w);
}
