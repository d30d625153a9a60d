/* The send queue, the segments in flight over it, and what an acknowledgement does to them (tcp_send.c). */
#ifndef TCP_TCP_SEND_H
#define TCP_TCP_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/span.h"
#include "tcp/seq.h"
#include "tcp/tcp_cc.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_rate.h"

struct tcp;
struct tcp_conn;
struct tcp_in;

enum {
	TCP_MAX_FLIGHT = 8192,  /* segments of a connection: what one ACK may make us walk */
	TCP_SCARCE_FLIGHT = 16, /* when all connections together have many */
};

/* One piece of the send queue: a span and its place in the queue. */
struct send_piece {
	struct send_piece *next;
	struct span span;
};

/* Where in the send queue a byte lies. piece is NULL at the end of the queue. */
struct send_cursor {
	struct send_piece *piece;
	size_t offset;
};

enum segment_flags {
	SEG_SYN = 1,
	SEG_FIN = 2,
	SEG_LOST = 4,          /* to be sent again */
	SEG_RETRANSMITTED = 8, /* sent more than once: no RTT sample (Karn) */
	SEG_PUSH = 16,
	SEG_SACKED = 32,       /* selectively acknowledged */
	SEG_APP_LIMITED = 64,  /* sent while the application had no more to send */
	SEG_MTU_PROBE = 128,   /* larger than the path is known to carry: its loss is no congestion */
};

/*
 * A segment (or super-segment) that was sent and not yet acknowledged. In sequence order in conn->flight, and
 * in one of three conditions, each with its count of bytes in the connection:
 *
 *   in flight   in conn->outstanding, in the order of transmission; counted in `pipe`
 *   lost        SEG_LOST, in conn->lost, in sequence order, to be sent again; counted in `lost_bytes`
 *   sacked      SEG_SACKED, in neither; counted in `sacked_bytes`
 */
struct tcp_segment {
	struct list node;
	struct list condition;   /* in conn->outstanding or conn->lost */
	struct send_cursor from; /* its payload's first byte */
	uint64_t sent_us;        /* last time */
	struct seq seq;
	uint32_t len;            /* in sequence space: payload and SYN or FIN */
	uint16_t transmissions;
	uint16_t flags;          /* enum segment_flags */
	uint32_t order;          /* number of the transmission in the connection; wraps */
	struct tcp_rate_mark mark;
};

/* What one acknowledgement brings. */
struct tcp_delivery {
	const struct tcp_in *in;
	uint32_t flight;         /* bytes in flight before it */
	uint32_t acked;          /* bytes that snd.una moves by */
	uint32_t delivered;      /* bytes that are acknowledged or sacked for the first time */
	uint32_t lost;           /* bytes that are deemed lost because of it */
	/* The round trip. */
	bool whole;              /* it covers whole segments */
	bool retransmitted;      /* one of them was sent more than once: which transmission does it answer? */
	uint64_t ago_us;         /* since the last of them was sent; of those sent again, if there are any */
	uint32_t rtt_us;         /* the sample that was taken; 0: none */
	/* Loss recovery. */
	struct seq fack;         /* the highest that earlier ones had delivered */
	bool original;           /* a segment sent once, before recovery began, has arrived after all */
	bool ends_recovery;      /* it does not grow the window too */
	bool repeats;            /* it says nothing that the one before did not, but for SACK blocks */
	bool is_duplicate;       /* RFC 5681's duplicate acknowledgement: the same, and data is outstanding */
	bool dsack;              /* it reports a duplicate (RFC 2883) ... */
	struct sack_block duplicate; /* ... this one */
	struct tcp_rate_sample rate;
};

int tcp_send_queue(struct tcp_conn *c, const struct span *spans, size_t count);
uint32_t tcp_send_buffer(const struct tcp_conn *c); /* how much may be queued for sending */
uint32_t tcp_send_room(const struct tcp_conn *c);
bool tcp_segments_are_scarce(const struct tcp *tcp); /* three quarters of all records are in use */
uint32_t tcp_max_flight(const struct tcp_conn *c); /* most segments that it may have in flight now */
struct tcp_segment *tcp_segment_new(struct tcp_conn *c, uint32_t payload, uint16_t flags);
/* Cuts a segment in two; the second part begins `len` bytes of payload later. False when the pool is
 * empty. */
bool tcp_segment_split(struct tcp_conn *c, struct tcp_segment *s, uint32_t len);
void tcp_send_acked(struct tcp_conn *c, struct seq ack, struct tcp_delivery *d);
/* The conditions of a segment. */
void tcp_segment_sent(struct tcp_conn *c, struct tcp_segment *s);   /* now, for the first time or again */
void tcp_segment_lost(struct tcp_conn *c, struct tcp_segment *s);   /* no effect on what is lost or sacked */
void tcp_segment_found(struct tcp_conn *c, struct tcp_segment *s);  /* lost it was not: in flight again */
void tcp_segment_sacked(struct tcp_conn *c, struct tcp_segment *s, struct tcp_delivery *d);
void tcp_segment_reneged(struct tcp_conn *c, struct tcp_segment *s); /* sacked, but not kept by the peer */
void tcp_send_free(struct tcp_conn *c);

#endif
