/* Sites: opened at start, then only read. */
#include "http/http_site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host_name.h"
#include "base/strings.h"
#include "http/http_location.h"
#include "http/http_open.h"
#include "http/http_target.h"

static bool copy_names(struct http_open_site *to, const struct http_site *from)
{
	to->name = strdup(from->name != NULL ? from->name : "default");
	to->hosts = strings_copy(from->hosts);
	return to->name != NULL && to->hosts != NULL;
}

/* Opens a policy of the site, or of a location in it, and numbers it. */
static int open_policy(struct http_sites *s, const struct http_open_site *site, const char *whose,
		       const struct http_policy *from, uint64_t max_body, struct http_open_policy *to,
		       struct failure *why)
{
	const struct http_guard *above = to != &site->policy ? &site->policy.guard : NULL;
	int error = http_policy_open(to, from, max_body, whose, why);

	if (error == 0)
		error = http_guard_open(&to->guard, s->guards, from, above, whose, why);
	if (error != 0) {
		http_policy_close(to);
		return error;
	}
	to->site = site;
	to->number = s->policies++;
	if (to->max_body > s->max_body)
		s->max_body = to->max_body;
	return 0;
}

static int open_location(struct http_sites *s, struct http_open_site *site, const struct http_location *from,
			 struct http_open_location *to, struct failure *why)
{
	char whose[96];
	int error = http_location_open(to, from, why);

	if (error != 0 || from->policy == NULL)
		return error;
	snprintf(whose, sizeof whose, "location \"%.64s\"", from->prefix);
	error = open_policy(s, site, whose, from->policy, site->policy.max_body, &to->own, why);
	if (error != 0)
		http_location_close(to);
	return error;
}

static int open_locations(struct http_sites *s, struct http_open_site *to, const struct http_site *from,
			  struct failure *why)
{
	int error = 0;

	if (from->n_locations == 0)
		return 0;
	to->locations = calloc(from->n_locations, sizeof *to->locations);
	if (to->locations == NULL)
		return failure_set(why, -ENOMEM, "no memory for the locations of site \"%s\"", to->name);
	while (error == 0 && to->n_locations < from->n_locations) {
		error = open_location(s, to, &from->locations[to->n_locations],
				      &to->locations[to->n_locations], why);
		to->n_locations += error == 0;
	}
	return error;
}

static int open_root(struct http_open_site *to, const struct http_site *from, struct failure *why)
{
	if (from->root == NULL)
		return failure_set(why, -EINVAL, "site \"%s\" has no root: name a directory to serve",
				   to->name);
	to->root = http_open_root(from->root);
	if (to->root < 0)
		return failure_set(why, to->root, "cannot open the root \"%s\" of site \"%s\": %s; %s",
				   from->root, to->name, strerror(-to->root),
				   "name a directory that exists and can be read");
	return 0;
}

static int open_site(struct http_sites *s, const struct http_config *config, const struct http_site *from,
		     struct http_open_site *to, struct failure *why)
{
	char whose[96];
	int error;

	if (!copy_names(to, from))
		return failure_set(why, -ENOMEM, "no memory for site \"%s\"", from->name);
	snprintf(whose, sizeof whose, "site \"%.64s\"", to->name);
	error = open_policy(s, to, whose, &from->policy, config->max_body, &to->policy, why);
	if (error == 0)
		error = http_rewrites_open(&to->rewrites, from->rewrite, whose, why);
	if (error == 0)
		error = open_root(to, from, why);
	return error != 0 ? error : open_locations(s, to, from, why);
}

int http_sites_open(struct http_sites *s, const struct http_config *config, const struct http_site *sites,
		    size_t count, struct http_guards *guards, struct failure *why)
{
	int error = 0;

	if (count == 0)
		return failure_set(why, -EINVAL, "there is no site to serve: name at least one");
	*s = (struct http_sites){ .guards = guards };
	s->sites = calloc(count, sizeof *s->sites);
	if (s->sites == NULL)
		return failure_set(why, -ENOMEM, "no memory for %zu sites", count);
	while (error == 0 && s->count < count) {
		s->sites[s->count].root = -1;
		error = open_site(s, config, &sites[s->count], &s->sites[s->count], why);
		s->count++;
	}
	if (error != 0)
		http_sites_close(s);
	return error;
}

int http_sites_check(const struct http_sites *s, struct failure *why)
{
	for (size_t i = 0; i < s->count; i++) {
		int error = http_check_root(s->sites[i].root);

		if (error != 0)
			return failure_set(why, error, "the root of site \"%s\" cannot be entered: %s",
					   s->sites[i].name, strerror(-error));
	}
	return 0;
}

void http_sites_close(struct http_sites *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct http_open_site *site = &s->sites[i];

		if (site->root >= 0)
			close(site->root);
		free(site->name);
		strings_free(site->hosts);
		http_policy_close(&site->policy);
		http_detours_close(&site->rewrites);
		for (size_t k = 0; k < site->n_locations; k++)
			http_location_close(&site->locations[k]);
		free(site->locations);
	}
	free(s->sites);
	http_mime_file_free(&s->types);
	*s = (struct http_sites){ 0 };
}

int http_site_open(const struct http_open_policy *policy, const char *path)
{
	int root = policy->site->root;

	return policy->follow_symlinks ? http_open_anywhere(root, path) : http_open_beneath(root, path);
}

/* The site that has the host among its names, and is meant most of those; s->count: none. */
static size_t find_named(const struct http_sites *s, struct bytes host)
{
	size_t found = s->count, best_match = 0;

	for (size_t i = 0; i < s->count; i++)
		if (host_name_beats((const char *const *)s->sites[i].hosts, host, &best_match))
			found = i;
	return found;
}

bool http_sites_name(const struct http_sites *s, struct bytes authority)
{
	return find_named(s, http_authority_host(authority)) < s->count;
}

bool http_sites_answer_to(const struct http_sites *s, struct bytes authority)
{
	if (authority.data == NULL)
		return true;
	for (size_t i = 0; i < s->count; i++)
		if (*s->sites[i].hosts == NULL)
			return true;
	return http_sites_name(s, authority);
}

size_t http_sites_find(const struct http_sites *s, struct bytes authority)
{
	size_t found;

	if (s->count == 1 || authority.data == NULL)
		return 0;
	found = find_named(s, http_authority_host(authority));
	return found < s->count ? found : 0;
}
