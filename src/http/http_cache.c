/*
 * The file cache. Contents up to max_file are read into the entry; a larger file keeps its descriptor.
 * An entry is compared with the file system when it has not been for revalidate_us: the path is opened
 * again, so a file that was replaced, removed, or closed to us is noticed whatever its times say.
 *
 * Times on files are as coarse as the kernel's tick, or a second on some file systems: a write right
 * after the contents were read may leave them alike. An entry read that soon is not settled, and is read
 * again.
 *
 * At its limits the cache drops what was not used for longest. Entries that responses still refer to are
 * counted until they go; when those alone fill max_bytes, further files are sent from their descriptors.
 * System calls: openat2, fstat, pread, close.
 */
#include "http/http_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "http/http_date.h"
#include "http/http_mime.h"
#include "http/http_open.h"

enum {
	FIELDS_ROOM = 512,
	ETAG_ROOM = 24, /* a hash in quotes, W/ before it, NUL */
	READ_TRIES = 3, /* while somebody writes to the file */
	SETTLED_S = 2,
	COMPLAINT_US = 1000000,
	MAX_DESCRIPTORS = 256, /* held by entries that are found; a process has 1024 by default */
};

/* A file opened to be served. */
struct opened {
	int fd;
	struct http_version version;
	const char *type;
};

/* ---- versions ---- */

static void version_set(struct http_version *v, const struct stat *st)
{
	*v = (struct http_version){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_version(const struct http_version *a, const struct http_version *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* While a response is under way only the contents matter: a new name or mode changes ctime alone. */
bool http_version_is_current(const struct http_version *v, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && v->size == (uint64_t)st.st_size && same_time(&v->modified, &st.st_mtim);
}

/* Weak (RFC 9110 section 8.8.1) as long as a write may still leave the file's times as they are. */
static size_t etag_format(const struct http_version *v, bool settled, char out[static ETAG_ROOM])
{
	static const struct hash_key key = { 0 }; /* alike in every worker and after a restart */
	const uint64_t facts[4] = { (uint64_t)v->modified.tv_sec, (uint64_t)v->modified.tv_nsec, v->size,
				    v->inode };

	return (size_t)snprintf(out, ETAG_ROOM, "%s\"%016llx\"", settled ? "" : "W/",
				(unsigned long long)hash_siphash24(&key, facts, sizeof facts));
}

/* ---- opening ---- */

static unsigned status_of_error(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return 403;
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
	case -EXDEV: /* leads out of the root: not even its existence is told */
	case -ENXIO: /* a socket */
	case -ENODEV:
		return 404;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN:
		return 503;
	default:
		return 500;
	}
}

/* Opens name and looks what it is: 200 for a regular file, 301 for a directory. */
static unsigned open_name(int root, const char *name, struct opened *out)
{
	struct stat st;
	unsigned status;
	int fd = http_open_beneath(root, name);

	if (fd < 0)
		return status_of_error(fd);
	if (fstat(fd, &st) != 0)
		status = 500;
	else if (S_ISREG(st.st_mode))
		status = 200;
	else
		status = S_ISDIR(st.st_mode) ? 301 : 404;
	if (status != 200) {
		close(fd);
		return status;
	}
	out->fd = fd;
	out->type = http_mime_type(name, strlen(name));
	version_set(&out->version, &st);
	return 200;
}

/* The first index file that is there; without one 403 if the directory is there. */
static unsigned open_index(const struct http_open_site *site, const struct http_path *path,
			   struct opened *out)
{
	char name[HTTP_PATH_SIZE + 256];
	unsigned status;

	for (char **index = site->index; *index != NULL; index++) {
		int len = snprintf(name, sizeof name, "%s%s", path->text, *index);

		if (len < 0 || (size_t)len >= sizeof name)
			continue;
		status = open_name(site->root, name, out);
		if (status != 404 && status != 301)
			return status;
	}
	status = open_name(site->root, path->text, out);
	if (status == 200) { /* a file by the name of a directory: only a race can do this */
		close(out->fd);
		return 404;
	}
	return status == 301 ? 403 : status;
}

static unsigned open_path(const struct http_open_site *site, const struct http_path *path, struct opened *out)
{
	if (http_path_is_directory(path))
		return open_index(site, path, out);
	return open_name(site->root, path->text, out);
}

/* ---- entries ---- */

static void entry_free(struct http_entry *e)
{
	struct http_cache *c = e->cache;

	c->bytes -= e->footprint;
	if (e->fd >= 0)
		close(e->fd);
	free(e);
	span_owner_unref(c->keeper);
}

static void entry_release(struct span_owner *owner)
{
	entry_free((struct http_entry *)(void *)owner);
}

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
	if (e->fd >= 0)
		c->descriptors--;
	span_owner_unref(&e->owner);
}

static struct http_entry *oldest(const struct http_cache *c)
{
	return LIST_ENTRY(list_last(&c->lru), struct http_entry, lru);
}

/* Drops the entry not used for longest of those that hold a descriptor. */
static void drop_descriptor(struct http_cache *c)
{
	for (struct list *node = c->lru.prev; node != &c->lru; node = node->prev) {
		struct http_entry *e = LIST_ENTRY(node, struct http_entry, lru);

		if (e->fd >= 0) {
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
	if (e->fd >= 0 && c->descriptors++ == MAX_DESCRIPTORS)
		drop_descriptor(c);
	e->next = *bucket;
	*bucket = e;
	list_prepend(&c->lru, &e->lru);
	c->entries++;
	span_owner_ref(&e->owner);
}

/* Drops entries until bytes more fit; false if they do not even then. */
static bool make_room(struct http_cache *c, uint64_t bytes)
{
	if (bytes > c->limits.max_bytes)
		return false;
	while (c->bytes > c->limits.max_bytes - bytes && !list_is_empty(&c->lru))
		unlink_entry(c, oldest(c));
	return c->bytes <= c->limits.max_bytes - bytes;
}

/* RFC 9110 section 8.8.2.1: never later than Date. 0 when the file has no sensible time. */
static int64_t last_modified_of(struct http_cache *c, const struct http_version *v)
{
	int64_t now_s = http_clock_wall_s(c->clock);

	if (v->modified.tv_sec <= 0)
		return 0;
	return v->modified.tv_sec < now_s ? v->modified.tv_sec : now_s;
}

/* The field lines of an entry, and where their sections begin. */
struct fields {
	char text[FIELDS_ROOM];
	uint32_t len, length_at, validators_at;
};

__attribute__((format(printf, 2, 3)))
static void fields_add(struct fields *f, const char *format, ...)
{
	size_t room = sizeof f->text - f->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(f->text + f->len, room, format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < room);
	f->len += (uint32_t)len;
}

/* The type; what belongs to a 200 alone; what a 206 and a 304 have as well (RFC 9110 sections 15.3.7, 15.4.5). */
static void format_fields(const struct opened *file, const char *etag, int64_t last_modified_s,
			  struct fields *f)
{
	char date[HTTP_DATE_LEN];

	f->len = 0;
	fields_add(f, "Content-Type: %s\r\n", file->type);
	f->length_at = f->len;
	fields_add(f, "Content-Length: %llu\r\nAccept-Ranges: bytes\r\n",
		   (unsigned long long)file->version.size);
	f->validators_at = f->len;
	if (last_modified_s > 0) {
		http_date_format(last_modified_s, date);
		fields_add(f, "Last-Modified: %.*s\r\n", HTTP_DATE_LEN, date);
	}
	fields_add(f, "ETag: %s\r\n", etag);
	if (http_mime_is_html(file->type))
		fields_add(f, "Cache-Control: no-cache\r\n");
	fields_add(f, "X-Content-Type-Options: nosniff\r\n\r\n");
}

/* Copies len bytes to *at, moves it behind them, and returns where they are. */
static char *put(char **at, const void *data, size_t len)
{
	char *start = *at;

	memcpy(start, data, len);
	*at += len;
	return start;
}

/* An entry for an open file, without its contents. body_len: room for them, 0 if they stay in the file. */
static struct http_entry *entry_new(struct http_cache *c, const struct http_path *path,
				    const struct opened *f, size_t body_len)
{
	char etag[ETAG_ROOM];
	bool settled = f->version.changed.tv_sec + SETTLED_S < http_clock_wall_s(c->clock);
	size_t etag_len = etag_format(&f->version, settled, etag);
	int64_t last_modified_s = last_modified_of(c, &f->version);
	struct http_entry *e;
	struct fields fields;
	size_t size;
	char *at;

	format_fields(f, etag, last_modified_s, &fields);
	size = sizeof *e + path->len + etag_len + fields.len + body_len;
	e = malloc(size);
	if (e == NULL)
		return NULL;
	*e = (struct http_entry){
		.cache = c,
		.key_len = (uint32_t)path->len,
		.version = f->version,
		.settled = settled,
		.fields_len = fields.len,
		.length_at = fields.length_at,
		.validators_at = fields.validators_at,
		.checked_us = c->world->now_us,
		.fd = f->fd,
		.footprint = size,
	};
	span_owner_init(&e->owner, entry_release);
	list_init(&e->lru);
	at = e->memory;
	e->key = put(&at, path->text, path->len);
	e->validators.etag = bytes_of(put(&at, etag, etag_len), etag_len);
	e->validators.last_modified_s = last_modified_s;
	e->fields = (uint8_t *)put(&at, fields.text, fields.len);
	c->bytes += size;
	span_owner_ref(c->keeper);
	return e;
}

static bool read_whole(int fd, char *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Reads the contents behind the fields; false if the file changed meanwhile, or could not be read. */
static bool entry_read(struct http_entry *e)
{
	char *body = e->memory + e->key_len + e->validators.etag.len + e->fields_len;

	if (!read_whole(e->fd, body, e->version.size) || !http_version_is_current(&e->version, e->fd))
		return false;
	close(e->fd);
	e->fd = -1;
	e->body = (uint8_t *)body;
	return true;
}

/* Makes an entry of an open file, which is closed on failure. */
static unsigned load(struct http_cache *c, const struct http_path *path, struct opened *f,
		     struct http_entry **out)
{
	size_t spare = sizeof **out + HTTP_PATH_SIZE + FIELDS_ROOM;

	for (int i = 0; i < READ_TRIES; i++) {
		bool in_memory = f->version.size <= c->limits.max_file &&
				 make_room(c, f->version.size + spare);
		struct http_entry *e = entry_new(c, path, f, in_memory ? f->version.size : 0);
		struct stat st;

		if (e == NULL)
			break;
		if (!in_memory || entry_read(e)) {
			*out = e;
			return 200;
		}
		e->fd = -1;
		entry_free(e);
		if (fstat(f->fd, &st) != 0)
			break;
		version_set(&f->version, &st);
	}
	close(f->fd);
	return 503;
}

/* ---- the table ---- */

static uint64_t hash_of(const struct http_cache *c, size_t site, const struct http_path *path)
{
	return hash_siphash13(&c->world->table_key, path->text, path->len) + site;
}

static struct http_entry *find(const struct http_cache *c, uint64_t hash, size_t site,
			       const struct http_path *path)
{
	for (struct http_entry *e = *bucket_of(c, hash); e != NULL; e = e->next)
		if (e->hash == hash && e->site == site && e->key_len == path->len &&
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
static unsigned get_from_disk(struct http_cache *c, uint64_t hash, size_t site, const struct http_path *path,
			      struct http_entry *known, struct http_entry **out)
{
	struct opened f;
	unsigned status = open_path(&c->sites->sites[site], path, &f);
	bool same = status == 200 && known != NULL && known->settled &&
		    same_version(&known->version, &f.version);

	if (same)
		close(f.fd);
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
		status = load(c, path, &f, out);
	if (status != 200)
		return status;
	c->misses++;
	(*out)->site = (uint32_t)site;
	(*out)->hash = hash;
	link_entry(c, *out);
	return 200;
}

unsigned http_cache_get(struct http_cache *c, size_t site, const struct http_path *path,
			struct http_entry **out)
{
	uint64_t hash = hash_of(c, site, path);
	struct http_entry *e = find(c, hash, site, path);

	if (e == NULL || !is_fresh(c, e)) {
		unsigned status = get_from_disk(c, hash, site, path, e, out);

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
