/*
 * Versions of files. Times on files are as coarse as the kernel's tick, or a second on some file
 * systems: a write right after the contents were read may leave them alike. A version seen that soon is
 * not settled. System calls: fstat.
 */
#include "http/http_version.h"

#include <stdio.h>

#include "base/hash.h"

enum { SETTLED_S = 2 };

void http_version_set(struct http_version *v, const struct stat *st)
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

bool http_version_same(const struct http_version *a, const struct http_version *b)
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

bool http_version_is_settled(const struct http_version *v, int64_t now_s)
{
	return v->changed.tv_sec + SETTLED_S < now_s;
}

size_t http_version_etag(const struct http_version *v, bool weak, uint64_t variant,
			 char out[static HTTP_ETAG_ROOM])
{
	static const struct hash_key key = { 0 }; /* alike in every worker and after a restart */
	const uint64_t facts[5] = { (uint64_t)v->modified.tv_sec, (uint64_t)v->modified.tv_nsec, v->size,
				    v->inode, variant };

	return (size_t)snprintf(out, HTTP_ETAG_ROOM, "%s\"%016llx\"", weak ? "W/" : "",
				(unsigned long long)hash_siphash24(&key, facts, sizeof facts));
}
