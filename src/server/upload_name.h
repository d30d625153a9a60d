/*
 * The names that uploaded files get: made from what the client calls them, and never more than a name in the
 * directory. Whoever sends a file chooses its name, and whoever lists or opens
 * it later has to live with that.
 */
#ifndef SERVER_UPLOAD_NAME_H
#define SERVER_UPLOAD_NAME_H

#include "http/http_multipart.h"

/* Room for a name with its NUL; file systems take 255 bytes, of which some stay free for a number. */
enum { UPLOAD_NAME_SIZE = 232, UPLOAD_NUMBERED_SIZE = 256 };

/*
 * The last component of the file's name, in UTF-8: without what is before a slash or backslash; control
 * characters, and those that only turn the direction of writing, become "_", and so do bytes that are no
 * UTF-8, and a dot, hyphen or tilde at the beginning. Blanks and dots at the end go. What is too long is cut
 * before its extension. "file", if nothing is left.
 */
void upload_name(const struct http_part *part, char out[static UPLOAD_NAME_SIZE]);

/* "a.txt" with number 2 is "a-2.txt"; number 1 is the name as it is. */
void upload_name_number(const char *name, unsigned number, char out[static UPLOAD_NUMBERED_SIZE]);

#endif
