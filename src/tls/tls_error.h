/* OpenSSL's error queue, read and emptied: what went wrong, by name. */
#ifndef TLS_TLS_ERROR_H
#define TLS_TLS_ERROR_H

#include <stddef.h>

/* Why a handshake failed, as counted. X(name, "label of the metric") */
#define TLS_FAILURES(X)                                 \
	X(TIMEOUT, "timeout")                           \
	X(PEER_LEFT, "peer_left")                       \
	X(PLAIN_HTTP, "plain_http")                     \
	X(TOO_MANY, "too_many")                         \
	X(VERSION, "version")                           \
	X(CIPHER, "cipher")                             \
	X(ALPN, "alpn")                                 \
	X(CERTIFICATE, "certificate")                   \
	X(ALERT, "alert")                               \
	X(PROTOCOL, "protocol")                         \
	X(INTERNAL, "internal")

enum tls_failure {
#define X(name, label) TLS_FAILED_##name,
	TLS_FAILURES(X)
#undef X
	TLS_FAILURES_COUNT
};

const char *tls_failure_name(enum tls_failure failure);

enum { TLS_ERROR_TEXT = 160 };

struct tls_error {
	enum tls_failure failure;
	char text[TLS_ERROR_TEXT]; /* "unsupported protocol" */
};

/* Tells of the oldest error in this thread's queue, which caused the others, and empties the queue. */
void tls_error_take(struct tls_error *e);

#endif
