/* Bodies on their way into the stream, as far as there is room. */
#ifndef HTTP_HTTP_BODY_H
#define HTTP_HTTP_BODY_H

#include "http/http_answer.h"
#include "http/http_batch.h"
#include "http/http_buffer.h"

enum http_body_outcome {
	HTTP_BODY_SENT,      /* all of it is in the batch */
	HTTP_BODY_NO_ROOM,   /* on when the stream has room */
	HTTP_BODY_UNDRAINED, /* buffers are scarce: on when the peer has acknowledged what it has been sent */
	HTTP_BODY_NO_BUFFER, /* on when a buffer has come back */
	HTTP_BODY_BROKEN,    /* the file changed or cannot be read: the response cannot be completed */
};

/* Adds what there is room for. drained: nothing that was sent to this peer is still unacknowledged. */
enum http_body_outcome http_body_add(struct http_batch *out, struct http_body *body,
				     struct http_buffers *buffers, bool drained);

#endif
