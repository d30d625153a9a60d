/* The next frames of one kind. */
#include "link/drop_next.h"

static bool is_of_kind(const struct frame_ends *f, enum drop_next_kind kind)
{
	unsigned opening = f->flags & (FRAME_TCP_SYN | FRAME_TCP_ACK);

	switch (kind) {
	case DROP_NEXT_SYN:
		return opening == FRAME_TCP_SYN;
	case DROP_NEXT_SYN_ACK:
		return opening == (FRAME_TCP_SYN | FRAME_TCP_ACK);
	case DROP_NEXT_DATA:
	default:
		return f->text_len > 0 && (opening & FRAME_TCP_SYN) == 0;
	}
}

/* What the peer sends next on the connection is its next request. */
static bool is_spared(struct drop_next *d, const struct frame_ends *f, bool is_rx)
{
	if (d->spared == 0 || (is_rx ? f->src_port : f->dst_port) != d->spared)
		return false;
	if (is_rx && f->text_len > 0)
		d->spared = 0;
	return d->spared != 0;
}

bool drop_next_takes(struct drop_next *d, const struct frame_ends *f, bool is_rx)
{
	if (d->left == 0 || !f->is_tcp || is_spared(d, f, is_rx) || !(is_rx ? d->rx : d->tx))
		return false;
	if (d->port != 0 && d->port != f->src_port && d->port != f->dst_port)
		return false;
	if (!is_of_kind(f, d->kind))
		return false;
	d->left--;
	return true;
}
