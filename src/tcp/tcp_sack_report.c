/*
 * What our acknowledgements report beside rcv.nxt: text held out of order (RFC 2018 section 4), and before
 * it, once, text that arrived although it was there already (D-SACK, RFC 2883 section 4).
 *
 * A batch of segments is acknowledged when it has been taken whole (RFC 9293 MUST-58, MUST-59). RFC 5681
 * section 4.2 wants an ACK at once for each segment out of order, for a sender that counts duplicate ACKs;
 * one with SACK counts what the blocks say (RFC 6675 section 2, RFC 8985 section 6.2). So it is owed one for
 * the batch, and more only if one has no room for all that is new: for each further set of blocks, and for
 * each further duplicate, of which an ACK can report one.
 */
#include "tcp/tcp_conn.h"

#include "base/minmax.h"

static bool is_empty(const struct sack_block *b)
{
	return seq_eq(b->left, b->right);
}

void tcp_sack_duplicate(struct tcp_conn *c, struct sack_block duplicate)
{
	struct sack_block
		*last = &c->busy->duplicates[c->busy->n_duplicates == 0 ? 0 : c->busy->n_duplicates - 1];

	if (is_empty(&duplicate) || (c->flags & CONN_SACK) == 0)
		return;
	/* A run of segments sent again is one contiguous sequence; the same one twice is two. */
	if (c->busy->n_duplicates > 0 && seq_eq(last->right, duplicate.left))
		last->right = duplicate.right;
	else if (c->busy->n_duplicates < TCP_DUPLICATES)
		c->busy->duplicates[c->busy->n_duplicates++] = duplicate;
}

unsigned tcp_sack_acks_owed(const struct tcp_conn *c)
{
	unsigned room = tcp_options_sack_room((c->flags & CONN_TIMESTAMPS) != 0);
	unsigned blocks = c->busy->reorder.n_untold + c->busy->n_duplicates;

	if (LIKELY(blocks == 0) || (c->flags & CONN_SACK) == 0)
		return 0;
	return max_u32((blocks + room - 1) / room, c->busy->n_duplicates);
}

static void report_duplicate(struct tcp_conn *c, struct tcp_options *o)
{
	o->sack[o->n_sack++] = c->busy->duplicates[0];
	if (seq_lt(c->busy->duplicates[0].left, c->rcv_nxt))
		c->tcp->counters.dsack_old_sent++;
	else
		c->tcp->counters.dsack_ofo_sent++;
	c->busy->n_duplicates--;
	memmove(c->busy->duplicates, c->busy->duplicates + 1,
		c->busy->n_duplicates * sizeof c->busy->duplicates[0]);
}

/* A FIN that arrived is kept too, by its number: a block up to it covers it. */
static void cover_fin(const struct tcp_conn *c, struct sack_block *blocks, unsigned n)
{
	if ((c->flags & CONN_FIN_KNOWN) == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		if (seq_eq(blocks[i].right, c->fin_seq))
			blocks[i].right = seq_add(c->fin_seq, 1);
}

void tcp_sack_report(struct tcp_conn *c, unsigned room, struct tcp_options *o)
{
	const struct sack_block *duplicate = NULL;
	struct sack_block *blocks = o->sack;
	unsigned n;

	if (room == 0)
		return;
	if (c->busy->n_duplicates > 0) {
		report_duplicate(c, o);
		duplicate = blocks++;
		room--;
	}
	n = tcp_reorder_report(&c->busy->reorder, duplicate, room, blocks);
	cover_fin(c, blocks, n);
	o->n_sack = (uint8_t)(o->n_sack + n);
}
