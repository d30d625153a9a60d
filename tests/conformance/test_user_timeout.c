/* The user timeout option (RFC 5482): what is told, what is heeded, and what holds then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

static void enabled(struct stack_config *c)
{
	c->tcp.user_timeout_option = true;
	c->tcp.user_timeout_us = 200 * SECOND;
}

static uint64_t timeout_s(const struct peer *p)
{
	return peer_info(p).user_timeout_us / SECOND;
}

static void ask_for(struct peer *p, uint32_t s)
{
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = peer_info(p).snd_nxt, .uto_s = s));
}

static void rfc5482_3_2_in_the_syn_and_in_the_first_segment_after_it(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_connect(&p, 80);
	p.our_port = 0;
	struct seg syn = peer_expect(&p, SEG(.flags = S));
	assert_int_equal(syn.uto_s, 200);
	p.our_port = syn.src_port;
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = syn.seq + 1, .mss = 1460));
	assert_int_equal(peer_expect(&p, SEG(.flags = A)).uto_s, 200);
	peer_write(&p, 10);
	assert_int_equal(peer_expect(&p, SEG(.flags = A | P, .len = 10)).uto_s, 0);
	peer_fini(&p);
}

static void rfc5482_3_2_in_the_syn_ack_too(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	assert_int_equal(peer_expect(&p, SEG(.flags = S | A)).uto_s, 200);
	peer_fini(&p);
}

/* A full segment has no room for it: it waits for one that has. */
static void rfc5482_3_2_it_waits_for_room(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_established(&p, NULL);
	peer_write(&p, 1460);
	assert_int_equal(peer_expect(&p, SEG(.flags = A | P, .len = 1460)).uto_s, 0);
	peer_ack(&p, peer_info(&p).snd_nxt);
	peer_write(&p, 1400);
	assert_int_equal(peer_expect(&p, SEG(.flags = A | P, .len = 1400)).uto_s, 200);
	peer_fini(&p);
}

static void rfc5482_3_1_the_longer_of_both_holds(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_established(&p, NULL);
	ask_for(&p, 30);
	assert_int_equal(timeout_s(&p), 200);
	ask_for(&p, 1800);
	assert_int_equal(timeout_s(&p), 1800);
	ask_for(&p, 40000); /* told in minutes: 666 of them */
	assert_int_equal(timeout_s(&p), 3600); /* U_LIMIT */
	assert_int_equal(tcp_counters(p.stack->tcp)->user_timeouts_received, 3);
	peer_fini(&p);
}

static void short_timeout(struct stack_config *c)
{
	enabled(c);
	c->tcp.user_timeout_us = 20 * SECOND;
}

static void rfc5482_3_1_no_peer_brings_it_below_a_hundred_seconds(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, short_timeout);
	peer_established(&p, NULL);
	ask_for(&p, 1);
	assert_int_equal(timeout_s(&p), 100);
	peer_fini(&p);
}

static void rfc5482_3_1_what_the_application_chose_is_not_changed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_established(&p, NULL);
	tcp_set_user_timeout(p.stream, 10 * SECOND);
	ask_for(&p, 1800);
	assert_int_equal(timeout_s(&p), 10);
	peer_write(&p, 10); /* and is told */
	assert_int_equal(peer_expect(&p, SEG(.flags = A | P, .len = 10)).uto_s, 10);
	peer_fini(&p);
}

static void rfc5482_3_4_zero_means_nothing(void **state)
{
	static const uint8_t zero[] = { 28, 4, 0, 0 }, zero_minutes[] = { 28, 4, 0x80, 0 };
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .raw_options = zero,
			    .raw_options_len = 4));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .raw_options = zero_minutes,
			    .raw_options_len = 4));
	assert_int_equal(timeout_s(&p), 200);
	assert_int_equal(tcp_counters(p.stack->tcp)->user_timeouts_received, 0);
	peer_fini(&p);
}

/* ENABLED is false unless configured: the option is neither sent nor heeded. */
static void rfc5482_3_1_off_by_default(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_established(&p, NULL);
	ask_for(&p, 1800);
	assert_int_equal(timeout_s(&p), 100);
	peer_write(&p, 10);
	assert_int_equal(peer_expect(&p, SEG(.flags = A | P, .len = 10)).uto_s, 0);
	peer_fini(&p);
}

/* What was agreed on is what a connection lives by. */
static void rfc5482_3_1_the_peers_patience_is_ours(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, enabled);
	peer_established(&p, NULL);
	ask_for(&p, 600);
	peer_write(&p, 10);
	peer_advance(&p, 590 * SECOND);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_advance(&p, 90 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5482_3_2_in_the_syn_and_in_the_first_segment_after_it),
		cmocka_unit_test(rfc5482_3_2_in_the_syn_ack_too),
		cmocka_unit_test(rfc5482_3_2_it_waits_for_room),
		cmocka_unit_test(rfc5482_3_1_the_longer_of_both_holds),
		cmocka_unit_test(rfc5482_3_1_no_peer_brings_it_below_a_hundred_seconds),
		cmocka_unit_test(rfc5482_3_1_what_the_application_chose_is_not_changed),
		cmocka_unit_test(rfc5482_3_4_zero_means_nothing),
		cmocka_unit_test(rfc5482_3_1_off_by_default),
		cmocka_unit_test(rfc5482_3_1_the_peers_patience_is_ours),
	};

	return cmocka_run_group_tests_name("conformance: user timeout option", tests, NULL, NULL);
}
