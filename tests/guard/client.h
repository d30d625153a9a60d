/*
 * Any number of clients in one array of small records, on a wire that loses nothing: they open, ask, read whole
 * answers and close, as a kernel's TCP would (options of Linux; an ACK for each frame of an answer, the last one
 * on the next request if that comes at once). Frames are bytes: what they send waits in a ring until
 * guard_client_give(), and what they receive comes by guard_client_take().
 */
#ifndef TESTS_GUARD_CLIENT_H
#define TESTS_GUARD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "link/frame.h"

enum guard_peer_state {
	GUARD_NEW,     /* nothing was sent, or SYN */
	GUARD_OPEN,    /* no answer is awaited */
	GUARD_ASKED,   /* no byte of the answer is here */
	GUARD_READING, /* `awaited` more bytes come */
	GUARD_CLOSED,  /* both FINs were sent */
};

struct guard_peer {
	uint32_t snd, rcv; /* next numbers of ours and of the server's */
	uint32_t ts;       /* the server's last timestamp */
	uint32_t awaited;
	enum guard_peer_state state;
};

enum { GUARD_RING = 4096, GUARD_FRAME = 512 };

struct guard_client {
	uint64_t now_us;
	struct guard_peer *peers;
	uint32_t count;
	const char *request; /* of guard_client_ask() ... */
	uint32_t at_once;    /* ... and so many times in one segment: 0 is 1 */
	bool only_open;      /* SYNs are sent, and their answers are not answered */
	bool on_device;      /* checksums are made, which a wire of ours vouches for; frames may come twice */
	/* Told of what happened to a peer; may ask, or close. May be NULL. */
	void (*on_open)(struct guard_client *c, uint32_t peer);
	void (*on_answer)(struct guard_client *c, uint32_t peer);
	uint64_t opened, answers, closed, bytes;
	uint32_t first, waiting; /* in the ring */
	uint32_t lengths[GUARD_RING];
	uint8_t frames[GUARD_RING][GUARD_FRAME];
};

/* Ends the process if there is no memory. All memory that it will use is touched. */
struct guard_client *guard_client_new(uint32_t count, const char *request, uint64_t now_us);
void guard_client_free(struct guard_client *c);

void guard_client_connect(struct guard_client *c, uint32_t peer);
void guard_client_ask(struct guard_client *c, uint32_t peer);
void guard_client_close(struct guard_client *c, uint32_t peer);

/* Up to max frames that wait, and their number. They are valid until the next call of any of these. */
int guard_client_give(struct guard_client *c, struct rx_frame *frames, int max);
/* A frame of the server's, or on a device somebody else's; at least an Ethernet header. */
void guard_client_take(struct guard_client *c, const uint8_t *frame, uint32_t len);

#endif
