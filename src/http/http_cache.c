/*
 * The file cache. An entry is compared with the file system when it has not been for revalidate_us: the path
 * is opened again, so a file that was replaced, removed, or closed to us is noticed whatever its times say.
 * An entry that was not settled when it was read is read again. Where the directory can be watched a
 * comparison is due when something has happened to one of the entry's names, and otherwise after WATCHED_US
 * only, for what no watch sees (http_watch.h).
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
#include "base/minmax.h"

enum {
	COMPLAINT_US = 1000000,
	WATCHED_US = 60000000,
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
	list_remove(&e->depends.node);
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
	return c->world->now_us < e->fresh_until_us;
}

/* It was compared with the file system just now. */
static void set_fresh(const struct http_cache *c, struct http_entry *e)
{
	uint64_t for_us = c->limits.revalidate_us;

	if (list_is_linked(&e->depends.node) && e->settled)
		for_us = max_u64(for_us, WATCHED_US);
	e->fresh_until_us = c->world->now_us + for_us;
}

static void on_change(struct http_dependent *d)
{
	CONTAINER_OF(d, struct http_entry, depends)->fresh_until_us = 0;
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

/* Whether it is watched from now on. The system's own limit is worth a line, once. */
static bool watch(struct http_cache *c, int root, const struct http_sought *sought)
{
	int error = http_watch_add(&c->watch, root, sought->directory, sought->directory_len);

	if (error == -ENOSPC && c->watch.count < c->limits.max_watches && !c->told_of_watches) {
		c->told_of_watches = true;
		log_line(c->world->log, LOG_NOTICE, "http", "fs.inotify.max_user_watches is reached: "
			 "changes in further directories are noticed after cache_revalidate");
	}
	return error == 0;
}

static struct http_watched *watched(struct http_cache *c, int root, const struct http_sought *sought)
{
	return http_watch_find(&c->watch, root, sought->directory, sought->directory_len);
}

/*
 * Finds the file, and in *directory where changes of it will be told of (NULL: they will not). What was found
 * before its directory was watched may have changed in between, so it is looked for again.
 */
static unsigned find_file(struct http_cache *c, const struct http_open_policy *policy,
			  const struct http_path *path, struct http_found *found,
			  struct http_watched **directory)
{
	int root = policy->site->root;
	unsigned status = http_find(c->sites, policy, path, found);

	*directory = NULL;
	if (status != 200 || !found->sought.is_watchable || c->watch.fd < 0)
		return status;
	*directory = watched(c, root, &found->sought);
	if (*directory != NULL || !watch(c, root, &found->sought))
		return status;
	http_found_close(found);
	status = http_find(c->sites, policy, path, found);
	if (status == 200 && found->sought.is_watchable)
		*directory = watched(c, root, &found->sought);
	return status;
}

/* The entry is what was found, just now. */
static void confirm(struct http_cache *c, struct http_entry *e, uint64_t names,
		    struct http_watched *directory)
{
	e->depends.names = names;
	list_remove(&e->depends.node);
	if (directory != NULL)
		http_watch_depend(directory, &e->depends);
	set_fresh(c, e);
}

static void forget(struct http_cache *c, struct http_entry *known)
{
	if (known != NULL)
		unlink_entry(c, known);
}

/* What is_fresh() does not settle: opens the file, and keeps, replaces or drops the entry. */
static unsigned get_from_disk(struct http_cache *c, uint64_t hash, const struct http_open_policy *policy,
			      const struct http_path *path, struct http_entry *known, struct http_entry **out)
{
	struct http_watched *directory;
	struct http_found found;
	unsigned status = find_file(c, policy, path, &found, &directory);
	bool same = status == 200 && known != NULL && http_entry_is_of(known, &found);

	if (same)
		http_found_close(&found);
	/* No descriptor or no memory says nothing about the file: what is known of it goes on. */
	if (same || (status == 503 && known != NULL)) {
		confirm(c, known, found.sought.names, directory);
		use(c, known);
		*out = known;
		return 200;
	}
	forget(c, known);
	if (status == 200)
		status = http_entry_load(c, policy, path, &found, out);
	if (status != 200)
		return status;
	c->misses++;
	(*out)->policy = policy;
	(*out)->hash = hash;
	confirm(c, *out, found.sought.names, directory);
	link_entry(c, *out);
	return 200;
}

static unsigned get_anew(struct http_cache *c, uint64_t hash, const struct http_open_policy *policy,
			 const struct http_path *path, struct http_entry *known, struct http_entry **out)
{
	uint64_t now_us = c->world->now_us;
	unsigned status;

	if (known == NULL && http_misses_has(&c->not_there, hash, now_us, c->watch.appeared)) {
		c->negative_hits++;
		return 404;
	}
	status = get_from_disk(c, hash, policy, path, known, out);
	if (status == 404)
		http_misses_add(&c->not_there, hash, now_us + c->limits.revalidate_us, c->watch.appeared);
	if (status >= 500)
		complain(c, path, status);
	return status;
}

unsigned http_cache_get(struct http_cache *c, const struct http_open_policy *policy,
			const struct http_path *path, struct http_entry **out)
{
	uint64_t hash = hash_of(c, policy, path);
	struct http_entry *e = find(c, hash, policy, path);

	if (e == NULL || !is_fresh(c, e))
		return get_anew(c, hash, policy, path, e, out);
	use(c, e);
	*out = e;
	return 200;
}

void http_cache_look(struct http_cache *c)
{
	http_watch_read(&c->watch);
}

/* Without it files are compared by time. Who wants that at each request needs no watch. */
static void open_watch(struct http_cache *c)
{
	bool is_wanted = c->limits.revalidate_us > 0 && c->limits.max_entries > 0;
	int error = http_watch_open(&c->watch, is_wanted ? c->limits.max_watches : 0, on_change);

	if (error != 0)
		log_line(c->world->log, LOG_NOTICE, "http",
			 "no inotify: %s: changes of files are noticed after cache_revalidate",
			 strerror(-error));
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
	open_watch(c);
	c->buckets = calloc(buckets, sizeof(struct http_entry *));
	return c->buckets != NULL ? 0 : -ENOMEM;
}

void http_cache_empty(struct http_cache *c)
{
	while (!list_is_empty(&c->lru))
		unlink_entry(c, oldest(c));
}

void http_cache_close(struct http_cache *c)
{
	http_cache_empty(c);
	http_watch_close(&c->watch);
}

void http_cache_fini(struct http_cache *c)
{
	assert(list_is_empty(&c->lru) && c->bytes == 0);
	free(c->buckets);
	c->buckets = NULL;
}
