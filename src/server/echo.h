/*
 * The echo location: any request is answered with what arrived of it. As text, JSON or HTML, by Accept; in
 * octet mode with the bytes of its body as they came.
 */
#ifndef SERVER_ECHO_H
#define SERVER_ECHO_H

#include "http/http_call.h"
#include "server/document.h"

/* An array of pairs: a name may come twice, and the order counts. */
void echo_write_fields(struct document *d, const struct http_call *call);

/* Contexts are the worker. */
extern const struct http_handler echo_handler, echo_octet_handler;

#endif
