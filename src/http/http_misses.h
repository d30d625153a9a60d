/*
 * Paths that were looked for a moment ago, and were not there: asked for again they cost no system call. A
 * table of fixed size, apart from the cache: however many are missed, they push out one another and no file.
 */
#ifndef HTTP_HTTP_MISSES_H
#define HTTP_HTTP_MISSES_H

#include <stdbool.h>
#include <stdint.h>

enum { HTTP_MISSES = 1024 };

/* One whose hash names it: by a key that nobody knows, so that two with one hash are not to be expected. */
struct http_miss {
	uint64_t hash, until_us;
	uint64_t appeared; /* names that had appeared (struct http_watch) when it was looked for */
};

struct http_misses {
	struct http_miss slots[HTTP_MISSES];
};

static inline struct http_miss *http_misses_slot(struct http_misses *m, uint64_t hash)
{
	return &m->slots[hash % HTTP_MISSES];
}

/* It was not there, which is good until until_us, or until something appears. */
static inline void http_misses_add(struct http_misses *m, uint64_t hash, uint64_t until_us, uint64_t appeared)
{
	*http_misses_slot(m, hash) = (struct http_miss){ hash, until_us, appeared };
}

static inline bool http_misses_has(struct http_misses *m, uint64_t hash, uint64_t now_us, uint64_t appeared)
{
	const struct http_miss *miss = http_misses_slot(m, hash);

	return miss->hash == hash && now_us < miss->until_us && miss->appeared == appeared;
}

#endif
