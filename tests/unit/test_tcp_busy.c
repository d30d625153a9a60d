/* Rest: who comes to it, what is remembered, and that everything goes on from it as if nothing had been. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/flight.h"

#define SECOND 1000000ull
enum { MS = 1000, LEN = 1000 };

static bool rests(const struct peer *p)
{
	return flight_conn(p)->busy == NULL;
}

static size_t busy_ones(const struct peer *p)
{
	return p->stack->tcp->busy_pool.in_use;
}

/* A request, and its answer acknowledged. */
static void exchange(struct peer *p, uint32_t before)
{
	peer_send(p, LEN);
	peer_write(p, LEN);
	peer_expect(p, SEG(.flags = P | A, .seq = p->iss + 1 + before, .ack = p->snd, .len = LEN));
	peer_advance(p, 10 * MS);
	peer_ack(p, p->iss + 1 + before + LEN);
	peer_expect_nothing(p);
}

static void open_and_rest(struct peer *p, void (*tune)(struct stack_config *c))
{
	peer_init(p, tune);
	peer_established(p, NULL);
	exchange(p, 0);
	assert_false(rests(p));
	peer_advance(p, 2 * SECOND);
	assert_true(rests(p));
	assert_int_equal(busy_ones(p), 0);
	assert_int_equal(p->stack->tcp->conn_pool.in_use, 1);
}

static void an_idle_connection_rests_and_goes_on(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	exchange(&p, LEN);
	assert_int_equal(busy_ones(&p), 1);
	peer_assert_received(&p, 2 * LEN);
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1 + 2 * LEN));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 1));
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

/* Nothing wakes for it, if nothing happens. */
static void rest_needs_no_timer(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	peer_advance(&p, 120 * SECOND);
	assert_false(timer_is_set(&p.stack->tcp->busy_timer));
	assert_false(timer_is_set(&flight_conn(&p)->timer));
	peer_fini(&p);
}

static void assert_same(const struct tcp_info *a, const struct tcp_info *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->cwnd, b->cwnd);
	assert_int_equal(a->ssthresh, b->ssthresh);
	assert_int_equal(a->mss, b->mss);
	assert_int_equal(a->srtt_us, b->srtt_us);
	assert_int_equal(a->min_rtt_us, b->min_rtt_us);
	assert_int_equal(a->user_timeout_us, b->user_timeout_us);
	assert_int_equal(a->bytes_delivered, b->bytes_delivered);
	assert_int_equal(a->bytes_received, b->bytes_received);
	assert_int_equal(a->in_flight, b->in_flight);
	assert_int_equal(a->unsent + a->unread + a->urgent_unread, b->unsent + b->unread + b->urgent_unread);
	assert_string_equal(a->congestion, b->congestion);
}

static void what_is_shown_of_it_stays(void **state)
{
	struct tcp_info before, resting, awake;
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	exchange(&p, 0);
	before = peer_info(&p);
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	resting = peer_info(&p);
	assert_same(&before, &resting);
	tcp_set_keepalive_times(p.stream, &(struct tcp_keepalive){ .probes = 0 });
	assert_false(rests(&p));
	awake = peer_info(&p);
	assert_same(&before, &awake);
	peer_fini(&p);
}

/* The window is what it was, until it is used: then the pause counts (RFC 5681 section 4.1). */
static void congestion_window_and_ssthresh_are_remembered(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	exchange(&p, 0);
	tcp_conn_of(p.stream)->busy->cc.cwnd = 50000;
	tcp_conn_of(p.stream)->busy->cc.ssthresh = 40000;
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	assert_int_equal(peer_info(&p).cwnd, 50000);
	peer_send(&p, 1);
	assert_false(rests(&p));
	assert_int_equal(peer_info(&p).cwnd, 50000);
	assert_int_equal(peer_info(&p).ssthresh, 40000);
	peer_write(&p, 1);
	assert_int_equal(peer_info(&p).cwnd, tcp_initial_window(peer_info(&p).mss));
	assert_int_equal(peer_info(&p).ssthresh, 40000);
	peer_fini(&p);
}

/* ---- who does not rest ---- */

static void not_while_something_is_in_flight(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, LEN);
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	peer_fini(&p);
}

static void not_while_the_window_holds_data_back(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .zero_win = true));
	peer_write(&p, LEN);
	for (int i = 0; i < 4; i++) {
		peer_advance(&p, 5 * SECOND);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .zero_win = true));
		assert_false(rests(&p));
	}
	peer_fini(&p);
}

static void not_while_text_is_held(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	p.take = false;
	peer_send(&p, LEN);
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	peer_read(&p);
	peer_assert_received(&p, LEN);
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	peer_fini(&p);
}

static void not_with_a_hole(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 1, .data = "b", .len = 1));
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	peer_fini(&p);
}

static void not_half_closed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_close_wait(&p);
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	peer_fini(&p);
}

static void not_before_it_is_accepted(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.accept = false;
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000));
	p.iss = peer_any(&p).seq;
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = p.iss + 1));
	peer_advance(&p, 20 * SECOND);
	assert_int_equal(busy_ones(&p), 1);
	p.stream = tcp_accept(p.listener);
	assert_non_null(p.stream);
	p.stream->handler = p.handler;
	p.stream->user = &p;
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	peer_fini(&p);
}

static void not_with_settings_of_its_own(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	tcp_set_keepalive_times(p.stream, &(struct tcp_keepalive){ .idle_us = 7 * SECOND });
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	tcp_set_keepalive_times(p.stream, &(struct tcp_keepalive){ .idle_us = 7200 * SECOND });
	tcp_set_user_timeout(p.stream, 77 * SECOND);
	peer_advance(&p, 20 * SECOND);
	assert_false(rests(&p));
	assert_int_equal(peer_info(&p).user_timeout_us, 77 * SECOND);
	peer_fini(&p);
}

/* What a loss has taught is kept for a while. */
static void later_after_a_loss(void **state)
{
	struct peer p;

	(void)state;
	flight_open(&p, NULL, FLIGHT_RTT_US, NULL);
	flight_write(&p, 5);
	flight_drain(&p);
	flight_sack(&p, 0, 1, 5);
	peer_advance(&p, FLIGHT_RTT_US);
	flight_drain(&p);
	flight_ack(&p, 5);
	assert_true(peer_info(&p).bytes_lost > 0);
	peer_advance(&p, 9 * SECOND);
	assert_false(rests(&p));
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	assert_int_equal(peer_info(&p).bytes_lost, FLIGHT_MSS);
	peer_fini(&p);
}

static void bbr(struct stack_config *c)
{
	c->tcp.congestion = "bbr";
}

static void later_with_a_model_of_the_path(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, bbr);
	peer_established(&p, NULL);
	exchange(&p, 0);
	peer_advance(&p, 9 * SECOND);
	assert_false(rests(&p));
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	exchange(&p, LEN);
	assert_string_equal(peer_info(&p).congestion, "bbr");
	peer_fini(&p);
}

/* ---- what happens to one that rests ---- */

static void keepalive(struct stack_config *c)
{
	c->tcp.keepalive_idle_us = 10 * SECOND;
	c->tcp.keepalive_interval_us = 5 * SECOND;
	c->tcp.keepalive_probes = 2;
}

static void is_kept_alive(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, keepalive);
	peer_established(&p, NULL);
	tcp_set_keepalive(p.stream, true);
	peer_advance(&p, 9 * SECOND);
	assert_true(rests(&p));
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss, .ack = p.snd));
	peer_ack(&p, p.iss + 1);
	peer_advance(&p, 9 * SECOND);
	assert_true(rests(&p));
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss));
	peer_advance(&p, 5 * SECOND);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss));
	peer_advance(&p, 5 * SECOND);
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1));
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	peer_fini(&p);
}

static void may_be_closed(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	stream_close(p.stream);
	p.stream = NULL;
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1 + LEN));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

static void may_be_shut_down(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	stream_shutdown(p.stream);
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1 + LEN));
	peer_fini(&p);
}

static void may_be_aborted(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	stream_abort(p.stream);
	p.stream = NULL;
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1 + LEN, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void may_be_reset(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd));
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_fini(&p);
}

static void may_be_asked_and_set(void **state)
{
	struct peer p;
	uint8_t byte;

	(void)state;
	open_and_rest(&p, NULL);
	assert_true(stream_room(p.stream) >= (1 << 20));
	assert_int_equal(tcp_recv(p.stream, &byte, 1), 0);
	stream_resume(p.stream);
	tcp_set_nodelay(p.stream, true);
	peer_icmp(&p, 3, 1, 0, p.iss + 1); /* about nothing that is in flight */
	assert_true(rests(&p));
	assert_int_equal(tcp_set_congestion(p.stream, "none"), -EINVAL);
	assert_int_equal(tcp_set_congestion(p.stream, "reno"), 0);
	peer_advance(&p, 2 * SECOND);
	assert_true(rests(&p));
	assert_string_equal(peer_info(&p).congestion, "reno");
	peer_fini(&p);
}

/* No memory to wake it: nothing is lost but what would be sent again, until there is. */
static void without_memory_it_rests_on(void **state)
{
	struct span span = { .data = (const uint8_t *)"text", .len = 4 };
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	p.stack->tcp->busy_pool.limit = 0;
	peer_inject(&p, SEG(.flags = P | A, .seq = p.snd, .ack = p.iss + 1 + LEN, .data = "text", .len = 4));
	assert_int_equal(peer_drops(&p, DROP_NO_MEMORY), 1);
	assert_int_equal(stream_send(p.stream, &span, 1, 0), -ENOMEM);
	assert_int_equal(tcp_set_congestion(p.stream, "reno"), -ENOMEM);
	assert_true(rests(&p));
	p.stack->tcp->busy_pool.limit = 1;
	exchange(&p, LEN);
	peer_fini(&p);
}

/* The FIN is owed until then, and nobody is called back from within the call. */
static void without_memory_a_shutdown_waits(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	p.stack->tcp->busy_pool.limit = 0;
	stream_shutdown(p.stream);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 3 * SECOND);
	peer_expect_nothing(&p);
	assert_true(rests(&p));
	p.stack->tcp->busy_pool.limit = 1;
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1 + LEN));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

/* It goes with whatever else wakes the connection. */
static void a_shutdown_that_waits_goes_with_the_next_segment(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	p.stack->tcp->busy_pool.limit = 0;
	stream_shutdown(p.stream);
	p.stack->tcp->busy_pool.limit = 1;
	peer_send(&p, LEN);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1 + LEN, .ack = p.snd));
	peer_assert_received(&p, 2 * LEN);
	peer_fini(&p);
}

static void without_memory_a_close_waits(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, NULL);
	p.stack->tcp->busy_pool.limit = 0;
	stream_close(p.stream);
	p.stream = NULL;
	peer_flush(&p);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	p.stack->tcp->busy_pool.limit = 1;
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1 + LEN));
	peer_fini(&p);
}

static void no_orphan(struct stack_config *c)
{
	c->tcp.max_orphans = 0;
}

static void without_memory_one_orphan_too_many_goes_without_a_word(void **state)
{
	struct peer p;

	(void)state;
	open_and_rest(&p, no_orphan);
	p.stack->tcp->busy_pool.limit = 0;
	stream_close(p.stream);
	p.stream = NULL;
	peer_flush(&p);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

/* Of many none is forgotten, and none is looked at more often than it should be. */
static void many_come_to_rest(void **state)
{
	enum { MANY = 1000 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < MANY; i++) {
		struct seg ack;

		peer_inject(&p, SEG(.flags = S, .seq = 1000, .src_port = (uint16_t)(2000 + i)));
		ack = peer_any(&p);
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = ack.seq + 1, .src_port = (uint16_t)(2000 + i)));
	}
	assert_int_equal(busy_ones(&p), MANY);
	peer_advance(&p, 4 * SECOND);
	assert_int_equal(busy_ones(&p), 0);
	assert_int_equal(p.stack->tcp->conn_pool.in_use, MANY);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_connection_rests_and_goes_on),
		cmocka_unit_test(rest_needs_no_timer),
		cmocka_unit_test(what_is_shown_of_it_stays),
		cmocka_unit_test(congestion_window_and_ssthresh_are_remembered),
		cmocka_unit_test(not_while_something_is_in_flight),
		cmocka_unit_test(not_while_the_window_holds_data_back),
		cmocka_unit_test(not_while_text_is_held),
		cmocka_unit_test(not_with_a_hole),
		cmocka_unit_test(not_half_closed),
		cmocka_unit_test(not_before_it_is_accepted),
		cmocka_unit_test(not_with_settings_of_its_own),
		cmocka_unit_test(later_after_a_loss),
		cmocka_unit_test(later_with_a_model_of_the_path),
		cmocka_unit_test(is_kept_alive),
		cmocka_unit_test(may_be_closed),
		cmocka_unit_test(may_be_shut_down),
		cmocka_unit_test(may_be_aborted),
		cmocka_unit_test(may_be_reset),
		cmocka_unit_test(may_be_asked_and_set),
		cmocka_unit_test(without_memory_it_rests_on),
		cmocka_unit_test(without_memory_a_shutdown_waits),
		cmocka_unit_test(a_shutdown_that_waits_goes_with_the_next_segment),
		cmocka_unit_test(without_memory_a_close_waits),
		cmocka_unit_test(without_memory_one_orphan_too_many_goes_without_a_word),
		cmocka_unit_test(many_come_to_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
