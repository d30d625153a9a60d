/*
 * One stack and a scripted peer: tests that read like a packet trace. The peer is nothing but its address: a
 * test injects segments, expects segments, expects nothing more, moves time on, and looks at the connection.
 *
 *   peer_init(&p, NULL);
 *   peer_listen(&p, 80);
 *   peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
 *   struct seg got = peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
 *   peer_expect_nothing(&p);
 *
 * Sequence numbers are absolute. Segments that leave the stack are checked whole (lengths, checksums) before
 * they are compared.
 */
#ifndef TESTS_COMMON_PEER_H
#define TESTS_COMMON_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/stack.h"
#include "tcp/tcp_options.h"

enum { F = 1, S = 2, R = 4, P = 8, A = 16, U = 32, E = 64, C = 128 }; /* TCP flags */

enum { PEER_QUEUE = 512, PEER_TEXT = 65536 };

/* SEG(.flags = S, .seq = 1000): a segment to inject or to expect. */
#define SEG(...) (&(struct seg){ __VA_ARGS__ })

struct seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t win;            /* as in the header; 0 in an injected one stands for 65535 unless zero_win */
	bool zero_win;
	const void *data;        /* injected text; in a segment got: the text, valid until the next is got */
	uint32_t len;
	uint16_t urgent;
	uint16_t src_port, dst_port; /* 0: the connection's */
	/* options */
	uint16_t mss;            /* 0: none */
	bool has_wscale, sack_permitted, has_ts;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	uint32_t uto_s;          /* user timeout option, seconds; 0: none */
	uint8_t n_sack;
	struct {
		uint32_t left, right;
	} sack[4];
	enum tcp_fast_open fast_open;
	uint64_t fast_open_cookie;
	const uint8_t *raw_options; /* instead of the above, multiple of 4 */
	uint8_t raw_options_len;
	bool bad_checksum;
	uint8_t tos;             /* DSCP and ECN */
	uint8_t ttl;             /* of a segment got */
	uint16_t ip_id;
	uint16_t gso_size;
};

struct peer {
	struct stack *stack;
	uint64_t now_us;
	struct ip_addr addr, ours; /* 10.77.0.1 is the peer, 10.77.0.2 the stack */
	uint16_t port, our_port;   /* of the connection under test */
	struct tcp_listener *listener;
	/* The application side of the connection under test. */
	struct stream *stream;     /* accepted or connected; NULL before and after */
	bool accept;               /* take connections from the accept queue at once (default) */
	bool take;                 /* take received text at once (default) */
	uint8_t received[PEER_TEXT];
	uint32_t received_len;
	unsigned opened, ended, closed, accepted;
	enum stream_end why;
	const struct stream_handler *handler; /* set before the open: instead of the counting one */
	uint32_t iss, irs;         /* the stack's and the peer's: set by the constructors, irs may be before */
	uint32_t snd;              /* the peer's next sequence number, for peer_ack() and peer_send() */
	/* Segments that left the stack and were not expected yet. */
	struct seg out[PEER_QUEUE];
	uint8_t *out_text[PEER_QUEUE];
	uint64_t out_at_us[PEER_QUEUE];
	unsigned out_first, out_count;
	uint8_t *last_text;
	uint8_t mac[6];
	bool arp_asked;            /* the stack wants the peer's MAC address */
};

/* tune may change the configuration; NULL: the defaults. */
void peer_init(struct peer *p, void (*tune)(struct stack_config *c));
void peer_fini(struct peer *p);

void peer_listen(struct peer *p, uint16_t port);
void peer_connect(struct peer *p, uint16_t port); /* active open, towards this port of the peer */

void peer_inject(struct peer *p, const struct seg *s);
/* Injects without letting the stack send: several segments of one batch. peer_flush() ends the batch. */
void peer_inject_held(struct peer *p, const struct seg *s);
void peer_flush(struct peer *p);
/* A packet with this IPv4 payload. */
void peer_inject_ip(struct peer *p, uint8_t protocol, const void *payload, uint32_t len);

/* An ACK without text at snd, with a window of 65535. */
void peer_ack(struct peer *p, uint32_t ack);
/* len bytes of text at snd, which moves on; byte n of the connection is n mod 251. ACK of all that the stack
 * has sent. */
void peer_send(struct peer *p, uint32_t len);
/* An ICMP error about the connection's segment with this sequence number; rest is the header's second word
 * (MTU). */
void peer_icmp(struct peer *p, uint8_t type, uint8_t code, uint32_t rest, uint32_t seq);

/* The application reads what it left behind, and goes on taking. */
void peer_read(struct peer *p);
/* Fails unless exactly the first len bytes of peer_send()'s pattern have reached the application. */
void peer_assert_received(const struct peer *p, uint32_t len);

/* The next segment that left, which must have the flags, seq, ack and len of `want` (seq and ack only where
 * non-zero; win where non-zero or zero_win); fails the test otherwise. */
struct seg peer_expect(struct peer *p, const struct seg *want);
/* The next one, whatever it is; fails if there is none. */
struct seg peer_any(struct peer *p);
void peer_expect_nothing(struct peer *p);
unsigned peer_pending(const struct peer *p);
/* When the segment last expected left, in virtual time. */
uint64_t peer_sent_at(const struct peer *p);

/* Time goes on, timers fire at their times; segments that leave are collected. */
void peer_advance(struct peer *p, uint64_t us);

/* The application writes len bytes of the pattern (byte n is n mod 251, counting from 0 for each call). */
void peer_write(struct peer *p, uint32_t len);

/* Constructors: the connection under test in a given state, nothing pending. iss, irs are set; the stack is
 * the passive side. */
void peer_established(struct peer *p, const struct seg *syn); /* syn: options for the SYN, or NULL */
void peer_close_wait(struct peer *p);
void peer_fin_wait_1(struct peer *p);
void peer_fin_wait_2(struct peer *p);
void peer_closing(struct peer *p);
void peer_last_ack(struct peer *p);
void peer_time_wait(struct peer *p);
void peer_syn_sent(struct peer *p);
/* By an active open; options of the SYN-ACK, or NULL. */
void peer_connected(struct peer *p, const struct seg *syn_ack);

/* The state of the connection under test: TCP_CLOSED if there is none, TCP_TIME_WAIT and TCP_SYN_RECEIVED
 * also when only a record stands for it. */
enum tcp_state peer_state(const struct peer *p);
struct tcp_info peer_info(const struct peer *p); /* fails the test if there is no connection block */
uint64_t peer_drops(const struct peer *p, enum drop_reason reason);

#endif
