/* SYN cookies (RFC 4987 section 3.6): a handshake of which nothing is kept between SYN and third ACK. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

enum { IRS = 1000, ECE = 64, CWR = 128 };

static void always(struct stack_config *c)
{
	c->tcp.syn_cookies = TCP_SYN_COOKIES_ALWAYS;
}

static void one_record(struct stack_config *c)
{
	c->tcp.syn_backlog = 1;
}

static const struct tcp_counters *counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

static struct tcp_usage usage(const struct peer *p)
{
	struct tcp_usage u;

	tcp_usage(p->stack->tcp, &u);
	return u;
}

/* Sends a SYN with these options; gives the SYN-ACK, which no record stands behind. */
static struct seg get_cookie(struct peer *p, const struct seg *options)
{
	struct seg syn = *options, got;

	syn.flags |= S;
	syn.seq = IRS;
	peer_inject(p, &syn);
	got = peer_expect(p, SEG(.flags = S | A | (syn.flags & ECE), .ack = IRS + 1));
	peer_expect_nothing(p);
	assert_int_equal(peer_state(p), TCP_CLOSED);
	return got;
}

/* The third ACK to it. */
static struct seg third_ack(const struct seg *cookie)
{
	return (struct seg){ .flags = A,
			     .seq = IRS + 1,
			     .ack = cookie->seq + 1,
			     .has_ts = cookie->has_ts,
			     .ts_val = 777,
			     .ts_ecr = cookie->ts_val };
}

static void expect_refused(struct peer *p, const struct seg *s)
{
	uint64_t received = counters(p)->cookies_received;

	peer_inject(p, s);
	peer_expect(p, SEG(.flags = R, .seq = s->ack));
	peer_expect_nothing(p);
	assert_int_equal(usage(p).connections, 0);
	assert_int_equal(counters(p)->cookies_received, received);
}

/* Nothing must be left over from one handshake to the next. */
static void forget_connection(struct peer *p)
{
	stream_abort(p->stream);
	peer_flush(p);
	while (peer_pending(p) > 0)
		peer_any(p);
}

/* ---- what a cookie carries ---- */

static void check_fields(struct peer *p, const struct seg *options)
{
	struct seg got = get_cookie(p, options), ack = third_ack(&got);
	struct tcp_info info;

	assert_int_equal(got.has_wscale, options->has_wscale);
	assert_int_equal(got.sack_permitted, options->sack_permitted);
	assert_true(got.has_ts);
	assert_int_equal(got.ts_ecr, options->ts_val);
	ack.win = 1000;
	peer_inject(p, &ack);
	peer_expect_nothing(p);
	assert_int_equal(peer_state(p), TCP_ESTABLISHED);
	info = peer_info(p);
	assert_true(info.timestamps);
	assert_int_equal(info.window_scaling, options->has_wscale);
	assert_int_equal(info.snd_wscale, options->has_wscale ? options->wscale : 0);
	assert_int_equal(info.rcv_wscale, got.has_wscale ? got.wscale : 0);
	assert_int_equal(info.sack, options->sack_permitted);
	assert_int_equal(info.ecn, (options->flags & ECE) != 0);
	assert_int_equal(info.iss, got.seq);
	assert_int_equal(info.irs, IRS);
	assert_int_equal(info.mss, 1460 - 12);
	assert_int_equal(info.snd_wnd, 1000u << info.snd_wscale);
	forget_connection(p);
}

static void rfc4987_3_6_options_survive(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	for (unsigned wscale = 0; wscale <= TCP_MAX_WSCALE + 1; wscale++)
		for (unsigned sack_ecn = 0; sack_ecn < 4; sack_ecn++) {
			check_fields(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 42,
					     .flags = (sack_ecn & 2) != 0 ? ECE | CWR : 0,
					     .sack_permitted = (sack_ecn & 1) != 0,
					     .has_wscale = wscale <= TCP_MAX_WSCALE,
					     .wscale = (uint8_t)(wscale <= TCP_MAX_WSCALE ? wscale : 0)));
			peer_advance(&p, 7000); /* other low bits of the clock */
		}
	assert_int_equal(counters(&p)->cookies_sent, 64);
	assert_int_equal(counters(&p)->cookies_received, 64);
	assert_int_equal(counters(&p)->passive_opens, 64);
	assert_int_equal(p.accepted, 64);
	peer_fini(&p);
}

static void rfc4987_3_6_mss_is_rounded_down(void **state)
{
	static const uint16_t mss[][2] = {
		{ 0, 536 }, /* no option: MUST-15 */
		{ 1, TCP_MIN_MSS }, { 535, TCP_MIN_MSS }, { 536, 536 },   { 1219, 536 },
		{ 1220, 1220 },     { 1359, 1220 },       { 1399, 1360 }, { 1439, 1400 },
		{ 1459, 1440 },     { 1460, 1460 },       { 8959, 1460 }, { 65535, 1460 },
	};
	struct peer p;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	for (unsigned i = 0; i < ARRAY_LENGTH(mss); i++) {
		struct seg got = get_cookie(&p, SEG(.mss = mss[i][0])), ack = third_ack(&got);
		assert_int_equal(got.mss, 1460);
		peer_inject(&p, &ack);
		assert_int_equal(peer_info(&p).mss, mss[i][1]);
		forget_connection(&p);
	}
	peer_fini(&p);
}

static void rfc4987_3_6_without_timestamps_no_scaling_and_no_sack(void **state)
{
	struct peer p;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S | ECE | CWR, .seq = IRS, .mss = 1460)); /* nor ECN */
	peer_expect(&p, SEG(.flags = S | A, .ack = IRS + 1));
	got = get_cookie(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true));
	assert_false(got.has_wscale || got.sack_permitted || got.has_ts);
	ack = third_ack(&got);
	peer_inject(&p, &ack);
	assert_false(peer_info(&p).window_scaling || peer_info(&p).sack || peer_info(&p).timestamps);
	assert_int_equal(peer_info(&p).rcv_wscale, 0);
	peer_fini(&p);
}

/* What we send later must not be older than the SYN-ACK, and the SYN-ACK not much older than the clock. */
static void rfc7323_5_3_timestamp_of_a_cookie_passes_paws(void **state)
{
	struct peer p;
	uint32_t last = 0;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	for (unsigned i = 0; i < 200; i++) {
		struct seg got = get_cookie(&p, SEG(.mss = 1460, .has_ts = true, .has_wscale = i % 2 != 0,
						    .wscale = 9, .sack_permitted = i % 3 != 0)),
			   ack = third_ack(&got), answer;
		peer_inject(&p, &ack);
		peer_write(&p, 1);
		answer = peer_expect(&p, SEG(.flags = A | P, .len = 1));
		assert_in_range(answer.ts_val - got.ts_val, 0, 63);
		/* Nor does the SYN-ACK fall behind what the connection before it sent by more. */
		assert_true(i == 0 || (int32_t)(got.ts_val - last) >= -63);
		last = answer.ts_val;
		forget_connection(&p);
		peer_advance(&p, 1000);
	}
	peer_fini(&p);
}

static void rfc4987_3_6_text_and_fin_on_the_third_ack(void **state)
{
	struct peer p;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	got = get_cookie(&p, SEG(.mss = 1460, .has_ts = true));
	ack = third_ack(&got);
	ack.flags |= F | P;
	ack.data = "hello";
	ack.len = 5;
	peer_inject(&p, &ack);
	peer_expect(&p, SEG(.flags = A, .seq = got.seq + 1, .ack = IRS + 7));
	assert_int_equal(peer_state(&p), TCP_CLOSE_WAIT);
	assert_memory_equal(p.received, "hello", 5);
	assert_int_equal(p.ended, 1);
	assert_int_equal(counters(&p)->data_on_third_ack, 1);
	peer_fini(&p);
}

/* ---- what is no cookie ---- */

static void rfc4987_3_6_cookie_expires(void **state)
{
	struct peer p;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	got = get_cookie(&p, SEG(.mss = 1460));
	ack = third_ack(&got);
	peer_advance(&p, 128 * SECOND - p.now_us - 1); /* the end of the next period */
	peer_inject(&p, &ack);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	forget_connection(&p);
	peer_advance(&p, 1);
	expect_refused(&p, &ack);
	assert_int_equal(peer_drops(&p, DROP_TCP_BAD_COOKIE), 1);
	peer_advance(&p, 31 * 64 * SECOND); /* t has come round: the five bits are the same again */
	expect_refused(&p, &ack);
	assert_int_equal(counters(&p)->cookies_failed, 2);
	peer_fini(&p);
}

static void rfc4987_3_6_cookie_of_another_connection(void **state)
{
	struct peer p;
	struct seg got, ack, wrong;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	peer_listen(&p, 81);
	p.our_port = 80;
	got = get_cookie(&p, SEG(.mss = 1460, .has_ts = true));
	ack = third_ack(&got);
	wrong = ack;
	wrong.src_port = 40001;
	expect_refused(&p, &wrong);
	wrong = ack;
	wrong.dst_port = 81;
	expect_refused(&p, &wrong);
	wrong = ack;
	wrong.seq++; /* another irs */
	expect_refused(&p, &wrong);
	wrong = ack;
	wrong.has_ts = false; /* timestamps were agreed on */
	expect_refused(&p, &wrong);
	for (unsigned bit = 0; bit < 32; bit++) {
		wrong = ack;
		wrong.ack = (got.seq ^ 1u << bit) + 1;
		expect_refused(&p, &wrong);
	}
	assert_int_equal(counters(&p)->cookies_failed, 36);
	wrong = ack;
	wrong.flags = S | A; /* no third ACK */
	expect_refused(&p, &wrong);
	peer_inject(&p, &ack);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void other_seed(struct stack_config *c)
{
	always(c);
	c->seed = 43;
}

static void rfc4987_3_6_cookie_of_another_instance(void **state)
{
	struct peer p, other;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	got = get_cookie(&p, SEG(.mss = 1460));
	ack = third_ack(&got);
	peer_init(&other, other_seed);
	peer_listen(&other, 80);
	expect_refused(&other, &ack);
	peer_fini(&p);
	peer_fini(&other);
}

/* The best that can be done without seeing the SYN-ACK: the right t, and the 24 bits at random. */
static void rfc4987_3_6_guesses_fail(void **state)
{
	struct peer p;
	struct random random;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	random_init(&random, 1);
	got = get_cookie(&p, SEG(.mss = 1460));
	ack = third_ack(&got);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t value = ((got.seq - IRS) & ~0xffffffu) | (random_u32(&random) & 0xffffff);
		ack.ack = value + IRS + 1;
		expect_refused(&p, &ack);
	}
	peer_fini(&p);
}

/* ---- when there are cookies ---- */

static void rfc4987_3_6_auto_when_the_syn_queue_is_full(void **state)
{
	struct peer p;
	struct seg record, got, ack;

	(void)state;
	peer_init(&p, one_record);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 5, .mss = 1460, .src_port = 39999));
	record = peer_expect(&p, SEG(.flags = S | A, .ack = 6));
	assert_int_equal(counters(&p)->cookies_sent, 0);
	got = get_cookie(&p, SEG(.mss = 1460));
	assert_int_equal(usage(&p).half_open, 1);
	assert_int_equal(counters(&p)->cookies_sent, 1);
	assert_int_equal(counters(&p)->syn_queue_cookies, 1);
	assert_int_equal(counters(&p)->syn_queue_full, 0);
	/* Both get in. */
	peer_inject(&p, SEG(.flags = A, .seq = 6, .ack = record.seq + 1, .src_port = 39999));
	ack = third_ack(&got);
	peer_inject(&p, &ack);
	assert_int_equal(usage(&p).connections, 2);
	assert_int_equal(counters(&p)->cookies_received, 1);
	/* There is a place again, and so a record for the next. */
	peer_inject(&p, SEG(.flags = S, .seq = 5, .mss = 1460, .src_port = 39998));
	peer_expect(&p, SEG(.flags = S | A, .ack = 6));
	assert_int_equal(usage(&p).half_open, 1);
	assert_int_equal(counters(&p)->cookies_sent, 1);
	peer_fini(&p);
}

static void rfc4987_3_6_auto_believes_cookies_only_while_some_are_out(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	expect_refused(&p, SEG(.flags = A, .seq = 1, .ack = 1));
	assert_int_equal(counters(&p)->cookies_failed, 0);
	assert_int_equal(peer_drops(&p, DROP_TCP_NO_CONNECTION), 1);
	p.stack->tcp->syns.pool.limit = 0;
	get_cookie(&p, SEG(.mss = 1460));
	expect_refused(&p, SEG(.flags = A, .seq = 1, .ack = 1));
	assert_int_equal(counters(&p)->cookies_failed, 1);
	peer_advance(&p, 128 * SECOND);
	expect_refused(&p, SEG(.flags = A, .seq = 1, .ack = 1));
	assert_int_equal(counters(&p)->cookies_failed, 1);
	peer_fini(&p);
}

static void rfc4987_3_6_a_repeated_syn_gets_a_cookie_again(void **state)
{
	struct peer p;
	struct seg first, second, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	first = get_cookie(&p, SEG(.mss = 1460));
	peer_advance(&p, 60 * SECOND); /* nothing is sent again by itself */
	peer_expect_nothing(&p);
	second = get_cookie(&p, SEG(.mss = 1460));
	assert_int_not_equal(first.seq, second.seq);
	ack = third_ack(&first); /* either is good */
	peer_inject(&p, &ack);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	assert_int_equal(peer_info(&p).srtt_us, 0); /* when it was sent nobody knows */
	peer_fini(&p);
}

static void one_place(struct stack_config *c)
{
	always(c);
	c->tcp.accept_backlog = 1;
	c->tcp.max_connections = 2;
}

static void rfc4987_3_6_accept_queue_full(void **state)
{
	struct peer p;
	struct seg got, ack;

	(void)state;
	peer_init(&p, one_place);
	p.accept = false;
	peer_listen(&p, 80);
	got = get_cookie(&p, SEG(.mss = 1460));
	p.port = 40001;
	ack = third_ack(SEG(.seq = get_cookie(&p, SEG(.mss = 1460)).seq));
	peer_inject(&p, &ack);
	assert_int_equal(usage(&p).accept_queued, 1);
	p.port = 40000;
	ack = third_ack(&got);
	peer_inject(&p, &ack); /* dropped, as if it had been lost: text will follow, and is sent again */
	peer_expect_nothing(&p);
	assert_int_equal(counters(&p)->listen_overflows, 1);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_non_null(tcp_accept(p.listener));
	peer_inject(&p, &ack);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void rfc4987_3_6_connection_limit(void **state)
{
	struct peer p;
	struct seg got, ack;

	(void)state;
	peer_init(&p, always);
	peer_listen(&p, 80);
	got = get_cookie(&p, SEG(.mss = 1460));
	ack = third_ack(&got);
	p.stack->tcp->conn_pool.limit = 0;
	peer_inject(&p, &ack);
	peer_expect_nothing(&p);
	assert_int_equal(peer_drops(&p, DROP_TCP_CONNECTION_LIMIT), 1);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4987_3_6_options_survive),
		cmocka_unit_test(rfc4987_3_6_mss_is_rounded_down),
		cmocka_unit_test(rfc4987_3_6_without_timestamps_no_scaling_and_no_sack),
		cmocka_unit_test(rfc7323_5_3_timestamp_of_a_cookie_passes_paws),
		cmocka_unit_test(rfc4987_3_6_text_and_fin_on_the_third_ack),
		cmocka_unit_test(rfc4987_3_6_cookie_expires),
		cmocka_unit_test(rfc4987_3_6_cookie_of_another_connection),
		cmocka_unit_test(rfc4987_3_6_cookie_of_another_instance),
		cmocka_unit_test(rfc4987_3_6_guesses_fail),
		cmocka_unit_test(rfc4987_3_6_auto_when_the_syn_queue_is_full),
		cmocka_unit_test(rfc4987_3_6_auto_believes_cookies_only_while_some_are_out),
		cmocka_unit_test(rfc4987_3_6_a_repeated_syn_gets_a_cookie_again),
		cmocka_unit_test(rfc4987_3_6_accept_queue_full),
		cmocka_unit_test(rfc4987_3_6_connection_limit),
	};

	return cmocka_run_group_tests_name("conformance: SYN cookies", tests, NULL, NULL);
}
