/* The sites of a server: their names and their open root directories. */
#ifndef HTTP_HTTP_SITE_H
#define HTTP_HTTP_SITE_H

#include "base/bytes.h"
#include "base/failure.h"
#include "http/http.h"
#include "http/http_mime_file.h"
#include "http/http_path.h"
#include "http/http_policy.h"

struct http_open_location;

struct http_open_site {
	char *name;
	int root;     /* directory descriptor; -1: not open */
	struct http_open_policy policy;
	struct http_detours rewrites;
	char **hosts; /* NULL-terminated */
	struct http_open_location *locations;
	size_t n_locations;
};

struct http_sites {
	struct http_mime_file types; /* beside our own; empty unless loaded */
	struct http_open_site *sites;
	size_t count;
	uint32_t policies; /* of sites and locations: they are numbered */
	uint64_t max_body; /* most that any of them takes */
	struct http_guards *guards;
};

/* Copies names and locations, and opens roots. 0, or negative errno and *why; then nothing is held. */
int http_sites_open(struct http_sites *s, const struct http_config *config, const struct http_site *sites,
		    size_t count, struct http_guards *guards, struct failure *why);
void http_sites_close(struct http_sites *s);

/* As http_check_roots(). */
int http_sites_check(const struct http_sites *s, struct failure *why);

/* Opens a file or directory of the policy's site for reading, as the policy has it for symlinks. The
 * descriptor, or negative errno. */
int http_site_open(const struct http_open_policy *policy, const char *path);

/* A site has this authority's name among its own. */
bool http_sites_name(const struct http_sites *s, struct bytes authority);

/* A site answers to this authority by name, or to all; or there is no authority (HTTP/1.0). */
bool http_sites_answer_to(const struct http_sites *s, struct bytes authority);

/* The number of the site that answers to this authority; 0, the default, if none does. */
size_t http_sites_find(const struct http_sites *s, struct bytes authority);

#endif
