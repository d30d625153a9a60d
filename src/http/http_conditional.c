/*
 * Conditional requests, RFC 9110 section 13. Of the order in section 13.2.2 these are steps 3 and 4:
 * If-None-Match decides alone where it is present, If-Modified-Since only where it is not.
 */
#include "http/http_conditional.h"

#include <string.h>

#include "http/http_date.h"

/* Drops a leading W/: weak comparison looks at the opaque tag only (section 8.8.3.2). */
static void skip_weak_mark(struct bytes *etag)
{
	if (etag->len >= 2 && etag->data[0] == 'W' && etag->data[1] == '/')
		bytes_skip(etag, 2);
}

static void skip_separators(struct bytes *list)
{
	while (list->len > 0 && (list->data[0] == ' ' || list->data[0] == '\t' || list->data[0] == ','))
		bytes_skip(list, 1);
}

/* The next entity-tag of a list, quotes included; false at its end or where it is malformed. */
static bool take_etag(struct bytes *list, struct bytes *etag)
{
	const uint8_t *end;

	skip_separators(list);
	skip_weak_mark(list);
	if (list->len < 2 || list->data[0] != '"')
		return false;
	end = memchr(list->data + 1, '"', list->len - 1);
	return end != NULL && bytes_take(list, (size_t)(end - list->data) + 1, etag);
}

bool http_etag_is_listed(struct bytes value, struct bytes etag)
{
	struct bytes candidate;

	if (value.len == 1 && value.data[0] == '*')
		return true;
	skip_weak_mark(&etag);
	while (take_etag(&value, &candidate))
		if (candidate.len == etag.len && memcmp(candidate.data, etag.data, etag.len) == 0)
			return true;
	return false;
}

/* Several lines with one name are one list (RFC 9110 section 5.3). */
static bool none_match_fails(const struct http_request *r, struct bytes etag)
{
	for (uint32_t i = r->first[HTTP_FIELD_IF_NONE_MATCH]; i <= r->field_count; i++) {
		const struct http_field *f = &r->fields[i - 1];

		if (f->id == HTTP_FIELD_IF_NONE_MATCH &&
		    http_etag_is_listed(bytes_of(r->store + f->value_at, f->value_len), etag))
			return true;
	}
	return false;
}

/* Section 13.1.3: what is no date, or came more than once, counts as absent. */
static bool not_modified_since(const struct http_request *r, int64_t last_modified_s, int64_t now_s)
{
	struct bytes value = http_request_value(r, HTTP_FIELD_IF_MODIFIED_SINCE);
	int64_t since_s;

	if (value.data == NULL || last_modified_s == 0 ||
	    http_request_is_repeated(r, HTTP_FIELD_IF_MODIFIED_SINCE) ||
	    !http_date_parse((const char *)value.data, value.len, now_s, &since_s))
		return false;
	return last_modified_s <= since_s;
}

bool http_is_not_modified(const struct http_request *r, const struct http_validators *v, int64_t now_s)
{
	if (r->first[HTTP_FIELD_IF_NONE_MATCH] != 0)
		return none_match_fails(r, v->etag);
	return not_modified_since(r, v->last_modified_s, now_s);
}
