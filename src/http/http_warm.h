/*
 * Warm files. One that is larger than the cache's max_file is not read while its first request waits: it is
 * sent from its descriptor, through buffers. When it is asked for again its contents are read into memory
 * while requests go on, and whoever asks from then on gets them from there, which saves a copy of each byte.
 */
#ifndef HTTP_HTTP_WARM_H
#define HTTP_HTTP_WARM_H

#include <stdint.h>

#include "base/offload.h"

struct http_entry;

/* One a cache. All zero: it warms nothing. */
struct http_warmer {
	struct offload *offload; /* where files are read; NULL: nowhere */
	uint64_t max_file;       /* in bytes; larger ones stay where they are */
	unsigned under_way;
	uint64_t warmed; /* files */
};

/* After how many requests for it e, just loaded, is worth being warmed; 0: never. */
uint8_t http_warm_after(const struct http_entry *e);

/* Begins to read the contents of e, if there is room for them. */
void http_warm(struct http_entry *e);

#endif
