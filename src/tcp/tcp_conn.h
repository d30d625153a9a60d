/*
 * The connection block (RFC 9293 section 3.3.1's TCB), the instance, a segment while it is processed, and the
 * functions of files that have no header of their own. What one concern keeps in the block, and offers to the
 * others, stands in its own header: tcp_send.h, tcp_rack.h, tcp_mtu.h and so on. Only src/tcp/ and its tests
 * include this.
 */
#ifndef TCP_TCP_CONN_H
#define TCP_TCP_CONN_H

#include "base/list.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp/tcp_busy.h"
#include "tcp/tcp_cc.h"
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_emit.h"
#include "tcp/tcp_listen.h"
#include "tcp/tcp_mtu.h"
#include "tcp/tcp_options.h"
#include "tcp/tcp_rack.h"
#include "tcp/tcp_rate.h"
#include "tcp/tcp_receive_space.h"
#include "tcp/tcp_record.h"
#include "tcp/tcp_recovery.h"
#include "tcp/tcp_reorder.h"
#include "tcp/tcp_sack.h"
#include "tcp/tcp_send.h"
#include "tcp/tcp_timers.h"
#include "tcp/tcp_timewait.h"
#include "tcp/tcp_undo.h"
#include "tcp/tcp_urgent.h"
#include "tcp/tcp_user_timeout.h"

enum {
	TCP_HEADER_LEN = 20,
	TCP_MIN_MSS = 48,            /* smaller ones in a SYN are raised: we would send hardly but headers */
	TCP_DEFAULT_MSS_4 = 536,     /* MUST-15 */
	TCP_DEFAULT_MSS_6 = 1220,
	TCP_R1 = 3,                  /* SHLD-10 */
	TCP_MAX_DUP_ACKS_OWED = 8,
	TCP_TOS_DSCP = 0xfc,         /* RFC 2474 section 3; the other two bits: RFC 3168 */
};

enum tcp_flags {
	TH_FIN = 1, TH_SYN = 2, TH_RST = 4, TH_PSH = 8, TH_ACK = 16, TH_URG = 32, TH_ECE = 64, TH_CWR = 128,
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

struct tcp_conn {
	struct stream stream;
	struct tcp *tcp;
	struct tcp_conn *hash_next;
	struct list output;          /* in tcp->output while it may have something to send; later in
					tcp->lingering, tcp->graveyard */
	struct timer timer;          /* at the earliest of the deadlines below, or earlier */
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t flags;              /* enum tcp_conn_flags */
	enum tcp_state state;        /* written by tcp_enter() only */
	uint32_t neighbour_hint;
	uint32_t hash;               /* of the four-tuple: its lower half, which finds all buckets */
	struct tcp_busy *busy;       /* NULL: it rests ... */
	struct tcp_rested rested;    /* ... and this is remembered */
	uint64_t id;                 /* counts up with each connection: logs and the live view name it so */

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
	uint32_t rcv_buffer;         /* bytes: grows, and never shrinks (SHLD-14) */
	uint16_t rcv_mss;            /* largest segment seen: the unit of delayed ACK */

	/* Timestamps (RFC 7323) */
	uint32_t ts_recent, ts_offset;
	uint64_t ts_recent_us;       /* when ts_recent was taken */

	/* Round trip (RFC 6298) */
	uint32_t srtt_us, rttvar_us, rto_us;
	uint8_t backoff;             /* times rto was doubled since the last sample */
	uint16_t timeouts;           /* of the retransmission timer since the last new ACK */
	uint32_t min_rtt_us;         /* of the last five to ten minutes; 0: no sample */

	/* Loss recovery and congestion control */
	struct seq recover;          /* snd.nxt when recovery last began (RFC 6582), or before snd.una */
	struct tcp_ecn ecn;
	struct tcp_mtu mtu;

	uint64_t idle_at;            /* deadline of keep-alive, FIN-WAIT-2 (tcp_timers.c) */
	uint64_t last_received_us;
	uint64_t data_sent_us;       /* when text, SYN or FIN was last sent, or 0 */

	uint64_t bytes_acked, bytes_received;
	uint32_t segs_in, segs_out, retransmissions;
	uint8_t ttl, tos, rcv_tos;   /* tos: DSCP in its upper six bits; the others belong to ECN */
	bool reports_off;            /* of soft errors */
	uint8_t soft_error;          /* last soft ICMP error (enum icmp_error_kind + 1), 0: none */
	uint8_t keepalive_sent;      /* probes unanswered */
	uint8_t first_cc;            /* congestion control that it began with: tcp_cc_number() */
};
_Static_assert(sizeof(struct tcp_conn) <= 384, "an idle connection is small (docs/architecture.md)");

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
	struct list busy;             /* struct tcp_busy: connections that do not rest */
	struct timer busy_timer;
	struct list graveyard;        /* dead connections, freed where no caller can hold them */
	struct tcp_conn **conns;      /* buckets */
	uint32_t n_buckets;
	struct pool conn_pool, busy_pool, listener_pool, segment_pool, piece_pool, chunk_pool, range_pool;
	struct tcp_records syns;      /* half-open connections */
	struct tcp_record_queue syn_stages[TCP_SYN_STAGES];
	struct timer syn_timer;
	struct tcp_records timewaits;
	struct tcp_record_queue timewait_queue;
	struct timer timewait_timer;
	uint16_t next_ephemeral;
	uint32_t accept_queued;
	uint32_t orphans;             /* connections with CONN_DETACHED */
	uint64_t last_id;             /* given to a connection; the next is so much more: */
	uint32_t id_step;
	struct tcp_counters counters;
	struct tcp_times times;
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

/* Before anything else is done with a connection that was found, not made. False: it rested, and there is no
 * memory for it. */
static inline bool tcp_wake(struct tcp_conn *c)
{
	return LIKELY(c->busy != NULL) || tcp_busy_renew(c);
}

/* An episode of loss recovery goes on, after a fast retransmission or a timeout. */
static inline bool is_recovering(const struct tcp_conn *c)
{
	return (c->flags & (CONN_RECOVERY | CONN_RTO_RECOVERY)) != 0;
}

/* Both sides agreed on it (RFC 3168). */
static inline bool tcp_uses_ecn(const struct tcp_conn *c)
{
	return UNLIKELY((c->ecn.flags & ECN_AGREED) != 0);
}

static inline uint32_t tcp_in_flight(const struct tcp_conn *c)
{
	return c->busy->pipe > c->busy->reno_sacked ? c->busy->pipe - c->busy->reno_sacked : 0;
}

/* No more segments may be in flight. */
static inline bool tcp_flight_is_full(const struct tcp_conn *c)
{
	return UNLIKELY(c->busy->flight_segments >= TCP_SCARCE_FLIGHT) &&
	       c->busy->flight_segments >= tcp_max_flight(c);
}

static inline bool tcp_is_paced(const struct tcp_conn *c)
{
	return c->busy->cc.pacing_rate != 0;
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

/* The clock of half-open records, good for spans of up to 35 minutes. */
static inline uint32_t tcp_now_us(const struct tcp *tcp)
{
	return (uint32_t)tcp->world->now_us;
}

/* The millisecond clock of timestamps and of TIME-WAIT records; wraps. */
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
void tcp_bury_all(struct tcp *tcp);
/* Frees the dead, if no frame that waits to be sent names one: observers are told of frames with their
 * connection. */
static inline void tcp_bury(struct tcp *tcp)
{
	if (UNLIKELY(!list_is_empty(&tcp->graveyard)) && tcp->ip->link->n_tx == 0)
		tcp_bury_all(tcp);
}
int tcp_local_index(const struct tcp *tcp, const struct ip_addr *local); /* in ip->addresses, -1: not ours */
struct tcp_conn *tcp_conn_of(struct stream *s);
uint16_t tcp_initial_receive_window(const struct tcp *tcp); /* fits a window field that is not scaled */
uint8_t tcp_receive_wscale(const struct tcp *tcp);

/* tcp_table.c */
uint64_t tcp_hash(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		  const struct ip_addr *remote, uint16_t remote_port);
/* A half of the limit: chains of two on average when all is full. */
uint32_t tcp_buckets_for(uint32_t limit);
int tcp_tables_new(struct tcp *tcp);
void tcp_tables_free(struct tcp *tcp);
void tcp_table_add(struct tcp_conn *c);
void tcp_table_remove(struct tcp_conn *c);
struct tcp_conn *tcp_table_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
				uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port);

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

/* tcp_pacing.c */
void tcp_pacing_update(struct tcp_conn *c);
bool tcp_pacing_allows(const struct tcp_conn *c);
void tcp_pacing_sent(struct tcp_conn *c, uint32_t len);
uint32_t tcp_pacing_burst(const struct tcp_conn *c); /* most bytes to send at once */

/* tcp_rtt.c */
uint32_t tcp_rtt_sample(struct tcp_conn *c, uint64_t rtt_us); /* the sample as it was taken */
void tcp_rtt_init(struct tcp_conn *c);

/* tcp_output.c */
void tcp_want_output(struct tcp_conn *c); /* it may have something to send */
void tcp_ack_now(struct tcp_conn *c);
bool tcp_is_stalled(const struct tcp_conn *c); /* something may go, nothing sends it; with TH_CHECKS */
/* How much new data may go in the next segment. */
bool tcp_may_send_new(const struct tcp_conn *c, uint32_t *len);

/* tcp_report.c: what observers are told ... */
void tcp_tell_observers(const struct tcp_conn *c, enum trace_kind kind, const char *note, uint64_t old_value,
			uint64_t new_value);
/* One predicted branch when nobody watches. */
static inline void tcp_tell(const struct tcp_conn *c, enum trace_kind kind, const char *note,
			    uint64_t old_value, uint64_t new_value)
{
	if (world_is_observed(c->tcp->world, kind))
		tcp_tell_observers(c, kind, note, old_value, new_value);
}
/* ... and the layer above: soft errors. Afterwards the connection may be gone. */
void tcp_report_icmp(struct tcp_conn *c, enum icmp_error_kind kind); /* any but ICMP_TOO_BIG */
void tcp_report_r1(struct tcp_conn *c); /* R1 is reached or exceeded */

#endif
