/*
 * A multipart/form-data body (RFC 7578, RFC 2046 section 5.1) taken apart while it arrives: pieces in, parts
 * and runs of their content out. What it needs to remember is in here, and does not grow: the fields of the
 * part under way, and how much of a delimiter has been seen. How the body is cut into pieces makes no
 * difference but to how content is cut into runs.
 */
#ifndef HTTP_HTTP_MULTIPART_H
#define HTTP_HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/bytes.h"

enum {
	HTTP_BOUNDARY_MAX = 70,     /* RFC 2046 section 5.1.1 */
	HTTP_PART_FIELDS = 4 << 10, /* most bytes of a part's fields */
};

/* Where the next byte is. */
enum http_multipart_state {
	HTTP_MULTIPART_PREAMBLE,
	HTTP_MULTIPART_DELIMITED, /* behind a delimiter, on its line */
	HTTP_MULTIPART_FIELDS,
	HTTP_MULTIPART_CONTENT,
	HTTP_MULTIPART_EPILOGUE,
};

/* Names point into the parser; they hold until the next part. */
struct http_part {
	struct bytes name;
	struct bytes filename;          /* data NULL: there is none */
	struct bytes extended_filename; /* filename*, which RFC 7578 section 4.2 does
					 * not want, and some send */
};

static inline bool http_part_is_file(const struct http_part *part)
{
	return part->filename.data != NULL || part->extended_filename.data != NULL;
}

struct http_multipart {
	enum http_multipart_state state;
	unsigned parts, max_parts;
	struct http_part part; /* the one under way */
	size_t matched;        /* bytes of the delimiter that came last: content, unless the rest comes too */
	uint8_t before;        /* the byte before the next, on a delimiter's line; 0: none */
	size_t delimiter_len;
	char delimiter[4 + HTTP_BOUNDARY_MAX]; /* CRLF, two hyphens, the boundary */
	size_t fields_len;
	char fields[HTTP_PART_FIELDS];
};

enum http_multipart_event {
	HTTP_MULTIPART_MORE,      /* all is taken, and more is needed, unless http_multipart_has_ended() */
	HTTP_MULTIPART_PART,      /* a part begins: m->part */
	HTTP_MULTIPART_DATA,      /* a run of its content */
	HTTP_MULTIPART_PART_END,
	HTTP_MULTIPART_BAD,       /* malformed; nothing more can be said of it */
	HTTP_MULTIPART_TOO_LARGE, /* more parts, or fields of one, than are taken */
};

/* False: the Content-Type has no boundary that could be one. */
bool http_multipart_init(struct http_multipart *m, struct bytes content_type, unsigned max_parts);

/* What comes next in *data, which is taken off it. *run: of HTTP_MULTIPART_DATA, valid as long as *data and
 * *m. Not to be called again after BAD or TOO_LARGE. */
enum http_multipart_event http_multipart_next(struct http_multipart *m, struct bytes *data,
					      struct bytes *run);

/* The last delimiter has come. A body that ends before is malformed. */
static inline bool http_multipart_has_ended(const struct http_multipart *m)
{
	return m->state == HTTP_MULTIPART_EPILOGUE;
}

#endif
