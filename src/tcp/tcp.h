/*
 * TCP as the rooms above see it: the instance, its configuration and counters, listeners, opens. The
 * connection block itself is in tcp_conn.h, which only src/tcp/ and its tests include. A connection is a
 * stream (base/stream.h): data, half-close, close and abort go through there.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "base/histogram.h"
#include "base/pool.h"
#include "base/stream.h"
#include "base/world.h"
#include "ip/ip.h"

struct tcp_conn;
struct tcp_listener;

/* RFC 9293 section 3.3.2. One bit each, so that a set of states is an or of them. */
enum tcp_state {
	TCP_CLOSED = 1 << 0,
	TCP_LISTEN = 1 << 1,
	TCP_SYN_SENT = 1 << 2,
	TCP_SYN_RECEIVED = 1 << 3,
	TCP_ESTABLISHED = 1 << 4,
	TCP_FIN_WAIT_1 = 1 << 5,
	TCP_FIN_WAIT_2 = 1 << 6,
	TCP_CLOSE_WAIT = 1 << 7,
	TCP_CLOSING = 1 << 8,
	TCP_LAST_ACK = 1 << 9,
	TCP_TIME_WAIT = 1 << 10,
};
enum { TCP_STATES = 11 };

/* "SYN-RECEIVED", as the RFC spells it. */
const char *tcp_state_name(enum tcp_state s);

/* When a SYN is answered by a cookie instead of a half-open record (RFC 4987 section 3.6). */
enum tcp_syn_cookies {
	TCP_SYN_COOKIES_NEVER,
	TCP_SYN_COOKIES_AUTO,   /* when the SYN queue is full */
	TCP_SYN_COOKIES_ALWAYS,
};

/* Explicit congestion notification (RFC 3168). */
enum tcp_ecn_mode {
	TCP_ECN_OFF,
	TCP_ECN_ACCEPT, /* when the peer offers it */
	TCP_ECN_OFFER,  /* on our own opens too */
};

/* Probing for the path's MTU (RFC 4821, RFC 8899); what routers report is believed in any case. */
enum tcp_mtu_probing {
	TCP_MTU_PROBING_OFF,
	TCP_MTU_PROBING_BLACK_HOLE, /* when large segments do not arrive and no router says why */
	TCP_MTU_PROBING_ON,         /* begin small on every connection */
};

/* Set at tcp_new(); all times in microseconds, sizes in bytes. tcp_config_default() gives the documented
 * defaults. */
struct tcp_config {
	const char *congestion;       /* a name that tcp_cc_find() knows: "cubic", "bbr", "reno" */
	uint32_t max_connections;
	uint32_t syn_backlog;         /* half-open connections, all listeners together */
	uint32_t accept_backlog;      /* established and not yet accepted, a listener */
	uint32_t max_time_wait;
	uint8_t synack_retries;
	enum tcp_syn_cookies syn_cookies;
	bool fast_open;               /* as a server (RFC 7413): what comes with a SYN may come twice */
	uint32_t fast_open_backlog;   /* connections opened so whose third ACK has not come */
	uint64_t fast_open_key_lifetime_us;
	uint64_t syn_timeout_us;      /* R2 for SYNs: at least three minutes (MUST-23) */
	uint64_t msl_us;
	uint64_t user_timeout_us;     /* R2 (RFC 9293 section 3.8.3) */
	bool user_timeout_option;     /* tell the peer, and heed its wish (RFC 5482) ... */
	uint64_t user_timeout_max_us; /* ... up to this */
	uint64_t fin_wait_2_timeout_us;
	uint32_t max_orphans;         /* connections that the layer above has closed, not yet ended */
	uint64_t orphan_timeout_us;   /* how long one lasts while the peer's window is closed */
	uint64_t delayed_ack_us;
	uint64_t keepalive_idle_us, keepalive_interval_us;
	uint8_t keepalive_probes;
	uint32_t send_buffer, receive_buffer; /* a connection */
	uint32_t receive_buffer_max;  /* as far as it grows with what is taken; not above receive_buffer:
					never */
	uint32_t send_buffer_max;     /* the send buffer grows to two congestion windows, at most this */
	uint64_t memory;              /* receive-side copies of all connections together */
	uint32_t min_rto_us, max_rto_us, initial_rto_us;
	uint8_t ttl, tos;
	bool timestamps, window_scaling, sack;
	bool frto;                    /* tell spurious timeouts by new data (RFC 5682) */
	bool pacing;                  /* where the round trip is a millisecond or longer */
	enum tcp_ecn_mode ecn;
	enum tcp_mtu_probing mtu_probing;
};

void tcp_config_default(struct tcp_config *c);

/* Names as in /proc/net/snmp and /proc/net/netstat where Linux has the counter. X(field, "Name") */
#define TCP_COUNTERS(X)                                    \
	X(active_opens, "ActiveOpens")                     \
	X(passive_opens, "PassiveOpens")                   \
	X(attempt_fails, "AttemptFails")                   \
	X(estab_resets, "EstabResets")                     \
	X(in_segs, "InSegs")                               \
	X(out_segs, "OutSegs")                             \
	X(retrans_segs, "RetransSegs")                     \
	X(in_errs, "InErrs")                               \
	X(out_rsts, "OutRsts")                             \
	X(in_bytes, "TCPInBytes")                          \
	X(out_bytes, "TCPOutBytes")                        \
	X(in_csum_errors, "InCsumErrors")                  \
	X(syns_received, "TCPSynsReceived")                \
	X(synack_retrans, "TCPSynAckRetrans")              \
	X(synack_timeouts, "TCPSynAckTimeouts")            \
	X(syn_queue_full, "TCPReqQFullDrop")               \
	X(syn_queue_cookies, "TCPReqQFullDoCookies")       \
	X(fast_open_passive, "TCPFastOpenPassive")         \
	X(fast_open_fails, "TCPFastOpenPassiveFail")       \
	X(fast_open_overflows, "TCPFastOpenListenOverflow") \
	X(fast_open_cookies_asked, "TCPFastOpenCookieReqd") \
	X(cookies_sent, "SyncookiesSent")                  \
	X(cookies_received, "SyncookiesRecv")              \
	X(cookies_failed, "SyncookiesFailed")              \
	X(listen_overflows, "ListenOverflows")             \
	X(timeouts, "TCPTimeouts")                         \
	X(fast_retrans, "TCPFastRetrans")                  \
	X(slow_start_retrans, "TCPSlowStartRetrans")       \
	X(lost_retransmit, "TCPLostRetransmit")            \
	X(sack_recovery, "TCPSackRecovery")                \
	X(reno_recovery, "TCPRenoRecovery")                \
	X(sack_reorder, "TCPSACKReorder")                  \
	X(sack_reneging, "TCPSACKReneging")                \
	X(dsack_recv, "TCPDSACKRecv")                      \
	X(dsack_ofo_recv, "TCPDSACKOfoRecv")               \
	X(dsack_undo, "TCPDSACKUndo")                      \
	X(full_undo, "TCPFullUndo")                        \
	X(spurious_rtos, "TCPSpuriousRTOs")                \
	X(loss_probes, "TCPLossProbes")                    \
	X(loss_probe_recovery, "TCPLossProbeRecovery")     \
	X(in_ce, "InCEPkts")                               \
	X(ecn_reductions, "TCPECNReductions")              \
	X(mtu_black_holes, "TCPMTUBlackHoles")             \
	X(mtu_probes, "TCPMTUProbes")                      \
	X(mtu_probe_fails, "TCPMTUPFail")                  \
	X(mtu_probe_successes, "TCPMTUPSuccess")           \
	X(delayed_acks, "DelayedACKs")                     \
	X(delayed_ack_sent, "TCPDelayedAckFired")          \
	X(pure_acks, "TCPPureAcks")                        \
	X(dup_acks_in, "TCPDupAcksIn")                     \
	X(ooo_queued, "TCPOFOQueue")                       \
	X(ooo_dropped, "TCPOFODrop")                       \
	X(ooo_merged, "TCPOFOMerge")                       \
	X(receive_buffers_grown, "TCPRcvBufGrown")         \
	X(dsack_old_sent, "TCPDSACKOldSent")               \
	X(dsack_ofo_sent, "TCPDSACKOfoSent")               \
	X(challenge_acks, "TCPChallengeACK")               \
	X(paws_rejected, "PAWSEstab")                      \
	X(window_probes, "TCPWinProbe")                    \
	X(keepalives, "TCPKeepAlive")                      \
	X(user_timeouts_received, "TCPUserTimeoutRecv")    \
	X(abort_on_timeout, "TCPAbortOnTimeout")           \
	X(abort_on_data, "TCPAbortOnData")                 \
	X(abort_on_close, "TCPAbortOnClose")               \
	X(abort_on_memory, "TCPAbortOnMemory")             \
	X(abort_on_linger, "TCPAbortOnLinger")             \
	X(time_waited, "TW")                               \
	X(time_wait_recycled, "TWRecycled")                \
	X(time_wait_overflow, "TCPTimeWaitOverflow")       \
	X(data_on_third_ack, "TCPDataOnThirdAck")          \
	X(urgent_in, "TCPUrgentIn")                        \
	X(urgent_out, "TCPUrgentOut")                      \
	X(soft_errors, "TCPSoftErrors")

struct tcp_counters {
#define X(field, name) uint64_t field;
	TCP_COUNTERS(X)
#undef X
};

/* What took how long. */
struct tcp_times {
	struct histogram handshake; /* passive opens: SYN to third ACK, unless by cookie or Fast Open */
	struct histogram rtt;       /* every sample of the round trip */
};

struct tcp_listener_handler {
	/*
	 * A connection stands in the accept queue. The owner takes it with tcp_accept(), now or later; while
	 * the queue is full, third ACKs are dropped and the peer's handshake waits (its SYN-ACK is sent
	 * again).
	 */
	void (*on_acceptable)(struct tcp_listener *l, void *context);
	void *context;
};

struct tcp;

/* ip must outlive the instance. 0, -EINVAL (unknown congestion control), -ENOMEM. */
int tcp_new(const struct tcp_config *config, struct world *w, struct ip *ip, struct tcp **out);
/* Frees everything, without a word on the wire. Streams still open are closed with STREAM_END_ERROR. */
void tcp_free(struct tcp *tcp);

/* What a listener may have otherwise than the instance. */
struct tcp_listen_options {
	const char *congestion;  /* of the connections that it accepts; NULL: the instance's */
	uint32_t accept_backlog; /* 0: the instance's */
	uint32_t syn_backlog;    /* of the instance's so many at most are its half-open ones; 0: any number */
};

/* Passive open. addr any: all our addresses; options NULL: none. 0, -EADDRINUSE, -EADDRNOTAVAIL (not ours),
 * -EINVAL (unknown congestion control), -ENOMEM. handler is copied. */
int tcp_listen(struct tcp *tcp, const struct ip_addr *addr, uint16_t port,
	       const struct tcp_listener_handler *handler, const struct tcp_listen_options *options,
	       struct tcp_listener **out);
/* No new connections; half-open ones are forgotten, those not accepted are reset, accepted ones stay. */
void tcp_listener_close(struct tcp_listener *l);
/* From now on its connections, those too that nobody has accepted yet, are somebody else's, or have other
 * options. 0, or -EINVAL as above, and nothing has changed. */
int tcp_listener_change(struct tcp_listener *l, const struct tcp_listener_handler *handler,
			const struct tcp_listen_options *options);
uint16_t tcp_listener_port(const struct tcp_listener *l);

/* The oldest connection of the accept queue, or NULL. The caller sets stream->handler (and user) at once:
 * data that came with or before the third ACK is offered as soon as it calls stream_resume() or the current
 * segment goes on. */
struct stream *tcp_accept(struct tcp_listener *l);

/* Active open. local any: the IP layer chooses (MUST-44); port 0: one is chosen (RFC 6056). on_open, or
 * on_closed, tells the outcome. 0, -EINVAL (remote cannot be a host: MUST-46), -EHOSTUNREACH (no route),
 * -EADDRNOTAVAIL (local not ours, or no port free), -EADDRINUSE, -ENOMEM. */
int tcp_connect(struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		const struct ip_addr *remote, uint16_t remote_port, const struct stream_handler *handler,
		void *user, struct stream **out);

/* Options of a connection, at any time. */
void tcp_set_nodelay(struct stream *s, bool on);   /* Nagle off (MUST-17); off by default */
void tcp_set_keepalive(struct stream *s, bool on); /* MUST-24; off by default */
struct tcp_keepalive {
	uint64_t idle_us, interval_us; /* until the first probe, and between probes (MUST-27) */
	uint8_t probes;                /* that many unanswered end the connection */
};
void tcp_set_keepalive_times(struct stream *s, const struct tcp_keepalive *times); /* 0: as it is */
int tcp_set_congestion(struct stream *s, const char *name); /* as stream_set_congestion() */
void tcp_set_user_timeout(struct stream *s, uint64_t us);
void tcp_set_error_reports(struct stream *s, bool on); /* on_soft_error(); on by default (SHLD-20) */
void tcp_set_dscp(struct stream *s, uint8_t dscp);     /* 0 to 63, from the next segment on (MUST-48,
							SHLD-21) */
void tcp_set_ttl(struct stream *s, uint8_t ttl);       /* 1 to 255 (MUST-49) */

/* Copies up to len bytes of data that on_receive() left behind into buf: for owners who pull. Returns the
 * number copied. */
size_t tcp_recv(struct stream *s, void *buf, size_t len);

/* A picture of one connection: what TCP_INFO says on Linux, in bytes and microseconds. */
struct tcp_info {
	uint64_t id; /* as in struct stream_info */
	enum tcp_state state;
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t mss, cwnd, ssthresh, snd_wnd, rcv_wnd, in_flight, unsent, unread;
	uint32_t urgent_unread; /* octets up to the peer's urgent mark that nobody has taken (MUST-33) */
	uint32_t lost, sacked;         /* bytes: to be sent again; held by the peer out of order */
	uint32_t srtt_us, rttvar_us, rto_us, min_rtt_us;
	uint64_t pacing_rate, delivery_rate; /* bytes a second; 0: not paced, no sample yet */
	uint8_t snd_wscale, rcv_wscale;
	bool timestamps, window_scaling, sack, ecn;
	bool in_recovery, reordering_seen;
	uint32_t iss, irs, snd_una, snd_nxt, rcv_nxt;
	uint64_t bytes_acked, bytes_received, bytes_delivered, bytes_lost;
	uint32_t segs_in, segs_out, retransmissions;
	uint8_t dscp, ttl;      /* of segments that we send */
	uint8_t received_dscp;  /* of the last acceptable segment (MAY-9) */
	uint64_t user_timeout_us; /* that holds now */
	bool r1_passed; /* three retransmissions went unanswered (RFC 9293 section 3.8.3) */
	int soft_error; /* the last soft ICMP error (MUST-47): enum icmp_error_kind, or -1 */
	const char *congestion;
};
void tcp_conn_info(const struct tcp_conn *c, struct tcp_info *out);
static inline const struct tcp_conn *tcp_conn_of_stream(const struct stream *s)
{
	return (const struct tcp_conn *)(const void *)s;
}
static inline const struct stream *tcp_stream_of_conn(const struct tcp_conn *c)
{
	return (const struct stream *)(const void *)c;
}

/* Which connection it is, and its state: what costs nothing to ask. */
struct tcp_name {
	uint64_t id;
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	enum tcp_state state;
};
void tcp_conn_name(const struct tcp_conn *c, struct tcp_name *out);
/* The state, and the id into *id. */
enum tcp_state tcp_conn_state(const struct tcp_conn *c, uint64_t *id);
/* The connection between these two, or NULL. */
const struct tcp_conn *tcp_find(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
				const struct ip_addr *remote, uint16_t remote_port);

/* All connections, one call each; fn must not open or close any. Half-open and TIME-WAIT ones are records,
 * not connections: they are counted by tcp_usage(). */
void tcp_each(const struct tcp *tcp, void (*fn)(void *context, const struct tcp_conn *c), void *context);

/* What is left of a connection in TIME-WAIT. */
struct tcp_time_wait {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint64_t expires_us; /* from now on */
};
/* The records, those that last longest first, until fn says false. */
void tcp_each_time_wait(const struct tcp *tcp, bool (*fn)(void *context, const struct tcp_time_wait *record),
			void *context);

/* Connections get the numbers first + 1, first + 1 + step, and so on: of several instances with one step and
 * another first each, no two give the same. To be called before the first connection. */
void tcp_number_from(struct tcp *tcp, unsigned first, unsigned step);

/* Instances with the same key, and worlds of the same clock, take each other's cookies of Fast Open. To be
 * called before the first connection. */
void tcp_share_fast_open(struct tcp *tcp, const struct hash_key *key);

struct tcp_usage {
	uint32_t connections, half_open, accept_queued, orphans, time_wait;
};
void tcp_usage(const struct tcp *tcp, struct tcp_usage *out);
void tcp_each_pool(const struct tcp *tcp, pool_visit_fn *visit, void *context);
const struct tcp_counters *tcp_counters(const struct tcp *tcp);
const struct tcp_times *tcp_times(const struct tcp *tcp);

/* From the stack only. */
enum drop_reason tcp_input(struct tcp *tcp, const struct ip_packet *packet);
enum drop_reason tcp_icmp_error(struct tcp *tcp, const struct icmp_error *error);
/* Builds what may be sent now into the link's ring, connection by connection, until the ring is full. True if
 * more is waiting. */
bool tcp_output(struct tcp *tcp);
/* Some connection may have something to send. */
bool tcp_wants_output(const struct tcp *tcp);

#endif
