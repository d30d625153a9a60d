/*
 * Who somebody is: HTTP's Basic authentication (RFC 7617) against a file of users. Passwords are hashed on
 * another thread (base/offload.h); what was found right counts for a while (http_verified.h); and a client
 * that tries one password after the other is slowed down.
 */
#ifndef HTTP_HTTP_AUTH_H
#define HTTP_HTTP_AUTH_H

#include <stdbool.h>

#include "base/addr_rates.h"
#include "base/failure.h"
#include "base/list.h"
#include "http/http_users.h"

struct http_auth;
struct http_guards;
struct http_pass;
struct http_request;

/* As a policy tells it. */
struct http_auth_policy {
	const char *realm; /* NULL: whoever comes */
	const char *users; /* file (http_users.h) */
	struct rate_limit attempts; /* of passwords, of one client; interval 0: as many as it likes */
};

/* Visible ASCII and spaces, without quotes and backslashes: it goes into a quoted string as it is. */
bool http_auth_realm_is_valid(const char *realm);

/* One with one reference. 0, or negative errno and *why. */
int http_auth_new(struct http_guards *shared, const struct http_auth_policy *policy, struct http_auth **out,
		  struct failure *why);
/* Parts of a site that ask for the same share it. */
struct http_auth *http_auth_ref(struct http_auth *a);
/* The guards that it shares may be gone afterwards. a may be NULL. */
void http_auth_unref(struct http_auth *a);

bool http_auth_is_as(const struct http_auth *a, const struct http_auth_policy *policy);
const char *http_auth_realm(const struct http_auth *a);

/* 0: pass->user has proved it. 401, 429 (and pass->retry_s), 503. HTTP_LATER: http_pass_decide() will be
 * called, unless the pass is forgotten before. */
unsigned http_auth_ask(struct http_auth *a, const struct http_request *r, const struct ip_addr *client,
		       struct http_pass *pass);
void http_auth_forget(struct http_pass *pass);

#endif
