/* The br coding (RFC 7932) by Google's brotli. */
#include <brotli/encode.h>

#include "http/http_codec.h"

size_t http_brotli(struct bytes data, int level, uint8_t *out, size_t room)
{
	size_t len = room;

	if (!BrotliEncoderCompress(level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, data.len, data.data, &len,
				   out))
		return 0;
	return len;
}
