/*
 * The end of memory and of the instance: pools that run dry, everything open when the stack goes; and a
 * monkey that sends whatever comes to mind, while the invariants of tcp_state.c and the address sanitizer
 * watch.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull

static unsigned drain(struct peer *p)
{
	unsigned n = 0;

	while (peer_pending(p) > 0) {
		peer_any(p);
		n++;
	}
	return n;
}

/* ---- the end of the instance ---- */

static unsigned told;
static enum stream_end told_why;

static void count_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	told++;
	told_why = why;
}

static const struct stream_handler counting = { .on_closed = count_closed };

static void on_port(struct peer *p, uint16_t port, void (*enter)(struct peer *p))
{
	p->port = port;
	p->our_port = 80;
	enter(p);
	drain(p);
}

static void unread(struct peer *p)
{
	peer_established(p, NULL);
	peer_send(p, 5000);
	/* And out of order. */
	peer_inject(p, SEG(.flags = A, .seq = p->snd + 1000, .ack = p->iss + 1, .len = 3000));
	peer_write(p, 200000);
}

static void half_open(struct peer *p)
{
	peer_inject(p, SEG(.flags = S, .seq = 1, .mss = 1460));
}

static void open_actively(struct peer *p)
{
	peer_syn_sent(p);
}

static void rfc9293_tcp_free_with_everything_open(void **state)
{
	static void (*const enter[])(struct peer *) = {
		unread, half_open, peer_close_wait, peer_fin_wait_1, peer_fin_wait_2, peer_closing,
		peer_last_ack, peer_time_wait, open_actively,
	};
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	p.handler = &counting;
	told = 0;
	for (unsigned i = 0; i < ARRAY_LENGTH(enter); i++)
		on_port(&p, (uint16_t)(40000 + i), enter[i]);
	p.accept = false;
	on_port(&p, 41000, unread); /* in the accept queue */
	assert_int_equal(told, 1); /* TIME-WAIT's was told already */
	peer_fini(&p);
	/* All but the half-open one and the one in the queue, which nobody has. */
	assert_int_equal(told, 1 + 7);
	assert_int_equal(told_why, STREAM_END_ERROR);
}

/* ---- pools at their limit ---- */

static void rfc9293_no_memory_for_pieces(void **state)
{
	struct span spans[3] = { { (const uint8_t *)"a", 1, NULL }, { (const uint8_t *)"b", 1, NULL },
				 { (const uint8_t *)"c", 1, NULL } };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	p.stack->tcp->piece_pool.limit = 2;
	assert_int_equal(stream_send(p.stream, spans, 3, 0), -ENOMEM); /* all or nothing */
	peer_expect_nothing(&p);
	assert_int_equal(p.stack->tcp->piece_pool.in_use, 0);
	assert_int_equal(stream_send(p.stream, spans, 2, 0), 0);
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = A | P, .len = 2));
	peer_fini(&p);
}

static void rfc9293_no_memory_for_segments(void **state)
{
	struct peer p;
	uint32_t got = 0;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	p.stack->tcp->segment_pool.limit = 3;
	peer_write(&p, 20 * 1460);
	for (unsigned i = 0; i < 30 && got < 20 * 1460; i++) { /* three at a time it goes all the same */
		drain(&p);
		assert_true(peer_info(&p).in_flight <= 3 * 1460);
		got = peer_info(&p).snd_nxt - p.iss - 1;
		peer_ack(&p, p.iss + 1 + got);
		peer_advance(&p, SECOND);
	}
	assert_int_equal(got, 20 * 1460);
	peer_fini(&p);
}

static void with_gso(struct stack_config *c)
{
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

static void rfc9293_no_memory_to_cut_a_segment(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, with_gso);
	peer_established(&p, NULL);
	peer_write(&p, 10 * 1460);
	peer_expect(&p, SEG(.flags = A | P, .len = 14600));
	p.stack->tcp->segment_pool.limit = 1;
	peer_advance(&p, 1100000);
	peer_advance(&p, 60 * SECOND); /* what cannot be cut waits, and nothing breaks */
	drain(&p);
	p.stack->tcp->segment_pool.limit = 100;
	peer_advance(&p, 60 * SECOND);
	assert_true(drain(&p) > 0);
	peer_fini(&p);
}

static void rfc9293_no_memory_for_the_syn(void **state)
{
	struct peer p;
	struct ip_addr any = { { 0 } };
	struct stream *s;
	struct tcp_usage usage;

	(void)state;
	peer_init(&p, NULL);
	p.stack->tcp->segment_pool.limit = 0;
	assert_int_equal(tcp_connect(p.stack->tcp, &any, 0, &p.addr, 80, p.handler, &p, &s), -ENOMEM);
	peer_expect_nothing(&p);
	assert_int_equal(p.closed, 0); /* the return value has said it */
	tcp_usage(p.stack->tcp, &usage);
	assert_int_equal(usage.connections, 0);
	peer_fini(&p);
}

/* ---- more frames than the ring takes ---- */

static void rfc9293_a_batch_of_requests_larger_than_the_ring(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (uint16_t i = 0; i < 400; i++) /* 400 SYNs in one batch, and room for 256 answers */
		peer_inject_held(
			&p, SEG(.flags = S, .seq = 1000, .mss = 1460, .src_port = (uint16_t)(10000 + i)));
	peer_flush(&p);
	assert_int_equal(drain(&p), LINK_TX_RING);
	/* The rest is answered by retransmission: all 400 again, in rings of 256. */
	peer_advance(&p, 1100000);
	assert_true(drain(&p) >= LINK_TX_RING);
	peer_fini(&p);
}

/* ---- the monkey ---- */

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void small(struct stack_config *c)
{
	c->tcp.receive_buffer = 5000;
	c->tcp.send_buffer = 20000;
	c->tcp.memory = 40 * TCP_CHUNK_SIZE;
	c->tcp.syn_backlog = 3;
	c->tcp.accept_backlog = 2;
	c->tcp.max_connections = 4;
	c->tcp.max_time_wait = 2;
	c->tcp.msl_us = 3 * SECOND;
	c->tcp.keepalive_idle_us = 5 * SECOND;
	c->tcp.keepalive_interval_us = SECOND;
	c->tcp.fin_wait_2_timeout_us = 10 * SECOND;
}

static void small_with_super_segments(struct stack_config *c)
{
	small(c);
	with_gso(c);
	c->tcp.send_buffer = 200000;
}

static void small_and_paced(struct stack_config *c)
{
	small(c);
	c->tcp.pacing = true;
	c->tcp.congestion = "reno";
	c->tcp.ecn = TCP_ECN_OFFER;
}

/* A number near one that matters, or any. */
static uint32_t near(uint64_t *r, uint32_t n)
{
	static const int32_t off[] = { 0, 0, 0, 0, 0, 1, -1, 2, 100, -100, 1460, 5000, -5000, 65535 };

	if (next_random(r) % 32 == 0)
		return next_random(r);
	return n + (uint32_t)off[next_random(r) % ARRAY_LENGTH(off)];
}

/* Mostly the edges of segments of what is in flight; in any order,
 * overlapping, backwards, out of the world. */
static void any_sack_blocks(struct seg *s, const struct tcp_info *info, uint64_t *r)
{
	uint32_t segments = (info->snd_nxt - info->snd_una) / info->mss + 2;

	s->n_sack = (uint8_t)(next_random(r) % (s->has_ts ? 4 : 5));
	for (unsigned i = 0; i < s->n_sack; i++) {
		uint32_t left = info->snd_una + next_random(r) % segments * info->mss;
		s->sack[i].left = next_random(r) % 8 == 0 ? near(r, left) : left;
		s->sack[i].right = near(r, s->sack[i].left + (1 + next_random(r) % 4) * info->mss);
		if (next_random(r) % 4 == 0)
			s->sack[i].right = info->snd_nxt;
	}
}

/* What agrees with the handshake, or most options would be for nothing. */
static void any_options(struct peer *p, struct seg *s, uint64_t *r)
{
	struct tcp_info info = peer_info(p);

	s->has_ts = info.timestamps ? next_random(r) % 16 != 0 : next_random(r) % 16 == 0;
	if (info.timestamps && next_random(r) % 8 != 0)
		s->ts_val = 1000 + (uint32_t)(p->now_us / 1000);
	s->ts_ecr = p->stack->tcp->world->now_us / 1000 % 2 == 0 ? next_random(r) : s->ts_val;
	if (next_random(r) % 2 == 0)
		any_sack_blocks(s, &info, r);
	if (info.ecn && next_random(r) % 4 == 0) {
		s->flags |= next_random(r) % 2 == 0 ? E : C;
		s->tos = next_random(r) % 2 == 0 ? 3 : 0;
	}
}

static void anything(struct peer *p, uint64_t *r)
{
	static const uint8_t flags[] = { A | F, A | F | P, S, S | A, R, R | A, F, 0, S | F, A | U, 255 };
	bool usual = next_random(r) % 8 != 0;
	struct seg s = { .flags = usual ? A | P : flags[next_random(r) % ARRAY_LENGTH(flags)],
			 .win = (uint16_t)next_random(r) };
	bool known = peer_state(p) != TCP_CLOSED && peer_state(p) != TCP_TIME_WAIT &&
		     peer_state(p) != TCP_SYN_RECEIVED;

	s.seq = near(r, known ? peer_info(p).rcv_nxt : p->snd);
	s.ack = near(r,
		     known ? (next_random(r) % 2 ? peer_info(p).snd_nxt : peer_info(p).snd_una) : p->iss + 1);
	if (next_random(r) % 3 == 0)
		s.len = next_random(r) % 3000;
	if (next_random(r) % 8 == 0)
		s.win = 0;
	s.zero_win = s.win == 0;
	s.has_ts = next_random(r) % 4 == 0;
	s.ts_val = next_random(r) % 100;
	s.mss = s.flags & S ? (uint16_t)(next_random(r) % 2000) : 0;
	s.has_wscale = (s.flags & S) != 0 && next_random(r) % 2 == 0;
	s.wscale = (uint8_t)next_random(r);
	s.urgent = (uint16_t)next_random(r);
	if (known && (s.flags & S) == 0)
		any_options(p, &s, r);
	if (next_random(r) % 2 == 0)
		peer_inject_held(p, &s);
	else
		peer_inject(p, &s);
}

static void application(struct peer *p, uint64_t *r)
{
	static const uint8_t text[40000];
	struct span span = { text, next_random(r) % (next_random(r) % 4 == 0 ? sizeof text : 9000), NULL };

	switch (next_random(r) % 12) {
	case 0:
		stream_shutdown(p->stream);
		break;
	case 1:
		if (next_random(r) % 4 == 0) {
			stream_close(p->stream);
			p->stream = NULL;
		}
		break;
	case 2:
		if (next_random(r) % 4 == 0) {
			stream_abort(p->stream);
			p->stream = NULL;
		}
		break;
	case 3:
		p->take = !p->take;
		p->received_len = 0;
		stream_resume(p->stream);
		break;
	case 4:
		tcp_set_nodelay(p->stream, next_random(r) % 2);
		tcp_set_keepalive(p->stream, next_random(r) % 2);
		break;
	default:
		stream_send(p->stream, &span, 1, 0);
		break;
	}
}

static void shake_hands(struct peer *p, uint64_t *r)
{
	struct seg got;

	p->irs = next_random(r);
	p->snd = p->irs + 1;
	peer_inject(p, SEG(.flags = next_random(r) % 4 == 0 ? S | E | C : S, .seq = p->irs, .mss = 1460,
			   .has_wscale = next_random(r) % 2, .wscale = 2,
			   .sack_permitted = next_random(r) % 3 != 0, .has_ts = next_random(r) % 3 == 0,
			   .ts_val = 1));
	if (peer_pending(p) == 0)
		return;
	got = peer_any(p);
	p->iss = got.seq;
	if ((got.flags & S) != 0)
		peer_inject(p, SEG(.flags = A, .seq = p->snd, .ack = p->iss + 1, .has_ts = got.has_ts,
				   .ts_val = 2, .ts_ecr = got.ts_val));
}

static struct {
	uint64_t in, out, recoveries, timeouts, probes, undone, reneged, slowed;
} seen;

static void note_seen(const struct tcp_counters *n)
{
	seen.in += n->in_bytes;
	seen.out += n->out_bytes;
	seen.recoveries += n->sack_recovery + n->reno_recovery;
	seen.timeouts += n->timeouts;
	seen.probes += n->loss_probes;
	seen.undone += n->dsack_undo + n->full_undo + n->spurious_rtos;
	seen.reneged += n->sack_reneging;
	seen.slowed += n->ecn_reductions;
}

static void monkey(uint64_t seed)
{
	static void (*const tunes[])(struct stack_config *) = {
		small, small_with_super_segments, small_and_paced,
	};
	struct peer p;
	uint64_t r = seed;

	peer_init(&p, tunes[seed % ARRAY_LENGTH(tunes)]);
	peer_listen(&p, 80);
	shake_hands(&p, &r);
	for (unsigned i = 0; i < 400; i++) {
		uint32_t what = next_random(&r) % 16;
		p.received_len = 0;
		if (what < 10)
			anything(&p, &r);
		else if (what < 13 && p.stream != NULL)
			application(&p, &r);
		else if (what == 13)
			peer_advance(&p, next_random(&r) % (3 * SECOND));
		else if (what == 14)
			p.accept = !p.accept;
		else if (peer_state(&p) == TCP_CLOSED)
			shake_hands(&p, &r);
		peer_flush(&p);
		drain(&p);
	}
	peer_advance(&p, 1000 * SECOND);
	drain(&p);
	note_seen(tcp_counters(p.stack->tcp));
	peer_fini(&p);
}

static void rfc9293_a_monkey_breaks_nothing(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	for (uint64_t seed = 1; seed <= 1000; seed++)
		monkey(seed);
	assert_true(seen.in > 1000000); /* it does get somewhere */
	assert_true(seen.out > 1000000);
	assert_true(seen.recoveries > 0 && seen.timeouts > 0 && seen.probes > 0 && seen.undone > 0 &&
		    seen.reneged > 0 && seen.slowed > 0);
}

/* ---- fairness ---- */

/* Two connections; the first may send as much as it likes, the second is the one under test then. */
static struct tcp_conn *open_two(struct peer *p)
{
	struct tcp_conn *first;

	peer_init(p, NULL);
	peer_established(p, SEG(.mss = TCP_MIN_MSS));
	first = tcp_conn_of(p->stream);
	first->busy->cc.cwnd = 1 << 20;
	p->port = 4001;
	peer_established(p, SEG(.mss = 1460));
	return first;
}

static void one_connection_does_not_get_all_segments(void **state)
{
	struct tcp_conn *first;
	struct peer p;

	(void)state;
	first = open_two(&p);
	p.stack->tcp->segment_pool.limit = 100;
	stream_send(&first->stream, &(struct span){ .data = p.received, .len = sizeof p.received }, 1, 0);
	peer_flush(&p);
	assert_int_equal(first->busy->flight_segments, 75);
	drain(&p);
	peer_write(&p, 10 * 1460);
	assert_int_equal(drain(&p), 10);
	peer_fini(&p);
}

static void one_connection_does_not_get_all_of_the_send_queue(void **state)
{
	struct tcp_conn *first;
	struct peer p;
	unsigned n = 0;

	(void)state;
	first = open_two(&p);
	p.stack->tcp->piece_pool.limit = 100;
	while (stream_room(&first->stream) > 0 && n++ < 200)
		stream_send(&first->stream, &(struct span){ .data = p.received, .len = 1 }, 1, 0);
	assert_int_equal(n, 75);
	peer_write(&p, 1);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_tcp_free_with_everything_open),
		cmocka_unit_test(rfc9293_no_memory_for_pieces),
		cmocka_unit_test(rfc9293_no_memory_for_segments),
		cmocka_unit_test(rfc9293_no_memory_to_cut_a_segment),
		cmocka_unit_test(rfc9293_no_memory_for_the_syn),
		cmocka_unit_test(rfc9293_a_batch_of_requests_larger_than_the_ring),
		cmocka_unit_test(rfc9293_a_monkey_breaks_nothing),
		cmocka_unit_test(one_connection_does_not_get_all_segments),
		cmocka_unit_test(one_connection_does_not_get_all_of_the_send_queue),
	};

	return cmocka_run_group_tests_name("conformance: limits", tests, NULL, NULL);
}
