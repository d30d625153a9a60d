/* Versions of a file: what tells two apart, and the entity-tag that comes of it. */
#ifndef HTTP_HTTP_VERSION_H
#define HTTP_HTTP_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct http_version {
	uint64_t device, inode;
	uint64_t size;
	struct timespec modified, changed;
};

void http_version_set(struct http_version *v, const struct stat *st);

bool http_version_same(const struct http_version *a, const struct http_version *b);

/* Whether fd still holds the version, by fstat(2). */
bool http_version_is_current(const struct http_version *v, int fd);

/* The file has been as it is for so long that no later write can leave its times alike. */
bool http_version_is_settled(const struct http_version *v, int64_t now_s);

enum { HTTP_ETAG_ROOM = 24 };

/* The entity-tag with its quotes, weak or not. variant tells representations
 * of one file apart. The length. */
size_t http_version_etag(const struct http_version *v, bool weak, uint64_t variant,
			 char out[static HTTP_ETAG_ROOM]);

#endif
