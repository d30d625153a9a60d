/* ip/reassembly.h: whole packets from any fragmentation in any order, and everything that must not become
 * one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ip/reassembly.h"

enum { SECOND = 1000000, HEADER = 20, PEER = 0x0a4d0009, US = 0x0a4d0002 };

struct table {
	struct world world;
	struct ip_stats stats;
	struct ip_reassembly *r;
	/* The last outcome. */
	struct ip_packet packet;
	uint8_t *header;
	enum drop_reason reason;
	/* What timeouts said. */
	unsigned n_reports;
	struct ip_packet reported;
	uint8_t reported_bytes[2048];
};

static uint8_t data[65536];

static void on_timeout(void *context, const struct ip_packet *first)
{
	struct table *t = context;

	t->n_reports++;
	t->reported = *first;
	assert_ptr_equal(first->header.data + first->header.len, first->payload.data);
	assert_true(first->header.len + first->payload.len <= sizeof t->reported_bytes);
	memcpy(t->reported_bytes, first->header.data, first->header.len + first->payload.len);
}

static struct table *table_new(uint64_t seed)
{
	struct table *t = calloc(1, sizeof *t);

	assert_non_null(t);
	assert_int_equal(world_init(&t->world, 5 * SECOND, seed, NULL), 0);
	t->r = reassembly_new(&t->world, &t->stats, on_timeout, t);
	assert_non_null(t->r);
	return t;
}

static void table_free(struct table *t)
{
	reassembly_free(t->r);
	assert_int_equal(t->world.timers.armed, 0);
	free(t);
}

static int set_up(void **state)
{
	*state = table_new(1);
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	return 0;
}

static int tear_down(void **state)
{
	table_free(*state);
	return 0;
}

static uint64_t drops(const struct table *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		n += t->world.drops[i];
	return n;
}

struct piece {
	uint32_t src; /* 0: PEER */
	uint32_t id;
	uint32_t offset;
	uint32_t len;
	bool more;
	uint8_t tos;
	const uint8_t *bytes; /* NULL: data + offset */
};

/* Puts a fragment in; header and payload lie in memory of just their size. */
static enum reassembly_verdict put(struct table *t, const struct piece *p)
{
	struct fragment_info info = {
		.id = p->id, .key_protocol = 17, .offset = p->offset, .more = p->more, .min_first = 8
	};
	uint8_t *bytes = malloc(HEADER + p->len);
	enum reassembly_verdict verdict;

	assert_non_null(bytes);
	memset(bytes, (int)p->id, HEADER);
	memcpy(bytes + HEADER, p->bytes != NULL ? p->bytes : data + p->offset, p->len);
	t->packet = (struct ip_packet){
		.src = ip_addr_from_4(p->src != 0 ? p->src : (uint32_t)PEER),
		.dst = ip_addr_from_4(US),
		.protocol = 17,
		.ttl = 3,
		.tos = p->tos,
		.header = bytes_of(bytes, HEADER),
		.payload = bytes_of(bytes + HEADER, p->len),
	};
	t->reason = DROP_REASON_COUNT;
	verdict = reassembly_input(t->r, &info, &t->packet, &t->header, &t->reason);
	free(bytes);
	return verdict;
}

static void expect_kept(struct table *t, uint32_t id, uint32_t offset, uint32_t len, bool more)
{
	struct piece p = { .id = id, .offset = offset, .len = len, .more = more };

	assert_int_equal(put(t, &p), REASSEMBLY_KEPT);
	assert_int_equal(t->reason, DROP_NONE);
}

static void expect_whole(struct table *t, uint32_t id, uint32_t offset, uint32_t len, bool more,
			 uint32_t total)
{
	struct piece p = { .id = id, .offset = offset, .len = len, .more = more };

	assert_int_equal(put(t, &p), REASSEMBLY_WHOLE);
	assert_int_equal(t->reason, DROP_NONE);
	assert_int_equal(t->packet.payload.len, total);
	assert_memory_equal(t->packet.payload.data, data, total);
	assert_int_equal(t->packet.header.len, HEADER);
	assert_int_equal(t->packet.header.data[0], id & 0xff);
	assert_ptr_equal(t->packet.header.data, t->header);
	assert_ptr_equal(t->header + HEADER, t->packet.payload.data);
}

/* Dropped for this reason, and that counted once. */
static void expect_drop(struct table *t, uint32_t id, uint32_t offset, uint32_t len, bool more,
			enum drop_reason why)
{
	struct piece p = { .id = id, .offset = offset, .len = len, .more = more };
	uint64_t before = drops(t), of_this = t->world.drops[why];

	assert_int_equal(put(t, &p), REASSEMBLY_DROPPED);
	if (t->reason != why)
		fail_msg("%s, not %s", drop_reason_name(t->reason), drop_reason_name(why));
	assert_int_equal(drops(t), before + 1);
	assert_int_equal(t->world.drops[why], of_this + 1);
}

static void expect_empty(const struct table *t)
{
	assert_int_equal(reassembly_datagrams(t->r), 0);
	assert_int_equal(reassembly_bytes(t->r), 0);
	assert_int_equal(t->world.timers.armed, 0);
}

static void advance(struct table *t, uint64_t us)
{
	world_advance(&t->world, t->world.now_us + us);
}

/* --- whole packets --- */

static void test_two_fragments_in_either_order(void **state)
{
	struct table *t = *state;

	expect_kept(t, 1, 0, 16, true);
	expect_whole(t, 1, 16, 5, false, 21);
	expect_kept(t, 2, 16, 5, false);
	expect_whole(t, 2, 0, 16, true, 21);
	expect_empty(t);
	assert_int_equal(t->stats.reasm_reqds, 4);
	assert_int_equal(t->stats.reasm_oks, 2);
	assert_int_equal(t->stats.reasm_fails, 0);
}

static void test_key_is_source_destination_protocol_and_id(void **state)
{
	struct table *t = *state;
	struct fragment_info info = { .id = 1, .key_protocol = 17, .offset = 16, .min_first = 8 };
	uint8_t bytes[28] = { 0 };
	struct ip_packet packet = {
		.src = ip_addr_from_4(PEER),
		.dst = ip_addr_from_4(US),
		.header = bytes_of(bytes, 20),
		.payload = bytes_of(bytes + 20, 8),
	};
	struct ip_packet other = packet;
	uint8_t *header;

	expect_kept(t, 1, 0, 16, true);
	other.src = ip_addr_from_4(PEER + 1);
	assert_int_equal(reassembly_input(t->r, &info, &other, &header, &t->reason), REASSEMBLY_KEPT);
	other = packet;
	other.dst = ip_addr_from_4(US + 1);
	assert_int_equal(reassembly_input(t->r, &info, &other, &header, &t->reason), REASSEMBLY_KEPT);
	info.key_protocol = 6;
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_KEPT);
	info.key_protocol = 17;
	info.id = 2;
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_KEPT);
	info.id = 1;
	assert_int_equal(reassembly_datagrams(t->r), 5);
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_WHOLE);
	assert_int_equal(reassembly_datagrams(t->r), 4);
}

/* Two families, one table: an id of 32 bits, addresses that are no IPv4. */
static void test_ipv6_keys(void **state)
{
	struct table *t = *state;
	struct fragment_info info = { .id = 0xdeadbeef, .more = true, .min_first = 8 };
	uint8_t bytes[56] = { 0 };
	struct ip_packet packet = { .protocol = 6,
				    .header = bytes_of(bytes, 40),
				    .payload = bytes_of(bytes + 40, 16) };
	uint8_t *header;

	assert_true(ip_addr_parse("2001:db8::1", &packet.src));
	assert_true(ip_addr_parse("2001:db8::2", &packet.dst));
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_KEPT);
	info.offset = 16;
	info.more = false;
	packet.protocol = 60; /* the next header of later fragments does not count */
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_WHOLE);
	assert_int_equal(packet.protocol, 6);
	assert_int_equal(packet.header.len, 40);
	assert_int_equal(packet.payload.len, 32);
}

static void test_fields_are_the_first_fragments(void **state)
{
	struct table *t = *state;
	struct piece last = { .offset = 16, .len = 8, .tos = 0x20 },
		     first = { .len = 16, .more = true, .tos = 0x48 };

	assert_int_equal(put(t, &last), REASSEMBLY_KEPT);
	assert_int_equal(put(t, &first), REASSEMBLY_WHOLE);
	assert_int_equal(t->packet.tos, 0x48);
	assert_int_equal(t->packet.ttl, 3);
	assert_int_equal(t->packet.protocol, 17);
}

/* The ECN field of fragments one after another, and of the whole; -1: dropped. */
static void check_ecn(struct table *t, uint8_t a, uint8_t b, int want)
{
	struct piece first = { .len = 16, .more = true, .tos = a },
		     last = { .offset = 16, .len = 8, .tos = b };
	static uint32_t id = 100;

	first.id = last.id = id++;
	assert_int_equal(put(t, &first), REASSEMBLY_KEPT);
	assert_int_equal(put(t, &last), want < 0 ? REASSEMBLY_DROPPED : REASSEMBLY_WHOLE);
	if (want >= 0)
		assert_int_equal(t->packet.tos, want);
}

static void test_ecn_of_fragments_rfc3168_5_3(void **state)
{
	enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3 };

	check_ecn(*state, NOT_ECT, NOT_ECT, NOT_ECT);
	check_ecn(*state, ECT_0, ECT_0, ECT_0);
	check_ecn(*state, ECT_0, CE, CE);
	check_ecn(*state, CE, ECT_0, CE);
	check_ecn(*state, ECT_1, CE, CE);
	check_ecn(*state, CE, CE, CE);
	check_ecn(*state, NOT_ECT, CE, -1);
	check_ecn(*state, CE, NOT_ECT, -1);
}

static void test_largest_packet(void **state)
{
	struct table *t = *state;

	for (uint32_t at = 0; at < 65000; at += 1000)
		expect_kept(t, 1, at, 1000, true);
	expect_whole(t, 1, 65000, 65535 - HEADER - 65000, false, 65535 - HEADER);
}

/* A packet cut at random. */
enum { MOST_PIECES = REASSEMBLY_FRAGMENTS };

static unsigned cut(struct random *r, uint32_t id, uint32_t total, struct piece *pieces)
{
	uint32_t max_step = 8 * (1 + random_below(r, 400));
	uint32_t at = 0;
	unsigned n = 0;

	if (max_step < 8 * (total / 8 / MOST_PIECES + 1) * 2) /* not more pieces than are taken */
		max_step = 8 * (total / 8 / MOST_PIECES + 1) * 2;
	while (at < total) {
		uint32_t len = n + 1 < MOST_PIECES / 2 ? 8 * (1 + random_below(r, max_step / 8)) : max_step;

		if (n + 1 == MOST_PIECES || len >= total - at)
			len = total - at;
		pieces[n++] = (struct piece){ .id = id, .offset = at, .len = len, .more = at + len < total };
		at += len;
	}
	return n;
}

static void shuffle(struct random *r, struct piece *p, unsigned n)
{
	for (; n > 1; n--) {
		unsigned j = random_below(r, n);
		struct piece x = p[j];

		p[j] = p[n - 1];
		p[n - 1] = x;
	}
}

static void check_seed(uint64_t seed)
{
	enum { PACKETS = 4 };
	static struct piece pieces[PACKETS * MOST_PIECES * 2];
	uint32_t totals[PACKETS], left[PACKETS];
	struct table *t = table_new(seed);
	struct random r;
	unsigned n = 0, whole = 0;

	random_init(&r, seed);
	for (unsigned i = 0; i < PACKETS; i++) {
		unsigned n_cut;

		totals[i] = 16 + random_below(&r, random_chance(&r, 500000) ? 3000 : 65535 - HEADER - 16 + 1);
		n_cut = cut(&r, i, totals[i], pieces + n);
		left[i] = n_cut;
		n += n_cut;
	}
	/* Some come twice; the duplicate may be the one that arrives first. */
	for (unsigned i = 0, before = n; i < before; i++)
		if (random_chance(&r, 100000))
			pieces[n++] = pieces[i];
	shuffle(&r, pieces, n);
	for (unsigned i = 0; i < n; i++) {
		struct piece *p = &pieces[i];
		bool seen = left[p->id] == 0;

		for (unsigned j = 0; j < i && !seen; j++)
			seen = pieces[j].id == p->id && pieces[j].offset == p->offset;
		if (left[p->id] == 0)
			continue; /* a duplicate of a finished one would begin a new packet */
		left[p->id] -= !seen;
		if (left[p->id] == 0 && !seen) {
			expect_whole(t, p->id, p->offset, p->len, p->more, totals[p->id]);
			whole++;
		} else {
			expect_kept(t, p->id, p->offset, p->len, p->more);
		}
	}
	assert_int_equal(whole, PACKETS);
	assert_int_equal(drops(t), 0);
	expect_empty(t);
	table_free(t);
}

static void test_any_fragmentation_in_any_order_gives_the_packet(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++)
		check_seed(seed);
}

/* --- overlaps --- */

static void test_exact_duplicate_is_no_overlap_rfc5722(void **state)
{
	struct table *t = *state;

	expect_kept(t, 1, 0, 16, true);
	expect_kept(t, 1, 0, 16, true);
	expect_kept(t, 1, 32, 8, false);
	expect_kept(t, 1, 32, 8, false);
	expect_whole(t, 1, 16, 16, true, 40);
}

static void test_duplicate_with_other_bytes_is_an_overlap(void **state)
{
	struct table *t = *state;
	struct piece other = { .id = 1, .len = 16, .more = true, .bytes = data + 1 };

	expect_kept(t, 1, 0, 16, true);
	assert_int_equal(put(t, &other), REASSEMBLY_DROPPED);
	assert_int_equal(t->reason, DROP_FRAGMENT_OVERLAP);
	expect_drop(t, 1, 16, 8, false, DROP_FRAGMENT_OVERLAP);
}

/* With 16..32 there: everything that touches a byte of it. */
static void test_every_overlap_condemns_the_packet_rfc5722(void **state)
{
	struct table *t = *state;
	uint32_t id = 0, condemned = 0;

	for (uint32_t offset = 0; offset <= 40; offset += 8) {
		for (uint32_t len = 8; len <= 48; len += 8) {
			bool overlaps = offset < 32 && offset + len > 16 && !(offset == 16 && len == 16);

			id++;
			expect_kept(t, id, 16, 16, true);
			if (!overlaps) {
				expect_kept(t, id, offset, len, true);
				continue;
			}
			condemned++;
			expect_drop(t, id, offset, len, true, DROP_FRAGMENT_OVERLAP);
			/* What comes later cannot make it whole. */
			expect_drop(t, id, 0, 16, true, DROP_FRAGMENT_OVERLAP);
			expect_drop(t, id, 16, 16, true, DROP_FRAGMENT_OVERLAP);
			expect_drop(t, id, 32, 8, false, DROP_FRAGMENT_OVERLAP);
		}
	}
	assert_int_equal(t->stats.reasm_fails, condemned);
	assert_int_equal(t->stats.reasm_oks, 0);
}

static void test_teardrop(void **state)
{
	struct table *t = *state;

	expect_kept(t, 1, 0, 40, true);
	expect_drop(t, 1, 24, 4, false, DROP_FRAGMENT_OVERLAP); /* ends within the first */
	assert_int_equal(reassembly_bytes(t->r), 0);            /* and the first is gone */
}

static void test_condemned_packet_is_forgotten_after_the_timeout(void **state)
{
	struct table *t = *state;

	expect_kept(t, 1, 0, 16, true);
	expect_drop(t, 1, 8, 16, true, DROP_FRAGMENT_OVERLAP);
	advance(t, REASSEMBLY_TIMEOUT_US - SECOND);
	expect_drop(t, 1, 16, 8, false, DROP_FRAGMENT_OVERLAP);
	advance(t, SECOND + 1000);
	expect_empty(t);
	assert_int_equal(t->n_reports, 0); /* nobody is told */
	assert_int_equal(t->world.drops[DROP_FRAGMENT_TIMEOUT], 0);
	expect_kept(t, 1, 0, 16, true);
	expect_whole(t, 1, 16, 8, false, 24);
}

/* One fragment too many at a random place, over many seeds: the packet never comes out. */
static void test_random_overlap_never_gives_a_packet(void **state)
{
	static struct piece pieces[MOST_PIECES + 1];

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct table *t = table_new(seed);
		uint32_t total, victim;
		struct piece *forged;
		struct random r;
		unsigned n;

		random_init(&r, seed);
		total = 64 + random_below(&r, 8000);
		n = cut(&r, 1, total, pieces);
		victim = random_below(&r, n);
		forged = &pieces[n];
		*forged = pieces[victim];
		forged->more = true;
		forged->offset += 8 * random_below(&r, (forged->len + 7) / 8);
		forged->len = 8 * (1 + random_below(&r, 50));
		forged->bytes = data + 3;
		if (forged->offset + forged->len == pieces[victim].offset + pieces[victim].len &&
		    forged->offset == pieces[victim].offset)
			forged->len += 8;
		/* The forged one comes before the last of the others. */
		shuffle(&r, pieces, n + 1);
		if (pieces[n].bytes != NULL) {
			struct piece x = pieces[n];

			pieces[n] = pieces[0];
			pieces[0] = x;
		}
		for (unsigned i = 0; i <= n; i++)
			assert_int_not_equal(put(t, &pieces[i]), REASSEMBLY_WHOLE);
		assert_true(t->world.drops[DROP_FRAGMENT_OVERLAP] + t->world.drops[DROP_FRAGMENT_MALFORMED] >
			    0);
		assert_int_equal(t->stats.reasm_oks, 0);
		table_free(t);
	}
}

static void test_two_ends_condemn_the_packet(void **state)
{
	struct table *t = *state;

	expect_kept(t, 1, 16, 8, false);
	expect_drop(t, 1, 24, 8, false, DROP_FRAGMENT_MALFORMED); /* a later end */
	expect_drop(t, 1, 0, 16, true, DROP_FRAGMENT_MALFORMED);
	expect_kept(t, 2, 32, 8, false);
	expect_drop(t, 2, 16, 8, false, DROP_FRAGMENT_MALFORMED); /* an earlier one */
	expect_kept(t, 3, 16, 8, false);
	expect_drop(t, 3, 24, 8, true, DROP_FRAGMENT_MALFORMED); /* more behind the end */
	expect_kept(t, 4, 32, 8, true);
	expect_drop(t, 4, 16, 8, false, DROP_FRAGMENT_MALFORMED); /* an end before what is there */
	expect_kept(t, 5, 16, 8, true);
	expect_kept(t, 5, 24, 8, false); /* just behind */
	expect_whole(t, 5, 0, 16, true, 32);
}

/* --- malformed --- */

static void test_impossible_fragments_are_dropped_alone(void **state)
{
	struct table *t = *state;

	expect_drop(t, 1, 0, 0, true, DROP_FRAGMENT_MALFORMED); /* nothing in it */
	expect_drop(t, 1, 16, 0, false, DROP_FRAGMENT_MALFORMED);
	for (uint32_t len = 9; len < 16; len++)
		expect_drop(t, 1, 0, len, true, DROP_FRAGMENT_MALFORMED); /* no multiple of 8, not the last */
	expect_empty(t);
	expect_kept(t, 1, 0, 16, true);
	expect_drop(t, 1, 16, 15, true, DROP_FRAGMENT_MALFORMED);
	expect_whole(t, 1, 16, 15, false, 31); /* the good ones go together all the same */
}

static void test_ping_of_death(void **state)
{
	struct table *t = *state;
	struct piece last = { .id = 1, .offset = 65528, .len = 1480, .bytes = data };

	expect_kept(t, 1, 0, 1480, true);
	assert_int_equal(put(t, &last), REASSEMBLY_DROPPED);
	assert_int_equal(t->reason, DROP_FRAGMENT_MALFORMED);
	last.offset = 65512;
	last.len = 3; /* header and all 65535: the last that is possible */
	assert_int_equal(put(t, &last), REASSEMBLY_KEPT);
	last.id = 2;
	last.len = 4;
	assert_int_equal(put(t, &last), REASSEMBLY_DROPPED);
	assert_int_equal(t->reason, DROP_FRAGMENT_MALFORMED);
}

/* Each fragment fits with its own header; with the first one's options the packet would be too long. */
static void test_first_header_with_options_counts_for_the_total(void **state)
{
	struct table *t = *state;
	struct fragment_info info = { .id = 1, .key_protocol = 17, .more = true, .min_first = 8 };
	struct ip_packet first = {
		.src = ip_addr_from_4(PEER),
		.dst = ip_addr_from_4(US),
		.header = bytes_of(data, 60),
		.payload = bytes_of(data + 60, 1000),
	};
	uint8_t *header;

	assert_int_equal(reassembly_input(t->r, &info, &first, &header, &t->reason), REASSEMBLY_KEPT);
	for (uint32_t at = 1000; at < 65000; at += 1000)
		expect_kept(t, 1, at, 1000, true);
	expect_drop(t, 1, 65000, 515, false, DROP_FRAGMENT_MALFORMED);
	assert_int_equal(reassembly_bytes(t->r), 0);
}

static void test_tiny_first_fragment_rfc1858(void **state)
{
	struct table *t = *state;
	struct fragment_info info = { .id = 1, .key_protocol = 6, .more = true, .min_first = 20 };
	struct ip_packet packet = { .src = ip_addr_from_4(PEER),
				    .dst = ip_addr_from_4(US),
				    .header = bytes_of(data, 20) };
	uint8_t *header;

	for (uint32_t len = 8; len < 24; len += 8) {
		packet.payload = bytes_of(data, len);
		assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason),
				 REASSEMBLY_DROPPED);
		assert_int_equal(t->reason, DROP_FRAGMENT_MALFORMED);
	}
	/* RFC 3128: nor may a later one begin within the header. */
	for (info.offset = 8; info.offset < 24; info.offset += 8) {
		assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason),
				 REASSEMBLY_DROPPED);
		assert_int_equal(t->reason, DROP_FRAGMENT_MALFORMED);
	}
	assert_int_equal(reassembly_input(t->r, &info, &packet, &header, &t->reason), REASSEMBLY_KEPT);
	expect_drop(t, 2, 0, 0, true, DROP_FRAGMENT_MALFORMED);
}

/* --- time --- */

static void test_timeout_reports_the_first_fragment(void **state)
{
	struct table *t = *state;

	expect_kept(t, 7, 16, 8, true);
	expect_kept(t, 7, 0, 16, true);
	advance(t, REASSEMBLY_TIMEOUT_US - 1000);
	assert_int_equal(reassembly_datagrams(t->r), 1);
	advance(t, 2000);
	expect_empty(t);
	assert_int_equal(t->n_reports, 1);
	assert_int_equal(t->reported.header.len, HEADER);
	assert_int_equal(t->reported.payload.len, 16);
	assert_memory_equal(t->reported_bytes + HEADER, data, 16);
	assert_int_equal(t->reported.protocol, 17);
	assert_int_equal(ip_addr_to_4(&t->reported.src), PEER);
	assert_int_equal(ip_addr_to_4(&t->reported.dst), US);
	assert_int_equal(t->world.drops[DROP_FRAGMENT_TIMEOUT], 1);
	assert_int_equal(t->stats.reasm_timeouts, 1);
	assert_int_equal(t->stats.reasm_fails, 1);
}

static void test_timeout_without_the_first_fragment_is_silent(void **state)
{
	struct table *t = *state;

	expect_kept(t, 7, 16, 8, true);
	advance(t, REASSEMBLY_TIMEOUT_US + 1000);
	expect_empty(t);
	assert_int_equal(t->n_reports, 0);
	assert_int_equal(t->world.drops[DROP_FRAGMENT_TIMEOUT], 1);
}

/* A fragment now and then does not keep a packet alive (RFC 8200 section 4.5: from the first arrival). */
static void test_later_fragments_do_not_move_the_timeout(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < 29; i++) {
		expect_kept(t, 1, 8 * i, 8, true);
		advance(t, SECOND);
	}
	advance(t, SECOND + 1000);
	expect_empty(t);
}

static void test_each_packet_has_its_own_time(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < 20; i++) {
		expect_kept(t, i, 0, 8, true);
		advance(t, SECOND);
	}
	expect_whole(t, 3, 8, 8, false, 16);
	advance(t, REASSEMBLY_TIMEOUT_US - 20 * SECOND - 1000);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(reassembly_datagrams(t->r), i < 4 ? 19 - i : 20 - i);
		advance(t, SECOND);
	}
	expect_empty(t);
	assert_int_equal(t->n_reports, 19);
}

/* --- limits --- */

static void test_too_many_fragments_of_one_packet(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < REASSEMBLY_FRAGMENTS; i++)
		expect_kept(t, 1, 8 * i, 8, true);
	expect_drop(t, 1, 8 * REASSEMBLY_FRAGMENTS, 8, false, DROP_FRAGMENT_LIMIT);
	assert_int_equal(reassembly_bytes(t->r), 0);
	expect_drop(t, 1, 0, 8, true, DROP_FRAGMENT_LIMIT);
}

static void test_one_source_pushes_out_only_its_own_oldest(void **state)
{
	struct table *t = *state;
	struct piece other = { .src = PEER + 1, .id = 1, .offset = 0, .len = 16, .more = true };
	struct piece rest = { .src = PEER + 1, .id = 1, .offset = 16, .len = 16 };

	assert_int_equal(put(t, &other), REASSEMBLY_KEPT); /* the oldest of all */
	for (uint32_t i = 0; i < REASSEMBLY_SHARE_DATAGRAMS; i++)
		expect_kept(t, i, 0, 16, true);
	assert_int_equal(drops(t), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		expect_kept(t, 1000 + i, 0, 16, true);
		assert_int_equal(t->world.drops[DROP_FRAGMENT_LIMIT], i + 1);
	}
	assert_int_equal(reassembly_datagrams(t->r), REASSEMBLY_SHARE_DATAGRAMS + 1);
	assert_int_equal(put(t, &rest), REASSEMBLY_WHOLE);
	/* The newest of the flood are still there. */
	expect_whole(t, 1999, 16, 8, false, 24);
	expect_whole(t, 2000 - REASSEMBLY_SHARE_DATAGRAMS, 16, 8, false, 24);
}

static void test_full_table_gives_up_the_oldest(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < 3 * REASSEMBLY_DATAGRAMS; i++) {
		struct piece p = { .src = 0x0b000000 + i, .id = 1, .len = 16, .more = true };

		assert_int_equal(put(t, &p), REASSEMBLY_KEPT);
		assert_true(reassembly_datagrams(t->r) <= REASSEMBLY_DATAGRAMS);
	}
	assert_int_equal(reassembly_datagrams(t->r), REASSEMBLY_DATAGRAMS);
	assert_int_equal(t->world.drops[DROP_FRAGMENT_LIMIT], 2 * REASSEMBLY_DATAGRAMS);
	assert_int_equal(t->stats.reasm_fails, 2 * REASSEMBLY_DATAGRAMS);
}

static void test_condemned_records_that_are_pushed_out_are_not_counted_again(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < REASSEMBLY_SHARE_DATAGRAMS; i++) {
		expect_kept(t, i, 0, 16, true);
		expect_drop(t, i, 8, 16, true, DROP_FRAGMENT_OVERLAP);
	}
	expect_kept(t, 1000, 0, 16, true);
	assert_int_equal(t->world.drops[DROP_FRAGMENT_LIMIT], 0);
	assert_int_equal(t->stats.reasm_fails, REASSEMBLY_SHARE_DATAGRAMS);
}

static void test_bytes_of_one_source(void **state)
{
	struct table *t = *state;
	struct piece other = { .src = PEER + 1, .id = 1, .len = 16, .more = true };

	assert_int_equal(put(t, &other), REASSEMBLY_KEPT);
	for (uint32_t id = 0; id < 40; id++)
		for (uint32_t at = 0; at < 60000; at += 1480) {
			expect_kept(t, id, at, 1480, true);
			assert_true(reassembly_bytes(t->r) <= REASSEMBLY_SHARE_BYTES + 100);
		}
	assert_true(reassembly_bytes(t->r) > REASSEMBLY_SHARE_BYTES / 2);
	assert_int_equal(t->world.drops[DROP_FRAGMENT_LIMIT], 40 - (reassembly_datagrams(t->r) - 1));
	other.offset = 16;
	other.more = false;
	assert_int_equal(put(t, &other), REASSEMBLY_WHOLE);
}

static void test_bytes_of_all(void **state)
{
	struct table *t = *state;

	for (uint32_t i = 0; i < 200; i++)
		for (uint32_t at = 0; at < 60000; at += 1480) {
			struct piece p = {
				.src = 0x0b000000 + i, .id = 1, .offset = at, .len = 1480, .more = true
			};

			assert_int_equal(put(t, &p), REASSEMBLY_KEPT);
			assert_true(reassembly_bytes(t->r) <= REASSEMBLY_BYTES);
		}
	assert_true(reassembly_bytes(t->r) > REASSEMBLY_BYTES / 2);
	assert_true(t->world.drops[DROP_FRAGMENT_LIMIT] > 0);
	advance(t, REASSEMBLY_TIMEOUT_US + 1000);
	expect_empty(t);
}

/* Random fragments of a few packets, most of them nonsense: limits hold, every drop is counted, nothing is
 * left behind. */
static void test_random_fragments(void **state)
{
	struct table *t = *state;
	struct random r;

	random_init(&r, 42);
	for (unsigned i = 0; i < 300000; i++) {
		struct piece p = {
			.src = PEER + random_below(&r, 5),
			.id = random_below(&r, 200),
			.offset = 8 *
				  (random_chance(&r, 900000) ? random_below(&r, 10) : random_below(&r, 8192)),
			.len = random_chance(&r, 900000) ? 8 * random_below(&r, 5) : random_below(&r, 1500),
			.more = random_chance(&r, 700000),
			.tos = (uint8_t)(random_chance(&r, 10000) ? 3 : 0),
			.bytes = data,
		};
		uint64_t before = drops(t);
		enum reassembly_verdict verdict = put(t, &p);

		if (verdict == REASSEMBLY_DROPPED)
			assert_true(drops(t) > before && t->reason != DROP_NONE);
		else
			assert_int_equal(t->reason, DROP_NONE);
		if (verdict == REASSEMBLY_WHOLE)
			assert_in_range(t->packet.payload.len, 8, 65515);
		assert_true(reassembly_datagrams(t->r) <= REASSEMBLY_DATAGRAMS);
		if (random_chance(&r, 1000))
			advance(t, random_below(&r, 20 * SECOND));
	}
	assert_true(t->stats.reasm_oks > 100);
	advance(t, REASSEMBLY_TIMEOUT_US + 1000);
	expect_empty(t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_two_fragments_in_either_order),
		T(test_key_is_source_destination_protocol_and_id),
		T(test_ipv6_keys),
		T(test_fields_are_the_first_fragments),
		T(test_ecn_of_fragments_rfc3168_5_3),
		T(test_largest_packet),
		T(test_any_fragmentation_in_any_order_gives_the_packet),
		T(test_exact_duplicate_is_no_overlap_rfc5722),
		T(test_duplicate_with_other_bytes_is_an_overlap),
		T(test_every_overlap_condemns_the_packet_rfc5722),
		T(test_teardrop),
		T(test_condemned_packet_is_forgotten_after_the_timeout),
		T(test_random_overlap_never_gives_a_packet),
		T(test_two_ends_condemn_the_packet),
		T(test_impossible_fragments_are_dropped_alone),
		T(test_ping_of_death),
		T(test_first_header_with_options_counts_for_the_total),
		T(test_tiny_first_fragment_rfc1858),
		T(test_timeout_reports_the_first_fragment),
		T(test_timeout_without_the_first_fragment_is_silent),
		T(test_later_fragments_do_not_move_the_timeout),
		T(test_each_packet_has_its_own_time),
		T(test_too_many_fragments_of_one_packet),
		T(test_one_source_pushes_out_only_its_own_oldest),
		T(test_full_table_gives_up_the_oldest),
		T(test_condemned_records_that_are_pushed_out_are_not_counted_again),
		T(test_bytes_of_one_source),
		T(test_bytes_of_all),
		T(test_random_fragments),
	};

	return cmocka_run_group_tests_name("reassembly", tests, NULL, NULL);
}
