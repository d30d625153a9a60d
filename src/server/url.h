/* An http or https URL, taken apart (RFC 3986, RFC 9110 section 4.2). */
#ifndef SERVER_URL_H
#define SERVER_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

enum { URL_HOST = 256, URL_TARGET = 8192 };

struct url {
	bool is_https;
	char host[URL_HOST];     /* a name or an IPv4 address */
	uint16_t port;
	char target[URL_TARGET]; /* path and query, beginning with a slash */
};

/* "https://host:port/path?query"; scheme, port and path may be missing, a fragment is dropped. 0, or -EINVAL
 * and *why. */
int url_parse(const char *text, struct url *out, struct failure *why);

/* The port that its scheme means. */
static inline uint16_t url_default_port(const struct url *url)
{
	return url->is_https ? 443 : 80;
}

#endif
