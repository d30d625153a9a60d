/* Telling the owner about a request that is over, for its access log. */
#ifndef HTTP_HTTP_ACCESS_H
#define HTTP_HTTP_ACCESS_H

#include "http/http_conn.h"

/* Counts the exchange of this connection, and hands its record to the hook. */
void http_access_done(const struct http_conn *c);

#endif
