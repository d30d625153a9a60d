/* Field lines that lie ready: made once, sent by reference, freed when the last response lets go of them. */
#ifndef HTTP_HTTP_LINES_H
#define HTTP_HTTP_LINES_H

#include "base/span.h"

struct http_lines {
	struct span_owner owner;
	size_t len;
	uint8_t text[];
};

/* A copy with one reference, or NULL: no memory. */
struct http_lines *http_lines_new(const char *text, size_t len);

static inline void http_lines_unref(struct http_lines *l)
{
	if (l != NULL)
		span_owner_unref(&l->owner);
}

/* With a reference of its own. */
static inline struct span http_lines_take(struct http_lines *l)
{
	span_owner_ref(&l->owner);
	return (struct span){ .data = l->text, .len = l->len, .owner = &l->owner };
}

#endif
