/*
 * The urgent mechanism (RFC 9293 section 3.8.5). An application must not begin to use it (SHLD-13), but those
 * that do are understood. Urgent data stays in line, whatever its length (MUST-31), as RFC 6093 section 6
 * advises: the mark is only the place up to which the stream is urgent, which names the octet after the
 * urgent data (MUST-62). Both marks are forgotten when they have been read, or acknowledged, so that they
 * cannot seem to lie ahead again once sequence numbers have wrapped.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

/* ---- received ---- */

/* The first octet that the layer above has not taken. */
static struct seq next_unread(const struct tcp_conn *c)
{
	uint32_t fin = (c->flags & CONN_FIN_RECEIVED) != 0 ? 1 : 0;

	return seq_sub(c->rcv_nxt, c->busy->received_bytes + fin);
}

uint32_t tcp_urgent_unread(const struct tcp_conn *c)
{
	const struct tcp_urgent *u = &c->busy->urgent;

	return u->receiving && seq_gt(u->rcv_up, next_unread(c)) ? seq_len(u->rcv_up, next_unread(c)) : 0;
}

void tcp_tell_urgent(struct tcp_conn *c)
{
	const struct stream_handler *h = c->stream.handler;

	if ((c->flags & (CONN_ACCEPTED | CONN_DETACHED)) != CONN_ACCEPTED || h == NULL ||
	    c->busy->urgent.told)
		return;
	c->busy->urgent.told = true;
	if (tcp_urgent_unread(c) > 0 && h->on_urgent != NULL)
		h->on_urgent(&c->stream);
}

static void note_mark(struct tcp_conn *c, struct seq up)
{
	c->busy->urgent.receiving = true;
	c->busy->urgent.rcv_up = up;
	c->busy->urgent.told = false;
	c->tcp->counters.urgent_in++;
	tcp_tell(c, TRACE_TCP_URGENT, "urgent data announced", 0, tcp_urgent_unread(c));
	tcp_tell_urgent(c);
}

void tcp_urgent_received(struct tcp_conn *c, const struct tcp_in *in)
{
	struct tcp_urgent *u = &c->busy->urgent;

	if (u->receiving && seq_le(u->rcv_up, next_unread(c)))
		u->receiving = false;
	if ((in->flags & TH_URG) == 0 || !in_state(c, TCP_CAN_RECEIVE_TEXT))
		return;
	/* MUST-32: where there was no urgent data before, and where the mark moves on. */
	if (seq_gt(in->urgent, next_unread(c)) && (!u->receiving || seq_gt(in->urgent, u->rcv_up)))
		note_mark(c, in->urgent);
}

/* ---- sent ---- */

void tcp_urgent_queued(struct tcp_conn *c)
{
	c->busy->urgent.sending = true;
	c->busy->urgent.snd_up = seq_add(c->snd_nxt, c->busy->unsent);
	c->tcp->counters.urgent_out++;
	/* The mark goes out now, on an empty segment if the windows hold the data back. */
	tcp_ack_now(c);
}

bool tcp_urgent_outstanding(const struct tcp_conn *c)
{
	return c->busy->urgent.sending && seq_gt(c->busy->urgent.snd_up, c->snd_una);
}

void tcp_urgent_mark(struct tcp_conn *c, struct tcp_reply *r)
{
	uint32_t ahead;

	if (!c->busy->urgent.sending || (r->flags & (TH_SYN | TH_RST)) != 0)
		return;
	c->busy->urgent.sending = tcp_urgent_outstanding(c);
	if (!c->busy->urgent.sending || seq_ge(r->seq, c->busy->urgent.snd_up))
		return;
	/* A mark too far ahead for the field is named as far as it reaches; it moves on as the data does. */
	ahead = seq_len(c->busy->urgent.snd_up, r->seq);
	r->urgent = (uint16_t)min_u32(ahead, UINT16_MAX);
	r->flags |= TH_URG;
}
