/* The media type of a file, by the extension of its name. */
#ifndef HTTP_HTTP_MIME_H
#define HTTP_HTTP_MIME_H

#include <stdbool.h>
#include <stddef.h>

/* "text/html; charset=utf-8"; "application/octet-stream" for what is not known. Never NULL. */
const char *http_mime_type(const char *path, size_t len);

/* Text, or what is mostly text: worth being compressed. */
bool http_mime_is_compressible(const char *type);

#endif
