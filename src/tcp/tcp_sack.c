/*
 * The scoreboard of selective acknowledgements (RFC 2018, RFC 6675 section 3): what the peer says that it
 * holds is marked in the flight itself. A super-segment is cut where a block begins or ends, at whole
 * segments only, so that a peer that reports single octets cannot make us keep one record for each.
 *
 * The first block may instead report a duplicate (D-SACK, RFC 2883): then it lies below the acknowledgement,
 * or within the second block.
 */
#include "tcp/tcp_conn.h"

static bool lies_within(const struct sack_block *inner, const struct sack_block *outer)
{
	return seq_ge(inner->left, outer->left) && seq_le(inner->right, outer->right);
}

static bool is_duplicate_report(const struct tcp_conn *c, const struct tcp_in *in)
{
	const struct sack_block *b = in->options.sack;

	/* What was acknowledged long ago cannot have been sent again now: a lie, or a very old segment. */
	if (seq_ge(b->left, b->right) || seq_lt(b->left, seq_sub(c->snd_una, c->max_snd_wnd)) ||
	    seq_gt(b->right, c->snd_nxt))
		return false;
	return seq_le(b->right, in->ack) || (in->options.n_sack > 1 && lies_within(b, b + 1));
}

/* Only of what was sent, and not beyond the cumulative acknowledgement. */
static bool is_possible(const struct tcp_conn *c, const struct tcp_in *in, const struct sack_block *b)
{
	return seq_lt(b->left, b->right) && seq_gt(b->left, seq_max(c->snd_una, in->ack)) &&
	       seq_le(b->right, c->snd_nxt);
}

/* Did the last acknowledgement carry the same block? Then it was dealt with. */
static bool was_seen(const struct tcp_conn *c, const struct sack_block *b)
{
	for (unsigned i = 0; i < TCP_SACK_BLOCKS; i++)
		if (seq_eq(c->busy->sacks_seen[i].left, b->left) &&
		    seq_eq(c->busy->sacks_seen[i].right, b->right))
			return true;
	return false;
}

/* Marks the whole segments of s that lie within the block, cutting s as needed. */
static void mark(struct tcp_conn *c, struct tcp_segment *s, const struct sack_block *b,
		 struct tcp_delivery *d)
{
	uint32_t from = seq_gt(b->left, s->seq) ? seq_len(b->left, s->seq) : 0;
	uint32_t to = seq_ge(b->right, seq_add(s->seq, s->len)) ? s->len : seq_len(b->right, s->seq);

	from = (from + c->mss - 1) / c->mss * c->mss;
	if (to < s->len)
		to -= to % c->mss;
	if (from >= to || ((from > 0 || to < s->len) && tcp_segments_are_scarce(c->tcp)))
		return;
	if (to < s->len && !tcp_segment_split(c, s, to))
		return;
	if (from > 0) {
		if (!tcp_segment_split(c, s, from))
			return;
		s = LIST_ENTRY(s->node.next, struct tcp_segment, node);
	}
	tcp_segment_sacked(c, s, d);
}

/* The first segment of the flight that reaches into the block, sought from the nearer end. */
static struct list *find_first(struct tcp_conn *c, const struct sack_block *b)
{
	struct list *n;

	if (seq_len(b->left, c->snd_una) < seq_len(c->snd_nxt, b->left)) {
		for (n = c->busy->flight.next; n != &c->busy->flight; n = n->next) {
			const struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
			if (seq_gt(seq_add(s->seq, s->len), b->left))
				break;
		}
		return n;
	}
	for (n = c->busy->flight.prev; n != &c->busy->flight; n = n->prev)
		if (seq_le(LIST_ENTRY(n, struct tcp_segment, node)->seq, b->left))
			break;
	return n;
}

static void mark_block(struct tcp_conn *c, const struct sack_block *b, struct tcp_delivery *d)
{
	struct list *next;

	for (struct list *n = find_first(c, b); n != &c->busy->flight; n = next) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		next = n->next;
		if (seq_ge(s->seq, b->right))
			return;
		if ((s->flags & SEG_SACKED) == 0)
			mark(c, s, b, d);
	}
}

void tcp_sack_input(struct tcp_conn *c, struct tcp_delivery *d)
{
	const struct tcp_options *o = &d->in->options;
	unsigned first = 0;

	if ((c->flags & CONN_SACK) == 0 || o->n_sack == 0)
		return;
	if (is_duplicate_report(c, d->in)) {
		d->dsack = true;
		d->duplicate = o->sack[0];
		first = 1;
		if (seq_le(o->sack[0].right, d->in->ack))
			c->tcp->counters.dsack_recv++;
		else
			c->tcp->counters.dsack_ofo_recv++;
	}
	for (unsigned i = first; i < o->n_sack; i++)
		if (is_possible(c, d->in, &o->sack[i]) && !was_seen(c, &o->sack[i]))
			mark_block(c, &o->sack[i], d);
	for (unsigned i = 0; i < TCP_SACK_BLOCKS; i++)
		c->busy->sacks_seen[i] = i < o->n_sack ? o->sack[i] : (struct sack_block){ { 0 }, { 0 } };
}

void tcp_sack_forget(struct tcp_conn *c)
{
	LIST_FOR_EACH(n, &c->busy->flight) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		if ((s->flags & SEG_SACKED) != 0)
			tcp_segment_reneged(c, s);
	}
	memset(c->busy->sacks_seen, 0, sizeof c->busy->sacks_seen);
}
