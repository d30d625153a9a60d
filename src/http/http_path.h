/*
 * From the path of a request target to the name of a file below a site's root, and back for a Location field.
 * This is text only: http_open.c sees to it that the file itself lies below the root.
 */
#ifndef HTTP_HTTP_PATH_H
#define HTTP_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_PATH_SIZE = 4096 }; /* PATH_MAX: a longer name cannot be opened */

struct http_path {
	size_t len;
	char text[HTTP_PATH_SIZE]; /* no leading slash; ends in one, or is empty, for a directory */
};

enum http_path_verdict {
	HTTP_PATH_OK,
	HTTP_PATH_BAD, /* malformed: bad percent-encoding, %00, or climbs out of the root */
	HTTP_PATH_DOTFILE, /* well-formed and resolved, and never served from a file */
	HTTP_PATH_HIDDEN, /* well-formed, and never served: too long, a slash inside a name */
};

/* raw begins with a slash and has no query. */
enum http_path_verdict http_path_resolve(const char *raw, size_t len, struct http_path *out);

/* The path of a file below the root that a configuration names, with or without a leading slash; false: it
 * could not be served. */
bool http_path_of_file(const char *name, struct http_path *out);

static inline bool http_path_is_directory(const struct http_path *p)
{
	return p->len == 0 || p->text[p->len - 1] == '/';
}

/* Percent-encodes what a path may not hold as it is, into room bytes at out. The length, or 0 when it
 * does not fit. */
size_t http_path_encode(const char *path, size_t len, char *out, size_t room);
/* The same for a value in a query: "&", "=", "+" and ";" are encoded as well. */
size_t http_path_encode_value(const char *value, size_t len, char *out, size_t room);

#endif
