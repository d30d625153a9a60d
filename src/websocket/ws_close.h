/* Close codes and the payload of close frames (RFC 6455 section 7.4, and IANA's registry). */
#ifndef WEBSOCKET_WS_CLOSE_H
#define WEBSOCKET_WS_CLOSE_H

#include "base/bytes.h"

enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL_ERROR = 1002,
	WS_CLOSE_UNSUPPORTED = 1003,
	WS_CLOSE_NO_STATUS = 1005, /* these two never stand in a frame: none was there, */
	WS_CLOSE_ABNORMAL = 1006,  /* and no close frame came at all */
	WS_CLOSE_INVALID_DATA = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_INTERNAL_ERROR = 1011,
	WS_CLOSE_SERVICE_RESTART = 1012,
	WS_CLOSE_TRY_AGAIN_LATER = 1013,
	WS_CLOSE_BAD_GATEWAY = 1014,
};

enum { WS_CLOSE_REASON_MAX = 123 };

/* A peer may send it. */
bool ws_close_code_is_valid(unsigned code);

/* Takes a payload apart; an empty one is WS_CLOSE_NO_STATUS. 0, or the code to close with instead. */
unsigned ws_close_parse(struct bytes payload, unsigned *code, struct bytes *reason);

/* Writes a payload of at most 125 bytes, and returns its length. A reason that is too long is cut, at the
 * beginning of a character. WS_CLOSE_NO_STATUS gives an empty one. */
size_t ws_close_format(uint8_t out[static 2 + WS_CLOSE_REASON_MAX], unsigned code, struct bytes reason);

#endif
