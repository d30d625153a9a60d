/* Connections followed: the states of both sides from opening to close, numbers, what is sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/ladder_flow.h"

enum { SYN = LADDER_SYN, ACK = LADDER_ACK, FIN = LADDER_FIN, RST = LADDER_RST };

static const uint32_t client_isn = 0xffffff00, server_isn = 5000;

static struct ladder_flows flows;
static struct ladder_step step;
static enum drop_reason drop;
static bool we_are_client;

static struct ladder_segment segment(enum ladder_end from, unsigned flags, uint32_t seq, uint32_t len,
				     uint32_t ack)
{
	struct ladder_segment s = {
		.src = ip_addr_from_4(1), .dst = ip_addr_from_4(2), .src_port = 40000, .dst_port = 80,
		.seq = seq_of(client_isn + seq), .ack = seq_of((flags & ACK) != 0 ? server_isn + ack : 0),
		.flags = (uint8_t)flags, .window = 100, .len = len,
		.options = { .has_wscale = (flags & SYN) != 0, .wscale = 3 },
	};

	if (from == LADDER_CLIENT)
		return s;
	s.seq = seq_of(server_isn + seq);
	s.ack = seq_of((flags & ACK) != 0 ? client_isn + ack : 0);
	s.src = ip_addr_from_4(2);
	s.dst = ip_addr_from_4(1);
	s.src_port = 80;
	s.dst_port = 40000;
	return s;
}

/* What the flow says of a segment with relative numbers; TCP does not speak. */
static struct ladder_flow *take(enum ladder_end from, unsigned flags, uint32_t seq, uint32_t len,
				uint32_t ack)
{
	struct ladder_segment s = segment(from, flags, seq, len, ack);
	bool is_out = (from == LADDER_CLIENT) == we_are_client;
	struct ladder_flow *f = ladder_flow_of(&flows, &s, is_out, 7);

	ladder_flow_take(f, &s, is_out, drop, 0, &step);
	drop = DROP_NONE;
	return f;
}

static void assert_states(enum tcp_state client, enum tcp_state server)
{
	assert_string_equal(tcp_state_name(step.state[LADDER_CLIENT]), tcp_state_name(client));
	assert_string_equal(tcp_state_name(step.state[LADDER_SERVER]), tcp_state_name(server));
}

static void open_connection(void)
{
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	take(LADDER_CLIENT, ACK, 1, 0, 1);
}

static int begin(void **state)
{
	(void)state;
	ladder_flows_init(&flows);
	drop = DROP_NONE;
	we_are_client = false;
	return 0;
}

/* What a bad wire of ours swallows was sent all the same, and the other side has not seen it. */
static void what_the_wire_swallows_goes_no_further(void **state)
{
	(void)state;
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	drop = DROP_WIRE;
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_false(step.is_again);
	assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_true(step.is_again);
	assert_states(TCP_ESTABLISHED, TCP_SYN_RECEIVED);
	take(LADDER_CLIENT, ACK, 1, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	drop = DROP_WIRE;
	take(LADDER_SERVER, ACK | FIN, 1, 10, 1);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	take(LADDER_SERVER, ACK | FIN, 1, 10, 1);
	assert_true(step.is_again);
	assert_states(TCP_CLOSE_WAIT, TCP_FIN_WAIT_1);
	drop = DROP_WIRE; /* the peer's own: it has sent it */
	take(LADDER_CLIENT, ACK | FIN, 1, 0, 12);
	assert_string_equal(tcp_state_name(step.state[LADDER_CLIENT]), "LAST-ACK");
	take(LADDER_CLIENT, ACK | FIN, 1, 0, 12);
	assert_true(step.is_again);
}

static void a_handshake_is_followed(void **state)
{
	(void)state;
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
	assert_true(step.changed[LADDER_CLIENT] && step.changed[LADDER_SERVER]);
	assert_int_equal(step.window, 100);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_SYN_RECEIVED);
	assert_int_equal(step.window, 100);
	assert_false(step.is_third_ack);
	take(LADDER_CLIENT, ACK, 1, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	assert_true(step.is_third_ack);
	assert_int_equal(step.window, 800);
	take(LADDER_CLIENT, ACK, 1, 10, 1);
	assert_false(step.is_third_ack || step.changed[LADDER_CLIENT] || step.changed[LADDER_SERVER]);
}

/* It listens on, until one is taken. */
static void a_syn_that_is_turned_away_opens_nothing(void **state)
{
	static const enum drop_reason reasons[] = { DROP_WIRE, DROP_TCP_SYN_QUEUE_FULL, DROP_TCP_ACCEPT_QUEUE_FULL };

	for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
		begin(state);
		drop = reasons[i];
		take(LADDER_CLIENT, SYN, 0, 0, 0);
		assert_states(TCP_SYN_SENT, TCP_LISTEN);
		assert_false(step.changed[LADDER_SERVER]);
		drop = reasons[i];
		take(LADDER_CLIENT, SYN, 0, 0, 0);
		assert_true(step.is_again);
		assert_states(TCP_SYN_SENT, TCP_LISTEN);
		take(LADDER_CLIENT, SYN, 0, 0, 0);
		assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
		drop = reasons[i]; /* one that was under way */
		take(LADDER_CLIENT, SYN, 0, 0, 0);
		assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
	}
}

static void numbers_are_relative_across_the_wrap(void **state)
{
	(void)state;
	open_connection();
	take(LADDER_CLIENT, ACK, 1, 1000, 1);
	take(LADDER_CLIENT, ACK, 1001, 10, 1);
	assert_int_equal(step.seq, 1001);
	assert_int_equal(step.ack, 1);
	take(LADDER_SERVER, ACK, 1, 0, 1011);
	assert_int_equal(step.ack, 1011);
	assert_false(step.is_again);
}

static void who_closes_first_waits(void **state)
{
	(void)state;
	open_connection();
	take(LADDER_CLIENT, FIN | ACK, 1, 0, 1);
	assert_states(TCP_FIN_WAIT_1, TCP_CLOSE_WAIT);
	take(LADDER_SERVER, ACK, 1, 0, 2);
	assert_states(TCP_FIN_WAIT_2, TCP_CLOSE_WAIT);
	take(LADDER_SERVER, FIN | ACK, 1, 0, 2);
	assert_states(TCP_TIME_WAIT, TCP_LAST_ACK);
	take(LADDER_CLIENT, ACK, 2, 0, 2);
	assert_states(TCP_TIME_WAIT, TCP_CLOSED);
}

static void both_may_close_at_once(void **state)
{
	(void)state;
	open_connection();
	take(LADDER_CLIENT, FIN | ACK, 1, 0, 1);
	take(LADDER_SERVER, FIN | ACK, 1, 0, 1);
	assert_states(TCP_CLOSING, TCP_CLOSING);
	take(LADDER_CLIENT, ACK, 2, 0, 2);
	assert_states(TCP_CLOSING, TCP_TIME_WAIT);
	take(LADDER_SERVER, ACK, 2, 0, 2);
	assert_states(TCP_TIME_WAIT, TCP_TIME_WAIT);
}

static void a_reset_closes_both(void **state)
{
	(void)state;
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	take(LADDER_SERVER, RST | ACK, 0, 0, 1);
	assert_states(TCP_CLOSED, TCP_CLOSED);
}

/* Our SYN-ACK is taken to have arrived, until a SYN says that it has not. */
static void a_syn_again_corrects_what_was_inferred(void **state)
{
	(void)state;
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_SYN_RECEIVED);
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
	assert_true(step.is_again);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_true(step.is_again);
	assert_states(TCP_ESTABLISHED, TCP_SYN_RECEIVED);
}

static void what_was_sent_before_is_known(void **state)
{
	(void)state;
	open_connection();
	take(LADDER_SERVER, ACK, 1, 100, 1);
	take(LADDER_SERVER, ACK, 101, 100, 1);
	assert_false(step.is_again);
	take(LADDER_SERVER, ACK, 1, 100, 1);
	assert_true(step.is_again);
	take(LADDER_SERVER, ACK, 101, 200, 1); /* old and new */
	assert_false(step.is_again);
	take(LADDER_SERVER, ACK, 301, 0, 1);
	assert_false(step.is_again);
}

static void tcp_says_where_we_are(void **state)
{
	struct ladder_segment fin = segment(LADDER_SERVER, FIN | ACK, 11, 0, 1);
	struct ladder_segment data = segment(LADDER_SERVER, ACK, 1, 10, 1);
	struct ladder_flow *f;

	(void)state;
	open_connection();
	f = take(LADDER_CLIENT, ACK, 1, 0, 1);
	/* Both were made in one turn, at whose end it is FIN-WAIT-1. */
	ladder_flow_tell(f, TCP_FIN_WAIT_1);
	ladder_flow_take(f, &data, true, DROP_NONE, TCP_FIN_WAIT_1, &step);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	ladder_flow_take(f, &fin, true, DROP_NONE, TCP_FIN_WAIT_1, &step);
	assert_states(TCP_CLOSE_WAIT, TCP_FIN_WAIT_1);
	ladder_flow_tell(f, TCP_FIN_WAIT_2);
	take(LADDER_CLIENT, ACK, 1, 0, 12);
	assert_states(TCP_CLOSE_WAIT, TCP_FIN_WAIT_2);
	assert_true(step.changed[LADDER_SERVER]);
}

/* Nobody is to change what is shown of a peer by what the peer has not sent. */
static void what_is_thrown_away_proves_nothing(void **state)
{
	(void)state;
	open_connection();
	drop = DROP_TCP_OUT_OF_WINDOW;
	take(LADDER_CLIENT, RST, 90000, 0, 0);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	drop = DROP_TCP_CHECKSUM;
	take(LADDER_CLIENT, FIN | ACK, 1, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
}

static void a_port_where_nobody_listens_is_closed(void **state)
{
	(void)state;
	drop = DROP_TCP_NO_CONNECTION;
	take(LADDER_CLIENT, SYN, 0, 0, 0);
	assert_states(TCP_SYN_SENT, TCP_CLOSED);
}

static void as_a_client_we_are_on_the_left(void **state)
{
	struct ladder_flow *f;

	(void)state;
	we_are_client = true;
	f = take(LADDER_CLIENT, SYN, 0, 0, 0);
	assert_int_equal(f->ours, LADDER_CLIENT);
	assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
	take(LADDER_SERVER, SYN | ACK, 0, 0, 1);
	assert_states(TCP_ESTABLISHED, TCP_SYN_RECEIVED);
}

static void a_connection_may_be_seen_from_the_middle(void **state)
{
	struct ladder_flow *f = take(LADDER_SERVER, ACK, 777777, 10, 333);

	(void)state;
	assert_int_equal(f->side[LADDER_SERVER].port, 80);
	assert_states(TCP_ESTABLISHED, TCP_ESTABLISHED);
	assert_int_equal(step.seq, 1);
	assert_int_equal(step.ack, 1);
}

static void a_port_used_again_is_another_connection(void **state)
{
	struct ladder_flow *f;

	(void)state;
	open_connection();
	f = take(LADDER_CLIENT, SYN, 100000, 0, 0);
	assert_int_equal(f->number, 2);
	assert_states(TCP_SYN_SENT, TCP_SYN_RECEIVED);
}

static void the_most_silent_of_too_many_gives_way(void **state)
{
	struct ladder_flow *first, *f;

	(void)state;
	first = take(LADDER_CLIENT, SYN, 0, 0, 0);
	for (uint16_t i = 1; i < 2 * LADDER_FLOWS; i++) {
		struct ladder_segment s = segment(LADDER_CLIENT, SYN, 0, 0, 0);

		s.src_port = (uint16_t)(1000 + i);
		ladder_flow_of(&flows, &s, false, 7);
		assert_ptr_equal(take(LADDER_CLIENT, SYN, 0, 0, 0), first);
	}
	f = ladder_flow_find(&flows, &first->side[1].addr, 80, &first->side[0].addr, 1001);
	assert_null(f);
	assert_int_equal(first->number, 1);
}

/* Whoever looks at many connections wants some of them whole. */
static void one_that_was_heard_may_give_way_to_none(void **state)
{
	struct ladder_segment s = segment(LADDER_CLIENT, SYN, 0, 0, 0);

	(void)state;
	flows.patience_us = 1000;
	for (s.src_port = 1; s.src_port <= LADDER_FLOWS; s.src_port++)
		assert_non_null(ladder_flow_of(&flows, &s, false, 5000 + s.src_port));
	assert_null(ladder_flow_of(&flows, &s, false, 6000));
	assert_int_equal(flows.count, LADDER_FLOWS);
	assert_int_equal(ladder_flow_of(&flows, &s, false, 6001)->number, LADDER_FLOWS + 1);
	s.src_port = 1; /* it has given way */
	assert_null(ladder_flow_of(&flows, &s, false, 6001));
}

static void tcp_knows_what_was_said_before(void **state)
{
	const struct tcp_info info = {
		.iss = server_isn, .irs = client_isn, .window_scaling = true, .snd_wscale = 3, .rcv_wscale = 7,
	};
	struct ladder_segment s = segment(LADDER_SERVER, ACK, 5001, 10, 1001);
	struct ladder_flow *f = ladder_flow_of(&flows, &s, true, 7);

	(void)state;
	ladder_flow_learn(f, &info, &s, true);
	ladder_flow_take(f, &s, true, DROP_NONE, 0, &step);
	assert_int_equal(step.seq, 5001);
	assert_int_equal(step.ack, 1001);
	assert_int_equal(step.window, 100 << 7);
	assert_false(step.is_again);
	take(LADDER_CLIENT, ACK, 1001, 20, 5011);
	assert_int_equal(step.seq, 1001);
	assert_int_equal(step.ack, 5011);
	assert_int_equal(step.window, 100 << 3);
	assert_false(step.is_again);
	take(LADDER_CLIENT, ACK, 1001, 20, 5011);
	assert_true(step.is_again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_handshake_is_followed, begin),
		cmocka_unit_test_setup(a_syn_that_is_turned_away_opens_nothing, begin),
		cmocka_unit_test_setup(what_the_wire_swallows_goes_no_further, begin),
		cmocka_unit_test_setup(numbers_are_relative_across_the_wrap, begin),
		cmocka_unit_test_setup(who_closes_first_waits, begin),
		cmocka_unit_test_setup(both_may_close_at_once, begin),
		cmocka_unit_test_setup(a_reset_closes_both, begin),
		cmocka_unit_test_setup(a_syn_again_corrects_what_was_inferred, begin),
		cmocka_unit_test_setup(what_was_sent_before_is_known, begin),
		cmocka_unit_test_setup(tcp_says_where_we_are, begin),
		cmocka_unit_test_setup(what_is_thrown_away_proves_nothing, begin),
		cmocka_unit_test_setup(a_port_where_nobody_listens_is_closed, begin),
		cmocka_unit_test_setup(as_a_client_we_are_on_the_left, begin),
		cmocka_unit_test_setup(a_connection_may_be_seen_from_the_middle, begin),
		cmocka_unit_test_setup(a_port_used_again_is_another_connection, begin),
		cmocka_unit_test_setup(the_most_silent_of_too_many_gives_way, begin),
		cmocka_unit_test_setup(one_that_was_heard_may_give_way_to_none, begin),
		cmocka_unit_test_setup(tcp_knows_what_was_said_before, begin),
	};

	return cmocka_run_group_tests_name("ladder_flow", tests, NULL, NULL);
}
