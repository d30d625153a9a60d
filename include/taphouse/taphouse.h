/*
 * libtaphouse: a TCP/IP stack as a library, driven by its caller.
 *
 * A stack does no I/O, starts no thread and reads no clock: Ethernet frames and the time go in, frames come out. So it runs on
 * any device, or on none: two stacks on a th_wire talk to each other in one process, in virtual time, and every run can be
 * repeated from its seed.
 *
 * Functions that can fail return 0 (or a count) or a negative errno. Nothing blocks: -EAGAIN means "not now". A stack and all that
 * belongs to it may be used by one thread at a time; different stacks share nothing.
 *
 * Time is in microseconds since any moment that the caller chooses; it must not go back.
 */
#ifndef TAPHOUSE_TAPHOUSE_H
#define TAPHOUSE_TAPHOUSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TH_API __attribute__((visibility("default")))

/* "0.1.0": the version of the library that runs, which may be newer than this header. */
TH_API const char *th_version(void);

/* ---- the stack ---- */

struct th_stack;

/* Zero in any member means its default. */
struct th_stack_config {
	uint32_t mtu;            /* largest IP packet on the link, bytes; 576 to 65535, default 1500 */
	uint8_t mac[6];          /* ours on the link; default: a random locally administered one */
	uint64_t seed;           /* default: secrets from getrandom(2). Any other value makes a run repeatable, and guessable */
	uint32_t send_buffer;    /* a connection, bytes; default 1 MiB */
	uint32_t receive_buffer; /* a connection, bytes; default 256 KiB */
	uint64_t msl_us;         /* maximum segment lifetime: TIME-WAIT lasts two of it (RFC 9293 section 3.6.1); default 30 s */
};

#define TH_NEVER UINT64_MAX

/*
 * Makes a stack. config may be NULL. On success *out is the caller's, to be freed with th_stack_free().
 * -EINVAL: a member out of range; -ENOMEM.
 */
TH_API int th_stack_new(const struct th_stack_config *config, uint64_t now_us, struct th_stack **out);

/* Frees the stack with its listeners and connections, without a word on the wire. Their handles must not be used any more, except
 * that th_close() must be called before this for each connection and listener the caller still holds. NULL is allowed. */
TH_API void th_stack_free(struct th_stack *stack);

/* Gives the stack an address with its on-link prefix, "10.77.0.2/24", and announces it by ARP (RFC 5227).
 * -EINVAL: not such a text, or an address that no host may have; -EEXIST; -ENOSPC: it has 16 already. */
TH_API int th_stack_add_address(struct th_stack *stack, const char *cidr);

/* Packets to `cidr` ("0.0.0.0/0": all others) go through `gateway`, which must be on-link. -EINVAL, -ENOSPC. */
TH_API int th_stack_add_route(struct th_stack *stack, const char *cidr, const char *gateway);

/* One received Ethernet frame, without FCS. It is not needed after the call. What is wrong with it is the stack's business: bad
 * frames are counted and dropped. */
TH_API void th_stack_input(struct th_stack *stack, const void *frame, size_t len, uint64_t now_us);

/*
 * The next frame to be sent, copied into buf (room for mtu + 14 bytes). Runs the timers first. Returns the length, 0 when there is none
 * now, -ENOBUFS when size is too small (the frame is lost). To be called until it returns 0, after input and whenever
 * th_stack_deadline() has come. Feed all frames that have arrived first: acknowledgements are aggregated (RFC 9293 MUST-58).
 */
TH_API ssize_t th_stack_output(struct th_stack *stack, void *buf, size_t size, uint64_t now_us);

/* When th_stack_output() must be called though no frame has arrived; TH_NEVER: not before one does. */
TH_API uint64_t th_stack_deadline(const struct th_stack *stack);

/* ---- listening and connecting ---- */

struct th_listener;
struct th_conn;

/* Passive open (RFC 9293 section 3.9.1.1) on address ("10.77.0.2", or NULL: all of the stack's) and port (1 to 65535).
 * -EINVAL, -EADDRINUSE, -EADDRNOTAVAIL (not an address of the stack), -ENOMEM. */
TH_API int th_listen(struct th_stack *stack, const char *address, uint16_t port, struct th_listener **out);

/* Stops listening; connections that were not accepted are reset. */
TH_API void th_listener_close(struct th_listener *listener);

/* The oldest established connection of the accept queue; it is the caller's, to be given back with th_close() or th_abort().
 * -EAGAIN: none waits; -ENOMEM. */
TH_API int th_accept(struct th_listener *listener, struct th_conn **out);

/* Active open to address and port. The connection may be used at once: th_events() tells when it is open, th_send() queues.
 * -EINVAL (not an address that a host can have: MUST-46), -EHOSTUNREACH (no route), -EADDRNOTAVAIL, -ENOMEM. */
TH_API int th_connect(struct th_stack *stack, const char *address, uint16_t port, struct th_conn **out);

/* ---- a connection ---- */

/* Queues up to len bytes for sending; they are copied. Returns how many were taken, -EAGAIN when the send buffer is full,
 * -EPIPE after th_shutdown(), or the error that ended the connection (as th_recv). */
TH_API ssize_t th_send(struct th_conn *conn, const void *data, size_t len);

/* Takes up to len received bytes. 0: the peer has closed its side and all was taken. -EAGAIN: nothing now.
 * -ECONNRESET, -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ECONNABORTED: how the connection ended (MUST-12). */
TH_API ssize_t th_recv(struct th_conn *conn, void *buf, size_t len);

/* No more will be sent: FIN after the queued data. Receiving goes on. */
TH_API void th_shutdown(struct th_conn *conn);

/* Gives the connection back. Queued data and the FIN are still delivered; data that was not read makes it a reset (RFC 2525
 * section 2.17). NULL is allowed. */
TH_API void th_close(struct th_conn *conn);

/* Gives it back with RST; queued data is thrown away. */
TH_API void th_abort(struct th_conn *conn);

enum th_event {
	TH_OPEN = 1,     /* the handshake is done */
	TH_READABLE = 2, /* th_recv() would not say -EAGAIN */
	TH_WRITABLE = 4, /* th_send() would take something */
	TH_CLOSED = 8,   /* over: nothing more will come or go */
};
/* What holds now: enum th_event or'ed. */
TH_API unsigned th_events(const struct th_conn *conn);

/* Nagle's algorithm (RFC 9293 section 3.7.4): on by default; nodelay 1 turns it off (MUST-17). */
TH_API void th_set_nodelay(struct th_conn *conn, int nodelay);
/* Keep-alive probes (MUST-24): off by default; two hours idle, then every 75 s, nine unanswered end the connection. */
TH_API void th_set_keepalive(struct th_conn *conn, int on);
/* How long sent data may stay unacknowledged (R2, RFC 9293 section 3.8.3): default 100 s. */
TH_API void th_set_user_timeout(struct th_conn *conn, uint64_t us);

/* A picture of the connection, as Linux's TCP_INFO gives; bytes and microseconds. */
struct th_info {
	const char *state;          /* "ESTABLISHED", … as RFC 9293 spells them; static */
	char local[46], remote[46]; /* addresses as text */
	uint16_t local_port, remote_port;
	uint32_t mss, cwnd, ssthresh, snd_wnd, rcv_wnd, in_flight, unsent, unread;
	uint32_t srtt_us, rttvar_us, rto_us;
	uint64_t bytes_acked, bytes_received;
	uint32_t segs_in, segs_out, retransmissions;
};
/* -ENOTCONN once the connection is over. */
TH_API int th_info(const struct th_conn *conn, struct th_info *out);

/* ---- a wire between two stacks, in virtual time ---- */

struct th_wire;

struct th_wire_config {
	uint64_t delay_us;   /* one way */
	const char *impair;  /* "loss=1%,delay=20ms,…" as for taphouse serve --impair, or NULL */
	uint64_t seed;       /* of the impairment */
};

/* Joins a and b, which must live as long as the wire. config may be NULL. -EINVAL: impair; -ENOMEM. */
TH_API int th_wire_new(struct th_stack *a, struct th_stack *b, const struct th_wire_config *config, struct th_wire **out);
TH_API void th_wire_free(struct th_wire *wire);

/* Carries what is due at *now_us, and moves *now_us on to the next event. Returns 1, or 0 when nothing will ever happen again. */
TH_API int th_wire_step(struct th_wire *wire, uint64_t *now_us);

#ifdef __cplusplus
}
#endif
#endif
