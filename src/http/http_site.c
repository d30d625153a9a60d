/* Sites: opened at start, then only read. */
#include "http/http_site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_cache_control.h"
#include "http/http_error_page.h"
#include "http/http_location.h"
#include "http/http_open.h"
#include "http/http_target.h"

static void free_strings(char **strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++)
		free(strings[i]);
	free(strings);
}

static char **copy_strings(const char *const *strings)
{
	size_t count = 0;
	char **copy;

	while (strings != NULL && strings[count] != NULL)
		count++;
	copy = calloc(count + 1, sizeof *copy);
	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = strdup(strings[i]);
		if (copy[i] == NULL) {
			free_strings(copy);
			return NULL;
		}
	}
	return copy;
}

static void lower_strings(char **strings)
{
	for (; *strings != NULL; strings++)
		for (char *p = *strings; *p != '\0'; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p |= 0x20;
}

static bool copy_settings(struct http_open_site *to, const struct http_site *from)
{
	static const char *const default_index[] = { "index.html", NULL };
	static const char *const default_rules[] = {
		"text/html no-cache",
		"application/xhtml+xml no-cache",
		NULL,
	};

	to->name = strdup(from->name != NULL ? from->name : "default");
	to->index = copy_strings(from->index != NULL ? from->index : default_index);
	to->hosts = copy_strings(from->hosts);
	to->cache_control = copy_strings(from->cache_control != NULL ? from->cache_control : default_rules);
	to->error_page = copy_strings(from->error_page);
	to->precompressed = from->precompressed;
	to->clean_urls = from->clean_urls;
	to->follow_symlinks = from->follow_symlinks;
	to->listing = from->listing;
	to->listing_context = from->listing_context;
	if (to->name == NULL || to->index == NULL || to->hosts == NULL || to->cache_control == NULL ||
	    to->error_page == NULL)
		return false;
	lower_strings(to->hosts);
	return true;
}

static int open_locations(struct http_open_site *to, const struct http_site *from, struct failure *why)
{
	int error = 0;

	if (from->n_locations == 0)
		return 0;
	to->locations = calloc(from->n_locations, sizeof *to->locations);
	if (to->locations == NULL)
		return failure_set(why, -ENOMEM, "no memory for the locations of site \"%s\"", to->name);
	while (error == 0 && to->n_locations < from->n_locations) {
		error = http_location_open(&to->locations[to->n_locations],
					   &from->locations[to->n_locations], why);
		to->n_locations += error == 0;
	}
	return error;
}

static int open_fallback(struct http_open_site *to, const struct http_site *from, struct failure *why)
{
	if (from->fallback == NULL)
		return 0;
	to->fallback = malloc(sizeof *to->fallback);
	if (to->fallback == NULL)
		return failure_set(why, -ENOMEM, "no memory for site \"%s\"", to->name);
	if (!http_path_of_file(from->fallback, to->fallback))
		return failure_set(why, -EINVAL, "site \"%s\": \"%s\" could not be served as its fallback",
				   to->name, from->fallback);
	return 0;
}

static int check_rules(const struct http_open_site *site, struct failure *why)
{
	for (char **rule = site->cache_control; *rule != NULL; rule++)
		if (!http_cache_control_rule_is_valid(*rule))
			return failure_set(why, -EINVAL, "site \"%s\": \"%s\" is not %s", site->name, *rule,
					   "a media type and what Cache-Control says of it");
	for (char **rule = site->error_page; *rule != NULL; rule++)
		if (!http_error_page_rule_is_valid(*rule))
			return failure_set(why, -EINVAL, "site \"%s\": \"%s\" is not %s", site->name, *rule,
					   "statuses of errors and the path of their page");
	return 0;
}

static int open_site(struct http_open_site *to, const struct http_site *from, struct failure *why)
{
	int error;

	if (!copy_settings(to, from))
		return failure_set(why, -ENOMEM, "no memory for site \"%s\"", from->name);
	error = check_rules(to, why);
	if (error == 0)
		error = open_fallback(to, from, why);
	if (error != 0)
		return error;
	if (from->root == NULL)
		return failure_set(why, -EINVAL, "site \"%s\" has no root: name a directory to serve",
				   to->name);
	to->root = http_open_root(from->root);
	if (to->root < 0)
		return failure_set(why, to->root, "cannot open the root \"%s\" of site \"%s\": %s; %s",
				   from->root, to->name, strerror(-to->root),
				   "name a directory that exists and can be read");
	return open_locations(to, from, why);
}

int http_sites_open(struct http_sites *s, const struct http_site *sites, size_t count, struct failure *why)
{
	int error = 0;

	if (count == 0)
		return failure_set(why, -EINVAL, "there is no site to serve: name at least one");
	*s = (struct http_sites){ 0 };
	s->sites = calloc(count, sizeof *s->sites);
	if (s->sites == NULL)
		return failure_set(why, -ENOMEM, "no memory for %zu sites", count);
	while (error == 0 && s->count < count) {
		s->sites[s->count].root = -1;
		error = open_site(&s->sites[s->count], &sites[s->count], why);
		s->count++;
	}
	if (error != 0)
		http_sites_close(s);
	return error;
}

void http_sites_close(struct http_sites *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct http_open_site *site = &s->sites[i];

		if (site->root >= 0)
			close(site->root);
		free(site->name);
		free_strings(site->index);
		free_strings(site->hosts);
		free_strings(site->cache_control);
		free_strings(site->error_page);
		free(site->fallback);
		for (size_t k = 0; k < site->n_locations; k++)
			http_location_close(&site->locations[k]);
		free(site->locations);
	}
	free(s->sites);
	http_mime_file_free(&s->types);
	*s = (struct http_sites){ 0 };
}

int http_site_open(const struct http_open_site *site, const char *path)
{
	return site->follow_symlinks ? http_open_anywhere(site->root, path)
				     : http_open_beneath(site->root, path);
}

static bool answers_to(const struct http_open_site *site, struct bytes host)
{
	for (char **name = site->hosts; *name != NULL; name++)
		if (http_text_is((const char *)host.data, host.len, *name))
			return true;
	return false;
}

bool http_sites_answer_to(const struct http_sites *s, struct bytes authority)
{
	if (authority.data == NULL)
		return true;
	for (size_t i = 0; i < s->count; i++)
		if (*s->sites[i].hosts == NULL || answers_to(&s->sites[i], http_authority_host(authority)))
			return true;
	return false;
}

size_t http_sites_find(const struct http_sites *s, struct bytes authority)
{
	struct bytes host;

	if (s->count == 1 || authority.data == NULL)
		return 0;
	host = http_authority_host(authority);
	for (size_t i = 0; i < s->count; i++)
		if (answers_to(&s->sites[i], host))
			return i;
	return 0;
}
