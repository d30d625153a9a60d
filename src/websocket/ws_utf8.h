/*
 * UTF-8 (RFC 3629 section 4) checked as it streams: a sequence may be cut anywhere, and the first byte that
 * cannot be part of any text is told at once (RFC 6455 section 8.1).
 */
#ifndef WEBSOCKET_WS_UTF8_H
#define WEBSOCKET_WS_UTF8_H

#include "base/bytes.h"

/* Zero at the beginning of a text. */
struct ws_utf8 {
	uint8_t missing;   /* bytes that end the sequence under way */
	uint8_t low, high; /* what the next of them may be */
};

/* False: no text goes on like this. */
bool ws_utf8_feed(struct ws_utf8 *u, struct bytes data);

/* A text may end here. */
static inline bool ws_utf8_is_whole(const struct ws_utf8 *u)
{
	return u->missing == 0;
}

#endif
