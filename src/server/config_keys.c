/* The table of configuration keys, and what a mistyped key was meant to be. */
#include "server/config_keys.h"

#include <string.h>

#include "server/config_types.h"

#define MS (uint64_t)1000
#define S (1000 * MS)
#define M (60 * S)
#define H (60 * M)
#define D (24 * H)
#define KB (uint64_t)1024
#define MB (1024 * KB)
#define GB (1024 * MB)

#define IN(object, field) offsetof(struct object, field)
#define TOP(key, kind, low, high) { "", #key, &type_##kind, IN(config, key), low, high }
#define TOP_US(key, kind, low, high) { "", #key, &type_##kind, IN(config, key##_us), low, high }
#define DEVICE(key, kind) { "device", #key, &type_##kind, IN(config, device.key), 0, 0 }
#define TCP(key, kind, low, high) { "tcp", #key, &type_##kind, IN(config, tcp.key), low, high }
#define TCP_US(key, kind, low, high) { "tcp", #key, &type_##kind, IN(config, tcp.key##_us), low, high }
#define HTTP(key, kind, low, high) { "http", #key, &type_##kind, IN(config, http.key), low, high }
#define HTTP_US(key, kind, low, high) { "http", #key, &type_##kind, IN(config, http.key##_us), low, high }
#define TLS(key, kind, low, high) { "tls", #key, &type_##kind, IN(config, tls.limits.key), low, high }
#define TLS_US(key, kind, low, high) { "tls", #key, &type_##kind, IN(config, tls.limits.key##_us), low, high }
#define LOG(key, kind) { "log", #key, &type_##kind, IN(config, log.key), 0, 0 }
#define SITE_TLS(key, kind) { "site", #key, &type_##kind, IN(config_site, tls.key), 0, 0 }
#define SITE(key, kind) { "site", #key, &type_##kind, IN(config_site, key), 0, 0 }
/* A site has it, and a location may override it. */
#define POLICY(key, kind, low, high) \
	{ "site", #key, &type_##kind, IN(config_site, policy.key), low, high }, \
	{ "location", #key, &type_##kind, IN(config_location, policy.key), low, high }
#define POLICY_US(key, kind, low, high) \
	{ "site", #key, &type_##kind, IN(config_site, policy.key##_us), low, high }, \
	{ "location", #key, &type_##kind, IN(config_location, policy.key##_us), low, high }
#define LOCATION(key, kind, low, high) { "location", #key, &type_##kind, IN(config_location, key), low, high }
#define LOCATION_US(key, kind, low, high) \
	{ "location", #key, &type_##kind, IN(config_location, key##_us), low, high }
#define UPLOAD(key, kind, low, high) \
	{ "location", "upload_" #key, &type_##kind, IN(config_location, upload_limits.key), low, high }

#define WEBSOCKET(key, kind, low, high) \
	{ "location", "websocket_" #key, &type_##kind, IN(config_location, websocket_config.key), low, high }
#define WEBSOCKET_US(key, low, high) \
	{ "location", "websocket_" #key, &type_time, IN(config_location, websocket_config.key##_us), \
	  low, high }

const struct config_key config_keys[] = {
	TOP(workers, count32, 1, STEER_QUEUES),
	TOP(cpu_affinity, bool, 0, 0),
	TOP(user, text, 0, 0),
	TOP_US(drain_timeout, time, 0, 1 * H),

	DEVICE(address, prefixes),
	DEVICE(gateway, addresses),
	DEVICE(host_address, optional_prefix),
	DEVICE(mac, mac),
	DEVICE(impair, impair),
	DEVICE(napi, bool),
	DEVICE(steering, steering),
	DEVICE(pcap, output_file),

	TCP(congestion, congestion, 0, 0),
	TCP(max_connections, count32, 1, 1 << 24),
	TCP(syn_backlog, count32, 1, 1 << 24),
	TCP(accept_backlog, count32, 1, 1 << 20),
	TCP(max_time_wait, count32, 1, 1 << 24),
	TCP(synack_retries, count8, 0, 15),
	TCP(syn_cookies, syn_cookies, 0, 0),
	TCP(fast_open, bool, 0, 0),
	TCP(fast_open_backlog, count32, 1, 1 << 20),
	TCP_US(fast_open_key_lifetime, time, 1 * M, 30 * D),
	TCP_US(syn_timeout, time, 1 * S, 1 * H),
	TCP_US(msl, time, 1 * MS, 5 * M),
	TCP_US(user_timeout, time, 1 * S, 30 * D),
	TCP(user_timeout_option, bool, 0, 0),
	TCP_US(user_timeout_max, time, 1 * S, 30 * D),
	TCP_US(fin_wait_2_timeout, time, 1 * S, 1 * D),
	TCP(max_orphans, count32, 1, 1 << 24),
	TCP_US(orphan_timeout, time, 1 * S, 1 * D),
	TCP_US(delayed_ack, time, 0, 500 * MS),
	{ "tcp", "keepalive", &type_bool, IN(config, tcp_keepalive), 0, 0 },
	TCP_US(keepalive_idle, time, 1 * S, 30 * D),
	TCP_US(keepalive_interval, time, 1 * S, 1 * D),
	TCP(keepalive_probes, count8, 1, 127),
	TCP(send_buffer, size32, 4 * KB, 1 * GB),
	TCP(send_buffer_max, size32, 4 * KB, 1 * GB),
	TCP(receive_buffer, size32, 4 * KB, 1 * GB),
	TCP(receive_buffer_max, size32, 4 * KB, 1 * GB),
	TCP(memory, size, 64 * KB, 1024 * GB),
	TCP_US(min_rto, time32, 1 * MS, 1 * M),
	TCP_US(initial_rto, time32, 1 * MS, 1 * M),
	TCP_US(max_rto, time32, 1 * S, 1 * H),
	TCP(ttl, count8, 1, 255),
	TCP(tos, count8, 0, 255),
	TCP(timestamps, bool, 0, 0),
	TCP(window_scaling, bool, 0, 0),
	TCP(sack, bool, 0, 0),
	TCP(frto, bool, 0, 0),
	TCP(pacing, bool, 0, 0),
	TCP(ecn, ecn, 0, 0),
	TCP(mtu_probing, mtu_probing, 0, 0),

	HTTP_US(keepalive_timeout, time, 0, 1 * D),
	HTTP_US(header_timeout, time, 1 * MS, 1 * D),
	HTTP_US(body_timeout, time, 1 * MS, 1 * D),
	HTTP_US(answer_timeout, time, 1 * MS, 1 * D),
	HTTP_US(send_timeout, time, 1 * MS, 1 * D),
	HTTP(min_body_rate, size32, 0, 32 * KB),
	HTTP(min_send_rate, size32, 0, 32 * KB),
	HTTP_US(linger_timeout, time, 0, 1 * H),
	HTTP(linger_bytes, size, 0, 1 * GB),
	HTTP(keepalive_requests, count32, 1, UINT32_MAX),
	HTTP_US(keepalive_time, time, 0, 30 * D),
	HTTP(max_uri, size32, 64, 1 * MB),
	HTTP(max_headers, size32, 64, 1 * MB),
	HTTP(max_header_count, count32, 1, 10000),
	HTTP(max_body, size, 0, 1024 * GB),
	HTTP(max_connections, count32, 1, 1 << 24),
	HTTP(max_connections_per_address, count32, 1, 1 << 24),
	HTTP(max_requests, count32, 1, 1 << 20),
	HTTP(server_header, bool, 0, 0),
	HTTP(strict_hosts, bool, 0, 0),
	HTTP(mime_types, optional_file, 0, 0),
	HTTP(cache_entries, count32, 0, 1 << 24),
	HTTP(cache_bytes, size, 0, 1024 * GB),
	HTTP(cache_max_file, size, 0, 1 * GB),
	HTTP(cache_max_warm_file, size, 0, 1 * GB),
	HTTP_US(cache_revalidate, time, 0, 1 * D),
	HTTP(cache_watches, count32, 0, 1 << 20),
	HTTP(compress_min, size, 1, 1 * GB),
	HTTP(gzip_level, count8, 1, 9),
	HTTP(brotli_level, count8, 0, 11),
	HTTP(file_buffer_bytes, size32, 4 * KB, 16 * MB),
	HTTP(file_buffers, count32, 1, 1 << 20),

	TLS_US(handshake_timeout, time, 1 * MS, 10 * M),
	TLS_US(linger_timeout, time, 0, 1 * H),
	TLS(max_connections, count32, 1, 1 << 24),
	TLS(max_handshakes, count32, 1, 1 << 20),
	TLS(handshakes_per_turn, count32, 1, 1 << 16),
	TLS(buffers, count32, 16, 1 << 20),
	TLS_US(ticket_lifetime, time, 1 * S, 7 * D),
	TLS_US(ticket_rotation, time, 1 * M, 30 * D),
	{ "tls", "ticket_keys", &type_optional_file, IN(config, tls.ticket_keys), 0, 0 },
	{ "tls", "key_log", &type_output_file, IN(config, tls.key_log), 0, 0 },
	{ "tls", "capture_secrets", &type_bool, IN(config, tls.capture_secrets), 0, 0 },
	{ "tls", "reload", &type_time, IN(config, tls.reload_us), 0, 1 * D },

	LOG(access, log),
	LOG(format, access_format),
	LOG(error, log),
	LOG(level, level),

	SITE(listen, ports),
	SITE(root, directory),
	SITE(hosts, hosts),
	SITE(rewrite, rewrites),
	SITE(congestion, site_congestion),
	{ "site", "syn_backlog", &type_count32, IN(config_site, syn_backlog), 0, 1 << 24 },
	SITE(listen_tls, ports),
	SITE_TLS(certificate, files),
	SITE_TLS(key, files),
	SITE_TLS(ocsp_staple, files),
	SITE_TLS(self_signed, bool),
	SITE_TLS(client_certificates, client_certificates),
	SITE_TLS(client_ca, optional_file),
	{ "site", "hsts", &type_time, IN(config_site, tls.hsts_us), 0, 3650 * D },
	SITE(https_redirect, bool),

	POLICY(index, texts, 0, 0),
	POLICY(clean_urls, bool, 0, 0),
	POLICY(fallback, site_file, 0, 0),
	POLICY(try_files, tries, 0, 0),
	POLICY(redirect, redirects, 0, 0),
	POLICY(error_page, error_pages, 0, 0),
	POLICY(listing, bool, 0, 0),
	POLICY(follow_symlinks, bool, 0, 0),
	POLICY(precompressed, bool, 0, 0),
	POLICY(cache_control, cache_controls, 0, 0),
	POLICY(compress, bool, 0, 0),
	POLICY(compress_types, media_types, 0, 0),
	POLICY(header, headers, 0, 0),
	POLICY(cors_origins, origins, 0, 0),
	POLICY(cors_methods, cors_names, 0, 0),
	POLICY(cors_headers, cors_names, 0, 0),
	POLICY(cors_expose, cors_names, 0, 0),
	POLICY(cors_credentials, bool, 0, 0),
	POLICY_US(cors_max_age, time, 0, 1 * D),
	POLICY(max_body, size, 0, 1024 * GB),
	POLICY(rate, rate, 0, 0),
	POLICY(auth, realm, 0, 0),
	POLICY(users, users, 0, 0),
	POLICY(auth_rate, rate, 0, 0),
	POLICY(allow, networks, 0, 0),
	POLICY(deny, networks, 0, 0),

	LOCATION(status, bool, 0, 0),
	LOCATION(wire, bool, 0, 0),
	LOCATION(demo, bool, 0, 0),
	LOCATION(echo, echo, 0, 0),
	LOCATION(form, output_file, 0, 0),
	LOCATION(form_redirect, text, 0, 0),
	LOCATION(form_honeypot, text, 0, 0),
	LOCATION(form_max_body, size, 1, 16 * MB),
	LOCATION(form_max_file, size, 1, 1024 * GB),
	LOCATION(form_fsync, bool, 0, 0),
	LOCATION(upload, optional_directory, 0, 0),
	LOCATION(upload_redirect, text, 0, 0),
	LOCATION(upload_max_body, size, 1, 1024 * GB),
	UPLOAD(max_file, size, 1, 1024 * GB),
	UPLOAD(max_files, count32, 1, UPLOAD_FILES),
	UPLOAD(max_total, size, 1, 1024 * GB),
	UPLOAD(numbers, bool, 0, 0),
	UPLOAD(fsync, bool, 0, 0),
	LOCATION(websocket, websocket, 0, 0),
	LOCATION(websocket_events_all, bool, 0, 0),
	LOCATION(websocket_origins, texts, 0, 0),
	LOCATION(websocket_protocols, texts, 0, 0),
	WEBSOCKET(compression, compression, 0, 0),
	WEBSOCKET(window_bits, count8, WS_WINDOW_BITS_MIN, WS_WINDOW_BITS_MAX),
	WEBSOCKET(max_message, size, 1, 1 * GB),
	WEBSOCKET_US(message_timeout, 1 * MS, 1 * D),
	WEBSOCKET_US(ping_interval, 0, 1 * D),
	WEBSOCKET_US(ping_timeout, 1 * MS, 1 * D),
	WEBSOCKET_US(close_timeout, 1 * MS, 1 * H),
	WEBSOCKET(slow_reader, slow_reader, 0, 0),
	LOCATION(fastcgi, fastcgi, 0, 0),
	LOCATION(fastcgi_script, absolute_path, 0, 0),
	LOCATION(fastcgi_root, optional_directory, 0, 0),
	LOCATION(fastcgi_index, text, 0, 0),
	LOCATION(fastcgi_params, params, 0, 0),
	LOCATION(fastcgi_connections, count32, 1, 1024),
	LOCATION(fastcgi_queue, count32, 0, 1 << 16),
	LOCATION_US(fastcgi_connect_timeout, time, 1 * MS, 1 * H),
	LOCATION_US(fastcgi_idle_timeout, time, 1 * MS, 1 * D),
};
const size_t config_keys_count = ARRAY_LENGTH(config_keys);

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_keys_count; i++)
		if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

const char *config_section_parent(const char *section)
{
	return strcmp(section, "location") == 0 ? "site" : "";
}

const char *config_key_elsewhere(const char *section, const char *name)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		const char *other = config_keys[i].section;

		if (strcmp(other, section) != 0 && strcmp(config_keys[i].name, name) == 0)
			return other;
		if (strcmp(other, name) == 0)
			return config_section_parent(name);
	}
	return NULL;
}

enum { LONGEST_GUESS = 32 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Levenshtein's distance, one row at a time; UINT_MAX for a name too long to be a slip. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[LONGEST_GUESS + 1];
	size_t width = strlen(b);

	if (width > LONGEST_GUESS)
		return ~0U;
	for (unsigned i = 0; i <= width; i++)
		row[i] = i;
	for (; *a != '\0'; a++) {
		unsigned diagonal = row[0]++;

		for (size_t i = 1; i <= width; i++) {
			unsigned above = row[i];

			row[i] = least(above + 1, row[i - 1] + 1, diagonal + (*a != b[i - 1]));
			diagonal = above;
		}
	}
	return row[width];
}

struct guess {
	const char *name;
	unsigned distance;
};

static void consider(struct guess *best, const char *typed, const char *candidate)
{
	unsigned distance = edit_distance(typed, candidate);

	if (distance < best->distance)
		*best = (struct guess){ .name = candidate, .distance = distance };
}

const char *config_key_nearest(const char *section, const char *name)
{
	struct guess best = { .name = NULL, .distance = 3 };

	if (strlen(name) < 5)
		best.distance = 2;
	for (size_t i = 0; i < config_keys_count; i++) {
		const char *other = config_keys[i].section;

		if (strcmp(other, section) == 0)
			consider(&best, name, config_keys[i].name);
		else if (strcmp(config_section_parent(other), section) == 0)
			consider(&best, name, other);
	}
	return best.name;
}
