/* Several ranges of a file as one body, multipart/byteranges (RFC 9110 section 14.6). */
#ifndef HTTP_HTTP_PARTS_H
#define HTTP_HTTP_PARTS_H

#include "base/random.h"
#include "http/http_buffer.h"
#include "http/http_cache.h"
#include "http/http_range.h"

/* Text of ours, or a part of the file. */
struct http_stretch {
	const uint8_t *text; /* NULL: the file's bytes */
	uint64_t at, len;    /* at is 0 for text */
};

/* It lies in a buffer, together with the text. */
struct http_parts {
	struct span_owner *owner; /* the buffer's */
	struct span fields;       /* Content-Type and Content-Length; holds no reference */
	uint64_t left;            /* bytes of the stretches from next on */
	unsigned count, next;
	struct http_stretch stretches[2 * HTTP_RANGES + 1];
	char text[];
};

/* One with one reference; NULL if there is no buffer for it. */
struct http_parts *http_parts_new(struct http_buffers *buffers, struct random *random,
				  const struct http_entry *e, const struct http_ranges *ranges);

/* The next stretch, which is then behind; NULL after the last. */
const struct http_stretch *http_parts_next(struct http_parts *p);

#endif
