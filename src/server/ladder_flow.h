/*
 * Connections, as the ladder follows them: told apart, their sides named, numbers made relative to the first,
 * what is sent again recognised, and the state of both sides known after each segment.
 *
 * Our own state is what TCP says. The peer's is inferred from the segments: what it sent proves where it was,
 * and what we sent is taken to have arrived, as in RFC 9293 figures 6 and 12. The next segment of the peer's
 * corrects that.
 */
#ifndef SERVER_LADDER_FLOW_H
#define SERVER_LADDER_FLOW_H

#include "base/list.h"
#include "server/ladder_content.h"
#include "tcp/tcp.h"

enum { LADDER_FLOWS = 256 }; /* most at once, and buckets; the one that was silent longest gives way */

enum ladder_end { LADDER_CLIENT, LADDER_SERVER, LADDER_ENDS };

struct ladder_side {
	struct ip_addr addr;
	uint16_t port;
	bool has_first;          /* first is known: its SYN's number, or that of the first segment seen */
	bool syn, syn_acked, fin, fin_acked, reset;
	bool syn_taken;          /* the other side has not thrown its SYN away */
	bool fin_second;         /* its FIN acknowledges the other's */
	bool has_scale;
	uint8_t scale;
	struct seq first, fin_end, next; /* next: behind all that it has sent */
};

struct ladder_flow {
	struct list node;
	struct ladder_flow *next_in_bucket;
	unsigned number;         /* from 1 */
	uint64_t connection;     /* its number in logs and connections.json; 0: none yet */
	uint64_t started_us, heard_us;
	struct ladder_side side[LADDER_ENDS];
	enum ladder_end ours;
	enum tcp_state own;      /* ours as TCP says; 0: it has not */
	enum tcp_state told;     /* what it has become since the last segment, or 0 */
	bool third_ack_seen;
	bool is_new;             /* no segment yet */
};

/* After one segment. */
struct ladder_step {
	enum ladder_end from;
	uint32_t seq, ack;       /* relative, as tshark has them */
	uint32_t window;         /* scaled */
	enum tcp_state state[LADDER_ENDS];
	bool changed[LADDER_ENDS];
	bool is_again;           /* all of it had been sent before */
	bool is_third_ack;       /* the one that ends the handshake */
};

struct ladder_flows {
	struct list recent;      /* the one that was heard last is first */
	struct list unused;
	unsigned count;          /* numbers given */
	uint64_t patience_us;    /* one that was heard within this time gives way to none */
	struct ladder_flow *buckets[LADDER_FLOWS];
	struct ladder_flow all[LADDER_FLOWS];
};

void ladder_flows_init(struct ladder_flows *f);

/* The connection between our address and the peer's, or NULL. */
struct ladder_flow *ladder_flow_find(struct ladder_flows *f, const struct ip_addr *ours, uint16_t our_port,
				     const struct ip_addr *peer, uint16_t peer_port);

/* That of a segment of ours (is_out) or the peer's, which may be a new one. NULL: none gives way to it. */
struct ladder_flow *ladder_flow_of(struct ladder_flows *f, const struct ladder_segment *s, bool is_out,
				   uint64_t now_us);

/* What TCP knows of a connection that is seen from the middle, before its first segment s is followed. */
void ladder_flow_learn(struct ladder_flow *f, const struct tcp_info *info, const struct ladder_segment *s,
		       bool is_out);

/* TCP has entered a state. It holds from the next segment on, which is the one that it comes of. */
void ladder_flow_tell(struct ladder_flow *f, enum tcp_state to);

/* Follows the segment. drop: why it was not taken. own: our state after it, or 0: what was told. */
void ladder_flow_take(struct ladder_flow *f, const struct ladder_segment *s, bool is_out,
		      enum drop_reason drop, enum tcp_state own, struct ladder_step *out);

enum tcp_state ladder_flow_state(const struct ladder_flow *f, enum ladder_end end);

#endif
