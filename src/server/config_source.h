/*
 * A configuration file's text, made ready for libConfuse 3.3, which miscounts lines after comments (so they
 * are blanked), takes a comment or a section without an end in silence (so they are refused), and ends the
 * process when a read fails (so the file is read here).
 */
#ifndef SERVER_CONFIG_SOURCE_H
#define SERVER_CONFIG_SOURCE_H

#include <stddef.h>

#include "base/failure.h"

enum { CONFIG_SOURCE_MAX = 1 << 20 }; /* bytes in a file */

/* 0, *text (to be freed; NUL-terminated) and *len, or negative errno and *why, with file and line. */
int config_source_read(const char *file, char **text, size_t *len, struct failure *why);

/* Replaces comments by spaces, keeping line ends. 0, or the line of what never ends, and *what it is. */
unsigned config_source_blank(char *text, size_t len, const char **what);

#endif
