/* Content codings (RFC 9110 section 8.4.1), and which of them a client takes (section 12.5.3). */
#ifndef HTTP_HTTP_ENCODING_H
#define HTTP_HTTP_ENCODING_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http_parser.h"

enum http_coding {
	HTTP_CODING_IDENTITY,
	HTTP_CODING_BR,   /* RFC 7932 */
	HTTP_CODING_ZSTD, /* RFC 8878 */
	HTTP_CODING_GZIP,
	HTTP_CODINGS
};

/* As Content-Encoding has it. */
const char *http_coding_name(enum http_coding coding);

/* What a compressed file's name has more than the file's: ".gz". */
const char *http_coding_suffix(enum http_coding coding);

/* Weights by Accept-Encoding, 1000 for 1.0. 0: not acceptable. Codings that it does not name have 0, the
 * identity coding the lowest weight. */
struct http_encoding_weights {
	uint16_t of[HTTP_CODINGS];
};

void http_encoding_weigh(const struct http_request *r, struct http_encoding_weights *out);

/* Accept-Encoding has weights: without them it cannot refuse the identity coding. */
bool http_encoding_has_weights(const struct http_request *r);

#endif
