/*
 * Congestion control without SACK: slow start, congestion avoidance and fast recovery (RFC 5681, 6582, 3042,
 * 6928), seen from the peer's side and in cwnd.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
enum { MSS = 1460 };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

/* The bare algorithm: after a timeout what is lost goes again, without F-RTO's question whether it is. */
static void without_frto(struct stack_config *c)
{
	use_reno(c);
	c->tcp.frto = false;
}

/* Takes all that was sent; the number of segments. */
static unsigned drain(struct peer *p)
{
	unsigned n = 0;

	while (peer_pending(p) > 0) {
		peer_any(p);
		n++;
	}
	return n;
}

/* The peer acknowledges all of a flight, each second segment, a millisecond after the other, within one round
 * trip. */
static void ack_flight(struct peer *p)
{
	uint32_t end = peer_info(p).snd_nxt, at = peer_info(p).snd_una;

	peer_advance(p, 50000);
	while (at != end) {
		at = end - at > 2 * MSS ? at + 2 * MSS : end;
		peer_ack(p, at);
	}
}

static void established_with_text(struct peer *p, uint32_t len)
{
	peer_established(p, NULL);
	peer_write(p, len);
}

/* Ten segments in flight (the initial window), numbered from 0. */
static uint32_t segment(const struct peer *p, uint32_t n)
{
	return p->iss + 1 + n * MSS;
}

static void expect_segment(struct peer *p, uint32_t n)
{
	struct seg got = peer_any(p);

	assert_int_equal(got.seq, segment(p, n));
	assert_int_equal(got.len, MSS);
}

/* ---- the initial window ---- */

static void rfc6928_2_initial_window(void **state)
{
	static const struct {
		uint16_t mss;
		uint32_t window;
	} cases[] = { { 1460, 14600 }, { 536, 5360 }, { 1000, 10000 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct peer p;
		peer_init(&p, NULL);
		peer_established(&p, SEG(.mss = cases[i].mss));
		assert_int_equal(peer_info(&p).cwnd, cases[i].window);
		peer_write(&p, 60000);
		assert_int_equal(drain(&p), 10);
		peer_fini(&p);
	}
	assert_int_equal(tcp_initial_window(9000), 18000); /* max(2 * MSS, 14600) */
	assert_int_equal(tcp_initial_window(1461), 14600);
}

/* RFC 6928 section 2: one lost SYN is no sign of congestion, two are. */
static void rfc6928_2_one_segment_after_two_lost_syn_acks(void **state)
{
	(void)state;
	for (uint64_t seconds = 1; seconds <= 3; seconds += 2) {
		struct peer p;
		struct seg got;
		peer_init(&p, NULL);
		peer_listen(&p, 80);
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
		peer_advance(&p, seconds * SECOND + 100000);
		got = peer_any(&p);
		drain(&p);
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
		assert_int_equal(peer_info(&p).cwnd, seconds == 1 ? 10 * MSS : MSS);
		peer_fini(&p);
	}
}

static void rfc6928_2_one_segment_after_two_lost_syns(void **state)
{
	(void)state;
	for (uint64_t seconds = 1; seconds <= 3; seconds += 2) {
		struct peer p;
		peer_init(&p, NULL);
		peer_syn_sent(&p);
		peer_advance(&p, seconds * SECOND + 100000);
		drain(&p);
		peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
		assert_int_equal(peer_info(&p).cwnd, seconds == 1 ? 10 * MSS : MSS);
		assert_int_equal(peer_info(&p).ssthresh, UINT32_MAX); /* no data was lost */
		peer_fini(&p);
	}
}

/* ---- slow start and congestion avoidance ---- */

static void rfc5681_3_1_slow_start_doubles_each_round_trip(void **state)
{
	struct peer p;
	uint32_t window = 10;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(drain(&p), window);
		peer_advance(&p, 50000);
		ack_flight(&p);
		window *= 2;
		assert_int_equal(peer_info(&p).cwnd, window * MSS);
	}
	peer_fini(&p);
}

/* After a timeout: cwnd 1, ssthresh half of the flight. */
static void in_congestion_avoidance(struct peer *p)
{
	established_with_text(p, 1000000);
	drain(p);
	peer_advance(p, 1100000);
	drain(p);
	assert_int_equal(peer_info(p).ssthresh, 5 * MSS);
	assert_int_equal(peer_info(p).cwnd, MSS);
	while (peer_info(p).cwnd < 6 * MSS) {
		ack_flight(p);
		drain(p);
	}
}

/* When this segment left, of all that did. */
static unsigned times_sent(struct peer *p, uint32_t seq, uint64_t *at, unsigned room)
{
	unsigned n = 0;

	while (peer_pending(p) > 0)
		if (peer_any(p).seq == seq && n < room)
			at[n++] = peer_sent_at(p);
	return n;
}

/* All of it on one connection: slow start, a timeout with its back-off, slow start to half of what was in
 * flight, congestion avoidance. */
static void rfc9293_must_19_slow_start_congestion_avoidance_and_back_off(void **state)
{
	struct peer p;
	uint64_t at[4];
	uint32_t before;

	(void)state;
	peer_init(&p, use_reno);
	peer_established(&p, NULL);
	peer_write(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	ack_flight(&p);
	assert_int_equal(peer_info(&p).cwnd, 20 * MSS);
	assert_int_equal(drain(&p), 20);

	peer_advance(&p, 5 * SECOND); /* nothing comes back */
	assert_int_equal(times_sent(&p, segment(&p, 10), at, 4), 4);
	for (unsigned i = 1; i < 3; i++)
		assert_in_range(at[i + 1] - at[i], 2 * (at[i] - at[i - 1]) - 2000,
				2 * (at[i] - at[i - 1]) + 2000);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	assert_int_equal(peer_info(&p).ssthresh, 10 * MSS);

	ack_flight(&p);
	while (peer_info(&p).cwnd < 10 * MSS) {
		drain(&p);
		before = peer_info(&p).cwnd;
		ack_flight(&p);
		assert_true(peer_info(&p).cwnd > before);
	}
	for (unsigned i = 0; i < 5; i++) {
		before = peer_info(&p).cwnd;
		drain(&p);
		ack_flight(&p);
		assert_in_range(peer_info(&p).cwnd, before + MSS / 2, before + MSS);
	}
	peer_fini(&p);
}

static void rfc5681_3_1_congestion_avoidance_adds_a_segment_each_round_trip(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, without_frto);
	in_congestion_avoidance(&p);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t before = peer_info(&p).cwnd;
		ack_flight(&p);
		drain(&p);
		assert_in_range(peer_info(&p).cwnd - before, MSS - MSS / 2, MSS + MSS / 2);
	}
	peer_fini(&p);
}

static void rfc5681_3_1_an_ack_of_many_parts_gains_nothing(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	drain(&p);
	/* One segment acknowledged octet by octet ("ACK division"): cwnd grows by the octets, not by the
	 * ACKs. */
	for (uint32_t i = 1; i <= MSS; i++)
		peer_ack(&p, p.iss + 1 + i);
	assert_int_equal(peer_info(&p).cwnd, 11 * MSS);
	peer_fini(&p);
}

static void rfc7661_an_unused_window_does_not_grow(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 50; i++) { /* the application never uses more than a segment */
		peer_write(&p, 100);
		drain(&p);
		peer_advance(&p, 50000);
		peer_ack(&p, peer_info(&p).snd_nxt);
	}
	assert_int_equal(peer_info(&p).cwnd, 10 * MSS);
	peer_fini(&p);
}

/* ---- timeouts ---- */

static void rfc5681_3_1_timeout_takes_cwnd_to_one_segment(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	peer_advance(&p, 1100000);
	expect_segment(&p, 0);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS); /* equation 4: half of the flight */
	peer_fini(&p);
}

static void rfc5681_3_1_ssthresh_is_set_once_for_the_same_data(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	drain(&p);
	peer_advance(&p, 8 * SECOND); /* three timeouts */
	assert_int_equal(drain(&p), 3);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	peer_fini(&p);
}

static void rfc5681_3_1_ssthresh_is_two_segments_at_least(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 100);
	drain(&p);
	peer_advance(&p, 1100000);
	assert_int_equal(peer_info(&p).ssthresh, 2 * MSS);
	peer_fini(&p);
}

struct threshold_seen {
	unsigned times;
	uint64_t old_value, new_value;
};

static void see_threshold(void *context, const struct trace_event *e)
{
	struct threshold_seen *seen = context;

	seen->times++;
	seen->old_value = e->old_value;
	seen->new_value = e->new_value;
}

static void rfc5681_3_1_observers_see_the_threshold(void **state)
{
	struct threshold_seen seen = { 0 };
	struct observer o = { .kinds = TRACE_TCP_SSTHRESH, .on_event = see_threshold, .context = &seen };
	struct peer p;

	(void)state;
	peer_init(&p, without_frto);
	stack_observe(p.stack, &o);
	established_with_text(&p, 20 * MSS);
	ack_flight(&p);
	assert_int_equal(seen.times, 0); /* it grows, and the threshold stays */
	peer_advance(&p, 5 * SECOND);
	assert_int_equal(seen.times, 1);
	assert_int_equal(seen.old_value, UINT32_MAX);
	assert_int_equal(seen.new_value, peer_info(&p).ssthresh);
	stack_unobserve(p.stack, &o);
	drain(&p);
	peer_fini(&p);
}

static void rfc5681_3_1_slow_start_after_a_timeout(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, without_frto);
	established_with_text(&p, 1000000);
	drain(&p);
	peer_advance(&p, 1100000);
	expect_segment(&p, 0);
	peer_ack(&p, segment(&p, 1));
	expect_segment(&p, 1);
	expect_segment(&p, 2);
	peer_expect_nothing(&p);
	peer_ack(&p, segment(&p, 3));
	expect_segment(&p, 3);
	expect_segment(&p, 4);
	expect_segment(&p, 5);
	expect_segment(&p, 6);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* ---- fast retransmit and fast recovery ---- */

static void rfc5681_3_2_third_duplicate_ack_retransmits(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 10 * MSS);
	assert_int_equal(drain(&p), 10);
	peer_ack(&p, segment(&p, 0));
	peer_ack(&p, segment(&p, 0));
	peer_expect_nothing(&p);
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 0);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 1);
	peer_fini(&p);
}

/* RFC 5681 section 2's definition: what looks like a duplicate and is none. */
static void rfc5681_2_what_is_no_duplicate_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 10 * MSS);
	drain(&p);
	for (unsigned i = 0; i < 5; i++) { /* (b) with text */
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 10));
		p.snd += 10;
	}
	for (uint16_t i = 0; i < 5; i++) /* (e) with another window */
		peer_inject(&p,
			    SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .win = (uint16_t)(60000 + i)));
	peer_inject(&p, SEG(.flags = A | F, .seq = p.snd + 10, .ack = p.iss + 1)); /* (c) with FIN */
	drain(&p);
	assert_int_equal(tcp_counters(p.stack->tcp)->dup_acks_in, 0);
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 0);
	peer_ack(&p, segment(&p, 10));
	for (unsigned i = 0; i < 5; i++) /* (a) with nothing outstanding */
		peer_ack(&p, segment(&p, 10));
	assert_int_equal(tcp_counters(p.stack->tcp)->dup_acks_in, 0);
	peer_fini(&p);
}

static void rfc3042_2_limited_transmit(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 10); /* new data for each of the first two, beyond cwnd */
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 11);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).cwnd, 10 * MSS); /* which does not change */
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 0);
	/* RFC 5681 section 3.2: what limited transmit sent is not counted in the flight that is halved. */
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	peer_fini(&p);
}

static void rfc3042_2_limited_transmit_keeps_to_the_peers_window(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	peer_established(&p, SEG(.mss = 1460, .win = 10 * MSS));
	peer_write(&p, 100000);
	assert_int_equal(drain(&p), 10);
	for (unsigned i = 0; i < 2; i++)
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .win = 10 * MSS));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc5681_3_2_recovery_sends_new_data_as_acks_come(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, segment(&p, 0));
	assert_int_equal(drain(&p), 3); /* two new ones, the first again */
	/* cwnd = ssthresh + 3 = 8, and 12 are in flight: the fifth more makes room for one. */
	for (unsigned i = 0; i < 4; i++) {
		peer_expect_nothing(&p);
		peer_ack(&p, segment(&p, 0));
	}
	peer_expect_nothing(&p);
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 12);
	peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 13);
	peer_expect_nothing(&p);
	/* All arrived but the first: its ACK ends recovery with cwnd = ssthresh. */
	peer_ack(&p, segment(&p, 12));
	assert_int_equal(peer_info(&p).cwnd, 5 * MSS);
	peer_fini(&p);
}

static void rfc6582_3_2_partial_ack_retransmits_the_next_hole(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 10 * MSS);
	drain(&p);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 0);
	peer_ack(&p, segment(&p, 4)); /* 4 is missing too */
	expect_segment(&p, 4);
	peer_expect_nothing(&p);
	peer_ack(&p, segment(&p, 7)); /* and 7 */
	expect_segment(&p, 7);
	peer_expect_nothing(&p);
	/* One reduction of cwnd for the window. */
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 1);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	peer_ack(&p, segment(&p, 10));
	assert_int_equal(peer_info(&p).in_flight, 0);
	assert_true(peer_info(&p).cwnd <= 5 * MSS);
	peer_fini(&p);
}

static void rfc6582_3_2_a_second_loss_after_recovery_is_a_new_one(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 1000000);
	drain(&p);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, segment(&p, 0));
	drain(&p);
	peer_ack(&p, segment(&p, 12)); /* all until the loss was found, and more */
	drain(&p);
	peer_ack(&p, segment(&p, 14));
	drain(&p);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, segment(&p, 14));
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 2);
	peer_fini(&p);
}

/*
 * RFC 6582 section 3.2 step 2: after a timeout what had arrived is sent again needlessly, and the duplicate
 * ACKs that this causes say nothing of a loss.
 */
static void rfc6582_3_2_duplicates_after_a_timeout_are_no_loss(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, without_frto);
	established_with_text(&p, 1000000);
	drain(&p);
	peer_advance(&p, 1100000); /* all arrived, the ACKs were lost */
	expect_segment(&p, 0);
	peer_ack(&p, segment(&p, 1));
	assert_int_equal(drain(&p), 2);
	peer_ack(&p, segment(&p, 2));
	assert_int_equal(drain(&p), 2); /* 1 to 4 were sent again */
	peer_ack(&p, segment(&p, 10)); /* the ACK of all */
	drain(&p);
	for (unsigned i = 0; i < 4; i++)
		peer_ack(&p, segment(&p, 10));
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 0);
	assert_int_equal(peer_info(&p).ssthresh, 5 * MSS);
	peer_fini(&p);
}

/* RFC 6582 section 4.1: unless the ACKs before came steadily, as they do when segments are lost and not
 * repeated. */
static void rfc6582_4_1_a_loss_right_after_a_timeout_is_found(void **state)
{
	struct peer p;
	uint32_t at;

	(void)state;
	peer_init(&p, without_frto);
	established_with_text(&p, 1000000);
	drain(&p);
	peer_advance(&p, 1100000);
	drain(&p);
	for (at = 1; at <= 10; at++) { /* each acknowledged in turn */
		peer_ack(&p, segment(&p, at));
		drain(&p);
	}
	for (unsigned i = 0; i < 3; i++) /* and the first new one is lost */
		peer_ack(&p, segment(&p, 10));
	assert_int_equal(tcp_counters(p.stack->tcp)->reno_recovery, 1);
	peer_fini(&p);
}

/* ---- CUBIC, the default ---- */

/* Their curves are different after a loss: half of ten segments in flight, or seven tenths. */
static void rfc9293_may_18_the_congestion_control_can_be_chosen(void **state)
{
	static const struct {
		void (*tune)(struct stack_config *c);
		const char *name;
		uint32_t segments;
	} cases[] = { { use_reno, "reno", 5 }, { NULL, "cubic", 7 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct peer p;
		peer_init(&p, cases[i].tune);
		established_with_text(&p, 10 * MSS);
		assert_string_equal(peer_info(&p).congestion, cases[i].name);
		drain(&p);
		peer_advance(&p, 1100000);
		assert_int_equal(peer_info(&p).ssthresh, cases[i].segments * MSS);
		peer_fini(&p);
	}
}

static void rfc9438_4_6_loss_leaves_seven_tenths_of_the_flight(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	established_with_text(&p, 10 * MSS);
	assert_string_equal(peer_info(&p).congestion, "cubic");
	assert_int_equal(drain(&p), 10);
	for (unsigned i = 0; i < 3; i++)
		peer_ack(&p, segment(&p, 0));
	expect_segment(&p, 0);
	assert_int_equal(peer_info(&p).ssthresh, 7 * MSS);
	peer_fini(&p);
}

static void rfc9438_4_8_timeout_takes_cwnd_to_one_segment(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	established_with_text(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	peer_advance(&p, 1100000);
	expect_segment(&p, 0);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	assert_int_equal(peer_info(&p).ssthresh, 7 * MSS);
	peer_fini(&p);
}

static void rfc9438_4_10_slow_start_doubles_each_round_trip(void **state)
{
	struct peer p;
	uint32_t window = 10;

	(void)state;
	peer_init(&p, NULL);
	established_with_text(&p, 1000000);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(drain(&p), window);
		ack_flight(&p);
		window *= 2;
		assert_int_equal(peer_info(&p).cwnd, window * MSS);
	}
	peer_fini(&p);
}

/* ---- idle ---- */

static void rfc5681_4_1_cwnd_restarts_after_an_idle_time(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 200000);
	for (unsigned i = 0; i < 8; i++)
		ack_flight(&p);
	drain(&p);
	assert_int_equal(peer_info(&p).in_flight, 0);
	assert_true(peer_info(&p).cwnd > 20 * MSS);
	peer_advance(&p, 10 * SECOND);
	/* A request, acknowledged on its own, and the response later: the ACK is no data, the time was
	 * idle. */
	peer_send(&p, 100);
	peer_advance(&p, 100000);
	drain(&p);
	peer_write(&p, 200000);
	assert_int_equal(drain(&p), 10);
	assert_int_equal(peer_info(&p).cwnd, 10 * MSS);
	peer_fini(&p);
}

static void rfc5681_4_1_a_short_pause_is_not_idle(void **state)
{
	struct peer p;
	uint32_t cwnd;

	(void)state;
	peer_init(&p, use_reno);
	established_with_text(&p, 200000);
	for (unsigned i = 0; i < 8; i++)
		ack_flight(&p);
	drain(&p);
	cwnd = peer_info(&p).cwnd;
	peer_advance(&p, 50000);
	peer_write(&p, 200000);
	assert_int_equal(peer_info(&p).cwnd, cwnd);
	peer_fini(&p);
}

static void rfc9293_may_18_the_control_of_a_connection(void **state)
{
	static const char *const names[] = { "bbr", "reno", "cubic", "bbr", "cubic" };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < ARRAY_LENGTH(names); i++) {
		uint32_t cwnd = peer_info(&p).cwnd;

		assert_int_equal(tcp_set_congestion(p.stream, names[i]), 0);
		assert_string_equal(peer_info(&p).congestion, names[i]);
		assert_int_equal(peer_info(&p).cwnd, cwnd); /* the path is as wide as before */
		peer_write(&p, cwnd);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		peer_ack(&p, peer_info(&p).snd_nxt);
		assert_true(peer_info(&p).cwnd > cwnd); /* and it goes on from there */
	}
	assert_int_equal(tcp_set_congestion(p.stream, "vegas"), -EINVAL);
	assert_string_equal(peer_info(&p).congestion, "cubic");
	assert_int_equal(stream_set_congestion(p.stream, "reno"), 0);
	assert_int_equal(stream_set_congestion(p.stream, NULL), 0); /* as it began */
	assert_string_equal(peer_info(&p).congestion, "cubic");
	peer_fini(&p);
}

static void use_bbr(struct stack_config *c)
{
	c->tcp.congestion = "bbr";
}

/* What was marked lost is no longer on the way: the model's window is what is, and one segment. Before, the
 * whole flight went again at each timeout. */
static void bbr_after_a_timeout_one_segment_goes(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, use_bbr);
	established_with_text(&p, 1000000);
	assert_int_equal(drain(&p), 10);
	peer_advance(&p, 1100000);
	expect_segment(&p, 0);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).cwnd, MSS);
	peer_advance(&p, 2000000);
	expect_segment(&p, 0);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6928_2_initial_window),
		cmocka_unit_test(rfc6928_2_one_segment_after_two_lost_syn_acks),
		cmocka_unit_test(rfc6928_2_one_segment_after_two_lost_syns),
		cmocka_unit_test(rfc5681_3_1_slow_start_doubles_each_round_trip),
		cmocka_unit_test(rfc9293_must_19_slow_start_congestion_avoidance_and_back_off),
		cmocka_unit_test(rfc5681_3_1_congestion_avoidance_adds_a_segment_each_round_trip),
		cmocka_unit_test(rfc5681_3_1_an_ack_of_many_parts_gains_nothing),
		cmocka_unit_test(rfc7661_an_unused_window_does_not_grow),
		cmocka_unit_test(rfc5681_3_1_timeout_takes_cwnd_to_one_segment),
		cmocka_unit_test(rfc5681_3_1_ssthresh_is_set_once_for_the_same_data),
		cmocka_unit_test(rfc5681_3_1_ssthresh_is_two_segments_at_least),
		cmocka_unit_test(rfc5681_3_1_observers_see_the_threshold),
		cmocka_unit_test(rfc5681_3_1_slow_start_after_a_timeout),
		cmocka_unit_test(rfc5681_3_2_third_duplicate_ack_retransmits),
		cmocka_unit_test(rfc5681_2_what_is_no_duplicate_ack),
		cmocka_unit_test(rfc3042_2_limited_transmit),
		cmocka_unit_test(rfc3042_2_limited_transmit_keeps_to_the_peers_window),
		cmocka_unit_test(rfc5681_3_2_recovery_sends_new_data_as_acks_come),
		cmocka_unit_test(rfc6582_3_2_partial_ack_retransmits_the_next_hole),
		cmocka_unit_test(rfc6582_3_2_a_second_loss_after_recovery_is_a_new_one),
		cmocka_unit_test(rfc6582_3_2_duplicates_after_a_timeout_are_no_loss),
		cmocka_unit_test(rfc6582_4_1_a_loss_right_after_a_timeout_is_found),
		cmocka_unit_test(rfc9293_may_18_the_congestion_control_can_be_chosen),
		cmocka_unit_test(rfc9438_4_6_loss_leaves_seven_tenths_of_the_flight),
		cmocka_unit_test(rfc9438_4_8_timeout_takes_cwnd_to_one_segment),
		cmocka_unit_test(rfc9438_4_10_slow_start_doubles_each_round_trip),
		cmocka_unit_test(rfc5681_4_1_cwnd_restarts_after_an_idle_time),
		cmocka_unit_test(rfc5681_4_1_a_short_pause_is_not_idle),
		cmocka_unit_test(rfc9293_may_18_the_control_of_a_connection),
		cmocka_unit_test(bbr_after_a_timeout_one_segment_goes),
	};

	return cmocka_run_group_tests_name("conformance: congestion control", tests, NULL, NULL);
}
