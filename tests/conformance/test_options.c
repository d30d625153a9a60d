/*
 * Options: their form (RFC 9293 sections 3.1 and 3.2), the maximum segment size (section 3.7.1), timestamps
 * and PAWS (RFC 7323 sections 3 to 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"
#include "tcp/tcp_conn.h"

#define SECOND 1000000ull
enum { MS = 1000, DAY_S = 86400 };

/* A SYN with these option bytes; what the stack makes of the MSS. */
static void inject_syn(struct peer *p, const uint8_t *options, uint8_t len)
{
	peer_inject(p, SEG(.flags = S, .seq = 1000, .raw_options = options, .raw_options_len = len));
}

static struct seg open_with(struct peer *p, const uint8_t *options, uint8_t len)
{
	struct seg got;

	peer_listen(p, 80);
	inject_syn(p, options, len);
	got = peer_expect(p, SEG(.flags = S | A, .ack = 1001));
	p->irs = 1000;
	p->iss = got.seq;
	p->snd = 1001;
	peer_inject(p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .has_ts = got.has_ts, .ts_val = 2,
			   .ts_ecr = got.ts_val));
	return got;
}

/* ---- form ---- */

static void rfc9293_must_4_end_nop_and_mss(void **state)
{
	static const uint8_t options[] = { 1, 1, 1, 1, 2, 4, 3, 0xe8, 0, 0, 0, 0 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	open_with(&p, options, sizeof options);
	assert_int_equal(peer_info(&p).mss, 1000);
	peer_fini(&p);
}

static void rfc9293_must_5_options_on_any_segment(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 2, 4, 0, 50 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .raw_options = options,
			    .raw_options_len = 16, .data = "abc", .len = 3));
	assert_int_equal(p.received_len, 3);
	assert_memory_equal(p.received, "abc", 3);
	assert_int_equal(peer_info(&p).mss, 1460); /* what only a SYN may say is not heard */
	assert_false(peer_info(&p).timestamps);
	peer_fini(&p);
}

static void rfc9293_must_6_unknown_options_are_skipped(void **state)
{
	static const uint8_t options[] = { 254, 6, 1, 2, 3, 4, 2, 4, 3, 0xe8, 77, 2, 253, 3, 9, 0 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	open_with(&p, options, sizeof options);
	assert_int_equal(peer_info(&p).mss, 1000);
	peer_fini(&p);
}

static void rfc9293_must_7_illegal_lengths(void **state)
{
	static const uint8_t illegal[][8] = {
		{ 2, 0, 5, 0xb4, 0, 0, 0, 0 }, /* length 0 */
		{ 2, 1, 5, 0xb4, 0, 0, 0, 0 }, /* shorter than kind and length */
		{ 254, 0, 0, 0, 0, 0, 0, 0 },  /* unknown ones too */
		{ 254, 1, 0, 0, 0, 0, 0, 0 },
		{ 254, 9, 0, 0, 0, 0, 0, 0 },  /* past the end */
		{ 1, 1, 1, 1, 1, 1, 1, 2 },    /* no place for the length */
		{ 2, 3, 5, 1, 1, 1, 1, 1 },    /* known, but not that long */
		{ 2, 5, 5, 0xb4, 0, 1, 1, 1 },
		{ 3, 4, 7, 0, 1, 1, 1, 1 },
		{ 4, 3, 0, 1, 1, 1, 1, 1 },
		{ 8, 8, 0, 0, 0, 0, 0, 0 },
	};
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	for (unsigned i = 0; i < ARRAY_LENGTH(illegal); i++) {
		inject_syn(&p, illegal[i], 8);
		peer_expect_nothing(&p);
	}
	assert_int_equal(peer_drops(&p, DROP_TCP_BAD_OPTION), ARRAY_LENGTH(illegal));
	assert_int_equal(tcp_counters(p.stack->tcp)->in_errs, ARRAY_LENGTH(illegal));
	inject_syn(&p, NULL, 0); /* and life goes on */
	peer_expect(&p, SEG(.flags = S | A));
	peer_fini(&p);
}

static void rfc9293_must_7_established_connections_survive_them(void **state)
{
	static const uint8_t options[] = { 254, 0, 0, 0 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, NULL);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .raw_options = options,
			    .raw_options_len = 4, .len = 5));
	assert_int_equal(p.received_len, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_send(&p, 5);
	peer_assert_received(&p, 5);
	peer_fini(&p);
}

static void rfc9293_must_64_options_of_any_alignment(void **state)
{
	struct peer p;

	(void)state;
	for (uint8_t shift = 0; shift < 4; shift++) { /* MSS, timestamp, window scale behind 0 to 3 NOPs */
		uint8_t options[20] = { 0 };
		const uint8_t some[17] = { 2, 4, 3, 0xe8, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 3, 3, 6 };
		memset(options, 1, shift);
		memcpy(options + shift, some, sizeof some);
		peer_init(&p, NULL);
		open_with(&p, options, sizeof options);
		assert_int_equal(peer_info(&p).mss, 1000 - 12);
		assert_true(peer_info(&p).timestamps);
		assert_int_equal(peer_info(&p).snd_wscale, 6);
		peer_fini(&p);
	}
}

static void rfc9293_must_68_must_69_options_of_ours_are_well_formed(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_syn_sent(&p); /* the harness parses what leaves and fails on an option without length */
	stream_abort(p.stream);
	peer_connect(&p, 81);
	got = peer_expect(&p, SEG(.flags = S));
	assert_int_equal(got.mss, 1460);
	assert_true(got.has_wscale);
	assert_true(got.has_ts);
	assert_true(got.sack_permitted);
	peer_fini(&p);
}

static void rfc9293_must_69_what_follows_end_of_list_is_not_read(void **state)
{
	static const uint8_t options[] = { 2, 4, 3, 0xe8, 0, 2, 0, 99 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	open_with(&p, options, sizeof options);
	assert_int_equal(peer_info(&p).mss, 1000);
	peer_fini(&p);
}

/* ---- MSS ---- */

static void rfc9293_must_14_shld_5_may_3_mss_is_sent_with_every_syn(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	got = open_with(&p, NULL, 0);
	assert_int_equal(got.mss, 1460); /* MUST-67: not larger than can be received */
	peer_fini(&p);
	peer_init(&p, NULL);
	peer_connect(&p, 99);
	got = peer_expect(&p, SEG(.flags = S));
	assert_int_equal(got.mss, 1460);
	peer_advance(&p, 1100 * MS);
	got = peer_expect(&p, SEG(.flags = S)); /* also when it is sent again */
	assert_int_equal(got.mss, 1460);
	peer_fini(&p);
}

static void mtu_600(struct stack_config *c)
{
	c->caps.mtu = 600;
}

static void rfc9293_must_67_shld_6_mss_follows_the_mtu(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, mtu_600);
	got = open_with(&p, NULL, 0);
	assert_int_equal(got.mss, 560);
	peer_connect(&p, 99);
	assert_int_equal(peer_expect(&p, SEG(.flags = S)).mss, 560);
	peer_fini(&p);
}

static void rfc9293_must_15_without_the_option_536(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL); /* passive */
	open_with(&p, NULL, 0);
	assert_int_equal(peer_info(&p).mss, 536);
	peer_write(&p, 1072);
	peer_expect(&p, SEG(.flags = A, .len = 536));
	peer_expect(&p, SEG(.flags = A | P, .len = 536));
	peer_fini(&p);

	peer_init(&p, NULL); /* active */
	peer_connected(&p, SEG(.mss = 0));
	assert_int_equal(peer_info(&p).mss, 536);
	peer_fini(&p);
}

static void rfc9293_must_14_16_effective_send_mss(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL); /* the peer's, if smaller */
	peer_established(&p, SEG(.mss = 700));
	assert_int_equal(peer_info(&p).mss, 700);
	peer_fini(&p);

	peer_init(&p, NULL); /* the link's, if smaller */
	peer_established(&p, SEG(.mss = 9000));
	assert_int_equal(peer_info(&p).mss, 1460);
	peer_fini(&p);

	peer_init(&p, NULL); /* less the options (RFC 6691) */
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 1));
	assert_int_equal(peer_info(&p).mss, 1448);
	peer_write(&p, 2896);
	peer_expect(&p, SEG(.flags = A, .len = 1448));
	peer_fini(&p);
}

static void rfc9293_3_7_1_a_tiny_mss_is_raised(void **state)
{
	static const uint16_t tiny[] = { 1, 10, 47 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(tiny); i++) {
		struct peer p;
		peer_init(&p, NULL);
		peer_established(&p, SEG(.mss = tiny[i]));
		assert_int_equal(peer_info(&p).mss, TCP_MIN_MSS);
		peer_fini(&p);
		peer_init(&p, NULL);
		peer_connected(&p, SEG(.mss = tiny[i], .has_ts = true));
		assert_int_equal(peer_info(&p).mss, TCP_MIN_MSS - 12);
		peer_fini(&p);
	}
}

static void rfc9293_3_7_1_an_mss_of_zero_is_raised(void **state)
{
	static const uint8_t options[] = { 2, 4, 0, 0 };
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	open_with(&p, options, 4);
	assert_int_equal(peer_info(&p).mss, TCP_MIN_MSS);
	peer_write(&p, 96);
	peer_expect(&p, SEG(.flags = A, .len = TCP_MIN_MSS));
	peer_fini(&p);
}

static void rfc9293_must_65_mss_on_syns_only(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_wscale = true, .wscale = 1, .sack_permitted = true));
	peer_write(&p, 10);
	for (unsigned i = 0; i < 3; i++) {
		struct seg got;
		if (i == 1)
			/* An ACK. */
			peer_inject(&p, SEG(.flags = A, .seq = p.snd + 9999999, .ack = p.iss + 1));
		if (i == 2)
			stream_abort(p.stream); /* a reset */
		got = peer_any(&p);
		assert_int_equal(got.mss, 0);
		assert_false(got.has_wscale);
		assert_false(got.sack_permitted);
	}
	peer_fini(&p);
}

/* ---- timestamps ---- */

/* Established with timestamps; the peer's clock stands at 1001. */
static void with_timestamps(struct peer *p)
{
	peer_established(p, SEG(.mss = 1460, .has_ts = true, .ts_val = 1000));
	assert_true(peer_info(p).timestamps);
}

static void inject_ts(struct peer *p, uint32_t seq, uint32_t ts, uint32_t len)
{
	peer_inject(p, SEG(.flags = A, .seq = seq, .ack = peer_info(p).snd_nxt, .has_ts = true, .ts_val = ts,
			   .len = len));
}

static void rfc7323_3_2_timestamps_are_answered_if_offered(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .has_ts = true, .ts_val = 12345));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_true(got.has_ts);
	assert_int_equal(got.ts_ecr, 12345);
	p.port = 40001;
	peer_inject(&p, SEG(.flags = S, .seq = 1000));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_false(got.has_ts);
	peer_fini(&p);
}

static void rfc7323_3_2_the_first_syn_echoes_nothing(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_connect(&p, 99);
	got = peer_expect(&p, SEG(.flags = S));
	assert_true(got.has_ts);
	assert_int_equal(got.ts_ecr, 0); /* TSecr is valid with ACK only */
	peer_fini(&p);
}

static void rfc7323_3_2_none_after_a_syn_ack_without(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_connected(&p, NULL);
	assert_false(peer_info(&p).timestamps);
	peer_write(&p, 10);
	got = peer_any(&p);
	assert_false(got.has_ts);
	assert_int_equal(peer_info(&p).mss, 1460);
	peer_fini(&p);
}

static void rfc7323_3_2_on_every_segment_once_agreed(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	peer_write(&p, 10);
	assert_true(peer_any(&p).has_ts); /* text */
	peer_inject(&p, SEG(.flags = R, .seq = p.snd + 5));
	assert_true(peer_any(&p).has_ts); /* ACK */
	peer_advance(&p, 1100 * MS);
	assert_true(peer_any(&p).has_ts); /* retransmission */
	inject_ts(&p, p.snd, 2000, 0);
	stream_shutdown(p.stream);
	assert_true(peer_any(&p).has_ts); /* FIN */
	stream_abort(p.stream);
	assert_true(peer_any(&p).has_ts); /* RST: SHOULD */
	peer_fini(&p);
}

static void rfc7323_3_2_a_segment_without_is_dropped_in_silence(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 10));
	peer_advance(&p, SECOND);
	peer_expect_nothing(&p);
	assert_int_equal(p.received_len, 0);
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED); /* MUST NOT abort for that */
	/* SYNs of a restarted peer are still challenged. */
	peer_inject(&p, SEG(.flags = S, .seq = p.snd + 9));
	peer_expect(&p, SEG(.flags = A, .ack = p.snd));
	peer_inject(&p, SEG(.flags = R, .seq = p.snd)); /* and resets need none */
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

static void rfc7323_5_4_the_clock_ticks_milliseconds_and_has_an_offset(void **state)
{
	struct peer p;
	uint32_t first;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	peer_write(&p, 10);
	first = peer_any(&p).ts_val;
	assert_true(first - (uint32_t)(p.now_us / 1000) > 1000000); /* the uptime does not show */
	inject_ts(&p, p.snd, 1100, 0);
	peer_advance(&p, 777 * MS);
	peer_write(&p, 10);
	assert_int_equal(peer_any(&p).ts_val - first, 777);
	peer_fini(&p);
}

/* RFC 6191 needs the next connection's timestamps to follow on from this one's. */
static void rfc7323_5_4_the_offset_is_the_same_for_all_ports_of_a_peer(void **state)
{
	struct peer p;
	struct seg got;
	uint32_t first;
	struct ip_addr other = ip_addr_from_4(0x0a4d0009);

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .has_ts = true, .ts_val = 1));
	first = peer_expect(&p, SEG(.flags = S | A)).ts_val;
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .has_ts = true, .ts_val = 1, .src_port = 555));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_int_equal(got.ts_val, first);
	assert_int_not_equal(tcp_timestamp_offset(p.stack->tcp, &p.ours, &p.addr),
			     tcp_timestamp_offset(p.stack->tcp, &p.ours, &other));
	peer_fini(&p);
}

/* RFC 7323 section 4.3 (A): of two segments with a delayed ACK the first one's timestamp comes back. */
static void rfc7323_4_3_a_delayed_ack_echoes_the_earliest(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	inject_ts(&p, p.snd, 1010, 1448);
	inject_ts(&p, p.snd + 1448, 1020, 1448);
	got = peer_expect(&p, SEG(.flags = A, .ack = p.snd + 2896));
	assert_int_equal(got.ts_ecr, 1010);
	peer_fini(&p);
}

/* (B) a hole: the timestamp of the last segment that advanced the left edge; (C) filled: that of the segment
 * that fills it. */
static void rfc7323_4_3_b_c_around_a_hole(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	inject_ts(&p, p.snd, 1010, 100);
	peer_advance(&p, 100 * MS);
	peer_any(&p);
	inject_ts(&p, p.snd + 200, 1030, 100);
	got = peer_expect(&p, SEG(.flags = A, .ack = p.snd + 100));
	assert_int_equal(got.ts_ecr, 1010);
	inject_ts(&p, p.snd + 300, 1040, 100);
	got = peer_expect(&p, SEG(.flags = A, .ack = p.snd + 100));
	assert_int_equal(got.ts_ecr, 1010);
	inject_ts(&p, p.snd + 100, 1050, 100);
	got = peer_expect(&p, SEG(.flags = A, .ack = p.snd + 400));
	assert_int_equal(got.ts_ecr, 1050);
	peer_fini(&p);
}

/* ---- PAWS ---- */

static void rfc7323_5_3_an_older_timestamp_is_dropped_and_answered(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	inject_ts(&p, p.snd, 5000, 10);
	inject_ts(&p, p.snd + 10, 4999, 10); /* an old duplicate whose number fits again */
	peer_expect(&p, SEG(.flags = A, .ack = p.snd + 10));
	assert_int_equal(p.received_len, 10);
	assert_int_equal(peer_drops(&p, DROP_TCP_PAWS), 1);
	inject_ts(&p, p.snd + 10, 5000, 10); /* equal will do */
	assert_int_equal(p.received_len, 20);
	peer_fini(&p);
}

/* A pure acknowledgement that another one overtook is no old duplicate: what it sacks counts. One from
 * before this round trip is refused. */
static void rfc7323_5_3_an_overtaken_acknowledgement_is_taken(void **state)
{
	struct peer p;
	uint32_t una;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .sack_permitted = true, .has_ts = true, .ts_val = 4000));
	peer_write(&p, 5 * 1448);
	for (unsigned i = 0; i < 5; i++)
		peer_any(&p);
	una = p.iss + 1;
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = una, .has_ts = true, .ts_val = 5000, .len = 10));
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = una, .has_ts = true, .ts_val = 4990,
			    .n_sack = 1, .sack = { { una + 1448, una + 2 * 1448 } }));
	assert_int_equal(peer_info(&p).sacked, 1448);
	assert_int_equal(peer_drops(&p, DROP_TCP_PAWS), 0);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd + 10, .ack = una, .has_ts = true, .ts_val = 3000,
			    .n_sack = 1, .sack = { { una + 1448, una + 3 * 1448 } }));
	assert_int_equal(peer_info(&p).sacked, 1448);
	assert_int_equal(peer_drops(&p, DROP_TCP_PAWS), 1);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	peer_fini(&p);
}

/* Whatever else is as old is refused: text, a FIN, what would move a number or the window. */
static void rfc7323_5_3_nothing_else_is_excepted(void **state)
{
	struct peer p;
	struct tcp_info before, after;
	uint32_t una;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = 4000));
	peer_write(&p, 2 * 1448);
	for (unsigned i = 0; i < 2; i++)
		peer_any(&p);
	una = p.iss + 1;
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = una, .has_ts = true, .ts_val = 5000, .len = 10));
	before = peer_info(&p);
	const struct seg late[] = {
		{ .flags = A, .seq = p.snd + 10, .ack = una, .len = 10 },
		{ .flags = F | A, .seq = p.snd + 10, .ack = una },
		{ .flags = A, .seq = p.snd, .ack = una },
		{ .flags = A, .seq = p.snd + 11, .ack = una },
		{ .flags = A, .seq = p.snd + 10, .ack = una - 1 },
		{ .flags = A, .seq = p.snd + 10, .ack = una + 1448 },
		{ .flags = A, .seq = p.snd + 10, .ack = una, .win = 1000 },
	};
	for (unsigned i = 0; i < ARRAY_LENGTH(late); i++) {
		struct seg s = late[i];

		s.has_ts = true;
		s.ts_val = 4990;
		peer_inject(&p, &s);
		assert_int_equal(peer_drops(&p, DROP_TCP_PAWS), i + 1);
	}
	after = peer_info(&p);
	assert_int_equal(after.state, TCP_ESTABLISHED);
	assert_int_equal(after.snd_una, before.snd_una);
	assert_int_equal(after.snd_wnd, before.snd_wnd);
	assert_int_equal(after.rcv_nxt, before.rcv_nxt);
	peer_fini(&p);
}

static void rfc7323_5_3_timestamps_wrap(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	peer_established(&p, SEG(.mss = 1460, .has_ts = true, .ts_val = UINT32_MAX - 5));
	inject_ts(&p, p.snd, UINT32_MAX, 10);
	inject_ts(&p, p.snd + 10, 3, 10);
	assert_int_equal(p.received_len, 20);
	inject_ts(&p, p.snd + 20, UINT32_MAX - 1, 10);
	assert_int_equal(p.received_len, 20);
	peer_fini(&p);
}

static void rfc7323_5_2_resets_are_not_subject_to_paws(void **state)
{
	struct peer p;

	(void)state;
	peer_init(&p, NULL);
	with_timestamps(&p);
	peer_inject(&p, SEG(.flags = R, .seq = p.snd, .has_ts = true, .ts_val = 1));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	assert_int_equal(p.why, STREAM_END_RESET);
	peer_fini(&p);
}

/* RFC 7323 section 5.5: after 24 days the peer's clock may have wrapped its sign bit. */
static void rfc7323_5_5_a_timestamp_of_24_days_ago_is_no_measure(void **state)
{
	struct peer p;

	(void)state;
	for (uint64_t days = 23; days <= 25; days += 2) {
		peer_init(&p, NULL);
		with_timestamps(&p);
		inject_ts(&p, p.snd, 2000, 10);
		peer_advance(&p, days * DAY_S * SECOND);
		while (peer_pending(&p) > 0)
			peer_any(&p);
		inject_ts(&p, p.snd + 10, 1500, 10);
		assert_int_equal(p.received_len, days == 23 ? 10 : 20);
		inject_ts(&p, p.snd + 20, 1501, 10); /* and its clock is learnt anew */
		assert_int_equal(p.received_len, days == 23 ? 10 : 30);
		peer_fini(&p);
	}
}

static void rfc7323_5_3_paws_in_syn_received(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .has_ts = true, .ts_val = 1000));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .has_ts = true, .ts_val = 999));
	peer_expect(&p, SEG(.flags = A, .ack = 1001));
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1)); /* without one */
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_SYN_RECEIVED);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1, .has_ts = true, .ts_val = 1000));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_fini(&p);
}

static void no_timestamps(struct stack_config *c)
{
	c->tcp.timestamps = false;
}

static void rfc7323_3_2_turned_off(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, no_timestamps);
	peer_listen(&p, 80);
	peer_inject(&p, SEG(.flags = S, .seq = 1000, .has_ts = true, .ts_val = 1000, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = S | A));
	assert_false(got.has_ts);
	peer_inject(&p, SEG(.flags = A, .seq = 1001, .ack = got.seq + 1));
	assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
	peer_connect(&p, 99);
	got = peer_expect(&p, SEG(.flags = S));
	assert_false(got.has_ts);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_4_end_nop_and_mss),
		cmocka_unit_test(rfc9293_must_5_options_on_any_segment),
		cmocka_unit_test(rfc9293_must_6_unknown_options_are_skipped),
		cmocka_unit_test(rfc9293_must_7_illegal_lengths),
		cmocka_unit_test(rfc9293_must_7_established_connections_survive_them),
		cmocka_unit_test(rfc9293_must_64_options_of_any_alignment),
		cmocka_unit_test(rfc9293_must_68_must_69_options_of_ours_are_well_formed),
		cmocka_unit_test(rfc9293_must_69_what_follows_end_of_list_is_not_read),
		cmocka_unit_test(rfc9293_must_14_shld_5_may_3_mss_is_sent_with_every_syn),
		cmocka_unit_test(rfc9293_must_67_shld_6_mss_follows_the_mtu),
		cmocka_unit_test(rfc9293_must_15_without_the_option_536),
		cmocka_unit_test(rfc9293_must_14_16_effective_send_mss),
		cmocka_unit_test(rfc9293_3_7_1_a_tiny_mss_is_raised),
		cmocka_unit_test(rfc9293_3_7_1_an_mss_of_zero_is_raised),
		cmocka_unit_test(rfc9293_must_65_mss_on_syns_only),
		cmocka_unit_test(rfc7323_3_2_timestamps_are_answered_if_offered),
		cmocka_unit_test(rfc7323_3_2_the_first_syn_echoes_nothing),
		cmocka_unit_test(rfc7323_3_2_none_after_a_syn_ack_without),
		cmocka_unit_test(rfc7323_3_2_on_every_segment_once_agreed),
		cmocka_unit_test(rfc7323_3_2_a_segment_without_is_dropped_in_silence),
		cmocka_unit_test(rfc7323_5_4_the_clock_ticks_milliseconds_and_has_an_offset),
		cmocka_unit_test(rfc7323_5_4_the_offset_is_the_same_for_all_ports_of_a_peer),
		cmocka_unit_test(rfc7323_4_3_a_delayed_ack_echoes_the_earliest),
		cmocka_unit_test(rfc7323_4_3_b_c_around_a_hole),
		cmocka_unit_test(rfc7323_5_3_an_older_timestamp_is_dropped_and_answered),
		cmocka_unit_test(rfc7323_5_3_an_overtaken_acknowledgement_is_taken),
		cmocka_unit_test(rfc7323_5_3_nothing_else_is_excepted),
		cmocka_unit_test(rfc7323_5_3_timestamps_wrap),
		cmocka_unit_test(rfc7323_5_2_resets_are_not_subject_to_paws),
		cmocka_unit_test(rfc7323_5_5_a_timestamp_of_24_days_ago_is_no_measure),
		cmocka_unit_test(rfc7323_5_3_paws_in_syn_received),
		cmocka_unit_test(rfc7323_3_2_turned_off),
	};

	return cmocka_run_group_tests_name("conformance: options", tests, NULL, NULL);
}
