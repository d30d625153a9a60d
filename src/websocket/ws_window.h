/*
 * The last bytes of the messages that went one way of a connection: what the next compressed message may
 * refer to (RFC 7692 section 7.1.1, context takeover).
 */
#ifndef WEBSOCKET_WS_WINDOW_H
#define WEBSOCKET_WS_WINDOW_H

#include "base/bytes.h"

struct ws_window {
	uint8_t *data; /* NULL until there is something to keep */
	uint16_t len;
	uint8_t bits;  /* 2^bits bytes are kept at most; 0: none */
};

/* False: no memory; the window is as it was. */
bool ws_window_add(struct ws_window *w, struct bytes text);
void ws_window_fini(struct ws_window *w);

#endif
