/* Range fields (RFC 9110 section 14): which bytes of a representation are asked for. */
#ifndef HTTP_HTTP_RANGE_H
#define HTTP_HTTP_RANGE_H

#include <stdint.h>

#include "base/bytes.h"

enum { HTTP_RANGES = 16 }; /* most in one request; one with more gets the whole representation */

struct http_range {
	uint64_t first, len; /* len is 1 or more */
};

struct http_ranges {
	unsigned count;
	struct http_range items[HTTP_RANGES];
};

enum http_range_verdict {
	HTTP_RANGE_IGNORED, /* malformed, too many, or of another unit: as if it were not there */
	HTTP_RANGE_UNSATISFIABLE,
	HTTP_RANGE_OK,
};

/* value of a representation of size bytes. The ranges are within it, in the order asked for, and neither
 * overlap nor touch: those that do are one. */
enum http_range_verdict http_range_parse(struct bytes value, uint64_t size, struct http_ranges *out);

#endif
