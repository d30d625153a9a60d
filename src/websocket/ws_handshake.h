/*
 * The opening handshake, the server's side (RFC 6455 section 4.2): a request in, what is agreed on out, or
 * the status that refuses it.
 */
#ifndef WEBSOCKET_WS_HANDSHAKE_H
#define WEBSOCKET_WS_HANDSHAKE_H

#include "http/http_call.h"
#include "websocket/ws_extension.h"

struct ws_handshake_rules {
	const char *const *origins;   /* that may come, NULL-terminated; "*": all; none, or NULL: our own */
	const char *const *protocols; /* that are spoken, NULL-terminated; may be NULL */
	enum ws_compression compression;
	uint8_t window_bits;          /* most that is kept of what came before */
	bool is_encrypted;            /* the request came over TLS */
};

enum { WS_ACCEPT_TEXT = 28 };

struct ws_handshake {
	char accept[WS_ACCEPT_TEXT + 1];
	const char *protocol; /* one of the rules'; NULL: none */
	struct ws_deflate_params deflate;
};

/* 0, or 400: it is no such request; 403: from another origin; 426: of another version; 500. */
unsigned ws_handshake_check(const struct http_call *call, const struct ws_handshake_rules *rules,
			    struct ws_handshake *out);

/* Sec-WebSocket-Accept for a key (section 4.2.2); false: libcrypto failed. */
bool ws_handshake_accept(struct bytes key, char out[static WS_ACCEPT_TEXT + 1]);

enum { WS_HANDSHAKE_ANSWER = 512 };
/* The field lines of the answer 101. Returns their length; 0: they are too long. */
size_t ws_handshake_format(const struct ws_handshake *h, char out[static WS_HANDSHAKE_ANSWER]);

/* The field lines of the answer 426 (RFC 6455 section 4.4, RFC 9110 section 15.5.22). */
extern const char ws_handshake_versions[];

#endif
