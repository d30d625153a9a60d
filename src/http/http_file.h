/* Reading files: whole, or, too large for the cache, piece by piece into recycled buffers. */
#ifndef HTTP_HTTP_FILE_H
#define HTTP_HTTP_FILE_H

#include "http/http_buffer.h"
#include "http/http_cache.h"

/* Fills a buffer, fresh from the pool, with up to max bytes of the file from offset at on. The number
 * read; 0 if the file is not what it was any more, or could not be read. */
size_t http_file_read(const struct http_entry *e, uint64_t at, uint64_t max, struct http_buffer *buffer);

/* Reads all of it. False as above. Any thread may call. */
bool http_file_read_all(const struct http_entry *e, uint8_t *out);

#endif
