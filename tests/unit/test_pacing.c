/* Pacing of algorithms that have a window: bursts are spread, the clock of the
 * acknowledgements is not held up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

enum { MSS = 1460, INITIAL_WINDOW = 10, RTT_US = 50000 };

static void with_pacing(struct stack_config *c)
{
	c->tcp.pacing = true;
}

static unsigned forget_segments(struct peer *p)
{
	unsigned n = 0;

	for (; peer_pending(p) > 0; n++)
		peer_any(p);
	return n;
}

/* A bulk transfer in which every segment so far was acknowledged after a round trip. */
static void transfer(struct peer *p, unsigned round_trips)
{
	peer_init(p, with_pacing);
	peer_established(p, SEG(.mss = MSS, .has_wscale = true, .wscale = 7));
	peer_write(p, 100);
	peer_any(p);
	peer_advance(p, RTT_US);
	peer_ack(p, peer_info(p).snd_nxt);
	peer_write(p, 500 * MSS);
	for (unsigned i = 0; i < round_trips; i++) {
		peer_advance(p, RTT_US);
		forget_segments(p);
		peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = peer_info(p).snd_nxt, .win = 8192));
	}
}

static void an_initial_window_goes_at_once(void **state)
{
	struct peer p;

	(void)state;
	transfer(&p, 0);
	assert_in_range(forget_segments(&p), INITIAL_WINDOW, INITIAL_WINDOW + 1);
	peer_fini(&p);
}

/* A window of 80 segments is acknowledged in one piece. In slow start the next
 * leaves in half of a round trip. */
static void a_longer_burst_is_spread(void **state)
{
	unsigned window = 0;
	struct peer p;

	(void)state;
	transfer(&p, 3);
	window += forget_segments(&p);
	assert_in_range(window, INITIAL_WINDOW, INITIAL_WINDOW + 2);
	peer_advance(&p, RTT_US / 4);
	window += forget_segments(&p);
	assert_in_range(window, 40, 60);
	peer_advance(&p, RTT_US / 4);
	window += forget_segments(&p);
	assert_in_range(window, 80, 82);
	peer_fini(&p);
}

/* Acknowledgements of two segments each come two at a time: for each another
 * pair leaves in the same moment. */
static void the_clock_of_acknowledgements_is_not_held_up(void **state)
{
	struct peer p;
	uint32_t acked;

	(void)state;
	transfer(&p, 2);
	peer_advance(&p, RTT_US);
	forget_segments(&p);
	acked = peer_info(&p).snd_una;
	for (int i = 0; i < 10; i++) {
		acked += 2 * MSS;
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = acked, .win = 8192));
		assert_true(forget_segments(&p) >= 2);
		if (i % 2 == 1)
			peer_advance(&p, RTT_US / 5);
	}
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_initial_window_goes_at_once),
		cmocka_unit_test(a_longer_burst_is_spread),
		cmocka_unit_test(the_clock_of_acknowledgements_is_not_held_up),
	};

	return cmocka_run_group_tests_name("pacing", tests, NULL, NULL);
}
