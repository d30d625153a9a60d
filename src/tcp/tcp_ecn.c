/*
 * Explicit congestion notification (RFC 3168): routers mark instead of dropping. A connection on which both
 * sides agreed sends its new data ECN-capable (ECT(0)); when a segment arrives marked (CE) each
 * acknowledgement says so (ECE) until the peer answers that it has slowed down (CWR); and what the peer echoes
 * slows us down, once a round trip, as a loss would.
 *
 * Not marked capable: retransmissions, window probes, pure acknowledgements and control segments (sections
 * 6.1.4 to 6.1.6).
 */
#include "tcp/tcp_conn.h"

enum { ECN_MASK = 3, ECN_ECT_0 = 2, ECN_CE = 3 };

void tcp_ecn_received(struct tcp_conn *c, const struct tcp_in *in)
{
	if ((c->ecn.flags & ECN_AGREED) == 0)
		return;
	if ((in->flags & TH_CWR) != 0) /* section 6.1.3 */
		c->ecn.flags &= (uint8_t)~ECN_ECHO;
	if ((in->packet->tos & ECN_MASK) == ECN_CE && in->text.len > 0) {
		c->tcp->counters.in_ce++;
		c->ecn.flags |= ECN_ECHO;
		tcp_ack_now(c); /* the sender should slow down now, not after a delayed ACK */
	}
}

/* The peer echoes a mark: as for a loss, but nothing is sent again (section 6.1.2). */
static void slow_down(struct tcp_conn *c, const struct tcp_delivery *d)
{
	uint32_t before = c->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, d);

	c->cc.prior_cwnd = 0; /* nothing to undo */
	c->tcp->counters.ecn_reductions++;
	c->ecn.flags |= ECN_CWR_DUE | ECN_REDUCED;
	c->ecn.until = c->snd_nxt;
	if (c->cc.ops->on_ecn != NULL)
		c->cc.ops->on_ecn(&c->cc, &e);
	else
		c->cc.ops->on_loss(&c->cc, &e);
	tcp_tell_cwnd(c, before, "congestion: ECN-Echo");
}

void tcp_ecn_on_ack(struct tcp_conn *c, const struct tcp_delivery *d)
{
	bool in_episode = (c->flags & (CONN_RECOVERY | CONN_RTO_RECOVERY)) != 0;

	if ((c->ecn.flags & ECN_AGREED) == 0)
		return;
	if ((c->ecn.flags & ECN_REDUCED) != 0 && seq_ge(c->snd_una, c->ecn.until))
		c->ecn.flags &= (uint8_t)~ECN_REDUCED;
	if ((d->in->flags & TH_ECE) == 0 || (d->in->flags & TH_SYN) != 0)
		return;
	if ((c->ecn.flags & ECN_REDUCED) == 0 && !in_episode)
		slow_down(c, d);
	else if (in_episode)
		c->ecn.flags |= ECN_CWR_DUE; /* the window has been reduced: the peer may stop echoing */
}

uint8_t tcp_ecn_flags(struct tcp_conn *c, bool new_text)
{
	uint8_t flags = (c->ecn.flags & ECN_ECHO) != 0 ? TH_ECE : 0;

	if (new_text && (c->ecn.flags & ECN_CWR_DUE) != 0) {
		c->ecn.flags &= (uint8_t)~ECN_CWR_DUE;
		flags |= TH_CWR;
	}
	return flags;
}

uint8_t tcp_ecn_codepoint(const struct tcp_conn *c, bool new_text)
{
	return new_text && (c->ecn.flags & ECN_AGREED) != 0 ? ECN_ECT_0 : 0;
}
