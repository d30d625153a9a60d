/* Guards: the order of what is asked, from what costs least on. */
#include "http/http_guard.h"

#include <errno.h>
#include <stdio.h>

#include "http/http.h"
#include "http/http_answer.h"
#include "http/http_buffer.h"
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

int http_guard_open(struct http_guard *g, struct http_guards *shared, const struct http_policy *policy,
		    const struct http_guard *above, const char *whose, struct failure *why)
{
	*g = (struct http_guard){ .shared = shared };
	if (!http_clients_open(&g->clients, policy->allow, policy->n_allow, policy->deny, policy->n_deny) ||
	    !open_rate(g, &policy->rate, above)) {
		http_guard_close(g);
		return failure_set(why, -ENOMEM, "%s: no memory for its limits", whose);
	}
	g->is_closed = g->clients.count > 0 || g->rate != NULL;
	return 0;
}

void http_guard_close(struct http_guard *g)
{
	http_clients_close(&g->clients);
	http_rate_unref(g->rate);
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

static unsigned decide(const struct http_guard *g, const struct stream *stream, struct http_pass *pass)
{
	struct stream_info info;

	stream_info(stream, &info);
	if (!http_clients_admit(&g->clients, &info.remote))
		return 403;
	return g->rate != NULL ? limit_rate(g, &info.remote, pass) : 0;
}

unsigned http_guard_ask(const struct http_guard *g, const struct stream *stream, struct http_pass *pass)
{
	if (!pass->is_decided) {
		pass->refusal = decide(g, stream, pass);
		pass->is_decided = true;
	}
	return pass->refusal;
}

void http_guard_explain(const struct http_pass *pass, struct http_buffers *buffers, struct http_answer *answer)
{
	struct http_buffer *buffer;
	int len;

	if (pass->refusal != 429 || (buffer = http_buffer_take(buffers, HTTP_BUFFER_SMALL)) == NULL)
		return;
	len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL, "Retry-After: %u\r\n", pass->retry_s);
	answer->extra = (struct span){ .data = buffer->data, .len = (size_t)len, .owner = &buffer->owner };
}
