/*
 * A connection's life: FRESH, then for each request HEAD, perhaps BODY, AWAITING, SENDING, and IDLE; in
 * the end LINGER, or nothing. Most requests arrive whole and are answered in the same call, which leaves
 * the connection IDLE as it was. Requests are answered in order: while a response is under way the rest
 * stays in the stream. After an answer 101 the stream is its handler's, and the record is forgotten.
 *
 * All work happens in work(): it takes input and produces output until one of them runs out, sends, and
 * then conclude() does what the outcome asks for. A connection may end in there, so nobody touches it
 * afterwards.
 *
 * Ending (RFC 9112 section 9.6): our side is shut down, and what still arrives is dropped until the peer
 * has ended too, or for a while. Closing at once would answer it with RST, and that makes the peer throw
 * away the response that it has not read yet. For the same reason nothing is closed from within
 * on_receive(): the bytes in its hands would count as unread. An answer may leave the first FIN to the peer
 * (HTTP_ENDING_PEERS): then our side stays open meanwhile.
 */
#include "http/http_conn.h"

#include <assert.h>

#include "http/http_access.h"
#include "http/http_admission.h"
#include "http/http_trace.h"

/* Most spans of a 100, and of a response up to its first piece of body. */
enum { RESPONSE_SPANS = 12 };

#define SECOND_US UINT64_C(1000000)

/* What comes of a step. */
enum step {
	STEP_ON,    /* ready for more input */
	STEP_ROOM,  /* needs room in the stream */
	STEP_PAUSE, /* needs something else, as the state says */
	STEP_CLOSE, /* the last answer is complete */
	STEP_UPGRADE, /* so is an answer 101 */
	STEP_ABORT, /* cannot go on */
};

static void leave_queue(struct http_conn *c)
{
	http_queue_leave(&c->server->queues[c->state], &c->node);
}

static void enter(struct http_conn *c, enum http_conn_state state)
{
	leave_queue(c);
	c->state = (uint8_t)state;
	http_queue_enter(&c->server->queues[state], &c->node);
	if (state == HTTP_CONN_IDLE && UNLIKELY(c->server->successor != NULL))
		http_server_wake(c->server);
}

/* What a body's arrival, or a response's, is measured by; low bits are enough for differences. */
static uint32_t measure(const struct http_conn *c, enum http_conn_state state)
{
	struct stream_info info;

	stream_info(c->stream, &info);
	return (uint32_t)(state == HTTP_CONN_BODY ? info.bytes_received : info.bytes_acked);
}

/* Its rate is measured from now on. */
static void enter_measured(struct http_conn *c, enum http_conn_state state)
{
	c->mark = measure(c, state);
	enter(c, state);
}

/* As much was received, or acknowledged, since then as the least rate makes in the time limit of the state,
 * and something in any case. */
static bool has_kept_rate(const struct http_conn *c)
{
	const struct http_config *config = &c->server->config;
	uint32_t rate = c->state == HTTP_CONN_BODY ? config->min_body_rate : config->min_send_rate;
	uint32_t moved = measure(c, c->state) - c->mark;

	return moved > 0 && moved >= rate * c->server->queues[c->state].timeout_us / SECOND_US;
}

/* A response that waits again wins time only when it has kept its rate. */
static void enter_sending(struct http_conn *c)
{
	if (c->state != HTTP_CONN_SENDING || has_kept_rate(c))
		enter_measured(c, HTTP_CONN_SENDING);
}

/* ---- exchanges ---- */

static bool take_exchange(struct http_conn *c)
{
	c->exchange = http_exchange_take(c->server);
	if (c->exchange == NULL)
		return false;
	c->exchange->call.conn = c;
	c->exchange->request->blank_lines = c->blank_lines;
	return true;
}

static void give_exchange(struct http_conn *c)
{
	struct http_exchange *x = c->exchange;

	c->exchange = NULL;
	http_exchange_give(c->server, x);
}

/* ---- the end of a connection ---- */

/* Forgets the connection; its stream has been let go of. */
static void forget(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->exchange != NULL)
		give_exchange(c);
	leave_queue(c);
	if (c->flags & HTTP_CONN_RESUMED)
		c->flags |= HTTP_CONN_FORGOTTEN;
	else
		pool_give(&s->conns, c);
}

/* The request under way will not be finished. */
static void record_unfinished(const struct http_conn *c)
{
	if (c->exchange != NULL && http_request_has_begun(c->exchange->request))
		http_access_done(c);
}

void http_conn_abort(struct http_conn *c)
{
	record_unfinished(c);
	c->server->usage.aborted++;
	http_admission_leave(c->server, c->stream);
	stream_abort(c->stream);
	forget(c);
}

void http_conn_close(struct http_conn *c)
{
	http_admission_leave(c->server, c->stream);
	stream_close(c->stream);
	forget(c);
}

/* The last answer is queued. */
static void linger(struct http_conn *c)
{
	uint64_t bytes = c->server->config.linger_bytes;

	if ((c->flags & (HTTP_CONN_ENDED | HTTP_CONN_HELD | HTTP_CONN_RESUMED)) == HTTP_CONN_ENDED) {
		http_conn_close(c);
		return;
	}
	if (!(c->flags & HTTP_CONN_LEFT))
		stream_shutdown(c->stream);
	c->mark = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	enter(c, HTTP_CONN_LINGER);
}

static size_t drop_input(struct http_conn *c, size_t len)
{
	if (len > c->mark)
		http_conn_close(c);
	else
		c->mark -= (uint32_t)len;
	return len;
}

/* ---- responses ---- */

static uint32_t age_units(uint64_t us)
{
	return (uint32_t)(us / HTTP_CONN_AGE_UNIT_US);
}

static bool is_old(const struct http_conn *c)
{
	const struct http_server *s = c->server;

	return age_units(s->world->now_us) - c->opened >= age_units(s->config.keepalive_time_us);
}

/* The connection ends after this request, whatever its answer is. */
static bool is_last_request(const struct http_conn *c)
{
	const struct http_server *s = c->server;

	return s->draining || c->requests + 1 >= s->config.keepalive_requests || is_old(c);
}

/* The response is queued as a whole. */
static enum step finish(struct http_conn *c)
{
	bool persistent = c->exchange->persistent, is_left = c->exchange->is_left_to_peer;

	if (c->exchange->status == 101)
		return STEP_UPGRADE;
	http_trace(c, HTTP_TRACE_END);
	http_access_done(c);
	c->requests++;
	c->blank_lines = 0;
	give_exchange(c);
	enter(c, HTTP_CONN_IDLE);
	if (persistent)
		return STEP_ON;
	if (is_left)
		c->flags |= HTTP_CONN_LEFT;
	return STEP_CLOSE;
}

static enum step send_body(struct http_conn *c, struct http_batch *out)
{
	bool drained = (c->flags & HTTP_CONN_UNDRAINED) == 0;

	switch (http_body_add(out, &c->exchange->body, &c->server->buffers, drained)) {
	case HTTP_BODY_SENT:
		return finish(c);
	case HTTP_BODY_NO_ROOM:
		enter_sending(c);
		return STEP_ROOM;
	case HTTP_BODY_UNDRAINED:
		enter_sending(c);
		return STEP_PAUSE;
	case HTTP_BODY_NO_BUFFER:
		c->server->usage.buffer_waits++;
		enter(c, HTTP_CONN_STARVED);
		return STEP_PAUSE;
	case HTTP_BODY_AWAITED:
		enter(c, HTTP_CONN_AWAITING);
		return STEP_PAUSE;
	case HTTP_BODY_BROKEN:
	default:
		return STEP_ABORT;
	}
}

/* RFC 9110 section 9.3.3; and an error may be over the next time that it is asked for. */
static bool must_not_be_kept(const struct http_request *r, const struct http_answer *answer)
{
	return (r->line.method == HTTP_METHOD_POST || answer->status >= 400) && answer->given.call == NULL;
}

/* An answer may ask for a congestion control of its own; the next one puts it back. */
static void tune(struct http_conn *c, const char *congestion)
{
	c->flags &= (uint16_t)~HTTP_CONN_TUNED;
	if (stream_set_congestion(c->stream, congestion) == 0 && congestion != NULL)
		c->flags |= HTTP_CONN_TUNED;
}

static enum step respond(struct http_conn *c, struct http_batch *out, struct http_answer *answer)
{
	struct http_server *s = c->server;
	struct http_exchange *x = c->exchange;

	x->status = answer->status;
	answer->no_store |= must_not_be_kept(x->request, answer);
	if (UNLIKELY(answer->congestion != NULL || (c->flags & HTTP_CONN_TUNED) != 0))
		tune(c, answer->congestion);
	http_head_add(out, &s->clock, s->pages, answer, http_exchange_persist(x, answer, is_last_request(c)),
		      &x->body);
	if (x->request->line.method == HTTP_METHOD_HEAD)
		http_body_omit(&x->body);
	x->body_total = http_body_left(&x->body);
	http_trace(c, HTTP_TRACE_RESPONSE);
	return send_body(c, out);
}

/* The request is given up, and so is its handler, though the answer may take a while to leave. */
static struct http_answer refusal(const struct http_conn *c, unsigned status)
{
	struct http_exchange *x = c->exchange;
	struct http_answer answer;

	http_call_end(&x->call);
	http_route_refuse(&c->server->router, x->request, &x->target, status, &answer);
	return answer;
}

/* Answers with the page of an error, and closes. */
static enum step refuse(struct http_conn *c, struct http_batch *out, unsigned status)
{
	struct http_answer answer = refusal(c, status);

	return respond(c, out, &answer);
}

/* ---- requests ---- */

/* The guard or the handler knows later. */
static enum step await(struct http_conn *c)
{
	c->exchange->is_held_up = c->exchange->call.pass.is_waiting;
	enter(c, HTTP_CONN_AWAITING);
	return STEP_PAUSE;
}

static enum step answer_request(struct http_conn *c, struct http_batch *out)
{
	struct http_exchange *x = c->exchange;
	struct http_answer answer;

	http_route_answer(&c->server->router, c->stream, x->request, &x->target, &x->call, &answer);
	if (answer.status == HTTP_LATER)
		return await(c);
	return respond(c, out, &answer);
}

static unsigned check_head(const struct http_conn *c)
{
	http_trace(c, HTTP_TRACE_REQUEST);
	return http_exchange_check_head(c->exchange, c->server, c->stream);
}

/* A head with a body behind it, of which `arrived` bytes are here. */
static enum step take_head(struct http_conn *c, struct http_batch *out, size_t arrived)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_exchange *x = c->exchange;
	unsigned status = check_head(c);

	if (status != 0)
		return refuse(c, out, status);
	status = http_route_begin(&c->server->router, c->stream, x->request, &x->target, &x->call);
	if (status == HTTP_LATER)
		return await(c);
	/* A client that expects holds its body back: whether it will come now cannot be known. */
	if (status != 0 && (http_exchange_expects_continue(x) || !http_status_persists(status)))
		return answer_request(c, out);
	if (x->call.answers_early)
		return answer_request(c, out);
	if (http_exchange_expects_continue(x) && arrived == 0) {
		http_batch_add(out, go_on, sizeof go_on - 1, NULL);
		c->server->usage.responses_by_class[1]++;
	}
	return STEP_ON;
}

static enum step answer_message(struct http_conn *c, struct http_batch *out)
{
	struct http_exchange *x = c->exchange;
	unsigned status = x->head_checked ? 0 : check_head(c);

	return status != 0 ? refuse(c, out, status) : answer_request(c, out);
}

/* Makes ready for a request, if there is room to answer it and memory to read it. */
static enum step begin(struct http_conn *c, struct http_batch *out)
{
	http_batch_reserve(out, RESPONSE_SPANS);
	if (http_batch_room(out) == 0) {
		enter_sending(c);
		return STEP_ROOM;
	}
	if (!take_exchange(c)) {
		c->server->usage.request_waits++;
		enter(c, HTTP_CONN_WAITING);
		return STEP_PAUSE;
	}
	return STEP_ON;
}

/* Feeds the parser as much as can be taken now: a body takes up no fewer bytes on the wire than its handler
 * is given of them. False: nothing can be. */
static bool feed(struct http_exchange *x, struct bytes *data, enum http_parsed *parsed)
{
	size_t room = x->request->stage == HTTP_STAGE_BODY ? http_call_room(&x->call) : SIZE_MAX;
	struct bytes piece = bytes_of(data->data, data->len < room ? data->len : room);

	if (piece.len == 0)
		return false;
	bytes_skip(data, http_parser_feed(x->request, piece, parsed));
	return true;
}

static enum step take_input(struct http_conn *c, struct http_batch *out, struct bytes *data)
{
	enum step step = c->exchange == NULL ? begin(c, out) : STEP_ON;
	enum http_parsed parsed;

	if (step != STEP_ON)
		return step;
	if (!feed(c->exchange, data, &parsed)) {
		enter(c, HTTP_CONN_STALLED);
		return STEP_PAUSE;
	}
	switch (parsed) {
	case HTTP_PARSED_HEAD:
		return take_head(c, out, data->len);
	case HTTP_PARSED_MESSAGE:
		return answer_message(c, out);
	case HTTP_PARSED_REFUSED:
		return refuse(c, out, c->exchange->request->refusal);
	case HTTP_PARSED_MORE:
	default:
		return STEP_ON;
	}
}

/* ---- work ---- */

static bool send_batch(struct http_conn *c, struct http_batch *out)
{
	if (out->count > 0)
		c->flags |= HTTP_CONN_UNDRAINED;
	return http_batch_send(out);
}

/* What the step waited for has come while the batch was being sent, and no call will tell. */
static bool can_go_on(const struct http_conn *c, enum step step)
{
	if (c->flags & HTTP_CONN_GONE)
		return false;
	if (step == STEP_ROOM)
		return stream_room(c->stream) > 0;
	return step == STEP_PAUSE && c->state == HTTP_CONN_SENDING && !(c->flags & HTTP_CONN_UNDRAINED);
}

/* Goes on with the request under way where it stopped. */
static enum step go_on_with(struct http_conn *c, struct http_batch *out)
{
	struct http_exchange *x = c->exchange;

	if (x->status != 0)
		return send_body(c, out);
	if (!x->is_held_up)
		return STEP_ON;
	x->is_held_up = false;
	return x->request->stage == HTTP_STAGE_DONE ? answer_request(c, out) : take_head(c, out, 0);
}

static enum step work(struct http_conn *c, struct bytes *data)
{
	struct http_batch out;
	enum step step;

	c->flags |= HTTP_CONN_BUSY;
	http_batch_init(&out, c->stream);
	do {
		step = c->exchange != NULL ? go_on_with(c, &out) : STEP_ON;
		while (step == STEP_ON && data->len > 0)
			step = take_input(c, &out, data);
		if (!send_batch(c, &out))
			step = STEP_ABORT;
	} while (can_go_on(c, step));
	c->flags &= (uint16_t)~HTTP_CONN_BUSY;
	return step;
}

/* All input is taken, and no response is under way: the state follows from the request. */
static void rest(struct http_conn *c)
{
	const struct http_exchange *x = c->exchange;

	if (x == NULL) {
		if (c->state != HTTP_CONN_IDLE)
			enter(c, HTTP_CONN_IDLE);
	} else if (!http_request_has_begun(x->request)) {
		/* Blank lines, which some clients send after a body, are no request and win no time. */
		c->blank_lines = x->request->blank_lines;
		give_exchange(c);
		if (c->state == HTTP_CONN_HEAD)
			enter(c, HTTP_CONN_IDLE);
	} else if (x->request->stage == HTTP_STAGE_BODY) {
		if (c->state != HTTP_CONN_BODY)
			enter_measured(c, HTTP_CONN_BODY);
	} else if (c->state != HTTP_CONN_HEAD || x->started_us > c->node.since_us) {
		enter(c, HTTP_CONN_HEAD);
	}
}

/* What comes of work. The connection may be gone afterwards. */
static void conclude(struct http_conn *c, enum step step)
{
	if (c->flags & HTTP_CONN_GONE) {
		record_unfinished(c);
		forget(c);
		return;
	}
	switch (step) {
	case STEP_ABORT:
		http_conn_abort(c);
		return;
	case STEP_CLOSE:
		linger(c);
		return;
	case STEP_ON:
		rest(c);
		return;
	case STEP_ROOM:
	case STEP_PAUSE:
	case STEP_UPGRADE:
		return;
	}
}

/* The stream goes to the handler that answered 101, with what came behind the request, of which
 * it returns how much was taken. */
static size_t hand_over(struct http_conn *c, struct bytes rest)
{
	struct http_call *call = &c->exchange->call;
	size_t taken;

	http_access_done(c);
	c->server->usage.upgraded++;
	http_admission_leave(c->server, c->stream);
	taken = call->handler->take_over(call, c->stream, rest, (c->flags & HTTP_CONN_ENDED) != 0);
	forget(c);
	return taken;
}

/* Answers outside of work(), which goes on if more of the answer can leave at once. */
static enum step respond_now(struct http_conn *c, struct http_answer *answer)
{
	struct bytes none = { 0 };
	struct http_batch out;
	enum step step;

	http_batch_init(&out, c->stream);
	c->flags |= HTTP_CONN_BUSY;
	step = respond(c, &out, answer);
	if (!send_batch(c, &out))
		step = STEP_ABORT;
	c->flags &= (uint16_t)~HTTP_CONN_BUSY;
	return can_go_on(c, step) ? work(c, &none) : step;
}

/* Answers out of turn: the request under way is given up. */
static enum step refuse_now(struct http_conn *c, unsigned status)
{
	struct http_answer answer = refusal(c, status);

	return respond_now(c, &answer);
}

/* The peer has ended, and all that it sent is taken. */
static void peer_ended(struct http_conn *c)
{
	if (c->exchange == NULL)
		http_conn_close(c);
	else if (c->exchange->status == 0 && c->state != HTTP_CONN_AWAITING)
		conclude(c, refuse_now(c, 400));
}

/* Takes what the stream holds. The connection may be gone afterwards. */
static void resume(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->flags &= (uint16_t)~HTTP_CONN_HELD;
	c->flags |= HTTP_CONN_RESUMED;
	stream_resume(c->stream);
	c->flags &= (uint16_t)~HTTP_CONN_RESUMED;
	if (c->flags & HTTP_CONN_FORGOTTEN)
		pool_give(&s->conns, c);
	else if ((c->flags & (HTTP_CONN_HELD | HTTP_CONN_ENDED)) == HTTP_CONN_ENDED)
		peer_ended(c);
}

/* What comes of work outside of on_receive(): then what the stream holds has its turn. */
static void conclude_and_resume(struct http_conn *c, enum step step)
{
	bool gone = (c->flags & HTTP_CONN_GONE) != 0, held = (c->flags & HTTP_CONN_HELD) != 0;
	bool ended = (c->flags & HTTP_CONN_ENDED) != 0;

	conclude(c, step);
	if (held && !gone && (step == STEP_ON || step == STEP_CLOSE))
		resume(c);
	else if (ended && !gone && step == STEP_ON)
		peer_ended(c);
}

/* 101 outside of on_receive(): what came behind the request is offered once more, and then handed over. */
static void upgrade(struct http_conn *c)
{
	struct bytes none = { 0 };

	enter(c, HTTP_CONN_HEAD);
	if (c->flags & HTTP_CONN_HELD)
		resume(c);
	else
		hand_over(c, none);
}

/* Goes on with what waited: the response under way, then what the stream holds. */
static void go_on(struct http_conn *c)
{
	struct bytes none = { 0 };
	enum step step = work(c, &none);

	if (step == STEP_UPGRADE && !(c->flags & HTTP_CONN_GONE))
		upgrade(c);
	else
		conclude_and_resume(c, step);
}

/* ---- what the stream tells ---- */

/* Something else has to come first: what arrives stays with the stream. */
static bool takes_no_input(const struct http_conn *c)
{
	switch ((enum http_conn_state)c->state) {
	case HTTP_CONN_STARVED:
	case HTTP_CONN_WAITING:
	case HTTP_CONN_STALLED:
	case HTTP_CONN_AWAITING:
		return true;
	case HTTP_CONN_SENDING:
		return c->exchange != NULL || (c->flags & HTTP_CONN_BUSY) != 0;
	default:
		return (c->flags & HTTP_CONN_BUSY) != 0;
	}
}

static size_t on_receive(struct stream *stream, struct bytes data)
{
	struct http_conn *c = stream->user;
	size_t len = data.len;
	enum step step;

	c->flags &= (uint16_t)~HTTP_CONN_HELD;
	if (c->state == HTTP_CONN_LINGER)
		return drop_input(c, len);
	if (takes_no_input(c)) {
		c->flags |= HTTP_CONN_HELD;
		return 0;
	}
	step = work(c, &data);
	if (step == STEP_UPGRADE && !(c->flags & HTTP_CONN_GONE))
		return len - data.len + hand_over(c, data);
	if (step == STEP_ROOM || step == STEP_PAUSE) {
		len -= data.len;
		if (data.len > 0)
			c->flags |= HTTP_CONN_HELD;
	}
	conclude(c, step);
	return len;
}

static void on_writable(struct stream *stream)
{
	struct http_conn *c = stream->user;

	if (c->state == HTTP_CONN_SENDING && !(c->flags & HTTP_CONN_BUSY))
		go_on(c);
}

static void on_drained(struct stream *stream)
{
	struct http_conn *c = stream->user;

	c->flags &= (uint16_t)~HTTP_CONN_UNDRAINED;
	on_writable(stream);
}

static void on_end(struct stream *stream)
{
	struct http_conn *c = stream->user;

	c->flags |= HTTP_CONN_ENDED;
	if (!(c->flags & (HTTP_CONN_BUSY | HTTP_CONN_HELD | HTTP_CONN_RESUMED)))
		peer_ended(c);
}

static void on_closed(struct stream *stream, enum stream_end why)
{
	struct http_conn *c = stream->user;

	(void)why;
	http_admission_leave(c->server, stream);
	if (c->flags & HTTP_CONN_BUSY) {
		c->flags |= HTTP_CONN_GONE;
		return;
	}
	record_unfinished(c);
	forget(c);
}

static const struct stream_handler handler = {
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_drained,
	.on_end = on_end,
	.on_closed = on_closed,
};

void http_conn_open(struct http_server *s, struct stream *stream)
{
	struct http_conn *c = http_admission_take(s, stream);

	if (c == NULL) {
		stream_abort(stream);
		return;
	}
	*c = (struct http_conn){
		.stream = stream,
		.server = s,
		.opened = age_units(s->world->now_us),
		.state = HTTP_CONN_FRESH,
	};
	http_queue_enter(&s->queues[HTTP_CONN_FRESH], &c->node);
	stream->user = c;
	stream->handler = &handler;
	resume(c);
}

bool http_requests_of(const struct stream *stream, uint32_t *requests)
{
	const struct http_conn *c = stream->user;

	if (stream->handler != &handler)
		return false;
	*requests = c->requests;
	return true;
}

/* ---- what time and the server tell ---- */

void http_conn_wake(struct http_conn *c)
{
	if (c->state == HTTP_CONN_STARVED)
		enter_sending(c);
	else
		enter(c, HTTP_CONN_IDLE);
	go_on(c);
}

void http_call_resume(struct http_call *call)
{
	struct http_conn *c = call->conn;

	if (c->flags & HTTP_CONN_BUSY)
		return;
	if (c->state == HTTP_CONN_STALLED || (c->state == HTTP_CONN_AWAITING && c->exchange->status != 0))
		go_on(c);
}

void http_call_complete(struct http_call *call, unsigned status, struct http_document *document)
{
	struct http_conn *c = call->conn;
	struct http_answer answer;

	assert(c->state == HTTP_CONN_AWAITING && c->exchange->status == 0 && !(c->flags & HTTP_CONN_BUSY));
	/* That must come from answer(), while the bytes behind the request are at hand. */
	assert(status != 101);
	http_route_complete(&c->server->router, call, status, document, &answer);
	conclude_and_resume(c, respond_now(c, &answer));
}

void http_call_retry(struct http_call *call)
{
	struct http_conn *c = call->conn;

	assert(c->state == HTTP_CONN_AWAITING && c->exchange->is_held_up && !(c->flags & HTTP_CONN_BUSY));
	go_on(c);
}

/* The last response may all be on its way to a slow peer: it is measured when
 * the time for a request is over. */
static bool is_granted_more_time(const struct http_conn *c)
{
	if (c->state == HTTP_CONN_IDLE)
		return (c->flags & HTTP_CONN_UNDRAINED) != 0;
	return (c->state == HTTP_CONN_BODY || c->state == HTTP_CONN_SENDING) && has_kept_rate(c);
}

void http_conn_expire(struct http_queue_node *n)
{
	struct http_conn *c = http_conn_of(n);

	if (is_granted_more_time(c)) {
		enter_measured(c, c->state == HTTP_CONN_BODY ? HTTP_CONN_BODY : HTTP_CONN_SENDING);
		return;
	}
	c->server->usage.timed_out++;
	switch ((enum http_conn_state)c->state) {
	case HTTP_CONN_HEAD:
	case HTTP_CONN_BODY:
		conclude(c, refuse_now(c, 408));
		return;
	case HTTP_CONN_STALLED:
		conclude_and_resume(c, refuse_now(c, 503));
		return;
	case HTTP_CONN_AWAITING:
		if (c->exchange->status == 0)
			conclude_and_resume(c, refuse_now(c, 504));
		else
			http_conn_abort(c);
		return;
	case HTTP_CONN_FRESH:
	case HTTP_CONN_IDLE:
	case HTTP_CONN_LINGER:
		http_conn_close(c);
		return;
	default:
		http_conn_abort(c);
	}
}
