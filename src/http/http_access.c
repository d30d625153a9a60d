/* Access records: what was asked, by whom, and what came of it. */
#include "http/http_access.h"

static void set_text(const char **text, size_t *len, struct bytes value)
{
	*text = (const char *)value.data;
	*len = value.len;
}

static void set_request(struct http_log_record *record, const struct http_exchange *x)
{
	const struct http_request *r = x->request;

	record->version_major = r->line.major;
	record->version_minor = r->line.minor;
	if (r->line.target_len > 0) {
		set_text(&record->method, &record->method_len, bytes_of(r->store, r->line.method_len));
		set_text(&record->target, &record->target_len, http_request_target(r));
	}
	set_text(&record->referer, &record->referer_len, http_request_value(r, HTTP_FIELD_REFERER));
	set_text(&record->user_agent, &record->user_agent_len, http_request_value(r, HTTP_FIELD_USER_AGENT));
	if (x->call.pass.is_decided && x->call.pass.refusal == 0 && x->call.pass.user_len > 0)
		set_text(&record->user, &record->user_len,
			 bytes_of((const uint8_t *)x->call.pass.user, x->call.pass.user_len));
	set_text(&record->host, &record->host_len,
		 x->target.authority.data != NULL ? x->target.authority
						  : http_request_value(r, HTTP_FIELD_HOST));
}

void http_access_done(const struct http_conn *c)
{
	struct http_server *s = c->server;
	const struct http_exchange *x = c->exchange;
	struct http_log_record record;

	s->usage.requests++;
	histogram_add(&s->usage.request_time, s->world->now_us - x->started_us);
	s->usage.responses_by_class[x->status / 100]++;
	if (s->hooks.on_request_done == NULL)
		return;
	record = (struct http_log_record){
		.status = x->status != 0 ? x->status : 499,
		.body_bytes_sent = x->body_total - http_body_left(&x->body),
		.started_us = x->started_us,
		.finished_us = s->world->now_us,
		.connection_requests = c->requests + 1,
	};
	if (!(c->flags & HTTP_CONN_GONE))
		stream_info(c->stream, &record.stream);
	set_request(&record, x);
	s->hooks.on_request_done(s->hooks.context, &record);
}
