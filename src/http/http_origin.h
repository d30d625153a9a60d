/*
 * Whether a request was made by a page of the same origin (RFC 6454 section 4), for resources that a page of
 * another site must not change in its visitor's name.
 */
#ifndef HTTP_HTTP_ORIGIN_H
#define HTTP_HTTP_ORIGIN_H

#include "http/http_call.h"

/* An Origin field's value names the server that was asked, at this authority. */
bool http_origin_is_own(struct bytes origin, struct bytes authority, bool is_https);

/* The name that was asked for is one that nobody else can point at us, so that pages of theirs are taken for
 * ours (DNS rebinding): a literal address, "localhost", or a name of a site's. Without one (HTTP/1.0) no
 * browser has asked. */
bool http_origin_is_certain(const struct http_call *call);

/* A page of ours has made it, or no page at all, as far as a browser tells: by Origin (RFC 6454 section 7)
 * and by Sec-Fetch-Site (W3C Fetch Metadata); and the name is certain. */
bool http_origin_is_trusted(const struct http_call *call);

#endif
