/*
 * A text that is made for one response: it grows while it is written, and is then handed over as a span. What
 * goes wrong on the way (too long, no memory) is remembered and told at the end, so that a
 * writer need not ask after each word.
 */
#ifndef SERVER_DOCUMENT_H
#define SERVER_DOCUMENT_H

#include <stdbool.h>

#include "base/span.h"

/* What all documents together may take up: they live until their readers have acknowledged them. */
struct document_budget {
	size_t limit, in_use; /* bytes */
};

struct document {
	struct span_owner owner;
	struct document_budget *budget;
	char *text;
	size_t len, room;
	size_t limit; /* most bytes of this one */
	bool failed;
};

/* The budget must outlive the document. NULL: no memory. */
struct document *document_new(struct document_budget *budget, size_t limit);

/* A document of the caller's, in its memory. It is never finished: what it has is its text and len. */
static inline struct document document_in(char *memory, size_t size)
{
	return (struct document){ .text = memory, .room = size, .limit = size };
}

void document_add(struct document *d, const void *data, size_t len);
void document_add_text(struct document *d, const char *text);
void document_add_number(struct document *d, uint64_t n); /* in decimal */
void document_add_seconds(struct document *d, uint64_t us); /* as 0.000123 */

/* Bytes that may still be added, as far as its own limit goes. */
static inline size_t document_left(const struct document *d)
{
	return d->limit - d->len;
}

/* Gives d away. True: *out holds its only reference. False: something went wrong, and it is freed. */
bool document_finish(struct document *d, struct span *out);

#endif
