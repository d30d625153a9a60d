/*
 * Watching directories. An event is told to those whose names it concerns; one about a directory ends the
 * watch of it and of all below, because their paths may now lead elsewhere. Who uses a directory again after
 * that finds it not watched, and has it watched anew. When the kernel lost events all are told.
 *
 * Directories of two roots, or two paths, may be one to the kernel, which then has one watch for them.
 *
 * System calls: inotify_init1, inotify_add_watch, inotify_rm_watch, openat, fstatfs, read, close.
 */
#include "http/http_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/hash.h"

enum {
	APPEARING = IN_CREATE | IN_MOVED_TO | IN_ATTRIB,
	EVENTS = APPEARING | IN_MODIFY | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
	READS = 16, /* of a buffer full, before others have their turn */
};

struct http_watched {
	struct list recent, by_path, by_id;
	struct list dependents;
	struct http_watched *above; /* NULL: a root */
	int root, id;
	bool doomed;
	uint64_t hash;
	size_t len;
	char path[];
};

static const struct hash_key key = { 0 }; /* those who make names in a site have easier
					   * ways to slow it down */

uint64_t http_watch_name(const char *name, size_t len)
{
	return UINT64_C(1) << (hash_siphash13(&key, name, len) & 63);
}

/* ---- the table ---- */

static uint64_t hash_of(int root, const char *path, size_t len)
{
	return hash_siphash13(&key, path, len) + (uint64_t)root;
}

static struct list *chain_of_id(struct http_watch *w, int id)
{
	return &w->by_id[(unsigned)id % HTTP_WATCH_CHAINS];
}

static bool has_id(struct http_watch *w, int id)
{
	LIST_FOR_EACH(node, chain_of_id(w, id))
		if (LIST_ENTRY(node, struct http_watched, by_id)->id == id)
			return true;
	return false;
}

/* The newest of all, after those below it: what is given up first has none below. */
static void touch(struct http_watch *w, struct http_watched *d)
{
	for (; d != NULL; d = d->above) {
		list_remove(&d->recent);
		list_prepend(&w->recent, &d->recent);
	}
}

struct http_watched *http_watch_find(struct http_watch *w, int root, const char *path, size_t len)
{
	uint64_t hash = hash_of(root, path, len);

	LIST_FOR_EACH(node, &w->by_path[hash % HTTP_WATCH_CHAINS]) {
		struct http_watched *d = LIST_ENTRY(node, struct http_watched, by_path);

		if (d->hash == hash && d->root == root && d->len == len && memcmp(d->path, path, len) == 0) {
			touch(w, d);
			return d;
		}
	}
	return NULL;
}

static void tell(struct http_watch *w, struct http_watched *d, uint64_t names)
{
	LIST_FOR_EACH_SAFE(node, &d->dependents) {
		struct http_dependent *dependent = LIST_ENTRY(node, struct http_dependent, node);

		if ((dependent->names & names) != 0)
			w->on_change(dependent);
	}
}

/* None may be below it. */
static void give_up(struct http_watch *w, struct http_watched *d)
{
	tell(w, d, UINT64_MAX);
	while (!list_is_empty(&d->dependents))
		list_remove(list_first(&d->dependents));
	list_remove(&d->recent);
	list_remove(&d->by_path);
	list_remove(&d->by_id);
	if (!has_id(w, d->id))
		inotify_rm_watch(w->fd, d->id);
	w->count--;
	free(d);
}

static void give_up_doomed(struct http_watch *w)
{
	LIST_FOR_EACH_SAFE(node, &w->recent) {
		struct http_watched *d = LIST_ENTRY(node, struct http_watched, recent);

		if (d->doomed)
			give_up(w, d);
	}
}

/* name in above, as a directory, and all below it. */
static void doom_below(struct http_watch *w, const struct http_watched *above, const char *name)
{
	size_t name_len = strlen(name);

	LIST_FOR_EACH(node, &w->recent) {
		struct http_watched *d = LIST_ENTRY(node, struct http_watched, recent);

		if (d->root == above->root && d->len > above->len + name_len &&
		    memcmp(d->path, above->path, above->len) == 0 &&
		    memcmp(d->path + above->len, name, name_len) == 0 &&
		    (name_len == 0 || d->path[above->len + name_len] == '/'))
			d->doomed = true;
	}
}

/* ---- adding ---- */

/* Changes made elsewhere, or by nobody, are not told of these. */
static bool tells_changes(int fd)
{
	static const uint32_t silent[] = {
		NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, V9FS_MAGIC,
		FUSE_SUPER_MAGIC, AFS_SUPER_MAGIC, AFS_FS_MAGIC,     CODA_SUPER_MAGIC, CEPH_SUPER_MAGIC,
		OCFS2_SUPER_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LENGTH(silent); i++)
		if ((uint32_t)fs.f_type == silent[i])
			return false;
	return true;
}

/* The kernel's number of the watch, or negative errno. */
static int watch_open(const struct http_watch *w, int fd)
{
	char name[32];
	int id;

	if (!tells_changes(fd))
		return -EXDEV;
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	id = inotify_add_watch(w->fd, name, EVENTS);
	return id >= 0 ? id : -errno;
}

/* As above. What leads to the last name is watched already, so no symlink is on the way. */
static int watch_path(const struct http_watch *w, int root, const char *path, size_t len)
{
	char name[PATH_MAX];
	int fd, id;

	if (len == 0)
		return watch_open(w, root);
	if (len > sizeof name)
		return -ENAMETOOLONG;
	memcpy(name, path, len);
	name[len - 1] = '\0'; /* with its slash a symlink would be followed */
	fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? -EXDEV : -errno;
	id = watch_open(w, fd);
	close(fd);
	return id;
}

/* Puts the directory into the table. */
static struct http_watched *watched_new(struct http_watch *w, struct http_watched *above, int root,
					const char *path, size_t len, int id)
{
	struct http_watched *d = malloc(sizeof *d + len);

	if (d == NULL)
		return NULL;
	*d = (struct http_watched){ .above = above, .root = root, .id = id, .len = len };
	d->hash = hash_of(root, path, len);
	memcpy(d->path, path, len);
	list_init(&d->dependents);
	list_init(&d->recent);
	touch(w, d);
	list_append(&w->by_path[d->hash % HTTP_WATCH_CHAINS], &d->by_path);
	list_append(chain_of_id(w, id), &d->by_id);
	w->count++;
	return d;
}

static int add_one(struct http_watch *w, struct http_watched *above, int root, const char *path, size_t len,
		   struct http_watched **out)
{
	int id;

	if (w->count == w->limit)
		give_up(w, LIST_ENTRY(list_last(&w->recent), struct http_watched, recent));
	id = watch_path(w, root, path, len);
	if (id < 0)
		return id;
	*out = watched_new(w, above, root, path, len, id);
	if (*out != NULL)
		return 0;
	if (!has_id(w, id))
		inotify_rm_watch(w->fd, id);
	return -ENOMEM;
}

/* Names up to the directory, the root included. */
static uint32_t depth_of(const char *path, size_t len)
{
	uint32_t depth = 1;

	for (size_t i = 0; i < len; i++)
		depth += path[i] == '/';
	return depth;
}

int http_watch_add(struct http_watch *w, int root, const char *path, size_t len)
{
	struct http_watched *d = NULL;
	size_t at = 0;
	int error = 0;

	if (w->fd < 0 || depth_of(path, len) > w->limit) /* they must not push each other out */
		return -ENOSPC;
	for (;;) {
		struct http_watched *above = d;

		d = http_watch_find(w, root, path, at);
		if (d == NULL)
			error = add_one(w, above, root, path, at, &d);
		if (error != 0 || at == len)
			break;
		at = (size_t)((const char *)memchr(path + at, '/', len - at) + 1 - path);
	}
	return error;
}

void http_watch_depend(struct http_watched *directory, struct http_dependent *d)
{
	list_remove(&d->node);
	list_append(&directory->dependents, &d->node);
}

/* ---- events ---- */

static void tell_all(struct http_watch *w)
{
	w->appeared++;
	LIST_FOR_EACH(node, &w->recent)
		tell(w, LIST_ENTRY(node, struct http_watched, recent), UINT64_MAX);
}

/* Of one of the directories that the kernel means. */
static void take_event_of(struct http_watch *w, struct http_watched *d, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";
	bool is_gone = (event->mask & IN_IGNORED) != 0;
	/* A new directory holds nothing yet. */
	bool is_other = (event->mask & IN_ISDIR) != 0 && (event->mask & IN_CREATE) == 0;

	tell(w, d, *name != '\0' ? http_watch_name(name, strlen(name)) : UINT64_MAX);
	if (is_gone || (is_other && *name != '\0'))
		doom_below(w, d, name);
	d->doomed |= is_gone;
}

static void take_event(struct http_watch *w, const struct inotify_event *event)
{
	w->events++;
	w->appeared += (event->mask & APPEARING) != 0;
	if ((event->mask & IN_Q_OVERFLOW) != 0)
		tell_all(w);
	LIST_FOR_EACH(node, chain_of_id(w, event->wd)) {
		struct http_watched *d = LIST_ENTRY(node, struct http_watched, by_id);

		if (d->id == event->wd)
			take_event_of(w, d, event);
	}
	if ((event->mask & (IN_IGNORED | IN_ISDIR)) != 0)
		give_up_doomed(w);
}

void http_watch_read(struct http_watch *w)
{
	union {
		struct inotify_event event;
		char bytes[8192];
	} buffer;

	for (int i = 0; i < READS; i++) {
		ssize_t len = read(w->fd, buffer.bytes, sizeof buffer.bytes);

		if (len <= 0)
			return;
		for (ssize_t at = 0; at < len;) {
			const struct inotify_event *event = (const void *)(buffer.bytes + at);

			at += (ssize_t)(sizeof *event + event->len);
			take_event(w, event);
		}
	}
}

/* ---- life ---- */

int http_watch_open(struct http_watch *w, uint32_t limit, void (*on_change)(struct http_dependent *d))
{
	*w = (struct http_watch){ .fd = -1, .limit = limit, .on_change = on_change };
	list_init(&w->recent);
	for (int i = 0; i < HTTP_WATCH_CHAINS; i++) {
		list_init(&w->by_path[i]);
		list_init(&w->by_id[i]);
	}
	if (limit == 0)
		return 0;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return w->fd >= 0 ? 0 : -errno;
}

void http_watch_close(struct http_watch *w)
{
	while (!list_is_empty(&w->recent))
		give_up(w, LIST_ENTRY(list_last(&w->recent), struct http_watched, recent));
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
