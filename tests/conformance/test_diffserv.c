/* The Differentiated Services field and the time to live of a connection (RFC
 * 9293 sections 3.9.1.9, 3.9.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

enum { EF = 46, AF11 = 10 }; /* RFC 3246, RFC 2597 */

static void rfc9293_must_48_shld_22_the_application_sets_it(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	tcp_set_dscp(p.stream, EF);
	peer_write(&p, 100);
	assert_int_equal(peer_any(&p).tos, EF << 2);
	assert_int_equal(peer_info(&p).dscp, EF);
	peer_advance(&p, 1000000); /* the retransmission too */
	assert_int_equal(peer_any(&p).tos, EF << 2);
	stream_abort(p.stream); /* and the reset */
	assert_int_equal(peer_expect(&p, SEG(.flags = R | A)).tos, EF << 2);
	peer_fini(&p);
}

static void rfc9293_must_48_from_the_syn_on(void **state)
{
	const struct ip_addr any = { { 0 } };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &p.stream), 0);
	tcp_set_dscp(p.stream, EF);
	tcp_set_ttl(p.stream, 3);
	peer_flush(&p);
	{
		struct seg syn = peer_expect(&p, SEG(.flags = S));
		assert_int_equal(syn.tos, EF << 2);
		assert_int_equal(syn.ttl, 3);
	}
	peer_fini(&p);
}

static void rfc9293_shld_21_it_may_change(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	for (uint8_t dscp = 0; dscp < 64; dscp++) {
		tcp_set_dscp(p.stream, dscp);
		peer_write(&p, 100);
		assert_int_equal(peer_any(&p).tos, dscp << 2);
		peer_ack(&p, peer_info(&p).snd_nxt);
	}
	peer_fini(&p);
}

static void all_bits(struct stack_config *c)
{
	c->tcp.tos = AF11 << 2 | 3; /* the last two bits are not ours to set: they belong to ECN */
}

static void rfc9293_must_48_the_configured_one_is_in_every_segment(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, all_bits);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	assert_int_equal(peer_expect(&p, SEG(.flags = S | A)).tos, AF11 << 2);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .dst_port = 81)); /* and in the reset of a closed port */
	assert_int_equal(peer_expect(&p, SEG(.flags = R | A)).tos, AF11 << 2);
	p.port++;
	peer_established(&p, NULL);
	peer_write(&p, 100);
	assert_int_equal(peer_any(&p).tos, AF11 << 2);
	peer_fini(&p);
}

static void rfc9293_may_9_the_received_one_is_passed_up(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	assert_int_equal(peer_info(&p).received_dscp, 0);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .tos = EF << 2));
	assert_int_equal(peer_info(&p).received_dscp, EF);
	/* but not that of a segment that may be forged */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 100000, .ack = p.iss + 1, .tos = AF11 << 2));
	assert_int_equal(peer_info(&p).received_dscp, EF);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	peer_fini(&p);
}

static void rfc9293_must_49_ttl_of_a_connection(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	assert_int_equal(peer_info(&p).ttl, 64);
	tcp_set_ttl(p.stream, 255); /* RFC 5082 */
	peer_write(&p, 100);
	assert_int_equal(peer_any(&p).ttl, 255);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_48_shld_22_the_application_sets_it),
		cmocka_unit_test(rfc9293_must_48_from_the_syn_on),
		cmocka_unit_test(rfc9293_shld_21_it_may_change),
		cmocka_unit_test(rfc9293_must_48_the_configured_one_is_in_every_segment),
		cmocka_unit_test(rfc9293_may_9_the_received_one_is_passed_up),
		cmocka_unit_test(rfc9293_must_49_ttl_of_a_connection),
	};

	return cmocka_run_group_tests_name("conformance: DiffServ and TTL", tests, NULL, NULL);
}
