/*
 * Frames (RFC 6455 section 5.2): headers taken apart as they arrive, headers written, and masking. What a
 * frame means for the message under way is the reader's (ws_reader.h).
 */
#ifndef WEBSOCKET_WS_FRAME_H
#define WEBSOCKET_WS_FRAME_H

#include "base/bytes.h"

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa,
};

enum {
	WS_HEADER_MAX = 14,     /* of a client: two bytes, length of 64 bits, mask */
	WS_HEADER_MAX_SENT = 10, /* of a server, which does not mask */
	WS_CONTROL_MAX = 125,   /* payload of a control frame */
};

/* Bits of the first two bytes, to be joined with an opcode or a length. */
enum {
	WS_FIN = 0x80,
	WS_RSV1 = 0x40, /* the message is compressed (RFC 7692 section 6) */
	WS_RSV2 = 0x20,
	WS_RSV3 = 0x10,
	WS_MASKED = 0x80,
};

struct ws_header {
	uint64_t len;
	uint8_t opcode; /* enum ws_opcode */
	bool fin, rsv1;
	uint8_t mask[4];
};

/* A header that is arriving. Zero at the beginning of a frame. */
struct ws_header_reader {
	uint8_t text[WS_HEADER_MAX];
	uint8_t len;
};

enum ws_header_verdict {
	WS_HEADER_MORE, /* all is taken, and more is needed */
	WS_HEADER_DONE,
	WS_HEADER_BAD,  /* no client may send this; *why says why, for the close frame */
};

/* Takes what belongs to the header. A bad one is told by its second byte, or by its length. */
enum ws_header_verdict ws_header_take(struct ws_header_reader *r, struct bytes *data, struct ws_header *out,
				      const char **why);

/* The header of a frame from a server: first byte (WS_FIN and the like, and the opcode), length. Returns its
 * size. */
size_t ws_header_emit(uint8_t out[static WS_HEADER_MAX_SENT], uint8_t first, uint64_t len);

static inline size_t ws_header_emit_size(uint64_t len)
{
	return len <= WS_CONTROL_MAX ? 2 : len <= UINT16_MAX ? 4 : 10;
}

static inline bool ws_opcode_is_control(uint8_t opcode)
{
	return (opcode & 0x8) != 0;
}

/* Copies len bytes and unmasks (or masks) them; at is the offset in the payload of the first of them. The
 * two may be the same place. */
void ws_mask_copy(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[static 4], uint64_t at);

#endif
