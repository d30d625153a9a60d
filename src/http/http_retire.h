/*
 * A server whose place another one takes, when the configuration is read again. A connection between
 * two requests needs nothing of its server, so it goes over to the successor, and its client sees
 * nothing of it. One with a request under way is answered where the request came in, pipelined ones
 * too, and goes over when it rests. Closing it instead could cross the next request on the wire, which
 * would then be lost (RFC 9112 section 9.6).
 */
#ifndef HTTP_HTTP_RETIRE_H
#define HTTP_HTTP_RETIRE_H

#include "http/http_server.h"

/* Moves all that rest now. Not from within a stream's callback. */
void http_retire_move(struct http_server *s);

#endif
