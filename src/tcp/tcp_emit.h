/* Segments as they leave (tcp_emit.c). */
#ifndef TCP_TCP_EMIT_H
#define TCP_TCP_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "tcp/seq.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_send.h"

struct tcp;
struct tcp_conn;
struct tcp_in;

/* A segment of a connection: what is sent, and how it is marked. */
struct tcp_outgoing {
	struct seq seq;
	uint8_t flags;
	uint8_t ecn;              /* codepoint for the IP header */
	struct send_cursor from;
	uint32_t len;
	bool whole;               /* not cut into segments, though larger than one: a path MTU probe */
	const char *note;
};

/* Callers look for room in the link's ring: without it nothing leaves. */
void tcp_emit(struct tcp_conn *c, const struct tcp_outgoing *o);
/* A segment without text at this sequence number. */
void tcp_emit_empty(struct tcp_conn *c, struct seq seq, uint8_t flags, const char *note);
/* An empty one before snd.nxt: keep-alive. */
void tcp_send_probe(struct tcp_conn *c, const char *note);
void tcp_send_rst(struct tcp_conn *c);
void tcp_send_last_ack(struct tcp_conn *c); /* of the peer's FIN, before the block goes */

/* What leaves without a connection, and what all segments have. */
struct tcp_reply {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	struct seq seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	struct tcp_options options;
	const char *note;
};
void tcp_reply(struct tcp *tcp, const struct tcp_reply *r);
void tcp_reply_rst(const struct tcp_in *in);

#endif
