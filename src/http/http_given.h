/*
 * Bodies that a handler gives piece by piece, and how the client is told where they end (RFC 9112 section 6):
 * by their length; by the chunked coding; or, for HTTP/1.0, by the end of the connection.
 */
#ifndef HTTP_HTTP_GIVEN_H
#define HTTP_HTTP_GIVEN_H

#include <stdint.h>

#include "http/http_batch.h"
#include "http/http_buffer.h"

struct http_call;

enum http_framing { HTTP_FRAMED_BY_LENGTH, HTTP_FRAMED_BY_CHUNKS, HTTP_FRAMED_BY_END };

struct http_given {
	struct http_call *call; /* who gives; NULL: nobody */
	enum http_framing framing;
	struct http_buffer *lines; /* the lines before chunks; NULL: none yet */
	size_t lines_len;
	bool has_chunk; /* one is on its way */
};

enum http_given_outcome {
	HTTP_GIVEN_ENDED,    /* all is in the batch */
	HTTP_GIVEN_NO_ROOM,  /* on when the stream has room */
	HTTP_GIVEN_AWAITED,  /* on when the handler has more */
	HTTP_GIVEN_NO_LINES, /* on when lines of this response have been acknowledged */
	HTTP_GIVEN_BROKEN,   /* it will not come to its end */
};

/* Adds what there is and there is room for. *left: bytes that may still come, and go down as they do. */
enum http_given_outcome http_given_add(struct http_batch *out, struct http_given *g, uint64_t *left,
				       struct http_buffers *buffers);

void http_given_release(struct http_given *g);

#endif
