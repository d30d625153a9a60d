/*
 * ICMP errors and the connections that caused them (RFC 9293 section 3.9.2.2, RFC 5461, RFC 5927).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

enum { UNREACHABLE = 3, SOURCE_QUENCH = 4, TIME_EXCEEDED = 11, PARAMETER_PROBLEM = 12 };

/* The errors that may pass: RFC 9293 MUST-56. */
static const struct {
	uint8_t type, code;
	enum icmp_error_kind kind;
} soft[] = {
	{ UNREACHABLE, 0, ICMP_NET_UNREACHABLE },    { UNREACHABLE, 1, ICMP_HOST_UNREACHABLE },
	{ UNREACHABLE, 5, ICMP_NET_UNREACHABLE },    { TIME_EXCEEDED, 0, ICMP_TIME_EXCEEDED },
	{ TIME_EXCEEDED, 1, ICMP_TIME_EXCEEDED },    { PARAMETER_PROBLEM, 0, ICMP_PARAMETER_PROBLEM },
};
enum { SOFT = sizeof soft / sizeof soft[0] };

static void with_text_in_flight(struct peer *p)
{
	peer_established(p, NULL);
	peer_write(p, 1000);
	peer_any(p);
}

static void rfc9293_must_56_soft_errors_do_not_abort(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOFT; i++) {
		struct peer p;
		peer_init(&p, NULL);
		with_text_in_flight(&p);
		peer_icmp(&p, soft[i].type, soft[i].code, 0, p.iss + 1);
		assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
		assert_int_equal(p.closed, 0);
		peer_ack(&p, p.iss + 1001);
		assert_int_equal(peer_info(&p).in_flight, 0);
		peer_fini(&p);
		/* nor an open */
		peer_init(&p, NULL);
		peer_syn_sent(&p);
		peer_icmp(&p, soft[i].type, soft[i].code, 0, p.iss);
		assert_int_equal(peer_state(&p), TCP_SYN_SENT);
		peer_fini(&p);
	}
}

static void rfc9293_must_47_shld_25_soft_errors_can_be_seen(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOFT; i++) {
		struct peer p;
		peer_init(&p, NULL);
		with_text_in_flight(&p);
		assert_int_equal(peer_info(&p).soft_error, -1);
		peer_icmp(&p, soft[i].type, soft[i].code, 0, p.iss + 1);
		assert_int_equal(peer_info(&p).soft_error, soft[i].kind);
		peer_fini(&p);
	}
}

static void rfc9293_must_54_the_connection_that_caused_it(void **state)
{
	struct peer p;
	uint32_t iss;
	uint16_t port;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p); /* two opens, one is refused */
	iss = p.iss;
	port = p.our_port;
	peer_syn_sent(&p);
	p.iss = iss;
	p.our_port = port;
	peer_icmp(&p, UNREACHABLE, 3, 0, iss);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 1);
	{
		struct tcp_usage usage;
		peer_advance(&p, 1);
		tcp_usage(p.stack->tcp, &usage);
		assert_int_equal(usage.connections, 1);
	}
	peer_icmp(&p, UNREACHABLE, 3, 0, iss); /* and now it is nobody's */
	assert_int_equal(peer_drops(&p, DROP_ICMP_NO_CONNECTION), 1);
	peer_fini(&p);
}

/* A half-open record, whose SYN-ACK is in flight. */
static void half_open(struct peer *p)
{
	peer_init(p, NULL);
	peer_listen(p, 80);
	peer_inject(p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	p->iss = peer_expect(p, SEG(.flags = S | A, .ack = 1001)).seq;
}

static void rfc9293_3_9_2_2_hard_errors_end_a_half_open_connection(void **state)
{
	(void)state;
	for (uint8_t code = 2; code <= 3; code++) {
		struct peer p;
		half_open(&p);
		peer_icmp(&p, UNREACHABLE, code, 0, p.iss);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(tcp_counters(p.stack->tcp)->attempt_fails, 1);
		peer_advance(&p, 70000000);
		peer_expect_nothing(&p);
		peer_fini(&p);
	}
}

static void rfc9293_must_56_soft_errors_do_not_end_a_half_open_connection(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOFT; i++) {
		struct peer p;
		half_open(&p);
		peer_icmp(&p, soft[i].type, soft[i].code, 0, p.iss);
		assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
		peer_fini(&p);
	}
}

static void rfc5927_4_1_errors_about_half_open_connections_must_quote_the_syn_ack(void **state)
{
	struct peer p;

	(void)state;
	half_open(&p);
	peer_icmp(&p, UNREACHABLE, 3, 0, p.iss - 1);
	peer_icmp(&p, UNREACHABLE, 3, 0, p.iss + 1);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	assert_int_equal(peer_drops(&p, DROP_ICMP_BLIND), 2);
	peer_fini(&p);
}

static void rfc9293_shld_26_hard_errors_abort_an_open(void **state)
{
	(void)state;
	for (uint8_t code = 2; code <= 3; code++) {
		struct peer p;
		peer_init(&p, NULL);
		peer_syn_sent(&p);
		peer_icmp(&p, UNREACHABLE, code, 0, p.iss);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, STREAM_END_UNREACHABLE);
		assert_int_equal(tcp_counters(p.stack->tcp)->attempt_fails, 1);
		peer_fini(&p);
		/* also by the way of a simultaneous open */
		peer_init(&p, NULL);
		peer_syn_sent(&p);
		peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
		peer_any(&p);
		peer_icmp(&p, UNREACHABLE, code, 0, p.iss);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		peer_fini(&p);
	}
}

/* RFC 5461 section 4.1, RFC 5927 section 6: once synchronised they are treated as soft, as all stacks do. */
static void rfc5461_4_1_hard_errors_do_not_abort_what_is_established(void **state)
{
	(void)state;
	for (uint8_t code = 2; code <= 3; code++) {
		struct peer p;
		peer_init(&p, NULL);
		with_text_in_flight(&p);
		peer_icmp(&p, UNREACHABLE, code, 0, p.iss + 1);
		assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
		assert_int_equal(p.closed, 0);
		peer_fini(&p);
	}
}

static void rfc9293_must_55_source_quench_is_dropped(void **state)
{
	struct peer p;
	uint32_t cwnd;

	(void)state;
	peer_init(&p, NULL);
	with_text_in_flight(&p);
	cwnd = peer_info(&p).cwnd;
	peer_icmp(&p, SOURCE_QUENCH, 0, 0, p.iss + 1);
	peer_expect_nothing(&p);
	assert_int_equal(peer_info(&p).cwnd, cwnd);
	assert_int_equal(peer_info(&p).soft_error, -1);
	assert_int_equal(peer_drops(&p, DROP_ICMP_SOURCE_QUENCH), 1);
	peer_fini(&p);
}

/* RFC 5927 section 4.1: the quoted number must lie in what is in flight. */
static void rfc5927_4_1_forged_errors_are_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_icmp(&p, UNREACHABLE, 3, 0, p.iss + 1);
	peer_icmp(&p, UNREACHABLE, 3, 0, p.iss - 1);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = p.iss + 1, .mss = 1460));
	peer_any(&p);
	p.snd = 1001;
	peer_icmp(&p, UNREACHABLE, 4, 576, p.iss); /* the SYN's: no longer in flight */
	peer_icmp(&p, UNREACHABLE, 4, 576, p.iss + 1); /* nothing is */
	assert_int_equal(peer_info(&p).mss, 1460);
	assert_int_equal(peer_drops(&p, DROP_ICMP_BLIND), 4);
	peer_fini(&p);
}

/* ---- path MTU (RFC 1191) ---- */

static void rfc1191_6_4_segments_go_again_in_the_new_size(void **state)
{
	struct peer p;
	uint32_t at;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 5 * 1460);
	for (unsigned i = 0; i < 5; i++)
		peer_any(&p);
	peer_icmp(&p, UNREACHABLE, 4, 1000, p.iss + 1);
	assert_int_equal(peer_info(&p).mss, 960);
	at = p.iss + 1;
	while (peer_pending(&p) > 0) {
		struct seg got = peer_any(&p);
		assert_true(got.len <= 960);
		assert_int_equal(got.seq, at);
		at += got.len;
	}
	assert_true(at > p.iss + 1);
	peer_ack(&p, at);
	while (at != p.iss + 1 + 5 * 1460) { /* the rest follows */
		struct seg got = peer_any(&p);
		assert_true(got.len <= 960);
		at = got.seq + got.len;
		if (peer_pending(&p) == 0)
			peer_ack(&p, at);
	}
	peer_fini(&p);
}

static void rfc1191_7_1_a_router_that_does_not_say(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_text_in_flight(&p);
	peer_icmp(&p, UNREACHABLE, 4, 0, p.iss + 1);
	assert_int_equal(peer_info(&p).mss, 512); /* 552 less the headers */
	peer_fini(&p);
}

static void rfc5927_7_a_path_mtu_has_a_floor(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_text_in_flight(&p);
	peer_icmp(&p, UNREACHABLE, 4, 68, p.iss + 1);
	assert_int_equal(peer_info(&p).mss, 512);
	peer_fini(&p);
}

/* An error that says nothing new, however often it comes, changes nothing. */
static void rfc1191_6_3_a_path_mtu_does_not_grow_nor_creep(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 1));
	peer_write(&p, 1000);
	peer_any(&p);
	for (unsigned i = 0; i < 50; i++) {
		peer_icmp(&p, UNREACHABLE, 4, 1500, p.iss + 1);
		peer_icmp(&p, UNREACHABLE, 4, 9000, p.iss + 1);
	}
	assert_int_equal(peer_info(&p).mss, 1448);
	peer_icmp(&p, UNREACHABLE, 4, 1000, p.iss + 1);
	assert_int_equal(peer_info(&p).mss, 948);
	for (unsigned i = 0; i < 50; i++)
		peer_icmp(&p, UNREACHABLE, 4, 1200, p.iss + 1);
	assert_int_equal(peer_info(&p).mss, 948);
	peer_fini(&p);
}

static void rfc792_errors_of_wrong_form_are_dropped(void **state)
{
	struct peer p;
	uint8_t m[8] = { 3, 3, 0xfc, 0xfc };

	(void)state;
	peer_init(&p, NULL);
	with_text_in_flight(&p);
	for (uint32_t len = 0; len <= 8; len++)
		peer_inject_ip(&p, IP_PROTO_ICMP, m, len);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_true(peer_drops(&p, DROP_ICMP_MALFORMED) > 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_56_soft_errors_do_not_abort),
		cmocka_unit_test(rfc9293_must_47_shld_25_soft_errors_can_be_seen),
		cmocka_unit_test(rfc9293_must_54_the_connection_that_caused_it),
		cmocka_unit_test(rfc9293_3_9_2_2_hard_errors_end_a_half_open_connection),
		cmocka_unit_test(rfc9293_must_56_soft_errors_do_not_end_a_half_open_connection),
		cmocka_unit_test(rfc5927_4_1_errors_about_half_open_connections_must_quote_the_syn_ack),
		cmocka_unit_test(rfc9293_shld_26_hard_errors_abort_an_open),
		cmocka_unit_test(rfc5461_4_1_hard_errors_do_not_abort_what_is_established),
		cmocka_unit_test(rfc9293_must_55_source_quench_is_dropped),
		cmocka_unit_test(rfc5927_4_1_forged_errors_are_dropped),
		cmocka_unit_test(rfc1191_6_4_segments_go_again_in_the_new_size),
		cmocka_unit_test(rfc1191_7_1_a_router_that_does_not_say),
		cmocka_unit_test(rfc5927_7_a_path_mtu_has_a_floor),
		cmocka_unit_test(rfc1191_6_3_a_path_mtu_does_not_grow_nor_creep),
		cmocka_unit_test(rfc792_errors_of_wrong_form_are_dropped),
	};

	return cmocka_run_group_tests_name("conformance: ICMP errors", tests, NULL, NULL);
}
