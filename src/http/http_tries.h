/*
 * What is tried for a path, in turn, until a file is there: the path itself, files whose names are
 * made from it, files that stand for whatever is missing. Clean URLs and the fallback of
 * single-page sites are such lists.
 *
 * A rule is a path with $uri in it, such as "$uri.html" or "/en$uri", or one without, such as "/index.html",
 * or at the end a status, such as "=404". Rules with $uri stand side by side, since what they find is kept
 * under the path that was asked for.
 */
#ifndef HTTP_HTTP_TRIES_H
#define HTTP_HTTP_TRIES_H

#include "base/failure.h"
#include "http/http_path.h"

struct http_try {
	char *before; /* $uri, with the slash that $uri begins with; without $uri:
		       * all, from its own slash on */
	char *after;  /* NULL: there is no $uri */
	bool for_pages; /* only for paths that name no asset */
};

struct http_tries {
	struct http_try *items;
	size_t count;
	size_t uri_at, uri_end; /* those with $uri */
	unsigned status; /* if nothing is there */
};

bool http_try_rule_is_valid(const char *rule);

/* Rules are NULL-terminated; without any the path itself is tried, then what clean_urls and fallback (NULL:
 * none) stand for. 0, or negative errno and *why, which begins with `whose`; then nothing is held. */
int http_tries_open(struct http_tries *t, const char *const *rules, bool clean_urls, const char *fallback,
		    const char *whose, struct failure *why);
void http_tries_close(struct http_tries *t);

/* Writes the path that a try with $uri makes of this one; false: none. */
bool http_try_make(const struct http_try *t, const struct http_path *path, struct http_path *out);

/* The path names a page: an asset has an extension, and one that is missing must be missed. */
bool http_try_is_page(const struct http_path *path);

#endif
