/* Rates of requests: what one client may ask of a site, or of a part of it, and how often. */
#ifndef HTTP_HTTP_RATE_H
#define HTTP_HTTP_RATE_H

#include <stdbool.h>

#include "base/addr_rates.h"

enum {
	HTTP_RATE_CLIENTS = 16384, /* that are told apart at once (base/addr_rates.h) */
	HTTP_RATE_MOST = 1000000,  /* requests in a unit of time, and in a burst */
};

/* "10/s", "5/m burst=20": requests in a second, minute, hour or day, and how many of them may come at once;
 * without burst as many as the first number. "" is no limit. False: it is nothing of this form. */
bool http_rate_parse(const char *text, struct rate_limit *out);

/* One with one reference; NULL: no memory. */
struct http_rate *http_rate_new(const struct rate_limit *limit, const struct hash_key *key);
/* Parts of a site that have its rate share it. */
struct http_rate *http_rate_ref(struct http_rate *r);
void http_rate_unref(struct http_rate *r); /* r may be NULL */

bool http_rate_has_limit(const struct http_rate *r, const struct rate_limit *limit);

struct addr_rates *http_rate_clients(struct http_rate *r);

/* What Retry-After says of a wait (RFC 9110 section 10.2.3): whole seconds, at least one. */
uint32_t http_rate_retry_s(uint64_t wait_us);

#endif
