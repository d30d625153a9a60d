/* Which codings can be made here is settled when taphouse is configured. */
#include "http/http_codec.h"

static http_compress_fn *const compressors[HTTP_CODINGS] = {
#ifdef TH_WITH_ZLIB
	[HTTP_CODING_GZIP] = http_gzip,
#endif
#ifdef TH_WITH_BROTLI
	[HTTP_CODING_BR] = http_brotli,
#endif
};

http_compress_fn *http_codec_find(enum http_coding coding)
{
	return compressors[coding];
}
