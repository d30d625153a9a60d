#include "common/ws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void ws_bytes_add(struct ws_bytes *b, const void *data, size_t len)
{
	while (b->len + len > b->room) {
		b->room = b->room > 0 ? 2 * b->room : 256;
		b->data = realloc(b->data, b->room);
		assert_non_null(b->data);
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void ws_bytes_fini(struct ws_bytes *b)
{
	free(b->data);
	*b = (struct ws_bytes){ 0 };
}

void ws_client_frame(struct ws_bytes *b, uint8_t first, const void *payload, size_t len)
{
	static uint32_t number = 0x9e3779b9;
	uint8_t header[WS_HEADER_MAX_SENT], mask[4];
	size_t size = ws_header_emit(header, first, len), at;

	number = number * 1664525 + 1013904223;
	memcpy(mask, &number, sizeof mask);
	header[1] |= WS_MASKED;
	ws_bytes_add(b, header, size);
	ws_bytes_add(b, mask, sizeof mask);
	at = b->len;
	ws_bytes_add(b, payload, len);
	for (size_t i = 0; i < len; i++)
		b->data[at + i] ^= mask[i % 4];
}

void ws_client_text(struct ws_bytes *b, uint8_t first, const char *payload)
{
	ws_client_frame(b, first, payload, strlen(payload));
}

bool ws_server_frame_next(const void *sent, size_t len, size_t *at, struct ws_server_frame *out)
{
	struct bytes data = bytes_of((const uint8_t *)sent + *at, len - *at), header;
	size_t size;
	uint64_t payload;

	if (data.len < 2)
		return false;
	assert_int_equal(data.data[1] & WS_MASKED, 0);
	size = data.data[1] == 127 ? 10 : data.data[1] == 126 ? 4 : 2;
	if (!bytes_take(&data, size, &header))
		return false;
	payload = size == 2 ? header.data[1] : load_be16(header.data + 2);
	if (size == 10)
		payload = (uint64_t)load_be32(header.data + 2) << 32 | load_be32(header.data + 6);
	assert_int_equal(ws_header_emit_size(payload), size);
	out->first = header.data[0];
	if (!bytes_take(&data, (size_t)payload, &out->payload))
		return false;
	*at = len - data.len;
	return true;
}
