/*
 * Bodies of several ranges. All text between them is written when the answer begins, into one buffer. The
 * boundary is random, so that no author of a file can put it there.
 */
#include "http/http_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	BOUNDARY_ROOM = 24,
	FIELDS_ROOM = 128,
	TYPE_ROOM = 144,  /* the line or two of the entry */
	HEAD_ROOM = TYPE_ROOM + 112, /* of one part */
};

_Static_assert(sizeof(struct http_parts) + FIELDS_ROOM + HTTP_RANGES * HEAD_ROOM + BOUNDARY_ROOM + 8 <=
	       HTTP_BUFFER_MEDIUM, "the text of all parts fits into a medium buffer");

/* Text being written into the buffer. */
struct writer {
	struct http_buffer *buffer;
	char *at;
};

__attribute__((format(printf, 2, 3)))
static struct span put(struct writer *w, const char *format, ...)
{
	size_t room = w->buffer->room - (size_t)(w->at - (char *)w->buffer->data);
	struct span text = { .data = (const uint8_t *)w->at };
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(w->at, room, format, args);
	va_end(args);
	assert(len > 0 && (size_t)len < room);
	text.len = (size_t)len;
	w->at += len;
	return text;
}

static void add_text(struct http_parts *p, struct span text)
{
	p->stretches[p->count++] = (struct http_stretch){ .text = text.data, .len = text.len };
	p->left += text.len;
}

static void add_range(struct http_parts *p, const struct http_range *range)
{
	p->stretches[p->count++] = (struct http_stretch){ .at = range->first, .len = range->len };
	p->left += range->len;
}

/* RFC 9110 section 15.3.7.2 has the Content-Type of the representation with each part. Its Content-Encoding
 * goes the same way: it is the part's bytes that are encoded, not the text around them. */
static void add_part(struct http_parts *p, struct writer *w, const char *boundary,
		     const struct http_entry *e, const struct http_range *range)
{
	add_text(p, put(w, "%s--%s\r\n%.*sContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
			p->count > 0 ? "\r\n" : "", boundary, (int)e->length_at, (const char *)e->fields,
			(unsigned long long)range->first,
			(unsigned long long)(range->first + range->len - 1),
			(unsigned long long)e->version.size));
	add_range(p, range);
}

struct http_parts *http_parts_new(struct http_buffers *buffers, struct random *random,
				  const struct http_entry *e, const struct http_ranges *ranges)
{
	struct http_buffer *buffer = http_buffer_take(buffers, HTTP_BUFFER_MEDIUM);
	struct http_parts *p = buffer != NULL ? (struct http_parts *)(void *)buffer->data : NULL;
	char boundary[BOUNDARY_ROOM];
	struct writer w;

	if (p == NULL)
		return NULL;
	assert(e->length_at < TYPE_ROOM && ranges->count <= HTTP_RANGES);
	*p = (struct http_parts){ .owner = &buffer->owner };
	w = (struct writer){ .buffer = buffer, .at = p->text };
	snprintf(boundary, sizeof boundary, "part-%016llx", (unsigned long long)random_u64(random));
	for (unsigned i = 0; i < ranges->count; i++)
		add_part(p, &w, boundary, e, &ranges->items[i]);
	add_text(p, put(&w, "\r\n--%s--\r\n", boundary));
	p->fields = put(&w, "Content-Type: multipart/byteranges; boundary=%s\r\nContent-Length: %llu\r\n",
			boundary, (unsigned long long)p->left);
	return p;
}

const struct http_stretch *http_parts_next(struct http_parts *p)
{
	const struct http_stretch *s;

	if (p->next == p->count)
		return NULL;
	s = &p->stretches[p->next++];
	p->left -= s->len;
	return s;
}
