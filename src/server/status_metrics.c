/*
 * Which metrics there are. Names follow Prometheus' conventions: in snake case, with the base unit (seconds,
 * bytes), counters in _total; what Linux calls a counter stands in its help. docs/metrics.md tells of them.
 */
#include <stdio.h>
#include <string.h>

#include "server/metric.h"
#include "server/status.h"
#include "taphouse/taphouse.h"

static void write_server(struct document *d, const struct worker *w)
{
	const struct metric_label version = { "version", th_version() };

	metric_begin(d, "build_info", "gauge", "Always 1; the version is its label.");
	metric_sample(d, "build_info", &version, 1, 1);
	metric_begin(d, "start_time_seconds", "gauge", "When the worker was opened, since 1970.");
	metric_sample(d, "start_time_seconds", NULL, 0, w->opened_us / 1000000);
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
	metric_begin(d, name, "counter", help);
	metric_sample(d, name, NULL, 0, value);
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
	metric_gauge(d, "tcp_connections",
		     "Connections now; half-open and TIME-WAIT ones are not among them.", usage.connections);
	metric_gauge(d, "tcp_half_open", "Half-open connections now.", usage.half_open);
	metric_gauge(d, "tcp_accept_queued", "Connections that wait to be accepted.", usage.accept_queued);
	metric_gauge(d, "tcp_orphans", "Connections that HTTP has let go of, and that are not over.",
		     usage.orphans);
	metric_gauge(d, "tcp_time_wait", "Connections in TIME-WAIT now.", usage.time_wait);
}

static void write_tcp_times(struct document *d, const struct worker *w)
{
	const struct tcp_times *times = tcp_times(w->host.stack->tcp);

	metric_begin(d, "tcp_handshake_duration_seconds", "histogram",
		     "From the SYN to the third ACK. Not of handshakes by SYN cookie or Fast Open.");
	metric_histogram(d, "tcp_handshake_duration_seconds", NULL, 0, &times->handshake);
	metric_begin(d, "tcp_rtt_seconds", "histogram", "Samples of the round trip time.");
	metric_histogram(d, "tcp_rtt_seconds", NULL, 0, &times->rtt);
}

static void write_drops(struct document *d, const struct worker *w)
{
	metric_begin(d, "drops_total", "counter", "Frames, packets and segments discarded, by reason.");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		const struct metric_label reason = { "reason", drop_reason_name((enum drop_reason)i) };

		metric_sample(d, "drops_total", &reason, 1, w->host.stack->world.drops[i]);
	}
}

/* ---- a port's ---- */

static struct metric_label port_label(const struct generation_port *port, char text[static 8])
{
	snprintf(text, 8, "%u", port->number);
	return (struct metric_label){ "port", text };
}

static void write_port_metric(struct document *d, const struct worker *w, const struct status_counter *c,
			      const char *suffix, const char *type)
{
	char name[96], number[8];
	struct http_usage usage;

	snprintf(name, sizeof name, "http_%s%s", c->field, suffix);
	metric_begin(d, name, type, c->help);
	for (unsigned i = 0; i < w->current->n_ports; i++) {
		struct metric_label port = port_label(&w->current->ports[i], number);

		http_usage(w->current->ports[i].server, &usage);
		metric_sample(d, name, &port, 1, status_value(c, &usage));
	}
}

static void write_responses_of(struct document *d, const struct generation_port *port)
{
	static const char *const classes[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };
	struct http_usage usage;
	char number[8];

	http_usage(port->server, &usage);
	for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
		const struct metric_label labels[] = { port_label(port, number), { "class", classes[i] } };

		metric_sample(d, "http_responses_total", labels, 2, usage.responses_by_class[i]);
	}
}

static void write_request_times(struct document *d, const struct worker *w)
{
	struct http_usage usage;
	char number[8];

	metric_begin(d, "http_request_duration_seconds", "histogram",
		     "From a request's first byte to the last of its answer being queued.");
	for (unsigned i = 0; i < w->current->n_ports; i++) {
		struct metric_label port = port_label(&w->current->ports[i], number);

		http_usage(w->current->ports[i].server, &usage);
		metric_histogram(d, "http_request_duration_seconds", &port, 1, &usage.request_time);
	}
}

static void write_ports(struct document *d, const struct worker *w)
{
	for (size_t i = 0; i < status_http_counters.n; i++)
		write_port_metric(d, w, &status_http_counters.counters[i], "_total", "counter");
	for (size_t i = 0; i < status_http_gauges.n; i++)
		write_port_metric(d, w, &status_http_gauges.counters[i], "", "gauge");
	metric_begin(d, "http_responses_total", "counter",
		     "Responses, by class of their status; none: the "
		     "client left before there was one.");
	for (unsigned i = 0; i < w->current->n_ports; i++)
		write_responses_of(d, &w->current->ports[i]);
	write_request_times(d, w);
}

/* ---- TLS ---- */

static void write_handshakes(struct document *d, const struct tls_usage *usage)
{
	static const struct metric_label full = { "kind", "full" }, resumed = { "kind", "resumed" };

	metric_begin(d, "tls_handshakes_total", "counter",
		     "Handshakes done: full ones, and sessions resumed.");
	metric_sample(d, "tls_handshakes_total", &full, 1, usage->full);
	metric_sample(d, "tls_handshakes_total", &resumed, 1, usage->resumed);
	metric_begin(d, "tls_handshake_duration_seconds", "histogram",
		     "From the TCP connection being open to the last message of the TLS handshake.");
	metric_histogram(d, "tls_handshake_duration_seconds", &full, 1, &usage->full_time);
	metric_histogram(d, "tls_handshake_duration_seconds", &resumed, 1, &usage->resumed_time);
	metric_begin(d, "tls_handshake_failures_total", "counter", "Handshakes that failed, by reason.");
	for (int i = 0; i < TLS_FAILURES_COUNT; i++) {
		const struct metric_label reason = { "reason", tls_failure_name((enum tls_failure)i) };

		metric_sample(d, "tls_handshake_failures_total", &reason, 1, usage->failed[i]);
	}
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
	const struct metric_label labels[] = { port_label(c->port, number), { "certificate", file } };

	if (!c->begun)
		metric_begin(c->to, "tls_certificate_expiry_timestamp_seconds", "gauge",
			     "When a certificate expires, since 1970.");
	c->begun = true;
	metric_sample(c->to, "tls_certificate_expiry_timestamp_seconds", labels, 2, (uint64_t)not_after);
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
	metric_gauge(d, "tls_connections", "Connections with TLS now.", usage.connections);
	metric_gauge(d, "tls_handshakes_in_progress", "Handshakes under way now.", usage.handshakes);
	metric_counter(d, "tls_postponed_total", "Steps of handshakes that waited for another turn.",
		       usage.postponed);
	metric_counter(d, "tls_truncated_total", "Connections that ended without close_notify.",
		       usage.truncated);
	metric_counter(d, "tls_broken_total", "Connections that an error ended after the handshake.",
		       usage.broken);
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
	struct metric_label labels[2] = { { "pool", p->name } };
	char number[8];
	uint64_t value;

	_Static_assert(sizeof p->in_use == sizeof value, "one width for all numbers of a pool");
	memcpy(&value, (const char *)p + walk->metric->offset, sizeof value);
	if (walk->port != NULL)
		labels[1] = port_label(walk->port, number);
	metric_sample(walk->to, walk->metric->name, labels, walk->port != NULL ? 2 : 1, value);
}

static void write_pools(struct document *d, const struct worker *w)
{
	for (size_t i = 0; i < ARRAY_LENGTH(pool_metrics); i++) {
		struct pool_walk walk = { .to = d, .metric = &pool_metrics[i] };

		metric_begin(d, walk.metric->name, walk.metric->type, walk.metric->help);
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
	write_tcp_times(d, w);
	write_drops(d, w);
	write_ports(d, w);
	write_tls(d, w);
	write_pools(d, w);
}
