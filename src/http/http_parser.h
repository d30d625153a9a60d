/*
 * A request being read: bytes in, in any pieces, a request head and the end of its message out. llhttp
 * (strict) reads fields, body and trailers; http_request_line.c reads the first line. What arrives is
 * copied into storage of the request, which is bounded, so that a request survives the buffer it came
 * in.
 */
#ifndef HTTP_HTTP_PARSER_H
#define HTTP_HTTP_PARSER_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/pool.h"
#include "http/http_fields.h"
#include "http/http_request_line.h"

struct http_limits {
	uint32_t max_uri, max_headers, max_header_count;
	uint64_t max_body; /* of which a request may be given less (http_request_limit_body()) */
};

/* Where requests come from. One a worker. */
struct http_parser_pool {
	struct pool requests;
	struct pool stores; /* storage for request heads that do not fit into the request itself */
	struct http_limits limits;
	uint32_t store_size; /* what a head may need at most */
	llhttp_t start;      /* a parser that stands behind the request line; requests begin as its copies */
};

/* One header field; the bytes are in the request's store. */
struct http_field {
	uint32_t name_at, name_len;
	uint32_t value_at, value_len;
	enum http_field_id id;
};

enum { HTTP_STORE_INLINE = 2048 };

enum http_stage { HTTP_STAGE_LINE, HTTP_STAGE_FIELDS, HTTP_STAGE_BODY, HTTP_STAGE_DONE };

struct http_request {
	llhttp_t llhttp;
	struct http_parser_pool *pool;
	char *store; /* the line and the fields behind it, as they came */
	uint32_t stored, store_size;
	enum http_stage stage;
	unsigned refusal;   /* status that refuses the request; 0: none */
	uint64_t wire_left; /* bytes that the part under way may still take up on the wire */
	uint64_t body_len;  /* bytes of the body that have arrived */
	uint64_t max_body;
	struct http_request_line line;
	uint32_t field_count;
	uint16_t first[HTTP_FIELD_IDS]; /* number of the first field with this id, from 1; 0: absent */
	uint32_t present;               /* a bit for each id that came */
	uint32_t repeated;              /* a bit for each id that came more than once */
	uint8_t blank_lines;            /* before the request line */
	bool in_field;                  /* a name has begun whose value has not ended */
	bool has_body;
	/* Told of the body piece by piece; a status other than 0 refuses the request. NULL: it is dropped. */
	unsigned (*on_body)(void *context, struct bytes data);
	void *body_context;
	char inline_store[HTTP_STORE_INLINE];
	struct http_field fields[];
};

enum http_parsed {
	HTTP_PARSED_MORE,    /* all taken, more is needed */
	HTTP_PARSED_HEAD,    /* the head is complete, and a body follows; told once, and only then */
	HTTP_PARSED_MESSAGE, /* the message is complete; what was not taken belongs to the next */
	HTTP_PARSED_REFUSED, /* request->refusal says why; the connection cannot go on */
};

void http_parser_pool_init(struct http_parser_pool *p, const struct http_limits *limits,
			   uint32_t max_requests);
void http_parser_pool_fini(struct http_parser_pool *p);

/* A request at its beginning; NULL when the pool is at its limit. */
struct http_request *http_request_take(struct http_parser_pool *p);
void http_request_give(struct http_request *r);

/* The body of the request, whose head is complete, is refused beyond this. */
void http_request_limit_body(struct http_request *r, uint64_t max_body);

/* Reads on. Returns how many bytes it took. Not to be called again after MESSAGE or REFUSED. */
size_t http_parser_feed(struct http_request *r, struct bytes data, enum http_parsed *out);

/* Something of this request has arrived, blank lines before it aside. */
static inline bool http_request_has_begun(const struct http_request *r)
{
	return r->stage != HTTP_STAGE_LINE || r->stored > 0;
}

/* The value of field number i, from 1. */
static inline struct bytes http_request_value_at(const struct http_request *r, uint32_t i)
{
	return bytes_of(r->store + r->fields[i - 1].value_at, r->fields[i - 1].value_len);
}

/* The length of the body, asked when the head is complete; UINT64_MAX: it is chunked. */
static inline uint64_t http_request_body_length(const struct http_request *r)
{
	if (!r->has_body)
		return 0;
	return r->first[HTTP_FIELD_TRANSFER_ENCODING] != 0 ? UINT64_MAX : r->llhttp.content_length;
}

/* The value of the first field with this id; data NULL if there is none. */
static inline struct bytes http_request_value(const struct http_request *r, enum http_field_id id)
{
	return r->first[id] != 0 ? http_request_value_at(r, r->first[id]) : (struct bytes){ 0 };
}

/* Its body, as announced, is larger than this. */
static inline bool http_request_exceeds(const struct http_request *r, uint64_t max_body)
{
	uint64_t len = http_request_body_length(r);

	return len != UINT64_MAX && len > max_body;
}

/* The value of the first field of this name, in lower case; data NULL: there is none, or it is not
 * whole. For fields without an id. */
struct bytes http_request_value_of(const struct http_request *r, const char *name);

/* A set of field ids, for http_request_has_any(). */
#define HTTP_FIELD_BIT(name) (UINT32_C(1) << HTTP_FIELD_##name)

/* One field at least of this set is there. */
static inline bool http_request_has_any(const struct http_request *r, uint32_t ids)
{
	return (r->present & ids) != 0;
}

static inline bool http_request_is_repeated(const struct http_request *r, enum http_field_id id)
{
	return (r->repeated >> id & 1) != 0;
}

/* The number of the next field that has the id of field number i; 0 after the last. Several lines with one
 * name are one list (RFC 9110 section 5.3). */
static inline uint32_t http_request_next(const struct http_request *r, uint32_t i)
{
	enum http_field_id id = r->fields[i - 1].id;

	if (!http_request_is_repeated(r, id))
		return 0;
	while (++i <= r->field_count)
		if (r->fields[i - 1].id == id)
			return i;
	return 0;
}

/* A list-valued field holds this element (lower case), in any of its lines (RFC 9110 section 5.3). */
bool http_request_lists(const struct http_request *r, enum http_field_id id, const char *element);

static inline struct bytes http_request_target(const struct http_request *r)
{
	return bytes_of(r->store + r->line.target_at, r->line.target_len);
}

#endif
