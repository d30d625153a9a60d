/*
 * The HTTP/1.1 server (RFC 9110, RFC 9112) on streams. It knows neither TCP nor TLS: an accepted stream
 * is handed to it with the listener's sites, and it answers what arrives. One instance a port of each worker.
 *
 * Memory: a connection between requests keeps a record of 64 bytes; parser, header storage and response
 * state are borrowed from pools while a request is under way (design rule 4). Time is the world's; files
 * are the operating system's.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/histogram.h"
#include "base/offload.h"
#include "base/pool.h"
#include "base/stream.h"
#include "base/world.h"
#include "http/http_encoding.h"
#include "http/http_policy.h"

struct http_server;

/* Limits and times; http_config_default() gives the documented defaults. Times in microseconds, sizes in
 * bytes. */
struct http_config {
	uint64_t keepalive_timeout_us; /* between two requests */
	uint64_t header_timeout_us;    /* from a request's first byte to its head's end; also for that byte */
	/* In each of these a body must arrive, and what waits for the peer be acknowledged, at these rates at
	 * least, in bytes a second, and by a byte in any case. */
	uint64_t body_timeout_us, send_timeout_us;
	uint32_t min_body_rate, min_send_rate;
	uint64_t answer_timeout_us;    /* without the handler of a location answering, or
					* giving more of its answer */
	uint64_t linger_timeout_us;    /* reading on after a last answer, so that it arrives */
	uint64_t linger_bytes;         /* most that is read on */
	uint32_t keepalive_requests;   /* most requests on one connection */
	uint64_t keepalive_time_us;    /* a connection older than this ends with its next response */
	uint32_t max_uri, max_headers, max_header_count;
	uint64_t max_body; /* where a site says nothing else */
	uint32_t max_connections;
	uint32_t max_connections_per_address;
	uint32_t max_requests; /* under way at once; more wait */
	bool server_header;
	bool strict_hosts; /* a Host that no site names is misdirected (421), instead of the first site's */
	const char *mime_types; /* file of media types beside our own; "": none. The
				 * default one may be missing */
	uint32_t cache_entries;
	uint64_t cache_bytes, cache_max_file; /* contents kept in memory */
	uint64_t cache_max_warm_file; /* and those of files that are asked for again and again */
	uint64_t cache_revalidate_us; /* a cached entry is checked against the file
				       * system after this long ... */
	uint32_t cache_watches; /* ... unless its directory is watched: most directories that are */
	uint64_t compress_min; /* smaller files are not compressed */
	uint8_t gzip_level, brotli_level;
	uint32_t file_buffer_bytes, file_buffers; /* larger files are sent through buffers: size and number */
};

enum {
	HTTP_DOCUMENT_LOCATION = 500,     /* most characters of a redirect */
	HTTP_DOCUMENT_FIELDS = 16 << 10,  /* most bytes of field lines */
};

/* What becomes of the connection behind an answer. */
enum http_ending {
	HTTP_ENDING_NONE,  /* it goes on, if both sides want that */
	HTTP_ENDING_OURS,  /* it ends */
	HTTP_ENDING_PEERS, /* the answer says that it ends, but the first FIN is left to the peer, for
			    * linger_timeout at most; no request is read any more (RFC 9112 section 9.6) */
};

/* What a location's handler answers with: bytes in memory, a place to go to,
 * or what it gives piece by piece. */
struct http_document {
	const char *type;     /* media type, at most 100 characters; a literal */
	struct span body;     /* data NULL: the page of the status; the reference goes to HTTP */
	const char *location; /* of a 303: what a URI may have, HTTP_DOCUMENT_LOCATION at
			       * most; valid during the call */
	enum http_coding coding; /* of the body */
	bool is_given;        /* instead of type and body: the handler gives the body */
	uint64_t length;      /* of that; HTTP_LENGTH_UNKNOWN */
	struct bytes fields;  /* more of them: whole lines, none that is about the message or, unless the
			       * status is 101 or 426, the connection; valid during the call */
	bool tells_caching;   /* of those: no Cache-Control is to be added */
	enum http_ending ending;
	const char *congestion; /* control of the connection until its next answer, by name; NULL: its own */
};

/* A directory that is there and has no index file. */
struct http_directory {
	int fd;              /* open for reading; the function's to close */
	const char *path;    /* as resolved: "" for the root, else it ends in a slash */
	int root;            /* descriptor of the site's root */
	bool follow_symlinks; /* also those that lead out of the root */
	struct bytes accept; /* the request's Accept; data NULL: it has none */
};

struct http_handler; /* http/http_call.h */

/* A part of a site that is served in another way, or that a handler answers for. Of the prefixes that cover a
 * path, segment by segment, the longest wins. */
struct http_location {
	const char *prefix; /* "/x/": all below; a handler's "/x" without its slash is redirected there */
	const struct http_policy *policy;   /* NULL: the site's */
	const struct http_handler *handler; /* NULL: the site's files */
	void *context;
};

/* One site: names that it answers to, and its root directory. */
struct http_site {
	const char *name;         /* for messages and the access log */
	const char *root;         /* directory */
	const char *const *hosts; /* Host names (base/host_name.h), NULL-terminated; empty or NULL: any */
	const char *const *rewrite; /* rules (http_detour.h), NULL-terminated; NULL: none */
	struct http_policy policy;
	const struct http_location *locations;
	size_t n_locations;
};

/* A finished request, for the access log. Pointers are valid during the call. */
struct http_log_record {
	struct stream_info stream;
	const char *method, *target, *host, *referer, *user_agent; /* as received; NULL: absent */
	const char *user; /* who proved to be this; NULL: nobody had to */
	size_t method_len, target_len, host_len, referer_len, user_agent_len, user_len;
	uint8_t version_major, version_minor; /* 0.0: the request line was not understood */
	unsigned status;                      /* 499: the client left before there was an answer */
	uint64_t body_bytes_sent;             /* handed to the stream */
	uint64_t started_us, finished_us;     /* world time */
	uint32_t connection_requests;         /* this one's number on its connection, from 1 */
};

struct http_hooks {
	void (*on_request_done)(void *context, const struct http_log_record *record); /* may be NULL */
	uint64_t (*wall_us)(void *context); /* microseconds since 1970, for Date; NULL: the system's clock */
	void *context;
	struct offload *offload; /* for what takes long; NULL: there is none */
};

struct http_usage {
	uint64_t requests;              /* finished */
	uint64_t responses_by_class[6]; /* 1xx … 5xx at [1] … [5]; 499 is no response and stands at [0] */
	uint64_t idle, busy;            /* connections now; lingering ones are busy */
	uint64_t cache_hits, cache_misses, cache_negative_hits;
	uint64_t cache_watch_events;         /* told by watched directories */
	uint64_t cache_entries, cache_bytes, cache_watches; /* now */
	uint64_t cache_compressed, cache_compressed_saved; /* files; bytes by which they are smaller */
	uint64_t cache_warmed; /* files larger than cache_max_file that were read into memory */
	uint64_t request_waits, buffer_waits; /* times that a connection waited for a pool at its limit */
	uint64_t aborted;             /* reset by us: file changed under way, no memory, peer not reading */
	uint64_t upgraded;            /* connections that went over to another protocol */
	uint64_t timed_out;           /* connections given up by a timer, idle ones included */
	uint64_t refused_connections; /* beyond max_connections, or no memory */
	uint64_t refused_by_address;  /* beyond max_connections_per_address */
	uint64_t rate_limited;        /* requests beyond the rate of a policy */
	uint64_t auth_failures;       /* attempts with a wrong name or password */
	uint64_t auth_limited;        /* attempts beyond the rate of them */
	uint64_t made_room;           /* idle connections closed because max_connections was reached */
	struct histogram request_time; /* of `requests`: as in their records, finished_us - started_us */
};

void http_config_default(struct http_config *c);

/* sites[0] is the default. Roots are opened now, so a missing one is told here. All is copied. hooks may
 * be NULL. 0, or negative errno and *why. */
int http_server_new(const struct http_config *config, const struct http_site *sites, size_t n_sites,
		    struct world *w, const struct http_hooks *hooks, struct http_server **out,
		    struct failure *why);

/* Whoever the process is by now may enter the roots. 0, or negative errno and *why. */
int http_check_roots(const struct http_server *server, struct failure *why);

/* Resets every connection. Memory that streams still point at is freed when they let go of it. To be
 * called while the world still exists: before the stack is freed. */
void http_server_free(struct http_server *server);

/* Serves this stream from now on: sets its handler and user, and takes what it already holds. If no
 * memory is left the stream is aborted. */
void http_serve(struct http_server *server, struct stream *stream);

/* No more keep-alive: idle connections are closed now, busy ones after their response. True when none is
 * left. */
bool http_drain(struct http_server *server);

/* Another server takes its place: connections go over to it between two requests, those that rest at
 * once, and what was counted so far does too. NULL: none does, and each connection ends with the answer
 * to its next request. To be called again when the successor is replaced itself, before that is freed.
 * Not from within a stream's callback. */
void http_retire(struct http_server *server, struct http_server *successor);

/* Resets every connection. Not from within a stream's callback. */
void http_abort_all(struct http_server *server);

/* No connection is left. */
bool http_is_deserted(const struct http_server *server);

/* A descriptor that is readable when something has happened to files in the cache, which http_look()
 * then notices; -1: there is none. */
int http_look_fd(const struct http_server *server);
void http_look(struct http_server *server);

void http_usage(const struct http_server *server, struct http_usage *out);
void http_each_pool(const struct http_server *server, pool_visit_fn *visit, void *context);

/* Requests finished on the connection that this stream carries. False: HTTP has nothing to do with it. */
bool http_requests_of(const struct stream *stream, uint32_t *requests);

/* It begins with a slash, and stands as http_path_resolve() would leave it: no dot segments, no double
 * slashes, no percent-encoding. */
bool http_location_prefix_is_valid(const char *prefix);

#endif
