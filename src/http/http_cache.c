/*
 * The file cache. An entry is compared with the file system when it has not been for revalidate_us: the path is
 * opened again, so a file that was replaced, removed, or closed to us is noticed whatever its times say. An
 * entry that was not settled when it was read is read again.
 *
 * At its limits the cache drops what was not used for longest. Entries that responses still refer to are
 * counted until they go; when those alone fill max_bytes, further files are sent from their descriptors.
 */
#include "http/http_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum {
	COMPLAINT_US = 1000000,
	MAX_DESCRIPTORS = 256, /* held by entries that are found; a process has 1024 by default */
};

static struct http_entry **bucket_of(const struct http_cache *c, uint64_t hash)
{
	return &c->buckets[hash & c->mask];
}

static void unlink_entry(struct http_cache *c, struct http_entry *e)
{
	struct http_entry **p = bucket_of(c, e->hash);

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	list_remove(&e->lru);
	c->entries--;
	c->descriptors -= http_entry_descriptors(e);
	span_owner_unref(&e->owner);
}

static struct http_entry *oldest(const struct http_cache *c)
{
	return LIST_ENTRY(list_last(&c->lru), struct http_entry, lru);
}

/* Drops the entry not used for longest of those that hold descriptors. */
static void drop_descriptor(struct http_cache *c)
{
	for (struct list *node = c->lru.prev; node != &c->lru; node = node->prev) {
		struct http_entry *e = LIST_ENTRY(node, struct http_entry, lru);

		if (http_entry_descriptors(e) > 0) {
			unlink_entry(c, e);
			return;
		}
	}
}

static void link_entry(struct http_cache *c, struct http_entry *e)
{
	struct http_entry **bucket = bucket_of(c, e->hash);

	if (c->limits.max_entries == 0)
		return;
	while (c->entries >= c->limits.max_entries)
		unlink_entry(c, oldest(c));
	while (c->descriptors > MAX_DESCRIPTORS - http_entry_descriptors(e))
		drop_descriptor(c);
	c->descriptors += http_entry_descriptors(e);
	e->next = *bucket;
	*bucket = e;
	list_prepend(&c->lru, &e->lru);
	c->entries++;
	span_owner_ref(&e->owner);
}

bool http_cache_make_room(struct http_cache *c, uint64_t bytes)
{
	if (bytes > c->limits.max_bytes)
		return false;
	while (c->bytes > c->limits.max_bytes - bytes && !list_is_empty(&c->lru))
		unlink_entry(c, oldest(c));
	return c->bytes <= c->limits.max_bytes - bytes;
}

static uint64_t hash_of(const struct http_cache *c, const struct http_open_policy *policy,
			const struct http_path *path)
{
	return hash_siphash13(&c->world->table_key, path->text, path->len) + policy->number;
}

static struct http_entry *find(const struct http_cache *c, uint64_t hash,
			       const struct http_open_policy *policy, const struct http_path *path)
{
	for (struct http_entry *e = *bucket_of(c, hash); e != NULL; e = e->next)
		if (e->hash == hash && e->policy == policy && e->key_len == path->len &&
		    memcmp(e->key, path->text, path->len) == 0)
			return e;
	return NULL;
}

static bool is_fresh(const struct http_cache *c, const struct http_entry *e)
{
	return c->world->now_us - e->checked_us < c->limits.revalidate_us;
}

static void use(struct http_cache *c, struct http_entry *e)
{
	if (c->lru.next != &e->lru) {
		list_remove(&e->lru);
		list_prepend(&c->lru, &e->lru);
	}
	c->hits++;
	span_owner_ref(&e->owner);
}

/* The system fails, not the client: that is worth a line, once a second at most. */
static void complain(struct http_cache *c, const struct http_path *path, unsigned status)
{
	if (c->complained_us != 0 && c->world->now_us - c->complained_us < COMPLAINT_US)
		return;
	c->complained_us = c->world->now_us;
	log_line(c->world->log, LOG_ERROR, "http", "cannot read \"%s\": %s", path->text,
		 status == 503 ? "out of descriptors or memory, or the file keeps changing"
			       : "input/output error");
}

/* What is_fresh() does not settle: opens the file, and keeps, replaces or drops the entry. */
static unsigned get_from_disk(struct http_cache *c, uint64_t hash, const struct http_open_policy *policy,
			      const struct http_path *path, struct http_entry *known, struct http_entry **out)
{
	struct http_found found;
	unsigned status = http_find(c->sites, policy, path, &found);
	bool same = status == 200 && known != NULL && http_entry_is_of(known, &found);

	if (same)
		http_found_close(&found);
	/* No descriptor or no memory says nothing about the file: what is known of it goes on. */
	if (same || (status == 503 && known != NULL)) {
		known->checked_us = c->world->now_us;
		use(c, known);
		*out = known;
		return 200;
	}
	if (known != NULL)
		unlink_entry(c, known);
	if (status == 200)
		status = http_entry_load(c, policy, path, &found, out);
	if (status != 200)
		return status;
	c->misses++;
	(*out)->policy = policy;
	(*out)->hash = hash;
	link_entry(c, *out);
	return 200;
}

unsigned http_cache_get(struct http_cache *c, const struct http_open_policy *policy, const struct http_path *path,
			struct http_entry **out)
{
	uint64_t hash = hash_of(c, policy, path);
	struct http_entry *e = find(c, hash, policy, path);

	if (e == NULL || !is_fresh(c, e)) {
		unsigned status = get_from_disk(c, hash, policy, path, e, out);

		if (status >= 500)
			complain(c, path, status);
		return status;
	}
	use(c, e);
	*out = e;
	return 200;
}

int http_cache_init(struct http_cache *c, const struct http_cache_limits *limits,
		    const struct http_sites *sites, const struct world *w, struct http_clock *clock,
		    struct span_owner *keeper)
{
	uint64_t buckets = 16;

	while (buckets < limits->max_entries)
		buckets *= 2;
	*c = (struct http_cache){
		.limits = *limits,
		.world = w,
		.clock = clock,
		.sites = sites,
		.keeper = keeper,
		.mask = buckets - 1,
	};
	list_init(&c->lru);
	c->buckets = calloc(buckets, sizeof(struct http_entry *));
	return c->buckets != NULL ? 0 : -ENOMEM;
}

void http_cache_empty(struct http_cache *c)
{
	while (!list_is_empty(&c->lru))
		unlink_entry(c, oldest(c));
}

void http_cache_fini(struct http_cache *c)
{
	assert(list_is_empty(&c->lru) && c->bytes == 0);
	free(c->buckets);
	c->buckets = NULL;
}
