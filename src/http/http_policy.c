/* Policies: copied and checked at start, then only read. */
#include "http/http_policy.h"

#include <errno.h>
#include <string.h>

#include "base/strings.h"
#include "http/http_cache_control.h"
#include "http/http_error_page.h"
#include "http/http_mime.h"

static bool copy(struct http_open_policy *to, const struct http_policy *from, uint64_t max_body)
{
	static const char *const default_index[] = { "index.html", NULL };
	static const char *const default_rules[] = {
		"text/* no-cache",
		"application/* no-cache",
		"* max-age=3600",
		NULL,
	};

	to->max_body = from->max_body != NULL ? *from->max_body : max_body;
	to->cache_control = strings_copy(from->cache_control != NULL ? from->cache_control : default_rules);
	to->compress = from->compress;
	to->compress_types = strings_copy(from->compress_types);
	to->index = strings_copy(from->index != NULL ? from->index : default_index);
	to->error_page = strings_copy(from->error_page);
	to->follow_symlinks = from->follow_symlinks;
	to->precompressed = from->precompressed;
	to->listing = from->listing;
	to->listing_context = from->listing_context;
	return to->cache_control != NULL && to->index != NULL && to->error_page != NULL &&
	       to->compress_types != NULL;
}

static int open_tails(struct http_open_policy *to, const struct http_policy *from, const char *whose,
		      struct failure *why)
{
	char **rules = strings_copy(from->header);
	const char *fault = NULL;
	int error = 0;

	for (char **rule = rules; rules != NULL && *rule != NULL && error == 0; rule++) {
		fault = http_header_rule_fault(*rule);
		if (fault != NULL)
			error = failure_set(why, -EINVAL, "%s: \"%s\" %s", whose, *rule, fault);
	}
	if (error == 0 && (rules == NULL || !http_tails_open(&to->tails, rules, http_cors_line(&to->cors))))
		error = failure_set(why, -ENOMEM, "%s: no memory for its headers", whose);
	strings_free(rules);
	return error;
}

static int check_rules(const struct http_open_policy *p, const char *whose, struct failure *why)
{
	for (char **rule = p->cache_control; *rule != NULL; rule++)
		if (!http_cache_control_rule_is_valid(*rule))
			return failure_set(why, -EINVAL, "%s: \"%s\" is not %s", whose, *rule,
					   "a media type and what Cache-Control says of it");
	for (char **rule = p->error_page; *rule != NULL; rule++)
		if (!http_error_page_rule_is_valid(*rule))
			return failure_set(why, -EINVAL, "%s: \"%s\" is not %s", whose, *rule,
					   "statuses of errors and the path of their page");
	for (char **type = p->compress_types; *type != NULL; type++)
		if (!http_mime_pattern_is_valid(*type, strlen(*type)))
			return failure_set(why, -EINVAL, "%s: \"%s\" is not a media type", whose, *type);
	return 0;
}

static int check_auth(const struct http_auth_policy *auth, const char *whose, struct failure *why)
{
	if (auth->realm == NULL || (auth->users != NULL && *auth->users != '\0'))
		return 0;
	return failure_set(why, -EINVAL, "%s: auth needs users: the file that says who they are", whose);
}

int http_policy_open(struct http_open_policy *to, const struct http_policy *from, uint64_t max_body,
		     const char *whose, struct failure *why)
{
	int error;

	*to = (struct http_open_policy){ 0 };
	if (copy(to, from, max_body))
		error = check_rules(to, whose, why);
	else
		error = failure_set(why, -ENOMEM, "%s: no memory for its policy", whose);
	if (error == 0)
		error = check_auth(&from->auth, whose, why);
	if (error == 0)
		error = http_tries_open(&to->tries, from->try_files, from->clean_urls, from->fallback, whose,
					why);
	if (error == 0)
		error = http_cors_open(&to->cors, &from->cors, whose, why);
	if (error == 0)
		error = http_redirects_open(&to->redirects, from->redirect, whose, why);
	if (error == 0)
		error = open_tails(to, from, whose, why);
	if (error != 0)
		http_policy_close(to);
	return error;
}

bool http_policy_encodes(const struct http_open_policy *p, const char *type)
{
	for (char **pattern = p->compress_types; *pattern != NULL; pattern++)
		if (http_mime_fits(*pattern, strlen(*pattern), type))
			return true;
	return http_mime_is_compressible(type);
}

int http_policy_check(const struct http_policy *p, const char *whose, struct failure *why)
{
	struct http_open_policy opened;
	int error = http_policy_open(&opened, p, 0, whose, why);

	if (error == 0)
		http_policy_close(&opened);
	return error;
}

void http_policy_close(struct http_open_policy *p)
{
	strings_free(p->cache_control);
	strings_free(p->index);
	strings_free(p->error_page);
	strings_free(p->compress_types);
	http_guard_close(&p->guard);
	http_tries_close(&p->tries);
	http_tails_close(&p->tails);
	http_cors_close(&p->cors);
	http_detours_close(&p->redirects);
	*p = (struct http_open_policy){ 0 };
}
