/* Who is who on the wire between client and server. */
#ifndef TESTS_GUARD_GUARD_H
#define TESTS_GUARD_GUARD_H

enum {
	GUARD_SERVER = 0x0a4d0002,  /* 10.77.0.2 */
	GUARD_GATEWAY = 0x0a4d0001, /* 10.77.0.1: all clients are behind it */
	GUARD_PORT = 80,
};

/* 198.18.0.1, and those that follow (RFC 2544). */
#define GUARD_CLIENTS 0xc6120001u

#define GUARD_SERVER_MAC { 2, 0, 0, 0, 0, 2 }
#define GUARD_GATEWAY_MAC { 2, 0, 0, 0, 0, 1 }

#endif
