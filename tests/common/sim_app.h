/* Applications for the simulator: one that sends and one that checks what it receives, both ways at once. */
#ifndef TESTS_COMMON_SIM_APP_H
#define TESTS_COMMON_SIM_APP_H

#include <openssl/evp.h>

#include "base/stream.h"
#include "tcp/tcp.h"

struct sim_app {
	struct stream *stream;   /* NULL before the open and after the end */
	uint64_t seed;           /* of the pattern that it sends */
	uint64_t to_send, sent;  /* bytes; when all are queued it shuts down its side */
	size_t write_size;       /* bytes a write; 0: as many as there is room for, 64 KiB at most */
	size_t read_limit;       /* takes at most so many bytes of one offer, the rest when asked to go on; 0: all */
	bool keep_open;          /* does not shut down after the last byte */
	bool stop_reading;       /* takes nothing */
	bool by_turns;           /* writes and reads once each sim_app_turn(), and not otherwise */
	size_t may_read;         /* bytes in this turn */
	uint64_t received;
	bool open, ended, closed;
	enum stream_end why;
	EVP_MD_CTX *digest;      /* SHA-256 over what was received */
};

void sim_app_init(struct sim_app *app, uint64_t seed, uint64_t to_send);
void sim_app_fini(struct sim_app *app);

/* For tcp_connect: handler and user = the app. */
extern const struct stream_handler sim_app_handler;

/* For tcp_listen: accepts one connection for the app. */
struct tcp_listener_handler sim_app_listener(struct sim_app *app);

/* Writes what may be written now; called by the handler, and by tests after they changed something. */
void sim_app_pump(struct sim_app *app);

/* Writes write_size bytes, if there is room, and takes up to read_limit bytes of what is held. */
void sim_app_turn(struct sim_app *app);

/* Takes the stream's held data, in bites of read_limit. */
void sim_app_read(struct sim_app *app);

/* Fails the test unless exactly the peer's whole pattern arrived (compared by SHA-256). */
void sim_app_assert_received(struct sim_app *app, const struct sim_app *peer);

#endif
