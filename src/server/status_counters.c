/* The counters of all rooms, taken from the lists that declare them: one that is added there is shown
 * here. */
#include "server/status.h"

#include <string.h>

#include "link/arp.h"
#include "link/visitors.h"

#define COUNTER(object, field, name) { name, #field, NULL, offsetof(struct object, field) }
#define HTTP(field, metric, help) { #field, metric, help, offsetof(struct http_usage, field) }

static const struct status_counter device_counters[] = {
#define X(field) COUNTER(device_stats, field, #field),
	DEVICE_COUNTERS(X)
#undef X
};

static const struct status_counter arp_counters[] = {
#define X(field) COUNTER(arp_stats, field, #field),
	ARP_COUNTERS(X)
#undef X
};

static const struct status_counter ip_counters[] = {
#define X(field, name) COUNTER(ip_stats, field, name),
	IP_COUNTERS(X)
#undef X
};

/* The fields begin with icmp_, which the group says already. */
static const struct status_counter icmp_counters[] = {
#define X(field, name) { name, &#field[sizeof "icmp_" - 1], NULL, offsetof(struct ip_stats, field) },
	ICMP_COUNTERS(X)
#undef X
};

static const struct status_counter tcp_counter_list[] = {
#define X(field, name) COUNTER(tcp_counters, field, name),
	TCP_COUNTERS(X)
#undef X
};

static const struct status_counter http_counters[] = {
	HTTP(requests, "requests", "Requests finished."),
	HTTP(request_waits, "request_waits", "Times that a connection waited for memory to read a request."),
	HTTP(buffer_waits, "buffer_waits", "Times that a response waited for a file buffer."),
	HTTP(aborted, "aborted", "Connections that we reset: file changed, no memory, peer not reading."),
	HTTP(upgraded, "upgraded", "Connections that went over to another protocol, such as WebSocket."),
	HTTP(timed_out, "timed_out", "Connections given up by a timer, idle ones included."),
	HTTP(refused_connections, "refused_connections", "Connections beyond max_connections."),
	HTTP(refused_by_address, "refused_by_address", "Connections beyond max_connections_per_address."),
	HTTP(rate_limited, "rate_limited", "Requests answered with 429: more than their rate."),
	HTTP(auth_failures, "auth_failures", "Attempts with a wrong name or password."),
	HTTP(auth_limited, "auth_limited", "Attempts answered with 429: more than auth_rate."),
	HTTP(made_room, "made_room", "Idle connections closed because max_connections was reached."),
	HTTP(cache_hits, "cache_hits", "Files found in the cache."),
	HTTP(cache_misses, "cache_misses", "Files that had to be opened."),
	HTTP(cache_negative_hits, "cache_negative_hits", "Times that a file was known not to be there."),
	HTTP(cache_watch_events, "cache_watch_events", "Changes told by watched directories."),
	HTTP(cache_compressed, "cache_compressed", "Files in the cache of which a compressed one was made."),
	HTTP(cache_compressed_saved, "cache_compressed_saved_bytes", "Bytes by which these are smaller."),
	HTTP(cache_warmed, "cache_warmed", "Large files read into memory because they were asked for again."),
};

static const struct status_counter http_gauges[] = {
	HTTP(idle, "idle_connections", "Connections between two requests now."),
	HTTP(busy, "busy_connections", "Connections with a request under way now."),
	HTTP(cache_entries, "cache_entries", "Files kept in the cache now."),
	HTTP(cache_bytes, "cache_bytes", "Memory that the cache takes up now."),
	HTTP(cache_watches, "cache_watches", "Directories that are watched for changes now."),
};

#define WEBSOCKET(field, help) { #field, #field, help, offsetof(struct ws_usage, field) }
static const struct status_counter websocket_counters[] = {
	WEBSOCKET(opened, "WebSocket connections opened."),
	WEBSOCKET(refused, "Handshakes refused."),
	WEBSOCKET(messages_in, "Messages received."),
	WEBSOCKET(messages_out, "Messages sent."),
	WEBSOCKET(bytes_in, "Bytes of messages received, expanded."),
	WEBSOCKET(bytes_out, "Bytes of messages sent, before they were compressed."),
	WEBSOCKET(compressed_in, "Messages received that were compressed."),
	WEBSOCKET(compressed_out, "Messages sent that were compressed."),
	WEBSOCKET(dropped, "Messages dropped because their client did not read, or for want of memory."),
	WEBSOCKET(closed_slow, "Connections closed because their client did not read."),
	WEBSOCKET(closed_dead, "Connections given up because a ping was not answered."),
	WEBSOCKET(closed_invalid, "Connections closed for what their client sent."),
	WEBSOCKET(closed_big, "Connections closed for a message that was too big."),
	WEBSOCKET(closed_full, "Connections closed for want of memory for their message."),
};

#define WIRES(name, field, help) { name, name, help, offsetof(struct visitors_counters, field) }
static const struct status_counter wire_counters[] = {
	WIRES("rx_lost", rx.lost, "Frames to us lost on a client's own wire."),
	WIRES("rx_corrupted", rx.corrupted, "Frames to us damaged on one."),
	WIRES("rx_queue_full", rx.queue_full, "Frames to us for which one had no room."),
	WIRES("tx_lost", tx.lost, "Frames from us lost on one."),
	WIRES("tx_corrupted", tx.corrupted, "Frames from us damaged on one."),
	WIRES("tx_queue_full", tx.queue_full, "Frames from us for which one had no room."),
	WIRES("dropped", dropped, "Frames lost because drop_next asked for it."),
	WIRES("refused", refused, "Wires refused: so many there were, or for want of memory."),
};

static const struct status_counter log_counters[] = {
	COUNTER(log_file, lines, "lines"),
	COUNTER(log_file, lost, "lost"),
};

static const struct status_counter reload_counters[] = {
	COUNTER(worker_reloads, done, "done"),
	COUNTER(worker_reloads, refused, "refused"),
	COUNTER(worker_reloads, cut_off, "cut_off"),
};

static const void *device_base(const struct worker *w)
{
	return &w->host.port->stats;
}

static const void *arp_base(const struct worker *w)
{
	return &w->host.stack->link.arp->stats;
}

static const void *ip_base(const struct worker *w)
{
	return &w->host.stack->ip.stats;
}

static const void *tcp_base(const struct worker *w)
{
	return tcp_counters(w->host.stack->tcp);
}

static const void *reload_base(const struct worker *w)
{
	return &w->reloads;
}

static const void *websocket_base(const struct worker *w)
{
	return ws_server_usage(w->websockets);
}

static const void *wire_base(const struct worker *w)
{
	return visitors_counters(w->host.device);
}

static const void *log_base(const struct worker *w)
{
	return &w->access.file;
}

const struct status_group status_groups[] = {
	{ "device", NULL, device_counters, ARRAY_LENGTH(device_counters), device_base },
	{ "arp", NULL, arp_counters, ARRAY_LENGTH(arp_counters), arp_base },
	{ "ip", "/proc/net/snmp", ip_counters, ARRAY_LENGTH(ip_counters), ip_base },
	{ "icmp", "/proc/net/snmp", icmp_counters, ARRAY_LENGTH(icmp_counters), ip_base },
	{ "tcp", "/proc/net/snmp or netstat", tcp_counter_list, ARRAY_LENGTH(tcp_counter_list), tcp_base },
	{ "reload", NULL, reload_counters, ARRAY_LENGTH(reload_counters), reload_base },
	{ "websocket", NULL, websocket_counters, ARRAY_LENGTH(websocket_counters), websocket_base },
	{ "wire", NULL, wire_counters, ARRAY_LENGTH(wire_counters), wire_base },
	{ "log", NULL, log_counters, ARRAY_LENGTH(log_counters), log_base },
};
const size_t status_groups_count = ARRAY_LENGTH(status_groups);

const struct status_group status_http_counters = { "http", NULL, http_counters,
						     ARRAY_LENGTH(http_counters), NULL };
const struct status_group status_http_gauges = { "http", NULL, http_gauges, ARRAY_LENGTH(http_gauges), NULL };

uint64_t status_value(const struct status_counter *c, const void *base)
{
	uint64_t value;

	memcpy(&value, (const char *)base + c->offset, sizeof value);
	return value;
}

const uint64_t *status_values(const struct status_sample *s, const struct status_group *g)
{
	const uint64_t *values = s->counters;

	for (const struct status_group *before = status_groups; before < g; before++)
		values += before->n;
	return values;
}
