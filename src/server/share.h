/*
 * What each of n workers may have of what the configuration allows all of them together. Limits of how many
 * there may be of something are shared evenly, and rounded up; what is said of one connection, client, file
 * or step is not.
 */
#ifndef SERVER_SHARE_H
#define SERVER_SHARE_H

#include "http/http.h"
#include "tcp/tcp.h"
#include "tls/tls.h"

static inline uint32_t share_count(uint32_t whole, unsigned n)
{
	return (uint32_t)(((uint64_t)whole + n - 1) / n);
}

struct tcp_config share_tcp(const struct tcp_config *c, unsigned n);
struct http_config share_http(const struct http_config *c, unsigned n);
struct tls_config share_tls(const struct tls_config *c, unsigned n);

#endif
