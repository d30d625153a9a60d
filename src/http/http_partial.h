/* Partial answers (RFC 9110 sections 14.2, 15.3.7, 15.5.17). */
#ifndef HTTP_HTTP_PARTIAL_H
#define HTTP_HTTP_PARTIAL_H

#include "http/http_answer.h"
#include "http/http_static.h"

/* Turns the 200 in *out into 206 or 416, if the GET r asks for ranges. Without memory for that it stays 200:
 * a server may answer with the whole. */
void http_partial_answer(const struct http_static *s, const struct http_request *r, struct http_answer *out);

#endif
