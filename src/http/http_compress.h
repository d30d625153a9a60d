/*
 * Compression, once per file: a file in the cache whose type is worth it is encoded while requests go on, and
 * the encoded one is kept beside it for those who take that coding. It is made when the first of them asks,
 * who gets the file as it is, and goes with its file.
 */
#ifndef HTTP_HTTP_COMPRESS_H
#define HTTP_HTTP_COMPRESS_H

#include <stdint.h>

#include "base/offload.h"
#include "http/http_encoding.h"

struct http_entry;
struct http_open_policy;

/* One a cache. All zero: it makes nothing. */
struct http_compressor {
	struct offload *offload; /* where it is done; NULL: nowhere */
	uint64_t min_size;       /* of a file that is worth it, in bytes */
	int levels[HTTP_CODINGS];
	unsigned under_way;
	uint64_t made;  /* files encoded */
	uint64_t saved; /* bytes by which these are smaller */
};

/* A bit for each coding that e, just loaded, may get here: it has none of its site's making. */
uint8_t http_compress_codings(const struct http_compressor *z, const struct http_open_policy *policy,
			      const struct http_entry *e);

/* A client who gets best, e itself or one of its encoded ones (NULL: none is acceptable), likes codings with
 * these weights: begins to make what it would rather have. */
void http_compress_for(struct http_entry *e, const struct http_encoding_weights *weights,
		       const struct http_entry *best);

#endif
