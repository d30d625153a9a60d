/* Exchanges: taken and given back, heads checked, persistence decided. */
#include "http/http_exchange.h"

#include "http/http_text.h"

struct http_exchange *http_exchange_take(struct http_server *s)
{
	struct http_exchange *x = pool_take(&s->exchanges);

	if (x == NULL)
		return NULL;
	*x = (struct http_exchange){ .request = http_request_take(&s->parsers),
				     .started_us = s->world->now_us };
	if (x->request != NULL)
		return x;
	pool_give(&s->exchanges, x);
	return NULL;
}

void http_exchange_give(struct http_server *s, struct http_exchange *x)
{
	http_body_release(&x->body);
	http_call_end(&x->call);
	http_request_give(x->request);
	pool_give(&s->exchanges, x);
	if (UNLIKELY(s->queues[HTTP_CONN_WAITING].count > 0))
		http_server_wake(s);
}

/* ---- heads ---- */

/* There is one expectation. */
bool http_exchange_expects_continue(const struct http_exchange *x)
{
	return x->request->line.minor > 0 && x->request->first[HTTP_FIELD_EXPECT] != 0;
}

/* RFC 9110 section 7.4: a request for an authority that is not ours; and what is asked for by https must not
 * come over a stream that is not encrypted. */
static bool is_misdirected(const struct http_target *t, const struct http_server *s,
			   const struct stream *stream)
{
	struct stream_info info;

	if (s->config.strict_hosts && !http_sites_answer_to(&s->sites, t->authority))
		return true;
	if (!t->is_https)
		return false;
	stream_info(stream, &info);
	return info.tls_version == NULL;
}

unsigned http_exchange_check_head(struct http_exchange *x, const struct http_server *s,
				  const struct stream *stream)
{
	const struct http_request *r = x->request;
	struct bytes expect = http_request_value(r, HTTP_FIELD_EXPECT);
	unsigned status = http_target_parse(r, &x->target);

	x->head_checked = true;
	if (status == 0 && is_misdirected(&x->target, s, stream))
		status = 421;
	if (status != 0 || !http_exchange_expects_continue(x))
		return status;
	if (http_request_is_repeated(r, HTTP_FIELD_EXPECT) ||
	    !http_text_is(expect, "100-continue"))
		return 417;
	return 0;
}

/* ---- persistence ---- */

/* Whether the client wants the connection to go on (RFC 9112 section 9.3). */
static bool client_persists(const struct http_request *r)
{
	if (http_request_lists(r, HTTP_FIELD_CONNECTION, "close"))
		return false;
	return r->line.minor > 0 || http_request_lists(r, HTTP_FIELD_CONNECTION, "keep-alive");
}

bool http_status_persists(unsigned status)
{
	return status < 400 || status == 401 || status == 403 || status == 404 || status == 405 ||
	       status == 406 || status == 412 || status == 416 || status == 429;
}

enum http_persistence http_exchange_persist(struct http_exchange *x, const struct http_answer *answer,
					    bool is_last)
{
	const struct http_request *r = x->request;
	bool complete = r->stage == HTTP_STAGE_DONE && r->refusal == 0;

	x->persistent = !is_last && complete && client_persists(r) &&
			(http_status_persists(answer->status) || answer->given.call != NULL) &&
			answer->given.framing != HTTP_FRAMED_BY_END &&
			r->line.method != HTTP_METHOD_CONNECT && answer->ending == HTTP_ENDING_NONE;
	if (answer->status == 101)
		return HTTP_PERSIST_DEFAULT;
	if (!x->persistent) {
		x->is_left_to_peer = answer->ending == HTTP_ENDING_PEERS;
		return HTTP_PERSIST_CLOSE;
	}
	return r->line.minor > 0 ? HTTP_PERSIST_DEFAULT : HTTP_PERSIST_KEEP_ALIVE;
}
