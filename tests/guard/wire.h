/* The wire between clients and server: frames are handed over in batches, as a device gives them, on virtual time. */
#ifndef TESTS_GUARD_WIRE_H
#define TESTS_GUARD_WIRE_H

#include "client.h"
#include "server.h"

struct guard_wire {
	struct guard_server *server;
	struct guard_client *client;
	uint64_t spent_ns; /* wall time in the server */
	uint64_t frames_in, frames_out; /* of the server */
	/* Where the last piece of the first frame with text lies, and how many frames have theirs elsewhere: asked for
	 * one small file, the server copied it there. */
	const void *body;
	uint64_t elsewhere;
};

/* Carries frames both ways until none is left to carry. */
void guard_wire_exchange(struct guard_wire *w);
/* Lets time pass, with what is due in it. */
void guard_wire_pass(struct guard_wire *w, uint64_t us);

#endif
