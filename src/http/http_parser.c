/*
 * The adaptor to llhttp. The request line is collected and parsed by http_request_line.c; the fields,
 * the body with its chunks, and the trailers are llhttp's, with every leniency off. What llhttp 9.2.1
 * lets pass and RFC 9112 does not is refused here: an empty Transfer-Encoding, codings before chunked,
 * Transfer-Encoding in HTTP/1.0, fields, chunk extensions and leading zeros without end.
 *
 * Sizes are limited on the wire, not in what llhttp hands out, because it swallows padding silently.
 * Each part (fields; body) is fed to llhttp no further than its limit, so the outcome does not depend on
 * how the bytes are cut.
 */
#include "http/http_parser.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"
#include "http/http_text.h"

enum {
	MAX_BLANK_LINES = 2,     /* RFC 9112 section 2.2: at least one is to be ignored */
	CHUNK_OVERHEAD = 8,      /* wire bytes for one byte of a chunked body; chunks of one byte take 6 */
	CHUNK_ALLOWANCE = 16384, /* and beside that: trailers, extensions */
	FIELDS_PIECE = 512,      /* of a head, at once: what lies behind it is copied in vain */
};

/* Refuses the request and stops llhttp. */
static int refuse(struct http_request *r, unsigned status)
{
	r->refusal = status;
	return HPE_USER;
}

static uint32_t store_room(const struct http_request *r)
{
	return r->store_size - r->stored;
}

/* A request's storage moves to the pool of large ones when it is needed; the limits keep a head within
 * that. */
static bool store(struct http_request *r, const uint8_t *data, size_t len)
{
	if (UNLIKELY(len > store_room(r))) {
		char *large;

		if (r->store != r->inline_store)
			return false;
		large = pool_take(&r->pool->stores);
		if (large == NULL)
			return false;
		memcpy(large, r->store, r->stored);
		r->store = large;
		r->store_size = r->pool->store_size;
		if (len > store_room(r))
			return false;
	}
	memcpy(r->store + r->stored, data, len);
	r->stored += (uint32_t)len;
	return true;
}

/* What llhttp is fed of a head lies in the store, where its pieces are one. */
static uint32_t place_of(const struct http_request *r, const char *at)
{
	return (uint32_t)(at - r->store);
}

static struct http_field *last_field(struct http_request *r)
{
	return &r->fields[r->field_count - 1];
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_request *r = llhttp->data;

	if (r->stage != HTTP_STAGE_FIELDS)
		return 0; /* trailers are read and dropped (RFC 9110 section 6.5.1) */
	if (!r->in_field) {
		r->fields[r->field_count++] = (struct http_field){ .name_at = place_of(r, at) };
		r->in_field = true;
	}
	last_field(r)->name_len += (uint32_t)len;
	return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_request *r = llhttp->data;
	struct http_field *f;

	if (r->stage != HTTP_STAGE_FIELDS)
		return 0;
	f = last_field(r);
	if (f->value_len == 0)
		f->value_at = place_of(r, at);
	f->value_len += (uint32_t)len;
	return 0;
}

static void trim_value(const char *text, struct http_field *f)
{
	for (; f->value_len > 0; f->value_len--) {
		char last = text[f->value_len - 1];

		if (LIKELY(last != ' ' && last != '\t'))
			return;
	}
}

static int on_header_value_complete(llhttp_t *llhttp)
{
	struct http_request *r = llhttp->data;
	struct http_field *f;

	if (r->stage != HTTP_STAGE_FIELDS)
		return 0;
	if (r->field_count > r->pool->limits.max_header_count)
		return refuse(r, 431);
	f = last_field(r);
	r->in_field = false;
	trim_value(r->store + f->value_at, f);
	f->id = http_field_find(r->store + f->name_at, f->name_len);
	if (r->first[f->id] == 0)
		r->first[f->id] = (uint16_t)r->field_count;
	else
		r->repeated |= 1u << f->id;
	r->present |= 1u << f->id;
	return 0;
}

/* RFC 9112 section 6.1. Only "chunked", alone, is implemented. */
static unsigned check_transfer_encoding(const struct http_request *r)
{
	struct bytes value = http_request_value(r, HTTP_FIELD_TRANSFER_ENCODING);

	if (value.data == NULL)
		return 0;
	if (r->line.minor == 0 || r->first[HTTP_FIELD_CONTENT_LENGTH] != 0 ||
	    http_request_is_repeated(r, HTTP_FIELD_TRANSFER_ENCODING))
		return 400;
	if (http_text_is(value, "chunked"))
		return 0;
	return (r->llhttp.flags & F_CHUNKED) != 0 ? 501 : 400;
}

/* RFC 9112 section 6.2: one number and nothing else. */
static unsigned check_content_length(const struct http_request *r)
{
	struct bytes value = http_request_value(r, HTTP_FIELD_CONTENT_LENGTH);

	if (value.data == NULL)
		return 0;
	if (value.len == 0 || http_request_is_repeated(r, HTTP_FIELD_CONTENT_LENGTH))
		return 400;
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_digit(value.data[i]))
			return 400;
	return r->llhttp.content_length > r->max_body ? 413 : 0;
}

static uint64_t body_wire_limit(const struct http_request *r)
{
	if ((r->llhttp.flags & F_CHUNKED) == 0)
		return r->llhttp.content_length;
	if (r->max_body > UINT64_MAX / (2 * CHUNK_OVERHEAD))
		return UINT64_MAX;
	return r->max_body * CHUNK_OVERHEAD + CHUNK_ALLOWANCE;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct http_request *r = llhttp->data;
	unsigned status = check_transfer_encoding(r);

	if (status == 0)
		status = check_content_length(r);
	if (status != 0)
		return refuse(r, status);
	r->stage = HTTP_STAGE_BODY;
	r->wire_left = body_wire_limit(r);
	r->has_body = (llhttp->flags & F_CHUNKED) != 0 ||
		      (r->first[HTTP_FIELD_CONTENT_LENGTH] != 0 && llhttp->content_length > 0);
	return r->has_body ? HPE_PAUSED : 0;
}

/* Refuses a chunk by its announced size: its bytes need not be waited for. */
static int on_chunk_header(llhttp_t *llhttp)
{
	struct http_request *r = llhttp->data;

	if (llhttp->content_length > r->max_body - r->body_len)
		return refuse(r, 413);
	return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_request *r = llhttp->data;
	unsigned status;

	r->body_len += len;
	assert(r->body_len <= r->max_body);
	status = r->on_body != NULL ? r->on_body(r->body_context, bytes_of(at, len)) : 0;
	return status != 0 ? refuse(r, status) : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
	struct http_request *r = llhttp->data;

	r->stage = HTTP_STAGE_DONE;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* llhttp needs some request line before it reads fields; method and version do not matter to it after that,
 * except that CONNECT and HTTP/1.0 would change how it frames the message. */
static void stand_behind_request_line(llhttp_t *llhttp)
{
	static const char line[] = "POST / HTTP/1.1\r\n";
	llhttp_errno_t error;

	llhttp_init(llhttp, HTTP_REQUEST, &settings);
	error = llhttp_execute(llhttp, line, sizeof line - 1);
	assert(error == HPE_OK);
	(void)error;
}

void http_parser_pool_init(struct http_parser_pool *p, const struct http_limits *limits,
			   uint32_t max_requests)
{
	/* One more than allowed: the field that is too many is refused when it is whole, however it was
	 * cut. */
	size_t fields = ((size_t)limits->max_header_count + 1) * sizeof(struct http_field);

	assert(limits->max_header_count < UINT16_MAX && limits->max_uri <= INT32_MAX / 4 &&
	       limits->max_headers <= INT32_MAX / 4);
	p->limits = *limits;
	p->store_size = limits->max_uri + HTTP_REQUEST_LINE_EXTRA + limits->max_headers + 2;
	pool_init(&p->requests, "http_request", sizeof(struct http_request) + fields, max_requests);
	pool_init(&p->stores, "http_request_store", p->store_size, max_requests / 4 + 1);
	stand_behind_request_line(&p->start);
}

void http_parser_pool_fini(struct http_parser_pool *p)
{
	pool_fini(&p->stores);
	pool_fini(&p->requests);
}

struct http_request *http_request_take(struct http_parser_pool *p)
{
	struct http_request *r = pool_take(&p->requests);

	if (r == NULL)
		return NULL;
	/* llhttp's part is made when fields come. */
	memset(&r->pool, 0,
	       offsetof(struct http_request, inline_store) - offsetof(struct http_request, pool));
	r->pool = p;
	r->store = r->inline_store;
	r->store_size = sizeof r->inline_store;
	r->max_body = p->limits.max_body;
	return r;
}

void http_request_limit_body(struct http_request *r, uint64_t max_body)
{
	assert(r->stage == HTTP_STAGE_BODY && r->body_len == 0);
	if (max_body >= r->max_body)
		return;
	r->max_body = max_body;
	r->wire_left = body_wire_limit(r);
}

void http_request_give(struct http_request *r)
{
	struct http_parser_pool *p = r->pool;

	if (r->store != r->inline_store)
		pool_give(&p->stores, r->store);
	pool_give(&p->requests, r);
}

struct bytes http_request_value_of(const struct http_request *r, const char *name)
{
	uint32_t whole = r->field_count - r->in_field;

	for (uint32_t i = 0; i < whole; i++)
		if (http_text_is(bytes_of(r->store + r->fields[i].name_at, r->fields[i].name_len), name))
			return http_request_value_at(r, i + 1);
	return (struct bytes){ 0 };
}

bool http_request_lists(const struct http_request *r, enum http_field_id id, const char *element)
{
	for (uint32_t i = r->first[id]; i != 0; i = http_request_next(r, i)) {
		struct bytes value = http_request_value_at(r, i);

		if (http_text_lists(value, element))
			return true;
	}
	return false;
}

static void enter_fields(struct http_request *r)
{
	r->stage = HTTP_STAGE_FIELDS;
	r->wire_left = (uint64_t)r->pool->limits.max_headers + 2;
	r->llhttp = r->pool->start;
	r->llhttp.data = r;
}

static bool is_blank_line(const struct http_request *r)
{
	return r->stored <= 2 && memcmp(r->store, "\r\n", r->stored) == 0;
}

/* A whole line is in the store. */
static void take_whole_line(struct http_request *r)
{
	if (is_blank_line(r) && r->blank_lines < MAX_BLANK_LINES) {
		r->blank_lines++;
		r->stored = 0;
		return;
	}
	r->refusal = http_request_line_parse(r->store, r->stored, r->pool->limits.max_uri, &r->line);
	if (r->refusal == 0)
		enter_fields(r);
}

/* Copies up to and with the next LF, or as much as the longest line may have, and looks at what is there. */
static size_t take_line(struct http_request *r, struct bytes data)
{
	size_t limit = r->pool->limits.max_uri + HTTP_REQUEST_LINE_EXTRA;
	const uint8_t *lf = memchr(data.data, '\n', data.len);
	size_t len = lf != NULL ? (size_t)(lf - data.data) + 1 : data.len;
	bool whole = lf != NULL;

	if (len > limit - r->stored) {
		len = limit - r->stored;
		whole = false;
	}
	if (!store(r, data.data, len)) {
		r->refusal = 503;
		return len;
	}
	if (whole)
		take_whole_line(r);
	else if (!is_blank_line(r))
		r->refusal = http_request_line_begin(r->store, r->stored, r->pool->limits.max_uri);
	assert(whole || r->refusal != 0 || r->stored < limit);
	return len;
}

/* What a limit on the wire means in the part that reached it. */
static unsigned status_at_limit(const struct http_request *r)
{
	return r->stage == HTTP_STAGE_FIELDS ? 431 : 413;
}

/* Feeds llhttp what is no more than the part under way may still take up, and returns what it took. */
static size_t execute(struct http_request *r, const char *text, size_t len)
{
	enum http_stage stage = r->stage;
	llhttp_errno_t error = llhttp_execute(&r->llhttp, text, len);

	if (error == HPE_PAUSED) {
		len = (size_t)(llhttp_get_error_pos(&r->llhttp) - text);
		llhttp_resume(&r->llhttp);
	} else if (error != HPE_OK && r->refusal == 0) {
		r->refusal = 400;
	}
	if (r->stage != stage || r->refusal != 0)
		return len;
	r->wire_left -= len;
	if (r->wire_left == 0)
		r->refusal = status_at_limit(r);
	return len;
}

static size_t within_limit(const struct http_request *r, size_t len)
{
	return len < r->wire_left ? len : (size_t)r->wire_left;
}

/* A piece of the head: copied, and read where it then lies. Storage is not changed for what may be no part of
 * the head. */
static size_t take_fields(struct http_request *r, struct bytes data)
{
	size_t len = within_limit(r, data.len), room = store_room(r), taken;
	uint32_t at = r->stored;

	if (len > FIELDS_PIECE)
		len = FIELDS_PIECE;
	if (len > room && room > 0)
		len = room;
	if (!store(r, data.data, len)) {
		r->refusal = 503;
		return len;
	}
	taken = execute(r, r->store + at, len);
	r->stored = at + (uint32_t)taken;
	return taken;
}

static size_t take_body(struct http_request *r, struct bytes data)
{
	return execute(r, (const char *)data.data, within_limit(r, data.len));
}

static enum http_parsed outcome(const struct http_request *r, enum http_stage before)
{
	if (r->refusal != 0)
		return HTTP_PARSED_REFUSED;
	if (r->stage == HTTP_STAGE_DONE)
		return HTTP_PARSED_MESSAGE;
	return r->stage != before ? HTTP_PARSED_HEAD : HTTP_PARSED_MORE;
}

size_t http_parser_feed(struct http_request *r, struct bytes data, enum http_parsed *out)
{
	enum http_stage stage;
	size_t len = data.len;

	while (r->stage == HTTP_STAGE_LINE && r->refusal == 0 && data.len > 0)
		bytes_skip(&data, take_line(r, data));
	stage = r->stage;
	if (stage == HTTP_STAGE_BODY && r->refusal == 0 && data.len > 0)
		bytes_skip(&data, take_body(r, data));
	while (r->stage == HTTP_STAGE_FIELDS && r->refusal == 0 && data.len > 0)
		bytes_skip(&data, take_fields(r, data));
	*out = outcome(r, stage);
	return len - data.len;
}
