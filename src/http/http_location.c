/* Locations: copied at start, then only read. */
#include "http/http_location.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALLOW_SIZE = 96 }; /* "Allow: ", all methods, CRLF */

bool http_location_prefix_is_valid(const char *prefix)
{
	struct http_path path;
	enum http_path_verdict verdict;

	if (prefix[0] != '/')
		return false;
	verdict = http_path_resolve(prefix, strlen(prefix), &path);
	return (verdict == HTTP_PATH_OK || verdict == HTTP_PATH_DOTFILE) &&
	       strcmp(path.text, prefix + 1) == 0;
}

/* "Allow: GET, HEAD, OPTIONS" and CRLF, for a set of methods and OPTIONS. NULL: no memory. */
static struct http_lines *make_allow(unsigned methods)
{
	char line[ALLOW_SIZE], *at = line;
	const char *between = "Allow: ";

	methods |= HTTP_METHOD_BIT(OPTIONS);
	for (const struct http_method_name *m = http_method_names; m->name != NULL; m++) {
		if ((methods >> m->method & 1) == 0)
			continue;
		at = stpcpy(stpcpy(at, between), m->name);
		between = ", ";
	}
	at = stpcpy(at, "\r\n");
	return http_lines_new(line, (size_t)(at - line));
}

int http_location_open(struct http_open_location *to, const struct http_location *from, struct failure *why)
{
	bool needs_allow = from->handler != NULL && from->handler->methods_at == NULL;

	if (!http_location_prefix_is_valid(from->prefix))
		return failure_set(why, -EINVAL,
				   "location \"%s\": a prefix begins with a slash, and is written "
				   "as paths are when dots, double slashes and %% are resolved",
				   from->prefix);
	*to = (struct http_open_location){ .handler = from->handler, .context = from->context };
	if (needs_allow)
		to->allow = make_allow(from->handler->methods);
	to->prefix = strdup(from->prefix + 1);
	if (to->prefix == NULL || (needs_allow && to->allow == NULL)) {
		http_location_close(to);
		return failure_set(why, -ENOMEM, "no memory for location \"%s\"", from->prefix);
	}
	to->prefix_len = strlen(to->prefix);
	return 0;
}

void http_location_close(struct http_open_location *l)
{
	free(l->prefix);
	http_lines_unref(l->allow);
	http_policy_close(&l->own);
	*l = (struct http_open_location){ 0 };
}

/* How well it fits: longer prefixes better, and one better than the same with a slash that the path lacks.
 * 0: it does not cover the path. */
static size_t fit(const struct http_open_location *l, const struct http_path *path)
{
	size_t len = l->prefix_len;
	bool has_slash = len > 0 && l->prefix[len - 1] == '/';

	if (has_slash && path->len == len - 1)
		return memcmp(path->text, l->prefix, len - 1) == 0 ? 2 * (len - 1) : 0;
	if (path->len < len || memcmp(path->text, l->prefix, len) != 0)
		return 0;
	if (path->len > len && len > 0 && !has_slash && path->text[len] != '/')
		return 0;
	return 2 * len + 1;
}

const struct http_open_location *http_location_find(const struct http_open_site *site,
						    const struct http_path *path)
{
	const struct http_open_location *best = NULL;
	size_t best_fit = 0;

	for (size_t i = 0; i < site->n_locations; i++) {
		size_t this_fit = fit(&site->locations[i], path);

		if (this_fit > best_fit) {
			best = &site->locations[i];
			best_fit = this_fit;
		}
	}
	return best;
}

unsigned http_location_methods(const struct http_open_location *l, const struct http_path *path)
{
	if (LIKELY(l->handler->methods_at == NULL) || http_location_lacks_slash(l, path))
		return l->handler->methods;
	return l->handler->methods_at(path->text + l->prefix_len);
}

struct span http_location_allow(const struct http_open_location *l, const struct http_path *path)
{
	struct http_lines *lines;
	struct span span;

	if (l->allow != NULL)
		return http_lines_take(l->allow);
	lines = make_allow(http_location_methods(l, path));
	if (lines == NULL)
		return (struct span){ .data = NULL };
	span = http_lines_take(lines);
	http_lines_unref(lines);
	return span;
}
