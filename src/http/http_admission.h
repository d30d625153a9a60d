/*
 * Which connections get in, when there are too many: of one client, at most max_connections_per_address; of
 * all, at most max_connections, and then those that are of least use make room.
 */
#ifndef HTTP_HTTP_ADMISSION_H
#define HTTP_HTTP_ADMISSION_H

#include "http/http_conn.h"

/* 0 or -ENOMEM. */
int http_admission_init(struct http_server *s);
void http_admission_fini(struct http_server *s);

/* A record for this stream's connection, its content undefined; NULL: it is one too many. */
struct http_conn *http_admission_take(struct http_server *s, const struct stream *stream);

/* The connection leaves: to be called while its stream still exists. The record is given back by itself. */
void http_admission_leave(struct http_server *s, const struct stream *stream);

#endif
