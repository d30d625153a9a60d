/*
 * Finding losses without SACK: three duplicate acknowledgements (RFC 5681 section 3.2), NewReno's partial
 * acknowledgements (RFC 6582), limited transmit (RFC 3042).
 *
 * A duplicate acknowledgement says that one segment has left the network; it is counted in reno_sacked, which
 * lowers what is deemed in flight and so lets one segment out. (RFC 6582 says the same by inflating cwnd.)
 */
#include "tcp/tcp_conn.h"

/*
 * Do three duplicate ACKs mean a loss? After recovery what had arrived may have been sent again, and they are
 * the answer to that: RFC 6582 section 3.2 step 2. But if ACKs came steadily before, nothing was sent
 * needlessly (section 4.1).
 */
static bool is_loss(const struct tcp_conn *c)
{
	return seq_gt(c->snd_una, c->recover) ||
	       (c->busy->cc.cwnd > c->mss && c->busy->last_acked <= 4u * c->mss);
}

void tcp_newreno_on_duplicate_ack(struct tcp_conn *c, struct tcp_delivery *d)
{
	if ((c->flags & CONN_RTO_RECOVERY) != 0)
		return;
	c->busy->reno_sacked += c->mss;
	if (c->busy->reno_sacked > c->busy->pipe)
		c->busy->reno_sacked = c->busy->pipe;
	tcp_want_output(c);
	if ((c->flags & CONN_RECOVERY) != 0 || ++c->dup_acks < TCP_DUP_ACK_THRESHOLD)
		return;
	if (!is_loss(c)) {
		c->dup_acks = 0;
		return;
	}
	tcp_enter_recovery(c, d, "loss: three duplicate ACKs");
	tcp_mark_head_lost(c);
}

void tcp_newreno_on_partial_ack(struct tcp_conn *c, uint32_t acked)
{
	/* The bytes acknowledged beyond the one segment that was sent again had been counted by duplicate
	 * ACKs. */
	uint32_t counted = acked > c->mss ? acked - c->mss : 0;

	c->busy->reno_sacked = c->busy->reno_sacked > counted ? c->busy->reno_sacked - counted : 0;
	tcp_mark_head_lost(c);
}
