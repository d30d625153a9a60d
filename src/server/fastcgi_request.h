/* What an application is sent first: the beginning of a request, its
 * parameters, and its body if that is here. */
#ifndef SERVER_FASTCGI_REQUEST_H
#define SERVER_FASTCGI_REQUEST_H

#include "server/cgi_variables.h"

/* Adds the records. body: all of it, and then it ends here; data NULL: it comes later,
 * body_len bytes. False: no memory. */
bool fastcgi_request_write(struct document *d, const struct http_call *call, const struct cgi_script *script,
			   uint64_t body_len, const struct bytes *body, const char *const *extra);

#endif
