/* Credentials of the "Basic" scheme (RFC 7617): a user's name and password in base64, in UTF-8. */
#ifndef HTTP_HTTP_BASIC_H
#define HTTP_HTTP_BASIC_H

#include <stdbool.h>

#include "base/bytes.h"

enum { HTTP_BASIC_MOST = 255 }; /* octets of name and password together with their colon */

/* Secret: to be wiped when it is not needed any more. */
struct http_basic {
	char text[HTTP_BASIC_MOST + 1]; /* name and password, each with a NUL behind it */
	size_t len;                     /* with the NUL between them */
	const char *user, *password;    /* in text */
};

/* The value of Authorization. False: it is of another scheme, malformed, too
 * long, or has control characters. */
bool http_basic_parse(struct bytes authorization, struct http_basic *out);

void http_basic_wipe(struct http_basic *b);

#endif
