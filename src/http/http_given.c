/*
 * Given bodies. Pieces go on by reference. The lines between chunks (RFC 9112 section 7.1) are written one
 * behind the other into a small buffer, which stays as long as a line of it is on its way.
 */
#include "http/http_given.h"

#include <assert.h>
#include <stdio.h>

#include "http/http_call.h"

enum {
	LEAST_PIECE = 16384, /* asked for at least; less room than this is exceeded once */
	CHUNK_LINE = 24,     /* CRLF, the size in hexadecimal, CRLF, NUL */
};

/* Makes room for one more line. False: there is no memory. */
static bool has_line(struct http_given *g, struct http_buffers *buffers)
{
	if (g->lines != NULL && g->lines_len + CHUNK_LINE > g->lines->room) {
		span_owner_unref(&g->lines->owner);
		g->lines = NULL;
	}
	if (g->lines == NULL) {
		g->lines = http_buffer_take(buffers, HTTP_BUFFER_SMALL);
		g->lines_len = 0;
	}
	return g->lines != NULL;
}

/* The end of the last chunk, and the size of the next. */
static void add_chunk_line(struct http_batch *out, struct http_given *g, size_t size)
{
	char *line = (char *)g->lines->data + g->lines_len;
	int len = snprintf(line, CHUNK_LINE, "%s%zx\r\n", g->has_chunk ? "\r\n" : "", size);

	assert(len > 0 && len < CHUNK_LINE);
	http_batch_add(out, line, (size_t)len, &g->lines->owner);
	g->lines_len += (size_t)len;
	g->has_chunk = true;
}

static enum http_given_outcome add_end(struct http_batch *out, const struct http_given *g)
{
	static const char last[] = "\r\n0\r\n\r\n";
	size_t from = g->has_chunk ? 0 : 2;

	if (g->framing == HTTP_FRAMED_BY_LENGTH)
		return HTTP_GIVEN_BROKEN; /* RFC 9112 section 8: shorter than it was said to be */
	if (g->framing == HTTP_FRAMED_BY_CHUNKS)
		http_batch_add(out, last + from, sizeof last - 1 - from, NULL);
	return HTTP_GIVEN_ENDED;
}

/* Asks for a piece. NO_ROOM means that it may go on. */
static enum http_given_outcome add_piece(struct http_batch *out, struct http_given *g, uint64_t *left,
					 size_t room)
{
	size_t most = room > LEAST_PIECE ? room : LEAST_PIECE;
	struct span piece;

	switch (g->call->handler->give(g->call, *left < most ? (size_t)*left : most, &piece)) {
	case HTTP_GIVE_PIECE:
		assert(piece.len > 0 && piece.len <= most && piece.len <= *left);
		if (g->framing == HTTP_FRAMED_BY_CHUNKS)
			add_chunk_line(out, g, piece.len);
		http_batch_give(out, piece.data, piece.len, piece.owner);
		*left -= piece.len;
		return HTTP_GIVEN_NO_ROOM;
	case HTTP_GIVE_LATER:
		return HTTP_GIVEN_AWAITED;
	case HTTP_GIVE_END:
		return add_end(out, g);
	case HTTP_GIVE_BROKEN:
	default:
		return HTTP_GIVEN_BROKEN;
	}
}

enum http_given_outcome http_given_add(struct http_batch *out, struct http_given *g, uint64_t *left,
				       struct http_buffers *buffers)
{
	enum http_given_outcome outcome = HTTP_GIVEN_NO_ROOM;
	size_t room;

	while (*left > 0 && outcome == HTTP_GIVEN_NO_ROOM && (room = http_batch_room(out)) > 0) {
		if (g->framing == HTTP_FRAMED_BY_CHUNKS && !has_line(g, buffers))
			return HTTP_GIVEN_NO_LINES;
		outcome = add_piece(out, g, left, room);
	}
	return *left == 0 ? HTTP_GIVEN_ENDED : outcome;
}

void http_given_release(struct http_given *g)
{
	if (g->lines != NULL)
		span_owner_unref(&g->lines->owner);
	*g = (struct http_given){ 0 };
}
