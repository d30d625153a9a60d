/*
 * zlib, as RFC 7692 section 7.2 wants it: raw, flushed at a message's end, without the four bytes that each
 * flush ends with.
 *
 * A state is borrowed: its own window is filled from the connection's when a message begins. That costs a
 * copy of some KiB, and saves a connection 7 to 44 KiB one way and 9 to 268 KiB the other.
 */
#include "websocket/ws_deflate.h"

#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "websocket/ws_extension.h"

enum {
	IDLE_INFLATERS = 8,  /* kept for the next messages */
	WINDOW = 1 << WS_WINDOW_BITS_MAX,
	FINAL_BLOCKS = 16,   /* in a message: each costs a copy of the window, and takes up two bytes */
	ZLIB_BITS_MIN = 9,   /* smaller windows zlib does not write */
};

struct ws_inflater {
	z_stream z;
	struct ws_inflater *next; /* while idle */
	uint64_t taken;           /* bytes of the compressed message */
	unsigned final_blocks;
	bool at_end;              /* after a final block, nothing of the next has come */
};

struct ws_codecs {
	struct ws_inflater *idle;
	unsigned n_idle;
	z_stream *deflaters[WS_WINDOW_BITS_MAX + 1]; /* by bits of the window; NULL: not used yet */
};

/* What a flush ends with, and a message does without (section 7.2.1). */
static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };

struct ws_codecs *ws_codecs_new(void)
{
	return calloc(1, sizeof(struct ws_codecs));
}

static void free_inflater(struct ws_inflater *i)
{
	inflateEnd(&i->z);
	free(i);
}

void ws_codecs_free(struct ws_codecs *c)
{
	if (c == NULL)
		return;
	while (c->idle != NULL) {
		struct ws_inflater *i = c->idle;

		c->idle = i->next;
		free_inflater(i);
	}
	for (size_t bits = 0; bits < ARRAY_LENGTH(c->deflaters); bits++)
		if (c->deflaters[bits] != NULL) {
			deflateEnd(c->deflaters[bits]);
			free(c->deflaters[bits]);
		}
	free(c);
}

/* ---- expanding ---- */

static struct ws_inflater *new_inflater(void)
{
	struct ws_inflater *i = calloc(1, sizeof *i);

	if (i != NULL && inflateInit2(&i->z, -WS_WINDOW_BITS_MAX) != Z_OK) {
		free(i);
		return NULL;
	}
	return i;
}

static struct ws_inflater *reuse_inflater(struct ws_codecs *c)
{
	struct ws_inflater *i = c->idle;

	c->idle = i->next;
	c->n_idle--;
	inflateReset(&i->z);
	return i;
}

struct ws_inflater *ws_inflater_take(struct ws_codecs *c, const struct ws_window *w)
{
	struct ws_inflater *i = c->idle != NULL ? reuse_inflater(c) : new_inflater();

	if (i == NULL)
		return NULL;
	i->taken = 0;
	i->final_blocks = 0;
	i->at_end = false;
	if (w->len > 0 && inflateSetDictionary(&i->z, w->data, w->len) != Z_OK) {
		free_inflater(i);
		return NULL;
	}
	return i;
}

void ws_inflater_give(struct ws_codecs *c, struct ws_inflater *i)
{
	if (i == NULL)
		return;
	if (c->n_idle == IDLE_INFLATERS) {
		free_inflater(i);
		return;
	}
	i->next = c->idle;
	c->idle = i;
	c->n_idle++;
}

/* A block said to be the last one (section 7.2.3.4): more may follow, and refer to what came before. */
static bool go_on_after_final_block(struct ws_inflater *i)
{
	uint8_t window[WINDOW];
	uInt len = sizeof window;

	i->at_end = true;
	return ++i->final_blocks <= FINAL_BLOCKS && inflateGetDictionary(&i->z, window, &len) == Z_OK &&
	       inflateReset(&i->z) == Z_OK && (len == 0 || inflateSetDictionary(&i->z, window, len) == Z_OK);
}

/* Expands into the room that is there. False: this is no compressed text. */
static bool step(struct ws_inflater *i, struct ws_buffer *to)
{
	int result;

	i->z.next_out = to->data + to->len;
	i->z.avail_out = (uInt)(to->room - to->len);
	i->at_end = i->at_end && i->z.avail_in == 0;
	result = inflate(&i->z, Z_SYNC_FLUSH);
	to->len = to->room - i->z.avail_out;
	if (result == Z_STREAM_END)
		return go_on_after_final_block(i);
	return result == Z_OK || result == Z_BUF_ERROR;
}

enum ws_inflated ws_inflate(struct ws_inflater *i, struct bytes piece, struct ws_buffer **to, size_t most)
{
	/* Expansion is bounded by room, and this bounds what expands to nothing. */
	if (piece.len > UINT32_MAX || i->taken + piece.len > 2 * (uint64_t)most + WINDOW)
		return WS_INFLATED_BIG;
	i->taken += piece.len;
	i->z.next_in = piece.data;
	i->z.avail_in = (uInt)piece.len;
	do {
		if ((*to)->len == (*to)->room) {
			if ((*to)->len > most)
				return WS_INFLATED_BIG;
			/* One more than allowed: the byte that is too many is told by its being there. */
			if (!ws_buffer_grow(to, 1, most + 1))
				return WS_INFLATED_FULL;
		}
		if (!step(i, *to))
			return WS_INFLATED_BAD;
	} while (i->z.avail_in > 0 || (*to)->len == (*to)->room);
	return (*to)->len > most ? WS_INFLATED_BIG : WS_INFLATED;
}

/* zlib.h: bit 7 of data_type says so, and the six below how many bits are left over. */
static bool is_between_blocks(const z_stream *z)
{
	return (z->data_type & 0xbf) == 0x80;
}

enum ws_inflated ws_inflate_finish(struct ws_inflater *i, struct ws_buffer **to, size_t most)
{
	enum ws_inflated result;

	/* After the final block of a sender that adds no empty one (section 7.2.3.4) there is nothing to
	 * end. */
	if (i->at_end)
		return WS_INFLATED;
	i->taken = 0;
	result = ws_inflate(i, bytes_of(tail, sizeof tail), to, most);
	return result == WS_INFLATED && !is_between_blocks(&i->z) ? WS_INFLATED_BAD : result;
}

/* ---- compressing ---- */

/* A window of 8 bits zlib does not keep to: then matches reach back one byte only, which is in any window. */
static z_stream *new_deflater(unsigned bits)
{
	z_stream *z = calloc(1, sizeof *z);
	bool small = bits < ZLIB_BITS_MIN;

	if (z != NULL && deflateInit2(z, Z_BEST_SPEED, Z_DEFLATED, small ? -ZLIB_BITS_MIN : -(int)bits,
				      MAX_MEM_LEVEL - 1, small ? Z_RLE : Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static z_stream *get_deflater(struct ws_codecs *c, unsigned bits, const struct ws_window *w)
{
	z_stream **z = &c->deflaters[bits];

	if (*z == NULL)
		*z = new_deflater(bits);
	if (*z == NULL || deflateReset(*z) != Z_OK)
		return NULL;
	if (w->len > 0 && deflateSetDictionary(*z, w->data, w->len) != Z_OK)
		return NULL;
	return *z;
}

struct ws_buffer *ws_deflate(struct ws_codecs *c, unsigned bits, const struct ws_window *w, struct bytes text,
			     struct ws_budget *budget)
{
	z_stream *z = text.len <= UINT32_MAX ? get_deflater(c, bits, w) : NULL;
	struct ws_buffer *b = z != NULL ? ws_buffer_new(budget, text.len + sizeof tail) : NULL;

	if (b == NULL)
		return NULL;
	z->next_in = text.data;
	z->avail_in = (uInt)text.len;
	z->next_out = b->data;
	z->avail_out = (uInt)b->room;
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0) {
		ws_buffer_give(b);
		return NULL;
	}
	b->len = b->room - z->avail_out - sizeof tail;
	ws_buffer_fit(&b);
	return b;
}
