/*
 * An attempt is a job: name and hash, copied, and the password, wiped afterwards. Requests that come with the
 * same credentials meanwhile, as a browser sends for all that is on a page, wait for the same attempt. A user
 * who is not there costs an attempt as well, so that time does not tell who is.
 */
#include "http/http_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/offload.h"
#include "base/world.h"
#include "http/http.h"
#include "http/http_basic.h"
#include "http/http_call.h"
#include "http/http_guard.h"
#include "http/http_rate.h"
#include "http/http_verified.h"
#include "http/http_version.h"

enum {
	/* Under way at once, for a realm; more get 503. The helper has other
	 * work too, which waits behind them. */
	ATTEMPTS_MOST = 16,
	ATTEMPT_CLIENTS = 16384,  /* that are told apart */
	REALM_MOST = 200,         /* characters */
	RECHECK_US = 1000000,     /* the file is looked at as often as this */
};

struct http_auth {
	struct http_guards *shared; /* NULL: the server is gone */
	unsigned references;        /* those of attempts included */
	char *realm, *path;
	struct rate_limit limit;
	struct addr_rates clients;  /* attempts; unused without a limit */
	struct http_users users;
	struct http_version file;   /* as it was when it was read, or could not be */
	uint64_t checked_us;
	uint32_t generation;        /* of the users */
	struct http_verified verified;
	struct list attempts;
	unsigned n_attempts;
};

struct attempt {
	struct offload_job job;
	struct http_auth *auth;
	struct list node;    /* in auth->attempts */
	struct list waiting; /* of struct http_pass */
	struct http_digest digest;
	struct ip_addr client;
	uint32_t generation;
	bool is_user;        /* there is one of this name */
	bool is_right;       /* what comes of it */
	char hash[HTTP_HASH_MOST + 1];
	struct http_basic credentials;
};

/* ---- life ---- */

bool http_auth_realm_is_valid(const char *realm)
{
	if (strlen(realm) > REALM_MOST)
		return false;
	for (; *realm != '\0'; realm++)
		if ((*realm != ' ' && !ascii_is_visible(*realm)) || *realm == '"' || *realm == '\\')
			return false;
	return true;
}

static void release(struct http_auth *a)
{
	if (--a->references > 0)
		return;
	http_users_free(&a->users);
	if (a->limit.interval_us > 0)
		addr_rates_fini(&a->clients);
	explicit_bzero(&a->verified, sizeof a->verified);
	free(a->realm);
	free(a->path);
	free(a);
}

static int open_auth(struct http_auth *a, const struct http_auth_policy *policy, struct failure *why)
{
	struct stat st;
	int error = 0;

	a->realm = strdup(policy->realm);
	a->path = strdup(policy->users);
	if (a->realm == NULL || a->path == NULL)
		return failure_set(why, -ENOMEM, "no memory for users");
	if (policy->attempts.interval_us > 0)
		error = addr_rates_init(&a->clients, &policy->attempts, ATTEMPT_CLIENTS,
					&a->shared->world->table_key);
	if (error != 0)
		return failure_set(why, error, "no memory for users");
	a->limit = policy->attempts;
	http_verified_init(&a->verified, &a->shared->world->random);
	if (stat(a->path, &st) < 0)
		return failure_set(why, -errno, "users file %s: %s", a->path, strerror(errno));
	http_version_set(&a->file, &st);
	return http_users_load(&a->users, a->path, why);
}

int http_auth_new(struct http_guards *shared, const struct http_auth_policy *policy, struct http_auth **out,
		  struct failure *why)
{
	struct http_auth *a = calloc(1, sizeof *a);
	int error;

	if (a == NULL)
		return failure_set(why, -ENOMEM, "no memory for users");
	*a = (struct http_auth){ .shared = shared, .references = 1, .checked_us = shared->world->now_us };
	list_init(&a->attempts);
	error = open_auth(a, policy, why);
	if (error != 0)
		release(a);
	else
		*out = a;
	return error;
}

struct http_auth *http_auth_ref(struct http_auth *a)
{
	a->references++;
	return a;
}

void http_auth_unref(struct http_auth *a)
{
	if (a == NULL)
		return;
	a->shared = NULL;
	release(a);
}

bool http_auth_is_as(const struct http_auth *a, const struct http_auth_policy *policy)
{
	return strcmp(a->realm, policy->realm) == 0 && strcmp(a->path, policy->users) == 0 &&
	       a->limit.interval_us == policy->attempts.interval_us &&
	       a->limit.burst == policy->attempts.burst;
}

const char *http_auth_realm(const struct http_auth *a)
{
	return a->realm;
}

/* ---- the file, when it changes ---- */

/* What was read last is kept while the file is gone, or wrong: that is told once. */
static void reread(struct http_auth *a)
{
	struct http_users users;
	struct failure why;

	if (http_users_load(&users, a->path, &why) < 0) {
		log_line(a->shared->world->log, LOG_ERROR, "auth", "the users as they were are kept: %s",
			 why.text);
		return;
	}
	http_users_free(&a->users);
	a->users = users;
	a->generation++;
	http_verified_clear(&a->verified);
	log_line(a->shared->world->log, LOG_NOTICE, "auth", "%s: %zu users read", a->path, users.count);
}

static void refresh(struct http_auth *a)
{
	uint64_t now_us = a->shared->world->now_us;
	struct http_version file = { 0 };
	struct stat st;

	if (now_us - a->checked_us < RECHECK_US)
		return;
	a->checked_us = now_us;
	if (stat(a->path, &st) == 0)
		http_version_set(&file, &st);
	if (http_version_same(&file, &a->file))
		return;
	a->file = file;
	reread(a);
}

/* ---- attempts ---- */

/* On another thread. */
static void run(struct offload_job *job)
{
	struct attempt *t = CONTAINER_OF(job, struct attempt, job);

	t->is_right = http_users_verify(t->credentials.password, t->hash) && t->is_user;
}

/* What was right costs no token. */
static void count(struct http_auth *a, const struct attempt *t)
{
	uint64_t now_us = a->shared->world->now_us;

	if (!t->is_right) {
		a->shared->usage->auth_failures++;
		return;
	}
	if (a->limit.interval_us > 0)
		addr_rates_give(&a->clients, &t->client, now_us);
	if (t->generation == a->generation)
		http_verified_add(&a->verified, &t->digest, now_us);
}

static void end(struct attempt *t)
{
	struct http_auth *a = t->auth;

	list_remove(&t->node);
	a->n_attempts--;
	http_basic_wipe(&t->credentials);
	free(t);
	release(a);
}

static void done(struct offload_job *job)
{
	struct attempt *t = CONTAINER_OF(job, struct attempt, job);
	unsigned refusal = !job->ran ? 503 : t->is_right ? 0 : 401;
	struct list *first;

	list_remove(&t->node);
	if (t->auth->shared != NULL && job->ran)
		count(t->auth, t);
	while ((first = list_first(&t->waiting)) != NULL) {
		struct http_pass *pass = LIST_ENTRY(first, struct http_pass, waiting);

		http_auth_forget(pass);
		http_pass_decide(pass, refusal);
	}
	end(t);
}

static struct attempt *attempt_new(struct http_auth *a, const struct http_basic *credentials,
				   const struct http_digest *digest, const struct ip_addr *client)
{
	struct attempt *t = malloc(sizeof *t);
	const char *hash = http_users_find(&a->users, credentials->user);

	if (t == NULL)
		return NULL;
	*t = (struct attempt){
		.job = { .run = run, .done = done },
		.auth = http_auth_ref(a),
		.digest = *digest,
		.client = *client,
		.generation = a->generation,
		.is_user = hash != NULL,
		.credentials = *credentials,
	};
	t->credentials.user = t->credentials.text;
	t->credentials.password = t->credentials.text + (credentials->password - credentials->text);
	strcpy(t->hash, hash != NULL ? hash : http_users_decoy(&a->users));
	list_init(&t->waiting);
	list_append(&a->attempts, &t->node);
	a->n_attempts++;
	return t;
}

static void join(struct attempt *t, struct http_pass *pass)
{
	list_append(&t->waiting, &pass->waiting);
	pass->is_waiting = true;
}

static struct attempt *find_attempt(const struct http_auth *a, const struct http_digest *digest)
{
	LIST_FOR_EACH(node, &a->attempts) {
		struct attempt *t = LIST_ENTRY(node, struct attempt, node);

		if (http_digest_equal(&t->digest, digest))
			return t;
	}
	return NULL;
}

static unsigned begin(struct http_auth *a, const struct http_basic *credentials,
		      const struct http_digest *digest, const struct ip_addr *client, struct http_pass *pass)
{
	struct attempt *t = a->n_attempts < ATTEMPTS_MOST ? attempt_new(a, credentials, digest, client)
							  : NULL;

	if (t == NULL)
		return 503;
	if (!offload_submit(a->shared->offload, &t->job)) {
		end(t);
		return 503;
	}
	join(t, pass);
	return HTTP_LATER;
}

/* ---- requests ---- */

static void set_user(struct http_pass *pass, const struct http_basic *credentials)
{
	pass->user_len = (uint8_t)strnlen(credentials->user, HTTP_USER_MOST);
	memcpy(pass->user, credentials->user, pass->user_len);
}

static unsigned try(struct http_auth *a, const struct http_basic *credentials, const struct ip_addr *client,
		    struct http_pass *pass)
{
	struct http_digest digest = http_verified_digest(
		&a->verified, bytes_of((const uint8_t *)credentials->text, credentials->len));
	uint64_t now_us = a->shared->world->now_us, wait_us;
	struct attempt *t;

	set_user(pass, credentials);
	if (http_verified_has(&a->verified, &digest, now_us))
		return 0;
	t = find_attempt(a, &digest);
	if (t != NULL) {
		join(t, pass);
		return HTTP_LATER;
	}
	wait_us = a->limit.interval_us > 0 ? addr_rates_take(&a->clients, client, now_us) : 0;
	if (wait_us == 0)
		return begin(a, credentials, &digest, client, pass);
	pass->retry_s = http_rate_retry_s(wait_us);
	a->shared->usage->auth_limited++;
	return 429;
}

unsigned http_auth_ask(struct http_auth *a, const struct http_request *r, const struct ip_addr *client,
		       struct http_pass *pass)
{
	struct http_basic credentials;
	unsigned status = 401;

	refresh(a);
	if (!http_request_is_repeated(r, HTTP_FIELD_AUTHORIZATION) &&
	    http_basic_parse(http_request_value(r, HTTP_FIELD_AUTHORIZATION), &credentials)) {
		status = try(a, &credentials, client, pass);
		http_basic_wipe(&credentials);
	}
	return status;
}

void http_auth_forget(struct http_pass *pass)
{
	if (pass->is_waiting)
		list_remove(&pass->waiting);
	pass->is_waiting = false;
}
