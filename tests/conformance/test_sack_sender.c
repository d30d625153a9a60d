/*
 * The sender's scoreboard (RFC 2018, RFC 6675 section 3; D-SACK, RFC 2883): what a peer says that it
 * holds, and what only looks like it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "common/flight.h"

enum { MSS = FLIGHT_MSS };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

static void with_gso(struct stack_config *c)
{
	use_reno(c);
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

/* Ten segments in flight since a round trip ago. */
static void open_with_ten(struct peer *p, void (*tune)(struct stack_config *c))
{
	flight_open(p, tune, FLIGHT_RTT_US, NULL);
	flight_write(p, 10);
	flight_drain(p);
	peer_advance(p, FLIGHT_RTT_US);
}

/* One block in octets from the first in flight on. */
static void sack_octets(struct peer *p, uint32_t left, uint32_t right)
{
	uint32_t first = flight_seq(p, 0);

	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = first, .n_sack = 1,
			   .sack = { { first + left, first + right } }));
}

/* ---- what is taken ---- */

static void rfc2018_5_blocks_come_in_any_order_and_overlap(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, use_reno);
	flight_sack_two(&p, 0, 7, 8, 3, 4);
	assert_int_equal(peer_info(&p).sacked, 2 * MSS);
	flight_sack_two(&p, 0, 3, 6, 5, 8);
	assert_int_equal(peer_info(&p).sacked, 5 * MSS);
	flight_sack_two(&p, 0, 3, 6, 5, 8);
	assert_int_equal(peer_info(&p).sacked, 5 * MSS);
	flight_ack(&p, 4);
	assert_int_equal(peer_info(&p).sacked, 4 * MSS);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).sacked, 0);
	peer_fini(&p);
}

static void rfc2018_5_what_is_sacked_is_not_sent_again(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, use_reno);
	flight_sack_two(&p, 0, 1, 3, 4, 7); /* 0 and 3 are missing; 7 to 9 may come */
	flight_expect(&p, 0);
	flight_expect_all(&p, 3, 3);
	flight_sack(&p, 0, 1, 3);
	flight_sack(&p, 3, 4, 10);
	peer_advance(&p, FLIGHT_RTT_US / 2);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).retransmissions, 2);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_fini(&p);
}

/* A router or a lie: nothing that was not sent, nothing that is acknowledged already, nothing backwards. */
static void rfc2018_5_impossible_blocks_are_ignored(void **state)
{
	static const int32_t blocks[][2] = {
		{ 8 * MSS, 11 * MSS }, { 10 * MSS, 12 * MSS }, { 0, 2 * MSS }, { -3 * MSS, -2 * MSS - 100000 },
		{ 5 * MSS, 3 * MSS }, { 5 * MSS, 5 * MSS }, { 1 * MSS, INT32_MAX },
		{ INT32_MIN, INT32_MAX }, { 5 * MSS, -1 * MSS }, { -1 * MSS, 5 * MSS },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(blocks); i++) {
		struct peer p;
		open_with_ten(&p, use_reno);
		sack_octets(&p, (uint32_t)blocks[i][0], (uint32_t)blocks[i][1]);
		assert_int_equal(peer_info(&p).sacked, 0);
		assert_int_equal(peer_info(&p).in_flight, 10 * MSS);
		assert_int_equal(flight_counters(&p)->dsack_recv + flight_counters(&p)->dsack_ofo_recv, 0);
		peer_expect_nothing(&p);
		peer_fini(&p);
	}
}

static void rfc2018_5_without_agreement_blocks_are_ignored(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, SEG(.mss = MSS));
	flight_write(&p, 10);
	flight_drain(&p);
	flight_sack(&p, 0, 3, 6);
	assert_false(peer_info(&p).sack);
	assert_int_equal(peer_info(&p).sacked, 0);
	peer_fini(&p);
}

/* The numbers wrap in the middle of the flight: the connection is opened when its ISN is just before. */
static void rfc2018_5_blocks_across_the_wrap(void **state)
{
	struct peer p;
	uint32_t isn;

	(void)state;
	peer_init(&p, use_reno);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = MSS));
	isn = peer_any(&p).seq;
	peer_inject(&p, SEG(.flags = R, .seq = 1001));
	peer_advance(&p, (0u - 5 * MSS - isn) * 4ull); /* RFC 9293 MUST-8: one each 4 us */
	flight_drain(&p);
	peer_established(&p, SEG(.mss = MSS, .sack_permitted = true));
	assert_in_range(p.iss, (uint32_t)(-6 * MSS), (uint32_t)(-4 * MSS));
	flight_write(&p, 10);
	flight_drain(&p);
	flight_sack(&p, 0, 3, 7);
	assert_int_equal(peer_info(&p).sacked, 4 * MSS);
	flight_sack_two(&p, 2, 8, 9, 3, 7);
	assert_int_equal(peer_info(&p).sacked, 5 * MSS);
	flight_drain(&p);
	flight_ack(&p, 10);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).in_flight, 0);
	peer_fini(&p);
}

/* ---- super-segments ---- */

static void rfc6675_3_a_super_segment_is_cut_at_whole_segments(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, with_gso);
	assert_int_equal(flight_conn(&p)->busy->flight_segments, 1);
	sack_octets(&p, 2 * MSS + 100, 5 * MSS - 1); /* whole: 3 only */
	assert_int_equal(peer_info(&p).sacked, MSS);
	assert_int_equal(flight_conn(&p)->busy->flight_segments, 3);
	sack_octets(&p, 2 * MSS, 10 * MSS);
	assert_int_equal(peer_info(&p).sacked, 8 * MSS);
	flight_ack(&p, 10);
	assert_int_equal(flight_conn(&p)->busy->flight_segments, 0);
	peer_fini(&p);
}

/* A peer that reports single octets would have us keep a record for each. */
static void rfc6675_3_tiny_blocks_cost_nothing(void **state)
{
	struct peer p;
	uint32_t first;

	(void)state;
	open_with_ten(&p, with_gso);
	first = flight_seq(&p, 0);
	for (uint32_t at = 1; at + 8 < 10 * MSS; at += 8)
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = first, .n_sack = 4,
				    .sack = { { first + at, first + at + 1 }, { first + at + 2, first + at + 3 },
					      { first + at + 4, first + at + 5 },
					      { first + at + 6, first + at + 7 } }));
	assert_int_equal(flight_conn(&p)->busy->flight_segments, 1);
	assert_int_equal(p.stack->tcp->segment_pool.in_use, 1);
	assert_int_equal(peer_info(&p).sacked, 0);
	peer_fini(&p);
}

static void rfc6675_3_no_memory_to_cut(void **state)
{
	struct peer p;

	(void)state;
	for (unsigned spare = 0; spare <= 2; spare++) {
		open_with_ten(&p, with_gso);
		p.stack->tcp->segment_pool.limit = 1 + spare;
		flight_sack(&p, 0, 3, 5);
		assert_int_equal(peer_info(&p).sacked, spare == 2 ? 2 * MSS : 0);
		p.stack->tcp->segment_pool.limit = 100;
		flight_sack(&p, 0, 3, 6); /* the next block says it again */
		assert_int_equal(peer_info(&p).sacked, 3 * MSS);
		flight_ack(&p, 10);
		assert_int_equal(peer_info(&p).in_flight, 0);
		peer_fini(&p);
	}
}

/* ---- D-SACK ---- */

static void rfc2883_4_a_duplicate_report_is_no_sack(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, use_reno);
	flight_sack(&p, 4, 2, 3); /* below the acknowledgement */
	assert_int_equal(peer_info(&p).sacked, 0);
	assert_int_equal(flight_counters(&p)->dsack_recv, 1);
	flight_sack_two(&p, 4, 6, 7, 5, 8); /* within the second block */
	assert_int_equal(peer_info(&p).sacked, 3 * MSS);
	assert_int_equal(flight_counters(&p)->dsack_ofo_recv, 1);
	flight_sack_two(&p, 4, 3, 4, 5, 9); /* below, and news beside it */
	assert_int_equal(peer_info(&p).sacked, 4 * MSS);
	assert_int_equal(flight_counters(&p)->dsack_recv, 2);
	peer_fini(&p);
}

/* ---- reneging ---- */

/* The peer holds segment 1 no more: else its acknowledgement of 0 would cover it. */
static void rfc2018_8_what_the_peer_threw_away_goes_again_after_a_timeout(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, use_reno);
	flight_sack(&p, 0, 1, 3);
	flight_drain(&p);
	flight_ack(&p, 1);
	assert_int_equal(peer_info(&p).sacked, 2 * MSS);
	flight_drain(&p);
	peer_advance(&p, 1000000);
	assert_int_equal(peer_any(&p).seq, flight_seq(&p, 1));
	assert_int_equal(flight_counters(&p)->sack_reneging, 1);
	assert_int_equal(peer_info(&p).sacked, 0);
	for (uint32_t n = 2; n <= 10; n++) { /* and all the rest, as the peer asks for it */
		flight_ack(&p, n);
		flight_drain(&p);
	}
	assert_int_equal(peer_info(&p).in_flight + peer_info(&p).lost, 0);
	peer_fini(&p);
}

static void rfc2018_8_a_timeout_alone_does_not_forget(void **state)
{
	struct peer p;

	(void)state;
	open_with_ten(&p, use_reno);
	flight_sack(&p, 0, 3, 5);
	peer_advance(&p, 1000000);
	assert_true(flight_counters(&p)->timeouts > 0);
	assert_int_equal(flight_counters(&p)->sack_reneging, 0);
	assert_int_equal(peer_info(&p).sacked, 2 * MSS);
	peer_fini(&p);
}

/* ---- beside other mechanisms ---- */

static void rfc2018_5_a_fin_can_be_sacked(void **state)
{
	struct peer p;
	uint32_t end;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 3);
	stream_shutdown(p.stream);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	end = peer_info(&p).snd_nxt;
	assert_int_equal(end, flight_seq(&p, 3) + 1);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 0), .n_sack = 1,
			    .sack = { { flight_seq(&p, 1), end } }));
	assert_int_equal(peer_info(&p).sacked, 2 * MSS + 1);
	flight_expect_all(&p, 0, 0);
	peer_ack(&p, end);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_fini(&p);
}

static void rfc2018_5_a_lost_fin_goes_again(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 3);
	stream_shutdown(p.stream);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 3);
	peer_advance(&p, 1000000);
	peer_expect(&p, SEG(.flags = F | A, .seq = flight_seq(&p, 3)));
	flight_drain(&p);
	peer_ack(&p, flight_seq(&p, 3) + 1);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_fini(&p);
}

/* The window closes over a hole: the first octet is the probe, and once it
 * opens only what is missing goes. */
static void rfc9293_3_8_6_1_a_closed_window_with_a_hole(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	open_with_ten(&p, use_reno);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 0), .zero_win = true, .n_sack = 1,
			    .sack = { { flight_seq(&p, 1), flight_seq(&p, 10) } }));
	flight_drain(&p);
	peer_advance(&p, 1000000);
	got = peer_any(&p);
	assert_int_equal(got.seq, flight_seq(&p, 0));
	assert_int_equal(got.len, 1);
	flight_drain(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 0), .n_sack = 1,
			    .sack = { { flight_seq(&p, 1), flight_seq(&p, 10) } }));
	assert_int_equal(flight_drain(&p), 2); /* the octet, and the rest of the segment */
	flight_ack(&p, 10);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).in_flight, 0);
	peer_fini(&p);
}

static void rfc1191_6_5_a_smaller_path_mtu_resends_only_what_is_not_sacked(void **state)
{
	struct peer p;
	uint32_t octets = 0, end;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	tcp_set_nodelay(p.stream, true);
	flight_write(&p, 8);
	peer_write(&p, 500);
	flight_drain(&p);
	end = flight_seq(&p, 8) + 500;
	peer_advance(&p, FLIGHT_RTT_US);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = flight_seq(&p, 0), .n_sack = 1,
			    .sack = { { flight_seq(&p, 8), end } }));
	flight_drain(&p);
	peer_icmp(&p, 3, 4, 1000, flight_seq(&p, 0));
	assert_int_equal(peer_info(&p).mss, 960);
	for (unsigned i = 0; i < 100 && peer_info(&p).snd_una != end; i++) {
		uint32_t arrived = peer_info(&p).snd_una;
		while (peer_pending(&p) > 0) {
			struct seg got = peer_any(&p);
			assert_true(got.len <= 960);
			octets += got.len;
			arrived = got.seq + got.len;
		}
		peer_advance(&p, FLIGHT_RTT_US / 2);
		peer_ack(&p, arrived == flight_seq(&p, 8) ? end : arrived);
	}
	assert_int_equal(peer_info(&p).snd_una, end);
	assert_int_equal(octets, 8 * MSS);
	assert_int_equal(flight_counters(&p)->timeouts, 0);
	peer_fini(&p);
}

/* ---- what it costs ---- */

static uint64_t cpu_us(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

enum { MANY = TCP_MAX_FLIGHT, TINY = TCP_MIN_MSS };

/* As many segments in flight as there may be, the upper half of them lost; in order. */
static void lose_upper_half(struct peer *p, struct tcp_conn *c, struct tcp_segment *segments[MANY])
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = p->iss + 1, .zero_win = true));
	peer_write(p, MANY * TINY);
	for (unsigned i = 0; i < MANY; i++) {
		segments[i] = tcp_segment_new(c, TINY, 0);
		assert_non_null(segments[i]);
		tcp_segment_sent(c, segments[i]);
	}
	for (unsigned i = MANY / 2; i < MANY; i++)
		tcp_segment_lost(c, segments[i]);
}

/* A peer can arrange that half of the flight is lost below the half that already is, and
 * found again between what was sent later. Each place sought from the list's end, one ACK
 * would take the product of both: 20 ms. */
static void rfc6675_3_losses_below_losses_are_marked_in_linear_time(void **state)
{
	static struct tcp_segment *segments[MANY];
	struct tcp_conn *c;
	struct peer p;
	uint64_t began;

	(void)state;
	peer_init(&p, use_reno);
	peer_established(&p, SEG(.mss = TINY, .sack_permitted = true));
	c = tcp_conn_of(p.stream);
	lose_upper_half(&p, c, segments);
	began = cpu_us();
	for (unsigned i = 0; i < MANY / 2; i++)
		tcp_segment_lost(c, segments[i]);
	assert_in_range(cpu_us() - began, 0, 5000);
	for (unsigned i = 0; i < MANY / 2; i++)
		tcp_segment_sent(c, segments[i]);
	began = cpu_us();
	for (unsigned i = MANY / 2; i < MANY; i++)
		tcp_segment_found(c, segments[i]);
	assert_in_range(cpu_us() - began, 0, 5000);
	assert_int_equal(c->busy->pipe, MANY * TINY);
	assert_ptr_equal(list_first(&c->busy->outstanding), &segments[MANY / 2]->condition);
	assert_ptr_equal(list_last(&c->busy->outstanding), &segments[MANY / 2 - 1]->condition);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2018_5_blocks_come_in_any_order_and_overlap),
		cmocka_unit_test(rfc2018_5_what_is_sacked_is_not_sent_again),
		cmocka_unit_test(rfc2018_5_impossible_blocks_are_ignored),
		cmocka_unit_test(rfc2018_5_without_agreement_blocks_are_ignored),
		cmocka_unit_test(rfc2018_5_blocks_across_the_wrap),
		cmocka_unit_test(rfc6675_3_a_super_segment_is_cut_at_whole_segments),
		cmocka_unit_test(rfc6675_3_tiny_blocks_cost_nothing),
		cmocka_unit_test(rfc6675_3_no_memory_to_cut),
		cmocka_unit_test(rfc2883_4_a_duplicate_report_is_no_sack),
		cmocka_unit_test(rfc2018_8_what_the_peer_threw_away_goes_again_after_a_timeout),
		cmocka_unit_test(rfc2018_8_a_timeout_alone_does_not_forget),
		cmocka_unit_test(rfc2018_5_a_fin_can_be_sacked),
		cmocka_unit_test(rfc2018_5_a_lost_fin_goes_again),
		cmocka_unit_test(rfc9293_3_8_6_1_a_closed_window_with_a_hole),
		cmocka_unit_test(rfc1191_6_5_a_smaller_path_mtu_resends_only_what_is_not_sacked),
		cmocka_unit_test(rfc6675_3_losses_below_losses_are_marked_in_linear_time),
	};

	return cmocka_run_group_tests_name("conformance: SACK, the sender", tests, NULL, NULL);
}
