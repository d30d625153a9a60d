/* The gzip coding (RFC 1952) by zlib. Its header has no time and no name: equal contents give equal bytes. */
#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#include "http/http_codec.h"

enum {
	GZIP_WRAPPER = 16, /* what zlib has added to windowBits for it */
	MEMORY_LEVEL = 8,
};

size_t http_gzip(struct bytes data, int level, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	size_t len;

	if (data.len > UINT_MAX || room > UINT_MAX ||
	    deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
		    Z_OK)
		return 0;
	z.next_in = data.data;
	z.avail_in = (uInt)data.len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	len = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
	deflateEnd(&z);
	return len;
}
