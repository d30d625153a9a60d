/* Media types of the system: files such as /etc/mime.types, a type and its extensions a line. */
#ifndef HTTP_HTTP_MIME_FILE_H
#define HTTP_HTTP_MIME_FILE_H

#include "http/http_mime.h"

struct http_mime_file {
	size_t count;
	struct http_mime *types; /* sorted by extension, each once */
	char *text;              /* of the types */
};

/* Reads it. What is not well-formed is passed over; of two lines with one extension the first counts. 0, or
 * negative errno; then there is none. */
int http_mime_file_load(struct http_mime_file *f, const char *path);
void http_mime_file_free(struct http_mime_file *f);

#endif
