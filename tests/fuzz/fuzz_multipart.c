/*
 * libFuzzer target: a multipart body, in one piece and in several. Any input is a good one:
 *
 * cuts (1 byte), the boundary's length (1 byte), the boundary, the body
 *
 * Both ways must give the same parts, contents and end; and whatever a file is
 * called, its name is a plain one.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_multipart.h"
#include "server/upload_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 8 };

/* What came out: runs of a content one after the other, so that it does not matter how they were cut. */
struct seen {
	struct http_multipart m;
	enum http_multipart_event last;
	size_t len, room;
	uint8_t *bytes;
};

static void note(struct seen *s, struct bytes b)
{
	assert(b.len <= s->room - s->len);
	if (b.len > 0)
		memcpy(s->bytes + s->len, b.data, b.len);
	s->len += b.len;
}

static void note_part(struct seen *s, const struct http_part *part)
{
	char name[UPLOAD_NAME_SIZE];

	note(s, part->name);
	note(s, part->filename);
	note(s, part->extended_filename);
	upload_name(part, name);
	assert(name[0] != '\0' && name[0] != '.' && strpbrk(name, "/\\\n") == NULL);
}

/* From memory of its own, so that reading past the end is seen. */
static void feed(struct seen *s, struct bytes piece)
{
	uint8_t *copy = malloc(piece.len);
	struct bytes left = bytes_of(copy, piece.len), run = { 0 };

	if (s->last != HTTP_MULTIPART_MORE || piece.len == 0) {
		free(copy);
		return;
	}
	assert(copy != NULL);
	memcpy(copy, piece.data, piece.len);
	do {
		s->last = http_multipart_next(&s->m, &left, &run);
		if (s->last == HTTP_MULTIPART_DATA) {
			assert(run.len > 0);
			note(s, run);
		} else {
			note(s, bytes_of(&(uint8_t){ (uint8_t)s->last }, 1));
		}
		if (s->last == HTTP_MULTIPART_PART)
			note_part(s, &s->m.part);
		if (s->last == HTTP_MULTIPART_MORE)
			s->len--; /* its number is that of the pieces */
	} while (s->last != HTTP_MULTIPART_MORE && s->last != HTTP_MULTIPART_BAD && s->last != HTTP_MULTIPART_TOO_LARGE);
	assert(s->last != HTTP_MULTIPART_MORE || left.len == 0);
	free(copy);
}

static bool begin(struct seen *s, struct bytes type, size_t room)
{
	*s = (struct seen){ .last = HTTP_MULTIPART_MORE, .room = room, .bytes = malloc(room) };
	assert(s->bytes != NULL);
	return http_multipart_init(&s->m, type, PARTS);
}

static void compare(const struct seen *a, const struct seen *b)
{
	assert(a->last == b->last && a->len == b->len && a->m.state == b->m.state &&
	       a->m.parts == b->m.parts);
	assert(a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

static void try_both(struct bytes type, struct bytes body, uint8_t cuts)
{
	size_t room = 8 * body.len + 64;
	struct seen whole, cut;

	if (begin(&whole, type, room) && begin(&cut, type, room)) {
		feed(&whole, body);
		for (unsigned i = 0; body.len > 0; i++) {
			size_t n = 1 + (cuts * (i + 1) * 7u) % (1u + cuts % 32u);
			struct bytes piece = bytes_of(body.data, n < body.len ? n : body.len);

			feed(&cut, piece);
			bytes_skip(&body, piece.len);
		}
		compare(&whole, &cut);
		free(cut.bytes);
	}
	free(whole.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size), boundary;
	uint8_t cuts, len;
	char type[320];

	if (!bytes_take_u8(&input, &cuts) || !bytes_take_u8(&input, &len) ||
	    !bytes_take(&input, len, &boundary))
		return 0;
	memcpy(type, "multipart/form-data; boundary=\"", 31);
	memcpy(type + 31, boundary.data, boundary.len);
	type[31 + boundary.len] = '"';
	try_both(bytes_of(type, 32 + boundary.len), input, cuts);
	return 0;
}
