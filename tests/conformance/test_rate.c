/*
 * Delivery rate samples (draft-ietf-ccwg-bbr section 4.1): how fast the path takes what we send, seen in
 * tcp_info.delivery_rate. The path takes 100 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/flight.h"

enum { MSS = FLIGHT_MSS };

static void use_reno(struct stack_config *c)
{
	c->tcp.congestion = "reno";
}

static void open_with(struct peer *p, uint32_t n)
{
	flight_open(p, use_reno, FLIGHT_RTT_US, NULL);
	flight_write(p, n);
	flight_drain(p);
}

static void rate_is_unknown_before_anything_was_delivered(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 1);
	assert_int_equal(peer_info(&p).delivery_rate, 0);
	peer_fini(&p);
}

/* Ten in a round trip. */
static void rate_of_one_flight(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 20);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).delivery_rate, 10ull * MSS * 1000000 / FLIGHT_RTT_US);
	assert_int_equal(peer_info(&p).bytes_delivered, 10 * MSS);
	peer_fini(&p);
}

/* The bottleneck lets one through each 5 ms: that, not the burst that was sent, is the rate. */
static void rate_of_a_bottleneck(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 400);
	peer_advance(&p, FLIGHT_RTT_US);
	for (uint32_t n = 1; n <= 100; n++) {
		flight_ack(&p, n);
		flight_drain(&p);
		peer_advance(&p, 5000);
	}
	assert_in_range(peer_info(&p).delivery_rate, 195 * MSS, 205 * MSS); /* segments a second */
	peer_fini(&p);
}

static void write_one_in_20_ms(struct peer *p)
{
	flight_write(p, 1);
	flight_drain(p);
	peer_advance(p, 20000);
}

/* Acknowledgements that were held back and come all at once speak of no faster path than it was sent at. */
static void rate_is_not_faster_than_what_was_sent(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, use_reno, FLIGHT_RTT_US, NULL);
	for (unsigned i = 0; i < 10; i++)
		write_one_in_20_ms(&p);
	flight_ack(&p, 5);
	for (unsigned i = 0; i < 5; i++)
		write_one_in_20_ms(&p);
	flight_ack(&p, 10);
	flight_ack(&p, 15); /* ten in 100 ms */
	assert_in_range(peer_info(&p).delivery_rate, 40 * MSS, 51 * MSS);
	peer_fini(&p);
}

/* A SACK delivers too; its cumulative acknowledgement later does not count again. */
static void rate_counts_each_octet_once(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_sack(&p, 0, 1, 4);
	assert_int_equal(peer_info(&p).bytes_delivered, 3 * MSS);
	flight_sack(&p, 0, 1, 4);
	assert_int_equal(peer_info(&p).bytes_delivered, 3 * MSS);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	assert_int_equal(peer_info(&p).bytes_delivered, 10 * MSS);
	assert_int_equal(peer_info(&p).bytes_lost, MSS);
	peer_fini(&p);
}

/* An ACK in the middle of a segment. */
static void rate_counts_parts_of_segments(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 2);
	peer_advance(&p, FLIGHT_RTT_US);
	peer_ack(&p, flight_seq(&p, 0) + 100);
	assert_int_equal(peer_info(&p).bytes_delivered, 100);
	flight_ack(&p, 2);
	assert_int_equal(peer_info(&p).bytes_delivered, 2 * MSS);
	peer_fini(&p);
}

/* One segment a round trip because the application has no more: no proof that the path takes no more. */
static void rate_does_not_fall_for_want_of_data(void **state)
{
	struct peer p;
	uint64_t before;

	(void)state;
	open_with(&p, 20);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 20);
	before = peer_info(&p).delivery_rate;
	for (uint32_t n = 21; n < 25; n++) {
		flight_write(&p, 1);
		assert_true(
			(LIST_ENTRY(list_first(&flight_conn(&p)->busy->flight), struct tcp_segment, node)->flags &
			 SEG_APP_LIMITED) != 0);
		peer_advance(&p, FLIGHT_RTT_US);
		flight_ack(&p, n);
	}
	assert_int_equal(peer_info(&p).delivery_rate, before);
	peer_fini(&p);
}

/* Time in which nothing was on the way is not the path's. */
static void rate_does_not_count_a_pause(void **state)
{
	struct peer p;

	(void)state;
	open_with(&p, 10);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_ack(&p, 10);
	peer_advance(&p, 100000);
	flight_write(&p, 30);
	flight_drain(&p);
	peer_advance(&p, FLIGHT_RTT_US);
	peer_ack(&p, peer_info(&p).snd_nxt);
	assert_true(peer_info(&p).delivery_rate >= 10ull * MSS * 1000000 / FLIGHT_RTT_US);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_unknown_before_anything_was_delivered),
		cmocka_unit_test(rate_of_one_flight),
		cmocka_unit_test(rate_of_a_bottleneck),
		cmocka_unit_test(rate_is_not_faster_than_what_was_sent),
		cmocka_unit_test(rate_counts_each_octet_once),
		cmocka_unit_test(rate_counts_parts_of_segments),
		cmocka_unit_test(rate_does_not_fall_for_want_of_data),
		cmocka_unit_test(rate_does_not_count_a_pause),
	};

	return cmocka_run_group_tests_name("conformance: delivery rate", tests, NULL, NULL);
}
