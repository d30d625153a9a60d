/*
 * ICMP errors that concern a connection (RFC 9293 section 3.9.2.2, MUST-54 to MUST-56). An error is believed
 * only if it quotes something that is in flight (RFC 5927 section 4.1): otherwise anyone could forge it
 * blindly.
 */
#include "tcp/tcp_conn.h"

static bool is_hard(enum icmp_error_kind kind)
{
	return kind == ICMP_PROTOCOL_UNREACHABLE || kind == ICMP_PORT_UNREACHABLE;
}

/* Of a half-open connection only the SYN-ACK can be meant. A hard error ends it as it ends a block in
 * SYN-RECEIVED; after a soft one the SYN-ACK goes again and again until its limit, whatever the error
 * said. */
static enum drop_reason half_open_error(struct tcp *tcp, struct tcp_syn *syn, uint64_t hash,
					const struct icmp_error *e, struct seq seq)
{
	if (!seq_eq(seq, syn->iss))
		return world_drop(tcp->world, DROP_ICMP_BLIND);
	if (is_hard(e->kind)) {
		tcp->counters.attempt_fails++;
		tcp_note_state(tcp, TCP_SYN_RECEIVED, TCP_CLOSED);
		tcp_syn_forget(tcp, syn, hash);
	}
	return DROP_NONE;
}

/* What an error that is believed does to a connection. */
static void take_error(struct tcp_conn *c, const struct icmp_error *e)
{
	c->soft_error = (uint8_t)(e->kind + 1);
	if (e->kind == ICMP_TOO_BIG) {
		tcp_mtu_reported(c, e->mtu);
	} else if (is_hard(e->kind) && in_state(c, TCP_SYN_SENT | TCP_SYN_RECEIVED)) {
		/* SHLD-26, but as RFC 5461 section 4.1 reports of all stacks: not once the connection is
		 * synchronised. */
		c->tcp->counters.attempt_fails++;
		tcp_conn_end(c, STREAM_END_UNREACHABLE);
	} else {
		tcp_report_icmp(c, e->kind);
	}
}

enum drop_reason tcp_icmp_error(struct tcp *tcp, const struct icmp_error *e)
{
	struct tcp_conn *c;
	struct tcp_syn *syn;
	uint16_t local_port, remote_port;
	struct seq seq;
	uint64_t hash;

	if (e->quoted.len < 8)
		return world_drop(tcp->world, DROP_ICMP_MALFORMED);
	local_port = load_be16(e->quoted.data);
	remote_port = load_be16(e->quoted.data + 2);
	seq = seq_of(load_be32(e->quoted.data + 4));
	hash = tcp_hash(tcp, &e->src, local_port, &e->dst, remote_port);
	c = tcp_table_find(tcp, hash, &e->src, local_port, &e->dst, remote_port);
	syn = c == NULL ? tcp_syn_find(tcp, hash, &e->src, local_port, &e->dst, remote_port) : NULL;
	if (syn != NULL)
		return half_open_error(tcp, syn, hash, e, seq);
	if (c == NULL)
		return world_drop(tcp->world, DROP_ICMP_NO_CONNECTION);
	/* Of a connection that rests nothing is in flight: none is believed. */
	if (seq_lt(seq, c->snd_una) || seq_ge(seq, c->snd_nxt))
		return world_drop(tcp->world, DROP_ICMP_BLIND);
	take_error(c, e);
	tcp_check(c);
	return DROP_NONE;
}
