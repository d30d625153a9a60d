/*
 * TIME-WAIT (RFC 9293 section 3.6.1, RFC 1337, RFC 6191): how long, what is answered in it, what ends it
 * early.
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
enum { MS = 1000 };

/* Into TIME-WAIT on a connection with timestamps; the peer's last one was 1003. */
static void time_wait_with_timestamps(struct peer *p)
{
	peer_established(p, SEG(.mss = 1460, .has_ts = true, .ts_val = 1000));
	stream_shutdown(p->stream);
	peer_expect(p, SEG(.flags = F | A));
	peer_inject(p, SEG(.flags = F | A, .seq = p->snd, .ack = p->iss + 2, .has_ts = true, .ts_val = 1003));
	peer_expect(p, SEG(.flags = A, .ack = p->snd + 1));
	p->snd++;
	assert_int_equal(peer_state(p), TCP_TIME_WAIT);
}

static void rfc9293_must_13_time_wait_lasts_2_msl(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_advance(&p, 60 * SECOND - 10 * MS); /* the MSL is 30 s */
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, 20 * MS);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->time_waited, 1);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static bool take_record(void *context, const struct tcp_time_wait *record)
{
	*(struct tcp_time_wait *)context = *record;
	return false;
}

static void the_time_left_is_told(void **state)
{
	struct tcp_time_wait told = { .expires_us = 0 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	tcp_each_time_wait(p.stack->tcp, take_record, &told);
	assert_int_equal(told.local_port, 0);
	peer_time_wait(&p);
	peer_advance(&p, 20 * SECOND);
	tcp_each_time_wait(p.stack->tcp, take_record, &told);
	assert_in_range(told.expires_us, 40 * SECOND - 2 * MS, 40 * SECOND);
	assert_int_equal(told.local_port, p.our_port);
	assert_int_equal(told.remote_port, p.port);
	peer_fini(&p);
}

static void msl_1_s(struct stack_config *c)
{
	c->tcp.msl_us = SECOND;
}

static void rfc9293_must_13_the_msl_is_configurable(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, msl_1_s);
	peer_time_wait(&p);
	peer_advance(&p, 1990 * MS);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, 20 * MS);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_must_13_only_the_active_closer_waits(void **state)
{
	struct peer p;
	struct tcp_usage usage;

	(void)state;
	peer_init(&p, NULL);
	peer_last_ack(&p);
	peer_ack(&p, p.iss + 2);
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.time_wait, 0);
	assert_int_equal(usage.connections, 0);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_a_repeated_fin_is_acknowledged_and_restarts_2_msl(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_advance(&p, 50 * SECOND);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd - 1, .ack = p.iss + 2));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd));
	peer_advance(&p, 59 * SECOND);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, 2 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_a_repeated_fin_with_text_too(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_2(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2, .len = 100));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 101));
	peer_advance(&p, 50 * SECOND);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2, .len = 100));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd + 101));
	peer_advance(&p, 20 * SECOND);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_other_segments_are_answered_and_restart_nothing(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_advance(&p, 30 * SECOND);
	/* An old duplicate. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd - 50, .ack = p.iss + 2, .len = 20));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 5000, .ack = p.iss + 2, .len = 20)); /* beyond */
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd));
	/* The last ACK again: nothing to say. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2));
	peer_expect_nothing(&p);
	peer_advance(&p, 31 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc1337_3_resets_are_ignored(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd));
	peer_inject(&p, SEG(.flags = R | A, .seq = p.snd, .ack = p.iss + 2));
	peer_inject(&p, SEG(.flags = R, .seq = p.snd - 1));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(peer_drops(&p, DROP_TCP_TIME_WAIT_RST), 3);
	peer_fini(&p);
}

/* ---- a new connection out of TIME-WAIT ---- */

static void rfc9293_may_2_a_syn_with_a_higher_number_opens_anew(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 1, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A, .ack = p.snd + 2));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 2, .ack = got.seq + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.accepted, 2);
	assert_int_equal(tcp_counters(p.stack->tcp)->time_wait_recycled, 1);
	peer_fini(&p);
}

static void rfc9293_may_2_a_syn_with_a_lower_number_does_not(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd - 10, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd));
	/* No SYN of an open. */
	peer_inject(&p, SEG(.flags = S | A, .seq = p.snd + 10, .ack = 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc9293_shld_4_a_newer_timestamp_opens_anew_whatever_the_number(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	time_wait_with_timestamps(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd - 100000, .mss = 1460, .has_ts = true, .ts_val = 1004));
	peer_expect(&p, SEG(.flags = S | A, .ack = p.snd - 99999));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_fini(&p);
}

static void rfc6191_2_an_older_timestamp_does_not(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	time_wait_with_timestamps(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 100, .mss = 1460, .has_ts = true, .ts_val = 1002));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc6191_2_an_equal_timestamp_needs_a_higher_number(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	time_wait_with_timestamps(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd - 5, .mss = 1460, .has_ts = true, .ts_val = 1003));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 5, .mss = 1460, .has_ts = true, .ts_val = 1003));
	peer_expect(&p, SEG(.flags = S | A, .ack = p.snd + 6));
	peer_fini(&p);
}

static void rfc6191_2_without_a_timestamp_the_number_counts(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	time_wait_with_timestamps(&p);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd - 5, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 5, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = p.snd + 6));
	peer_fini(&p);
}

static void with_gso(struct stack_config *c)
{
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

/* MAY-2 (1): our new ISN is beyond all that the last connection sent, though that ran faster than the ISN
 * clock. */
static void rfc9293_may_2_our_isn_is_beyond_the_last_connections_numbers(void **state)
{
	static const uint8_t text[1 << 20];
	struct span span = { text, sizeof text, NULL };
	struct peer p;
	struct seg got;
	uint32_t last;

	(void)state;
	peer_init(&p, with_gso);
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 10));
	for (unsigned i = 0; i < 4; i++) { /* 4 MB at once; the clock does 250000 a second */
		assert_int_equal(stream_send(p.stream, &span, 1, 0), 0);
		peer_flush(&p);
		while (peer_pending(&p) > 0 || peer_info(&p).unsent > 0) {
			while (peer_pending(&p) > 0)
				peer_any(&p);
			peer_ack(&p, peer_info(&p).snd_nxt);
		}
	}
	stream_shutdown(p.stream);
	got = peer_expect(&p, SEG(.flags = F | A));
	last = got.seq + 1;
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = last));
	peer_any(&p);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, SECOND);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 100, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_true((int32_t)(got.seq - last) > 0);
	peer_fini(&p);
}

/* Who has no listener cannot be opened anew: an old SYN must not end TIME-WAIT (RFC 1337's hazard by another
 * way). */
static void rfc9293_may_2_not_without_a_listener(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_connected(&p, NULL);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = F | A));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	peer_expect(&p, SEG(.flags = A));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 100, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 1)); /* no reset either */
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_6_1_an_active_open_does_not_take_the_pair(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *s;

	(void)state;
	peer_init(&p, NULL);
	peer_time_wait(&p);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, p.our_port, &p.addr, p.port, p.handler, &p, &s),
			 -EADDRINUSE);
	peer_fini(&p);
}

/* ---- the limit ---- */

static void two_records(struct stack_config *c)
{
	c->tcp.max_time_wait = 2;
}

static void into_time_wait(struct peer *p, uint16_t port)
{
	p->port = port;
	peer_time_wait(p);
}

static void rfc9293_3_6_1_at_the_limit_the_oldest_goes(void **state)
{
	struct peer p;
	struct tcp_usage usage;

	(void)state;
	peer_init(&p, two_records);
	for (uint16_t i = 0; i < 3; i++) {
		into_time_wait(&p, (uint16_t)(40000 + i));
		peer_advance(&p, SECOND);
	}
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.time_wait, 2);
	assert_int_equal(tcp_counters(p.stack->tcp)->time_wait_overflow, 1);
	p.port = 40000;
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	p.port = 40001;
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, 58500 * MS); /* and they end in their own time */
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	p.port = 40002;
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_advance(&p, SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void no_records(struct stack_config *c)
{
	c->tcp.max_time_wait = 0;
}

static void rfc9293_3_6_1_the_operator_may_want_none(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, no_records);
	peer_fin_wait_2(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_13_time_wait_lasts_2_msl),
		cmocka_unit_test(the_time_left_is_told),
		cmocka_unit_test(rfc9293_must_13_the_msl_is_configurable),
		cmocka_unit_test(rfc9293_must_13_only_the_active_closer_waits),
		cmocka_unit_test(rfc9293_3_10_7_4_a_repeated_fin_is_acknowledged_and_restarts_2_msl),
		cmocka_unit_test(rfc9293_3_10_7_4_a_repeated_fin_with_text_too),
		cmocka_unit_test(rfc9293_3_10_7_4_other_segments_are_answered_and_restart_nothing),
		cmocka_unit_test(rfc1337_3_resets_are_ignored),
		cmocka_unit_test(rfc9293_may_2_a_syn_with_a_higher_number_opens_anew),
		cmocka_unit_test(rfc9293_may_2_a_syn_with_a_lower_number_does_not),
		cmocka_unit_test(rfc9293_shld_4_a_newer_timestamp_opens_anew_whatever_the_number),
		cmocka_unit_test(rfc6191_2_an_older_timestamp_does_not),
		cmocka_unit_test(rfc6191_2_an_equal_timestamp_needs_a_higher_number),
		cmocka_unit_test(rfc6191_2_without_a_timestamp_the_number_counts),
		cmocka_unit_test(rfc9293_may_2_our_isn_is_beyond_the_last_connections_numbers),
		cmocka_unit_test(rfc9293_may_2_not_without_a_listener),
		cmocka_unit_test(rfc9293_3_6_1_an_active_open_does_not_take_the_pair),
		cmocka_unit_test(rfc9293_3_6_1_at_the_limit_the_oldest_goes),
		cmocka_unit_test(rfc9293_3_6_1_the_operator_may_want_none),
	};

	return cmocka_run_group_tests_name("conformance: TIME-WAIT", tests, NULL, NULL);
}
