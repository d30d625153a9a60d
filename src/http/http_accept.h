/* Proactive negotiation: which of several media types the client likes best (RFC 9110 section 12.5.1). */
#ifndef HTTP_HTTP_ACCEPT_H
#define HTTP_HTTP_ACCEPT_H

#include <stddef.h>

#include "base/bytes.h"

/* How much the Accept value likes a media type such as "text/html", in lower case: 0 (not at all) to 1000.
 * The most specific of its ranges decides. data NULL (no such field): it likes everything. */
unsigned http_accept_quality(struct bytes accept, const char *type);

/* The number of the type that is liked best; of equals the first. All refused: 0, for an answer that is not
 * what was wished for is better than none (section 15.5.7 leaves that to us). */
size_t http_accept_best(struct bytes accept, const char *const *types, size_t n);

#endif
