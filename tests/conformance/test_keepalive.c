/* Keep-alives (RFC 9293 section 3.8.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull
enum { MS = 1000 };

/* Idle 10 s, then every 5 s, three times. */
static void quick(struct stack_config *c)
{
	c->tcp.keepalive_idle_us = 10 * SECOND;
	c->tcp.keepalive_interval_us = 5 * SECOND;
	c->tcp.keepalive_probes = 3;
}

static void with_keepalive(struct peer *p)
{
	peer_init(p, quick);
	peer_established(p, NULL);
	tcp_set_keepalive(p->stream, true);
}

static void expect_probe(struct peer *p)
{
	/* One before snd.nxt, so that the peer must answer; without text (SHLD-12). */
	peer_expect(p, SEG(.flags = A, .seq = peer_info(p).snd_nxt - 1, .ack = p->snd));
}

static void rfc9293_must_27_times_of_a_connection(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL); /* two hours, of old */
	peer_established(&p, NULL);
	tcp_set_keepalive(p.stream, true);
	tcp_set_keepalive_times(
		p.stream, &(struct tcp_keepalive){ .idle_us = 3 * SECOND, .interval_us = SECOND, .probes = 2 });
	tcp_set_keepalive_times(p.stream, &(struct tcp_keepalive){ .probes = 0 }); /* all as they are */
	peer_advance(&p, 3 * SECOND);
	expect_probe(&p);
	peer_advance(&p, SECOND);
	expect_probe(&p);
	peer_expect_nothing(&p);
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	peer_fini(&p);
}

static void rfc9293_must_25_off_by_default(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, quick);
	peer_established(&p, NULL);
	peer_advance(&p, 100000 * SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc9293_must_24_may_5_on_and_off_at_any_time(void **state)
{
	struct peer p;

	(void)state;
	with_keepalive(&p);
	peer_advance(&p, 10100 * MS);
	expect_probe(&p);
	tcp_set_keepalive(p.stream, false);
	peer_advance(&p, 1000 * SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	tcp_set_keepalive(p.stream, true);
	peer_advance(&p, 10100 * MS);
	assert_true(peer_pending(&p) > 0);
	peer_fini(&p);
}

static void rfc9293_must_24_before_the_open_and_on_either_side(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, quick);
	peer_syn_sent(&p);
	tcp_set_keepalive(p.stream, true);
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A));
	p.snd = 1001;
	peer_advance(&p, 10100 * MS);
	expect_probe(&p);
	peer_fini(&p);
}

static void in_close_wait(struct peer *p)
{
	peer_close_wait(p);
}

static void in_fin_wait_2(struct peer *p)
{
	peer_fin_wait_2(p);
}

/* Half-closed connections are idle ones too. */
static void rfc9293_must_24_on_half_closed_connections(void **state)
{
	static void (*const enter[])(struct peer *) = { in_close_wait, in_fin_wait_2 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct peer p;
		peer_init(&p, quick); /* turned on in the state */
		enter[i](&p);
		tcp_set_keepalive(p.stream, true);
		peer_advance(&p, 10100 * MS);
		expect_probe(&p);
		peer_advance(&p, 100 * SECOND);
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, STREAM_END_TIMEOUT);
		peer_fini(&p);
	}
	{
		struct peer p; /* turned on before, and kept over the change */
		with_keepalive(&p);
		stream_shutdown(p.stream);
		peer_expect(&p, SEG(.flags = F | A));
		peer_ack(&p, p.iss + 2);
		peer_advance(&p, 10100 * MS);
		expect_probe(&p);
		peer_fini(&p);
	}
}

static void rfc9293_must_26_nothing_must_have_come_for_the_interval(void **state)
{
	struct peer p;

	(void)state;
	with_keepalive(&p);
	for (unsigned i = 0; i < 20; i++) { /* an empty ACK will do */
		peer_advance(&p, 9 * SECOND);
		peer_ack(&p, p.iss + 1);
	}
	peer_expect_nothing(&p);
	peer_advance(&p, 10100 * MS);
	expect_probe(&p);
	peer_fini(&p);
}

static void rfc9293_must_26_nothing_must_be_outstanding(void **state)
{
	struct peer p;

	(void)state;
	with_keepalive(&p);
	peer_write(&p, 100);
	peer_any(&p);
	peer_advance(&p, 60 * SECOND);
	while (peer_pending(&p) > 0) /* retransmissions, and no probe among them */
		peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	assert_int_equal(tcp_counters(p.stack->tcp)->keepalives, 0);
	assert_int_equal(p.closed, 0); /* that is the retransmission timer's business */
	peer_fini(&p);
}

static void rfc9293_must_27_times_are_configurable(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	with_keepalive(&p);
	start = p.now_us;
	peer_advance(&p, 12 * SECOND);
	expect_probe(&p);
	assert_in_range(peer_sent_at(&p) - start, 10 * SECOND, 10 * SECOND + MS);
	peer_advance(&p, 5 * SECOND);
	expect_probe(&p);
	assert_in_range(peer_sent_at(&p) - start, 15 * SECOND, 15 * SECOND + MS);
	peer_fini(&p);
}

static void rfc9293_must_28_two_hours_by_default(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	tcp_set_keepalive(p.stream, true);
	peer_advance(&p, 7199 * SECOND);
	peer_expect_nothing(&p);
	peer_advance(&p, 2 * SECOND);
	expect_probe(&p);
	peer_fini(&p);
}

static void rfc9293_shld_12_probes_carry_no_text(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	with_keepalive(&p);
	peer_write(&p, 100);
	peer_any(&p);
	peer_ack(&p, p.iss + 101);
	peer_advance(&p, 10100 * MS);
	got = peer_expect(&p, SEG(.flags = A, .seq = p.iss + 100, .ack = p.snd, .len = 0));
	assert_int_equal(got.urgent, 0);
	peer_fini(&p);
}

static void rfc9293_must_29_one_unanswered_probe_is_not_the_end(void **state)
{
	struct peer p;

	(void)state;
	with_keepalive(&p);
	peer_advance(&p, 20100 * MS);
	for (unsigned i = 0; i < 3; i++)
		expect_probe(&p);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 5 * SECOND);
	assert_int_equal(p.closed, 1); /* three are */
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_8_4_an_answer_starts_anew(void **state)
{
	struct peer p;

	(void)state;
	with_keepalive(&p);
	for (unsigned round = 0; round < 5; round++) {
		peer_advance(&p, 16 * SECOND); /* two probes */
		expect_probe(&p);
		expect_probe(&p);
		peer_ack(&p, p.iss + 1);
		peer_expect_nothing(&p);
	}
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

static void rfc9293_3_8_4_a_probe_of_the_peers_is_answered(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (unsigned i = 0; i < 20; i++) {
		peer_inject(&p, SEG(.flags = A, .seq = p.snd - 1, .ack = p.iss + 1));
		peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = p.snd));
		/* With an octet of garbage. */
		peer_inject(&p, SEG(.flags = A, .seq = p.snd - 1, .ack = p.iss + 1, .len = 1));
		peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = p.snd));
		peer_advance(&p, SECOND);
	}
	assert_int_equal(p.received_len, 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_25_off_by_default),
		cmocka_unit_test(rfc9293_must_27_times_of_a_connection),
		cmocka_unit_test(rfc9293_must_24_may_5_on_and_off_at_any_time),
		cmocka_unit_test(rfc9293_must_24_before_the_open_and_on_either_side),
		cmocka_unit_test(rfc9293_must_24_on_half_closed_connections),
		cmocka_unit_test(rfc9293_must_26_nothing_must_have_come_for_the_interval),
		cmocka_unit_test(rfc9293_must_26_nothing_must_be_outstanding),
		cmocka_unit_test(rfc9293_must_27_times_are_configurable),
		cmocka_unit_test(rfc9293_must_28_two_hours_by_default),
		cmocka_unit_test(rfc9293_shld_12_probes_carry_no_text),
		cmocka_unit_test(rfc9293_must_29_one_unanswered_probe_is_not_the_end),
		cmocka_unit_test(rfc9293_3_8_4_an_answer_starts_anew),
		cmocka_unit_test(rfc9293_3_8_4_a_probe_of_the_peers_is_answered),
	};

	return cmocka_run_group_tests_name("conformance: keep-alives", tests, NULL, NULL);
}
