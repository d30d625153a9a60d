/*
 * libtaphouse: a TCP/IP stack as a library, driven by its caller.
 *
 * A stack does no I/O, starts no thread and reads no clock: frames and the time go in, frames come out. So it
 * runs on any device, or on none: two stacks on a th_wire talk to each other in one process, in virtual time,
 * and every run can be repeated from its seed. docs/library.md is the introduction; tests/example/ has whole
 * programs.
 *
 * Functions that can fail return 0 (or a count) or a negative errno. Nothing blocks: -EAGAIN means "not now".
 * A stack and all that belongs to it may be used by one thread at a time; different stacks share nothing.
 *
 * Time is in microseconds since any moment that the caller chooses; it must not go back. Addresses are text
 * ("10.77.0.2"), ports are numbers in the host's byte order.
 *
 * Structures that may grow (configurations, th_info) go to the library with the size that the caller was
 * compiled with: the inline functions below do that. In a configuration zero means the default, so a program
 * that was compiled with an older header gets the defaults of what it does not know.
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

/* What th_stack_input() takes and th_stack_output() gives. */
enum th_link {
	TH_LINK_ETHERNET, /* Ethernet frames without FCS; the stack speaks ARP */
	TH_LINK_IP,       /* IP packets, with nothing around them: no MAC addresses, no ARP */
};

/* What a stack can be told to do without (th_stack_config.off), or to do besides (th_stack_config.on). */
enum th_feature {
	TH_TIMESTAMPS = 1,     /* RFC 7323; on by default */
	TH_WINDOW_SCALING = 2, /* RFC 7323; on by default */
	TH_SACK = 4,           /* RFC 2018; on by default */
	TH_PACING = 8,         /* on by default */
	TH_ECN = 16,           /* RFC 3168: by default accepted when the peer offers it; on: offered on our
				own opens too */
	TH_FAST_OPEN = 32,     /* RFC 7413, as a server; off by default: what comes with a SYN may come
				twice */
	TH_MTU_PROBING = 64,   /* RFC 4821 on every connection; by default only where large segments vanish */
	/* RFC 5482: tell the peer of the user timeout, and heed its wish up to an hour; off by default. */
	TH_USER_TIMEOUT_OPTION = 128,
};

/* Zero in any member means its default. */
struct th_stack_config {
	uint32_t mtu;            /* largest IP packet on the link, bytes; 576 to 65535, default 1500 */
	uint8_t mac[6];          /* ours on the link; default: a random locally administered one */
	uint64_t seed;           /* default: secrets from getrandom(2). Any other value makes a run
				repeatable, and guessable */
	uint32_t send_buffer;    /* a connection, bytes; 4096 to 2^30; default 1 MiB, and more on a path that
				is long and wide */
	uint32_t receive_buffer; /* a connection, bytes; 4096 to 2^30; default 256 KiB at first, growing up to
				6 MiB */
	uint64_t msl_us;         /* maximum segment lifetime: TIME-WAIT lasts two of it (RFC 9293 section
				3.6.1); default 30 s */
	enum th_link link;       /* default: Ethernet */
	uint32_t off, on;        /* enum th_feature or'ed: not as by default */
	const char *congestion;  /* "cubic" (the default), "reno", "bbr"; not needed after the call */
	uint32_t max_connections; /* default 131072 */
	uint32_t syn_backlog;    /* half-open connections, of all listeners; beyond it SYN cookies answer;
				default 4096 */
	uint32_t accept_backlog; /* established and not yet accepted, a listener; default 1024 */
	uint64_t user_timeout_us; /* R2 (RFC 9293 section 3.8.3); default 100 s */
	uint64_t delayed_ack_us; /* at most 500 ms (MUST-40); default 40 ms */
	uint32_t min_rto_us;     /* up to 60 s; default 200 ms */
	uint32_t initial_rto_us; /* up to 60 s; default 1 s (RFC 6298) */
	uint8_t ttl;             /* of all packets; default 64 */
	uint8_t dscp;            /* 0 to 63 (RFC 2474); SYN-ACKs and resets carry it too; default 0 */
};

#define TH_NEVER UINT64_MAX

/* As th_stack_new(), for callers that know the size of *config otherwise. */
TH_API int th_stack_new_sized(const struct th_stack_config *config, size_t size, uint64_t now_us,
			      struct th_stack **out);

/*
 * Makes a stack. config may be NULL. On success *out is the caller's, to be freed with th_stack_free().
 * -EINVAL: a member out of range, or an unknown congestion control; -ENOMEM.
 */
static inline int th_stack_new(const struct th_stack_config *config, uint64_t now_us, struct th_stack **out)
{
	return th_stack_new_sized(config, sizeof *config, now_us, out);
}

/* Frees the stack with its listeners and connections, without a word on the wire. Their handles must not be
 * used any more, except that th_close() must be called before this for each connection and listener the
 * caller still holds. NULL is allowed. */
TH_API void th_stack_free(struct th_stack *stack);

/* Gives the stack an address with its on-link prefix, "10.77.0.2/24", and announces it by ARP (RFC 5227) if
 * there is ARP. -EINVAL: not such a text, or an address that no host may have; -EEXIST; -ENOSPC: it has 16
 * already. */
TH_API int th_stack_add_address(struct th_stack *stack, const char *cidr);

/* Packets to `cidr` ("0.0.0.0/0": all others) go through `gateway`, which must be on-link. -EINVAL,
 * -ENOSPC. */
TH_API int th_stack_add_route(struct th_stack *stack, const char *cidr, const char *gateway);

/* One received frame, or with TH_LINK_IP one IP packet. It is not needed after the call. What is wrong with
 * it is the stack's business: bad frames are counted and dropped. */
TH_API void th_stack_input(struct th_stack *stack, const void *frame, size_t len, uint64_t now_us);

/*
 * The next frame (with TH_LINK_IP: packet) to be sent, copied into buf (room for mtu + 14 bytes). Runs the
 * timers first. Returns the length, 0 when there is none now, -ENOBUFS when size is too small (the frame is
 * lost). To be called until it returns 0, after input and whenever th_stack_deadline() has come. Feed all
 * frames that have arrived first: acknowledgements are aggregated (RFC 9293 MUST-58).
 */
TH_API ssize_t th_stack_output(struct th_stack *stack, void *buf, size_t size, uint64_t now_us);

/* When th_stack_output() must be called though no frame has arrived; TH_NEVER: not before one does. */
TH_API uint64_t th_stack_deadline(const struct th_stack *stack);

/* ---- listening and connecting ---- */

struct th_listener;
struct th_conn;

/* Passive open (RFC 9293 section 3.9.1.1) on address ("10.77.0.2", or NULL: all of the stack's) and port (1
 * to 65535). -EINVAL, -EADDRINUSE, -EADDRNOTAVAIL (not an address of the stack), -ENOMEM. */
TH_API int th_listen(struct th_stack *stack, const char *address, uint16_t port, struct th_listener **out);

/* What a listener may have otherwise than its stack. Zero in any member: as the stack has it. */
struct th_listen_options {
	uint32_t backlog;       /* established connections that wait for th_accept() */
	const char *congestion; /* of the connections that it accepts; not needed after the call */
};
TH_API int th_listen_sized(struct th_stack *stack, const char *address, uint16_t port,
			   const struct th_listen_options *options, size_t size, struct th_listener **out);

/* As th_listen(), with options (may be NULL). -EINVAL also: an unknown congestion control. */
static inline int th_listen_with(struct th_stack *stack, const char *address, uint16_t port,
				 const struct th_listen_options *options, struct th_listener **out)
{
	return th_listen_sized(stack, address, port, options, sizeof *options, out);
}

/* Stops listening; NULL is allowed. Connections that were not accepted are reset. */
TH_API void th_listener_close(struct th_listener *listener);

/* The oldest established connection of the accept queue; it is the caller's, to be given back with th_close()
 * or th_abort(). -EAGAIN: none waits; -ENOMEM. */
TH_API int th_accept(struct th_listener *listener, struct th_conn **out);

/* Active open to address and port. The connection may be used at once: th_events() tells when it is open,
 * th_send() queues. The SYN leaves with the next th_stack_output(): what is set before that holds for it as
 * well. The connection is the caller's, to be given back with th_close() or th_abort(). -EINVAL (not an
 * address that a host can have: MUST-46), -EHOSTUNREACH (no route), -EADDRNOTAVAIL, -ENOMEM. */
TH_API int th_connect(struct th_stack *stack, const char *address, uint16_t port, struct th_conn **out);

/* The same from an address and port of the stack's (MUST-43). local_address NULL: the stack chooses
 * (MUST-44); local_port 0: it chooses one that is hard to guess (RFC 6056). -EADDRNOTAVAIL also: not an
 * address of the stack; -EADDRINUSE. */
TH_API int th_connect_from(struct th_stack *stack, const char *local_address, uint16_t local_port,
			   const char *address, uint16_t port, struct th_conn **out);

/* ---- a connection ---- */

/* Queues up to len bytes for sending; they are copied. Returns how many were taken, -EAGAIN when the send
 * buffer is full, -EPIPE after th_shutdown(), or the error that ended the connection (as th_recv). */
TH_API ssize_t th_send(struct th_conn *conn, const void *data, size_t len);

/* The same, and all that is queued now is urgent (RFC 9293 section 3.8.5; of any length, MUST-31). New
 * protocols should not use this (SHLD-13, RFC 6093). Where not all of data was taken, the mark is at the end
 * of what was. */
TH_API ssize_t th_send_urgent(struct th_conn *conn, const void *data, size_t len);

/* Takes up to len received bytes. 0: the peer has closed its side and all was taken. -EAGAIN: nothing now.
 * -ECONNRESET, -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ECONNABORTED: how the connection ended
 * (MUST-12). */
TH_API ssize_t th_recv(struct th_conn *conn, void *buf, size_t len);

/* Octets up to and with the last urgent one that th_recv() has not given yet; 0: none is urgent (MUST-33).
 * They come in their place among the others (RFC 6093 section 6), and may be more than have arrived: the mark
 * comes before its data. */
TH_API size_t th_urgent(const struct th_conn *conn);

/* No more will be sent: FIN after the queued data. Receiving goes on. There is no PUSH: data leaves as soon
 * as windows and Nagle's algorithm let it, and PSH stands on the last segment of what is queued (RFC 9293
 * MUST-60, MUST-61). */
TH_API void th_shutdown(struct th_conn *conn);

/* Gives the connection back. Queued data and the FIN are still delivered; data that was not read makes it a
 * reset (RFC 2525 section 2.17). NULL is allowed. */
TH_API void th_close(struct th_conn *conn);

/* Gives it back with RST; queued data is thrown away: what a linger time of zero does to a socket. NULL is
 * allowed. */
TH_API void th_abort(struct th_conn *conn);

enum th_event {
	TH_OPEN = 1,     /* the handshake is done */
	TH_READABLE = 2, /* th_recv() would not say -EAGAIN */
	TH_WRITABLE = 4, /* th_send() would take something */
	TH_CLOSED = 8,   /* over: nothing more will come or go */
	TH_URGENT = 16,  /* th_urgent() is not 0 (MUST-32) */
	TH_SOFT_ERROR = 32, /* th_soft_error() would not say 0 */
};
/* What holds now: enum th_event or'ed. */
TH_API unsigned th_events(const struct th_conn *conn);

/*
 * The last soft error, which is then forgotten: something seems to be wrong, and the connection goes on (RFC
 * 9293 section 3.9.1.8, MUST-47). 0: none. By ICMP: -ENETUNREACH, -EHOSTUNREACH (also: time exceeded on the
 * way), -ENOPROTOOPT, -ECONNREFUSED, -EPROTO. -ETIMEDOUT: three retransmissions are unanswered (R1, SHLD-9).
 */
TH_API int th_soft_error(struct th_conn *conn);
/* Are soft errors to be remembered at all (SHLD-20)? Default 1. */
TH_API void th_set_error_reports(struct th_conn *conn, int on);

/* The settings of a connection may be changed at any time, and hold from the next segment on. Once it is over
 * they do nothing. */

/* Nagle's algorithm (RFC 9293 section 3.7.4): on by default; nodelay 1 turns it off (MUST-17). */
TH_API void th_set_nodelay(struct th_conn *conn, int nodelay);
/* Keep-alive probes (MUST-24): off by default; two hours idle, then every 75 s, nine unanswered end the
 * connection. */
TH_API void th_set_keepalive(struct th_conn *conn, int on);
/* These times instead (MUST-27); 0 leaves one as it is. */
TH_API void th_set_keepalive_times(struct th_conn *conn, uint64_t idle_us, uint64_t interval_us,
				   uint8_t probes);
/* How long sent data may stay unacknowledged (R2, RFC 9293 section 3.8.3): default 100 s. */
TH_API void th_set_user_timeout(struct th_conn *conn, uint64_t us);

/* The Differentiated Services code point of its packets, 0 to 63 (MUST-48, RFC 2474). -EINVAL: larger. */
TH_API int th_set_dscp(struct th_conn *conn, uint8_t dscp);
/* The time to live of its packets, 1 to 255 (MUST-49). -EINVAL: 0. */
TH_API int th_set_ttl(struct th_conn *conn, uint8_t ttl);
/* "cubic", "reno", "bbr". The window stays what it is. -EINVAL: unknown. */
TH_API int th_set_congestion(struct th_conn *conn, const char *name);

/* A picture of the connection, as Linux's TCP_INFO gives; bytes, microseconds, bytes a second. */
struct th_info {
	const char *state;          /* "ESTABLISHED", … as RFC 9293 spells them; static */
	char local[46], remote[46]; /* addresses as text */
	uint16_t local_port, remote_port;
	uint32_t mss, cwnd, ssthresh, snd_wnd, rcv_wnd, in_flight, unsent, unread;
	uint32_t srtt_us, rttvar_us, rto_us;
	uint64_t bytes_acked, bytes_received;
	uint32_t segs_in, segs_out, retransmissions;
	uint32_t urgent;            /* as th_urgent() */
	uint32_t lost, sacked;      /* to be sent again; held by the peer out of order */
	uint32_t min_rtt_us;
	uint64_t pacing_rate;       /* 0: not paced */
	uint64_t delivery_rate;     /* 0: no sample yet */
	uint64_t bytes_delivered, bytes_lost;
	uint32_t iss, irs, snd_una, snd_nxt, rcv_nxt; /* sequence numbers (RFC 9293 section 3.3.1) */
	uint8_t snd_wscale, rcv_wscale; /* shift counts (RFC 7323) */
	uint8_t timestamps, window_scaling, sack, ecn; /* 1: agreed on */
	uint8_t in_recovery;        /* 1: loss recovery is going on */
	uint8_t reordering_seen;    /* 1: the path has been seen to reorder (RFC 8985) */
	uint8_t r1_passed;          /* 1: three retransmissions are unanswered */
	uint8_t dscp, ttl;          /* of our packets */
	uint8_t received_dscp;      /* of the last packet from the peer (MAY-9) */
	const char *congestion;     /* "cubic"; static */
};
/* Fills in the first `size` bytes of *out. */
TH_API int th_info_sized(const struct th_conn *conn, struct th_info *out, size_t size);

/* -ENOTCONN once the connection is over. */
static inline int th_info(const struct th_conn *conn, struct th_info *out)
{
	return th_info_sized(conn, out, sizeof *out);
}

/* ---- what the stack counts, and what it can be seen to do ---- */

/*
 * Calls `each` for all counters: TCP's with the names of /proc/net/snmp and /proc/net/netstat where Linux has
 * them ("RetransSegs"), IP's and ICMP's in the same way ("IpInReceives", "IcmpInMsgs"), and one for each
 * reason for which something can be dropped ("drop_tcp_checksum"). Names are static.
 */
TH_API void th_counters(const struct th_stack *stack,
			void (*each)(void *context, const char *name, uint64_t value), void *context);

enum th_trace_kind {
	TH_TRACE_PACKET_IN = 1,   /* packet, len; drop */
	TH_TRACE_PACKET_OUT = 2,  /* packet, len; note: why, if there is anything to say */
	TH_TRACE_STATE = 4,       /* note: "SYN-SENT -> ESTABLISHED" */
	TH_TRACE_RTT = 8,         /* old_value: the sample; new_value: the smoothed round trip, us */
	TH_TRACE_CWND = 16,       /* old_value, new_value: the congestion window, bytes; note: why */
	TH_TRACE_RTO = 32,        /* the retransmission timer fired; new_value: the next time-out, us */
	TH_TRACE_WINDOW = 64,     /* old_value, new_value: the peer's window, bytes */
	TH_TRACE_URGENT = 128,    /* the peer's urgent mark moved on; new_value: octets up to it */
	TH_TRACE_SOFT_ERROR = 256, /* note: what */
	TH_TRACE_MTU = 512,       /* old_value, new_value: the path's MTU, bytes; note: how it was learnt */
	TH_TRACE_SSTHRESH = 1024, /* old_value, new_value: the slow start threshold, bytes; note: why */
	/* An episode of loss recovery begins, ends or is undone, or the window shrinks for congestion without
	 * one (ECN, a tail loss probe); note: which, "loss: RACK" for one; old_value, new_value: the
	 * congestion window, bytes */
	TH_TRACE_RECOVERY = 2048,
	TH_TRACE_ALL = 4095,      /* all that this header knows */
};

/* Made by the library; valid, with all that it points at, during the call only. New members will be added at
 * its end. */
struct th_trace_event {
	enum th_trace_kind kind;
	const char *name;        /* of the kind: "packet_in", "cwnd" */
	uint64_t now_us;
	const struct th_conn *conn; /* whose it is; NULL: nobody's, or the connection was not accepted yet */
	const char *remote;      /* the peer's address; NULL if the event belongs to no connection */
	uint16_t local_port, remote_port;
	const void *packet;      /* as th_stack_input() took, and th_stack_output() gives it; else NULL */
	size_t len;
	const char *drop;        /* why the packet was dropped ("tcp_checksum"); NULL: it was taken */
	const char *note;        /* or NULL */
	uint64_t old_value, new_value;
};

struct th_observer;

/*
 * From now on calls on_event for each event of these kinds (enum th_trace_kind or'ed). It may look
 * (th_info(), th_counters()), and must change nothing. Several may observe one stack. *out is the caller's,
 * to be given back with th_unobserve() before the stack is freed. -ENOMEM.
 */
TH_API int th_observe(struct th_stack *stack, unsigned kinds,
		      void (*on_event)(void *context, const struct th_trace_event *event), void *context,
		      struct th_observer **out);
/* NULL is allowed. */
TH_API void th_unobserve(struct th_observer *observer);

/* ---- a wire between two stacks, in virtual time ---- */

struct th_wire;

struct th_wire_config {
	uint64_t delay_us;   /* one way */
	const char *impair;  /* "loss=1%,delay=20ms,…" as for taphouse serve --impair, or NULL */
	uint64_t seed;       /* of the impairment */
};

TH_API int th_wire_new_sized(struct th_stack *a, struct th_stack *b, const struct th_wire_config *config,
			     size_t size, struct th_wire **out);

/* Joins a and b, which must live as long as the wire. config may be NULL. -EINVAL: impair, or stacks of
 * different enum th_link; -ENOMEM. */
static inline int th_wire_new(struct th_stack *a, struct th_stack *b, const struct th_wire_config *config,
			      struct th_wire **out)
{
	return th_wire_new_sized(a, b, config, sizeof *config, out);
}
TH_API void th_wire_free(struct th_wire *wire);

/* Carries what is due at *now_us, and moves *now_us on to the next event. Returns 1, or 0 when nothing will
 * ever happen again. */
TH_API int th_wire_step(struct th_wire *wire, uint64_t *now_us);

#ifdef __cplusplus
}
#endif
#endif
