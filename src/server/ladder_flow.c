/* Connections followed, a segment at a time. */
#include "server/ladder_flow.h"

void ladder_flows_init(struct ladder_flows *f)
{
	list_init(&f->recent);
	list_init(&f->unused);
	f->count = 0;
	f->patience_us = 0;
	memset(f->buckets, 0, sizeof f->buckets);
	for (size_t i = 0; i < LADDER_FLOWS; i++)
		list_append(&f->unused, &f->all[i].node);
}

static bool is_side(const struct ladder_side *s, const struct ip_addr *addr, uint16_t port)
{
	return s->port == port && ip_addr_equal(&s->addr, addr);
}

/* Whoever chooses addresses and ports so that all are in one bucket has 256 to choose at most. */
static struct ladder_flow **bucket_of(struct ladder_flows *f, const struct ip_addr *peer, uint16_t peer_port,
				      uint16_t our_port)
{
	uint32_t ports = (uint32_t)peer_port << 16 | our_port;

	return &f->buckets[((load_be32(peer->b + 12) ^ ports) * 0x9e3779b1) >> 24]; /* the golden ratio's */
}

static struct ladder_flow **bucket_of_flow(struct ladder_flows *f, const struct ladder_flow *flow)
{
	const struct ladder_side *peer = &flow->side[!flow->ours];

	return bucket_of(f, &peer->addr, peer->port, flow->side[flow->ours].port);
}

static void enter_bucket(struct ladder_flows *f, struct ladder_flow *flow)
{
	struct ladder_flow **bucket = bucket_of_flow(f, flow);

	flow->next_in_bucket = *bucket;
	*bucket = flow;
}

static void leave_bucket(struct ladder_flows *f, struct ladder_flow *flow)
{
	struct ladder_flow **at = bucket_of_flow(f, flow);

	while (*at != flow)
		at = &(*at)->next_in_bucket;
	*at = flow->next_in_bucket;
}

struct ladder_flow *ladder_flow_find(struct ladder_flows *f, const struct ip_addr *ours, uint16_t our_port,
				     const struct ip_addr *peer, uint16_t peer_port)
{
	struct ladder_flow *flow = *bucket_of(f, peer, peer_port, our_port);

	while (flow != NULL && !(is_side(&flow->side[!flow->ours], peer, peer_port) &&
				 is_side(&flow->side[flow->ours], ours, our_port)))
		flow = flow->next_in_bucket;
	return flow;
}

/* ---- the states ---- */

/* Of a side, by what both have sent. */
static enum tcp_state closing_state(const struct ladder_side *s, const struct ladder_side *other)
{
	if (!s->fin)
		return other->fin ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
	if (s->fin_second)
		return s->fin_acked ? TCP_CLOSED : TCP_LAST_ACK;
	if (s->fin_acked)
		return other->fin ? TCP_TIME_WAIT : TCP_FIN_WAIT_2;
	return other->fin ? TCP_CLOSING : TCP_FIN_WAIT_1;
}

static enum tcp_state inferred(const struct ladder_flow *f, enum ladder_end end)
{
	const struct ladder_side *s = &f->side[end], *other = &f->side[!end];

	if (s->reset || other->reset)
		return TCP_CLOSED;
	if (end == LADDER_CLIENT) {
		if (!other->syn)
			return s->syn ? TCP_SYN_SENT : TCP_CLOSED;
	} else if (!s->syn || !s->syn_acked) {
		return other->syn_taken ? TCP_SYN_RECEIVED : TCP_LISTEN;
	}
	return closing_state(s, other);
}

enum tcp_state ladder_flow_state(const struct ladder_flow *f, enum ladder_end end)
{
	return end == f->ours && f->own != 0 ? f->own : inferred(f, end);
}

/* ---- the connection of a segment ---- */

static struct ladder_flow *take_unused(struct ladder_flows *f, uint64_t now_us)
{
	struct list *first = list_first(&f->unused);
	struct ladder_flow *oldest = LIST_ENTRY(f->recent.prev, struct ladder_flow, node);

	if (first == NULL && now_us < oldest->heard_us + f->patience_us)
		return NULL;
	if (first == NULL) {
		leave_bucket(f, oldest);
		first = &oldest->node;
	}
	list_remove(first);
	list_prepend(&f->recent, first);
	return LIST_ENTRY(first, struct ladder_flow, node);
}

/* A SYN, or the answer to one, says who is the client; else the lower port is taken for the server's. */
static enum ladder_end sender_of(const struct ladder_segment *s)
{
	if ((s->flags & LADDER_SYN) != 0)
		return (s->flags & LADDER_ACK) != 0 ? LADDER_SERVER : LADDER_CLIENT;
	return s->src_port < s->dst_port ? LADDER_SERVER : LADDER_CLIENT;
}

static struct ladder_flow *begin(struct ladder_flows *f, const struct ladder_segment *s, bool is_out,
				 uint64_t now_us)
{
	struct ladder_flow *flow = take_unused(f, now_us);
	enum ladder_end from = sender_of(s);
	/* Seen from the middle: the handshake is behind it. */
	bool is_open = (s->flags & (LADDER_SYN | LADDER_RST)) == 0;
	struct ladder_side side = { .syn = is_open, .syn_acked = is_open, .syn_taken = is_open };
	struct list node;

	if (flow == NULL)
		return NULL;
	node = flow->node;
	*flow = (struct ladder_flow){
		.node = node,
		.number = ++f->count,
		.started_us = now_us,
		.side = { side, side },
		.ours = is_out ? from : !from,
		.third_ack_seen = is_open,
		.is_new = true,
	};
	flow->side[from].addr = s->src;
	flow->side[from].port = s->src_port;
	flow->side[!from].addr = s->dst;
	flow->side[!from].port = s->dst_port;
	enter_bucket(f, flow);
	return flow;
}

/* The four-tuple is used again: a SYN that does not repeat the one seen. */
static bool begins_anew(const struct ladder_flow *flow, const struct ladder_segment *s, bool is_out)
{
	const struct ladder_side *sender = &flow->side[is_out ? flow->ours : !flow->ours];

	return (s->flags & (LADDER_SYN | LADDER_ACK)) == LADDER_SYN && sender->has_first &&
	       !seq_eq(sender->first, s->seq);
}

struct ladder_flow *ladder_flow_of(struct ladder_flows *f, const struct ladder_segment *s, bool is_out,
				   uint64_t now_us)
{
	struct ladder_flow *flow = is_out ? ladder_flow_find(f, &s->src, s->src_port, &s->dst, s->dst_port)
					  : ladder_flow_find(f, &s->dst, s->dst_port, &s->src, s->src_port);

	if (flow != NULL && begins_anew(flow, s, is_out)) {
		leave_bucket(f, flow);
		list_remove(&flow->node);
		list_prepend(&f->unused, &flow->node);
		flow = NULL;
	}
	if (flow == NULL)
		flow = begin(f, s, is_out, now_us);
	if (flow == NULL)
		return NULL;
	flow->heard_us = now_us;
	list_remove(&flow->node);
	list_prepend(&f->recent, &flow->node);
	return flow;
}

/* ---- a segment ---- */

static uint32_t relative(const struct ladder_side *s, struct seq n)
{
	return s->has_first ? seq_len(n, s->first) : 0;
}

/* RFC 7323 section 2.2: scaled from the handshake on, if both sides offered it. */
static uint32_t window(const struct ladder_segment *s, const struct ladder_side *from,
		       const struct ladder_side *to)
{
	bool is_scaled = (s->flags & LADDER_SYN) == 0 && from->has_scale && to->has_scale;

	return (uint32_t)s->window << (is_scaled ? from->scale : 0);
}

/* What is known of a side that was not heard before: its first number. */
static void learn_first(struct ladder_side *side, struct seq first)
{
	if (side->has_first)
		return;
	side->has_first = true;
	side->first = side->next = first;
}

static void know(struct ladder_side *side, uint32_t first, uint8_t scale, bool has_scale)
{
	side->has_first = true;
	side->first = side->next = seq_of(first);
	side->has_scale = has_scale;
	side->scale = scale;
}

void ladder_flow_learn(struct ladder_flow *f, const struct tcp_info *info, const struct ladder_segment *s,
		       bool is_out)
{
	struct ladder_side *ours = &f->side[f->ours], *peer = &f->side[!f->ours];

	know(ours, info->iss, info->rcv_wscale, info->window_scaling);
	know(peer, info->irs, info->snd_wscale, info->window_scaling);
	(is_out ? ours : peer)->next = s->seq;
	if ((s->flags & LADDER_ACK) != 0)
		(is_out ? peer : ours)->next = s->ack;
}

/* Of a connection seen from the middle the first number is that before the first text, as if of a SYN. */
static void learn_numbers(const struct ladder_segment *s, struct ladder_side *from, struct ladder_side *to)
{
	bool is_opening = (s->flags & LADDER_SYN) != 0;

	if (is_opening || from->syn)
		learn_first(from, is_opening ? s->seq : seq_sub(s->seq, 1));
	if ((s->flags & LADDER_ACK) != 0 && to->syn)
		learn_first(to, seq_sub(s->ack, 1));
}

static void note_ack(const struct ladder_segment *s, struct ladder_side *to)
{
	if ((s->flags & LADDER_ACK) == 0)
		return;
	to->syn_acked |= to->syn && seq_gt(s->ack, to->first);
	to->fin_acked |= to->fin && !seq_lt(s->ack, to->fin_end);
}

static void note_sent(const struct ladder_segment *s, struct ladder_side *from, const struct ladder_side *to)
{
	struct seq end = seq_add(s->seq, ladder_segment_length(s));

	if ((s->flags & LADDER_SYN) != 0) {
		from->syn = true;
		from->has_scale = s->options.has_wscale;
		from->scale = s->options.wscale;
	}
	if ((s->flags & LADDER_FIN) != 0 && !from->fin) {
		from->fin = true;
		from->fin_end = end;
		from->fin_second = to->fin && (s->flags & LADDER_ACK) != 0 && !seq_lt(s->ack, to->fin_end);
	}
	from->reset |= (s->flags & LADDER_RST) != 0;
	if (seq_gt(end, from->next))
		from->next = end;
}

/* TCP enters FIN-WAIT-1 and LAST-ACK before the segments that it made in the same turn are seen: until the
 * FIN is among them, the wire knows nothing of it. */
static enum tcp_state own_state(const struct ladder_flow *f, enum tcp_state said)
{
	if (f->side[f->ours].fin || (said & (TCP_FIN_WAIT_1 | TCP_LAST_ACK)) == 0)
		return said;
	return said == TCP_FIN_WAIT_1 ? TCP_ESTABLISHED : TCP_CLOSE_WAIT;
}

/* What is entered for a FIN's sake holds when that is sent: see own_state(). */
void ladder_flow_tell(struct ladder_flow *f, enum tcp_state to)
{
	if ((to & (TCP_FIN_WAIT_1 | TCP_LAST_ACK)) == 0)
		f->told = to;
}

static bool completes_handshake(const struct ladder_flow *f, const struct ladder_segment *s,
				enum ladder_end from)
{
	return from == LADDER_CLIENT && !f->third_ack_seen && f->side[LADDER_SERVER].syn_acked &&
	       (s->flags & (LADDER_SYN | LADDER_ACK)) == LADDER_ACK;
}

/* It went no further than the wire: all that it tells is how far its sender has come. */
static void note_lost(const struct ladder_segment *s, struct ladder_side *from)
{
	struct seq end = seq_add(s->seq, ladder_segment_length(s));

	if ((s->flags & LADDER_SYN) != 0)
		learn_first(from, s->seq);
	if (from->has_first && seq_gt(end, from->next))
		from->next = end;
}

static void follow(struct ladder_flow *f, const struct ladder_segment *s, struct ladder_side *from,
		   struct ladder_side *to)
{
	learn_numbers(s, from, to);
	if ((s->flags & (LADDER_SYN | LADDER_ACK)) == LADDER_SYN && from == &f->side[LADDER_CLIENT])
		to->syn = false; /* sent again: it has not seen the answer */
	note_ack(s, to);
	note_sent(s, from, to);
}

/* Thrown away or not, the peer has sent it; what may be anybody's tells nothing of the peer. */
static bool is_peers(enum drop_reason drop)
{
	switch (drop) {
	case DROP_NONE:
	case DROP_WIRE:
	case DROP_TCP_NO_CONNECTION:
	case DROP_TCP_RESET:
	case DROP_TCP_DUPLICATE:
	case DROP_TCP_RECEIVE_FULL:
	case DROP_TCP_AFTER_CLOSE:
	case DROP_TCP_SYN_QUEUE_FULL:
	case DROP_TCP_ACCEPT_QUEUE_FULL:
	case DROP_TCP_CONNECTION_LIMIT:
		return true;
	default:
		return false;
	}
}

/* Sent, and nobody but the sender knows of it. */
static bool is_turned_away(enum drop_reason drop)
{
	return drop == DROP_WIRE || drop == DROP_TCP_SYN_QUEUE_FULL || drop == DROP_TCP_ACCEPT_QUEUE_FULL;
}

void ladder_flow_take(struct ladder_flow *f, const struct ladder_segment *s, bool is_out,
		      enum drop_reason drop, enum tcp_state own, struct ladder_step *out)
{
	enum ladder_end end = is_out ? f->ours : !f->ours;
	struct ladder_side *from = &f->side[end], *to = &f->side[!end];
	enum tcp_state before[LADDER_ENDS] = { ladder_flow_state(f, 0), ladder_flow_state(f, 1) };
	bool is_known = from->has_first && ladder_segment_length(s) > 0;

	*out = (struct ladder_step){ .from = end };
	out->is_again = is_known && !seq_gt(seq_add(s->seq, ladder_segment_length(s)), from->next);
	if (is_out && drop == DROP_WIRE)
		note_lost(s, from);
	else if (is_peers(drop))
		follow(f, s, from, to);
	from->syn_taken |= from->syn && is_peers(drop) && !is_turned_away(drop);
	f->is_new = false;
	if (drop == DROP_TCP_NO_CONNECTION)
		f->told = TCP_CLOSED;
	if (own != 0 || f->told != 0)
		f->own = own_state(f, own != 0 ? own : f->told);
	f->told = 0;
	out->seq = relative(from, s->seq);
	out->ack = (s->flags & LADDER_ACK) != 0 ? relative(to, s->ack) : 0;
	out->window = window(s, from, to);
	out->is_third_ack = drop == DROP_NONE && completes_handshake(f, s, end);
	f->third_ack_seen |= out->is_third_ack;
	for (enum ladder_end e = 0; e < LADDER_ENDS; e++) {
		out->state[e] = ladder_flow_state(f, e);
		out->changed[e] = out->state[e] != before[e];
	}
}
