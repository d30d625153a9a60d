/*
 * Opening a connection (RFC 9293 sections 3.5 and 3.10.1 to 3.10.7.3): both ways of opening, what may disturb
 * them, the queues of a listener and their limits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

/* ---- the handshake ---- */

static void rfc9293_3_5_passive_open(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	assert_int_equal(p.accepted, 0); /* not before the third ACK */
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.accepted, 1);
	assert_int_equal(p.opened, 0); /* on_open is for active opens */
	peer_expect_nothing(&p);
	assert_int_equal(tcp_counters(p.stack->tcp)->passive_opens, 1);
	peer_fini(&p);
}

static void rfc9293_3_5_active_open(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	assert_int_equal(p.opened, 0);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = 7001));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.opened, 1);
	assert_int_equal(tcp_counters(p.stack->tcp)->active_opens, 1);
	peer_fini(&p);
}

static void rfc9293_3_5_data_flows_both_ways(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_send(&p, 300);
	peer_assert_received(&p, 300);
	peer_write(&p, 500);
	got = peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .ack = p.irs + 301, .len = 500));
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(((const uint8_t *)got.data)[i], i % 251);
	peer_ack(&p, p.iss + 501);
	assert_int_equal(peer_info(&p).bytes_acked, 500);
	assert_int_equal(peer_info(&p).bytes_received, 300);
	peer_fini(&p);
}

static void rfc9293_3_5_queued_text_leaves_with_the_third_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_write(&p, 100);
	peer_expect_nothing(&p);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .ack = 7001, .len = 100));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_3_10_7_3_text_with_the_syn_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460, .data = "hello",
			    .len = 5));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = 7006));
	assert_int_equal(p.received_len, 5);
	assert_memory_equal(p.received, "hello", 5);
	peer_fini(&p);
}

static void rfc9293_3_10_7_3_fin_with_the_syn_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S | A | F, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = 7002));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(p.opened, 1);
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_text_with_the_third_ack(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A | P, .seq = 1001, .ack = got.seq + 1, .data = "GET", .len = 3));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.received_len, 3);
	assert_memory_equal(p.received, "GET", 3);
	assert_int_equal(tcp_counters(p.stack->tcp)->data_on_third_ack, 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_text_while_the_third_ack_is_lost(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	/* The second segment of a request comes before the first: it opens the connection, and waits. */
	peer_inject(&p, SEG(.flags = A | P, .seq = 1004, .ack = got.seq + 1, .data = "/ H", .len = 3));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.received_len, 0);
	peer_inject(&p, SEG(.flags = A | P, .seq = 1001, .ack = got.seq + 1, .data = "GET", .len = 3));
	assert_int_equal(p.received_len, 6);
	assert_memory_equal(p.received, "GET/ H", 6);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_fin_with_the_third_ack(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A | F, .seq = 1001, .ack = got.seq + 1, .data = "bye", .len = 3));
	peer_expect(&p, SEG(.flags = A, .ack = 1005));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(p.received_len, 3);
	assert_int_equal(p.ended, 1);
	peer_fini(&p);
}

static void rfc9293_must_10_simultaneous_open(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = 7001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	/* Figure 8 line 6: the peer's SYN-ACK acknowledges ours. */
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.opened, 1);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .ack = 7001, .len = 10));
	p.irs = 7000;
	p.snd = 7001;
	peer_send(&p, 20);
	peer_assert_received(&p, 20);
	peer_fini(&p);
}

static void rfc9293_must_10_simultaneous_open_by_a_plain_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = 7001));
	peer_inject(&p, SEG(.flags = A, .seq = 7001, .ack = p.iss + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.opened, 1);
	peer_fini(&p);
}

static void rfc9293_must_10_simultaneous_open_retransmits_the_syn_ack(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_advance(&p, SECOND / 2);
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = 7001));
	peer_advance(&p, 10 * SECOND);
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = 7001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_fini(&p);
}

/* RFC 9293 figure 9. */
static void rfc9293_3_5_old_duplicate_syn(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 90, .mss = 1460)); /* an old one */
	got = peer_expect(&p, SEG(.flags = S | A, .ack = 91));
	/* The peer, in SYN-SENT with 100, finds the ACK of 91 unacceptable and resets. */
	peer_inject(&p, SEG(.flags = R, .seq = 91));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_inject(&p, SEG(.flags = S, .seq = 100, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A, .ack = 101));
	peer_inject(&p, SEG(.flags = A, .seq = 101, .ack = got.seq + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

/* RFC 9293 figure 10: the peer crashed and opens anew while we think that the connection stands. */
static void rfc9293_3_5_1_half_open_connection_discovered(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = S, .seq = 400, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = p.irs + 1));
	peer_inject(&p, SEG(.flags = R, .seq = got.ack));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_inject(&p, SEG(.flags = S, .seq = 400, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = 401));
	peer_fini(&p);
}

/* RFC 9293 figure 11: we have data in flight, and the peer knows of no connection. */
static void rfc9293_3_5_1_active_side_causes_half_open_discovery(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 100);
	got = peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_inject(&p, SEG(.flags = R, .seq = got.ack));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_fini(&p);
}

/* ---- initial sequence numbers ---- */

static uint32_t iss_of_open(struct peer *p, uint16_t local_port, uint16_t remote_port)
{
	struct ip_addr any = { { 0 } };
	struct seg got;

	p->port = remote_port;
	p->our_port = local_port;
	assert_int_equal(tcp_connect(p->stack->tcp, &any, local_port, &p->addr, remote_port, p->handler, p,
				     &p->stream),
			 0);
	got = peer_expect(p, SEG(.flags = S));
	peer_inject(p, SEG(.flags = R | A, .ack = got.seq + 1));
	assert_int_equal(peer_state(p), TCP_CLOSED);
	return got.seq;
}

static void rfc9293_must_8_isn_has_a_clock_of_4_microseconds(void **state)
{
	struct peer p;
	uint32_t first;

	(void)state;
	peer_init(&p, NULL);
	first = iss_of_open(&p, 5000, 80);
	peer_advance(&p, SECOND);
	assert_int_equal(iss_of_open(&p, 5000, 80) - first, 250000);
	peer_advance(&p, 400);
	assert_int_equal(iss_of_open(&p, 5000, 80) - first, 250100);
	peer_fini(&p);
}

static void seed_2(struct stack_config *c)
{
	c->seed = 2;
}

static void rfc9293_must_9_isn_depends_on_a_secret(void **state)
{
	struct peer p, q;

	(void)state;
	peer_init(&p, NULL);
	peer_init(&q, seed_2);
	assert_int_equal(p.now_us, q.now_us);
	assert_int_not_equal(iss_of_open(&p, 5000, 80), iss_of_open(&q, 5000, 80));
	peer_fini(&p);
	peer_fini(&q);
}

static void rfc6528_3_isn_depends_on_the_four_tuple(void **state)
{
	struct peer p;
	struct ip_prefix second = { ip_addr_from_4(0x0a4d0003), 96 + 24 };
	uint32_t base, port, remote_port, remote, local;
	struct ip_addr other = ip_addr_from_4(0x0a4d0009);

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(ip_add_address(&p.stack->ip, &second), 0);
	base = tcp_isn(p.stack->tcp, &p.ours, 80, &p.addr, 4000).n;
	port = tcp_isn(p.stack->tcp, &p.ours, 81, &p.addr, 4000).n;
	remote_port = tcp_isn(p.stack->tcp, &p.ours, 80, &p.addr, 4001).n;
	remote = tcp_isn(p.stack->tcp, &p.ours, 80, &other, 4000).n;
	local = tcp_isn(p.stack->tcp, &second.addr, 80, &p.addr, 4000).n;
	assert_int_equal(base, tcp_isn(p.stack->tcp, &p.ours, 80, &p.addr, 4000).n);
	assert_int_not_equal(base, port);
	assert_int_not_equal(base, remote_port);
	assert_int_not_equal(base, remote);
	assert_int_not_equal(base, local);
	/* Neighbouring tuples are not near each other: no counter shows through. */
	assert_true(port - base > 1000000 && base - port > 1000000);
	assert_true(remote_port - base > 1000000 && base - remote_port > 1000000);
	peer_fini(&p);
}

/* ISN = M + F: F is a number of the four-tuple and the secret, which time does not change. */
static void rfc9293_shld_1_isn_is_a_clock_and_a_function_of_the_four_tuple(void **state)
{
	enum { TUPLES = 50 };
	struct peer p;
	uint32_t first[TUPLES];

	(void)state;
	peer_init(&p, NULL);
	for (uint16_t i = 0; i < TUPLES; i++)
		first[i] = tcp_isn(p.stack->tcp, &p.ours, 80, &p.addr, i).n;
	peer_advance(&p, 10 * SECOND);
	for (uint16_t i = 0; i < TUPLES; i++) {
		assert_int_equal(tcp_isn(p.stack->tcp, &p.ours, 80, &p.addr, i).n - first[i], 2500000);
		for (uint16_t other = 0; other < i; other++)
			assert_int_not_equal(first[i], first[other]);
	}
	peer_fini(&p);
}

/* ---- SYN-SENT ---- */

static void rfc9293_3_10_7_3_unacceptable_ack_is_reset(void **state)
{
	struct peer p;
	const uint32_t wrong[] = { 0, 2, 100, 0x80000000 };

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	for (unsigned i = 0; i < 4; i++) {
		peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + wrong[i], .mss = 1460));
		peer_expect(&p, SEG(.flags = R, .seq = p.iss + wrong[i]));
		peer_inject(&p, SEG(.flags = A, .seq = 7000, .ack = p.iss + wrong[i]));
		peer_expect(&p, SEG(.flags = R, .seq = p.iss + wrong[i]));
		/* but never a reset against a reset */
		peer_inject(&p, SEG(.flags = R | A, .ack = p.iss + wrong[i]));
		peer_expect_nothing(&p);
	}
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_3_reset_refuses(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = R | A, .ack = p.iss + 1));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_REFUSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->attempt_fails, 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_3_reset_without_ack_is_ignored(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = R));
	peer_inject(&p, SEG(.flags = R, .seq = 7000));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	peer_fini(&p);
}

static void rfc9293_rfc5961_1_reset_in_syn_sent_must_match_rcv_nxt(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = R | A, .seq = 7000, .ack = p.iss + 1)); /* rcv.nxt is 0 yet */
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_3_neither_syn_nor_rst_is_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = A, .seq = 7000, .ack = p.iss + 1));
	peer_inject(&p, SEG(.flags = 0, .seq = 7000, .data = "x", .len = 1));
	peer_inject(&p, SEG(.flags = F, .seq = 7000));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	peer_fini(&p);
}

static void rfc9293_must_22_syn_is_retransmitted_with_back_off(void **state)
{
	static const uint64_t at[] = { 1, 3, 7, 15, 31, 63, 123 }; /* doubling up to 60 s */
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	start = p.now_us;
	peer_syn_sent(&p);
	for (unsigned i = 0; i < 7; i++) {
		peer_advance(&p, start + at[i] * SECOND - 1000 - p.now_us);
		peer_expect_nothing(&p);
		peer_advance(&p, 2000);
		peer_expect(&p, SEG(.flags = S, .seq = p.iss));
	}
	peer_fini(&p);
}

static void rfc9293_must_22_23_syn_is_tried_for_three_minutes(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	start = p.now_us;
	peer_syn_sent(&p);
	peer_advance(&p, 180 * SECOND - 1000);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	assert_int_equal(p.closed, 0);
	peer_advance(&p, 60 * SECOND);
	assert_int_equal(p.closed, 1); /* MUST-22: the application is told */
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	assert_true(p.now_us - start < 300 * SECOND);
	peer_fini(&p);
}

static void rfc9293_3_10_4_close_in_syn_sent(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	stream_close(p.stream);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_advance(&p, 10 * SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(p.closed, 0); /* who let go hears no more */
	/* The answer comes too late. */
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1));
	peer_expect(&p, SEG(.flags = R, .seq = p.iss + 1));
	peer_fini(&p);
}

static void rfc9293_3_10_5_abort_in_syn_sent(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	stream_abort(p.stream);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_10_4_shutdown_before_the_open_sends_text_and_fin(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_write(&p, 30);
	stream_shutdown(p.stream);
	peer_expect_nothing(&p);
	peer_inject(&p, SEG(.flags = S | A, .seq = 7000, .ack = p.iss + 1, .mss = 1460));
	peer_expect(&p, SEG(.flags = A | P | F, .seq = p.iss + 1, .ack = 7001, .len = 30));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

/* ---- LISTEN and CLOSED ---- */

static void rfc9293_3_10_7_1_closed_port_refuses(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = R | A, .ack = 1001));
	assert_int_equal(got.seq, 0);
	assert_int_equal(peer_drops(&p, DROP_TCP_NO_CONNECTION), 1);
	peer_fini(&p);
}

static void rfc9293_3_10_7_2_ack_to_a_listener_is_reset(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = A, .seq = 1000, .ack = 5000));
	peer_expect(&p, SEG(.flags = R, .seq = 5000));
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = 5000));
	peer_expect(&p, SEG(.flags = R, .seq = 5000));
	peer_fini(&p);
}

static void rfc9293_3_10_7_2_reset_to_a_listener_is_ignored(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = R, .seq = 1000));
	peer_inject(&p, SEG(.flags = R | A, .seq = 1000, .ack = 5));
	peer_inject(&p, SEG(.flags = R | S, .seq = 1000));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_3_10_7_2_nonsense_to_a_listener_is_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = 0, .seq = 1000));
	peer_inject(&p, SEG(.flags = F, .seq = 1000));
	peer_inject(&p, SEG(.flags = S | F, .seq = 1000));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(peer_drops(&p, DROP_TCP_BAD_FLAGS), 3);
	peer_fini(&p);
}

static void rfc9293_must_41_passive_open_leaves_connections_alone(void **state)
{
	struct peer p;
	struct tcp_listener *l;
	struct tcp_listener_handler none = { NULL, NULL };

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	/* The same port, on one address. */
	assert_int_equal(tcp_listen(p.stack->tcp, &p.ours, 80, &none, NULL, &l), 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_send(&p, 10);
	peer_assert_received(&p, 10);
	peer_fini(&p);
}

static void rfc9293_must_42_listen_beside_half_open_connections(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *s;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	/* SYN-SENT from port 80 */
	p.port = 9000;
	p.our_port = 80;
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 80, &p.addr, 9000, p.handler, &p, &s), 0);
	got = peer_expect(&p, SEG(.flags = S));
	peer_listen(&p, 80);
	assert_int_equal(peer_state(&p), TCP_SYN_SENT);
	/* and SYN-RECEIVED on it */
	p.port = 9001;
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	/* a listener on the address itself takes nothing away */
	{
		struct tcp_listener_handler none = { NULL, NULL };
		struct tcp_listener *l;
		assert_int_equal(tcp_listen(p.stack->tcp, &p.ours, 80, &none, NULL, &l), 0);
	}
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	p.port = 9000;
	peer_inject(&p, SEG(.flags = S | A, .seq = 500, .ack = got.seq + 1, .mss = 1460));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc9293_must_43_local_address_of_an_open(void **state)
{
	struct peer p;
	struct ip_prefix second = { ip_addr_from_4(0x0a4d0003), 96 + 24 };
	struct ip_addr foreign = ip_addr_from_4(0x0a4d0044);
	struct tcp_listener_handler none = { NULL, NULL };
	struct tcp_listener *l;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(ip_add_address(&p.stack->ip, &second), 0);
	assert_int_equal(tcp_listen(p.stack->tcp, &foreign, 80, &none, NULL, &l), -EADDRNOTAVAIL);
	assert_int_equal(tcp_connect(p.stack->tcp, &foreign, 0, &p.addr, 80, p.handler, &p, &p.stream),
			 -EADDRNOTAVAIL);
	/* A listener on one address does not answer for the other. */
	assert_int_equal(tcp_listen(p.stack->tcp, &second.addr, 80, &none, NULL, &l), 0);
	assert_int_equal(tcp_listen(p.stack->tcp, &second.addr, 80, &none, NULL, &l), -EADDRINUSE);
	peer_inject(&p, SEG(.flags = S, .seq = 1000));
	peer_expect(&p, SEG(.flags = R | A, .ack = 1001));
	p.ours = second.addr;
	peer_inject(&p, SEG(.flags = S, .seq = 1000));
	/* The harness checks the pseudo-header with this address. */
	peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
	/* An active open from it leaves from it. */
	assert_int_equal(tcp_connect(p.stack->tcp, &second.addr, 0, &p.addr, 99, p.handler, &p, &p.stream),
			 0);
	peer_expect(&p, SEG(.flags = S));
	peer_fini(&p);
}

static void rfc9293_must_44_45_local_address_is_chosen_and_kept(void **state)
{
	struct peer p;
	struct ip_prefix second = { ip_addr_from_4(0x0a4e0002), 96 + 24 }; /* 10.78.0.2/24 */
	struct stream_info info;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(ip_add_address(&p.stack->ip, &second), 0);
	peer_connected(&p, NULL);
	stream_info(p.stream, &info);
	assert_true(ip_addr_equal(&info.local, &p.ours)); /* the one whose prefix the peer is in */
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .len = 10));
	peer_advance(&p, 5 * SECOND); /* checksums of retransmissions are checked against that address */
	peer_expect(&p, SEG(.flags = A | P, .len = 10));
	peer_fini(&p);
}

static void rfc9293_must_46_invalid_remote_addresses(void **state)
{
	static const uint32_t bad[] = {
		0,          /* 0.0.0.0 */
		0x00000001, /* 0.0.0.1 */
		0xffffffff, /* 255.255.255.255 */
		0x0a4d00ff, /* 10.77.0.255: the subnet's broadcast */
		0xe0000001, /* 224.0.0.1 */
		0xefffffff, /* 239.255.255.255 */
		0x7f000001, /* 127.0.0.1 */
	};
	struct peer p;
	struct ip_addr any = { { 0 } }, unreachable = ip_addr_from_4(0xc0000201); /* 192.0.2.1: no route */

	(void)state;
	peer_init(&p, NULL);
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct ip_addr a = ip_addr_from_4(bad[i]);
		assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &a, 80, p.handler, &p, &p.stream),
				 -EINVAL);
	}
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 0, p.handler, &p, &p.stream), -EINVAL);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &unreachable, 80, p.handler, &p, &p.stream),
			 -EHOSTUNREACH);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_must_57_syn_to_broadcast_is_ignored(void **state)
{
	static const uint32_t to[] = { 0x0a4d00ff, 0xffffffff, 0xe0000001 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (unsigned i = 0; i < ARRAY_LENGTH(to); i++) {
		p.ours = ip_addr_from_4(to[i]);
		peer_inject(&p, SEG(.flags = S, .seq = 1000));
		p.our_port = 81; /* nor is it answered where nobody listens */
		peer_inject(&p, SEG(.flags = S, .seq = 1000));
		p.our_port = 80;
	}
	peer_expect_nothing(&p);
	assert_int_equal(peer_drops(&p, DROP_TCP_BROADCAST), 6);
	peer_fini(&p);
}

static void rfc9293_must_63_invalid_source_is_ignored(void **state)
{
	static const uint32_t from[] = { 0,          0xffffffff, 0x0a4d00ff,
					 0xe0000001, 0x7f000001, 0x0a4d0002 /* ourselves */ };
	struct peer p;
	struct tcp_usage usage;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (unsigned i = 0; i < ARRAY_LENGTH(from); i++) {
		p.addr = ip_addr_from_4(from[i]);
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .src_port = 80));
	}
	peer_expect_nothing(&p);
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.half_open, 0);
	peer_fini(&p);
}

/* ---- SYN-RECEIVED ---- */

/* A record in SYN-RECEIVED; returns its ISS. */
static uint32_t half_open(struct peer *p)
{
	peer_listen(p, 80);
	peer_inject(p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	return peer_expect(p, SEG(.flags = S | A, .ack = 1001)).seq;
}

static void rfc9293_must_11_reset_returns_a_passive_open_to_listen(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	half_open(&p);
	peer_inject(&p, SEG(.flags = R, .seq = 1001));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.accepted, 0); /* the application hears nothing */
	peer_inject(&p, SEG(.flags = S, .seq = 2000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = 2001));
	peer_fini(&p);
}

static void rfc9293_must_11_reset_refuses_an_active_open(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p);
	peer_inject(&p, SEG(.flags = S, .seq = 7000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_inject(&p, SEG(.flags = R, .seq = 7001));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_REFUSED);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_bad_ack_in_syn_received_is_reset(void **state)
{
	struct peer p;
	uint32_t iss;

	(void)state;
	peer_init(&p, NULL);
	iss = half_open(&p);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss));
	peer_expect(&p, SEG(.flags = R, .seq = iss));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss + 2));
	peer_expect(&p, SEG(.flags = R, .seq = iss + 2));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_segment_outside_the_window_in_syn_received(void **state)
{
	struct peer p;
	uint32_t iss;

	(void)state;
	peer_init(&p, NULL);
	iss = half_open(&p);
	peer_inject(&p, SEG(.flags = A, .seq = 1001 + 65535, .ack = iss + 1));
	peer_expect(&p, SEG(.flags = A, .seq = iss + 1, .ack = 1001));
	peer_inject(&p, SEG(.flags = R, .seq = 1001 + 65535));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_fini(&p);
}

static void rfc9293_rfc5961_3_4_reset_in_syn_received_not_at_rcv_nxt(void **state)
{
	struct peer p;
	uint32_t iss;

	(void)state;
	peer_init(&p, NULL);
	iss = half_open(&p);
	peer_inject(&p, SEG(.flags = R, .seq = 1002));
	peer_expect(&p, SEG(.flags = A, .seq = iss + 1, .ack = 1001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_segment_without_ack_in_syn_received(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	half_open(&p);
	peer_inject(&p, SEG(.flags = 0, .seq = 1001, .data = "x", .len = 1));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_fini(&p);
}

static void rfc9293_3_8_1_syn_ack_retransmission_times_and_limit(void **state)
{
	static const uint64_t at[] = { 1, 3, 7, 15, 31 };
	struct peer p;
	uint64_t start;
	uint32_t iss;

	(void)state;
	peer_init(&p, NULL);
	start = p.now_us;
	iss = half_open(&p);
	for (unsigned i = 0; i < ARRAY_LENGTH(at); i++) {
		peer_advance(&p, start + at[i] * SECOND - 2000 - p.now_us);
		peer_expect_nothing(&p);
		peer_advance(&p, 4000);
		peer_expect(&p, SEG(.flags = S | A, .seq = iss, .ack = 1001));
		peer_expect_nothing(&p);
	}
	peer_advance(&p, start + 62 * SECOND - p.now_us);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_advance(&p, 2 * SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(tcp_counters(p.stack->tcp)->synack_timeouts, 1);
	assert_int_equal(tcp_counters(p.stack->tcp)->synack_retrans, 5);
	peer_fini(&p);
}

static void rfc9293_3_8_1_retransmitted_syn_is_answered_alike(void **state)
{
	struct peer p;
	uint32_t iss;

	(void)state;
	peer_init(&p, NULL);
	iss = half_open(&p);
	peer_advance(&p, SECOND / 2);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .seq = iss, .ack = 1001));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	/* Which SYN-ACK was acknowledged nobody knows: no sample (Karn). */
	assert_int_equal(peer_info(&p).srtt_us, 0);
	peer_fini(&p);
}

static void rfc9293_3_8_1_repeated_syns_do_not_hold_up_other_records(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	start = p.now_us;
	half_open(&p);
	p.port = 40001;
	peer_inject(&p, SEG(.flags = S, .seq = 5000, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = 5001));
	for (unsigned i = 0; i < 9; i++) { /* the older record's peer repeats its SYN all the time */
		peer_advance(&p, SECOND / 10);
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460, .src_port = 40000));
		peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
	}
	peer_advance(&p, start + SECOND + 2000 - p.now_us);
	peer_expect(&p, SEG(.flags = S | A, .ack = 1001));
	peer_expect(&p, SEG(.flags = S | A, .ack = 5001)); /* in its own time */
	peer_advance(&p, 70 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_8_1_an_old_record_does_not_hold_up_a_new_one(void **state)
{
	struct peer p;
	uint64_t start;

	(void)state;
	peer_init(&p, NULL);
	half_open(&p);
	peer_advance(&p, 8 * SECOND); /* waits for 15 s */
	while (peer_pending(&p) > 0)
		peer_any(&p);
	start = p.now_us;
	peer_inject(&p, SEG(.flags = S, .seq = 5000, .mss = 1460, .src_port = 40001));
	peer_expect(&p, SEG(.flags = S | A, .ack = 5001));
	peer_advance(&p, SECOND + 2000);
	peer_expect(&p, SEG(.flags = S | A, .ack = 5001));
	assert_in_range(peer_sent_at(&p) - start, SECOND - 1000, SECOND + 2000);
	peer_fini(&p);
}

/* ---- the queues of a listener ---- */

static void small_syn_queue(struct stack_config *c)
{
	c->tcp.syn_backlog = 4;
	c->tcp.syn_cookies = TCP_SYN_COOKIES_NEVER;
}

static void rfc9293_3_10_7_2_syn_queue_limit(void **state)
{
	struct peer p;
	struct tcp_usage usage;
	struct seg got;

	(void)state;
	peer_init(&p, small_syn_queue);
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < 6; i++)
		peer_inject(&p, SEG(.flags = S, .seq = 1000u + i, .src_port = (uint16_t)(40000 + i),
				    .mss = 1460));
	for (uint32_t i = 0; i < 4; i++)
		got = peer_expect(&p, SEG(.flags = S | A, .ack = 1001 + i));
	peer_expect_nothing(&p);
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.half_open, 4);
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_full, 2);
	assert_int_equal(peer_drops(&p, DROP_TCP_SYN_QUEUE_FULL), 2);
	/* One leaves: there is a place again. */
	peer_inject(&p, SEG(.flags = A, .seq = 1004, .ack = got.seq + 1, .src_port = 40003));
	peer_inject(&p, SEG(.flags = S, .seq = 1004, .src_port = 40004, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A, .ack = 1005));
	peer_fini(&p);
}

static void small_accept_queue(struct stack_config *c)
{
	c->tcp.accept_backlog = 2;
}

static void rfc9293_3_9_1_accept_queue_limit(void **state)
{
	struct peer p;
	struct tcp_usage usage;
	uint32_t iss[3];

	(void)state;
	peer_init(&p, small_accept_queue);
	p.accept = false;
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < 3; i++) {
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .src_port = (uint16_t)(40000 + i), .mss = 1460));
		iss[i] = peer_expect(&p, SEG(.flags = S | A)).seq;
	}
	for (uint16_t i = 0; i < 3; i++)
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss[i] + 1,
				    .src_port = (uint16_t)(40000 + i)));
	peer_expect_nothing(&p);
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.accept_queued, 2);
	assert_int_equal(usage.half_open, 1); /* the third ACK was dropped, as if it had been lost */
	assert_int_equal(tcp_counters(p.stack->tcp)->listen_overflows, 1);
	/* A new SYN is not even answered. */
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .src_port = 40009, .mss = 1460));
	peer_expect_nothing(&p);
	/* One is accepted; the SYN-ACK's retransmission brings the third ACK again. */
	assert_non_null(tcp_accept(p.listener));
	peer_advance(&p, 2 * SECOND);
	peer_expect(&p, SEG(.flags = S | A, .seq = iss[2]));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss[2] + 1, .src_port = 40002));
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.accept_queued, 2);
	assert_int_equal(usage.half_open, 0);
	peer_fini(&p);
}

static void rfc9293_3_9_1_listeners_with_options_of_their_own(void **state)
{
	static const struct tcp_listener_handler nobody;
	const struct ip_addr any = { { 0 } };
	struct peer p;
	struct tcp_listener *plain, *reno;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 81, &nobody,
				    &(struct tcp_listen_options){ .congestion = "unheard-of" }, &reno),
			 -EINVAL);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 80, &nobody, NULL, &plain), 0);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 81, &nobody,
				    &(struct tcp_listen_options){ .congestion = "reno", .accept_backlog = 1 },
				    &reno), 0);
	for (uint16_t port = 80; port <= 81; port++) {
		peer_inject(&p, SEG(.flags = S, .seq = 1, .dst_port = port, .mss = 1460));
		got = peer_expect(&p, SEG(.flags = S | A));
		p.our_port = port;
		peer_inject(&p, SEG(.flags = A, .seq = 2, .ack = got.seq + 1));
		assert_string_equal(peer_info(&p).congestion, port == 80 ? "cubic" : "reno");
		assert_int_equal(peer_info(&p).cwnd, 10 * 1460);
	}
	/* Full with one. */
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40001, .mss = 1460));
	peer_expect_nothing(&p);
	assert_int_equal(tcp_counters(p.stack->tcp)->listen_overflows, 1);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40001, .dst_port = 80, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	peer_fini(&p);
}

/* A SYN queue of one's own: what fills it does not concern the others. */
static void rfc4987_3_6_a_listener_with_a_syn_queue_of_its_own(void **state)
{
	static const struct tcp_listener_handler nobody;
	const struct ip_addr any = { { 0 } };
	const struct tcp_listen_options two = { .syn_backlog = 2 }, three = { .syn_backlog = 3 };
	struct peer p;
	struct tcp_listener *plain, *small;
	uint32_t iss[2];

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 80, &nobody, NULL, &plain), 0);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 81, &nobody, &two, &small), 0);
	for (uint16_t i = 0; i < 2; i++) {
		peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40000 + i, .dst_port = 81, .mss = 1460));
		iss[i] = peer_expect(&p, SEG(.flags = S | A)).seq;
	}
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 0);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40002, .dst_port = 81, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 1);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40002, .mss = 1460, .dst_port = 80));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 1);
	/* One opens, one is reset: there is room again, for two. */
	p.our_port = 81;
	peer_inject(&p, SEG(.flags = A, .seq = 2, .ack = iss[0] + 1, .src_port = 40000));
	peer_inject(&p, SEG(.flags = R, .seq = 2, .src_port = 40001));
	for (uint16_t i = 3; i < 5; i++) {
		peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40000 + i, .mss = 1460));
		peer_expect(&p, SEG(.flags = S | A));
	}
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 1);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40005, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 2);
	assert_int_equal(tcp_listener_change(small, &nobody, &three), 0);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .src_port = 40006, .mss = 1460));
	peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(tcp_counters(p.stack->tcp)->syn_queue_cookies, 2);
	peer_fini(&p);
}

/* One SYN to port 80. Was it put into a SYN queue, or answered by a cookie? */
static bool is_queued(struct peer *p, uint16_t src_port)
{
	uint64_t cookies = tcp_counters(p->stack->tcp)->syn_queue_cookies;

	peer_inject(p, SEG(.flags = S, .seq = 1, .src_port = src_port, .dst_port = 80, .mss = 1460));
	peer_expect(p, SEG(.flags = S | A));
	return tcp_counters(p->stack->tcp)->syn_queue_cookies == cookies;
}

/* A listener on one address that comes takes over who is half open to it, and takes them along when it goes. */
static void rfc4987_3_6_half_open_ones_count_where_they_are_found(void **state)
{
	static const struct tcp_listener_handler nobody;
	const struct tcp_listen_options two = { .syn_backlog = 2 };
	const struct ip_addr any = { { 0 } };
	struct tcp_listener *on_all, *on_one;
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 80, &nobody, &two, &on_all), 0);
	assert_true(is_queued(&p, 40000));
	assert_int_equal(tcp_listen(p.stack->tcp, &p.ours, 80, &nobody, &two, &on_one), 0);
	assert_true(is_queued(&p, 40001));
	assert_false(is_queued(&p, 40002));
	tcp_listener_close(on_one);
	assert_true(is_queued(&p, 40003));
	assert_true(is_queued(&p, 40004));
	assert_false(is_queued(&p, 40005));
	peer_fini(&p);
}

static void count_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s = tcp_accept(l);

	assert_non_null(s);
	stream_abort(s);
	++*(unsigned *)context;
}

/* Who was half-open when the listener changed comes to whom it has now. */
static void rfc9293_3_9_1_a_listener_changes_hands(void **state)
{
	const struct ip_addr any = { { 0 } };
	unsigned before = 0, after = 0;
	const struct tcp_listener_handler first = { count_acceptable, &before },
					  second = { count_acceptable, &after };
	struct peer p;
	struct tcp_listener *l;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_listen(p.stack->tcp, &any, 80, &first, NULL, &l), 0);
	peer_inject(&p, SEG(.flags = S, .seq = 1, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(
		tcp_listener_change(l, &second, &(struct tcp_listen_options){ .congestion = "unheard-of" }),
		-EINVAL);
	assert_int_equal(
		tcp_listener_change(l, &second, &(struct tcp_listen_options){ .congestion = "reno" }), 0);
	peer_inject(&p, SEG(.flags = A, .seq = 2, .ack = got.seq + 1));
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(before, 0);
	assert_int_equal(after, 1);
	assert_string_equal(l->cc->name, "reno");
	peer_fini(&p);
}

static void rfc9293_3_9_1_accepted_in_the_order_of_arrival(void **state)
{
	struct peer p;
	struct stream_info info;

	(void)state;
	peer_init(&p, NULL);
	p.accept = false;
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < 3; i++) {
		struct seg got;
		p.port = (uint16_t)(40000 + i);
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
		got = peer_expect(&p, SEG(.flags = S | A));
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
	}
	for (uint16_t i = 0; i < 3; i++) {
		struct stream *s = tcp_accept(p.listener);
		stream_info(s, &info);
		assert_int_equal(info.remote_port, 40000 + i);
	}
	assert_null(tcp_accept(p.listener));
	peer_fini(&p);
}

/* A connection in the accept queue, with text that came before anybody took it. */
static void queued_with_text(struct peer *p)
{
	p->accept = false;
	peer_established(p, NULL);
	peer_send(p, 100);
	assert_int_equal(p->received_len, 0);
}

static void accept_now(struct peer *p)
{
	p->stream = tcp_accept(p->listener);
	assert_non_null(p->stream);
	p->stream->handler = p->handler;
	p->stream->user = p;
}

static void rfc9293_3_9_1_text_waits_for_the_accept(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	queued_with_text(&p);
	accept_now(&p);
	peer_read(&p);
	peer_assert_received(&p, 100);
	peer_send(&p, 100); /* and goes straight up from now on */
	peer_assert_received(&p, 200);
	peer_fini(&p);
}

static void rfc9293_3_9_1_text_before_the_accept_can_be_pulled(void **state)
{
	struct peer p;
	uint8_t text[100];

	(void)state;
	peer_init(&p, NULL);
	queued_with_text(&p);
	accept_now(&p);
	assert_int_equal(tcp_recv(p.stream, text, 60), 60);
	assert_int_equal(tcp_recv(p.stream, text + 60, 60), 40);
	assert_int_equal(tcp_recv(p.stream, text, 60), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(text[i], i);
	peer_fini(&p);
}

static void rfc9293_3_9_1_fin_before_the_accept_is_told_after_it(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	queued_with_text(&p);
	peer_inject(&p, SEG(.flags = A | F, .seq = p.snd, .ack = p.iss + 1));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	accept_now(&p);
	assert_int_equal(p.ended, 0);
	peer_read(&p);
	peer_assert_received(&p, 100);
	assert_int_equal(p.ended, 1);
	stream_resume(p.stream);
	assert_int_equal(p.ended, 1); /* once */
	peer_fini(&p);
}

static void rfc9293_3_9_1_reset_takes_a_connection_out_of_the_accept_queue(void **state)
{
	struct peer p;
	struct tcp_usage usage;

	(void)state;
	peer_init(&p, NULL);
	queued_with_text(&p);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd));
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.accept_queued, 0);
	assert_null(tcp_accept(p.listener));
	peer_fini(&p);
}

static void rfc9293_3_9_1_listener_close(void **state)
{
	struct peer p;
	struct tcp_usage usage;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL); /* accepted */
	p.accept = false;
	peer_inject(&p, SEG(.flags = S, .seq = 2000, .src_port = 40001, .mss = 1460)); /* to be queued */
	got = peer_expect(&p, SEG(.flags = S | A, .ack = 2001));
	peer_inject(&p, SEG(.flags = A, .seq = 2001, .ack = got.seq + 1, .src_port = 40001));
	peer_inject(&p, SEG(.flags = S, .seq = 3000, .src_port = 40002, .mss = 1460)); /* half open */
	peer_expect(&p, SEG(.flags = S | A, .ack = 3001));
	tcp_listener_close(p.listener);
	peer_expect(&p, SEG(.flags = R | A, .seq = got.seq + 1, .ack = 2001));
	peer_advance(&p, 5 * SECOND);
	peer_expect_nothing(&p); /* no SYN-ACK again */
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.half_open, 0);
	assert_int_equal(usage.accept_queued, 0);
	assert_int_equal(usage.connections, 1);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_send(&p, 10);
	peer_assert_received(&p, 10);
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A)); /* the delayed one */
	peer_inject(&p, SEG(.flags = S, .seq = 4000, .src_port = 40003, .mss = 1460));
	peer_expect(&p, SEG(.flags = R | A, .ack = 4001));
	peer_fini(&p);
}

static void few_connections(struct stack_config *c)
{
	c->tcp.max_connections = 2;
}

static void rfc9293_3_9_1_connection_limit(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *s;
	uint32_t iss[3];

	(void)state;
	peer_init(&p, few_connections);
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < 3; i++) {
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .src_port = (uint16_t)(40000 + i), .mss = 1460));
		iss[i] = peer_expect(&p, SEG(.flags = S | A)).seq;
		peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss[i] + 1,
				    .src_port = (uint16_t)(40000 + i)));
	}
	assert_int_equal(p.accepted, 2);
	assert_int_equal(peer_drops(&p, DROP_TCP_CONNECTION_LIMIT), 1);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &s), -ENOMEM);
	stream_abort(p.stream);
	peer_expect(&p, SEG(.flags = R | A));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = iss[2] + 1, .src_port = 40002));
	assert_int_equal(p.accepted, 3);
	peer_fini(&p);
}

/* ---- the choice of a port (RFC 6056) ---- */

static void rfc6056_3_2_ports_are_ephemeral_and_distinct(void **state)
{
	static bool seen[65536];
	struct peer p;
	struct ip_addr any = { { 0 } };

	(void)state;
	memset(seen, 0, sizeof seen);
	peer_init(&p, NULL);
	for (unsigned i = 0; i < 200; i++) {
		struct stream_info info;
		assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &p.stream),
				 0);
		peer_expect(&p, SEG(.flags = S));
		stream_info(p.stream, &info);
		assert_in_range(info.local_port, 32768, 60999);
		assert_false(seen[info.local_port]);
		seen[info.local_port] = true;
	}
	peer_fini(&p);
}

static void rfc6056_3_3_first_port_differs_by_destination(void **state)
{
	struct peer p;
	struct ip_addr other = ip_addr_from_4(0x0a4d0009);
	uint16_t a, b, c;

	(void)state;
	peer_init(&p, NULL);
	a = tcp_ephemeral_port(p.stack->tcp, &p.ours, &p.addr, 80);
	b = tcp_ephemeral_port(p.stack->tcp, &p.ours, &other, 80);
	c = tcp_ephemeral_port(p.stack->tcp, &p.ours, &p.addr, 443);
	/* More than the steps of the counter apart. */
	assert_true(abs(a - b) > 10 && abs(a - c) > 10 && abs(b - c) > 10);
	peer_fini(&p);
}

static void many_connections(struct stack_config *c)
{
	c->tcp.max_connections = 30000;
}

static void rfc6056_every_port_can_be_used_and_then_none_is_left(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *last = NULL, *s;
	struct tx_frame *frames;

	(void)state;
	peer_init(&p, many_connections);
	p.stack->tcp->next_ephemeral = 60000; /* the counter wraps on the way */
	for (unsigned i = 0; i < 28232; i++) {
		assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &last), 0);
		while (stack_poll(p.stack, p.now_us, &frames) > 0)
			;
	}
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &s), -EADDRNOTAVAIL);
	stream_abort(last);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &s), 0);
	peer_fini(&p);
}

static void rfc9293_3_9_1_open_of_a_pair_in_use(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *s;

	(void)state;
	peer_init(&p, NULL);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 5000, &p.addr, 80, p.handler, &p, &p.stream), 0);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 5000, &p.addr, 80, p.handler, &p, &s), -EADDRINUSE);
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 5000, &p.addr, 81, p.handler, &p, &s), 0);
	peer_fini(&p);
}

static void ttl_9(struct stack_config *c)
{
	c->tcp.ttl = 9;
}

static void rfc9293_must_49_ttl_is_configurable(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, ttl_9);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
	assert_int_equal(peer_any(&p).ttl, 9);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .dst_port = 81));
	assert_int_equal(peer_any(&p).ttl, 9);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_5_passive_open),
		cmocka_unit_test(rfc9293_3_5_active_open),
		cmocka_unit_test(rfc9293_3_5_data_flows_both_ways),
		cmocka_unit_test(rfc9293_3_5_queued_text_leaves_with_the_third_ack),
		cmocka_unit_test(rfc9293_3_10_7_3_text_with_the_syn_ack),
		cmocka_unit_test(rfc9293_3_10_7_3_fin_with_the_syn_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_text_with_the_third_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_text_while_the_third_ack_is_lost),
		cmocka_unit_test(rfc9293_3_10_7_4_fin_with_the_third_ack),
		cmocka_unit_test(rfc9293_must_10_simultaneous_open),
		cmocka_unit_test(rfc9293_must_10_simultaneous_open_by_a_plain_ack),
		cmocka_unit_test(rfc9293_must_10_simultaneous_open_retransmits_the_syn_ack),
		cmocka_unit_test(rfc9293_3_5_old_duplicate_syn),
		cmocka_unit_test(rfc9293_3_5_1_half_open_connection_discovered),
		cmocka_unit_test(rfc9293_3_5_1_active_side_causes_half_open_discovery),
		cmocka_unit_test(rfc9293_must_8_isn_has_a_clock_of_4_microseconds),
		cmocka_unit_test(rfc9293_must_9_isn_depends_on_a_secret),
		cmocka_unit_test(rfc6528_3_isn_depends_on_the_four_tuple),
		cmocka_unit_test(rfc9293_shld_1_isn_is_a_clock_and_a_function_of_the_four_tuple),
		cmocka_unit_test(rfc9293_3_10_7_3_unacceptable_ack_is_reset),
		cmocka_unit_test(rfc9293_3_10_7_3_reset_refuses),
		cmocka_unit_test(rfc9293_3_10_7_3_reset_without_ack_is_ignored),
		cmocka_unit_test(rfc9293_rfc5961_1_reset_in_syn_sent_must_match_rcv_nxt),
		cmocka_unit_test(rfc9293_3_10_7_3_neither_syn_nor_rst_is_dropped),
		cmocka_unit_test(rfc9293_must_22_syn_is_retransmitted_with_back_off),
		cmocka_unit_test(rfc9293_must_22_23_syn_is_tried_for_three_minutes),
		cmocka_unit_test(rfc9293_3_10_4_close_in_syn_sent),
		cmocka_unit_test(rfc9293_3_10_5_abort_in_syn_sent),
		cmocka_unit_test(rfc9293_3_10_4_shutdown_before_the_open_sends_text_and_fin),
		cmocka_unit_test(rfc9293_3_10_7_1_closed_port_refuses),
		cmocka_unit_test(rfc9293_3_10_7_2_ack_to_a_listener_is_reset),
		cmocka_unit_test(rfc9293_3_10_7_2_reset_to_a_listener_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_2_nonsense_to_a_listener_is_dropped),
		cmocka_unit_test(rfc9293_must_41_passive_open_leaves_connections_alone),
		cmocka_unit_test(rfc9293_must_42_listen_beside_half_open_connections),
		cmocka_unit_test(rfc9293_must_43_local_address_of_an_open),
		cmocka_unit_test(rfc9293_must_44_45_local_address_is_chosen_and_kept),
		cmocka_unit_test(rfc9293_must_46_invalid_remote_addresses),
		cmocka_unit_test(rfc9293_must_57_syn_to_broadcast_is_ignored),
		cmocka_unit_test(rfc9293_must_63_invalid_source_is_ignored),
		cmocka_unit_test(rfc9293_must_11_reset_returns_a_passive_open_to_listen),
		cmocka_unit_test(rfc9293_must_11_reset_refuses_an_active_open),
		cmocka_unit_test(rfc9293_3_10_7_4_bad_ack_in_syn_received_is_reset),
		cmocka_unit_test(rfc9293_3_10_7_4_segment_outside_the_window_in_syn_received),
		cmocka_unit_test(rfc9293_rfc5961_3_4_reset_in_syn_received_not_at_rcv_nxt),
		cmocka_unit_test(rfc9293_3_10_7_4_segment_without_ack_in_syn_received),
		cmocka_unit_test(rfc9293_3_8_1_syn_ack_retransmission_times_and_limit),
		cmocka_unit_test(rfc9293_3_8_1_retransmitted_syn_is_answered_alike),
		cmocka_unit_test(rfc9293_3_8_1_repeated_syns_do_not_hold_up_other_records),
		cmocka_unit_test(rfc9293_3_8_1_an_old_record_does_not_hold_up_a_new_one),
		cmocka_unit_test(rfc9293_3_10_7_2_syn_queue_limit),
		cmocka_unit_test(rfc9293_3_9_1_accept_queue_limit),
		cmocka_unit_test(rfc9293_3_9_1_listeners_with_options_of_their_own),
		cmocka_unit_test(rfc4987_3_6_a_listener_with_a_syn_queue_of_its_own),
		cmocka_unit_test(rfc4987_3_6_half_open_ones_count_where_they_are_found),
		cmocka_unit_test(rfc9293_3_9_1_a_listener_changes_hands),
		cmocka_unit_test(rfc9293_3_9_1_accepted_in_the_order_of_arrival),
		cmocka_unit_test(rfc9293_3_9_1_text_waits_for_the_accept),
		cmocka_unit_test(rfc9293_3_9_1_text_before_the_accept_can_be_pulled),
		cmocka_unit_test(rfc9293_3_9_1_fin_before_the_accept_is_told_after_it),
		cmocka_unit_test(rfc9293_3_9_1_reset_takes_a_connection_out_of_the_accept_queue),
		cmocka_unit_test(rfc9293_3_9_1_listener_close),
		cmocka_unit_test(rfc9293_3_9_1_connection_limit),
		cmocka_unit_test(rfc6056_3_2_ports_are_ephemeral_and_distinct),
		cmocka_unit_test(rfc6056_3_3_first_port_differs_by_destination),
		cmocka_unit_test(rfc6056_every_port_can_be_used_and_then_none_is_left),
		cmocka_unit_test(rfc9293_3_9_1_open_of_a_pair_in_use),
		cmocka_unit_test(rfc9293_must_49_ttl_is_configurable),
	};

	return cmocka_run_group_tests_name("conformance: opening", tests, NULL, NULL);
}
