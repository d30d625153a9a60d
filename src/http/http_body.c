/*
 * Bodies. One in memory goes by reference, cut to the room that the stream has, so that a slow peer
 * takes up no more of the stream's queue than it should. One in a file passes through buffers: as many
 * as the room is worth while they are plenty, one a peer at a time when they are scarce. Then no piece
 * is larger than what the peer has room for, so that it comes back within a round trip: a peer that
 * reads slowly gets its pieces in small buffers, of which there is one for each request, and not even
 * all of them together can keep the large ones from those that read. Who finds none of these waits in a
 * queue for any that comes back.
 */
#include "http/http_body.h"

#include "base/minmax.h"
#include "http/http_file.h"

void http_body_set_file(struct http_body *b, struct http_entry *e, uint64_t at, uint64_t len)
{
	*b = (struct http_body){ .left = len, .at = at, .data = e->body, .entry = e, .owner = &e->owner };
}

void http_body_set_parts(struct http_body *b, struct http_entry *e, struct http_parts *parts)
{
	http_body_set_file(b, e, 0, 0);
	b->parts = parts;
}

void http_body_set_given(struct http_body *b, struct http_given *g, uint64_t len)
{
	*b = (struct http_body){ .left = len, .given = *g };
	g->call = NULL;
}

void http_body_omit(struct http_body *b)
{
	b->left = 0;
	b->given.call = NULL;
}

uint64_t http_body_left(const struct http_body *b)
{
	return b->left + (b->parts != NULL ? b->parts->left : 0);
}

void http_body_release(struct http_body *b)
{
	if (b->parts != NULL) {
		http_entry_unref(b->entry);
		span_owner_unref(b->parts->owner);
	} else {
		span_owner_unref(b->owner);
	}
	http_given_release(&b->given);
}

/* Begins the next stretch; false after the last. */
static bool begin_next(struct http_body *b)
{
	const struct http_stretch *next = b->parts != NULL ? http_parts_next(b->parts) : NULL;

	if (next == NULL)
		return false;
	b->left = next->len;
	b->at = next->at;
	b->data = next->text != NULL ? next->text : b->entry->body;
	b->owner = next->text != NULL ? b->parts->owner : &b->entry->owner;
	return true;
}

enum { LEAST_PIECE = 16384 }; /* of a body in memory; less room than this is exceeded once */

/* The room for more of b. Its first bytes leave with the head, in one call, even if that took all room. */
static size_t room_for(const struct http_batch *out, const struct http_body *b)
{
	size_t room = http_batch_room(out);

	return room == 0 && !b->begun && out->bytes > 0 ? 1 : room;
}

static void advance(struct http_body *b, uint64_t n)
{
	b->at += n;
	b->left -= n;
	b->begun = true;
}

static void add_memory(struct http_batch *out, struct http_body *b, size_t room)
{
	uint64_t n = room > LEAST_PIECE ? room : LEAST_PIECE;

	if (n > b->left)
		n = b->left;
	http_batch_add(out, b->data + b->at, (size_t)n, b->owner);
	advance(b, n);
}

/* A buffer for the next piece, NULL if there is none, and the piece's size at most. */
static struct http_buffer *take_buffer(const struct http_batch *out, struct http_buffers *buffers,
				       uint64_t *most)
{
	struct http_buffer *buffer = NULL;
	struct stream_info info;

	if (!http_buffers_are_scarce(buffers))
		return http_buffer_take_large(buffers);
	stream_info(out->stream, &info);
	*most = min_u64(*most, max_u32(info.peer_room, HTTP_BUFFER_SLOW));
	if (*most > HTTP_BUFFER_SLOW)
		buffer = http_buffer_take_large(buffers);
	return buffer != NULL ? buffer : http_buffer_take_slow(buffers);
}

/* Adds one buffer of the file; NO_ROOM means that it may go on. */
static enum http_body_outcome add_file_piece(struct http_batch *out, struct http_body *b,
					     struct http_buffers *buffers)
{
	uint64_t most = b->left;
	struct http_buffer *buffer = take_buffer(out, buffers, &most);
	size_t n;

	if (buffer == NULL)
		return HTTP_BODY_NO_BUFFER;
	n = http_file_read(b->entry, b->at, most, buffer);
	if (n == 0) {
		span_owner_unref(&buffer->owner);
		return HTTP_BODY_BROKEN;
	}
	http_batch_give(out, buffer->data, n, &buffer->owner);
	advance(b, n);
	return HTTP_BODY_NO_ROOM;
}

static enum http_body_outcome add_file(struct http_batch *out, struct http_body *b,
				       struct http_buffers *buffers, bool drained)
{
	enum http_body_outcome outcome = HTTP_BODY_NO_ROOM;

	while (b->left > 0 && outcome == HTTP_BODY_NO_ROOM && room_for(out, b) > 0) {
		if (!drained && http_buffers_are_scarce(buffers))
			return HTTP_BODY_UNDRAINED;
		outcome = add_file_piece(out, b, buffers);
		drained = false;
	}
	return outcome;
}

static enum http_body_outcome add_stretch(struct http_batch *out, struct http_body *body,
					  struct http_buffers *buffers, bool drained)
{
	enum http_body_outcome outcome = HTTP_BODY_NO_ROOM;

	if (body->left > 0 && body->data == NULL) {
		outcome = add_file(out, body, buffers, drained);
	} else {
		size_t room;

		while (body->left > 0 && (room = room_for(out, body)) > 0)
			add_memory(out, body, room);
	}
	return body->left == 0 ? HTTP_BODY_SENT : outcome;
}

static enum http_body_outcome add_given(struct http_batch *out, struct http_body *body,
					struct http_buffers *buffers, bool drained)
{
	switch (http_given_add(out, &body->given, &body->left, buffers)) {
	case HTTP_GIVEN_ENDED:
		return HTTP_BODY_SENT;
	case HTTP_GIVEN_NO_ROOM:
		return HTTP_BODY_NO_ROOM;
	case HTTP_GIVEN_AWAITED:
		return HTTP_BODY_AWAITED;
	case HTTP_GIVEN_NO_LINES:
		return drained && out->bytes == 0 ? HTTP_BODY_BROKEN : HTTP_BODY_UNDRAINED;
	case HTTP_GIVEN_BROKEN:
	default:
		return HTTP_BODY_BROKEN;
	}
}

enum http_body_outcome http_body_add(struct http_batch *out, struct http_body *body,
				     struct http_buffers *buffers, bool drained)
{
	if (body->given.call != NULL)
		return add_given(out, body, buffers, drained);
	for (;;) {
		enum http_body_outcome outcome = add_stretch(out, body, buffers, drained);

		if (outcome != HTTP_BODY_SENT || !begin_next(body))
			return outcome;
		drained = false;
	}
}
