/* What a segment carries, told by its first bytes: a request, a status, a record of TLS, or just data. */
#ifndef SERVER_LADDER_CONTENT_H
#define SERVER_LADDER_CONTENT_H

#include "server/ladder_segment.h"

enum { LADDER_CONTENT = 96 };

/* Printable ASCII, whatever the peer sent; "" if the segment carries nothing. */
void ladder_content(const struct ladder_segment *s, char out[static LADDER_CONTENT]);

/* Copies text, len bytes of it at most, with '?' for what is not printable ASCII: a peer's bytes are not for
 * a terminal to obey. */
void ladder_printable(char *out, size_t size, const char *text, size_t len);

#endif
