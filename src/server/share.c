/* Which limits are shared. */
#include "server/share.h"

struct tcp_config share_tcp(const struct tcp_config *c, unsigned n)
{
	struct tcp_config share = *c;

	share.max_connections = share_count(c->max_connections, n);
	share.syn_backlog = share_count(c->syn_backlog, n);
	share.accept_backlog = share_count(c->accept_backlog, n);
	share.max_time_wait = share_count(c->max_time_wait, n);
	share.fast_open_backlog = share_count(c->fast_open_backlog, n);
	share.max_orphans = share_count(c->max_orphans, n);
	share.memory = (c->memory + n - 1) / n;
	return share;
}

/* Each has a cache of its own; what it keeps is shared, so that the memory of all is what was allowed. */
struct http_config share_http(const struct http_config *c, unsigned n)
{
	struct http_config share = *c;

	share.max_connections = share_count(c->max_connections, n);
	share.max_requests = share_count(c->max_requests, n);
	share.cache_entries = share_count(c->cache_entries, n);
	share.cache_bytes = (c->cache_bytes + n - 1) / n;
	share.cache_watches = share_count(c->cache_watches, n);
	share.file_buffers = share_count(c->file_buffers, n);
	return share;
}

struct tls_config share_tls(const struct tls_config *c, unsigned n)
{
	struct tls_config share = *c;

	share.max_connections = share_count(c->max_connections, n);
	share.max_handshakes = share_count(c->max_handshakes, n);
	share.buffers = share_count(c->buffers, n);
	return share;
}
