/*
 * The connection block (RFC 9293 section 3.3.1's TCB), the instance, and what the files of this room tell
 * each other. Only src/tcp/ and its tests include this.
 */
#ifndef TCP_TCP_CONN_H
#define TCP_TCP_CONN_H

#include "base/list.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp/tcp_cc.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_receive_space.h"
#include "tcp/tcp_reorder.h"

enum {
	TCP_HEADER_LEN = 20,
	TCP_MIN_MSS = 48,            /* smaller ones in a SYN are raised: we would send hardly but headers */
	TCP_DEFAULT_MSS_4 = 536,     /* MUST-15 */
	TCP_DEFAULT_MSS_6 = 1220,
	TCP_DUP_ACK_THRESHOLD = 3,   /* RFC 5681 section 3.2 */
	TCP_R1 = 3,                  /* SHLD-10 */
	TCP_MAX_DUP_ACKS_OWED = 8,
	TCP_DUPLICATES = 4,          /* most that wait to be reported (RFC 2883) */
	TCP_SYN_STAGES = 16,
	TCP_TOS_DSCP = 0xfc,         /* RFC 2474 section 3; the other two bits: RFC 3168 */
	TCP_NO_WSCALE = 15,          /* a shift is 14 at most (RFC 7323 section 2.3) */
	TCP_MAX_FLIGHT = 8192,       /* segments of a connection: what one ACK may make us walk */
};

enum tcp_flags {
	TH_FIN = 1, TH_SYN = 2, TH_RST = 4, TH_PSH = 8, TH_ACK = 16, TH_URG = 32, TH_ECE = 64, TH_CWR = 128,
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

/* What the delivery rate is reckoned from when a segment is acknowledged (tcp_rate.c). */
struct tcp_rate_mark {
	uint64_t delivered, lost; /* the connection's counts when the segment was sent */
	uint64_t delivered_us;    /* when `delivered` last grew before */
	uint64_t first_sent_us;   /* where the flight that it belongs to began */
	uint32_t in_flight;       /* with it */
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

enum tcp_conn_flags {
	CONN_PASSIVE = 1 << 0,        /* SYN-RECEIVED came from LISTEN (MUST-11) */
	CONN_ACCEPTED = 1 << 1,       /* the layer above has it */
	CONN_DETACHED = 1 << 2,       /* the layer above let go */
	CONN_ACK_NOW = 1 << 3,
	CONN_SHUTDOWN = 1 << 4,       /* FIN follows the queued data */
	CONN_FIN_SENT = 1 << 5,
	CONN_FIN_RECEIVED = 1 << 6,   /* rcv.nxt is past the peer's FIN */
	CONN_END_TOLD = 1 << 7,       /* on_end was called */
	CONN_NODELAY = 1 << 8,
	CONN_KEEPALIVE = 1 << 9,
	CONN_TIMESTAMPS = 1 << 10,
	CONN_WSCALE = 1 << 11,
	CONN_RECOVERY = 1 << 12,      /* between loss found and `recover` acknowledged */
	CONN_RTO_RECOVERY = 1 << 13,  /* the same after a timeout: slow start, no dup ACK counting */
	CONN_CWND_LIMITED = 1 << 14,
	CONN_WANTS_WRITABLE = 1 << 15, /* room was refused or small: tell when there is room */
	CONN_RETRANSMIT_NOW = 1 << 16, /* the first lost segment goes whatever the congestion window says */
	CONN_TABLED = 1 << 17,        /* in the four-tuple table */
	CONN_DEAD = 1 << 18,          /* on the graveyard list */
	CONN_R1_PASSED = 1 << 19,
	CONN_DELIVERING = 1 << 20,    /* on_receive is running */
	CONN_FIN_KNOWN = 1 << 21,     /* fin_seq is the peer's FIN's place, which rcv.nxt has not reached */
	CONN_PROBING = 1 << 22,       /* what is in flight was sent as window probes */
	CONN_PROBE_DUE = 1 << 23,     /* the next output round sends a window probe */
	CONN_SACK = 1 << 24,          /* both sides permit selective acknowledgements (RFC 2018) */
	CONN_FAST_OPEN = 1 << 25,     /* text came with the SYN, and was taken (RFC 7413) */
	CONN_FAST_OPEN_RENEW = 1 << 26, /* the SYN-ACK has a cookie of the present key */
};

/* The urgent marks (tcp_urgent.c): each names the octet after the urgent data (MUST-62). */
struct tcp_urgent {
	struct seq rcv_up, snd_up;
	bool receiving, sending;     /* rcv_up is ahead of what was read; snd_up of what was acknowledged */
	bool told;                   /* the layer above knows of rcv_up */
};

/* Proportional rate reduction (RFC 6937). */
struct tcp_prr {
	uint32_t delivered;      /* since recovery began */
	uint32_t out;            /* sent since */
	uint32_t recover_flight; /* RecoverFS: bytes in flight when it began */
};

/* RACK-TLP (RFC 8985 section 5.2). */
struct tcp_rack {
	uint64_t sent_us;        /* RACK.xmit_ts: of the segments delivered, when the one sent last was sent */
	struct seq end;          /* RACK.end_seq: and its end */
	uint32_t order;          /* and its place among all transmissions */
	uint32_t rtt_us;         /* RACK.rtt: and how long it took */
	struct seq fack;         /* the highest sequence number delivered */
	struct seq dsack_round;  /* with dsack_in_round: reo_wnd grew, not again before snd.una gets here */
	struct seq probe_end;    /* TLP.end_seq, with probe_out */
	uint8_t reo_wnd_mult;    /* quarters of the minimum round trip */
	uint8_t reo_wnd_persist; /* recoveries until it falls back to one */
	bool reordering_seen, dsack_in_round;
	bool probe_out;          /* a loss probe is on its way ... */
	bool probe_retransmits;  /* ... and repeats data */
	bool probe_due;          /* the next output round sends one */
	bool probe_unmeasured;   /* no round trip was measured since the last one */
};

/* Telling a loss that was none (tcp_undo.c). */
struct tcp_undo {
	struct seq marker, end;  /* the episode's data: snd.una when it began, and the end of what it sent
				    again; with `armed` */
	uint32_t retransmitted;  /* segments sent again since, of which no duplicate was reported */
	uint32_t stamp;          /* our timestamp clock at the first retransmission, with `stamped` */
	bool armed, stamped;
	struct seq first;        /* of the first segment sent again, with `stamped` ... */
	bool acked;              /* ... and it has been acknowledged: only that acknowledgement can tell */
	uint8_t frto;            /* enum frto_step */
};

/* Delivery rate (draft-ietf-ccwg-bbr section 4.1). */
struct tcp_rate {
	uint64_t delivered, lost; /* bytes, since the connection began */
	uint64_t delivered_us;    /* when `delivered` last grew */
	uint64_t first_sent_us;   /* when the newest segment delivered was sent */
	uint64_t app_limited;     /* the application was the limit until this many are delivered; 0: it is not */
	uint64_t last;            /* the last sample, bytes a second */
};

/* The path's MTU (tcp_mtu.c): sizes of IP packets. */
struct tcp_mtu {
	uint16_t current;        /* what full segments are made for */
	uint16_t low, high;      /* the search: low passes, above high nothing does */
	uint16_t probe;          /* of this size a probe is on its way; 0: none */
	uint16_t largest_acked;  /* maxsizeacked of RFC 5927 section 7.2 */
	uint16_t pending;        /* a router says so, and is believed if nothing arrives any more; 0: none */
	uint8_t failures;        /* of probes of one size */
	bool searching, halving;
	uint64_t next_us;        /* no probe before; no new search before */
};

enum ecn_flags {
	ECN_AGREED = 1,
	ECN_ECHO = 2,    /* a mark arrived: ECE on every acknowledgement until CWR comes */
	ECN_CWR_DUE = 4, /* the next new data says that we have slowed down */
	ECN_REDUCED = 8, /* in this round trip, which ends at `until` */
};

/* Explicit congestion notification (RFC 3168). */
struct tcp_ecn {
	struct seq until;
	uint8_t flags;           /* enum ecn_flags */
};

struct tcp_conn {
	struct stream stream;
	struct tcp *tcp;
	struct tcp_conn *hash_next;
	struct list output;          /* in tcp->output while it may have something to send; later in
					tcp->lingering, tcp->graveyard */
	struct list accept;          /* in listener->accept_queue until accepted */
	struct tcp_listener *listener; /* passive, until accepted; else NULL */
	struct timer timer;          /* at the earliest of the deadlines below, or earlier */
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t flags;              /* enum tcp_conn_flags */
	enum tcp_state state;        /* written by tcp_enter() only */
	uint32_t neighbour_hint;
	uint64_t hash;               /* of the four-tuple */

	/* Send sequence space (RFC 9293 figure 3) */
	struct seq iss, snd_una, snd_nxt;
	struct seq snd_wl1, snd_wl2;
	uint32_t snd_wnd;            /* scaled */
	uint32_t max_snd_wnd;
	uint16_t mss;                /* payload of a full segment we send: options taken off (MUST-16) */
	uint16_t peer_mss;           /* as announced, or the default */
	uint8_t snd_wscale, rcv_wscale;

	/* Receive sequence space */
	uint8_t dup_acks;            /* in a row, outside of recovery */
	uint8_t dup_acks_owed;       /* without SACK: out-of-order segments not yet acknowledged */
	struct seq irs, rcv_nxt;
	struct seq rcv_adv;          /* right edge last advertised: never pulled back (SHLD-14) */
	struct seq last_ack_sent;
	struct seq fin_seq;          /* with CONN_FIN_KNOWN */
	uint16_t rcv_mss;            /* largest segment seen: the unit of delayed ACK */

	/* Timestamps (RFC 7323) */
	uint32_t ts_recent, ts_offset;
	uint64_t ts_recent_us;       /* when ts_recent was taken */

	/* Round trip (RFC 6298) */
	uint32_t srtt_us, rttvar_us, rto_us;
	uint8_t backoff;             /* times rto was doubled since the last sample */
	uint16_t timeouts;           /* of the retransmission timer since the last new ACK */
	uint8_t keepalive_sent;      /* probes unanswered */
	uint8_t challenge_count;     /* challenge ACKs in the second that began at challenge_us */
	uint64_t challenge_us;

	/* Loss recovery and congestion control */
	struct seq recover;          /* snd.nxt when recovery last began (RFC 6582), or before snd.una */
	uint32_t last_acked;         /* bytes that the last new ACK covered */
	uint32_t pipe;               /* bytes in flight: sent, neither acknowledged nor deemed lost (RFC 6675) */
	uint32_t lost_bytes, sacked_bytes; /* with pipe they make up snd.una to snd.nxt */
	uint32_t sacked_segments;
	uint32_t flight_segments;    /* records in `flight` */
	uint32_t transmissions;      /* of segments, for their order; wraps */
	uint32_t reno_sacked;        /* bytes that duplicate ACKs say have left the network */
	uint32_t min_rtt_us;         /* the smaller of these two; 0: no sample */
	uint32_t min_rtt_period_us, min_rtt_before_us; /* of this period and of the one before */
	uint64_t min_rtt_until_us;   /* end of the period */
	struct sack_block sacks_seen[TCP_SACK_BLOCKS]; /* in the last ACK: they need no second look */
	struct tcp_prr prr;
	struct tcp_rack rack;
	struct tcp_undo undo;
	struct tcp_rate rate;
	struct tcp_ecn ecn;
	struct tcp_mtu mtu;
	uint64_t paced_until_us;     /* the next segment may go then */
	struct tcp_cc cc;
	uint32_t ssthresh_told;      /* to observers */

	/* Send queue: bytes from snd.una (SYN and FIN not counted) on */
	struct send_piece *send_tail;
	struct send_cursor send_head; /* first unacknowledged byte */
	struct send_cursor send_next; /* first byte never sent; piece NULL: none, or at the tail's end */
	uint32_t queued, unsent;      /* bytes in the queue, and of these never sent */
	struct list flight;           /* struct tcp_segment */
	struct list outstanding, lost; /* the same, by condition */

	/* Receive queue: in order, not taken; and out of order */
	struct list received;        /* struct rx_chunk */
	uint32_t received_bytes;
	uint32_t rcv_buffer;         /* bytes: grows, and never shrinks (SHLD-14) */
	struct tcp_receive_space space;
	uint32_t n_duplicates;
	struct tcp_reorder reorder;
	struct sack_block duplicates[TCP_DUPLICATES]; /* to be reported, oldest first */

	struct tcp_urgent urgent;

	/* Deadlines, TIMER_NEVER when not set (tcp_timers.c) */
	uint64_t retransmit_at;      /* retransmission, or window probe */
	uint64_t reorder_at;         /* what RACK waits for is lost then */
	uint64_t probe_at;           /* tail loss probe */
	uint64_t pace_at;            /* the next paced segment may go */
	uint64_t delayed_ack_at;
	uint64_t idle_at;            /* keep-alive, FIN-WAIT-2 */
	uint64_t user_timeout_us;
	struct tcp_keepalive keepalive;
	uint64_t stuck_since_us;     /* first retransmission or probe since the last progress, or 0 */
	uint64_t last_received_us;
	uint64_t data_sent_us;       /* when text, SYN or FIN was last sent, or 0 */

	uint64_t bytes_acked, bytes_received;
	uint32_t segs_in, segs_out, retransmissions;
	uint8_t ttl, tos, rcv_tos;   /* tos: DSCP in its upper six bits; the others belong to ECN */
	bool reports_off;            /* of soft errors */
	uint8_t soft_error;          /* last soft ICMP error (enum icmp_error_kind + 1), 0: none */
};

/* A half-open connection: a SYN was answered, the third ACK has not come. At most 64 bytes. */
struct tcp_syn {
	struct tcp_syn *hash_next;
	struct list stage;        /* of those with equally many retransmissions, oldest first */
	struct ip_addr remote;
	uint16_t remote_port, local_port;
	struct seq iss, irs;
	uint32_t ts_recent;
	uint32_t sent_ms;         /* when it entered its stage: world time in milliseconds */
	uint16_t mss;
	uint16_t local : 4;       /* index into ip->addresses */
	uint16_t wscale : 4;      /* TCP_NO_WSCALE: not agreed on */
	uint16_t has_timestamp : 1;
	uint16_t sack_permitted : 1;
	uint16_t retries : 4;     /* SYN-ACKs sent again because time was over */
	uint16_t answered_again : 1; /* a SYN-ACK more went out because the SYN came again */
	uint16_t ecn : 1;         /* the peer offered ECN, and we take it */
};
_Static_assert(sizeof(struct tcp_syn) <= 64, "a half-open connection is at most 64 bytes");
_Static_assert(IP_MAX_ADDRESSES <= 16, "tcp_syn.local has four bits");

/* What TIME-WAIT needs. */
struct tcp_timewait {
	struct tcp_timewait *hash_next;
	struct list queue;        /* all, in the order in which they end */
	struct ip_addr remote;
	uint16_t remote_port, local_port;
	struct seq snd_nxt, rcv_nxt;
	uint32_t ends_ms;         /* world time */
	uint32_t ts_recent;
	uint16_t window;          /* as last advertised */
	uint8_t local;            /* index into ip->addresses */
	bool has_timestamp;
};
_Static_assert(sizeof(struct tcp_timewait) <= 64, "a TIME-WAIT record is at most 64 bytes");

struct tcp_listener {
	struct list node;         /* in tcp->listeners */
	struct tcp *tcp;
	struct ip_addr addr;      /* any: all of ours */
	uint16_t port;
	struct tcp_listener_handler handler;
	const struct tcp_cc_ops *cc;
	uint32_t accept_backlog;
	struct list accept_queue; /* tcp_conn.accept, oldest first */
	uint32_t accept_queued;
};

struct tcp {
	struct tcp_config config;
	struct world *world;
	struct ip *ip;
	const struct tcp_cc_ops *cc;
	struct hash_key isn_key;      /* RFC 6528's secret */
	struct hash_key cookie_key;
	uint64_t cookies_until_us;    /* SYN cookies given out are good until then */
	struct hash_key fast_open_key;
	uint32_t fast_open_pending;   /* connections with CONN_FAST_OPEN in SYN-RECEIVED */
	uint32_t fast_open_resets[2]; /* those that were reset in this period, and in the one before */
	uint64_t fast_open_period;    /* number of the period */
	struct list listeners;
	struct list output;           /* connections that may have something to send */
	struct list lingering;        /* over on the wire, with data that the layer above has still to read */
	struct list graveyard;        /* dead connections, freed where no caller can hold them */
	struct tcp_conn **conns;      /* buckets */
	struct tcp_syn **syns;
	struct tcp_timewait **timewaits;
	uint32_t conn_mask, syn_mask, timewait_mask; /* buckets - 1 */
	struct pool conn_pool, syn_pool, timewait_pool, listener_pool, segment_pool, piece_pool;
	struct pool chunk_pool, range_pool;
	struct list syn_stages[TCP_SYN_STAGES];
	struct timer syn_timer;
	struct list timewait_queue;
	struct timer timewait_timer;
	uint16_t next_ephemeral;
	uint32_t accept_queued;
	uint32_t orphans;             /* connections with CONN_DETACHED */
	struct tcp_counters counters;
};

/* A segment while it is processed. */
struct tcp_in {
	struct tcp *tcp;
	const struct ip_packet *packet;
	uint16_t src_port, dst_port;
	struct seq seq, ack;
	uint8_t flags;
	bool had_syn;                /* though it may be taken off flags: the window field is not scaled */
	uint16_t window;             /* as it stands in the header */
	struct seq urgent;           /* with URG: the octet after the urgent data */
	struct tcp_options options;
	struct bytes text;
	uint32_t len;                /* SEG.LEN: text and SYN and FIN */
	bool reopens;                /* a SYN that ended TIME-WAIT ... */
	struct seq last_sent;        /* ... in which our numbers went up to here */
	uint64_t now_us;
	enum drop_reason reason;     /* why it was dropped */
};

static inline bool in_state(const struct tcp_conn *c, unsigned states)
{
	return ((unsigned)c->state & states) != 0;
}

/* It has ended, in a callback perhaps, and is kept only until no caller can hold it. */
static inline bool is_dead(const struct tcp_conn *c)
{
	return (c->flags & CONN_DEAD) != 0;
}

enum {
	TCP_SYNCHRONISED = TCP_ESTABLISHED | TCP_FIN_WAIT_1 | TCP_FIN_WAIT_2 | TCP_CLOSE_WAIT | TCP_CLOSING |
			   TCP_LAST_ACK | TCP_TIME_WAIT,
	TCP_CAN_SEND_TEXT = TCP_ESTABLISHED | TCP_CLOSE_WAIT,
	TCP_CAN_RECEIVE_TEXT = TCP_ESTABLISHED | TCP_FIN_WAIT_1 | TCP_FIN_WAIT_2,
};

static inline uint64_t tcp_now(const struct tcp *tcp)
{
	return tcp->world->now_us;
}

/* The millisecond clock of timestamps and of the small records; wraps. */
static inline uint32_t tcp_now_ms(const struct tcp *tcp)
{
	return (uint32_t)(tcp->world->now_us / 1000);
}

/* tcp_state.c */
void tcp_enter(struct tcp_conn *c, enum tcp_state to);
/* TIME-WAIT goes on in a compact record: the block is CLOSED, and observers are not told so. */
void tcp_hand_over(struct tcp_conn *c);
/* Tells observers of a change that no connection block stands for (half-open records, TIME-WAIT). */
void tcp_note_state(struct tcp *tcp, enum tcp_state from, enum tcp_state to);
void tcp_check(const struct tcp_conn *c); /* the invariants; empty unless TH_CHECKS */
/* All that pools gave out belongs to some connection: walks them all. Empty unless TH_CHECKS. */
void tcp_check_memory(const struct tcp *tcp);

/* tcp.c: life and death of a connection */
struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
			      const struct ip_addr *remote, uint16_t remote_port);
/* Ends it for good: out of all tables, queues freed, on_closed(why) told if somebody still listens; freed
 * later. */
void tcp_conn_end(struct tcp_conn *c, enum stream_end why);
/* Both FINs are through (or TIME-WAIT has its record): ends it now, or once the layer above has taken what it
 * holds. */
void tcp_conn_finish(struct tcp_conn *c);
void tcp_bury(struct tcp *tcp); /* frees the dead, if no frame that waits to be sent names one */
int tcp_local_index(const struct tcp *tcp, const struct ip_addr *local); /* in ip->addresses, -1: not ours */
struct tcp_conn *tcp_conn_of(struct stream *s);
uint16_t tcp_initial_receive_window(const struct tcp *tcp); /* fits a window field that is not scaled */
uint8_t tcp_receive_wscale(const struct tcp *tcp);
uint32_t tcp_send_buffer(const struct tcp_conn *c); /* how much may be queued for sending */

/* tcp_table.c */
uint64_t tcp_hash(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		  const struct ip_addr *remote, uint16_t remote_port);
int tcp_tables_new(struct tcp *tcp);
void tcp_tables_free(struct tcp *tcp);
void tcp_table_add(struct tcp_conn *c);
void tcp_table_remove(struct tcp_conn *c);
struct tcp_conn *tcp_table_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
				uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port);

/* tcp_listen.c */
struct tcp_listener *tcp_listener_find(const struct tcp *tcp, const struct ip_addr *addr, uint16_t port);
struct tcp_syn *tcp_syn_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
			     uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port);
/* A segment for a listener, or for a half-open connection. A third ACK (to a listener: one with a SYN
 * cookie) makes *established, which then takes the segment's text; else it is NULL. */
enum drop_reason tcp_listen_input(struct tcp_listener *l, struct tcp_in *in, uint64_t hash,
				  struct tcp_conn **established);
enum drop_reason tcp_syn_input(struct tcp_syn *syn, struct tcp_in *in, uint64_t hash,
			       struct tcp_conn **established);
/* Makes a connection block of a record, in SYN-RECEIVED: its SYN counts as sent, and as acknowledged by the
 * segment at hand. NULL: there is no room for one. */
struct tcp_conn *tcp_promote(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in);
void tcp_listener_established(struct tcp_conn *c);
void tcp_listener_forget(struct tcp_conn *c); /* c leaves the accept queue */
void tcp_syn_forget(struct tcp *tcp, struct tcp_syn *syn, uint64_t hash);
void tcp_syn_timer_fire(struct timer *t, uint64_t now_us);

/* tcp_cookie.c: SYN cookies. The record that is not kept is filled by the SYN, and again by the third ACK. */
/* Chooses syn->iss, and takes out of *syn what the cookie cannot carry. */
void tcp_cookie_make(struct tcp *tcp, struct tcp_syn *syn);
/* The TSval of the SYN-ACK, at the time `now` of the connection's timestamp clock. */
uint32_t tcp_cookie_timestamp(const struct tcp_syn *syn, uint32_t now);
/* Can there be one that is still good? */
bool tcp_cookies_are_out(const struct tcp *tcp);
/* False: the segment carries no good cookie. */
bool tcp_cookie_open(const struct tcp *tcp, const struct tcp_in *in, struct tcp_syn *syn);

/* tcp_fast_open.c */
/* The SYN has a good cookie and text, and there is room: a connection, which is in the accept queue. False:
 * an ordinary SYN. */
bool tcp_fast_open(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in);
/* Puts a cookie into the SYN-ACK, if the SYN asks for one or has an old one. */
void tcp_fast_open_offer(const struct tcp_in *in, struct tcp_options *o);
void tcp_fast_open_renew(const struct tcp_conn *c, struct tcp_options *o);
void tcp_fast_open_over(struct tcp_conn *c, bool by_reset); /* c leaves SYN-RECEIVED */
/* True if the SYN of such a connection came again: the SYN-ACK goes again. */
bool tcp_fast_open_repeats(struct tcp_conn *c, const struct tcp_in *in);

/* tcp_timewait.c */
struct tcp_timewait *tcp_timewait_find(const struct tcp *tcp, uint64_t hash, const struct tcp_in *in);
void tcp_timewait_add(struct tcp_conn *c);
/* True: the segment (a SYN) may open a new connection, the record is gone. */
bool tcp_timewait_input(struct tcp_timewait *tw, struct tcp_in *in, uint64_t hash);
void tcp_timewait_timer_fire(struct timer *t, uint64_t now_us);
bool tcp_timewait_has(const struct tcp *tcp, uint64_t hash, const struct ip_addr *remote,
		      uint16_t remote_port, uint16_t local_port);

/* tcp_isn.c */
struct seq tcp_isn(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		   const struct ip_addr *remote, uint16_t remote_port);
uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct ip_addr *local,
			      const struct ip_addr *remote);
uint16_t tcp_ephemeral_port(struct tcp *tcp, const struct ip_addr *local, const struct ip_addr *remote,
			    uint16_t remote_port);

/* tcp_input.c */
enum drop_reason tcp_conn_input(struct tcp_conn *c, struct tcp_in *in);
void tcp_tell_end(struct tcp_conn *c); /* on_end(), once, to whoever has the connection */

/* tcp_receive.c: the receive queue */
uint32_t tcp_receive_window(const struct tcp_conn *c); /* what may be advertised now, from rcv.nxt on */
uint32_t tcp_receive_room(const struct tcp_conn *c); /* bytes that the buffer still takes */
enum drop_reason tcp_receive_text(struct tcp_conn *c, struct seq seq, struct bytes text);
/* What the segment says of the round trip, for the size of the buffer; before its text is taken. */
void tcp_receive_measure(struct tcp_conn *c, const struct tcp_in *in);
void tcp_receive_resume(struct tcp_conn *c);
void tcp_receive_free(struct tcp_conn *c);

/* tcp_sack_report.c: what acknowledgements report */
void tcp_sack_duplicate(struct tcp_conn *c, struct sack_block duplicate); /* it arrived again; or is empty */
/* How many acknowledgements it takes to tell what was not told yet; 0 without SACK. */
unsigned tcp_sack_acks_owed(const struct tcp_conn *c);
/* Puts up to `room` blocks into an acknowledgement's options; they count as told. */
void tcp_sack_report(struct tcp_conn *c, unsigned room, struct tcp_options *o);

/* tcp_send.c: the send queue and the segments in flight */
int tcp_send_queue(struct tcp_conn *c, const struct span *spans, size_t count);
struct tcp_segment *tcp_segment_new(struct tcp_conn *c, uint32_t payload, uint16_t flags);
/* Cuts a segment in two; the second part begins `len` bytes of payload later. False when the pool is
 * empty. */
bool tcp_segment_split(struct tcp_conn *c, struct tcp_segment *s, uint32_t len);
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
	bool reordering;         /* it delivers what was sent before something delivered earlier */
	struct tcp_rate_sample rate;
};
void tcp_send_acked(struct tcp_conn *c, struct seq ack, struct tcp_delivery *d);
/* The conditions of a segment. */
void tcp_segment_sent(struct tcp_conn *c, struct tcp_segment *s);   /* now, for the first time or again */
void tcp_segment_lost(struct tcp_conn *c, struct tcp_segment *s);   /* no effect on what is lost or sacked */
void tcp_segment_found(struct tcp_conn *c, struct tcp_segment *s);  /* lost it was not: in flight again */
void tcp_segment_sacked(struct tcp_conn *c, struct tcp_segment *s, struct tcp_delivery *d);
void tcp_segment_reneged(struct tcp_conn *c, struct tcp_segment *s); /* sacked, but not kept by the peer */
void tcp_send_free(struct tcp_conn *c);

/* tcp_sack.c: the scoreboard */
void tcp_sack_input(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_sack_forget(struct tcp_conn *c); /* the peer broke its word: nothing counts as sacked */

/* tcp_rack.c: losses told by time (RFC 8985), with SACK */
void tcp_rack_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_segment *s);
/* Marks what is lost now; true if anything is. */
bool tcp_rack_detect(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_rack_mark_on_timeout(struct tcp_conn *c);
void tcp_rack_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_rack_recovered(struct tcp_conn *c);
/* After how long a tail loss probe is to be sent; false if none is. */
bool tcp_rack_probe_timeout(const struct tcp_conn *c, uint64_t *us);
void tcp_rack_probe_sent(struct tcp_conn *c, bool retransmits);

/* tcp_newreno.c: losses told by counting, without SACK */
void tcp_newreno_on_duplicate_ack(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_newreno_on_partial_ack(struct tcp_conn *c, uint32_t acked);

/* tcp_undo.c: losses that were none */
enum frto_step {
	FRTO_OFF,
	FRTO_TIMED_OUT, /* the timer fired, the first segment goes again */
	FRTO_NEW_DATA,  /* that one is acknowledged: two new segments go, and their answer decides */
};
void tcp_undo_begin(struct tcp_conn *c);
void tcp_undo_retransmitted(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_undo_forget(struct tcp_conn *c); /* the window shrank for a reason that stands */
/* True if the acknowledgement shows that the last reduction was for nothing; it has been taken back then. */
bool tcp_undo_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_frto_begin(struct tcp_conn *c);

/* tcp_rate.c */
void tcp_rate_sent(struct tcp_conn *c, struct tcp_segment *s);
void tcp_rate_delivered(struct tcp_conn *c, struct tcp_delivery *d, const struct tcp_segment *s);
void tcp_rate_partly_delivered(struct tcp_conn *c, uint32_t len);
void tcp_rate_sample(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_rate_check_app_limited(struct tcp_conn *c);

/* tcp_pacing.c */
void tcp_pacing_update(struct tcp_conn *c);
bool tcp_pacing_allows(const struct tcp_conn *c);
void tcp_pacing_sent(struct tcp_conn *c, uint32_t len);
uint32_t tcp_pacing_burst(const struct tcp_conn *c); /* most bytes to send at once */

/* tcp_mtu.c */
void tcp_mtu_init(struct tcp_conn *c); /* the peer's MSS is known: sets mss */
void tcp_mtu_reported(struct tcp_conn *c, uint32_t mtu); /* by a router; 0: it did not say */
void tcp_mtu_on_timeout(struct tcp_conn *c);
bool tcp_mtu_wants_probe(struct tcp_conn *c, uint32_t *payload);
void tcp_mtu_probe_sent(struct tcp_conn *c, uint32_t payload);
void tcp_mtu_probe_lost(struct tcp_conn *c, struct tcp_segment *s);
void tcp_mtu_delivered(struct tcp_conn *c, const struct tcp_segment *s);

/* tcp_ecn.c */
void tcp_ecn_received(struct tcp_conn *c, const struct tcp_in *in);
void tcp_ecn_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_ecn_reduced(struct tcp_conn *c); /* the window shrank, for whatever reason */
/* For a segment that leaves: ECE and CWR, and the codepoint of its IP header. */
uint8_t tcp_ecn_flags(struct tcp_conn *c, bool new_text);
uint8_t tcp_ecn_codepoint(const struct tcp_conn *c, bool new_text);

/* tcp_recovery.c: episodes of loss recovery */
void tcp_recover(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_enter_recovery(struct tcp_conn *c, struct tcp_delivery *d, const char *why);
void tcp_mark_lost(struct tcp_conn *c, struct tcp_segment *s);
void tcp_mark_head_lost(struct tcp_conn *c);
void tcp_on_retransmission_timeout(struct tcp_conn *c);
void tcp_on_reordering_timeout(struct tcp_conn *c);
/* The handshake is done, but its SYN or SYN-ACK had to be sent again so many times. */
void tcp_on_syn_lost(struct tcp_conn *c, unsigned times);
void tcp_recovery_sent(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_init_congestion(struct tcp_conn *c);
uint32_t tcp_in_flight(const struct tcp_conn *c);
struct tcp_cc_event tcp_cc_event(const struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_tell_cwnd(struct tcp_conn *c, uint32_t before, const char *note); /* and ssthresh */
void tcp_tell_recovery(struct tcp_conn *c, uint32_t before, const char *note); /* an episode, and these */

/* tcp_rtt.c */
uint32_t tcp_rtt_sample(struct tcp_conn *c, uint64_t rtt_us); /* the sample as it was taken */
void tcp_rtt_init(struct tcp_conn *c);

/* tcp_output.c */
void tcp_want_output(struct tcp_conn *c); /* it may have something to send */
void tcp_ack_now(struct tcp_conn *c);
bool tcp_is_stalled(const struct tcp_conn *c); /* something may go, and nothing will send it; with TH_CHECKS */
/* How much new data may go in the next segment. */
bool tcp_may_send_new(const struct tcp_conn *c, uint32_t *len);
/* An empty segment one before snd.nxt: keep-alive. */
void tcp_send_probe(struct tcp_conn *c, const char *note);
void tcp_send_rst(struct tcp_conn *c);
void tcp_send_last_ack(struct tcp_conn *c); /* of the peer's FIN, before the block goes */
/* An answer without a connection. */
void tcp_reply_rst(const struct tcp_in *in);
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

/* tcp_urgent.c */
void tcp_urgent_received(struct tcp_conn *c, const struct tcp_in *in);
void tcp_tell_urgent(struct tcp_conn *c); /* on_urgent(), once a mark, to whoever has the connection */
uint32_t tcp_urgent_unread(const struct tcp_conn *c);
void tcp_urgent_queued(struct tcp_conn *c); /* all that is in the send queue now is urgent */
bool tcp_urgent_outstanding(const struct tcp_conn *c);
void tcp_urgent_mark(struct tcp_conn *c, struct tcp_reply *r); /* URG and its pointer, if r is before the mark */

/* tcp_report.c: what observers are told ... */
void tcp_tell_observers(const struct tcp_conn *c, enum trace_kind kind, const char *note, uint64_t old_value,
			uint64_t new_value);
/* One predicted branch when nobody watches. */
static inline void tcp_tell(const struct tcp_conn *c, enum trace_kind kind, const char *note, uint64_t old_value,
			    uint64_t new_value)
{
	if (UNLIKELY(c->tcp->world->observer != NULL))
		tcp_tell_observers(c, kind, note, old_value, new_value);
}
/* ... and the layer above: soft errors. Afterwards the connection may be gone. */
void tcp_report_icmp(struct tcp_conn *c, enum icmp_error_kind kind); /* any but ICMP_TOO_BIG */
void tcp_report_r1(struct tcp_conn *c); /* R1 is reached or exceeded */

/* tcp_timers.c: callers report events, this file knows timers */
void tcp_timers_init(struct tcp_conn *c);
bool tcp_timers_run(const struct tcp_conn *c);      /* no deadline will be missed; with TH_CHECKS */
void tcp_timers_stop(struct tcp_conn *c);
/* A segment went out, and must be acknowledged. */
void tcp_timers_data_sent(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_timers_acked(struct tcp_conn *c, bool sampled); /* snd.una moved; was the round trip measured? */
void tcp_timers_reordering(struct tcp_conn *c, uint64_t wait_us); /* RACK waits so long; 0: for nothing */
void tcp_timers_paced(struct tcp_conn *c);          /* something waits until paced_until_us */
void tcp_timers_window_opened(struct tcp_conn *c);  /* it was closed, and probed */
void tcp_timers_segment_received(struct tcp_conn *c); /* the peer is alive */
void tcp_timers_text_received(struct tcp_conn *c);  /* an ACK is owed */
void tcp_timers_ack_sent(struct tcp_conn *c);
void tcp_timers_state_entered(struct tcp_conn *c);
void tcp_timers_blocked(struct tcp_conn *c);        /* data waits and nothing is in flight */

#endif
