/*
 * The retransmission timer (RFC 6298) and the limits on retransmitting (RFC 9293 sections 3.8.1 and 3.8.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull
enum { MS = 1000 };

/* The next segment leaves `us` after `since`, to within the clock of the small records, and not before. */
static struct seg expect_at(struct peer *p, uint64_t since, uint64_t us, const struct seg *want)
{
	struct seg got;

	if (p->now_us < since + us)
		peer_advance(p, since + us + 2 * MS - p->now_us);
	got = peer_expect(p, want);
	assert_in_range(peer_sent_at(p) - since, us, us + 2 * MS);
	return got;
}

/* A round trip of `us`: one segment of text and its ACK. */
static void round_trip(struct peer *p, uint64_t us)
{
	peer_write(p, 100);
	peer_expect(p, SEG(.flags = A | P, .len = 100));
	peer_advance(p, us);
	peer_ack(p, peer_info(p).snd_nxt);
}

/* ---- the timeout's length ---- */

static void rfc6298_2_1_initial_rto_is_1_s(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	assert_int_equal(peer_info(&p).srtt_us, 0);
	assert_int_equal(peer_info(&p).rto_us, SECOND);
	peer_write(&p, 100);
	start = p.now_us;
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	expect_at(&p, start, SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_fini(&p);
}

static void rfc6298_2_2_first_sample(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS);
	assert_int_equal(peer_info(&p).srtt_us, 300 * MS);
	assert_int_equal(peer_info(&p).rttvar_us, 150 * MS);
	assert_int_equal(peer_info(&p).rto_us, 900 * MS); /* srtt + 4 rttvar */
	peer_fini(&p);
}

static void rfc6298_2_3_next_samples(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS);
	round_trip(&p, 100 * MS);
	/* rttvar = 3/4 * 150 + 1/4 * |300 - 100|, with the old srtt; srtt = 7/8 * 300 + 1/8 * 100 */
	assert_int_equal(peer_info(&p).rttvar_us, 162500);
	assert_int_equal(peer_info(&p).srtt_us, 275000);
	assert_int_equal(peer_info(&p).rto_us, 925000);
	round_trip(&p, 275 * MS);
	assert_int_equal(peer_info(&p).rttvar_us, 121875);
	assert_int_equal(peer_info(&p).srtt_us, 275000);
	peer_fini(&p);
}

/* RFC 6298 (2.4) says 1 s, unless clocks are better; 200 ms is what all large stacks have. */
static void rfc6298_2_4_rto_has_a_minimum(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 20; i++)
		round_trip(&p, MS);
	assert_int_equal(peer_info(&p).rto_us, 200 * MS);
	start = p.now_us;
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	expect_at(&p, start, 200 * MS, SEG(.flags = A | P, .len = 100));
	peer_fini(&p);
}

static void minimum_1_s(struct stack_config *c)
{
	c->tcp.min_rto_us = SECOND;
}

static void rfc6298_2_4_minimum_can_be_configured_to_1_s(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, minimum_1_s);
	peer_established(&p, NULL);
	round_trip(&p, MS);
	assert_int_equal(peer_info(&p).rto_us, SECOND);
	peer_fini(&p);
}

static void patient(struct stack_config *c)
{
	c->tcp.user_timeout_us = 100000 * SECOND;
}

static void rfc6298_2_5_and_5_5_rto_doubles_up_to_60_s(void **state)
{
	static const uint64_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, patient);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	peer_any(&p);
	start = p.now_us;
	for (unsigned i = 0; i < ARRAY_LENGTH(waits); i++) {
		expect_at(&p, start, waits[i] * SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
		start = peer_sent_at(&p);
		peer_expect_nothing(&p);
	}
	peer_fini(&p);
}

static void rfc6298_2_the_handshake_gives_a_sample(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL); /* passive */
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_advance(&p, 80 * MS);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
	assert_int_equal(peer_info(&p).srtt_us, 80 * MS);
	peer_fini(&p);

	peer_init(&p, NULL); /* active */
	peer_syn_sent(&p);
	peer_advance(&p, 80 * MS);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	assert_int_equal(peer_info(&p).srtt_us, 80 * MS);
	peer_fini(&p);
}

/* ---- Karn ---- */

/* RFC 6298 (2.1) to (2.5) with samples that rise, fall and stand: what the RFC computes, to the microsecond's
 * rounding. */
static void rfc9293_must_18_the_timeout_is_rfc_6298s(void **state)
{
	static const uint32_t samples_ms[] = { 400, 700, 100, 100, 600, 600, 300, 50, 500 };
	struct peer p;
	double srtt = 0, rttvar = 0;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	assert_int_equal(peer_info(&p).rto_us, SECOND);
	for (unsigned i = 0; i < ARRAY_LENGTH(samples_ms); i++) {
		double r = samples_ms[i] * 1000.0, error = srtt > r ? srtt - r : r - srtt;
		rttvar = i == 0 ? r / 2 : 0.75 * rttvar + 0.25 * error;
		srtt = i == 0 ? r : 0.875 * srtt + 0.125 * r;
		round_trip(&p, samples_ms[i] * MS);
		assert_in_range(peer_info(&p).rto_us, srtt + 4 * rttvar - 100, srtt + 4 * rttvar + 100);
	}
	peer_fini(&p);
}

static void rfc9293_must_18_no_sample_from_what_was_sent_twice(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS);
	peer_write(&p, 100);
	peer_any(&p);
	peer_advance(&p, 950 * MS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100)); /* again */
	peer_advance(&p, 10 * MS);
	peer_ack(&p, peer_info(&p).snd_nxt);
	assert_int_equal(peer_info(&p).srtt_us, 300 * MS);
	assert_int_equal(peer_info(&p).rttvar_us, 150 * MS);
	peer_fini(&p);
}

/* Segments 2 to 4 were sent once, but their ACK waited for the first, which was sent twice: that is no round
 * trip. */
static void rfc9293_must_18_no_sample_from_what_waited_behind_a_loss(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS);
	peer_write(&p, 4 * 1460);
	for (unsigned i = 0; i < 4; i++)
		peer_any(&p);
	peer_advance(&p, 950 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 101, .len = 1460)); /* again */
	peer_advance(&p, 300 * MS);
	peer_ack(&p, p.iss + 101 + 4 * 1460);
	assert_int_equal(peer_info(&p).srtt_us, 300 * MS);
	assert_int_equal(peer_info(&p).rto_us, 900 * MS);
	peer_fini(&p);
}

/* RFC 6298 section 5: the back-off ends with a new sample, "which can only happen when new data has been
 * sent". */
static void rfc9293_must_18_back_off_stays_until_a_new_sample(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS); /* rto 900 ms */
	peer_write(&p, 100);
	peer_any(&p);
	peer_advance(&p, 950 * MS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_ack(&p, peer_info(&p).snd_nxt); /* of the one or the other */
	start = p.now_us;
	peer_write(&p, 100);
	peer_any(&p);
	peer_advance(&p, 1700 * MS);
	peer_expect_nothing(&p);
	expect_at(&p, start, 1800 * MS, SEG(.flags = A | P, .len = 100));
	peer_ack(&p, peer_info(&p).snd_nxt);
	/* Sent and acknowledged once: a sample, and the timeout is what section 2 makes of it. */
	round_trip(&p, 300 * MS);
	start = p.now_us;
	peer_write(&p, 100);
	peer_any(&p);
	expect_at(&p, start, peer_info(&p).rto_us, SEG(.flags = A | P, .len = 100));
	assert_true(peer_info(&p).rto_us < 900 * MS);
	peer_fini(&p);
}

/* RFC 7323 section 4: timestamps tell which transmission was acknowledged. */
static void rfc7323_4_sample_from_the_echoed_timestamp(void **state)
{
	struct peer p;
	struct seg again;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 100));
	peer_write(&p, 100);
	peer_any(&p);
	peer_advance(&p, 1010 * MS);
	again = peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_advance(&p, 70 * MS);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 101, .has_ts = true, .ts_val = 200,
			    .ts_ecr = again.ts_val));
	/* Since 1010 - 10: the second transmission. */
	assert_in_range(peer_info(&p).srtt_us, 79 * MS, 81 * MS);
	peer_fini(&p);
}

/* An echo of the first transmission may be its late answer, or that of a retransmission whose own ACK was
 * lost. */
static void rfc7323_4_no_sample_from_the_echo_of_an_earlier_one(void **state)
{
	struct peer p;
	struct seg first;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 100));
	peer_write(&p, 100);
	first = peer_any(&p);
	peer_advance(&p, 1010 * MS);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_advance(&p, 70 * MS);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 101, .has_ts = true, .ts_val = 200,
			    .ts_ecr = first.ts_val));
	assert_int_equal(peer_info(&p).snd_una, p.iss + 101);
	assert_int_equal(peer_info(&p).srtt_us, 0);
	peer_fini(&p);
}

/* ---- when it runs ---- */

static void rfc6298_5_1_the_timer_runs_from_the_first_unacknowledged_segment(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1460);
	peer_any(&p);
	start = p.now_us;
	peer_advance(&p, 500 * MS);
	peer_write(&p, 1460); /* does not set it anew */
	peer_any(&p);
	expect_at(&p, start, SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 1460));
	peer_fini(&p);
}

/* A timer left over from a window that was closed must not strike the first segment that goes when it
 * opens. */
static void rfc6298_5_1_the_timer_starts_when_a_window_opened(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .zero_win = true));
	peer_write(&p, 100);
	peer_advance(&p, 900 * MS); /* the first probe would go at 1 s */
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 1);
	start = p.now_us;
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_advance(&p, 500 * MS);
	peer_expect_nothing(&p);
	assert_int_equal(tcp_counters(p.stack->tcp)->timeouts, 0);
	expect_at(&p, start, SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_fini(&p);
}

static void rfc6298_5_2_it_stops_when_all_is_acknowledged(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 10 * MS);
	peer_advance(&p, 1000 * SECOND);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc6298_5_3_an_ack_of_new_data_restarts_it(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	round_trip(&p, 300 * MS); /* rto 900 ms */
	peer_write(&p, 2920);
	peer_any(&p);
	peer_any(&p);
	peer_advance(&p, 800 * MS);
	peer_ack(&p, p.iss + 101 + 1460);
	start = p.now_us;
	expect_at(&p, start, peer_info(&p).rto_us,
		  SEG(.flags = A | P, .seq = p.iss + 101 + 1460, .len = 1460));
	peer_fini(&p);
}

static void rfc6298_5_3_a_duplicate_ack_does_not(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	peer_any(&p);
	start = p.now_us;
	peer_advance(&p, 800 * MS);
	peer_ack(&p, p.iss + 1);
	expect_at(&p, start, SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_fini(&p);
}

static void rfc6298_5_4_only_the_earliest_segment_goes_again(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 5 * 1460);
	for (unsigned i = 0; i < 5; i++)
		peer_any(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1460));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void with_gso(struct stack_config *c)
{
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static void rfc6298_5_4_one_segment_of_a_super_segment(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, with_gso);
	peer_established(&p, NULL);
	peer_write(&p, 10 * 1460);
	got = peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 14600));
	assert_int_equal(got.gso_size, 1460);
	peer_advance(&p, 1100 * MS);
	got = peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .len = 1460));
	assert_int_equal(got.gso_size, 0);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc6298_5_7_rto_is_3_s_after_a_lost_syn(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = S));
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A));
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	start = p.now_us;
	expect_at(&p, start, 3 * SECOND, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_fini(&p);
}

static void rfc6298_5_7_rto_is_3_s_after_a_lost_syn_ack(void **state)
{
	struct peer p;
	struct seg got;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	peer_advance(&p, 1100 * MS);
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
	assert_int_equal(peer_info(&p).srtt_us, 0);
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	start = p.now_us;
	expect_at(&p, start, 3 * SECOND, SEG(.flags = A | P, .len = 100));
	peer_fini(&p);
}

/* ---- what goes again ---- */

static void rfc9293_3_8_1_a_retransmission_holds_the_same_octets_and_the_newest_ack(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	peer_any(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 77));
	peer_advance(&p, 100 * MS);
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 77));
	peer_advance(&p, SECOND);
	got = peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .ack = p.snd + 77, .len = 1000));
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(((const uint8_t *)got.data)[i], i % 251);
	peer_fini(&p);
}

static void rfc9293_may_4_a_retransmission_has_the_same_ip_identification(void **state)
{
	struct peer p;
	struct seg first, again;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	first = peer_expect(&p, SEG(.flags = A | P, .len = 1000));
	peer_advance(&p, 1100 * MS);
	again = peer_expect(&p, SEG(.flags = A | P, .seq = first.seq, .len = 1000));
	assert_int_equal(again.ip_id, first.ip_id);
	peer_fini(&p);
}

static void rfc9293_3_8_1_what_was_acknowledged_in_part_goes_from_there(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 1000);
	peer_any(&p);
	peer_ack(&p, p.iss + 1 + 300);
	peer_advance(&p, 1100 * MS);
	got = peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 301, .len = 700));
	assert_int_equal(*(const uint8_t *)got.data, 300 % 251);
	peer_fini(&p);
}

static void rfc9293_3_8_1_a_fin_goes_again(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_1(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	peer_advance(&p, 2 * SECOND);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	peer_ack(&p, p.iss + 2);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_fini(&p);
}

static void rfc9293_3_8_1_text_and_fin_go_again_together(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 101));
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_ack(&p, p.iss + 101);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 101));
	peer_fini(&p);
}

/* ---- R1 and R2 ---- */

static void rfc9293_shld_9_10_r1_is_three_retransmissions(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	peer_advance(&p, 3500 * MS); /* two retransmissions: at 1 and 3 s */
	assert_false(peer_info(&p).r1_passed);
	peer_advance(&p, 4 * SECOND); /* the third, at 7 s */
	assert_true(peer_info(&p).r1_passed);
	assert_int_equal(peer_info(&p).retransmissions, 3);
	peer_ack(&p, p.iss + 101);
	assert_false(peer_info(&p).r1_passed);
	peer_fini(&p);
}

static void rto_of_1_s(struct stack_config *c)
{
	c->tcp.max_rto_us = SECOND;
}

static void rfc9293_must_20_shld_11_r2_is_100_s(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, rto_of_1_s); /* R2 is looked at when a timeout comes */
	peer_established(&p, NULL);
	peer_write(&p, 100);
	start = p.now_us;
	peer_advance(&p, 100 * SECOND - 10 * MS);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 2 * SECOND);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->abort_on_timeout, 1);
	assert_true(p.now_us - start < 103 * SECOND);
	peer_fini(&p);
}

static void rfc9293_must_21_r2_of_a_connection(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	tcp_set_user_timeout(p.stream, 10 * SECOND);
	peer_write(&p, 100);
	peer_advance(&p, 9900 * MS);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 8 * SECOND);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	peer_fini(&p);
}

static void rfc9293_must_20_progress_starts_the_count_anew(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	tcp_set_user_timeout(p.stream, 10 * SECOND);
	peer_write(&p, 1000);
	for (uint32_t i = 1; i <= 10; i++) { /* 60 s in all, an octet acknowledged every 6 */
		peer_advance(&p, 6 * SECOND);
		peer_ack(&p, p.iss + 1 + i);
		assert_int_equal(p.closed, 0);
		while (peer_pending(&p) > 0)
			peer_any(&p);
	}
	peer_fini(&p);
}

static void rfc9293_must_20_r2_counts_after_the_application_closed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	stream_close(p.stream);
	peer_advance(&p, 200 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6298_2_1_initial_rto_is_1_s),
		cmocka_unit_test(rfc6298_2_2_first_sample),
		cmocka_unit_test(rfc6298_2_3_next_samples),
		cmocka_unit_test(rfc6298_2_4_rto_has_a_minimum),
		cmocka_unit_test(rfc6298_2_4_minimum_can_be_configured_to_1_s),
		cmocka_unit_test(rfc6298_2_5_and_5_5_rto_doubles_up_to_60_s),
		cmocka_unit_test(rfc6298_2_the_handshake_gives_a_sample),
		cmocka_unit_test(rfc9293_must_18_the_timeout_is_rfc_6298s),
		cmocka_unit_test(rfc9293_must_18_no_sample_from_what_was_sent_twice),
		cmocka_unit_test(rfc9293_must_18_no_sample_from_what_waited_behind_a_loss),
		cmocka_unit_test(rfc9293_must_18_back_off_stays_until_a_new_sample),
		cmocka_unit_test(rfc7323_4_sample_from_the_echoed_timestamp),
		cmocka_unit_test(rfc7323_4_no_sample_from_the_echo_of_an_earlier_one),
		cmocka_unit_test(rfc6298_5_1_the_timer_runs_from_the_first_unacknowledged_segment),
		cmocka_unit_test(rfc6298_5_1_the_timer_starts_when_a_window_opened),
		cmocka_unit_test(rfc6298_5_2_it_stops_when_all_is_acknowledged),
		cmocka_unit_test(rfc6298_5_3_an_ack_of_new_data_restarts_it),
		cmocka_unit_test(rfc6298_5_3_a_duplicate_ack_does_not),
		cmocka_unit_test(rfc6298_5_4_only_the_earliest_segment_goes_again),
		cmocka_unit_test(rfc6298_5_4_one_segment_of_a_super_segment),
		cmocka_unit_test(rfc6298_5_7_rto_is_3_s_after_a_lost_syn),
		cmocka_unit_test(rfc6298_5_7_rto_is_3_s_after_a_lost_syn_ack),
		cmocka_unit_test(rfc9293_3_8_1_a_retransmission_holds_the_same_octets_and_the_newest_ack),
		cmocka_unit_test(rfc9293_may_4_a_retransmission_has_the_same_ip_identification),
		cmocka_unit_test(rfc9293_3_8_1_what_was_acknowledged_in_part_goes_from_there),
		cmocka_unit_test(rfc9293_3_8_1_a_fin_goes_again),
		cmocka_unit_test(rfc9293_3_8_1_text_and_fin_go_again_together),
		cmocka_unit_test(rfc9293_shld_9_10_r1_is_three_retransmissions),
		cmocka_unit_test(rfc9293_must_20_shld_11_r2_is_100_s),
		cmocka_unit_test(rfc9293_must_21_r2_of_a_connection),
		cmocka_unit_test(rfc9293_must_20_progress_starts_the_count_anew),
		cmocka_unit_test(rfc9293_must_20_r2_counts_after_the_application_closed),
	};

	return cmocka_run_group_tests_name("conformance: retransmission", tests, NULL, NULL);
}
