/*
 * Policy: how a site, or a part of it, is served. A site has one; a location may have its own, which then
 * counts for all below it, and in which its owner repeats what it means to keep. Opened once, then only read:
 * what answers need lies ready in it.
 */
#ifndef HTTP_HTTP_POLICY_H
#define HTTP_HTTP_POLICY_H

#include "base/addr_rates.h"
#include "base/failure.h"
#include "http/http_auth.h"
#include "http/http_cors.h"
#include "http/http_detour.h"
#include "http/http_guard.h"
#include "http/http_headers.h"
#include "http/http_tries.h"

struct http_directory;
struct http_document;
struct http_open_site;

/* Answers with a directory's listing: 200 and *out, or 403, 404, 500, 503. */
typedef unsigned http_listing_fn(void *context, const struct http_directory *directory,
				 struct http_document *out);

/* As it is told. What is NULL or 0 is left out. */
struct http_policy {
	const char *const *cache_control; /* rules (http_cache_control.h), NULL-terminated;
					   * NULL: the default ones */
	const char *const *header;        /* rules (http_headers.h), NULL-terminated; NULL: none */
	struct http_cors_settings cors;
	const char *const *redirect;      /* rules (http_detour.h), NULL-terminated; NULL: none */
	const uint64_t *max_body;         /* bytes; NULL: the server's (struct http_config) */
	const struct ip_prefix *allow;    /* clients that are answered (http_clients.h); others get 403 */
	size_t n_allow;
	const struct ip_prefix *deny;     /* clients that are not */
	size_t n_deny;
	struct http_auth_policy auth;     /* who is answered (http_auth.h); others get 401 */
	struct rate_limit rate;           /* of each client's requests (http_rate.h); more
					   * get 429. Interval 0: none */
	const char *const *index;      /* index file names, NULL-terminated; NULL: index.html */
	const char *const *try_files;  /* rules (http_tries.h), NULL-terminated; without
					* any the next two count */
	bool clean_urls;               /* /page may be answered with page.html */
	const char *fallback; /* file that answers for paths that are not there and
			       * have no extension; NULL: none */
	const char *const *error_page; /* rules (http_error_page.h), NULL-terminated; NULL: none */
	bool follow_symlinks;          /* also those that lead out of the root */
	bool precompressed;            /* a.css may be answered with a.css.br, .zst or .gz beside it */
	http_listing_fn *listing;      /* NULL: a directory without index file is 403 */
	void *listing_context;
	bool compress; /* files are compressed, once, and that is kept for who takes it (http_compress.h) */
	const char *const *compress_types; /* worth it beside those known to be (http_mime.h);
					    * NULL-terminated; NULL: none */
};

struct http_open_policy {
	const struct http_open_site *site;
	uint32_t number; /* no other policy of the server has it */
	char **cache_control; /* NULL-terminated */
	struct http_tails tails; /* with which heads end */
	struct http_cors cors;
	struct http_detours redirects;
	uint64_t max_body;
	struct http_guard guard;
	char **index;      /* NULL-terminated */
	char **error_page; /* NULL-terminated */
	struct http_tries tries;
	bool follow_symlinks, precompressed;
	http_listing_fn *listing; /* NULL: none */
	void *listing_context;
	bool compress;
	char **compress_types; /* NULL-terminated */
};

/* A copy, without site, number and guard. 0, or negative errno and *why, which begins with
 * `whose`; then nothing is held. */
int http_policy_open(struct http_open_policy *to, const struct http_policy *from, uint64_t max_body,
		     const char *whose, struct failure *why);
/* What http_policy_open() would say. */
int http_policy_check(const struct http_policy *p, const char *whose, struct failure *why);
void http_policy_close(struct http_open_policy *p);

/* Files of this media type have encoded representations: are worth one, or said to be. */
bool http_policy_encodes(const struct http_open_policy *p, const char *type);

#endif
