/* Full-sized segments of one connection, numbered from 0. */
#include "common/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void flight_open(struct peer *p, void (*tune)(struct stack_config *c), uint64_t rtt_us, const struct seg *syn)
{
	struct seg s = syn != NULL ? *syn : (struct seg){ .mss = FLIGHT_MSS, .sack_permitted = true };
	struct seg got;

	peer_init(p, tune);
	peer_listen(p, 80);
	p->irs = 1000;
	p->snd = p->irs + 1;
	s.flags |= S;
	s.seq = p->irs;
	peer_inject(p, &s);
	got = peer_any(p);
	p->iss = got.seq;
	peer_advance(p, rtt_us);
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = p->iss + 1, .has_ts = s.has_ts,
			   .ts_val = s.ts_val, .ts_ecr = got.ts_val));
	peer_expect_nothing(p);
	assert_int_equal(peer_state(p), TCP_ESTABLISHED);
}

const struct tcp_conn *flight_conn(const struct peer *p)
{
	return tcp_conn_of_stream(p->stream);
}

const struct tcp_counters *flight_counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

uint32_t flight_seq(const struct peer *p, uint32_t n)
{
	return p->iss + 1 + n * FLIGHT_MSS;
}

void flight_write(struct peer *p, uint32_t n)
{
	peer_write(p, n * FLIGHT_MSS);
}

unsigned flight_drain(struct peer *p)
{
	unsigned n = 0;

	while (peer_pending(p) > 0) {
		peer_any(p);
		n++;
	}
	return n;
}

void flight_expect(struct peer *p, uint32_t n)
{
	struct seg got = peer_any(p);

	if (got.seq != flight_seq(p, n) || got.len != FLIGHT_MSS)
		fail_msg("expected segment %u, got %u octets at %g", n, got.len,
			 (double)(int32_t)(got.seq - flight_seq(p, 0)) / (double)FLIGHT_MSS);
}

void flight_expect_all(struct peer *p, uint32_t first, uint32_t last)
{
	for (uint32_t n = first; n <= last; n++)
		flight_expect(p, n);
	peer_expect_nothing(p);
}

void flight_ack(struct peer *p, uint32_t n)
{
	peer_ack(p, flight_seq(p, n));
}

void flight_sack(struct peer *p, uint32_t n, uint32_t left, uint32_t right)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = flight_seq(p, n), .n_sack = 1,
			   .sack = { { flight_seq(p, left), flight_seq(p, right) } }));
}

void flight_sack_two(struct peer *p, uint32_t n, uint32_t left, uint32_t right, uint32_t left_2,
		     uint32_t right_2)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = flight_seq(p, n), .n_sack = 2,
			   .sack = { { flight_seq(p, left), flight_seq(p, right) },
				     { flight_seq(p, left_2), flight_seq(p, right_2) } }));
}
