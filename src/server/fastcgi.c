/*
 * Requests on their way through an application. The request goes out as it comes in, and the answer in as the
 * client takes it: each side waits for the other, and only a little lies between. A body whose length is not
 * known is gathered first, for CGI wants to be told it.
 *
 * Nothing is sent twice, but for one case: a request without a body, of a method that may be repeated (RFC
 * 9110 section 9.2.2), on a connection that was used before, and that is closed before a byte has come back.
 * That is what an application looks like that gave the connection up just when it was used again.
 */
#include "server/fastcgi.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/cgi_head.h"
#include "server/fastcgi_request.h"
#include "server/fastcgi_script.h"

enum {
	LINES_A_SECOND = 10, /* of an application's in the error log */
	LINE_MAX_BYTES = 500,
	HTTP_METHODS_REPEATABLE = HTTP_METHODS_READING | HTTP_METHOD_BIT(OPTIONS) | HTTP_METHOD_BIT(PUT) |
				  HTTP_METHOD_BIT(DELETE) | HTTP_METHOD_BIT(TRACE),
};

/* How far the call is. */
enum phase { PHASE_TAKING, PHASE_AWAITED, PHASE_GIVING };

struct request {
	struct fastcgi *app;
	struct http_call *call;
	struct fastcgi_ticket ticket;
	struct fastcgi_conn *conn; /* NULL: not yet, or not any more */
	struct document *first;    /* what is sent first */
	struct document *gathered; /* a body whose length is not known; NULL: it is */
	enum phase phase;
	unsigned failure;     /* status; 0: none */
	bool was_repeated;
	bool has_head, has_ended; /* of the answer */
	uint64_t given;
	struct cgi_head head;
};

/* ---- what the application has to say to whoever runs it ---- */

static uint64_t now_us(const struct fastcgi *app)
{
	return app->pool.world->now_us;
}

/* Not more lines than anybody reads. */
static bool may_log(struct fastcgi *app)
{
	if (now_us(app) - app->lines_since_us >= 1000000) {
		if (app->lines_dropped > 0)
			log_line(app->pool.log, LOG_WARNING, "fastcgi",
				 "%s: lines that were too many: %" PRIu32, app->pool.name,
				 app->lines_dropped);
		app->lines_since_us = now_us(app);
		app->lines = app->lines_dropped = 0;
	}
	if (app->lines == LINES_A_SECOND) {
		app->lines_dropped++;
		return false;
	}
	app->lines++;
	return true;
}

static void complain(struct request *q, const char *what)
{
	struct bytes target = http_request_target(q->call->request);

	if (may_log(q->app))
		log_line(q->app->pool.log, LOG_ERROR, "fastcgi", "%s: %.*s: %s", q->app->pool.name,
			 (int)(target.len < LINE_MAX_BYTES ? target.len : LINE_MAX_BYTES), target.data, what);
}

static void log_stderr(struct fastcgi *app, struct bytes text)
{
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.len--;
	if (text.len > 0 && may_log(app))
		log_line(app->pool.log, LOG_WARNING, "fastcgi", "%s: stderr: %.*s", app->pool.name,
			 (int)(text.len < LINE_MAX_BYTES ? text.len : LINE_MAX_BYTES), text.data);
}

/* ---- the connection ---- */

static void on_event(struct fastcgi_conn *c);
static void tell(struct request *q);

static void let_go(struct request *q, void (*how)(struct fastcgi_pool *, struct fastcgi_conn *))
{
	struct fastcgi_conn *c = q->conn;

	q->conn = NULL;
	if (c != NULL)
		how(&q->app->pool, c);
}

static void fail(struct request *q, unsigned status)
{
	let_go(q, fastcgi_pool_discard);
	q->failure = status;
}

static void on_granted(struct fastcgi_ticket *t, struct fastcgi_conn *c)
{
	struct request *q = CONTAINER_OF(t, struct request, ticket);

	q->conn = c;
	c->request = q;
	c->on_event = on_event;
	fastcgi_conn_begin(c, bytes_of(q->first->text, q->first->len));
	fastcgi_conn_flush(c);
	if (q->phase == PHASE_TAKING)
		http_call_resume(q->call); /* it has room */
}

static void on_refused(struct fastcgi_ticket *t, unsigned status)
{
	struct request *q = CONTAINER_OF(t, struct request, ticket);

	q->failure = status;
	tell(q);
}

static bool ask(struct request *q)
{
	q->ticket.on_granted = on_granted;
	q->ticket.on_refused = on_refused;
	return fastcgi_pool_ask(&q->app->pool, &q->ticket);
}

/* Whether the request may be sent once more, and cannot have been begun (see above). */
static bool may_repeat(const struct request *q)
{
	const struct http_request *r = q->call->request;

	return q->conn->is_reused && !q->conn->has_answered && !q->was_repeated && !q->has_head &&
	       q->call->body_len == 0 && (HTTP_METHODS_REPEATABLE >> r->line.method & 1) != 0;
}

/* The connection is closed, or what came is not FastCGI. */
static void on_broken(struct request *q, enum fastcgi_event event)
{
	if (event != FASTCGI_BAD && may_repeat(q)) {
		let_go(q, fastcgi_pool_discard);
		q->was_repeated = q->ticket.wants_fresh = true;
		if (!ask(q))
			q->failure = 503;
		return;
	}
	complain(q, event == FASTCGI_BAD ? "what it answers is not FastCGI" : "it closed the connection");
	fail(q, 502);
}

/* ---- the head of the answer ---- */

/* The request is over, and there was no head. */
static void on_headless_end(struct request *q)
{
	bool is_overloaded = q->conn->reader.protocol_status == FASTCGI_OVERLOADED;

	complain(q, is_overloaded ? "it is overloaded" : "it ended the request without an answer");
	fail(q, is_overloaded ? 503 : 502);
}

static void take_output(struct request *q, struct bytes content)
{
	switch (cgi_head_read(&q->head, &content)) {
	case CGI_HEAD_DONE:
		q->has_head = true;
		/* The rest of the piece is the beginning of the body. */
		fastcgi_conn_unread(q->conn, content.len);
		break;
	case CGI_HEAD_BAD:
		complain(q, q->head.why);
		fail(q, 502);
		break;
	case CGI_HEAD_MORE:
		break;
	}
}

/* Reads until the head is there, or no more can be had. */
static void read_head(struct request *q)
{
	while (q->conn != NULL && !q->has_head) {
		enum fastcgi_event event;
		struct bytes content;
		enum fastcgi_read result = fastcgi_conn_read(q->conn, SIZE_MAX, &event, &content);

		if (result == FASTCGI_READ_NOTHING)
			return;
		if (result == FASTCGI_READ_BROKEN)
			on_broken(q, event);
		else if (event == FASTCGI_OUTPUT)
			take_output(q, content);
		else if (event == FASTCGI_ERRORS)
			log_stderr(q->app, content);
		else
			on_headless_end(q);
	}
}

/* ---- telling HTTP ---- */

/* The answer as HTTP is told of it. */
static unsigned describe(const struct request *q, struct http_document *out)
{
	const struct cgi_head *h = &q->head;

	if (q->failure != 0)
		return q->failure;
	*out = (struct http_document){
		.is_given = true,
		.length = h->length,
		.fields = bytes_of(h->fields, h->fields_len),
		.tells_caching = h->tells_caching ||
				 (HTTP_METHODS_READING >> q->call->request->line.method & 1) != 0,
	};
	return h->status;
}

static bool is_decided(const struct request *q)
{
	return q->failure != 0 || q->has_head;
}

/* Something has changed that HTTP may wait for. The request may be gone afterwards. */
static void tell(struct request *q)
{
	struct http_document document;
	unsigned status;

	if (q->phase != PHASE_AWAITED) {
		http_call_resume(q->call);
		return;
	}
	if (!is_decided(q))
		return;
	status = describe(q, &document);
	if (q->failure == 0)
		q->phase = PHASE_GIVING;
	http_call_complete(q->call, status, q->failure == 0 ? &document : NULL);
}

static void on_event(struct fastcgi_conn *c)
{
	struct request *q = c->request;

	fastcgi_conn_flush(c);
	read_head(q);
	if (q->phase == PHASE_TAKING && q->has_head && q->conn != NULL)
		fastcgi_conn_look_ahead(c); /* has it ended already? */
	tell(q);
}

/* ---- the handler ---- */

static void free_request(struct request *q)
{
	if (q->first != NULL)
		span_owner_unref(&q->first->owner);
	if (q->gathered != NULL)
		span_owner_unref(&q->gathered->owner);
	free(q);
}

/* Writes what is sent first, and gets into the queue. body: all of it; NULL: it comes later. */
static unsigned send_first(struct request *q, uint64_t body_len, const struct bytes *body)
{
	const struct config_location *l = q->app->config;
	struct fastcgi_script script;
	unsigned status = fastcgi_script_find(l, q->call->path, &script);

	if (status != 0)
		return status;
	if (!fastcgi_request_write(q->first, q->call, &script.cgi, body_len, body, l->fastcgi_params.items))
		return 503;
	return ask(q) ? 0 : 503;
}

/* What begin() does once there is memory. */
static unsigned begin_request(struct request *q)
{
	static const struct bytes none;

	if (q->call->body_len == HTTP_LENGTH_UNKNOWN) {
		q->gathered = document_new(q->app->budget, q->app->budget->limit);
		return q->gathered != NULL ? 0 : 503;
	}
	return send_first(q, q->call->body_len, q->call->body_len == 0 ? &none : NULL);
}

static unsigned begin(struct http_call *call)
{
	struct fastcgi *app = call->context;
	struct request *q = calloc(1, sizeof *q);
	unsigned status;

	if (q == NULL)
		return 503;
	q->app = app;
	q->call = call;
	cgi_head_init(&q->head);
	q->first = document_new(app->budget, app->budget->limit);
	status = q->first != NULL ? begin_request(q) : 503;
	if (status != 0)
		free_request(q);
	else
		call->state = q;
	return status;
}

/* The application has ended the request without reading all of it. */
static bool wants_no_more(const struct request *q)
{
	return q->conn != NULL &&
	       (q->conn->is_unwritable || (q->has_head && fastcgi_conn_holds_end(q->conn)));
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct request *q = call->state;

	if (q->failure != 0)
		return q->failure;
	if (q->gathered != NULL) {
		document_add(q->gathered, data.data, data.len);
		return q->gathered->failed ? 503 : 0;
	}
	if (wants_no_more(q))
		return 0;
	fastcgi_conn_add(q->conn, data);
	fastcgi_conn_flush(q->conn);
	return 0;
}

static size_t room(const struct http_call *call)
{
	const struct request *q = call->state;

	if (q->failure != 0 || q->gathered != NULL || wants_no_more(q))
		return SIZE_MAX;
	return q->conn != NULL ? fastcgi_conn_room(q->conn) : 0;
}

/* The request is whole. 0, or the status that refuses it. */
static unsigned end_body(struct request *q)
{
	if (q->gathered != NULL) {
		struct bytes body = bytes_of(q->gathered->text, q->gathered->len);

		return send_first(q, body.len, &body);
	}
	if (q->call->body_len > 0 && q->conn != NULL && !wants_no_more(q)) {
		fastcgi_conn_add(q->conn, (struct bytes){ 0 });
		fastcgi_conn_flush(q->conn);
	}
	return 0;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct request *q = call->state;
	unsigned status = q->failure == 0 ? end_body(q) : 0;

	if (status != 0)
		return status;
	if (!is_decided(q)) {
		q->phase = PHASE_AWAITED;
		return HTTP_LATER;
	}
	q->phase = PHASE_GIVING;
	return describe(q, out);
}

/* ---- the body of the answer ---- */

/* A piece of it on its way to the client. */
struct piece {
	struct span_owner owner;
	uint8_t data[];
};

static void free_piece(struct span_owner *owner)
{
	free(CONTAINER_OF(owner, struct piece, owner));
}

static enum http_give give_piece(struct request *q, struct bytes content, struct span *out)
{
	struct piece *piece = malloc(sizeof *piece + content.len);

	if (piece == NULL)
		return HTTP_GIVE_BROKEN;
	span_owner_init(&piece->owner, free_piece);
	memcpy(piece->data, content.data, content.len);
	*out = (struct span){ .data = piece->data, .len = content.len, .owner = &piece->owner };
	q->given += content.len;
	return HTTP_GIVE_PIECE;
}

static enum http_give give(struct http_call *call, size_t most, struct span *out)
{
	struct request *q = call->state;
	enum fastcgi_event event;
	struct bytes content;

	for (;;) {
		switch (fastcgi_conn_read(q->conn, most, &event, &content)) {
		case FASTCGI_READ_NOTHING:
			return HTTP_GIVE_LATER;
		case FASTCGI_READ_BROKEN:
			complain(q, "it broke off in the middle of an answer");
			return HTTP_GIVE_BROKEN;
		case FASTCGI_READ_EVENT:
			break;
		}
		if (event == FASTCGI_OUTPUT)
			return give_piece(q, content, out);
		if (event == FASTCGI_END) {
			q->has_ended = true;
			return HTTP_GIVE_END;
		}
		log_stderr(q->app, content);
	}
}

/* All of the answer that the client was to have was given: the connection may serve another. */
static bool is_complete(const struct request *q)
{
	if (!q->has_head || q->failure != 0)
		return false;
	return q->has_ended || q->given == q->head.length ||
	       q->call->request->line.method == HTTP_METHOD_HEAD || q->head.status == 204 ||
	       q->head.status == 304;
}

static void end(struct http_call *call)
{
	struct request *q = call->state;

	fastcgi_ticket_give_back(&q->ticket);
	let_go(q, is_complete(q) ? fastcgi_pool_return : fastcgi_pool_discard);
	free_request(q);
}

const struct http_handler fastcgi_handler = {
	.methods = HTTP_METHODS_ALL & ~HTTP_METHOD_BIT(TRACE),
	.begin = begin, .take = take, .room = room, .answer = answer, .give = give, .end = end,
};

/* ---- the applications ---- */

static int open_one(struct fastcgi *app, const struct config_location *l, const struct fastcgi_ground *ground,
		    struct failure *why)
{
	struct fastcgi_limits limits = {
		.connections = l->fastcgi_connections,
		.waiting = l->fastcgi_queue,
		.connect_timeout_us = l->fastcgi_connect_timeout_us,
		.idle_timeout_us = l->fastcgi_idle_timeout_us,
	};
	struct fastcgi_address address;

	if (fastcgi_address_parse(l->fastcgi, &address) < 0)
		return failure_set(why, -EINVAL, "location \"%s\": fastcgi: \"%s\" is no address", l->prefix,
				   l->fastcgi);
	*app = (struct fastcgi){ .config = l, .budget = ground->budget };
	fastcgi_pool_init(&app->pool, l->fastcgi, &address, &limits, ground->poller, ground->world,
			  ground->log);
	return 0;
}

int fastcgis_open(struct fastcgis *f, const struct config *c, const struct fastcgi_ground *ground,
		  struct failure *why)
{
	*f = (struct fastcgis){ .items = calloc(c->n_locations + 1, sizeof *f->items) };
	if (f->items == NULL)
		return failure_set(why, -ENOMEM, "no memory for fastcgi");
	for (; f->n < c->n_locations; f->n++) {
		const struct config_location *l = &c->locations[f->n];
		int r = *l->fastcgi != '\0' ? open_one(&f->items[f->n], l, ground, why) : 0;

		if (r < 0) {
			fastcgis_close(f);
			return r;
		}
	}
	return 0;
}

void fastcgis_close(struct fastcgis *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->items[i].config != NULL)
			fastcgi_pool_fini(&f->items[i].pool);
	free(f->items);
	*f = (struct fastcgis){ 0 };
}

struct fastcgi *fastcgis_find(const struct fastcgis *f, const struct config_location *l)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->items[i].config == l)
			return &f->items[i];
	return NULL;
}
