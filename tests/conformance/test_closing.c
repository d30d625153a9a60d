/*
 * Closing a connection (RFC 9293 section 3.6): every order of the two FINs and their ACKs, half-closes, FINs
 * with text, out of order and lost; all eleven states. TIME-WAIT itself is in test_time_wait.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/trace.h"
#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
enum { MS = 1000 };

/* ---- the orders ---- */

/* RFC 9293 figure 12, seen from A. */
static void rfc9293_3_6_we_close_first(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_ack(&p, p.iss + 2);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_expect_nothing(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_NORMAL);
	peer_fini(&p);
}

/* and from B */
static void rfc9293_3_6_the_peer_closes_first(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.closed, 0);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_LAST_ACK);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 2));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_NORMAL);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* Figure 13. */
static void rfc9293_3_6_simultaneous_close(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	stream_shutdown(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_CLOSING);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 2));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.closed, 1);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* Both in one batch: the ACK of the peer's FIN must not be lost with the connection block. */
static void rfc9293_3_6_simultaneous_close_in_one_batch(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_1(&p);
	peer_inject_held(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	peer_inject_held(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 2));
	peer_flush(&p);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd + 1));
	peer_expect_nothing(&p);
	peer_fini(&p);
}

/* FIN-WAIT-1 to TIME-WAIT in one segment (RFC 9293 figure 5, note 2). */
static void rfc9293_3_6_fin_with_the_ack_of_ours(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_1(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2, .ack = p.snd + 1));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(p.closed, 1);
	peer_fini(&p);
}

static void rfc9293_3_6_our_fin_rides_on_the_ack_of_the_peers(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject_held(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	stream_shutdown(p.stream); /* an application that answers the end with its own */
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1, .ack = p.snd + 1));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_LAST_ACK);
	peer_fini(&p);
}

/* ---- every order of the FINs and their ACKs ---- */

/*
 * S: our application shuts down, or closes; F: the peer's FIN; A: its ACK of ours; B: both in one segment.
 * Letters that stand together are one batch, or one call and a batch, before which nothing is sent. These are
 * all orders in which the peer does not acknowledge a FIN that was not sent, each cut in all ways.
 */
static const struct {
	const char *steps;
	enum tcp_state after[3]; /* each batch */
} orders[] = {
	{ "S A F", { TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_TIME_WAIT } },
	{ "S AF", { TCP_FIN_WAIT_1, TCP_TIME_WAIT } },
	{ "S B", { TCP_FIN_WAIT_1, TCP_TIME_WAIT } },
	{ "S F A", { TCP_FIN_WAIT_1, TCP_CLOSING, TCP_TIME_WAIT } },
	{ "S FA", { TCP_FIN_WAIT_1, TCP_TIME_WAIT } },
	{ "F S A", { TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSED } },
	{ "FS A", { TCP_LAST_ACK, TCP_CLOSED } },
	{ "SF A", { TCP_LAST_ACK, TCP_CLOSED } }, /* the peer's came before ours was sent */
};

/* What may be different without any of the states being so. */
enum variant {
	ACTIVE = 1,   /* our side opened */
	CLOSES = 2,   /* stream_close(), not stream_shutdown() */
	DOUBLED = 4,  /* the network doubles each of the peer's segments */
	OUR_TEXT = 8, /* queued before our FIN, and acknowledged with it */
	THEIR_TEXT = 16,
	VARIANTS = 32,
};
enum { OUR_LEN = 1000 };

struct closing {
	struct peer p;
	unsigned variant;
	uint32_t end;   /* of what we send: one past our FIN */
	uint32_t acked; /* by the peer */
};

static void inject(struct closing *c, uint8_t flags)
{
	struct peer *p = &c->p;
	bool with_text = (flags & F) != 0 && (c->variant & THEIR_TEXT) != 0;
	struct seg segment = { .flags = A | flags, .seq = p->snd, .ack = c->acked, .data = "bye",
			       .len = with_text ? 3 : 0 };

	peer_inject_held(p, &segment);
	if ((c->variant & DOUBLED) != 0)
		peer_inject_held(p, &segment);
	if ((flags & F) != 0)
		p->snd += segment.len + 1;
}

static void shut_down(struct closing *c)
{
	static const uint8_t text[OUR_LEN];
	struct span span = { text, sizeof text, NULL };

	if ((c->variant & OUR_TEXT) != 0)
		assert_int_equal(stream_send(c->p.stream, &span, 1, 0), 0);
	if ((c->variant & CLOSES) != 0)
		stream_close(c->p.stream);
	else
		stream_shutdown(c->p.stream);
}

static void take_step(struct closing *c, char step)
{
	if (step == 'A' || step == 'B')
		c->acked = c->end;
	if (step == 'S')
		shut_down(c);
	else
		inject(c, step == 'A' ? 0 : F);
}

/* Our FIN left once, behind all text, and the last that left acknowledges the peer's. */
static void check_segments(struct closing *c)
{
	uint32_t last_ack = 0;
	unsigned fins = 0;

	while (peer_pending(&c->p) > 0) {
		struct seg got = peer_any(&c->p);
		if ((got.flags & R) != 0) { /* the second of two ACKs finds no connection any more */
			assert_true((c->variant & DOUBLED) != 0 && peer_state(&c->p) == TCP_CLOSED);
			continue;
		}
		if ((got.flags & F) != 0) {
			assert_int_equal(got.seq + got.len + 1, c->end);
			fins++;
		}
		last_ack = got.ack;
	}
	assert_int_equal(fins, 1);
	assert_int_equal(last_ack, c->p.snd);
}

static void check_application(const struct closing *c)
{
	if ((c->variant & CLOSES) != 0) { /* who lets go hears no more */
		assert_int_equal(c->p.closed, 0);
		return;
	}
	assert_int_equal(c->p.received_len, (c->variant & THEIR_TEXT) != 0 ? 3 : 0);
	assert_int_equal(c->p.ended, 1);
	assert_int_equal(c->p.closed, 1);
	assert_int_equal(c->p.why, STREAM_END_NORMAL);
}

static void close_in_this_order(const char *steps, const enum tcp_state *after, unsigned variant)
{
	struct closing c = { .variant = variant };

	peer_init(&c.p, NULL);
	if ((variant & ACTIVE) != 0)
		peer_connected(&c.p, NULL);
	else
		peer_established(&c.p, NULL);
	c.acked = c.p.iss + 1;
	c.end = c.p.iss + 2 + ((variant & OUR_TEXT) != 0 ? OUR_LEN : 0);
	for (;; steps++) {
		if (*steps != ' ' && *steps != '\0') {
			take_step(&c, *steps);
			continue;
		}
		peer_flush(&c.p);
		assert_int_equal(peer_state(&c.p), *after++);
		if (*steps == '\0')
			break;
	}
	check_segments(&c);
	check_application(&c);
	peer_fini(&c.p);
}

static void rfc9293_3_6_every_order_of_the_fins_and_their_acks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(orders); i++)
		for (unsigned variant = 0; variant < VARIANTS; variant++)
			if ((variant & (CLOSES | THEIR_TEXT)) != (CLOSES | THEIR_TEXT)) /* a reset: SHLD-3 */
				close_in_this_order(orders[i].steps, orders[i].after, variant);
}

/* ---- half-closes ---- */

static void rfc9293_3_6_we_go_on_receiving_after_our_fin(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_2(&p);
	for (unsigned i = 0; i < 10; i++)
		peer_send(&p, 1000);
	peer_assert_received(&p, 10000);
	while (peer_pending(&p) > 0)
		peer_expect(&p, SEG(.flags = A, .seq = p.iss + 2));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_6_we_receive_in_fin_wait_1_too(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_1(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .data = "abc", .len = 3));
	assert_int_equal(p.received_len, 3);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

static void rfc9293_3_6_we_go_on_sending_after_the_peers_fin(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_close_wait(&p);
	peer_write(&p, 5000);
	for (unsigned i = 0; i < 3; i++)
		peer_expect(&p, SEG(.flags = A, .ack = p.snd, .len = 1460));
	peer_ack(&p, p.iss + 1 + 4380);
	peer_expect(&p, SEG(.flags = A | P, .len = 620));
	peer_advance(&p, 1100 * MS); /* retransmission works as ever */
	peer_expect(&p, SEG(.flags = A | P, .len = 620));
	peer_ack(&p, p.iss + 5001);
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	peer_fini(&p);
}

/* ---- the application's close ---- */

static void rfc9293_3_10_4_close_delivers_what_is_queued_first(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_write(&p, 20000);
	stream_close(p.stream);
	for (unsigned i = 0; i < 10; i++)
		peer_expect(&p, SEG(.flags = A, .len = 1460));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED); /* the FIN has not been sent */
	peer_ack(&p, p.iss + 1 + 14600);
	for (unsigned i = 0; i < 3; i++)
		peer_expect(&p, SEG(.flags = A, .len = 1460));
	peer_expect(&p, SEG(.flags = A | P | F, .len = 20000 - 13 * 1460));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 20002));
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(p.closed, 0);
	peer_fini(&p);
}

static void rfc9293_3_10_4_close_in_close_wait(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_close_wait(&p);
	peer_write(&p, 100);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_expect(&p, SEG(.flags = A | F));
	assert_int_equal(peer_state(&p), TCP_LAST_ACK);
	peer_ack(&p, p.iss + 102);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_10_4_a_second_shutdown_changes_nothing(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_1(&p);
	stream_shutdown(p.stream);
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 2);
	stream_shutdown(p.stream);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	stream_close(p.stream);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_fini(&p);
}

static void rfc9293_3_6_fin_wait_2_does_not_last_for_ever_once_closed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL); /* closed before */
	peer_established(&p, NULL);
	stream_close(p.stream);
	peer_any(&p);
	peer_ack(&p, p.iss + 2);
	peer_advance(&p, 59 * SECOND);
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	peer_advance(&p, 2 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);

	peer_init(&p, NULL); /* closed in it */
	peer_fin_wait_2(&p);
	peer_advance(&p, 500 * SECOND); /* a half-close may last */
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_2);
	stream_close(p.stream);
	peer_advance(&p, 61 * SECOND);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc9293_3_10_4_what_was_received_can_be_read_after_the_end(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL); /* the connection is over on the wire before anybody reads */
	p.take = false;
	peer_fin_wait_2(&p);
	peer_send(&p, 1000);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
	while (peer_pending(&p) > 0)
		peer_any(&p);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	assert_int_equal(p.closed, 0);
	assert_int_equal(p.ended, 1);
	peer_read(&p);
	peer_assert_received(&p, 1000);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_NORMAL);
	peer_fini(&p);

	peer_init(&p, NULL); /* by LAST-ACK, pulled in two bites */
	p.take = false;
	peer_established(&p, NULL);
	peer_send(&p, 1000);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	stream_shutdown(p.stream);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 1, .ack = p.iss + 2));
	assert_int_equal(p.closed, 0);
	{
		uint8_t text[1000];
		assert_int_equal(tcp_recv(p.stream, text, 400), 400);
		assert_int_equal(p.closed, 0);
		assert_int_equal(tcp_recv(p.stream, text, 600), 600);
		assert_int_equal(p.closed, 1);
	}
	peer_fini(&p);
}

static void rfc9293_3_10_4_a_lingering_connection_can_be_let_go(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		struct peer p;
		struct tcp_usage usage;
		peer_init(&p, NULL);
		p.take = false;
		peer_fin_wait_2(&p);
		peer_send(&p, 1000);
		peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 2));
		while (peer_pending(&p) > 0)
			peer_any(&p);
		if (how == 0)
			stream_close(p.stream);
		if (how == 1)
			stream_abort(p.stream);
		/* 2: it is there when the stack goes */
		peer_expect_nothing(&p);
		peer_advance(&p, 1);
		tcp_usage(p.stack->tcp, &usage);
		assert_int_equal(usage.connections, how == 2 ? 1 : 0);
		assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
		peer_fini(&p);
	}
}

/* ---- FINs that come otherwise ---- */

static void rfc9293_3_10_7_4_fin_with_text(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1, .data = "last", .len = 4));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 5));
	peer_expect_nothing(&p);
	assert_int_equal(p.received_len, 4);
	assert_memory_equal(p.received, "last", 4);
	assert_int_equal(p.ended, 1);
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_fin_out_of_order(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	/* The text before it is missing. */
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd + 4, .ack = p.iss + 1));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.ended, 0);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .data = "last", .len = 4));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 5));
	assert_int_equal(p.received_len, 4);
	assert_int_equal(p.ended, 1);
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_fin_and_text_out_of_order(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_fin_wait_2(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd + 5, .ack = p.iss + 2, .data = "end", .len = 3));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 2, .data = "begin", .len = 5));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 9));
	assert_memory_equal(p.received, "beginend", 8);
	assert_int_equal(peer_state(&p), TCP_TIME_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_a_fin_that_came_twice_is_acknowledged_again(void **state)
{
	static void (*const enter[])(struct peer *) = { peer_close_wait, peer_closing, peer_last_ack,
							peer_time_wait };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(enter); i++) {
		struct peer p;
		enum tcp_state before;
		peer_init(&p, NULL);
		enter[i](&p);
		before = peer_state(&p);
		peer_inject(&p, SEG(.flags = F | A, .seq = p.snd - 1, .ack = p.iss + 1));
		peer_expect(&p, SEG(.flags = A, .ack = p.snd));
		assert_int_equal(peer_state(&p), before);
		assert_int_equal(p.ended, 1);
		peer_fini(&p);
	}
}

static void rfc9293_3_10_7_4_text_after_the_peers_fin_is_ignored(void **state)
{
	static void (*const enter[])(struct peer *) = { peer_close_wait, peer_closing, peer_last_ack };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(enter); i++) {
		struct peer p;
		enum tcp_state before;
		peer_init(&p, NULL);
		enter[i](&p);
		before = peer_state(&p);
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 10));
		assert_int_equal(p.received_len, 0);
		assert_int_equal(peer_state(&p), before);
		assert_int_equal(peer_info(&p).rcv_nxt, p.snd);
		peer_fini(&p);
	}
}

static void rfc9293_3_10_7_4_a_second_fin_further_on_is_ignored(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_close_wait(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd + 5, .ack = p.iss + 1));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(p.ended, 1);
	assert_int_equal(peer_info(&p).rcv_nxt, p.snd);
	peer_fini(&p);
}

static void receive_buffer_1000(struct stack_config *c)
{
	c->tcp.receive_buffer = 1000;
}

/* A peer that goes on after its FIN does not keep the connection from ending. */
static void rfc9293_3_10_7_4_text_beyond_a_fin_that_waits_is_cut_off(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.irs + 1 + 100, .ack = p.iss + 1)); /* 100 octets before it */
	peer_any(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.irs + 1 + 90, .ack = p.iss + 1, .len = 50));
	peer_any(&p);
	peer_send(&p, 150);
	peer_any(&p);
	assert_int_equal(p.received_len, 100);
	assert_int_equal(p.ended, 1);
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_a_bare_fin_at_a_closed_window_is_taken(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, receive_buffer_1000);
	p.take = false;
	peer_established(&p, NULL);
	peer_send(&p, 1000);
	peer_advance(&p, SECOND);
	peer_expect(&p, SEG(.flags = A, .zero_win = true));
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 1, .zero_win = true));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_int_equal(peer_drops(&p, DROP_TCP_RECEIVE_FULL), 0);
	peer_read(&p);
	peer_assert_received(&p, 1000);
	peer_fini(&p);
}

static void rfc9293_3_6_lost_ack_of_our_fin(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_last_ack(&p);
	peer_advance(&p, 1100 * MS);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	peer_advance(&p, 2 * SECOND);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1));
	peer_ack(&p, p.iss + 2);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_expect_nothing(&p);
	peer_fini(&p);
}

static void rfc9293_3_6_nobody_answers_our_fin(void **state)
{
	static void (*const enter[])(struct peer *) = { peer_fin_wait_1, peer_closing, peer_last_ack };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(enter); i++) {
		struct peer p;
		peer_init(&p, NULL);
		enter[i](&p);
		peer_advance(&p, 200 * SECOND);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		assert_int_equal(p.closed, 1);
		assert_int_equal(p.why, STREAM_END_TIMEOUT);
		peer_fini(&p);
	}
}

/* No memory for the FIN's record: it goes when there is some. */
static void rfc9293_3_10_4_a_fin_waits_for_memory(void **state)
{
	struct peer p;
	struct pool *segments;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	segments = &p.stack->tcp->segment_pool;
	segments->limit = 0;
	stream_close(p.stream);
	peer_expect_nothing(&p);
	segments->limit = 100;
	peer_advance(&p, 5 * SECOND);
	assert_int_equal(peer_any(&p).flags, F | A);
	peer_fini(&p);
}

/* ---- all eleven states ---- */

struct states_seen {
	unsigned from, to;
};

static void see(void *context, const struct trace_event *e)
{
	struct states_seen *seen = context;

	seen->from |= (unsigned)e->old_value;
	seen->to |= (unsigned)e->new_value;
}

static void rfc9293_3_3_2_all_eleven_states_are_reached(void **state)
{
	static void (*const enter[])(struct peer *) = { peer_syn_sent, peer_closing, peer_last_ack,
							peer_time_wait };
	struct states_seen seen = { 0, 0 };
	struct observer o = { .kinds = TRACE_TCP_STATE, .on_event = see, .context = &seen };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(enter); i++) {
		struct peer p;
		peer_init(&p, NULL);
		stack_observe(p.stack, &o);
		enter[i](&p);
		peer_advance(&p, 300 * SECOND);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		stack_unobserve(p.stack, &o);
		peer_fini(&p);
	}
	assert_int_equal(seen.from | seen.to, (1u << TCP_STATES) - 1);
	assert_int_equal(seen.to & TCP_CLOSED, TCP_CLOSED);
}

/* Observers are told of a frame with its connection: that is still there, though it ended with this very
 * frame. */
static void look_at_connection(void *context, const struct trace_event *e)
{
	unsigned *frames = context;
	struct tcp_info info;

	if (e->conn == NULL)
		return;
	tcp_conn_info(e->conn, &info);
	assert_int_equal(info.local_port, 80);
	(*frames)++;
}

static void rfc9293_3_10_5_observers_see_the_connection_of_the_last_frame(void **state)
{
	struct peer p;
	unsigned frames = 0;
	struct observer o = { .kinds = TRACE_FRAME_OUT, .on_event = look_at_connection, .context = &frames };

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	stack_observe(p.stack, &o);
	stream_abort(p.stream);
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(frames, 1);
	stack_unobserve(p.stack, &o);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_6_we_close_first),
		cmocka_unit_test(rfc9293_3_6_the_peer_closes_first),
		cmocka_unit_test(rfc9293_3_6_simultaneous_close),
		cmocka_unit_test(rfc9293_3_6_simultaneous_close_in_one_batch),
		cmocka_unit_test(rfc9293_3_6_fin_with_the_ack_of_ours),
		cmocka_unit_test(rfc9293_3_6_our_fin_rides_on_the_ack_of_the_peers),
		cmocka_unit_test(rfc9293_3_6_every_order_of_the_fins_and_their_acks),
		cmocka_unit_test(rfc9293_3_6_we_go_on_receiving_after_our_fin),
		cmocka_unit_test(rfc9293_3_6_we_receive_in_fin_wait_1_too),
		cmocka_unit_test(rfc9293_3_6_we_go_on_sending_after_the_peers_fin),
		cmocka_unit_test(rfc9293_3_10_4_close_delivers_what_is_queued_first),
		cmocka_unit_test(rfc9293_3_10_4_close_in_close_wait),
		cmocka_unit_test(rfc9293_3_10_4_a_second_shutdown_changes_nothing),
		cmocka_unit_test(rfc9293_3_6_fin_wait_2_does_not_last_for_ever_once_closed),
		cmocka_unit_test(rfc9293_3_10_4_what_was_received_can_be_read_after_the_end),
		cmocka_unit_test(rfc9293_3_10_4_a_lingering_connection_can_be_let_go),
		cmocka_unit_test(rfc9293_3_10_7_4_fin_with_text),
		cmocka_unit_test(rfc9293_3_10_7_4_fin_out_of_order),
		cmocka_unit_test(rfc9293_3_10_7_4_fin_and_text_out_of_order),
		cmocka_unit_test(rfc9293_3_10_7_4_a_fin_that_came_twice_is_acknowledged_again),
		cmocka_unit_test(rfc9293_3_10_7_4_text_after_the_peers_fin_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_4_a_second_fin_further_on_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_4_text_beyond_a_fin_that_waits_is_cut_off),
		cmocka_unit_test(rfc9293_3_10_7_4_a_bare_fin_at_a_closed_window_is_taken),
		cmocka_unit_test(rfc9293_3_6_lost_ack_of_our_fin),
		cmocka_unit_test(rfc9293_3_6_nobody_answers_our_fin),
		cmocka_unit_test(rfc9293_3_10_4_a_fin_waits_for_memory),
		cmocka_unit_test(rfc9293_3_3_2_all_eleven_states_are_reached),
		cmocka_unit_test(rfc9293_3_10_5_observers_see_the_connection_of_the_last_frame),
	};

	return cmocka_run_group_tests_name("conformance: closing", tests, NULL, NULL);
}
