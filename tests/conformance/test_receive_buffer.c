/*
 * The receive buffer grows with what the application takes in a round trip, and the window with it (RFC 9293
 * section 3.8.6, RFC 7323 section 2); memory bounds both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
enum { MS = 1000, RTT = 50 * MS };

static void tune(struct stack_config *c)
{
	c->tcp.receive_buffer = 64 << 10;
	c->tcp.receive_buffer_max = 1 << 20;
}

static void tune_small_memory(struct stack_config *c)
{
	tune(c);
	c->tcp.memory = 64 << 10;
}

static const struct tcp_counters *counters(const struct peer *p)
{
	return tcp_counters(p->stack->tcp);
}

static size_t take_all(struct stream *s, struct bytes data)
{
	(void)s;
	return data.len;
}

static size_t take_nothing(struct stream *s, struct bytes data)
{
	(void)s;
	(void)data;
	return 0;
}

static void ignore_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static const struct stream_handler reader = { .on_receive = take_all, .on_closed = ignore_closed };
static const struct stream_handler sleeper = { .on_receive = take_nothing, .on_closed = ignore_closed };

/* The peer's clock is the stack's: what it echoes is a round trip old. */
struct sender {
	struct peer p;
	bool timestamps;
	uint32_t clock_offset; /* the stack's timestamps less the time in ms */
	uint32_t edge;         /* as far as we may send */
};

static void take_acks(struct sender *s)
{
	while (peer_pending(&s->p) > 0) {
		struct seg got = peer_any(&s->p);
		uint32_t edge = got.ack + ((uint32_t)got.win << peer_info(&s->p).rcv_wscale);
		if (got.has_ts)
			s->clock_offset = got.ts_val - (uint32_t)(s->p.now_us / MS);
		/* SHLD-14, but for rounding (RFC 7323 section 2.4). */
		assert_true((int32_t)(edge + (1u << peer_info(&s->p).rcv_wscale) - s->edge) > 0);
		s->edge = (int32_t)(edge - s->edge) > 0 ? edge : s->edge;
	}
}

static void open_sender(struct sender *s, void (*config)(struct stack_config *c),
			const struct stream_handler *handler, bool timestamps)
{
	peer_init(&s->p, config);
	s->p.handler = handler;
	peer_established(&s->p, SEG(.mss = 1460, .has_wscale = true, .wscale = 7, .has_ts = timestamps,
				    .ts_val = 1, .sack_permitted = true));
	s->timestamps = timestamps;
	s->edge = s->p.snd;
	s->clock_offset = 0; /* the first ACK tells it, and the first scaled window */
}

static void send_segment(struct sender *s, uint32_t len)
{
	static const uint8_t text[1448];
	uint32_t sent_ms = (uint32_t)((s->p.now_us - RTT) / MS);

	peer_inject_held(&s->p,
			 SEG(.flags = A, .seq = s->p.snd, .ack = s->p.iss + 1, .data = text, .len = len,
			     .has_ts = s->timestamps, .ts_val = 2 + (uint32_t)(s->p.now_us / MS),
			     .ts_ecr = s->clock_offset + sent_ms));
	s->p.snd += len;
}

/* A window's worth, or `most` if that is less, in each of so many round trips. */
static void send_windows(struct sender *s, unsigned round_trips, uint32_t most)
{
	for (unsigned i = 0; i < round_trips; i++) {
		uint32_t room = i == 0 && s->edge == s->p.snd ? 10 * 1448 : s->edge - s->p.snd;
		for (room = min_u32(room, most); room >= 1448; room -= 1448)
			send_segment(s, 1448);
		peer_flush(&s->p);
		peer_advance(&s->p, RTT);
		take_acks(s);
	}
}

static uint32_t buffer(const struct sender *s)
{
	return tcp_conn_of(s->p.stream)->rcv_buffer;
}

static void rfc9293_3_8_6_the_window_grows_with_what_is_taken(void **state)
{
	(void)state;
	for (unsigned timestamps = 0; timestamps < 2; timestamps++) {
		struct sender s;
		open_sender(&s, tune, &reader, timestamps != 0);
		assert_int_equal(buffer(&s), 64 << 10);
		send_windows(&s, 15, UINT32_MAX);
		assert_int_equal(buffer(&s), 1 << 20); /* as far as it may */
		assert_true(peer_info(&s.p).rcv_wnd > (1 << 20) - 10000);
		assert_in_range(counters(&s.p)->receive_buffers_grown, 1, 6);
		peer_fini(&s.p);
	}
}

static void rfc9293_shld_14_it_never_shrinks(void **state)
{
	struct sender s;

	(void)state;
	open_sender(&s, tune, &reader, true);
	send_windows(&s, 12, UINT32_MAX);
	assert_int_equal(buffer(&s), 1 << 20);
	send_windows(&s, 20, 1448); /* take_acks() looks at each edge */
	assert_int_equal(buffer(&s), 1 << 20);
	peer_fini(&s.p);
}

static void rfc9293_3_8_6_a_slow_sender_needs_no_larger_one(void **state)
{
	struct sender s;

	(void)state;
	open_sender(&s, tune, &reader, true);
	send_windows(&s, 40, 4 * 1448);
	assert_int_equal(buffer(&s), 64 << 10);
	assert_int_equal(counters(&s.p)->receive_buffers_grown, 0);
	peer_fini(&s.p);
}

static void rfc9293_3_8_6_nor_does_a_reader_that_sleeps(void **state)
{
	struct sender s;

	(void)state;
	open_sender(&s, tune, &sleeper, true);
	send_windows(&s, 10, UINT32_MAX);
	assert_int_equal(buffer(&s), 64 << 10);
	assert_in_range(peer_info(&s.p).unread, (64 << 10) - 1448, 64 << 10);
	peer_fini(&s.p);
}

static void rfc9293_3_8_6_it_does_not_grow_while_memory_is_short(void **state)
{
	struct sender s;
	void *taken[32];
	struct pool *pool;

	(void)state;
	open_sender(&s, tune_small_memory, &reader, true);
	pool = &s.p.stack->tcp->chunk_pool;
	for (unsigned i = 0; i < pool->limit / 2; i++)
		taken[i] = pool_take(pool);
	send_windows(&s, 10, UINT32_MAX);
	assert_int_equal(buffer(&s), 64 << 10);
	pool_give(pool, taken[0]);
	send_windows(&s, 10, UINT32_MAX);
	assert_int_equal(buffer(&s), 1 << 20);
	for (unsigned i = 1; i < pool->limit / 2; i++)
		pool_give(pool, taken[i]);
	peer_fini(&s.p);
}

/* Text out of order is refused before text in order is. */
static void rfc9293_shld_31_memory_is_kept_for_text_in_order(void **state)
{
	struct sender s;
	struct pool *pool;

	(void)state;
	open_sender(&s, tune_small_memory, &sleeper, false);
	pool = &s.p.stack->tcp->chunk_pool;
	assert_int_equal(pool->limit, 32);
	for (unsigned i = 1; i < 40; i++) {
		s.p.snd += 100; /* one is missing, one comes */
		send_segment(&s, 100);
	}
	peer_flush(&s.p);
	assert_int_equal(pool->in_use, 24);
	assert_true(counters(&s.p)->ooo_dropped > 0);
	s.p.snd = s.p.irs + 1;
	send_segment(&s, 100);
	peer_flush(&s.p);
	assert_int_equal(peer_info(&s.p).unread, 200);
	peer_fini(&s.p);
}

static void without_scaling(struct stack_config *c)
{
	tune(c);
	c->tcp.window_scaling = false;
}

static void rfc7323_2_2_no_further_than_the_field_can_tell(void **state)
{
	struct sender s;

	(void)state;
	open_sender(&s, without_scaling, &reader, true);
	send_windows(&s, 10, UINT32_MAX);
	assert_int_equal(buffer(&s), 64 << 10);
	peer_fini(&s.p);
}

static void rfc7323_2_3_the_scale_is_that_of_the_largest_window(void **state)
{
	struct sender s;

	(void)state;
	open_sender(&s, tune, &reader, true);
	assert_int_equal(peer_info(&s.p).rcv_wscale, 5); /* 2^20 in 16 bits */
	peer_fini(&s.p);
	open_sender(&s, NULL, &reader, true);
	assert_int_equal(peer_info(&s.p).rcv_wscale, 7); /* 6 MiB */
	peer_fini(&s.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_8_6_the_window_grows_with_what_is_taken),
		cmocka_unit_test(rfc9293_shld_14_it_never_shrinks),
		cmocka_unit_test(rfc9293_3_8_6_a_slow_sender_needs_no_larger_one),
		cmocka_unit_test(rfc9293_3_8_6_nor_does_a_reader_that_sleeps),
		cmocka_unit_test(rfc9293_3_8_6_it_does_not_grow_while_memory_is_short),
		cmocka_unit_test(rfc9293_shld_31_memory_is_kept_for_text_in_order),
		cmocka_unit_test(rfc7323_2_2_no_further_than_the_field_can_tell),
		cmocka_unit_test(rfc7323_2_3_the_scale_is_that_of_the_largest_window),
	};

	return cmocka_run_group_tests_name("conformance: receive buffer", tests, NULL, NULL);
}
