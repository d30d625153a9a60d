/* Locations: the parts of a site that have a policy of their own, or a handler
 * that answers instead of files. */
#ifndef HTTP_HTTP_LOCATION_H
#define HTTP_HTTP_LOCATION_H

#include "http/http_call.h"
#include "http/http_lines.h"
#include "http/http_path.h"
#include "http/http_site.h"

struct http_open_location {
	char *prefix; /* as http_path_resolve() gives it: no leading slash */
	size_t prefix_len;
	struct http_open_policy own; /* without a site: it has none of its own */
	const struct http_handler *handler; /* NULL: files */
	void *context;
	struct http_lines *allow; /* the field line for 405 and OPTIONS; NULL: files, or parts that differ */
};

/* A copy, but for the policy. 0, or negative errno and *why; then nothing is held. */
int http_location_open(struct http_open_location *to, const struct http_location *from, struct failure *why);
void http_location_close(struct http_open_location *l);

/* The location whose prefix is the longest of those that cover the path, or NULL. A prefix covers whole
 * segments: "/a" covers /a and /a/b, and not /ab. "/a/" covers /a too, for want of its slash. */
const struct http_open_location *http_location_find(const struct http_open_site *site,
						    const struct http_path *path);

/* The policy for what the location covers; l may be NULL: what none does. */
static inline const struct http_open_policy *http_location_policy(const struct http_open_site *site,
								  const struct http_open_location *l)
{
	return l != NULL && l->own.site != NULL ? &l->own : &site->policy;
}

/* The path is the prefix without the slash that ends it. */
static inline bool http_location_lacks_slash(const struct http_open_location *l, const struct http_path *path)
{
	return path->len < l->prefix_len;
}

/* The methods of its handler for the path, which it covers ... */
unsigned http_location_methods(const struct http_open_location *l, const struct http_path *path);
/* ... and the Allow line that tells them; empty: no memory. */
struct span http_location_allow(const struct http_open_location *l, const struct http_path *path);

#endif
