/* Frames as a client sends them, and those of a server taken apart. */
#ifndef TESTS_WS_CLIENT_H
#define TESTS_WS_CLIENT_H

#include "websocket/ws_frame.h"

/* Bytes that grow. */
struct ws_bytes {
	uint8_t *data;
	size_t len, room;
};

void ws_bytes_add(struct ws_bytes *b, const void *data, size_t len);
void ws_bytes_fini(struct ws_bytes *b);

/* Adds a masked frame: first byte (bits and opcode), payload. The mask changes with each. */
void ws_client_frame(struct ws_bytes *b, uint8_t first, const void *payload, size_t len);
void ws_client_text(struct ws_bytes *b, uint8_t first, const char *payload);

struct ws_server_frame {
	uint8_t first;
	struct bytes payload;
};

/* The next whole frame that a server sent, from *at on, which moves behind it; false: there is none.
 * Asserts that it is not masked and its length minimal. */
bool ws_server_frame_next(const void *sent, size_t len, size_t *at, struct ws_server_frame *out);

#endif
