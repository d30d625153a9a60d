/* Policies, from the configuration to HTTP. */
#include "server/policy.h"

#include <stdio.h>

#include "server/listing.h"

enum { WHOSE_TEXT = 96 };

struct http_policy policy_for_http(const struct config_policy *p, struct document_budget *documents)
{
	return (struct http_policy){
		.index = p->index.items,
		.try_files = p->try_files.items,
		.clean_urls = p->clean_urls,
		.fallback = *p->fallback != '\0' ? p->fallback : NULL,
		.error_page = p->error_page.items,
		.follow_symlinks = p->follow_symlinks,
		.precompressed = p->precompressed,
		.listing = p->listing ? listing_answer : NULL,
		.listing_context = documents,
		.cache_control = p->cache_control.items,
		.header = p->header.items,
		.redirect = p->redirect.items,
		.cors = {
			.origins = p->cors_origins.items,
			.methods = p->cors_methods.items,
			.headers = p->cors_headers.items,
			.expose = p->cors_expose.items,
			.credentials = p->cors_credentials,
			.max_age_s = p->cors_max_age_us / 1000000,
		},
		.max_body = &p->max_body,
		.compress = p->compress,
		.compress_types = p->compress_types.items,
		.rate = p->rate,
		.auth = {
			.realm = *p->auth != '\0' ? p->auth : NULL,
			.users = p->users,
			.attempts = p->auth_rate,
		},
		.allow = p->allow.items,
		.n_allow = p->allow.n,
		.deny = p->deny.items,
		.n_deny = p->deny.n,
	};
}

static int check(const struct config_policy *p, const char *what, const char *name, struct failure *why)
{
	struct http_policy policy = policy_for_http(p, NULL);
	char whose[WHOSE_TEXT];

	snprintf(whose, sizeof whose, "%s \"%.64s\"", what, name);
	return http_policy_check(&policy, whose, why);
}

int policy_check_all(const struct config *c, struct failure *why)
{
	int error = 0;

	for (unsigned i = 0; i < c->n_sites && error == 0; i++)
		error = check(&c->sites[i].policy, "site", c->sites[i].name, why);
	for (unsigned i = 0; i < c->n_locations && error == 0; i++)
		error = check(&c->locations[i].policy, "location", c->locations[i].prefix, why);
	return error;
}
