/* Which codes there are. */
#include "websocket/ws_close.h"

#include "websocket/ws_utf8.h"

bool ws_close_code_is_valid(unsigned code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != WS_CLOSE_NO_STATUS &&
	       code != WS_CLOSE_ABNORMAL;
}

unsigned ws_close_parse(struct bytes payload, unsigned *code, struct bytes *reason)
{
	struct ws_utf8 utf8 = { 0 };
	uint16_t given;

	*code = WS_CLOSE_NO_STATUS;
	*reason = (struct bytes){ 0 };
	if (payload.len == 0)
		return 0;
	if (!bytes_take_be16(&payload, &given) || !ws_close_code_is_valid(given))
		return WS_CLOSE_PROTOCOL_ERROR;
	if (!ws_utf8_feed(&utf8, payload) || !ws_utf8_is_whole(&utf8))
		return WS_CLOSE_INVALID_DATA;
	*code = given;
	*reason = payload;
	return 0;
}

static size_t cut(struct bytes text)
{
	size_t len = text.len;

	if (len <= WS_CLOSE_REASON_MAX)
		return len;
	len = WS_CLOSE_REASON_MAX;
	while (len > 0 && (text.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

size_t ws_close_format(uint8_t out[static 2 + WS_CLOSE_REASON_MAX], unsigned code, struct bytes reason)
{
	size_t len = cut(reason);

	if (code == WS_CLOSE_NO_STATUS)
		return 0;
	store_be16(out, (uint16_t)code);
	if (len > 0)
		memcpy(out + 2, reason.data, len);
	return 2 + len;
}
