/* The check: ASCII eight bytes at a time, the rest byte by byte. */
#include "websocket/ws_utf8.h"

/* How many bytes follow, and what the first of them may be: overlong forms, surrogates and what is beyond
 * U+10FFFF are cut off there. */
static bool begin(struct ws_utf8 *u, uint8_t c)
{
	u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		u->missing = 0;
	else if (c >= 0xc2 && c <= 0xdf)
		u->missing = 1;
	else if (c >= 0xe0 && c <= 0xef)
		u->missing = 2;
	else if (c >= 0xf0 && c <= 0xf4)
		u->missing = 3;
	else
		return false;
	return true;
}

static bool go_on(struct ws_utf8 *u, uint8_t c)
{
	if (c < u->low || c > u->high)
		return false;
	u->missing--;
	u->low = 0x80;
	u->high = 0xbf;
	return true;
}

static void skip_ascii(struct bytes *data)
{
	uint64_t word;

	while (data->len >= sizeof word) {
		memcpy(&word, data->data, sizeof word);
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			return;
		bytes_skip(data, sizeof word);
	}
}

bool ws_utf8_feed(struct ws_utf8 *u, struct bytes data)
{
	uint8_t c;

	while (data.len > 0) {
		if (u->missing == 0)
			skip_ascii(&data);
		if (!bytes_take_u8(&data, &c))
			break;
		if (!(u->missing > 0 ? go_on(u, c) : begin(u, c)))
			return false;
	}
	return true;
}
