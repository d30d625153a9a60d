/* Compressors of content codings, those that were built in. They keep nothing
 * between calls: any thread may call. */
#ifndef HTTP_HTTP_CODEC_H
#define HTTP_HTTP_CODEC_H

#include "base/bytes.h"
#include "http/http_encoding.h"

/* Compresses data into out: the length, or 0 if it does not fit into room, or memory ran out. */
typedef size_t http_compress_fn(struct bytes data, int level, uint8_t *out, size_t room);

/* NULL: this coding has none here. */
http_compress_fn *http_codec_find(enum http_coding coding);

/* The compressors, each there if its library is. */
http_compress_fn http_gzip;   /* levels 1 to 9 */
http_compress_fn http_brotli; /* levels 0 to 11 */

#endif
