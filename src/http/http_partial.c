/* Partial answers: one range as it is, several as multipart/byteranges. */
#include "http/http_partial.h"

#include <assert.h>
#include <stdio.h>

#include "http/http_conditional.h"
#include "http/http_parts.h"
#include "http/http_range.h"

static void answer_parts(const struct http_static *s, const struct http_ranges *ranges,
			 struct http_answer *out)
{
	struct http_parts *parts = http_parts_new(s->buffers, s->random, out->entry, ranges);

	if (parts == NULL)
		return;
	out->status = 206;
	out->parts = parts;
	out->extra = parts->fields;
	out->extra.owner = parts->owner;
	span_owner_ref(parts->owner);
}

static void answer_range(const struct http_static *s, const struct http_range *range, struct http_answer *out)
{
	struct http_buffer *buffer = http_buffer_take(s->buffers, HTTP_BUFFER_SMALL);
	int len;

	if (buffer == NULL)
		return;
	len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL,
		       "Content-Range: bytes %llu-%llu/%llu\r\nContent-Length: %llu\r\n",
		       (unsigned long long)range->first,
		       (unsigned long long)(range->first + range->len - 1),
		       (unsigned long long)out->entry->version.size, (unsigned long long)range->len);
	assert(len > 0 && len < HTTP_BUFFER_SMALL);
	out->status = 206;
	out->range = *range;
	out->extra = (struct span){ .data = buffer->data, .len = (size_t)len, .owner = &buffer->owner };
}

/* Content-Range of a 416 tells the size, so that the client can ask again. */
static void answer_unsatisfiable(const struct http_static *s, struct http_answer *out)
{
	struct http_buffer *buffer = http_buffer_take(s->buffers, HTTP_BUFFER_SMALL);
	int len;

	if (buffer == NULL)
		return;
	len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL, "Content-Range: bytes */%llu\r\n",
		       (unsigned long long)out->entry->version.size);
	assert(len > 0 && len < HTTP_BUFFER_SMALL);
	out->status = 416;
	out->extra = (struct span){ .data = buffer->data, .len = (size_t)len, .owner = &buffer->owner };
	http_entry_unref(out->entry);
	out->entry = NULL;
}

void http_partial_answer(const struct http_static *s, const struct http_request *r, struct http_answer *out)
{
	struct bytes value = http_request_value(r, HTTP_FIELD_RANGE);
	const struct http_entry *e = out->entry;
	struct http_ranges ranges;

	if (r->line.method != HTTP_METHOD_GET || http_request_is_repeated(r, HTTP_FIELD_RANGE) ||
	    !http_if_range_holds(r, &e->validators, http_clock_wall_s(s->clock)))
		return;
	switch (http_range_parse(value, e->version.size, &ranges)) {
	case HTTP_RANGE_OK:
		if (ranges.count == 1)
			answer_range(s, &ranges.items[0], out);
		else
			answer_parts(s, &ranges, out);
		return;
	case HTTP_RANGE_UNSATISFIABLE:
		answer_unsatisfiable(s, out);
		return;
	case HTTP_RANGE_IGNORED:
		return;
	}
}
