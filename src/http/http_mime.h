/* The media type of a file, by the extension of its name. */
#ifndef HTTP_HTTP_MIME_H
#define HTTP_HTTP_MIME_H

#include <stdbool.h>
#include <stddef.h>

struct http_mime {
	char extension[16]; /* in lower case, without its dot */
	const char *type;
};

struct http_mime_file;

/* "text/html; charset=utf-8"; "application/octet-stream" for what is not known. Never NULL. What the table
 * here has not is looked up in more, which may be NULL. */
const char *http_mime_type(const struct http_mime_file *more, const char *path, size_t len);

/* False if it is too long, or could not be the end of a name. */
bool http_mime_set_extension(struct http_mime *m, const char *extension, size_t len);

/* A pattern is a media type such as image/png, image/x-*, or * for all. */
bool http_mime_pattern_is_valid(const char *pattern, size_t len);

/* The pattern covers the type, whose parameters do not count. */
bool http_mime_fits(const char *pattern, size_t len, const char *type);

/* Text, or what is mostly text: worth being compressed. */
bool http_mime_is_compressible(const char *type);

#endif
