/*
 * The server under measurement: the stack, HTTP and the file cache as a worker has them, without a device, on
 * virtual time. guard_server_input() and guard_server_poll() are all of its work, so that callgrind's
 * --toggle-collect='guard_server_*' counts that and nothing else.
 */
#ifndef TESTS_GUARD_SERVER_H
#define TESTS_GUARD_SERVER_H

#include "http/http.h"
#include "server/recorder.h"
#include "stack/stack.h"

struct guard_server {
	bool is_recorded;          /* set before it is opened */
	struct recorder *recorder; /* NULL: it is not */
	struct stack *stack;
	struct http_server *http;
	struct tcp_listener *listener;
};

/* root: the directory it serves; connections: most at once, open, half-open or waiting. Ends the process on
 * failure, with a line that says why. */
void guard_server_open(struct guard_server *s, const char *root, uint32_t connections, uint64_t now_us);
void guard_server_close(struct guard_server *s);

void guard_server_input(struct guard_server *s, const struct rx_frame *frames, int count, uint64_t now_us);
int guard_server_poll(struct guard_server *s, uint64_t now_us, struct tx_frame **frames);

#endif
