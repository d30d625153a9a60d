/*
 * The path's MTU: the largest packet that reaches the peer whole. Three ways to learn it:
 *
 *   ICMP (RFC 1191)          a router says that a packet was too big. Anyone can forge that, so a size below
 *                            what was already acknowledged is believed only when nothing gets through any
 *                            more (RFC 5927 section 7.2)
 *   black holes (RFC 4821    full segments time out again and again, and no router says why: smaller ones are
 *   section 7.7)             tried
 *   probing (RFC 4821,       a single larger segment is sent. If it is acknowledged its size is taken; if it
 *   RFC 8899)                alone is lost, three times, that size is too large, and it is no congestion
 *
 * A search goes on between `low`, which passes, and `high`, first at `high` itself, then by halves; some time
 * after it has ended the path may have changed, and it begins anew. Probing needs SACK: without it the loss
 * of one segment cannot be told from any other.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	MIN_MTU_4 = 552,      /* smaller ones are an attack rather than a path (Linux's min_pmtu) */
	MIN_MTU_6 = 1280,
	BASE_MTU = 1200,      /* BASE_PLPMTU of RFC 8899 section 5.1.2: tried first in a black hole */
	SMALL_MTU_4 = 576,    /* and then this, which every host must take (RFC 1122 section 3.3.2) */
	MIN_STEP = 32,        /* a search ends when no more than this is to be won */
	MAX_PROBES = 3,       /* RFC 8899 section 5.1.2 */
	PROBE_WINDOW = 11,    /* segments in the window, so that others tell of the probe's fate (Linux) */
	RAISE_US = 600000000, /* PMTU_RAISE_TIMER of RFC 8899 section 5.1.1 */
};

static uint32_t headers(const struct tcp_conn *c)
{
	return ip_header_len(&c->remote) + TCP_HEADER_LEN;
}

static uint32_t options_len(const struct tcp_conn *c)
{
	return (c->flags & CONN_TIMESTAMPS) != 0 ? 12 : 0;
}

/* The largest that could pass: what our link carries, and the peer takes. */
static uint16_t limit(const struct tcp_conn *c)
{
	uint32_t link = ip_mtu(c->tcp->ip, &c->remote), peer = c->peer_mss + headers(c);

	return (uint16_t)min_u32(peer, link);
}

/* MUST-16: what the peer takes and the path carries, less the options that every segment has. */
static void set_mss(struct tcp_conn *c, uint16_t mtu)
{
	uint32_t path = mtu - headers(c);

	c->mtu.current = mtu;
	c->mss = (uint16_t)(min_u32(c->peer_mss, path) - options_len(c));
}

static void tell(const struct tcp_conn *c, uint16_t before, const char *note)
{
	if (c->mtu.current != before)
		tcp_tell(c, TRACE_TCP_MTU, note, before, c->mtu.current);
}

static void search(struct tcp_conn *c, uint16_t high)
{
	c->mtu.searching = true;
	c->mtu.halving = false;
	c->mtu.failures = 0;
	c->mtu.high = high;
	c->mtu.next_us = tcp_now(c->tcp);
}

static void rest(struct tcp_conn *c)
{
	c->mtu.searching = false;
	c->mtu.next_us = tcp_now(c->tcp) + RAISE_US;
}

void tcp_mtu_init(struct tcp_conn *c)
{
	uint16_t high = limit(c);

	c->mtu = (struct tcp_mtu){ .low = high, .high = high };
	set_mss(c, high);
	rest(c);
	if (c->tcp->config.mtu_probing == TCP_MTU_PROBING_ON && high > BASE_MTU) {
		c->mtu.low = BASE_MTU;
		set_mss(c, BASE_MTU);
		search(c, high);
	}
}

/* ---- smaller ---- */

/* What is larger than a segment now goes again in pieces; not for want of room: congestion control is not
 * told. */
static void shrink(struct tcp_conn *c, uint16_t mtu, const char *note)
{
	uint16_t before = c->mtu.current;

	c->mtu.low = mtu;
	set_mss(c, mtu);
	LIST_FOR_EACH(n, &c->busy->flight) {
		struct tcp_segment *s = LIST_ENTRY(n, struct tcp_segment, node);
		if (s->len > c->mss)
			tcp_segment_lost(c, s);
	}
	tell(c, before, note);
	tcp_want_output(c);
}

void tcp_mtu_reported(struct tcp_conn *c, uint32_t mtu)
{
	uint32_t floor = ip_addr_is_4(&c->remote) ? MIN_MTU_4 : MIN_MTU_6;

	if (mtu < floor)
		mtu = floor;
	if (mtu >= c->mtu.current) /* nothing new, or a lie */
		return;
	if (mtu < c->mtu.largest_acked) { /* RFC 5927 section 7.2: larger ones did get through */
		c->mtu.pending = (uint16_t)mtu;
		return;
	}
	c->mtu.high = (uint16_t)mtu;
	rest(c);
	shrink(c, (uint16_t)mtu, "a router reported it");
}

/* The next smaller size to try; 0: there is none. */
static uint16_t black_hole_step(const struct tcp_conn *c)
{
	if (c->mtu.current > BASE_MTU)
		return BASE_MTU;
	return ip_addr_is_4(&c->remote) && c->mtu.current > SMALL_MTU_4 ? SMALL_MTU_4 : 0;
}

/* Would the first segment, which times out, be any smaller? If not, its size is not what is wrong. */
static bool is_too_big(const struct tcp_conn *c, uint16_t mtu)
{
	struct list *n = list_first(&c->busy->flight);

	return n != NULL &&
	       LIST_ENTRY(n, struct tcp_segment, node)->len > mtu - headers(c) - options_len(c);
}

void tcp_mtu_on_timeout(struct tcp_conn *c)
{
	uint16_t before = c->mtu.current, step = black_hole_step(c);

	if (c->mtu.pending != 0) {
		uint16_t mtu = c->mtu.pending;
		c->mtu.pending = c->mtu.largest_acked = 0;
		tcp_mtu_reported(c, mtu);
		return;
	}
	if (c->tcp->config.mtu_probing == TCP_MTU_PROBING_OFF || c->timeouts < TCP_R1 || step == 0 ||
	    !is_too_big(c, step))
		return;
	c->tcp->counters.mtu_black_holes++;
	c->mtu.largest_acked = 0;
	shrink(c, step, "black hole: large segments do not arrive");
	search(c, (uint16_t)(before - 1)); /* larger than this one may pass */
}

/* ---- larger ---- */

/* Others are in flight beside a probe, and tell of its fate. */
static bool is_steady(const struct tcp_conn *c)
{
	uint32_t window = PROBE_WINDOW * (uint32_t)c->mss;

	return (c->flags & CONN_SACK) != 0 && !is_recovering(c) && c->busy->lost_bytes == 0 &&
	       c->busy->cc.cwnd >= window && c->snd_wnd >= window;
}

bool tcp_mtu_wants_probe(struct tcp_conn *c, uint32_t *payload)
{
	struct tcp_mtu *m = &c->mtu;

	if (LIKELY(tcp_now(c->tcp) < m->next_us) || m->probe != 0 || !is_steady(c) ||
	    c->tcp->config.mtu_probing == TCP_MTU_PROBING_OFF)
		return false;
	if (!m->searching && m->current < limit(c))
		search(c, limit(c));
	if (m->high < m->low + MIN_STEP) {
		rest(c);
		return false;
	}
	*payload = (m->halving ? (m->low + m->high + 1u) / 2 : m->high) - headers(c) - options_len(c);
	return c->busy->unsent >= *payload + TCP_DUP_ACK_THRESHOLD * (uint32_t)c->mss;
}

void tcp_mtu_probe_sent(struct tcp_conn *c, uint32_t payload)
{
	c->tcp->counters.mtu_probes++;
	c->mtu.probe = (uint16_t)(payload + headers(c) + options_len(c));
}

void tcp_mtu_probe_cut(struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_mtu *m = &c->mtu;

	s->flags &= (uint16_t)~SEG_MTU_PROBE;
	m->probe = 0;
	/* Not at once again: if it was lost by chance, the queue that dropped it should have drained. */
	m->next_us = tcp_now(c->tcp) + 2ull * c->srtt_us;
}

void tcp_mtu_probe_lost(struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_mtu *m = &c->mtu;

	if (++m->failures >= MAX_PROBES) {
		c->tcp->counters.mtu_probe_fails++;
		m->high = (uint16_t)(m->probe - 1);
		m->halving = true;
		m->failures = 0;
	}
	tcp_mtu_probe_cut(c, s);
}

void tcp_mtu_delivered(struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_mtu *m = &c->mtu;
	uint32_t size = min_u32(s->len, c->mss) + headers(c) + options_len(c);
	uint16_t before = m->current;

	m->pending = 0;
	if ((s->flags & SEG_MTU_PROBE) != 0) {
		c->tcp->counters.mtu_probe_successes++;
		size = m->low = m->probe;
		m->probe = 0;
		m->failures = 0;
		m->halving = true;
		set_mss(c, m->low);
		tell(c, before, "a probe of this size arrived");
	}
	if (size > m->largest_acked)
		m->largest_acked = (uint16_t)size;
}
