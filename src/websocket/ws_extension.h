/*
 * The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1): a client's offers in, what is agreed
 * on out.
 */
#ifndef WEBSOCKET_WS_EXTENSION_H
#define WEBSOCKET_WS_EXTENSION_H

#include "base/bytes.h"

enum { WS_WINDOW_BITS_MIN = 8, WS_WINDOW_BITS_MAX = 15 };

enum ws_compression {
	WS_COMPRESSION_OFF,
	WS_COMPRESSION_MESSAGE,  /* each message by itself: no memory between messages */
	WS_COMPRESSION_TAKEOVER, /* a message may refer to what came before it */
};

/* What is agreed on. */
struct ws_deflate_params {
	bool agreed;                 /* false: messages are not compressed, and the rest is zero */
	bool server_no_takeover, client_no_takeover;
	uint8_t server_bits;         /* window of what we send */
	uint8_t client_bits;         /* window of what we receive */
	bool tell_server_bits, tell_client_bits; /* they stand in the answer */
};

/*
 * Takes the first offer of a Sec-WebSocket-Extensions value that can be accepted; window_bits is how much of
 * what came before we keep at most. False: the value is malformed (RFC 6455 section 9.1). An offer that is
 * not for permessage-deflate, or that is wrong in itself, is passed over. *p stays as it is if it is agreed
 * already.
 */
bool ws_extension_negotiate(struct bytes value, enum ws_compression compression, uint8_t window_bits,
			    struct ws_deflate_params *p);

enum { WS_EXTENSION_ANSWER = 160 };
/* The value of the answer's field, NUL-terminated. */
void ws_extension_format(const struct ws_deflate_params *p, char out[static WS_EXTENSION_ANSWER]);

#endif
