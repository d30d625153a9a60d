/* Tries: rules read once, then paths made from them. */
#include "http/http_tries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/strings.h"
#include "http/http_status.h"

static const char variable[] = "$uri";

enum { VARIABLE_LEN = sizeof variable - 1 };

/* The status of "=404"; 0: it is none that can be answered so. */
static unsigned status_of(const char *rule)
{
	unsigned status = 0;

	if (rule[0] != '=' || strlen(rule) != 4)
		return 0;
	for (const char *p = rule + 1; *p != '\0'; p++) {
		if (!ascii_is_digit(*p))
			return 0;
		status = status * 10 + (unsigned)(*p - '0');
	}
	return status >= 400 && http_status_has_page(status) ? status : 0;
}

/* What it makes of an ordinary path could be served. */
static bool makes_a_path(const char *rule, const char *at)
{
	char name[HTTP_PATH_SIZE];
	struct http_path path;
	const char *after = at + VARIABLE_LEN;
	int len;

	if (at > rule && (rule[0] != '/' || at[-1] == '/'))
		return false;
	len = snprintf(name, sizeof name, "%.*s/x%s%s", (int)(at - rule), rule, after,
		       after[0] != '\0' && after[strlen(after) - 1] == '/' ? "x" : "");
	return len > 0 && (size_t)len < sizeof name && strstr(after, variable) == NULL &&
	       http_path_of_file(name, &path) && strcmp(path.text, name + 1) == 0;
}

bool http_try_rule_is_valid(const char *rule)
{
	const char *at = strstr(rule, variable);
	struct http_path path;

	if (rule[0] == '=')
		return status_of(rule) != 0;
	if (at != NULL)
		return makes_a_path(rule, at);
	return rule[0] == '/' && http_path_of_file(rule, &path);
}

/* ---- reading ---- */

static bool add_file(struct http_tries *t, const char *file, bool for_pages)
{
	struct http_try *try = &t->items[t->count];
	struct http_path path;

	if (!http_path_of_file(file, &path) || asprintf(&try->before, "/%s", path.text) < 0)
		return false; /* what is in *try is not counted */
	try->for_pages = for_pages;
	t->count++;
	return true;
}

static bool add_uri(struct http_tries *t, const char *rule)
{
	const char *at = strstr(rule, variable);
	struct http_try *try = &t->items[t->count];

	if (at == rule)
		try->before = strdup("");
	else if (asprintf(&try->before, "%.*s/", (int)(at - rule - 1), rule + 1) < 0)
		try->before = NULL;
	try->after = strdup(at + VARIABLE_LEN);
	t->count++;
	if (t->uri_end == 0)
		t->uri_at = t->count - 1;
	t->uri_end = t->count;
	return try->before != NULL && try->after != NULL;
}

static int check_order(const char *const *rules, const char *whose, struct failure *why)
{
	unsigned runs = 0;
	bool in_run = false;

	for (; *rules != NULL; rules++) {
		bool has_uri = strstr(*rules, variable) != NULL;

		if (!http_try_rule_is_valid(*rules))
			return failure_set(why, -EINVAL, "%s: \"%s\" is not a path to try, or a status",
					   whose, *rules);
		if (**rules == '=' && rules[1] != NULL)
			return failure_set(why, -EINVAL, "%s: behind \"%s\" nothing is tried", whose, *rules);
		runs += has_uri && !in_run;
		in_run = has_uri;
	}
	if (runs > 1)
		return failure_set(why, -EINVAL, "%s: paths to try that have $uri in them must stand "
				   "side by side", whose);
	return 0;
}

static bool add_rules(struct http_tries *t, const char *const *rules)
{
	bool good = true;

	for (; good && *rules != NULL; rules++) {
		if (**rules == '=')
			t->status = status_of(*rules);
		else
			good = strstr(*rules, variable) != NULL ? add_uri(t, *rules)
								: add_file(t, *rules, false);
	}
	if (t->uri_end == 0)
		t->uri_at = t->uri_end = t->count;
	return good;
}

static bool add_defaults(struct http_tries *t, bool clean_urls, const char *fallback)
{
	return add_uri(t, "$uri") && (!clean_urls || add_uri(t, "$uri.html")) &&
	       (fallback == NULL || add_file(t, fallback, true));
}

int http_tries_open(struct http_tries *t, const char *const *rules, bool clean_urls, const char *fallback,
		    const char *whose, struct failure *why)
{
	bool given = rules != NULL && *rules != NULL;
	struct http_path path;
	int error = given ? check_order(rules, whose, why) : 0;

	*t = (struct http_tries){ .status = 404 };
	if (error != 0)
		return error;
	if (!given && fallback != NULL && !http_path_of_file(fallback, &path))
		return failure_set(why, -EINVAL, "%s: \"%s\" could not be served as its fallback",
				   whose, fallback);
	t->items = calloc(strings_count(rules) + 3, sizeof *t->items); /* three are the most by default */
	if (t->items != NULL && (given ? add_rules(t, rules) : add_defaults(t, clean_urls, fallback)))
		return 0;
	http_tries_close(t);
	return failure_set(why, -ENOMEM, "%s: no memory for what it tries", whose);
}

void http_tries_close(struct http_tries *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->items[i].before);
		free(t->items[i].after);
	}
	free(t->items);
	*t = (struct http_tries){ 0 };
}

/* ---- trying ---- */

bool http_try_make(const struct http_try *t, const struct http_path *path, struct http_path *out)
{
	const char *after = t->after;
	int len;

	if (http_path_is_directory(path) && *after != '\0') {
		if (*after != '/') /* "$uri.html" of a directory would be a dotfile */
			return false;
		after++;
	}
	len = snprintf(out->text, sizeof out->text, "%s%s%s", t->before, path->text, after);
	out->len = (size_t)len;
	return len >= 0 && (size_t)len < sizeof out->text;
}

bool http_try_is_page(const struct http_path *path)
{
	size_t i = path->len;

	while (i > 0 && path->text[i - 1] != '/' && path->text[i - 1] != '.')
		i--;
	return i == 0 || path->text[i - 1] == '/';
}
