/* status.json and connections.json. Sizes are in bytes and times in microseconds, unless a name says
 * otherwise. */
#include "base/clock.h"
#include "base/minmax.h"
#include "server/config_keys.h"
#include "server/json.h"
#include "server/status.h"
#include "taphouse/taphouse.h"

enum {
	ROW_BYTES = 2048,       /* more than a connection's row ever takes */
	TIME_WAIT_BYTES = 256,  /* and than one of TIME-WAIT */
};

static void write_server(struct document *d, const struct worker *w)
{
	char time[CLOCK_TEXT];

	json_text(d, "version", th_version());
	json_text(d, "time", clock_format(clock_wall_us(), time));
	json_number(d, "uptime_seconds", (w->host.stack->world.now_us - w->started_us) / 1000000);
}

static void write_device(struct document *d, const struct status_view *view)
{
	const struct worker *w = view->worker;
	const struct link *link = &w->host.stack->link;
	char text[DEVICE_NAME_TEXT], mac[MAC_TEXT], prefix[IP_PREFIX_TEXT];

	json_open_object(d, "interface");
	value_format_device(&w->config->device.name, text);
	json_text(d, "device", text);
	if (link->caps.mode != NULL)
		json_text(d, "mode", link->caps.mode);
	json_text(d, "mac", value_format_mac(&link->mac, mac));
	json_number(d, "mtu", link->caps.mtu);
	json_number(d, "gso_max", link->caps.gso_max);
	json_open_array(d, "addresses");
	for (unsigned i = 0; i < w->config->device.address.n; i++)
		json_text(d, NULL, ip_prefix_format(&w->config->device.address.items[i], prefix));
	json_close_array(d);
	json_number(d, "neighbours", view->total->neighbours);
	json_number(d, "neighbours_incomplete", view->total->neighbours_incomplete);
	json_close_object(d);
}

static void write_numbers(struct document *d, const struct status_group *g, const void *base)
{
	for (size_t i = 0; i < g->n; i++)
		json_number(d, g->counters[i].name, status_value(&g->counters[i], base));
}

static void write_group(struct document *d, const struct status_sample *s, const struct status_group *g)
{
	const uint64_t *values = status_values(s, g);

	json_open_object(d, g->name);
	for (size_t i = 0; i < g->n; i++)
		json_number(d, g->counters[i].name, values[i]);
	json_close_object(d);
}

static void write_drops(struct document *d, const struct status_sample *s)
{
	json_open_object(d, "drops");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		json_number(d, drop_reason_name((enum drop_reason)i), s->drops[i]);
	json_close_object(d);
}

static void write_tcp_usage(struct document *d, const struct tcp_usage *usage)
{
	json_open_object(d, "tcp_now");
	json_number(d, "connections", usage->connections);
	json_number(d, "half_open", usage->half_open);
	json_number(d, "accept_queued", usage->accept_queued);
	json_number(d, "orphans", usage->orphans);
	json_number(d, "time_wait", usage->time_wait);
	json_close_object(d);
}

static void write_tls(struct document *d, const struct tls_usage *usage)
{
	json_open_object(d, "tls");
	json_number(d, "connections", usage->connections);
	json_number(d, "handshakes", usage->handshakes);
	json_number(d, "full", usage->full);
	json_number(d, "resumed", usage->resumed);
	json_number(d, "postponed", usage->postponed);
	json_number(d, "truncated", usage->truncated);
	json_number(d, "broken", usage->broken);
	json_open_object(d, "failed");
	for (int i = 0; i < TLS_FAILURES_COUNT; i++)
		json_number(d, tls_failure_name((enum tls_failure)i), usage->failed[i]);
	json_close_object(d);
	json_close_object(d);
}

static void write_pool(struct document *d, const struct status_pool *p)
{
	json_open_object(d, p->name);
	json_number(d, "object_size", p->object_size);
	json_number(d, "in_use", p->in_use);
	json_number(d, "peak", p->peak);
	json_number(d, "limit", p->limit);
	json_number(d, "refused", p->refused);
	json_close_object(d);
}

/* Of one port; 0: those that are of all. */
static void write_pools(struct document *d, const struct status_sample *s, uint64_t port)
{
	json_open_object(d, "pools");
	for (unsigned i = 0; i < s->n_pools; i++)
		if (s->pools[i].port == port)
			write_pool(d, &s->pools[i]);
	json_close_object(d);
}

static void write_responses(struct document *d, const struct http_usage *usage)
{
	static const char *const classes[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

	json_open_object(d, "responses");
	for (size_t i = 0; i < ARRAY_LENGTH(classes); i++)
		json_number(d, classes[i], usage->responses_by_class[i]);
	json_close_object(d);
}

static void write_port(struct document *d, const struct status_sample *s, const struct status_port *port)
{
	json_open_object(d, NULL);
	json_number(d, "port", port->number);
	write_responses(d, &port->usage);
	write_numbers(d, &status_http_counters, &port->usage);
	write_numbers(d, &status_http_gauges, &port->usage);
	write_pools(d, s, port->number);
	json_close_object(d);
}

static void write_worker(struct document *d, const struct status_view *view, unsigned number)
{
	const struct status_row *row = &view->rows[number];

	json_open_object(d, NULL);
	json_number(d, "worker", number);
	json_number(d, "connections", row->connections);
	json_number(d, "requests", row->requests);
	json_number(d, "core_us", row->core_us);
	json_number(d, "handed_over", row->steering.handed_over);
	json_number(d, "taken_over", row->steering.taken_over);
	json_number(d, "handing_over_dropped", row->steering.dropped);
	json_close_object(d);
}

static void write_workers(struct document *d, const struct status_view *view)
{
	json_open_array(d, "workers");
	for (unsigned i = 0; i < view->n; i++)
		write_worker(d, view, i);
	json_close_array(d);
	json_number(d, "worker", view->worker->place.number);
	json_text(d, "steering", view->worker->config->device.steering == STEER_ADDRESS ? "address" : "flow");
}

static uint64_t number_of(const struct config_key *key, const void *field)
{
	if (key->type->size == sizeof(uint8_t))
		return *(const uint8_t *)field;
	return key->type->size == sizeof(uint32_t) ? *(const uint32_t *)field : *(const uint64_t *)field;
}

/* What is a number, or true or false. Names and paths stay between the server and who configured it. */
static void write_key(struct document *d, const struct config_key *key, const struct config *c)
{
	const void *field = (const char *)c + key->offset;

	if (key->type->scan != NULL)
		json_number(d, key->name, number_of(key, field));
	else if (key->type == &type_bool)
		json_bool(d, key->name, *(const bool *)field);
}

/* The keys of a section stand together in the table. */
static void write_limits(struct document *d, const char *section, const struct config *c)
{
	json_open_object(d, section);
	for (size_t i = 0; i < config_keys_count; i++)
		if (strcmp(config_keys[i].section, section) == 0)
			write_key(d, &config_keys[i], c);
	json_close_object(d);
}

void status_write_json(struct document *d, const struct status_view *view)
{
	const struct worker *w = view->worker;
	const struct status_sample *s = view->total;

	json_open_object(d, NULL);
	write_server(d, w);
	write_workers(d, view);
	write_device(d, view);
	for (size_t i = 0; i < status_groups_count; i++)
		write_group(d, s, &status_groups[i]);
	write_tcp_usage(d, &s->tcp);
	write_drops(d, s);
	write_tls(d, &s->tls);
	json_open_array(d, "http");
	for (unsigned i = 0; i < s->n_ports; i++)
		write_port(d, s, &s->ports[i]);
	json_close_array(d);
	write_pools(d, s, 0);
	json_open_object(d, "limits");
	write_limits(d, "tcp", w->config);
	write_limits(d, "http", w->config);
	write_limits(d, "tls", w->config);
	json_close_object(d);
	json_close_object(d);
	document_add(d, "\n", 1);
}

/* ---- connections ---- */

struct rows {
	struct document *to;
	uint32_t written, left_out, max;
};

static void write_address(struct document *d, const char *key, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT];

	json_text(d, key, ip_addr_format(addr, text));
}

static void write_windows(struct document *d, const struct tcp_info *i)
{
	json_number(d, "cwnd", i->cwnd);
	json_number(d, "ssthresh", i->ssthresh);
	json_number(d, "srtt", i->srtt_us);
	json_number(d, "rttvar", i->rttvar_us);
	json_number(d, "min_rtt", i->min_rtt_us);
	json_number(d, "rto", i->rto_us);
	json_number(d, "snd.wnd", i->snd_wnd);
	json_number(d, "rcv.wnd", i->rcv_wnd);
	json_number(d, "mss", i->mss);
	json_number(d, "pacing_rate", i->pacing_rate);
	json_number(d, "delivery_rate", i->delivery_rate);
	json_bool(d, "in_recovery", i->in_recovery);
}

/* What the handshake agreed on. */
static void write_options(struct document *d, const struct tcp_info *i)
{
	json_bool(d, "timestamps", i->timestamps);
	json_bool(d, "window_scaling", i->window_scaling);
	json_bool(d, "sack", i->sack);
	json_bool(d, "ecn", i->ecn);
}

static void write_amounts(struct document *d, const struct tcp_info *i)
{
	json_number(d, "in_flight", i->in_flight);
	json_number(d, "lost", i->lost);
	json_number(d, "sacked", i->sacked);
	json_number(d, "unsent", i->unsent);
	json_number(d, "unread", i->unread);
	json_number(d, "bytes_acked", i->bytes_acked);
	json_number(d, "bytes_received", i->bytes_received);
	json_number(d, "segs_in", i->segs_in);
	json_number(d, "segs_out", i->segs_out);
	json_number(d, "retransmissions", i->retransmissions);
}

static void write_above(struct document *d, const struct stream *lower)
{
	const struct stream *tls = tls_stream_over(lower), *s = tls != NULL ? tls : lower;
	struct stream_info info;
	uint32_t requests;

	if (http_requests_of(s, &requests))
		json_number(d, "requests", requests);
	else
		json_text(d, "requests", NULL);
	stream_info(s, &info);
	json_text(d, "tls", info.tls_version);
	json_text(d, "tls_cipher", info.tls_cipher);
	json_bool(d, "tls_resumed", info.tls_resumed);
}

static void write_row(void *context, const struct tcp_conn *c)
{
	struct rows *rows = context;
	struct document *d = rows->to;
	struct tcp_info info;

	if (rows->written == rows->max || document_left(d) < ROW_BYTES) {
		rows->left_out++;
		return;
	}
	rows->written++;
	tcp_conn_info(c, &info);
	json_open_object(d, NULL);
	json_number(d, "id", info.id);
	write_address(d, "local", &info.local);
	json_number(d, "local_port", info.local_port);
	write_address(d, "remote", &info.remote);
	json_number(d, "remote_port", info.remote_port);
	json_text(d, "state", tcp_state_name(info.state));
	json_text(d, "congestion", info.congestion);
	write_options(d, &info);
	write_windows(d, &info);
	write_amounts(d, &info);
	write_above(d, tcp_stream_of_conn(c));
	json_close_object(d);
}

static bool write_time_wait(void *context, const struct tcp_time_wait *record)
{
	struct rows *rows = context;
	struct document *d = rows->to;

	if (rows->written == rows->max || document_left(d) < ROW_BYTES + TIME_WAIT_BYTES)
		return false;
	rows->written++;
	json_open_object(d, NULL);
	write_address(d, "local", &record->local);
	json_number(d, "local_port", record->local_port);
	write_address(d, "remote", &record->remote);
	json_number(d, "remote_port", record->remote_port);
	json_number(d, "expires_in_us", record->expires_us);
	json_close_object(d);
	return true;
}

/* So that whoever asks finds their own row. */
static void write_asker(struct document *d, const struct http_call *call)
{
	json_open_object(d, "you");
	write_address(d, "remote", &call->client);
	json_number(d, "remote_port", call->client_port);
	json_number(d, "local_port", call->server_port);
	json_close_object(d);
}

static uint32_t write_time_waits(struct document *d, const struct worker *w, uint32_t max)
{
	struct rows rows = { .to = d, .max = min_u32(max, STATUS_TIME_WAITS) };

	tcp_each_time_wait(w->host.stack->tcp, write_time_wait, &rows);
	return rows.left_out;
}

static uint32_t write_connections(struct document *d, const struct worker *w, uint32_t max)
{
	struct rows rows = { .to = d, .max = max };

	tcp_each(w->host.stack->tcp, write_row, &rows);
	return rows.left_out;
}

void status_write_rows(struct status_connections *rows, const struct worker *w)
{
	write_time_waits(rows->time_waits, w, rows->max);
	rows->left_out = write_connections(rows->connections, w, rows->max);
}

void status_write_connections(struct document *d, const struct status_view *view,
			      const struct http_call *call, const struct status_connections *others,
			      unsigned n, uint32_t max_rows)
{
	uint32_t left_out = 0;

	json_open_object(d, NULL);
	write_asker(d, call);
	write_tcp_usage(d, &view->total->tcp);
	json_open_array(d, "time_wait");
	for (unsigned i = 0; i < n; i++)
		json_values(d, others[i].time_waits);
	write_time_waits(d, view->worker, max_rows);
	json_close_array(d);
	json_open_array(d, "connections");
	for (unsigned i = 0; i < n; i++) {
		json_values(d, others[i].connections);
		left_out += others[i].left_out;
	}
	left_out += write_connections(d, view->worker, max_rows);
	json_close_array(d);
	json_bool(d, "truncated", left_out > 0);
	json_close_object(d);
	document_add(d, "\n", 1);
}
