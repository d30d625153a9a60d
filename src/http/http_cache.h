/*
 * The file cache: what is needed to answer for a file, found by policy and path without a system call.
 */
#ifndef HTTP_HTTP_CACHE_H
#define HTTP_HTTP_CACHE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/span.h"
#include "base/world.h"
#include "http/http_clock.h"
#include "http/http_compress.h"
#include "http/http_entry.h"
#include "http/http_misses.h"
#include "http/http_path.h"
#include "http/http_site.h"
#include "http/http_warm.h"
#include "http/http_watch.h"

struct http_cache_limits {
	uint32_t max_entries;
	uint64_t max_bytes, max_file;
	uint64_t revalidate_us;
	uint32_t max_watches; /* of directories */
};

struct http_cache {
	struct http_cache_limits limits;
	const struct world *world;
	struct http_clock *clock;
	const struct http_sites *sites;
	struct span_owner *keeper;
	struct http_compressor compressor; /* this and the next: off unless its owner sets it */
	struct http_warmer warmer;
	struct http_entry **buckets;
	uint64_t mask;        /* number of buckets less one */
	struct list lru;      /* most recently used first */
	uint32_t entries;     /* in the list */
	uint32_t descriptors; /* that entries in the list hold */
	uint64_t bytes;       /* of all entries that exist */
	uint64_t hits, misses, negative_hits;
	uint64_t complained_us; /* world time of the last line in the log */
	bool told_of_watches;   /* in the log: there are no more */
	struct http_watch watch;
	struct http_misses not_there;
};

/* sites must outlive the cache. 0 or -ENOMEM. Each entry that exists holds a reference of keeper. */
int http_cache_init(struct http_cache *c, const struct http_cache_limits *limits,
		    const struct http_sites *sites, const struct world *w, struct http_clock *clock,
		    struct span_owner *keeper);

/* Drops entries until bytes more fit; false if they do not even then. */
bool http_cache_make_room(struct http_cache *c, uint64_t bytes);

/* Notices which files have changed. To be called when watch.fd is readable. */
void http_cache_look(struct http_cache *c);

/* Lets go of all entries. */
void http_cache_empty(struct http_cache *c);

/* And of the directories that are watched. Nothing is asked for any more;
 * entries that responses refer to stay. */
void http_cache_close(struct http_cache *c);

/* After the last entry is gone. */
void http_cache_fini(struct http_cache *c);

/*
 * The status that answers for this path: 200 with the entry, which the caller then holds one reference
 * of; 301 for a directory named without its slash; 403, 404, 500 or 503.
 */
unsigned http_cache_get(struct http_cache *c, const struct http_open_policy *policy,
			const struct http_path *path, struct http_entry **out);

#endif
