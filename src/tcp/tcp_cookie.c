/*
 * SYN cookies (RFC 4987 section 3.6; D. J. Bernstein, "SYN cookies", 1996): what a half-open record would
 * hold travels to the peer in the SYN-ACK and comes back with the third ACK, so that a SYN costs no memory.
 *
 *   ISS = irs + | t mod 32: 5 bits | MSS index: 3 bits | hash: 24 bits |
 *
 * t counts periods of 64 s, and a cookie is good in its own period and the next: for 64 to 128 s. The hash is
 * SipHash-2-4 with a secret of the instance, over all that the peer could lie about: the four-tuple, irs, t,
 * the MSS index, and whether timestamps were agreed on. Adding irs lets our numbers grow with the peer's, as
 * RFC 9293 section 3.4.1 wants for a tuple that is used again.
 *
 * What a guess is worth: who cannot see the SYN-ACK knows t, may choose MSS and irs, and has one chance in
 * 2^24 for each ACK; 100,000 of them a second for the whole life of a cookie make a connection every three
 * minutes. RFC 6528's numbers have 2^32, and therefore cookies are believed only while some are out, unless
 * they are always given. A forged ACK costs at most one hash, and none if its t is not a present one (15 in
 * 16 at random).
 *
 * The rest goes into the low bits of the timestamp, which the peer echoes (RFC 7323 section 3.2):
 *
 *   TSval = | clock: 26 bits | SACK permitted: 1 bit | ECN: 1 bit | window scale: 4 bits, 15 for none |
 *
 * TSval is the latest time not after the clock that ends in these bits, so at most 63 ms behind it: what we
 * send later has the clock's value, which is not less, and passes the peer's PAWS check. The bits are not
 * hashed: a peer that changes them changes its own connection only. Without timestamps none of the three can
 * be remembered, and none is agreed on.
 */
#include "tcp/tcp_conn.h"

enum {
	PERIOD_US = 64 * 1000000,
	PERIODS = 2,               /* that a cookie is good in */
	HASH_BITS = 24,
	MSS_BITS = 3,
	MSS_SHIFT = HASH_BITS,
	TIME_SHIFT = HASH_BITS + MSS_BITS,
	TS_BITS = 6,
	TS_MASK = (1 << TS_BITS) - 1,
	TS_WSCALE = 15,
	TS_ECN = 1 << 4,
	TS_SACK = 1 << 5,
};
_Static_assert((int)TCP_NO_WSCALE == (int)TS_WSCALE, "a window scale and its absence: four bits");

/* Rounded down to: the least we take, the defaults of IPv4 and IPv6, tunnels, Ethernet with IPv6 and IPv4,
 * jumbo frames. */
static const uint16_t mss_table[1 << MSS_BITS] = { TCP_MIN_MSS, 536, 1220, 1360, 1400, 1440, 1460, 8960 };

/* What is hashed: without padding. */
struct cookie {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t irs;
	uint32_t t;
	uint16_t mss_index;
	uint16_t has_timestamp;
};
_Static_assert(sizeof(struct cookie) == 2 * sizeof(struct ip_addr) + 16, "no padding is hashed");

static uint32_t period(const struct tcp *tcp)
{
	return (uint32_t)(tcp_now(tcp) / PERIOD_US);
}

static uint16_t mss_index(uint16_t mss)
{
	uint16_t i = ARRAY_LENGTH(mss_table) - 1;

	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

static struct seq iss_of(const struct tcp *tcp, const struct cookie *c)
{
	uint32_t hash = (uint32_t)hash_siphash24(&tcp->cookie_key, c, sizeof *c) & ((1 << HASH_BITS) - 1);

	return seq_of(c->irs + (c->t << TIME_SHIFT) + ((uint32_t)c->mss_index << MSS_SHIFT) + hash);
}

static uint32_t ts_bits(const struct tcp_syn *syn)
{
	return syn->wscale | (syn->sack_permitted ? TS_SACK : 0u) | (syn->ecn ? TS_ECN : 0u);
}

uint32_t tcp_cookie_timestamp(const struct tcp_syn *syn, uint32_t now)
{
	return now - ((now - ts_bits(syn)) & TS_MASK);
}

void tcp_cookie_make(struct tcp *tcp, struct tcp_syn *syn)
{
	struct cookie c = {
		.local = *tcp_record_local(tcp, &syn->record),
		.remote = syn->record.remote,
		.local_port = syn->record.local_port,
		.remote_port = syn->record.remote_port,
		.irs = syn->irs.n,
		.t = period(tcp),
		.mss_index = mss_index(syn->mss),
		.has_timestamp = syn->has_timestamp,
	};

	if (!syn->has_timestamp) {
		syn->wscale = TCP_NO_WSCALE;
		syn->sack_permitted = syn->ecn = 0;
	}
	syn->iss = iss_of(tcp, &c);
	tcp->cookies_until_us = tcp_now(tcp) + PERIODS * PERIOD_US;
	tcp->counters.cookies_sent++;
}

/* Is it one of ours, and still good? Then c->t and c->mss_index are what it says. */
static bool is_valid(const struct tcp *tcp, struct seq iss, struct cookie *c)
{
	uint32_t value = iss.n - c->irs;
	uint32_t age = (period(tcp) - (value >> TIME_SHIFT)) % (1u << (32 - TIME_SHIFT));

	if (age >= PERIODS)
		return false;
	c->t = period(tcp) - age;
	c->mss_index = (uint16_t)(value >> MSS_SHIFT) % ARRAY_LENGTH(mss_table);
	return seq_eq(iss_of(tcp, c), iss);
}

static void recall_options(const struct tcp *tcp, const struct tcp_in *in, struct tcp_syn *syn)
{
	uint32_t bits = in->options.ts_ecr & TS_MASK;

	syn->has_timestamp = 1;
	syn->ts_recent = in->options.ts_val;
	syn->wscale = tcp->config.window_scaling ? bits & TS_WSCALE : TCP_NO_WSCALE;
	syn->ecn = (bits & TS_ECN) != 0 && tcp->config.ecn != TCP_ECN_OFF;
	syn->sack_permitted = (bits & TS_SACK) != 0 && tcp->config.sack;
}

bool tcp_cookie_open(const struct tcp *tcp, const struct tcp_in *in, struct tcp_syn *syn)
{
	struct cookie c = {
		.local = in->packet->dst,
		.remote = in->packet->src,
		.local_port = in->dst_port,
		.remote_port = in->src_port,
		.irs = in->seq.n - 1,
		.has_timestamp = in->options.has_timestamp && tcp->config.timestamps,
	};

	if (!is_valid(tcp, seq_sub(in->ack, 1), &c))
		return false;
	*syn = (struct tcp_syn){
		.record = tcp_record_of(tcp, &c.local, c.local_port, &c.remote, c.remote_port),
		.iss = seq_sub(in->ack, 1),
		.irs = seq_of(c.irs),
		.sent_us = tcp_now_us(tcp), /* unknown: no sample of the round trip is taken of it */
		.mss = mss_table[c.mss_index],
		.wscale = TCP_NO_WSCALE,
	};
	if (c.has_timestamp)
		recall_options(tcp, in, syn);
	return true;
}

bool tcp_cookies_are_out(const struct tcp *tcp)
{
	return tcp->config.syn_cookies == TCP_SYN_COOKIES_ALWAYS || tcp_now(tcp) < tcp->cookies_until_us;
}
