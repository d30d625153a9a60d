/* Listings of directories, for people and for programs. */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

#include "http/http.h"

enum {
	LISTING_ENTRIES = 2000,     /* most that are shown; that there are more is told */
	LISTING_DOCUMENT = 2 << 20, /* most bytes of one listing */
};

/* A http_listing_fn. context: the struct document_budget of what is made for readers. */
unsigned listing_answer(void *context, const struct http_directory *directory, struct http_document *out);

#endif
