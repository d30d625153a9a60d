/*
 * Conditional requests, RFC 9110 section 13, evaluated in the order of section 13.2.2: If-Match, or else
 * If-Unmodified-Since; then If-None-Match, or else If-Modified-Since; If-Range comes with the ranges.
 *
 * Entity-tags are compared strongly where bytes of two answers would be put together or somebody's change
 * overwritten (If-Match, If-Range), weakly elsewhere (section 8.8.3.2). An entity-tag is weak as long as the
 * file may still change without its times telling; then its Last-Modified is no strong validator either
 * (section 8.8.2.2).
 */
#include "http/http_conditional.h"

#include <string.h>

#include "http/http_date.h"

enum comparison { WEAK, STRONG };

/* Drops a leading W/ and tells whether it was there. */
static bool skip_weak_mark(struct bytes *etag)
{
	if (etag->len < 2 || etag->data[0] != 'W' || etag->data[1] != '/')
		return false;
	bytes_skip(etag, 2);
	return true;
}

static bool is_weak(struct bytes etag)
{
	return skip_weak_mark(&etag);
}

static void skip_separators(struct bytes *list)
{
	while (list->len > 0 && (list->data[0] == ' ' || list->data[0] == '\t' || list->data[0] == ','))
		bytes_skip(list, 1);
}

/* The next entity-tag of a list: its opaque tag, quotes included. False at the end or where it is
 * malformed. */
static bool take_etag(struct bytes *list, struct bytes *opaque, bool *weak)
{
	const uint8_t *end;

	skip_separators(list);
	*weak = skip_weak_mark(list);
	if (list->len < 2 || list->data[0] != '"')
		return false;
	end = memchr(list->data + 1, '"', list->len - 1);
	return end != NULL && bytes_take(list, (size_t)(end - list->data) + 1, opaque);
}

/* The list in value holds etag; "*" holds every one. */
static bool list_has(struct bytes value, struct bytes etag, enum comparison comparison)
{
	struct bytes opaque;
	bool weak;

	if (value.len == 1 && value.data[0] == '*')
		return true;
	if (skip_weak_mark(&etag) && comparison == STRONG)
		return false;
	while (take_etag(&value, &opaque, &weak))
		if (!(weak && comparison == STRONG) && opaque.len == etag.len &&
		    memcmp(opaque.data, etag.data, etag.len) == 0)
			return true;
	return false;
}

static bool is_listed(const struct http_request *r, enum http_field_id id, struct bytes etag,
		      enum comparison comparison)
{
	for (uint32_t i = r->first[id]; i != 0; i = http_request_next(r, i))
		if (list_has(http_request_value_at(r, i), etag, comparison))
			return true;
	return false;
}

/* Sections 13.1.3 and 13.1.4: what is no date, or came more than once, counts as absent. */
static bool has_date(const struct http_request *r, enum http_field_id id, int64_t now_s, int64_t *date_s)
{
	struct bytes value = http_request_value(r, id);

	return value.data != NULL && !http_request_is_repeated(r, id) &&
	       http_date_parse((const char *)value.data, value.len, now_s, date_s);
}

/* Steps 1 and 2: the client has something that was made from another version. */
static bool is_another(const struct http_request *r, const struct http_validators *v, int64_t now_s)
{
	int64_t date_s;

	if (r->first[HTTP_FIELD_IF_MATCH] != 0)
		return !is_listed(r, HTTP_FIELD_IF_MATCH, v->etag, STRONG);
	return v->last_modified_s != 0 && has_date(r, HTTP_FIELD_IF_UNMODIFIED_SINCE, now_s, &date_s) &&
	       v->last_modified_s > date_s;
}

bool http_client_has(const struct http_request *r, struct bytes etag)
{
	return is_listed(r, HTTP_FIELD_IF_NONE_MATCH, etag, WEAK);
}

/* Steps 3 and 4: the client has this version already. */
static bool is_known(const struct http_request *r, const struct http_validators *v, int64_t now_s)
{
	int64_t date_s;

	if (r->first[HTTP_FIELD_IF_NONE_MATCH] != 0)
		return http_client_has(r, v->etag);
	return v->last_modified_s != 0 && has_date(r, HTTP_FIELD_IF_MODIFIED_SINCE, now_s, &date_s) &&
	       v->last_modified_s <= date_s;
}

unsigned http_evaluate_conditions(const struct http_request *r, const struct http_validators *v,
				  int64_t now_s)
{
	if (is_another(r, v, now_s))
		return 412;
	return is_known(r, v, now_s) ? 304 : 200;
}

/* Section 13.1.5. An entity-tag begins with a quote or W/; all else is a date, which must be the very one. */
bool http_if_range_holds(const struct http_request *r, const struct http_validators *v, int64_t now_s)
{
	struct bytes value = http_request_value(r, HTTP_FIELD_IF_RANGE);
	int64_t date_s;

	if (value.data == NULL)
		return true;
	if (http_request_is_repeated(r, HTTP_FIELD_IF_RANGE) || is_weak(v->etag))
		return false;
	if (value.len > 0 && value.data[0] == '"')
		return value.len == v->etag.len && memcmp(value.data, v->etag.data, value.len) == 0;
	return v->last_modified_s != 0 && has_date(r, HTTP_FIELD_IF_RANGE, now_s, &date_s) &&
	       v->last_modified_s == date_s;
}
