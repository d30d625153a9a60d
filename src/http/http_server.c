/* The server instance: made, asked, drained, freed. */
#include "http/http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_admission.h"
#include "http/http_retire.h"

#define SECONDS(n) ((n)*UINT64_C(1000000))

static const char default_mime_types[] = "/etc/mime.types";

void http_config_default(struct http_config *c)
{
	*c = (struct http_config){
		.keepalive_timeout_us = SECONDS(75),
		.header_timeout_us = SECONDS(10),
		.body_timeout_us = SECONDS(30),
		.answer_timeout_us = SECONDS(60),
		.send_timeout_us = SECONDS(60),
		.min_body_rate = 240,
		.min_send_rate = 240,
		.linger_timeout_us = SECONDS(30),
		.linger_bytes = 64 << 20,
		.keepalive_requests = 1000,
		.keepalive_time_us = SECONDS(3600),
		.max_uri = 8 << 10,
		.max_headers = 32 << 10,
		.max_header_count = 100,
		.max_body = 2 << 20,
		.max_connections = 65536,
		.max_connections_per_address = 4096,
		.max_requests = 8192,
		.server_header = true,
		.mime_types = default_mime_types,
		.cache_entries = 1024,
		.cache_bytes = 64 << 20,
		.cache_max_file = 1 << 20,
		.cache_max_warm_file = 16 << 20,
		.cache_revalidate_us = SECONDS(1),
		.cache_watches = 1024,
		.compress_min = 512,
		.gzip_level = 5,
		.brotli_level = 7,
		.file_buffer_bytes = 128 << 10,
		.file_buffers = 512,
	};
}

static int check_config(const struct http_config *c, struct failure *why)
{
	const struct {
		const char *name;
		uint64_t value, least, most;
	} limits[] = {
		{ "max_uri", c->max_uri, 1, 1 << 20 },
		{ "max_headers", c->max_headers, 64, 1 << 20 },
		{ "max_header_count", c->max_header_count, 1, 10000 },
		{ "max_connections", c->max_connections, 1, UINT32_MAX },
		{ "max_connections_per_address", c->max_connections_per_address, 1, UINT32_MAX },
		{ "max_requests", c->max_requests, 1, UINT32_MAX },
		{ "keepalive_requests", c->keepalive_requests, 1, UINT32_MAX },
		{ "file_buffer_bytes", c->file_buffer_bytes, 4096, 16 << 20 },
		{ "file_buffers", c->file_buffers, 1, UINT32_MAX },
		{ "gzip_level", c->gzip_level, 1, 9 },
		{ "brotli_level", c->brotli_level, 0, 11 },
		{ "cache_entries", c->cache_entries, 0, 1 << 24 },
		{ "keepalive_timeout", c->keepalive_timeout_us, 0, UINT64_C(1) << 60 },
		{ "keepalive_time", c->keepalive_time_us, 0, UINT64_C(1) << 51 },
		{ "header_timeout", c->header_timeout_us, 0, UINT64_C(1) << 60 },
		{ "body_timeout", c->body_timeout_us, 0, UINT64_C(1) << 60 },
		{ "answer_timeout", c->answer_timeout_us, 0, UINT64_C(1) << 60 },
		{ "send_timeout", c->send_timeout_us, 0, UINT64_C(1) << 60 },
		{ "min_body_rate", c->min_body_rate, 0, 32 << 10 },
		{ "min_send_rate", c->min_send_rate, 0, 32 << 10 },
		{ "linger_timeout", c->linger_timeout_us, 0, UINT64_C(1) << 60 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(limits); i++)
		if (limits[i].value < limits[i].least || limits[i].value > limits[i].most)
			return failure_set(why, -EINVAL, "http: %s is %llu; it must be between %llu and %llu",
					   limits[i].name, (unsigned long long)limits[i].value,
					   (unsigned long long)limits[i].least,
					   (unsigned long long)limits[i].most);
	return 0;
}

static int load_types(struct http_server *s, const char *path, struct failure *why)
{
	int error = *path != '\0' ? http_mime_file_load(&s->sites.types, path) : 0;

	if (error == 0 || (error == -ENOENT && strcmp(path, default_mime_types) == 0))
		return 0;
	return failure_set(why, error, "cannot read the media types in \"%s\": %s", path, strerror(-error));
}

/* ---- memory that outlives the server ---- */

/* The last span into this memory is gone. */
static void free_memory(struct span_owner *keeper)
{
	struct http_server *s = CONTAINER_OF(keeper, struct http_server, keeper);

	http_clock_fini(&s->clock);
	http_cache_fini(&s->cache);
	http_buffers_fini(&s->buffers);
	free(s);
}

/* ---- waking ---- */

void http_server_wake(struct http_server *s)
{
	if (!timer_is_set(&s->wake))
		timer_set(&s->world->timers, &s->wake, s->world->now_us);
}

static void on_buffer_returned(void *context)
{
	struct http_server *s = context;

	if (!s->closed && s->queues[HTTP_CONN_STARVED].count > 0)
		http_server_wake(s);
}

static bool has_request(const struct http_server *s)
{
	return s->exchanges.in_use < s->exchanges.limit;
}

static struct http_conn *first_in(const struct http_server *s, enum http_conn_state state)
{
	struct http_queue_node *n = http_queue_first(&s->queues[state]);

	return n != NULL ? http_conn_of(n) : NULL;
}

/* In turn, those that wait longest first, and each once at most. Who is answered
 * then goes over to a successor. */
static void on_wake(struct timer *t, uint64_t now_us)
{
	struct http_server *s = CONTAINER_OF(t, struct http_server, wake);
	uint32_t waiting = s->queues[HTTP_CONN_WAITING].count, starved = s->queues[HTTP_CONN_STARVED].count;
	struct http_conn *c;

	(void)now_us;
	while (waiting-- > 0 && has_request(s) && (c = first_in(s, HTTP_CONN_WAITING)) != NULL)
		http_conn_wake(c);
	while (starved-- > 0 && http_buffers_has_any(&s->buffers) &&
	       (c = first_in(s, HTTP_CONN_STARVED)) != NULL)
		http_conn_wake(c);
	if (s->successor != NULL)
		http_retire_move(s);
}

/* ---- life ---- */

static void init_queues(struct http_server *s)
{
	const struct http_config *c = &s->config;
	const uint64_t timeouts[HTTP_CONN_STATES] = {
		[HTTP_CONN_FRESH] = c->header_timeout_us,   [HTTP_CONN_IDLE] = c->keepalive_timeout_us,
		[HTTP_CONN_HEAD] = c->header_timeout_us,    [HTTP_CONN_BODY] = c->body_timeout_us,
		[HTTP_CONN_STALLED] = c->body_timeout_us,   [HTTP_CONN_AWAITING] = c->answer_timeout_us,
		[HTTP_CONN_SENDING] = c->send_timeout_us,   [HTTP_CONN_STARVED] = c->send_timeout_us,
		[HTTP_CONN_WAITING] = c->header_timeout_us, [HTTP_CONN_LINGER] = c->linger_timeout_us,
	};

	for (int i = 0; i < HTTP_CONN_STATES; i++)
		http_queue_init(&s->queues[i], s->world, timeouts[i], http_conn_expire);
	timer_init(&s->wake, on_wake);
}

static void init_pools(struct http_server *s)
{
	const struct http_config *c = &s->config;
	const struct http_limits limits = {
		.max_uri = c->max_uri,
		.max_headers = c->max_headers,
		.max_header_count = c->max_header_count,
		.max_body = s->sites.max_body,
	};

	http_parser_pool_init(&s->parsers, &limits, c->max_requests);
	pool_init(&s->exchanges, "http_exchange", sizeof(struct http_exchange), c->max_requests);
	pool_init(&s->conns, "http_connection", sizeof(struct http_conn), c->max_connections);
	http_buffers_init(&s->buffers, c->file_buffer_bytes, c->file_buffers, c->max_requests, &s->keeper,
			  on_buffer_returned, s);
}

/* What needs memory at once. */
static int init_shared(struct http_server *s)
{
	const struct http_cache_limits limits = {
		.max_entries = s->config.cache_entries,
		.max_bytes = s->config.cache_bytes,
		.max_file = s->config.cache_max_file,
		.revalidate_us = s->config.cache_revalidate_us,
		.max_watches = s->config.cache_watches,
	};
	int clock_error = http_clock_init(&s->clock, s->world, s->hooks.wall_us, s->hooks.context,
					  s->config.server_header, &s->keeper);
	int cache_error = http_cache_init(&s->cache, &limits, &s->sites, s->world, &s->clock, &s->keeper);
	int admission_error = http_admission_init(s);

	s->cache.compressor = (struct http_compressor){
		.offload = s->hooks.offload,
		.min_size = s->config.compress_min,
		.levels = {
			[HTTP_CODING_GZIP] = s->config.gzip_level,
			[HTTP_CODING_BR] = s->config.brotli_level,
		},
	};
	s->cache.warmer = (struct http_warmer){
		.offload = s->hooks.offload,
		.max_file = s->config.cache_max_warm_file,
	};
	s->pages = http_pages_new(&s->keeper);
	s->router = (struct http_router){
		.sites = &s->sites,
		.buffers = &s->buffers,
		.files = {
			.cache = &s->cache,
			.clock = &s->clock,
			.buffers = &s->buffers,
			.random = &s->world->random,
		},
	};
	return clock_error != 0 || cache_error != 0 || admission_error != 0 || s->pages == NULL ? -ENOMEM : 0;
}

int http_server_new(const struct http_config *config, const struct http_site *sites, size_t n_sites,
		    struct world *w, const struct http_hooks *hooks, struct http_server **out,
		    struct failure *why)
{
	struct http_server *s;
	int error = check_config(config, why);

	if (error != 0)
		return error;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return failure_set(why, -ENOMEM, "no memory for the HTTP server");
	s->guards = (struct http_guards){
		.world = w,
		.offload = hooks != NULL ? hooks->offload : NULL,
		.usage = &s->usage,
	};
	error = http_sites_open(&s->sites, config, sites, n_sites, &s->guards, why);
	if (error == 0)
		error = load_types(s, config->mime_types, why);
	if (error != 0) {
		http_sites_close(&s->sites);
		free(s);
		return error;
	}
	span_owner_init(&s->keeper, free_memory);
	s->config = *config;
	if (hooks != NULL)
		s->hooks = *hooks;
	s->world = w;
	init_queues(s);
	init_pools(s);
	error = init_shared(s);
	if (error != 0) {
		http_server_free(s);
		return failure_set(why, error, "no memory for the HTTP server");
	}
	*out = s;
	return 0;
}

int http_check_roots(const struct http_server *s, struct failure *why)
{
	return http_sites_check(&s->sites, why);
}

void http_abort_all(struct http_server *s)
{
	struct http_conn *c;

	for (int i = 0; i < HTTP_CONN_STATES; i++)
		while ((c = first_in(s, (enum http_conn_state)i)) != NULL)
			http_conn_abort(c);
}

void http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	s->closed = true;
	http_abort_all(s);
	for (int i = 0; i < HTTP_CONN_STATES; i++)
		http_queue_fini(&s->queues[i]);
	timer_cancel(&s->world->timers, &s->wake);
	pool_fini(&s->conns);
	http_admission_fini(s);
	pool_fini(&s->exchanges);
	http_parser_pool_fini(&s->parsers);
	http_cache_close(&s->cache);
	if (s->pages != NULL)
		span_owner_unref(&s->pages->owner);
	http_clock_close(&s->clock);
	http_sites_close(&s->sites);
	span_owner_unref(&s->keeper);
}

void http_serve(struct http_server *s, struct stream *stream)
{
	if (s->draining) {
		s->usage.refused_connections++;
		stream_abort(stream);
		return;
	}
	http_conn_open(s, stream);
}

bool http_drain(struct http_server *s)
{
	struct http_conn *c;

	s->draining = true;
	while ((c = first_in(s, HTTP_CONN_FRESH)) != NULL || (c = first_in(s, HTTP_CONN_IDLE)) != NULL)
		http_conn_close(c);
	return http_is_deserted(s);
}

bool http_is_deserted(const struct http_server *s)
{
	return s->conns.in_use == 0;
}

int http_look_fd(const struct http_server *s)
{
	return s->cache.watch.fd;
}

void http_look(struct http_server *s)
{
	http_cache_look(&s->cache);
}

void http_usage(const struct http_server *s, struct http_usage *out)
{
	*out = s->usage;
	out->idle = s->queues[HTTP_CONN_FRESH].count + s->queues[HTTP_CONN_IDLE].count;
	out->busy = s->conns.in_use - out->idle;
	out->cache_hits += s->cache.hits;
	out->cache_misses += s->cache.misses;
	out->cache_negative_hits += s->cache.negative_hits;
	out->cache_watch_events += s->cache.watch.events;
	out->cache_compressed += s->cache.compressor.made;
	out->cache_compressed_saved += s->cache.compressor.saved;
	out->cache_warmed += s->cache.warmer.warmed;
	out->cache_watches = s->cache.watch.count;
	out->cache_bytes = s->cache.bytes;
	out->cache_entries = s->cache.entries;
}

void http_each_pool(const struct http_server *s, pool_visit_fn *visit, void *context)
{
	const struct pool *const pools[] = {
		&s->conns,          &s->clients.pool,  &s->exchanges,    &s->parsers.requests,
		&s->parsers.stores, &s->buffers.large, &s->buffers.slow, &s->buffers.medium,
		&s->buffers.small,  &s->clock.blocks,
	};

	for (size_t i = 0; i < ARRAY_LENGTH(pools); i++)
		visit(context, pools[i]);
}
