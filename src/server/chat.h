/*
 * A location with websocket = "chat": who says something is heard by all in the same room, also by those who
 * are with another worker. There it arrives a moment later, so all at one worker hear the same order, and two
 * workers perhaps another one.
 */
#ifndef SERVER_CHAT_H
#define SERVER_CHAT_H

#include "websocket/ws.h"

enum {
	CHAT_WORDS = 1024,           /* messages on their way from a worker to others ... */
	CHAT_WORDS_BYTES = 16 << 20, /* ... and bytes of them. Who says more is closed with 1013 */
};

/* Of a worker: what it has said to others, and is not done yet. */
struct chat_out {
	unsigned words;
	size_t bytes;
};

/* Its endpoint's context is a struct websocket. */
extern const struct ws_handler chat_handler;

#endif
