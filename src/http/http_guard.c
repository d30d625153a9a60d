/* Guards: the order of what is asked, from what costs least on. */
#include "http/http_guard.h"

#include <errno.h>
#include <stdio.h>

#include "http/http.h"
#include "http/http_answer.h"
#include "http/http_auth.h"
#include "http/http_buffer.h"
#include "http/http_call.h"
#include "http/http_rate.h"

static bool open_rate(struct http_guard *g, const struct rate_limit *limit, const struct http_guard *above)
{
	if (limit->interval_us == 0)
		return true;
	if (above != NULL && above->rate != NULL && http_rate_has_limit(above->rate, limit))
		g->rate = http_rate_ref(above->rate);
	else
		g->rate = http_rate_new(limit, &g->shared->world->table_key);
	return g->rate != NULL;
}

static int open_auth(struct http_guard *g, const struct http_auth_policy *policy,
		     const struct http_guard *above, struct failure *why)
{
	if (policy->realm == NULL)
		return 0;
	if (above != NULL && above->auth != NULL && http_auth_is_as(above->auth, policy)) {
		g->auth = http_auth_ref(above->auth);
		return 0;
	}
	return http_auth_new(g->shared, policy, &g->auth, why);
}

int http_guard_open(struct http_guard *g, struct http_guards *shared, const struct http_policy *policy,
		    const struct http_guard *above, const char *whose, struct failure *why)
{
	struct failure what;
	int error;

	*g = (struct http_guard){ .shared = shared };
	if (!http_clients_open(&g->clients, policy->allow, policy->n_allow, policy->deny, policy->n_deny) ||
	    !open_rate(g, &policy->rate, above)) {
		http_guard_close(g);
		return failure_set(why, -ENOMEM, "%s: no memory for its limits", whose);
	}
	error = open_auth(g, &policy->auth, above, &what);
	if (error != 0) {
		http_guard_close(g);
		return failure_set(why, error, "%s: %s", whose, what.text);
	}
	g->is_closed = g->clients.count > 0 || g->rate != NULL || g->auth != NULL;
	return 0;
}

void http_guard_close(struct http_guard *g)
{
	http_clients_close(&g->clients);
	http_rate_unref(g->rate);
	http_auth_unref(g->auth);
	*g = (struct http_guard){ 0 };
}

static unsigned limit_rate(const struct http_guard *g, const struct ip_addr *client, struct http_pass *pass)
{
	uint64_t wait_us = addr_rates_take(http_rate_clients(g->rate), client, g->shared->world->now_us);

	if (wait_us == 0)
		return 0;
	pass->retry_s = http_rate_retry_s(wait_us);
	g->shared->usage->rate_limited++;
	return 429;
}

static unsigned decide(const struct http_guard *g, const struct stream *stream, const struct http_request *r,
		       bool asks_who, struct http_pass *pass)
{
	struct stream_info info;
	unsigned refusal = 0;

	stream_info(stream, &info);
	if (!http_clients_admit(&g->clients, &info.remote))
		return 403;
	if (g->rate != NULL)
		refusal = limit_rate(g, &info.remote, pass);
	if (refusal == 0 && asks_who && g->auth != NULL)
		refusal = http_auth_ask(g->auth, r, &info.remote, pass);
	return refusal;
}

unsigned http_guard_ask(const struct http_guard *g, const struct stream *stream, const struct http_request *r,
			bool asks_who, struct http_pass *pass)
{
	unsigned refusal;

	if (pass->is_decided)
		return pass->refusal;
	refusal = decide(g, stream, r, asks_who, pass);
	if (refusal == HTTP_LATER)
		return HTTP_LATER;
	pass->refusal = refusal;
	pass->is_decided = true;
	return refusal;
}

void http_pass_decide(struct http_pass *pass, unsigned refusal)
{
	pass->refusal = refusal;
	pass->is_decided = true;
	http_call_retry(CONTAINER_OF(pass, struct http_call, pass));
}

void http_pass_forget(struct http_pass *pass)
{
	http_auth_forget(pass);
}

void http_guard_explain(const struct http_guard *g, const struct http_pass *pass,
			struct http_buffers *buffers, struct http_answer *answer)
{
	struct http_buffer *buffer;
	int len;

	if (pass->refusal != 401 && pass->refusal != 429)
		return;
	buffer = http_buffer_take(buffers, HTTP_BUFFER_SMALL);
	if (buffer == NULL)
		return;
	if (pass->refusal == 429)
		len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL, "Retry-After: %u\r\n", pass->retry_s);
	else
		len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL,
			       "WWW-Authenticate: Basic realm=\"%s\", charset=\"UTF-8\"\r\n",
			       http_auth_realm(g->auth));
	answer->extra = (struct span){ .data = buffer->data, .len = (size_t)len, .owner = &buffer->owner };
}
