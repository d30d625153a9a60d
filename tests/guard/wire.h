/* The wire between clients and server: frames are handed over in batches, as a device gives them, on virtual time. */
#ifndef TESTS_GUARD_WIRE_H
#define TESTS_GUARD_WIRE_H

#include "client.h"
#include "server.h"

struct guard_wire {
	struct guard_server *server;
	struct guard_client *client;
	uint64_t spent_ns; /* wall time in the server */
};

/* Carries frames both ways until none is left to carry. */
void guard_wire_exchange(struct guard_wire *w);
/* Lets time pass, with what is due in it. */
void guard_wire_pass(struct guard_wire *w, uint64_t us);

#endif
