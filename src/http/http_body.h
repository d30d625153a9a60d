/* Bodies on their way into the stream, as far as there is room. */
#ifndef HTTP_HTTP_BODY_H
#define HTTP_HTTP_BODY_H

#include "http/http_answer.h"
#include "http/http_batch.h"
#include "http/http_buffer.h"
#include "http/http_given.h"
#include "http/http_parts.h"

/* A stretch of contents still to be sent: memory, or a file's. Holds a reference of what it points at. */
struct http_body {
	uint64_t left;
	uint64_t at;              /* offset of the next byte */
	const uint8_t *data;      /* NULL: read from entry->fd */
	struct http_entry *entry; /* may be NULL */
	struct span_owner *owner; /* of data or of the entry; NULL: nothing is held */
	struct http_parts *parts; /* the stretches that follow; NULL: none */
	struct http_given given;  /* if its call is not NULL: comes from there, and left alone counts */
	bool begun;               /* some of it is on its way */
};

/* A file's contents from offset at on; takes the caller's reference of e over. */
void http_body_set_file(struct http_body *b, struct http_entry *e, uint64_t at, uint64_t len);

/* The stretches of these parts, of the file e; takes both references over. */
void http_body_set_parts(struct http_body *b, struct http_entry *e, struct http_parts *parts);

/* A handler gives it; left is UINT64_MAX to begin with if its length is unknown. Takes *g over. */
void http_body_set_given(struct http_body *b, struct http_given *g, uint64_t len);

/* The response is without it, as to HEAD. */
void http_body_omit(struct http_body *b);

/* Bytes not yet on their way. */
uint64_t http_body_left(const struct http_body *b);

void http_body_release(struct http_body *b);

enum http_body_outcome {
	HTTP_BODY_SENT,      /* all of it is in the batch */
	HTTP_BODY_NO_ROOM,   /* on when the stream has room */
	HTTP_BODY_UNDRAINED, /* buffers are scarce: on when the peer has acknowledged what it has been sent */
	HTTP_BODY_NO_BUFFER, /* on when a buffer has come back */
	HTTP_BODY_AWAITED,   /* on when the handler has more */
	HTTP_BODY_BROKEN,    /* the file changed or cannot be read, the handler cannot go
			      * on: it cannot be completed */
};

/* Adds what there is room for. drained: nothing that was sent to this peer is still unacknowledged. */
enum http_body_outcome http_body_add(struct http_batch *out, struct http_body *body,
				     struct http_buffers *buffers, bool drained);

#endif
