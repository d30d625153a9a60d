/* From a path to open files: the one that answers for it, and its precompressed siblings. */
#ifndef HTTP_HTTP_FIND_H
#define HTTP_HTTP_FIND_H

#include "http/http_encoding.h"
#include "http/http_path.h"
#include "http/http_site.h"
#include "http/http_version.h"

struct http_file {
	int fd; /* -1: there is none */
	struct http_version version;
};

/* The names that were tried, up to the one that was found. */
struct http_sought {
	uint64_t names;    /* http_watch_name() of each */
	bool is_watchable; /* all in one directory; those found are files with one
			    * name each, and no symlinks */
	size_t directory_len;
	char directory[HTTP_PATH_SIZE]; /* not terminated; as http_watch_find() takes it */
};

struct http_found {
	struct http_file files[HTTP_CODINGS]; /* the file itself is that with the identity coding */
	const char *type;
	struct http_sought sought;
};

/*
 * Opens what answers for this path by this policy; one with a leading slash is a file's own, for which
 * nothing else is tried. 200 and *out, whose descriptors are then the caller's; 301 for a directory named
 * without its slash; 403, 404, 500 or 503.
 */
unsigned http_find(const struct http_sites *sites, const struct http_open_policy *policy,
		   const struct http_path *path, struct http_found *out);

/* Closes what is open. */
void http_found_close(struct http_found *f);

#endif
