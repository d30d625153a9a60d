/* Reordering, as RACK sees it (RFC 8985 section 6.2 step 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

enum { MSS = 1460, FLIGHT = 10 };

static void send_flight(struct peer *p)
{
	peer_init(p, NULL);
	peer_established(p, SEG(.mss = MSS, .sack_permitted = true));
	peer_write(p, FLIGHT * MSS);
	for (int i = 0; i < FLIGHT; i++)
		peer_any(p);
	peer_advance(p, 10000);
}

/* What lies before segment n of the flight. */
static uint32_t at(const struct peer *p, uint32_t n)
{
	return p->iss + 1 + n * MSS;
}

static void rfc8985_6_2_what_one_ack_delivers_is_not_reordered(void **state)
{
	struct peer p;

	(void)state;
	send_flight(&p);
	/* The acknowledgement was delayed until segment 2 was missing. */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 2), .n_sack = 1,
			    .sack = { { at(&p, 3), at(&p, 4) } }));
	assert_false(peer_info(&p).reordering_seen);
	/* Several were compressed into one; the block of the newest segment stands first (RFC 2018). */
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 2), .n_sack = 2,
			    .sack = { { at(&p, 7), at(&p, 9) }, { at(&p, 3), at(&p, 6) } }));
	assert_false(peer_info(&p).reordering_seen);
	peer_fini(&p);
}

static void rfc8985_6_2_what_comes_below_an_earlier_ack_is_reordered(void **state)
{
	struct peer p;

	(void)state;
	send_flight(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 1), .n_sack = 1,
			    .sack = { { at(&p, 3), at(&p, 4) } }));
	assert_false(peer_info(&p).reordering_seen);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = at(&p, 2), .n_sack = 1,
			    .sack = { { at(&p, 3), at(&p, 4) } }));
	assert_true(peer_info(&p).reordering_seen);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8985_6_2_what_one_ack_delivers_is_not_reordered),
		cmocka_unit_test(rfc8985_6_2_what_comes_below_an_earlier_ack_is_reordered),
	};

	return cmocka_run_group_tests_name("conformance: reordering", tests, NULL, NULL);
}
