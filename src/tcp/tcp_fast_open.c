/*
 * TCP Fast Open, the server's side (RFC 7413): a peer that shows a cookie may send text with its SYN. It is
 * given to the application at once, and the answer may leave before the third ACK. The cookie proves that the
 * peer once received something at the address that it uses; without that anyone could have work done, and
 * answers sent, in another's name.
 *
 * The cookie is SipHash-2-4 of the two addresses and of the number of the key, with a secret of the instance.
 * RFC 7413 section 4.1.2 proposes one block of AES, and asks for what any keyed pseudo-random function gives:
 * that nobody without the key can make one; 64 bits are guessed once in 2^64 SYNs. Each
 * fast_open_key_lifetime has a key of its own: being part of the input, its number makes another function of
 * the hash. A cookie of the key before is still good, and its owner is given one of the new.
 *
 * A connection that opens so is a block from its SYN on, in SYN-RECEIVED, with the SYN-ACK as its first
 * segment in flight, so that retransmission, text and acknowledgements go the ways of every other connection.
 * How many there may be is limited (section 5.1): beyond that the SYN makes an ordinary half-open record and
 * its text is left to the peer to send again. One that the peer resets counts for a while longer: else
 * somebody who has cookies could use them in the name of hosts that answer by a reset, without end.
 *
 * What comes with a SYN may come twice, when the network repeats it late (section 6.1): what asks for
 * something that must not happen twice must not be served so. Hence it is off by default.
 */
#include "tcp/tcp_conn.h"

enum { RESET_PERIOD_US = 60 * 1000000 };

/* What is hashed. */
struct fast_open_input {
	struct ip_addr client, server;
	uint64_t key_number;
};
_Static_assert(sizeof(struct fast_open_input) == 2 * sizeof(struct ip_addr) + 8, "no padding is hashed");

/* age 0: by the present key, 1: by the one before. */
static uint64_t cookie(const struct tcp *tcp, const struct ip_addr *server, const struct ip_addr *client,
		       unsigned age)
{
	struct fast_open_input input = {
		.client = *client,
		.server = *server,
		.key_number = tcp_now(tcp) / tcp->config.fast_open_key_lifetime_us - age,
	};

	return hash_siphash24(&tcp->fast_open_key, &input, sizeof input);
}

static bool has_cookie(const struct tcp_in *in, unsigned age)
{
	return in->options.fast_open == FAST_OPEN_COOKIE &&
	       in->options.fast_open_cookie == cookie(in->tcp, &in->packet->dst, &in->packet->src, age);
}

void tcp_fast_open_offer(const struct tcp_in *in, struct tcp_options *o)
{
	const struct tcp *tcp = in->tcp;

	if (!tcp->config.fast_open || in->options.fast_open == FAST_OPEN_NONE || has_cookie(in, 0))
		return;
	o->fast_open = FAST_OPEN_COOKIE;
	o->fast_open_cookie = cookie(tcp, &in->packet->dst, &in->packet->src, 0);
}

void tcp_fast_open_renew(const struct tcp_conn *c, struct tcp_options *o)
{
	if ((c->flags & CONN_FAST_OPEN_RENEW) == 0)
		return;
	o->fast_open = FAST_OPEN_COOKIE;
	o->fast_open_cookie = cookie(c->tcp, &c->local, &c->remote, 0);
}

/* Resets are forgotten after one to two periods. */
static void age_resets(struct tcp *tcp)
{
	uint64_t period = tcp_now(tcp) / RESET_PERIOD_US;

	if (period == tcp->fast_open_period)
		return;
	tcp->fast_open_resets[1] = period == tcp->fast_open_period + 1 ? tcp->fast_open_resets[0] : 0;
	tcp->fast_open_resets[0] = 0;
	tcp->fast_open_period = period;
}

static bool has_room(struct tcp *tcp)
{
	age_resets(tcp);
	return tcp->fast_open_pending + tcp->fast_open_resets[0] + tcp->fast_open_resets[1] <
	       tcp->config.fast_open_backlog;
}

static bool admits(struct tcp *tcp, const struct tcp_in *in)
{
	if (!tcp->config.fast_open || in->options.fast_open == FAST_OPEN_NONE)
		return false;
	if (in->options.fast_open == FAST_OPEN_REQUEST) {
		tcp->counters.fast_open_cookies_asked++;
		return false;
	}
	if (!has_cookie(in, 0) && !has_cookie(in, 1)) {
		tcp->counters.fast_open_fails++;
		return false;
	}
	if (in->text.len == 0) /* nothing to be gained */
		return false;
	if (!has_room(tcp)) {
		tcp->counters.fast_open_overflows++;
		return false;
	}
	return true;
}

/* The block with its SYN-ACK to be sent, or NULL. */
static struct tcp_conn *open_block(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in)
{
	struct tcp_conn *c = tcp_promote(l, syn, in);
	struct tcp_segment *syn_ack;

	if (c == NULL)
		return NULL;
	c->snd_una = c->snd_nxt = c->iss;
	syn_ack = tcp_segment_new(c, 0, SEG_SYN);
	if (syn_ack == NULL) {
		tcp_conn_end(c, STREAM_END_ERROR);
		return NULL;
	}
	tcp_segment_lost(c, syn_ack); /* the next output round sends it */
	c->snd_wnd = c->max_snd_wnd = in->window; /* a SYN's is not scaled */
	c->snd_wl1 = in->seq;
	c->snd_wl2 = c->iss;
	return c;
}

/* More than the SYN-ACK's window would have allowed is left to be sent again. */
static void take_syn_text(struct tcp_conn *c, const struct tcp_in *in)
{
	uint32_t window = seq_len(c->rcv_adv, c->rcv_nxt);
	struct bytes text = in->text;

	if (text.len > window)
		text.len = window;
	c->tcp->counters.in_bytes += text.len;
	tcp_receive_text(c, c->rcv_nxt, text);
}

bool tcp_fast_open(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in)
{
	struct tcp *tcp = l->tcp;
	struct tcp_conn *c;

	if (!admits(tcp, in))
		return false;
	c = open_block(l, syn, in);
	if (c == NULL) {
		tcp->counters.fast_open_fails++;
		return false;
	}
	c->flags |= CONN_FAST_OPEN | (has_cookie(in, 0) ? 0u : CONN_FAST_OPEN_RENEW);
	tcp->fast_open_pending++;
	tcp->counters.fast_open_passive++;
	tcp_note_state(tcp, TCP_LISTEN, TCP_SYN_RECEIVED);
	/* the SYN-ACK */
	tcp_timers_data_sent(c, LIST_ENTRY(list_last(&c->busy->flight), struct tcp_segment, node));
	tcp_want_output(c);
	tcp_listener_established(c);
	/* Who has closed already takes no text: unacknowledged, it comes again and is reset. */
	if ((c->flags & (CONN_DEAD | CONN_DETACHED)) == 0)
		take_syn_text(c, in);
	tcp_check(c);
	return true;
}

void tcp_fast_open_over(struct tcp_conn *c, bool by_reset)
{
	struct tcp *tcp = c->tcp;

	tcp->fast_open_pending--;
	if (!by_reset)
		return;
	age_resets(tcp);
	tcp->fast_open_resets[0]++;
}

bool tcp_fast_open_repeats(struct tcp_conn *c, const struct tcp_in *in)
{
	if ((c->flags & CONN_FAST_OPEN) == 0 || !in_state(c, TCP_SYN_RECEIVED) ||
	    (in->flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN || !seq_eq(in->seq, c->irs))
		return false;
	tcp_segment_lost(c, LIST_ENTRY(list_first(&c->busy->flight), struct tcp_segment, node));
	tcp_want_output(c);
	return true;
}
