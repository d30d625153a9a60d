/* Response heads: status line, Date, Connection, and the ready-made field lines. */
#ifndef HTTP_HTTP_HEAD_H
#define HTTP_HTTP_HEAD_H

#include "http/http_answer.h"
#include "http/http_batch.h"
#include "http/http_body.h"

enum http_persistence {
	HTTP_PERSIST_DEFAULT,    /* HTTP/1.1, goes on: nothing is said */
	HTTP_PERSIST_KEEP_ALIVE, /* goes on, said to an HTTP/1.0 client */
	HTTP_PERSIST_CLOSE,
};

/*
 * Adds the head of the answer to the batch, and says in body, which is empty, what follows it (nothing, for
 * 204, 304). The references that the answer holds go over to the batch and to body.
 */
void http_head_add(struct http_batch *out, struct http_clock *clock, struct http_pages *pages,
		   struct http_answer *answer, enum http_persistence persistence, struct http_body *body);

#endif
