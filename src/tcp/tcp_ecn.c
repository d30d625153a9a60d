/*
 * Explicit congestion notification (RFC 3168): routers mark instead of dropping. A connection on which both
 * sides agreed sends its new data ECN-capable (ECT(0)); when a segment arrives marked (CE) each
 * acknowledgement says so (ECE) until the peer answers that it has slowed down (CWR); and what the peer
 * echoes slows us down, once a round trip, as a loss would.
 *
 * Not marked capable: retransmissions, window probes, pure acknowledgements and control segments (sections
 * 6.1.4 to 6.1.6).
 */
#include "base/minmax.h"
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

/* Once a round trip is enough, and the peer learns of it with the next new data (section 6.1.2). */
void tcp_ecn_reduced(struct tcp_conn *c)
{
	if ((c->ecn.flags & ECN_AGREED) == 0)
		return;
	c->ecn.flags |= ECN_CWR_DUE | ECN_REDUCED;
	c->ecn.until = c->snd_nxt;
}

/* The peer echoes a mark: as for a loss, but nothing is sent again (section 6.1.2). */
static void slow_down(struct tcp_conn *c, const struct tcp_delivery *d)
{
	uint32_t before = c->busy->cc.cwnd;
	struct tcp_cc_event e = tcp_cc_event(c, d);

	tcp_undo_forget(c);
	c->tcp->counters.ecn_reductions++;
	tcp_ecn_reduced(c);
	if (c->busy->cc.ops->on_ecn != NULL)
		c->busy->cc.ops->on_ecn(&c->busy->cc, &e);
	else
		c->busy->cc.ops->on_loss(&c->busy->cc, &e);
	c->busy->cc.cwnd = min_u32(c->busy->cc.cwnd, before); /* of one segment it would make two */
	tcp_tell_recovery(c, before, "congestion: ECN-Echo");
}

void tcp_ecn_on_ack(struct tcp_conn *c, const struct tcp_delivery *d)
{
	if ((c->ecn.flags & ECN_AGREED) == 0)
		return;
	if ((c->ecn.flags & ECN_REDUCED) != 0 && seq_ge(c->snd_una, c->ecn.until))
		c->ecn.flags &= (uint8_t)~ECN_REDUCED;
	if ((d->in->flags & TH_ECE) != 0 && (c->ecn.flags & ECN_REDUCED) == 0)
		slow_down(c, d);
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
