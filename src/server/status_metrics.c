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

static void write_group(struct document *d, const struct status_sample *s, const struct status_group *g)
{
	const uint64_t *values = status_values(s, g);

	for (size_t i = 0; i < g->n; i++)
		write_counter(d, g, &g->counters[i], values[i]);
}

static void write_tcp_usage(struct document *d, const struct tcp_usage *usage)
{
	metric_gauge(d, "tcp_connections",
		     "Connections now; half-open and TIME-WAIT ones are not among them.", usage->connections);
	metric_gauge(d, "tcp_half_open", "Half-open connections now.", usage->half_open);
	metric_gauge(d, "tcp_accept_queued", "Connections that wait to be accepted.", usage->accept_queued);
	metric_gauge(d, "tcp_orphans", "Connections that HTTP has let go of, and that are not over.",
		     usage->orphans);
	metric_gauge(d, "tcp_time_wait", "Connections in TIME-WAIT now.", usage->time_wait);
}

static void write_tcp_times(struct document *d, const struct tcp_times *times)
{
	metric_begin(d, "tcp_handshake_duration_seconds", "histogram",
		     "From the SYN to the third ACK. Not of handshakes by SYN cookie or Fast Open.");
	metric_histogram(d, "tcp_handshake_duration_seconds", NULL, 0, &times->handshake);
	metric_begin(d, "tcp_rtt_seconds", "histogram", "Samples of the round trip time.");
	metric_histogram(d, "tcp_rtt_seconds", NULL, 0, &times->rtt);
}

static void write_drops(struct document *d, const struct status_sample *s)
{
	metric_begin(d, "drops_total", "counter", "Frames, packets and segments discarded, by reason.");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		const struct metric_label reason = { "reason", drop_reason_name((enum drop_reason)i) };

		metric_sample(d, "drops_total", &reason, 1, s->drops[i]);
	}
}

/* ---- a port's ---- */

static struct metric_label port_label(uint16_t number, char text[static 8])
{
	snprintf(text, 8, "%u", number);
	return (struct metric_label){ "port", text };
}

static void write_port_metric(struct document *d, const struct status_sample *s,
			      const struct status_counter *c, const char *suffix, const char *type)
{
	char name[96], number[8];

	snprintf(name, sizeof name, "http_%s%s", c->field, suffix);
	metric_begin(d, name, type, c->help);
	for (unsigned i = 0; i < s->n_ports; i++) {
		struct metric_label port = port_label(s->ports[i].number, number);

		metric_sample(d, name, &port, 1, status_value(c, &s->ports[i].usage));
	}
}

static void write_responses_of(struct document *d, const struct status_port *port)
{
	static const char *const classes[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };
	char number[8];

	for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
		const struct metric_label labels[] = { port_label(port->number, number),
						       { "class", classes[i] } };

		metric_sample(d, "http_responses_total", labels, 2, port->usage.responses_by_class[i]);
	}
}

static void write_request_times(struct document *d, const struct status_sample *s)
{
	char number[8];

	metric_begin(d, "http_request_duration_seconds", "histogram",
		     "From a request's first byte to the last of its answer being queued.");
	for (unsigned i = 0; i < s->n_ports; i++) {
		struct metric_label port = port_label(s->ports[i].number, number);

		metric_histogram(d, "http_request_duration_seconds", &port, 1,
				 &s->ports[i].usage.request_time);
	}
}

static void write_ports(struct document *d, const struct status_sample *s)
{
	for (size_t i = 0; i < status_http_counters.n; i++)
		write_port_metric(d, s, &status_http_counters.counters[i], "_total", "counter");
	for (size_t i = 0; i < status_http_gauges.n; i++)
		write_port_metric(d, s, &status_http_gauges.counters[i], "", "gauge");
	metric_begin(d, "http_responses_total", "counter",
		     "Responses, by class of their status; none: the "
		     "client left before there was one.");
	for (unsigned i = 0; i < s->n_ports; i++)
		write_responses_of(d, &s->ports[i]);
	write_request_times(d, s);
}

/* ---- workers ---- */

static const struct worker_metric {
	const char *name, *type, *help;
	size_t offset;
	void (*write)(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		      uint64_t value);
} worker_metrics[] = {
	{ "worker_connections", "gauge", "A worker's connections now.",
	  offsetof(struct status_row, connections), metric_sample },
	{ "worker_requests_total", "counter", "Requests that a worker has finished.",
	  offsetof(struct status_row, requests), metric_sample },
	{ "worker_core_seconds_total", "counter", "Processor time that a worker's thread has taken.",
	  offsetof(struct status_row, core_us), metric_seconds },
	{ "worker_frames_handed_over_total", "counter", "Frames of others that came by a worker's queue.",
	  offsetof(struct status_row, steering.handed_over), metric_sample },
	{ "worker_frames_taken_over_total", "counter", "A worker's frames that came by others' queues.",
	  offsetof(struct status_row, steering.taken_over), metric_sample },
	{ "worker_frames_dropped_total", "counter", "Frames of others for which their worker had no room.",
	  offsetof(struct status_row, steering.dropped), metric_sample },
};

static void write_worker_metric(struct document *d, const struct status_view *view,
				const struct worker_metric *m)
{
	metric_begin(d, m->name, m->type, m->help);
	for (unsigned i = 0; i < view->n; i++) {
		char number[16];
		const struct metric_label worker = { "worker", number };
		uint64_t value;

		snprintf(number, sizeof number, "%u", i);
		memcpy(&value, (const char *)&view->rows[i] + m->offset, sizeof value);
		m->write(d, m->name, &worker, 1, value);
	}
}

static void write_workers(struct document *d, const struct status_view *view)
{
	for (size_t i = 0; i < ARRAY_LENGTH(worker_metrics); i++)
		write_worker_metric(d, view, &worker_metrics[i]);
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
	const struct metric_label labels[] = { port_label(c->port->number, number), { "certificate", file } };

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

static void write_tls(struct document *d, const struct worker *w, const struct tls_usage *usage)
{
	write_handshakes(d, usage);
	metric_gauge(d, "tls_connections", "Connections with TLS now.", usage->connections);
	metric_gauge(d, "tls_handshakes_in_progress", "Handshakes under way now.", usage->handshakes);
	metric_counter(d, "tls_postponed_total", "Steps of handshakes that waited for another turn.",
		       usage->postponed);
	metric_counter(d, "tls_truncated_total", "Connections that ended without close_notify.",
		       usage->truncated);
	metric_counter(d, "tls_broken_total", "Connections that an error ended after the handshake.",
		       usage->broken);
	write_certificates(d, w);
}

/* ---- pools ---- */

static const struct pool_metric {
	const char *name, *type, *help;
	size_t offset;
} pool_metrics[] = {
	{ "pool_in_use", "gauge", "Objects that are out now.", offsetof(struct status_pool, in_use) },
	{ "pool_peak", "gauge", "Most objects that were out at once.", offsetof(struct status_pool, peak) },
	{ "pool_limit", "gauge", "Most objects that may be out at once.",
	  offsetof(struct status_pool, limit) },
	{ "pool_refused_total", "counter", "Objects refused: at the limit, or no memory.",
	  offsetof(struct status_pool, refused) },
};

static void write_pool(struct document *d, const struct pool_metric *metric, const struct status_pool *p)
{
	struct metric_label labels[2] = { { "pool", p->name } };
	char number[8];
	uint64_t value;

	memcpy(&value, (const char *)p + metric->offset, sizeof value);
	if (p->port != 0)
		labels[1] = port_label((uint16_t)p->port, number);
	metric_sample(d, metric->name, labels, p->port != 0 ? 2 : 1, value);
}

static void write_pools(struct document *d, const struct status_sample *s)
{
	for (size_t i = 0; i < ARRAY_LENGTH(pool_metrics); i++) {
		metric_begin(d, pool_metrics[i].name, pool_metrics[i].type, pool_metrics[i].help);
		for (unsigned k = 0; k < s->n_pools; k++)
			write_pool(d, &pool_metrics[i], &s->pools[k]);
	}
}

void status_write_metrics(struct document *d, const struct status_view *view)
{
	const struct status_sample *s = view->total;

	write_server(d, view->worker);
	write_workers(d, view);
	for (size_t i = 0; i < status_groups_count; i++)
		write_group(d, s, &status_groups[i]);
	write_tcp_usage(d, &s->tcp);
	write_tcp_times(d, &s->tcp_times);
	write_drops(d, s);
	write_ports(d, s);
	write_tls(d, view->worker, &s->tls);
	write_pools(d, s);
}
