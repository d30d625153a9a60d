/* TCP Fast Open, the server's side (RFC 7413). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

enum { IRS = 1000, HOUR = 3600 };

static void fast_open(struct stack_config *c)
{
	c->tcp.fast_open = true;
	c->tcp.fast_open_key_lifetime_us = HOUR * SECOND;
}

static const struct tcp_counters *counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

/* Asks for a cookie, and gives up the connection. */
static uint64_t get_cookie(struct peer *p)
{
	struct seg got;

	peer_inject(
		p, SEG(.flags = S, .seq = 1, .mss = 1460, .src_port = 39999, .fast_open = FAST_OPEN_REQUEST));
	got = peer_expect(p, SEG(.flags = S | A, .ack = 2));
	assert_int_equal(got.fast_open, FAST_OPEN_COOKIE);
	peer_inject(p, SEG(.flags = R, .seq = 2, .src_port = 39999));
	return got.fast_open_cookie;
}

static void init(struct peer *p, void (*tune)(struct stack_config *c))
{
	peer_init(p, tune);
	peer_listen(p, 80);
}

static void open_with(struct peer *p, uint64_t cookie, const char *text)
{
	peer_inject(p, SEG(.flags = S, .seq = IRS, .mss = 1460, .sack_permitted = true, .data = text,
			   .len = (uint32_t)strlen(text), .fast_open = FAST_OPEN_COOKIE,
			   .fast_open_cookie = cookie));
}

/* A connection whose "hello" came with the SYN, in SYN-RECEIVED; its SYN-ACK. */
static struct seg opened(struct peer *p)
{
	struct seg got;

	open_with(p, get_cookie(p), "hello");
	got = peer_expect(p, SEG(.flags = S | A, .ack = IRS + 6));
	peer_expect_nothing(p);
	p->iss = got.seq;
	p->irs = IRS;
	p->snd = IRS + 6;
	assert_int_equal(peer_state(p), TCP_SYN_RECEIVED);
	return got;
}

/* The SYN was answered as any other: nothing of its text is taken or acknowledged. */
static struct seg expect_ordinary(struct peer *p)
{
	struct seg got = peer_expect(p, SEG(.flags = S | A, .ack = IRS + 1));
	struct tcp_usage usage;

	tcp_usage(p->stack->tcp, &usage);
	assert_int_equal(usage.connections, 0);
	assert_int_equal(p->accepted, 0);
	assert_int_equal(counters(p)->fast_open_passive, 0);
	return got;
}

/* ---- the cookie ---- */

static void rfc7413_4_1_2_cookie_is_given_when_asked_for(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	get_cookie(&p);
	assert_int_equal(counters(&p)->fast_open_cookies_asked, 1);
	/* Not otherwise. */
	peer_inject(&p, SEG(.flags = S, .seq = IRS, .mss = 1460));
	assert_int_equal(peer_expect(&p, SEG(.flags = S | A)).fast_open, FAST_OPEN_NONE);
	peer_fini(&p);
}

static void rfc7413_off_by_default(void **state)
{
	struct peer p;

	(void)state;
	init(&p, NULL);
	open_with(&p, 1, "hello");
	assert_int_equal(expect_ordinary(&p).fast_open, FAST_OPEN_NONE);
	peer_fini(&p);
}

static void with_syn_cookies(struct stack_config *c)
{
	fast_open(c);
	c->tcp.syn_cookies = TCP_SYN_COOKIES_ALWAYS;
}

static void rfc7413_4_1_2_cookie_beside_a_syn_cookie(void **state)
{
	struct peer p;
	uint64_t cookie;

	(void)state;
	init(&p, with_syn_cookies);
	cookie = get_cookie(&p);
	open_with(&p, cookie, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6));
	assert_int_equal(counters(&p)->cookies_sent, 1);
	peer_fini(&p);
}

static void rfc7413_4_1_1_all_options_of_a_syn_ack_fit(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	init(&p, fast_open);
	peer_inject(&p, SEG(.flags = S, .seq = IRS, .mss = 1460, .has_ts = true, .ts_val = 7,
			    .has_wscale = true, .sack_permitted = true, .fast_open = FAST_OPEN_REQUEST));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_true(got.has_ts && got.has_wscale && got.sack_permitted && got.mss == 1460);
	assert_int_equal(got.fast_open, FAST_OPEN_COOKIE);
	peer_fini(&p);
}

static void rfc7413_4_1_1_option_of_a_wrong_length_is_ignored(void **state)
{
	static const uint8_t lengths[] = { 4, 3, 5, 11, 20, 24 }; /* the whole option's */

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
		uint8_t options[24] = { 34, lengths[i] };
		struct peer p;
		init(&p, fast_open);
		peer_inject(&p, SEG(.flags = S, .seq = IRS, .raw_options = options, .raw_options_len = 24));
		assert_int_equal(expect_ordinary(&p).fast_open, FAST_OPEN_NONE);
		peer_fini(&p);
	}
}

static void rfc7413_4_1_1_cookie_of_another_length_is_replaced(void **state)
{
	uint8_t options[20] = { 34, 18 };
	struct peer p;

	(void)state;
	init(&p, fast_open);
	peer_inject(&p, SEG(.flags = S, .seq = IRS, .raw_options = options, .raw_options_len = 20,
			    .data = "hello", .len = 5));
	assert_int_equal(expect_ordinary(&p).fast_open, FAST_OPEN_COOKIE);
	peer_fini(&p);
}

static void rfc7413_4_2_2_bad_cookie_gets_a_good_one(void **state)
{
	struct peer p;
	uint64_t cookie;
	struct seg got;

	(void)state;
	init(&p, fast_open);
	cookie = get_cookie(&p);
	open_with(&p, cookie ^ 1, "hello");
	got = expect_ordinary(&p);
	assert_int_equal(got.fast_open, FAST_OPEN_COOKIE);
	assert_int_equal(got.fast_open_cookie, cookie);
	assert_int_equal(counters(&p)->fast_open_fails, 1);
	/* The peer sends the text again, and all is well. */
	peer_inject(&p, SEG(.flags = A | P, .seq = IRS + 1, .ack = got.seq + 1, .data = "hello", .len = 5));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_memory_equal(p.received, "hello", 5);
	peer_fini(&p);
}

static void rfc7413_4_1_2_cookie_is_bound_to_the_address(void **state)
{
	struct peer p;
	uint64_t cookie;

	(void)state;
	init(&p, fast_open);
	cookie = get_cookie(&p);
	p.addr = ip_addr_from_4(0x0a4d0003);
	open_with(&p, cookie, "hello");
	peer_advance(&p, 1);
	assert_int_equal(p.accepted, 0);
	assert_int_equal(counters(&p)->fast_open_fails, 1);
	peer_fini(&p);
}

static void rfc7413_5_1_key_rotation(void **state)
{
	struct peer p;
	struct seg got;
	uint64_t first;

	(void)state;
	init(&p, fast_open);
	first = get_cookie(&p);
	peer_advance(&p, HOUR * SECOND); /* the next key */
	open_with(&p, first, "hello");
	got = peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6)); /* still good, and replaced */
	assert_int_equal(got.fast_open, FAST_OPEN_COOKIE);
	assert_int_not_equal(got.fast_open_cookie, first);
	p.port++;
	open_with(&p, got.fast_open_cookie, "hello");
	assert_int_equal(peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6)).fast_open, FAST_OPEN_NONE);
	assert_int_equal(p.accepted, 2);
	peer_advance(&p, HOUR * SECOND); /* and the one after */
	while (peer_pending(&p) > 0)
		peer_any(&p);
	p.port++;
	open_with(&p, first, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 1));
	assert_int_equal(p.accepted, 2);
	peer_fini(&p);
}

/* ---- the connection ---- */

static void rfc7413_4_2_text_is_delivered_before_the_handshake_ends(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	assert_int_equal(p.accepted, 1);
	assert_int_equal(p.received_len, 5);
	assert_memory_equal(p.received, "hello", 5);
	assert_int_equal(counters(&p)->fast_open_passive, 1);
	assert_int_equal(counters(&p)->passive_opens, 1);
	peer_ack(&p, p.iss + 1);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(p.accepted, 1); /* not once more */
	assert_int_equal(counters(&p)->passive_opens, 1);
	peer_expect_nothing(&p);
	peer_send(&p, 0);
	peer_fini(&p);
}

static void rfc7413_4_2_2_answer_before_the_third_ack(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_write(&p, 3000);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1, .ack = IRS + 6, .len = 1460));
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 1461, .len = 1460));
	peer_expect_nothing(&p); /* the rest is Nagle's */
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_ack(&p, p.iss + 2921); /* all at once */
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 2921, .len = 80));
	assert_int_equal(peer_info(&p).bytes_acked, 2920);
	peer_fini(&p);
}

static void rfc7413_4_2_2_a_small_answer_does_not_wait(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_write(&p, 10);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 10));
	peer_ack(&p, p.iss + 1); /* the third ACK was under way: it acknowledges the SYN only */
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(peer_info(&p).in_flight, 10);
	peer_ack(&p, p.iss + 11);
	assert_int_equal(peer_info(&p).in_flight, 0);
	peer_fini(&p);
}

static void rfc7413_4_2_2_answer_stays_within_the_syn_window(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	peer_inject(&p, SEG(.flags = S, .seq = IRS, .mss = 1000, .win = 1500, .has_wscale = true, .wscale = 7,
			    .data = "hello", .len = 5, .fast_open = FAST_OPEN_COOKIE,
			    .fast_open_cookie = get_cookie(&p)));
	p.iss = peer_expect(&p, SEG(.flags = S | A)).seq;
	peer_write(&p, 5000);
	peer_expect(&p, SEG(.flags = A, .len = 1000));
	peer_expect_nothing(&p); /* not 1500 << 7: a SYN's window is not scaled */
	peer_fini(&p);
}

static void rfc7413_4_2_syn_without_text_opens_as_usual(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	open_with(&p, get_cookie(&p), "");
	assert_int_equal(expect_ordinary(&p).fast_open, FAST_OPEN_NONE);
	peer_fini(&p);
}

static void rfc7413_4_2_2_repeated_syn_is_answered_again(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_inject(&p,
		    SEG(.flags = S, .seq = IRS, .mss = 1460)); /* without text, as it should be sent again */
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = IRS + 6));
	open_with(&p, get_cookie(&p), "hello"); /* or with it */
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = IRS + 6));
	peer_expect_nothing(&p);
	assert_int_equal(p.accepted, 1);
	assert_int_equal(p.received_len, 5); /* the text is taken once */
	peer_ack(&p, p.iss + 1);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc7413_4_2_2_syn_ack_is_sent_again_and_given_up(void **state)
{
	struct peer p;
	unsigned again = 0;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_advance(&p, 62 * SECOND); /* 1, 3, 7, 15, 31 s */
	while (peer_pending(&p) > 0) {
		peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = IRS + 6));
		again++;
	}
	assert_int_equal(again, 5);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_advance(&p, 2 * SECOND);
	peer_expect_nothing(&p); /* no reset: whose address is it? */
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_TIMEOUT);
	assert_int_equal(counters(&p)->synack_timeouts, 1);
	assert_int_equal(counters(&p)->synack_retrans, 5);
	assert_int_equal(p.stack->tcp->fast_open_pending, 0);
	peer_fini(&p);
}

static void rfc7413_4_2_2_lost_answer_follows_the_syn_ack(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_write(&p, 100);
	peer_expect(&p, SEG(.flags = A | P, .len = 100));
	peer_advance(&p, SECOND + 100000);
	peer_expect(&p, SEG(.flags = S | A, .seq = p.iss, .ack = IRS + 6)); /* first the SYN-ACK */
	peer_ack(&p, p.iss + 1);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_advance(&p, 3 * SECOND);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 100));
	peer_fini(&p);
}

static void rfc7413_4_2_2_reset_in_syn_received(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_inject(&p, SEG(.flags = R, .seq = IRS + 6));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.closed, 1);
	assert_int_equal(p.why, STREAM_END_REFUSED);
	assert_int_equal(counters(&p)->attempt_fails, 2); /* and the one that asked for the cookie */
	peer_fini(&p);
}

static void rfc7413_4_2_2_close_before_the_third_ack(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	opened(&p);
	peer_write(&p, 10);
	stream_close(p.stream);
	peer_expect(&p, SEG(.flags = A | P, .seq = p.iss + 1, .len = 10));
	peer_expect_nothing(&p);
	peer_ack(&p, p.iss + 11);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 11));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

static void with_ecn(struct stack_config *c)
{
	fast_open(c);
	c->tcp.ecn = TCP_ECN_ACCEPT;
}

static void rfc3168_6_1_1_ecn_is_agreed_on_by_fast_open(void **state)
{
	struct peer p;

	(void)state;
	init(&p, with_ecn);
	peer_inject(&p, SEG(.flags = S | 64 | 128, .seq = IRS, .mss = 1460, .data = "hello", .len = 5,
			    .fast_open = FAST_OPEN_COOKIE, .fast_open_cookie = get_cookie(&p)));
	peer_expect(&p, SEG(.flags = S | A | 64, .ack = IRS + 6));
	peer_fini(&p);
}

/* ---- limits ---- */

static void two_pending(struct stack_config *c)
{
	fast_open(c);
	c->tcp.fast_open_backlog = 2;
}

static void rfc7413_5_1_pending_connections_have_a_limit(void **state)
{
	struct peer p;
	uint64_t cookie;
	uint32_t iss = 0;

	(void)state;
	init(&p, two_pending);
	cookie = get_cookie(&p);
	for (unsigned i = 0; i < 2; i++) {
		open_with(&p, cookie, "hello");
		iss = peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6)).seq;
		p.port++;
	}
	open_with(&p, cookie, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 1)); /* as if it had no cookie */
	assert_int_equal(counters(&p)->fast_open_overflows, 1);
	assert_int_equal(p.accepted, 2);
	/* One is through. */
	p.port--;
	peer_inject(&p, SEG(.flags = A, .seq = IRS + 6, .ack = iss + 1));
	p.port += 2;
	open_with(&p, cookie, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6));
	peer_fini(&p);
}

static void rfc7413_5_1_those_reset_count_for_a_while(void **state)
{
	struct peer p;
	uint64_t cookie;

	(void)state;
	init(&p, two_pending);
	cookie = get_cookie(&p);
	for (unsigned i = 0; i < 2; i++) {
		open_with(&p, cookie, "hello");
		peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6));
		peer_inject(&p, SEG(.flags = R, .seq = IRS + 6));
		p.port++;
	}
	assert_int_equal(p.stack->tcp->fast_open_pending, 0);
	open_with(&p, cookie, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 1));
	assert_int_equal(counters(&p)->fast_open_overflows, 1);
	peer_advance(&p, 120 * SECOND);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	open_with(&p, cookie, "hello");
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 6));
	peer_fini(&p);
}

static void rfc7413_4_2_2_no_memory(void **state)
{
	struct peer p;
	uint64_t cookie;

	(void)state;
	init(&p, fast_open);
	cookie = get_cookie(&p);
	p.stack->tcp->segment_pool.limit = 0;
	open_with(&p, cookie, "hello");
	expect_ordinary(&p);
	p.stack->tcp->conn_pool.limit = 0;
	p.port++;
	open_with(&p, cookie, "hello");
	expect_ordinary(&p);
	assert_int_equal(counters(&p)->fast_open_fails, 2);
	assert_int_equal(p.stack->tcp->fast_open_pending, 0);
	peer_fini(&p);
}

static void rfc7413_4_2_text_waits_for_its_application(void **state)
{
	struct peer p;

	(void)state;
	init(&p, fast_open);
	p.accept = false;
	opened(&p);
	assert_int_equal(p.received_len, 0);
	p.stream = tcp_accept(p.listener);
	assert_non_null(p.stream);
	p.stream->handler = p.handler;
	p.stream->user = &p;
	peer_read(&p);
	assert_int_equal(p.received_len, 5);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_ack(&p, p.iss + 1);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void many_pending(struct stack_config *c)
{
	fast_open(c);
	c->tcp.fast_open_backlog = 100000;
	c->tcp.fast_open_key_lifetime_us = 24 * HOUR * SECOND;
}

/* Whatever comes while the handshake is not over: the invariants of tcp_state.c are looked at after each. */
static void rfc7413_4_2_2_monkey_in_syn_received(void **state)
{
	static const uint8_t flags[] = { A, A, A | P, S, S | A, R, R | A, F | A, F, 0, S | F, A | U };
	struct random random;
	struct peer p;
	uint64_t cookie, opens = 0;

	(void)state;
	init(&p, many_pending);
	random_init(&random, 7);
	cookie = get_cookie(&p);
	for (; opens < 3000; opens++) {
		p.port = (uint16_t)(20000 + opens);
		p.received_len = 0;
		open_with(&p, cookie, "hello");
		p.iss = peer_any(&p).seq;
		for (unsigned k = 0; k < 8; k++) {
			if (p.stream != NULL && random_below(&random, 4) == 0)
				peer_write(&p, 1 + random_below(&random, 4000));
			if (p.stream != NULL && random_below(&random, 16) == 0) {
				stream_close(p.stream);
				p.stream = NULL;
			}
			peer_inject(&p, SEG(.flags = flags[random_below(&random, ARRAY_LENGTH(flags))],
					    .seq = IRS + random_below(&random, 10), .mss = 1460,
					    .ack = p.iss - 1 + random_below(&random, 5),
					    .win = (uint16_t)(1 + random_below(&random, 5000)),
					    .len = random_below(&random, 6)));
			peer_advance(&p, random_below(&random, 2) * SECOND);
			while (peer_pending(&p) > 0)
				peer_any(&p);
		}
		if (p.stream != NULL)
			stream_abort(p.stream);
		p.stream = NULL;
	}
	peer_advance(&p, 300 * SECOND);
	assert_int_equal(counters(&p)->fast_open_passive, opens);
	assert_int_equal(p.stack->tcp->fast_open_pending, 0);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7413_4_1_2_cookie_is_given_when_asked_for),
		cmocka_unit_test(rfc7413_off_by_default),
		cmocka_unit_test(rfc7413_4_1_2_cookie_beside_a_syn_cookie),
		cmocka_unit_test(rfc7413_4_1_1_all_options_of_a_syn_ack_fit),
		cmocka_unit_test(rfc7413_4_1_1_option_of_a_wrong_length_is_ignored),
		cmocka_unit_test(rfc7413_4_1_1_cookie_of_another_length_is_replaced),
		cmocka_unit_test(rfc7413_4_2_2_bad_cookie_gets_a_good_one),
		cmocka_unit_test(rfc7413_4_1_2_cookie_is_bound_to_the_address),
		cmocka_unit_test(rfc7413_5_1_key_rotation),
		cmocka_unit_test(rfc7413_4_2_text_is_delivered_before_the_handshake_ends),
		cmocka_unit_test(rfc7413_4_2_2_answer_before_the_third_ack),
		cmocka_unit_test(rfc7413_4_2_2_a_small_answer_does_not_wait),
		cmocka_unit_test(rfc7413_4_2_2_answer_stays_within_the_syn_window),
		cmocka_unit_test(rfc7413_4_2_syn_without_text_opens_as_usual),
		cmocka_unit_test(rfc7413_4_2_2_repeated_syn_is_answered_again),
		cmocka_unit_test(rfc7413_4_2_2_syn_ack_is_sent_again_and_given_up),
		cmocka_unit_test(rfc7413_4_2_2_lost_answer_follows_the_syn_ack),
		cmocka_unit_test(rfc7413_4_2_2_reset_in_syn_received),
		cmocka_unit_test(rfc7413_4_2_2_close_before_the_third_ack),
		cmocka_unit_test(rfc3168_6_1_1_ecn_is_agreed_on_by_fast_open),
		cmocka_unit_test(rfc7413_5_1_pending_connections_have_a_limit),
		cmocka_unit_test(rfc7413_5_1_those_reset_count_for_a_while),
		cmocka_unit_test(rfc7413_4_2_2_no_memory),
		cmocka_unit_test(rfc7413_4_2_2_monkey_in_syn_received),
		cmocka_unit_test(rfc7413_4_2_text_waits_for_its_application),
	};

	return cmocka_run_group_tests_name("conformance: Fast Open", tests, NULL, NULL);
}
