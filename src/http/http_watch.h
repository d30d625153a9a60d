/*
 * Directories watched with inotify(7), so that a change of what depends on their files is known without
 * asking: who depends on names in a directory is told when one of them changes, or may have.
 *
 * Seen are changes through the file system of this machine: of names, contents and modes, of the directory
 * and of those on the way from the root to it. Not seen: writes through a mapping or another hard link, what
 * others do to a network file system (such are not watched at all), and what a symlink leads to. So whoever
 * is told nothing for long looks all the same.
 */
#ifndef HTTP_HTTP_WATCH_H
#define HTTP_HTTP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { HTTP_WATCH_CHAINS = 64 };

/* Lies in what depends on names in a directory. */
struct http_dependent {
	struct list node; /* in no list: it is not told */
	uint64_t names;   /* http_watch_name() of each */
};

struct http_watch {
	int fd;         /* readable when there is something to be told; -1: nothing is watched */
	uint32_t limit; /* of directories; beyond it those not used for longest are given up */
	uint32_t count;
	uint64_t events;   /* told by the kernel */
	uint64_t appeared; /* times that a name may have come to be in some directory */
	void (*on_change)(struct http_dependent *d);
	struct list recent; /* the directories; a directory comes after those on the way to it */
	struct list by_path[HTTP_WATCH_CHAINS], by_id[HTTP_WATCH_CHAINS];
};

struct http_watched; /* a directory */

/* limit 0: nothing is watched. 0, or negative errno, and then nothing is watched either. */
int http_watch_open(struct http_watch *w, uint32_t limit, void (*on_change)(struct http_dependent *d));

/* Nobody is told any more. */
void http_watch_close(struct http_watch *w);

/* The directory of this path below the open directory root ("", or it ends in a slash), if it is watched.
 * Valid until the next call of any of these. */
struct http_watched *http_watch_find(struct http_watch *w, int root, const char *path, size_t len);

/* Watches it, and those on the way: what is read of it from now on is known to change. 0, or negative errno:
 * -EXDEV when changes would not be seen. */
int http_watch_add(struct http_watch *w, int root, const char *path, size_t len);

/* Tells d when one of its names may have changed, until it is removed (list_remove(&d->node)) or the
 * directory is given up, of which it is told. */
void http_watch_depend(struct http_watched *directory, struct http_dependent *d);

/* A bit for a name. Others have the same, so one is told for nothing now and then. */
uint64_t http_watch_name(const char *name, size_t len);

/* Takes what there is to be told, and tells it. */
void http_watch_read(struct http_watch *w);

#endif
