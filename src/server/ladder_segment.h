/*
 * A TCP segment as the ladder sees it: what its headers say and how its text begins, taken out of a frame of
 * either direction. What a frame says need not be true: it may have been dropped for that.
 */
#ifndef SERVER_LADDER_SEGMENT_H
#define SERVER_LADDER_SEGMENT_H

#include "base/addr.h"
#include "base/bytes.h"
#include "tcp/tcp_options.h"

/* RFC 9293 section 3.1, RFC 3168 section 6.1: as they stand in the header. */
enum ladder_flags {
	LADDER_FIN = 1,
	LADDER_SYN = 2,
	LADDER_RST = 4,
	LADDER_PSH = 8,
	LADDER_ACK = 16,
	LADDER_URG = 32,
	LADDER_ECE = 64,
	LADDER_CWR = 128,
};

struct ladder_segment {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port;
	struct seq seq, ack;
	uint8_t flags;              /* enum ladder_flags */
	uint16_t window;            /* not scaled */
	uint8_t headers;            /* bytes of the IP and TCP headers */
	uint32_t len;               /* bytes of text */
	struct tcp_options options;
	struct bytes text;          /* the first of them, as many as lie in one piece */
};

/* head: the frame from its Ethernet header on, all of it or just the headers; then more is the piece
 * behind it. False: no whole segment of TCP over IPv4 (a fragment is none). *out points into both. */
bool ladder_segment_parse(struct bytes head, struct bytes more, struct ladder_segment *out);

/* The same from the IP header on. The packet may be cut short behind its headers. */
bool ladder_segment_parse_packet(struct bytes packet, struct bytes more, struct ladder_segment *out);

/* What it takes up in the sequence space (RFC 9293 section 3.4). */
static inline uint32_t ladder_segment_length(const struct ladder_segment *s)
{
	return s->len + ((s->flags & LADDER_SYN) != 0) + ((s->flags & LADDER_FIN) != 0);
}

#endif
