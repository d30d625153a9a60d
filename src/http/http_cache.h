/*
 * The file cache: what is needed to answer for a file, found by site and path without a system call. An entry
 * holds the file's version (descriptor or contents) and the ready-made field lines, and never changes: a
 * file that changes gets another entry, and responses under way keep the one they began with.
 */
#ifndef HTTP_HTTP_CACHE_H
#define HTTP_HTTP_CACHE_H

#include <stdbool.h>
#include <time.h>

#include "base/list.h"
#include "base/span.h"
#include "base/world.h"
#include "http/http_clock.h"
#include "http/http_conditional.h"
#include "http/http_path.h"
#include "http/http_site.h"

/* What tells two versions of a file apart. */
struct http_version {
	uint64_t device, inode;
	uint64_t size;
	struct timespec modified, changed;
};

struct http_entry {
	struct span_owner owner;
	struct http_cache *cache;
	struct http_entry *next; /* in its bucket */
	struct list lru;         /* in no list: no longer found, kept by who still refers to it */
	uint64_t hash;
	uint64_t checked_us; /* world time when it was last compared with the file system */
	uint32_t site;
	uint32_t key_len;
	const char *key; /* the path as resolved */
	struct http_version version;
	bool settled; /* was old enough when read that no later write has the same times */
	struct http_validators validators;
	const uint8_t *fields; /* field lines of a 200, with the empty line that ends them */
	uint32_t fields_len;
	uint32_t length_at;     /* before this is Content-Type alone */
	uint32_t validators_at; /* those from here on go with a 304 as well */
	const uint8_t *body;    /* the contents, right behind fields; NULL: to be read from fd */
	int fd;                 /* -1 when the contents are here */
	size_t footprint;       /* bytes of memory that it takes up */
	char memory[];          /* key, etag, fields, body */
};

struct http_cache_limits {
	uint32_t max_entries;
	uint64_t max_bytes, max_file;
	uint64_t revalidate_us;
};

struct http_cache {
	struct http_cache_limits limits;
	const struct world *world;
	struct http_clock *clock;
	const struct http_sites *sites;
	struct span_owner *keeper;
	struct http_entry **buckets;
	uint64_t mask;        /* number of buckets less one */
	struct list lru;      /* most recently used first */
	uint32_t entries;     /* in the list */
	uint32_t descriptors; /* that entries in the list hold */
	uint64_t bytes;       /* of all entries that exist */
	uint64_t hits, misses;
	uint64_t complained_us; /* world time of the last line in the log */
};

/* sites must outlive the cache. 0 or -ENOMEM. Each entry that exists holds a reference of keeper. */
int http_cache_init(struct http_cache *c, const struct http_cache_limits *limits,
		    const struct http_sites *sites, const struct world *w, struct http_clock *clock,
		    struct span_owner *keeper);

/* Lets go of all entries. */
void http_cache_empty(struct http_cache *c);

/* After the last entry is gone. */
void http_cache_fini(struct http_cache *c);

/*
 * The status that answers for this path: 200 with the entry, which the caller then holds one reference
 * of; 301 for a directory named without its slash; 403, 404, 500 or 503.
 */
unsigned http_cache_get(struct http_cache *c, size_t site, const struct http_path *path,
			struct http_entry **out);

/* Whether fd still holds the version, by fstat(2). */
bool http_version_is_current(const struct http_version *v, int fd);

static inline void http_entry_unref(struct http_entry *e)
{
	if (e != NULL)
		span_owner_unref(&e->owner);
}

#endif
