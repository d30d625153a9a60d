/* Connections that the application has closed and the peer does not let end: their number and their time
 * have a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull

static const struct tcp_counters *counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

static uint32_t orphans(const struct peer *p)
{
	struct tcp_usage usage;

	tcp_usage(p->stack->tcp, &usage);
	return usage.orphans;
}

static void discard_all(struct peer *p)
{
	peer_flush(p);
	while (peer_pending(p) > 0)
		peer_any(p);
}

static void two_orphans(struct stack_config *c)
{
	c->tcp.max_orphans = 2;
}

static void rfc9293_3_10_4_orphans_have_a_limit(void **state)
{
	struct peer p;
	uint32_t first_iss = 0;

	(void)state;
	peer_init(&p, two_orphans);
	for (uint16_t i = 0; i < 3; i++) {
		p.port = (uint16_t)(40000 + i);
		peer_established(&p, NULL);
		first_iss = i == 0 ? p.iss : first_iss;
		stream_close(p.stream);
		if (i < 2)
			peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	}
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1)); /* one too many */
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(orphans(&p), 2);
	assert_int_equal(counters(&p)->abort_on_memory, 1);
	/* One ends: there is room again. */
	p.port = 40000;
	peer_inject(&p, SEG(.flags = R, .seq = 1001, .ack = first_iss + 2));
	assert_int_equal(orphans(&p), 1);
	p.port = 40003;
	peer_established(&p, NULL);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	assert_int_equal(orphans(&p), 2);
	assert_int_equal(counters(&p)->abort_on_memory, 1);
	peer_fini(&p);
}

static void rfc9293_3_10_4_every_end_of_an_orphan_is_counted(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	stream_abort(p.stream);
	discard_all(&p);
	assert_int_equal(orphans(&p), 0);
	p.port++;
	peer_close_wait(&p);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A));
	assert_int_equal(orphans(&p), 1);
	peer_ack(&p, p.iss + 2);
	assert_int_equal(orphans(&p), 0);
	p.port++;
	peer_established(&p, NULL);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = F | A));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2)); /* TIME-WAIT is none */
	peer_expect(&p, SEG(.flags = A));
	assert_int_equal(orphans(&p), 0);
	peer_fini(&p);
}

/* Answers a window probe, which has come by then, with an ACK of `take` octets more and a closed window. */
static void answer_probe(struct peer *p, uint32_t take, uint32_t *taken)
{
	discard_all(p);
	*taken += take;
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = p->iss + 1 + *taken, .zero_win = true));
}

static void with_window_closed(struct peer *p)
{
	peer_init(p, NULL);
	peer_established(p, NULL);
	peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = p->iss + 1, .zero_win = true));
	peer_write(p, 10000);
}

/* For so many seconds; false when the connection has ended meanwhile. */
static bool answer_probes(struct peer *p, uint32_t take, unsigned seconds)
{
	uint32_t taken = peer_info(p).snd_una - p->iss - 1;

	for (unsigned i = 0; i < seconds; i++) {
		uint64_t probes = counters(p)->window_probes;

		peer_advance(p, SECOND);
		if (peer_state(p) == TCP_CLOSED)
			return false;
		if (counters(p)->window_probes > probes)
			answer_probe(p, take, &taken);
	}
	return true;
}

static void rfc9293_must_37_policy_a_closed_window_ends_an_orphan(void **state)
{
	(void)state;
	for (uint32_t take = 0; take < 2; take++) { /* even if it takes an octet now and then */
		struct peer p;
		with_window_closed(&p);
		stream_close(p.stream);
		assert_true(answer_probes(&p, take, 59));
		assert_int_equal(orphans(&p), 1);
		assert_false(answer_probes(&p, take, 62));
		while (peer_pending(&p) > 1)
			peer_any(&p);
		peer_expect(&p, SEG(.flags = R | A));
		assert_int_equal(orphans(&p), 0);
		assert_int_equal(counters(&p)->abort_on_linger, 1);
		assert_int_equal(counters(&p)->abort_on_timeout, 0);
		peer_fini(&p);
	}
}

static void rfc9293_must_37_while_the_application_holds_it_it_lasts(void **state)
{
	struct peer p;

	(void)state;
	with_window_closed(&p);
	assert_true(answer_probes(&p, 0, 1000));
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

static void rfc9293_must_37_a_window_that_opens_saves_an_orphan(void **state)
{
	struct peer p;

	(void)state;
	with_window_closed(&p);
	stream_close(p.stream);
	assert_true(answer_probes(&p, 0, 50));
	discard_all(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .win = 3000));
	discard_all(&p);
	assert_true(peer_info(&p).in_flight > 1);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = peer_info(&p).snd_nxt, .zero_win = true));
	assert_true(answer_probes(&p, 0, 50));
	assert_false(answer_probes(&p, 0, 70));
	assert_int_equal(counters(&p)->abort_on_linger, 1);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_4_orphans_have_a_limit),
		cmocka_unit_test(rfc9293_3_10_4_every_end_of_an_orphan_is_counted),
		cmocka_unit_test(rfc9293_must_37_policy_a_closed_window_ends_an_orphan),
		cmocka_unit_test(rfc9293_must_37_while_the_application_holds_it_it_lasts),
		cmocka_unit_test(rfc9293_must_37_a_window_that_opens_saves_an_orphan),
	};

	return cmocka_run_group_tests_name("conformance: orphans", tests, NULL, NULL);
}
