/*
 * Explicit congestion notification (RFC 3168; RFC 9293 SHLD-8): agreed on in the handshake, marks echoed,
 * echoes answered by a smaller window.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

enum { MSS = FLIGHT_MSS, ECT_0 = 2, CE = 3 };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

static void ecn_off(struct stack_config *c)
{
	c->tcp.ecn = TCP_ECN_OFF;
}

static void ecn_offer(struct stack_config *c)
{
	c->tcp.ecn = TCP_ECN_OFFER;
}

static void with_cookies(struct stack_config *c)
{
	c->tcp.syn_cookies = TCP_SYN_COOKIES_ALWAYS;
}

static void with_gso(struct stack_config *c)
{
	use_reno(c);
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static const struct seg offer = { .flags = E | C, .mss = MSS, .sack_permitted = true };

static void open_with_ecn(struct peer *p, void (*tune)(struct stack_config *c))
{
	flight_open(p, tune, FLIGHT_RTT_US, &offer);
	assert_true(peer_info(p).ecn);
}

static void echo(struct peer *p, uint32_t n)
{
	peer_inject(p, SEG(.flags = A | E, .seq = p->snd, .ack = flight_seq(p, n)));
}

/* ---- the handshake ---- */

static void rfc9293_shld_8_rfc3168_6_1_1_accepted_when_offered(void **state)
{
	static const struct {
		void (*tune)(struct stack_config *c);
		uint8_t syn, syn_ack;
	} cases[] = {
		{ NULL, E | C, E }, { NULL, 0, 0 }, { NULL, E, 0 }, { NULL, C, 0 }, { ecn_off, E | C, 0 },
		{ ecn_offer, E | C, E },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct peer p;
		struct seg got;
		peer_init(&p, cases[i].tune);
		peer_listen(&p, 80);
		p.snd = 1001;
		peer_inject(&p, SEG(.flags = S | cases[i].syn, .seq = 1000, .mss = MSS));
		got = peer_expect(&p, SEG(.flags = S | A | cases[i].syn_ack));
		assert_int_equal(got.tos, 0); /* itself not marked capable */
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
		assert_int_equal(peer_info(&p).ecn, cases[i].syn_ack == E);
		peer_write(&p, 10);
		assert_int_equal(peer_any(&p).tos, cases[i].syn_ack == E ? ECT_0 : 0);
		peer_fini(&p);
	}
}

/* Whatever a cookie can carry: both sides mean the same. */
static void rfc3168_6_1_1_both_sides_agree_after_a_cookie(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, with_cookies);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S | E | C, .seq = 1000, .mss = MSS, .has_ts = true, .ts_val = 7));
	got = peer_any(&p);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .has_ts = true, .ts_val = 8,
			    .ts_ecr = got.ts_val));
	assert_int_equal(peer_info(&p).ecn, (got.flags & E) != 0);
	peer_fini(&p);
}

static void rfc9293_shld_8_rfc3168_6_1_1_offered_on_active_opens(void **state)
{
	static const uint8_t answers[] = { E, 0, E | C, C }; /* who sends both back mirrors what it does not know */

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(answers); i++) {
		struct peer p;
		struct seg got;
		peer_init(&p, ecn_offer);
		peer_connect(&p, p.port);
		got = peer_expect(&p, SEG(.flags = S | E | C));
		assert_int_equal(got.tos, 0);
		p.our_port = got.src_port;
		peer_inject(&p,
			    SEG(.flags = S | A | answers[i], .seq = 7000, .ack = got.seq + 1, .mss = MSS));
		peer_expect(&p, SEG(.flags = A));
		assert_int_equal(peer_info(&p).ecn, answers[i] == E);
		peer_fini(&p);
	}
}

static void rfc3168_6_1_1_1_a_second_syn_does_not_offer(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, ecn_offer);
	peer_connect(&p, p.port);
	peer_expect(&p, SEG(.flags = S | E | C));
	peer_advance(&p, 1000000);
	peer_expect(&p, SEG(.flags = S));
	peer_fini(&p);
}

static void rfc3168_6_1_1_not_offered_by_default(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_connect(&p, p.port);
	peer_expect(&p, SEG(.flags = S));
	peer_fini(&p);
}

/* ---- what is marked capable ---- */

static void rfc3168_6_1_4_new_data_is_ect_0_beside_its_dscp(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	tcp_set_dscp(p.stream, 46);
	flight_write(&p, 1);
	assert_int_equal(peer_any(&p).tos, 46 << 2 | ECT_0);
	peer_fini(&p);
}

static void rfc3168_6_1_4_pure_acks_and_fins_are_not(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	peer_send(&p, 3000);
	peer_advance(&p, 100000);
	assert_int_equal(peer_expect(&p, SEG(.flags = A)).tos, 0);
	stream_shutdown(p.stream);
	assert_int_equal(peer_expect(&p, SEG(.flags = F | A)).tos, 0);
	peer_fini(&p);
}

static void rfc3168_6_1_5_retransmissions_are_not(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 10);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 1, 4); /* fast */
	assert_int_equal(peer_any(&p).tos, 0);
	peer_advance(&p, 1000000); /* after a timeout */
	assert_int_equal(peer_any(&p).tos, 0);
	peer_fini(&p);

	open_with_ecn(&p, use_reno);
	flight_write(&p, 2);
	flight_drain(&p);
	peer_advance(&p, 2 * FLIGHT_RTT_US); /* a tail loss probe */
	assert_int_equal(peer_any(&p).tos, 0);
	peer_fini(&p);
}

/* New octets, but nobody would notice their loss as one. */
static void rfc3168_6_1_6_window_probes_are_not(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	open_with_ecn(&p, use_reno);
	peer_inject(&p, SEG(.flags = A | E, .seq = p.snd, .ack = p.iss + 1, .zero_win = true)); /* CWR is due */
	peer_write(&p, 100);
	peer_advance(&p, 1000000);
	got = peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1));
	assert_int_equal(got.tos, 0);
	flight_drain(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2));
	got = peer_any(&p);
	assert_int_equal(got.tos, ECT_0);
	assert_int_equal(got.flags & C, C);
	peer_fini(&p);
}

/* ---- the receiver ---- */

static void rfc3168_6_1_3_a_mark_is_echoed_until_cwr(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 100, .tos = CE));
	peer_expect(&p, SEG(.flags = A | E)); /* at once */
	assert_int_equal(flight_counters(&p)->in_ce, 1);
	p.snd += 100;
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 100, .tos = ECT_0));
	p.snd += 100;
	peer_advance(&p, 100000);
	peer_expect(&p, SEG(.flags = A | E));
	peer_write(&p, 10);
	assert_int_equal(peer_any(&p).flags & (E | C), E);
	peer_inject(&p, SEG(.flags = A | C, .seq = p.snd, .ack = p.iss + 11, .len = 100, .tos = ECT_0));
	p.snd += 100;
	peer_advance(&p, 100000);
	peer_expect(&p, SEG(.flags = A));
	peer_fini(&p);
}

static void rfc3168_6_1_3_a_mark_on_the_cwr_segment_counts(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	peer_inject(&p, SEG(.flags = A | C, .seq = p.snd, .ack = p.iss + 1, .len = 100, .tos = CE));
	peer_expect(&p, SEG(.flags = A | E));
	peer_fini(&p);
}

static void rfc3168_6_1_3_without_agreement_nothing_is_echoed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 3000, .tos = CE));
	peer_advance(&p, 100000);
	peer_expect(&p, SEG(.flags = A));
	assert_int_equal(flight_counters(&p)->in_ce, 0);
	peer_fini(&p);
}

/* ---- the sender ---- */

static void rfc3168_6_1_2_an_echo_halves_the_window_once_a_round_trip(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 100);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	echo(&p, 2);
	assert_int_equal(peer_info(&p).cwnd, 5 * MSS);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	for (uint32_t n = 4; n < 10; n += 2)
		echo(&p, n);
	assert_in_range(peer_info(&p).cwnd, 5 * MSS, 6 * MSS);
	assert_int_equal(flight_counters(&p)->ecn_reductions, 1);
	assert_int_equal(peer_info(&p).retransmissions, 0);
	assert_false(peer_info(&p).in_recovery);
	flight_drain(&p);
	echo(&p, 10); /* what was sent before is through */
	assert_int_equal(flight_counters(&p)->ecn_reductions, 2);
	peer_fini(&p);
}

static void rfc3168_6_1_2_cwr_goes_with_the_next_new_data_once(void **state)
{
	struct peer p;
	unsigned with_cwr = 0;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 100);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	echo(&p, 2);
	peer_expect_nothing(&p); /* eight in flight, and a window of five */
	echo(&p, 6);
	assert_int_equal(peer_any(&p).flags & C, C);
	for (uint32_t n = 7; n < 10; n++)
		echo(&p, n);
	while (peer_pending(&p) > 0)
		with_cwr += (peer_any(&p).flags & C) != 0;
	assert_int_equal(with_cwr, 0);
	peer_fini(&p);
}

/* A device that cuts would repeat it on each segment. */
static void rfc3168_6_1_2_cwr_stands_on_one_segment_of_many(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	open_with_ecn(&p, with_gso);
	flight_write(&p, 100);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	echo(&p, 8);
	got = peer_any(&p);
	assert_int_equal(got.flags & C, C);
	assert_int_equal(got.len, MSS);
	got = peer_any(&p);
	assert_int_equal(got.flags & C, 0);
	assert_true(got.len > MSS);
	peer_fini(&p);
}

/* The window shrinks for a loss: the peer is told so too, and echoes meanwhile shrink it no further. */
static void rfc3168_6_1_2_a_loss_is_answered_by_cwr_and_not_twice(void **state)
{
	struct peer p;
	unsigned with_cwr = 0;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 100);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 1, 4);
	assert_int_equal(peer_any(&p).flags & C, 0); /* the retransmission */
	for (uint32_t n = 5; n <= 10; n++)
		peer_inject(&p, SEG(.flags = A | E, .seq = p.snd, .ack = flight_seq(&p, 0), .n_sack = 1,
				    .sack = { { flight_seq(&p, 1), flight_seq(&p, n) } }));
	while (peer_pending(&p) > 0)
		with_cwr += (peer_any(&p).flags & C) != 0;
	assert_int_equal(with_cwr, 1);
	assert_int_equal(flight_counters(&p)->ecn_reductions, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	peer_fini(&p);
}

static void rfc3168_6_1_2_a_timeout_is_answered_by_cwr(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 10);
	peer_advance(&p, 1000000);
	assert_true(flight_counters(&p)->timeouts > 0);
	flight_drain(&p);
	flight_ack(&p, 10);
	flight_write(&p, 1);
	got = peer_any(&p);
	assert_int_equal(got.seq, flight_seq(&p, 10));
	assert_int_equal(got.flags & C, C);
	peer_fini(&p);
}

/* Of one segment nothing can be taken, and nothing is added. */
static void rfc3168_6_1_2_the_smallest_window_does_not_grow(void **state)
{
	struct peer p;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 1);
	((struct tcp_conn *)(void *)p.stream)->busy->cc.cwnd = MSS;
	echo(&p, 0);
	assert_int_equal(flight_counters(&p)->ecn_reductions, 1);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	peer_fini(&p);
}

/* The loss before was none, but the mark was one. */
static void rfc3168_6_1_2_a_reduction_for_a_mark_is_not_undone(void **state)
{
	struct peer p;
	uint32_t next;

	(void)state;
	open_with_ecn(&p, use_reno);
	flight_write(&p, 100);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 1, 4);
	peer_advance(&p, FLIGHT_RTT_US);
	next = peer_info(&p).snd_nxt;
	peer_ack(&p, next);
	peer_inject(&p, SEG(.flags = A | E, .seq = p.snd, .ack = next));
	assert_int_equal(flight_counters(&p)->ecn_reductions, 1);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = next, .n_sack = 1,
			    .sack = { { flight_seq(&p, 0), flight_seq(&p, 1) } }));
	assert_int_equal(flight_counters(&p)->dsack_undo, 0);
	assert_true(peer_info(&p).ssthresh < 10 * MSS);
	peer_fini(&p);
}

static void rfc3168_6_1_2_without_agreement_an_echo_is_nothing(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(&p, 20);
	flight_drain(&p);
	echo(&p, 2);
	assert_int_equal(peer_info(&p).cwnd, 12 * MSS);
	assert_int_equal(peer_any(&p).flags & C, 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_shld_8_rfc3168_6_1_1_accepted_when_offered),
		cmocka_unit_test(rfc3168_6_1_1_both_sides_agree_after_a_cookie),
		cmocka_unit_test(rfc9293_shld_8_rfc3168_6_1_1_offered_on_active_opens),
		cmocka_unit_test(rfc3168_6_1_1_1_a_second_syn_does_not_offer),
		cmocka_unit_test(rfc3168_6_1_1_not_offered_by_default),
		cmocka_unit_test(rfc3168_6_1_4_new_data_is_ect_0_beside_its_dscp),
		cmocka_unit_test(rfc3168_6_1_4_pure_acks_and_fins_are_not),
		cmocka_unit_test(rfc3168_6_1_5_retransmissions_are_not),
		cmocka_unit_test(rfc3168_6_1_6_window_probes_are_not),
		cmocka_unit_test(rfc3168_6_1_3_a_mark_is_echoed_until_cwr),
		cmocka_unit_test(rfc3168_6_1_3_a_mark_on_the_cwr_segment_counts),
		cmocka_unit_test(rfc3168_6_1_3_without_agreement_nothing_is_echoed),
		cmocka_unit_test(rfc3168_6_1_2_an_echo_halves_the_window_once_a_round_trip),
		cmocka_unit_test(rfc3168_6_1_2_cwr_goes_with_the_next_new_data_once),
		cmocka_unit_test(rfc3168_6_1_2_cwr_stands_on_one_segment_of_many),
		cmocka_unit_test(rfc3168_6_1_2_a_loss_is_answered_by_cwr_and_not_twice),
		cmocka_unit_test(rfc3168_6_1_2_a_timeout_is_answered_by_cwr),
		cmocka_unit_test(rfc3168_6_1_2_the_smallest_window_does_not_grow),
		cmocka_unit_test(rfc3168_6_1_2_a_reduction_for_a_mark_is_not_undone),
		cmocka_unit_test(rfc3168_6_1_2_without_agreement_an_echo_is_nothing),
	};

	return cmocka_run_group_tests_name("conformance: ECN", tests, NULL, NULL);
}
