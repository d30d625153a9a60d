/*
 * Detours: rules that lead from one path to another. A redirect tells the client where to go,
 * "301 /blog/ * https://blog.example/ *" (without the blanks); a rewrite finds the answer elsewhere without a
 * word, "/v1/ * /api/ *". Paths stand as they are when dots, double slashes and % are resolved. One star may
 * stand in the first path, for any text, slashes and nothing included, and then in the second for the same
 * text. There are no regular expressions: a rule is compared in one pass, whatever the request is (no ReDoS).
 *
 * A redirect keeps the query unless its target has one. It may be to the host that the request named,
 * "301 / * https://$host/ *". Nothing that a client says can change the host otherwise: the star of a target
 * stands behind the slash that ends its host, and a path never begins with two slashes.
 */
#ifndef HTTP_HTTP_DETOUR_H
#define HTTP_HTTP_DETOUR_H

#include "base/failure.h"
#include "http/http_path.h"
#include "http/http_target.h"

struct http_answer;
struct http_buffers;

enum { HTTP_DETOUR_MAX = 1000 }; /* characters of a rule */

struct http_detour {
	unsigned status; /* of a redirect; 0: a rewrite */
	char *from, *from_end; /* of the first path, without its slash: before the star,
				* and behind it; NULL: no star */
	char *to, *to_end;     /* likewise of the second, with its slash; to is NULL: there is none */
	char *after_host;      /* of a target with $host: behind it, before the star; to
				* is then before it. Or NULL */
	bool keeps_query;
};

struct http_detours {
	struct http_detour *items;
	size_t count;
};

/* What is wrong with a rule, as the end of a sentence; NULL: nothing. */
const char *http_redirect_fault(const char *rule);
const char *http_rewrite_fault(const char *rule);

/* Reads rules (NULL-terminated; may be NULL). 0, or negative errno and *why, which begins with
 * `whose`; then nothing is held. */
int http_redirects_open(struct http_detours *d, const char *const *rules, const char *whose,
			struct failure *why);
int http_rewrites_open(struct http_detours *d, const char *const *rules, const char *whose,
		       struct failure *why);
void http_detours_close(struct http_detours *d);

/* The first that begins at this path, and in *star the text of its star; NULL: none. */
const struct http_detour *http_detours_find(const struct http_detours *d, const struct http_path *path,
					    struct bytes *star);

/* The path to which a rewrite leads. out may not be what star points into. */
enum http_path_verdict http_detour_rewrite(const struct http_detour *d, struct bytes star,
					   struct http_path *out);

/* Adds the Location of a redirect; without memory, or a host that it needs, the answer has another status. */
void http_detour_redirect(const struct http_detour *d, struct bytes star, const struct http_target *t,
			  struct http_buffers *buffers, struct http_answer *out);

#endif
