/* Spurious retransmissions, told by timestamps: the Eifel detection algorithm (RFC 3522). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

enum { MSS = 1460 - 12, FLIGHT = 10, RTT_US = 50000 };

/* A window of segments is on the way; the timestamp that they carry. */
static uint32_t send_flight(struct peer *p)
{
	uint32_t ts = 0;

	peer_init(p, NULL);
	peer_established(p, SEG(.mss = 1460, .sack_permitted = true, .has_ts = true, .ts_val = 1));
	peer_write(p, 3 * FLIGHT * MSS);
	for (int i = 0; i < FLIGHT; i++)
		ts = peer_any(p).ts_val;
	peer_advance(p, RTT_US);
	return ts;
}

/* What lies before segment n of the transfer. */
static uint32_t at(const struct peer *p, uint32_t n)
{
	return p->iss + 1 + n * MSS;
}

/* Segment n is sent again, perhaps after new data. Its timestamp. */
static uint32_t expect_again(struct peer *p, uint32_t n)
{
	struct seg got;

	do
		got = peer_any(p);
	while (got.seq != at(p, n));
	return got.ts_val;
}

static void forget_segments(struct peer *p)
{
	while (peer_pending(p) > 0)
		peer_any(p);
}

static const struct tcp_counters *counters(const struct peer *p)
{
	return &p->stack->tcp->counters;
}

static void rfc3522_3_2_the_original_was_acknowledged(void **state)
{
	struct peer p;
	uint32_t ts = send_flight(&p), cwnd = peer_info(&p).cwnd;

	(void)state;
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 0), .has_ts = true, .ts_val = 2,
			    .ts_ecr = ts, .n_sack = 1, .sack = { { at(&p, 1), at(&p, 5) } }));
	expect_again(&p, 0);
	assert_true(peer_info(&p).ssthresh < cwnd);
	peer_advance(&p, 1000);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 5), .has_ts = true, .ts_val = 2,
			    .ts_ecr = ts));
	assert_int_equal(counters(&p)->full_undo, 1);
	assert_false(peer_info(&p).in_recovery);
	assert_true(peer_info(&p).cwnd >= cwnd);
	peer_fini(&p);
}

/* Segments 0, 3 and 7 are lost. When the third is sent again an acknowledgement of the second retransmission
 * is still on the way: its echo is older than the third, which tells nothing. */
static void rfc3522_3_2_only_the_first_ack_can_tell(void **state)
{
	struct peer p;
	uint32_t ts = send_flight(&p), again[2];

	(void)state;
	peer_inject(&p,
		    SEG(.flags = A, .seq = p.snd, .ack = at(&p, 0), .has_ts = true, .ts_val = 2, .ts_ecr = ts,
			.n_sack = 2, .sack = { { at(&p, 4), at(&p, 7) }, { at(&p, 1), at(&p, 3) } }));
	again[0] = expect_again(&p, 0);
	again[1] = expect_again(&p, 3);
	forget_segments(&p);
	peer_advance(&p, RTT_US);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 3), .has_ts = true, .ts_val = 3,
			    .ts_ecr = again[0], .n_sack = 2,
			    .sack = { { at(&p, 8), at(&p, 10) }, { at(&p, 4), at(&p, 7) } }));
	expect_again(&p, 7);
	peer_advance(&p, 1000);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 7), .has_ts = true, .ts_val = 3,
			    .ts_ecr = again[1], .n_sack = 1, .sack = { { at(&p, 8), at(&p, 10) } }));
	assert_int_equal(counters(&p)->full_undo, 0);
	assert_true(peer_info(&p).in_recovery);
	peer_fini(&p);
}

/* Segments 0, 10 and 12 are lost, 10 while 0 is recovered from. When 12 begins an episode of its own, the
 * acknowledgement of 10 is still on its way, and says nothing of 12. */
static void rfc3522_3_2_nor_the_ack_of_an_earlier_episodes_segment(void **state)
{
	struct peer p;
	uint32_t ts = send_flight(&p), again[2];

	(void)state;
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 0), .has_ts = true, .ts_val = 2,
			    .ts_ecr = ts, .n_sack = 1, .sack = { { at(&p, 1), at(&p, 10) } }));
	again[0] = expect_again(&p, 0);
	forget_segments(&p);
	assert_true(peer_info(&p).snd_nxt - at(&p, 0) >= 14 * MSS);
	peer_advance(&p, RTT_US);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 0), .has_ts = true, .ts_val = 3,
			    .ts_ecr = ts, .n_sack = 2,
			    .sack = { { at(&p, 11), at(&p, 12) }, { at(&p, 1), at(&p, 10) } }));
	again[1] = expect_again(&p, 10);
	forget_segments(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 10), .has_ts = true, .ts_val = 3,
			    .ts_ecr = again[0], .n_sack = 1, .sack = { { at(&p, 11), at(&p, 12) } }));
	assert_false(peer_info(&p).in_recovery);
	peer_advance(&p, 5000);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 10), .has_ts = true, .ts_val = 3,
			    .ts_ecr = again[0], .n_sack = 2,
			    .sack = { { at(&p, 13), at(&p, 14) }, { at(&p, 11), at(&p, 12) } }));
	peer_advance(&p, RTT_US / 2);
	expect_again(&p, 12);
	assert_true(peer_info(&p).in_recovery);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 12), .has_ts = true, .ts_val = 4,
			    .ts_ecr = again[1], .n_sack = 1, .sack = { { at(&p, 13), at(&p, 14) } }));
	assert_int_equal(counters(&p)->full_undo, 0);
	assert_true(peer_info(&p).in_recovery);
	peer_fini(&p);
}

/* The path's round trip grows from 20 to 400 ms, one segment at a time is on the way, and each timeout is
 * found to be spurious: its acknowledgement, of what was sent twice, gives no sample. Unless the back-off
 * stands until there is one (RFC 6298 section 5), the timer never learns, and every segment goes twice. */
static void rfc4015_1_the_timer_adapts_after_spurious_timeouts(void **state)
{
	struct peer p;
	struct seg sent;

	(void)state;
	flight_open(&p, NULL, 20000, SEG(.mss = 1460, .has_ts = true, .ts_val = 1));
	for (unsigned i = 0; i < 20; i++) {
		peer_write(&p, 1000);
		sent = peer_any(&p);
		peer_advance(&p, 400000);
		forget_segments(&p);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = sent.seq + 1000, .has_ts = true,
				    .ts_val = 2, .ts_ecr = sent.ts_val));
	}
	assert_int_equal(counters(&p)->spurious_rtos, 2);
	assert_int_equal(peer_info(&p).retransmissions, 2);
	assert_in_range(peer_info(&p).rto_us, 400000, 1000000);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3522_3_2_the_original_was_acknowledged),
		cmocka_unit_test(rfc3522_3_2_only_the_first_ack_can_tell),
		cmocka_unit_test(rfc3522_3_2_nor_the_ack_of_an_earlier_episodes_segment),
		cmocka_unit_test(rfc4015_1_the_timer_adapts_after_spurious_timeouts),
	};

	return cmocka_run_group_tests_name("conformance: Eifel detection", tests, NULL, NULL);
}
