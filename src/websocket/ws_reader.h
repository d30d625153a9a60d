/*
 * What a client sends, taken apart (RFC 6455 sections 5 and 6.2): bytes in, in any pieces; messages and
 * control frames out. Masks come off, compressed messages are expanded, texts are checked as they arrive, and
 * what may not be is told with the code that closes the connection.
 */
#ifndef WEBSOCKET_WS_READER_H
#define WEBSOCKET_WS_READER_H

#include "websocket/ws_close.h"
#include "websocket/ws_deflate.h"
#include "websocket/ws_utf8.h"

enum { WS_FRAGMENTS_MAX = 1 << 17 }; /* of a message; empty ones as well */

enum ws_event {
	WS_EVENT_NONE,    /* all is taken, and more is needed */
	WS_EVENT_MESSAGE, /* opcode; ws_reader_message() */
	WS_EVENT_PING,    /* control */
	WS_EVENT_PONG,    /* control */
	WS_EVENT_CLOSE,   /* control; nothing is to be taken any more */
	WS_EVENT_FAIL,    /* code, why; nothing is to be taken any more */
};

struct ws_reader {
	struct ws_budget *budget;
	struct ws_codecs *codecs;   /* NULL: compression was not agreed on */
	struct ws_window *window;   /* what messages may refer to; empty: nothing */
	size_t max_message;

	struct ws_header_reader header_reader;
	struct ws_header header;    /* of the frame under way */
	uint64_t at;                /* offset in its payload */
	bool in_frame, in_message;
	uint8_t opcode;             /* of the message */
	bool is_compressed;         /* it came so */
	uint8_t control_len;
	uint32_t fragments;
	struct ws_utf8 utf8;
	struct ws_buffer *message;  /* what of it has arrived; NULL: nothing */
	struct ws_inflater *inflater; /* NULL: the message under way is not compressed */
	uint8_t control[WS_CONTROL_MAX];

	unsigned code;              /* of a failure */
	const char *why;
};

/* All memory is borrowed while it is needed. codecs and window may be NULL. */
void ws_reader_init(struct ws_reader *r, struct ws_budget *budget, struct ws_codecs *codecs,
		    struct ws_window *window, size_t max_message);
void ws_reader_fini(struct ws_reader *r);

/* Takes bytes up to the next event. */
enum ws_event ws_reader_take(struct ws_reader *r, struct bytes *data);

/* To be called after each WS_EVENT_MESSAGE: the message, whose only reference goes to the caller. */
static inline struct ws_buffer *ws_reader_message(struct ws_reader *r)
{
	struct ws_buffer *message = r->message;

	r->message = NULL;
	return message;
}

static inline struct bytes ws_reader_control(const struct ws_reader *r)
{
	return bytes_of(r->control, r->control_len);
}

/* A frame or a message has begun, and more of it is to come. */
static inline bool ws_reader_is_waiting(const struct ws_reader *r)
{
	return r->in_message || r->in_frame || r->header_reader.len > 0;
}

#endif
