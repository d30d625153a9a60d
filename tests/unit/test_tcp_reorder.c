/*
 * Text out of order, against a model: for each byte, when its range last grew. What is held, what is reported
 * and in which order, and what is taken must be the model's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "base/random.h"
#include "tcp/tcp_reorder.h"

enum { SPACE = 6000, SEEDS = 3000, STEPS = 120, ENOUGH = 100000 };

struct fixture {
	struct pool ranges, chunks;
	struct tcp_reorder q;
	struct seq base;
};

static void init(struct fixture *f, size_t chunks, uint32_t base)
{
	pool_init(&f->ranges, "ranges", sizeof(struct rx_range), chunks);
	pool_init(&f->chunks, "chunks", TCP_CHUNK_SIZE, chunks);
	tcp_reorder_init(&f->q, &f->ranges, &f->chunks);
	f->base = seq_of(base);
}

static void fini(struct fixture *f)
{
	tcp_reorder_free(&f->q);
	assert_int_equal(f->chunks.in_use, 0);
	assert_int_equal(f->ranges.in_use, 0);
	pool_fini(&f->ranges);
	pool_fini(&f->chunks);
}

static uint8_t octet(uint32_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static enum tcp_reorder_result store_within(struct fixture *f, uint32_t from, uint32_t to,
					    uint32_t max_chunks, struct sack_block *held)
{
	uint8_t *text = malloc(to - from);
	enum tcp_reorder_result result;

	assert_non_null(text);
	for (uint32_t i = from; i < to; i++)
		text[i - from] = octet(i);
	result = tcp_reorder_store(&f->q, seq_add(f->base, from), bytes_of(text, to - from), max_chunks,
				   held);
	tcp_reorder_check(&f->q, f->base);
	free(text);
	return result;
}

static enum tcp_reorder_result store(struct fixture *f, uint32_t from, uint32_t to)
{
	struct sack_block held;
	return store_within(f, from, to, ENOUGH, &held);
}

static void assert_block(const struct fixture *f, const struct sack_block *b, uint32_t left, uint32_t right)
{
	assert_int_equal(seq_len(b->left, f->base), left);
	assert_int_equal(seq_len(b->right, f->base), right);
}

/* ---- the model ---- */

struct island {
	uint32_t left, right, stamp;
};

struct model {
	uint32_t stamp[SPACE]; /* when the range of this byte last grew; 0: not held */
	uint32_t now, rcv_nxt;
};

static unsigned islands(const struct model *m, struct island *out)
{
	unsigned n = 0;

	for (uint32_t i = m->rcv_nxt; i < SPACE; i++) {
		if (m->stamp[i] == 0)
			continue;
		out[n] = (struct island){ i, i, m->stamp[i] };
		while (i < SPACE && m->stamp[i] != 0)
			i++;
		out[n++].right = i;
	}
	return n;
}

static int newest_first(const void *a, const void *b)
{
	uint32_t x = ((const struct island *)a)->stamp, y = ((const struct island *)b)->stamp;
	return x < y ? 1 : -(x > y);
}

static void model_store(struct model *m, uint32_t from, uint32_t to)
{
	m->now++;
	for (uint32_t i = from; i < to; i++)
		m->stamp[i] = m->now;
	for (uint32_t i = from; i-- > m->rcv_nxt && m->stamp[i] != 0;)
		m->stamp[i] = m->now;
	for (uint32_t i = to; i < SPACE && m->stamp[i] != 0; i++)
		m->stamp[i] = m->now;
}

static struct island model_first_held(const struct model *m, uint32_t from, uint32_t to)
{
	struct island b = { from, from, 0 };

	while (b.left < to && m->stamp[b.left] == 0)
		b.left++;
	if (b.left == to)
		return (struct island){ from, from, 0 };
	for (b.right = b.left; b.right < to && m->stamp[b.right] != 0;)
		b.right++;
	return b;
}

/* ---- the two side by side ---- */

static void store_both(struct fixture *f, struct model *m, uint32_t from, uint32_t to)
{
	struct island expected = model_first_held(m, from, to);
	struct sack_block held;
	enum tcp_reorder_result result = store_within(f, from, to, ENOUGH, &held);

	if (expected.left != expected.right)
		assert_block(f, &held, expected.left, expected.right);
	else
		assert_true(seq_eq(held.left, held.right));
	assert_int_equal(result, expected.right - expected.left == to - from ? TCP_REORDER_HELD :
									       TCP_REORDER_STORED);
	model_store(m, from, to);
}

static void report_both(struct fixture *f, const struct model *m, unsigned max)
{
	struct island expected[SPACE / 2];
	struct sack_block got[TCP_SACK_BLOCKS];
	unsigned n = islands(m, expected), reported;

	while (f->q.n_untold > max) /* those have their own test */
		assert_int_equal(tcp_reorder_report(&f->q, NULL, max, got), max);
	reported = tcp_reorder_report(&f->q, NULL, max, got);
	qsort(expected, n, sizeof expected[0], newest_first);
	assert_int_equal(reported, min_u32(n, max));
	for (unsigned i = 0; i < reported; i++)
		assert_block(f, &got[i], expected[i].left, expected[i].right);
	assert_int_equal(f->q.n_untold, 0);
}

/* Text in order up to `to`, and what it makes available. */
static void advance_both(struct fixture *f, struct model *m, uint32_t to)
{
	struct sack_block covered = tcp_reorder_covered(&f->q, seq_add(f->base, to));
	struct island expected = model_first_held(m, m->rcv_nxt, to);
	struct rx_chunk *k;

	if (expected.left != expected.right)
		assert_block(f, &covered, expected.left, expected.right);
	else
		assert_true(seq_eq(covered.left, covered.right));
	m->rcv_nxt = to;
	while ((k = tcp_reorder_take(&f->q, seq_add(f->base, m->rcv_nxt))) != NULL) {
		assert_int_equal(seq_len(k->seq, f->base), m->rcv_nxt);
		for (uint32_t i = 0; i < k->len; i++, m->rcv_nxt++) {
			assert_int_not_equal(m->stamp[m->rcv_nxt], 0);
			assert_int_equal(k->data[k->start + i], octet(m->rcv_nxt));
		}
		pool_give(&f->chunks, k);
	}
	assert_true(m->rcv_nxt == SPACE || m->stamp[m->rcv_nxt] == 0);
	tcp_reorder_check(&f->q, seq_add(f->base, m->rcv_nxt));
}

static void run(uint32_t seed)
{
	static const uint32_t sizes[] = { 1, 2, 40, 500, 3000 };
	struct random r;
	struct fixture f;
	struct model *m = calloc(1, sizeof *m);
	uint32_t size;

	assert_non_null(m);
	random_init(&r, seed + 1);
	init(&f, ENOUGH, UINT32_MAX - random_u32(&r) % SPACE);
	size = sizes[random_u32(&r) % ARRAY_LENGTH(sizes)];
	for (unsigned i = 0; i < STEPS && m->rcv_nxt + 2 < SPACE; i++) {
		uint32_t from = m->rcv_nxt + 1 + random_u32(&r) % (SPACE - m->rcv_nxt - 2);
		uint32_t to = min_u32(SPACE, from + 1 + random_u32(&r) % size);
		if (random_u32(&r) % 16 == 0)
			advance_both(&f, m, min_u32(SPACE, m->rcv_nxt + 1 + random_u32(&r) % size));
		else
			store_both(&f, m, from, to);
		if (random_u32(&r) % 2 == 0)
			report_both(&f, m, 1 + random_u32(&r) % TCP_SACK_BLOCKS);
	}
	fini(&f);
	free(m);
}

static void random_segments_are_held_reported_and_taken_as_by_the_model(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < SEEDS; seed++)
		run(seed);
}

/* ---- reports ---- */

static void more_untold_ranges_than_blocks_are_all_told_the_newest_last(void **state)
{
	struct fixture f;
	struct sack_block got[3];

	(void)state;
	init(&f, ENOUGH, UINT32_MAX - 50);
	for (uint32_t i = 0; i < 7; i++)
		store(&f, 10 + 20 * i, 20 + 20 * i);
	assert_int_equal(f.q.n_untold, 7);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 3, got), 3);
	assert_block(&f, &got[0], 50, 60);
	assert_block(&f, &got[1], 30, 40);
	assert_block(&f, &got[2], 10, 20);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 3, got), 3);
	assert_block(&f, &got[0], 110, 120);
	assert_block(&f, &got[2], 70, 80);
	assert_int_equal(f.q.n_untold, 1);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 3, got), 3);
	assert_block(&f, &got[0], 130, 140);
	assert_block(&f, &got[1], 110, 120);
	assert_int_equal(f.q.n_untold, 0);
	fini(&f);
}

static void the_range_around_a_duplicate_comes_first(void **state)
{
	struct fixture f;
	struct sack_block got[3], duplicate;

	(void)state;
	init(&f, ENOUGH, 1000);
	for (uint32_t i = 0; i < 3; i++)
		store(&f, 10 + 20 * i, 20 + 20 * i);
	duplicate = (struct sack_block){ seq_of(1012), seq_of(1014) };
	assert_int_equal(tcp_reorder_report(&f.q, &duplicate, 2, got), 2);
	assert_block(&f, &got[0], 10, 20);
	assert_int_equal(tcp_reorder_report(&f.q, &duplicate, 3, got), 3);
	assert_block(&f, &got[0], 10, 20);
	assert_block(&f, &got[1], 50, 60);
	assert_block(&f, &got[2], 30, 40);
	duplicate = (struct sack_block){ seq_of(1015), seq_of(1025) }; /* in none */
	assert_int_equal(tcp_reorder_report(&f.q, &duplicate, 3, got), 3);
	assert_block(&f, &got[2], 10, 20);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 0, got), 0);
	fini(&f);
}

/* ---- limits ---- */

static void the_number_of_ranges_is_bounded(void **state)
{
	struct fixture f;
	uint32_t at = 1;

	(void)state;
	init(&f, ENOUGH, UINT32_MAX - 100);
	for (unsigned i = 0; i < TCP_REORDER_RANGES; i++, at += 2)
		assert_int_equal(store(&f, at, at + 1), TCP_REORDER_STORED);
	assert_int_equal(store(&f, at, at + 1), TCP_REORDER_FULL);
	assert_int_equal(f.q.n_ranges, TCP_REORDER_RANGES);
	/* A range held may grow, and what joins two makes room. */
	assert_int_equal(store(&f, at - 1, at), TCP_REORDER_STORED);
	assert_int_equal(store(&f, 2, 3), TCP_REORDER_STORED);
	assert_int_equal(store(&f, at + 1, at + 2), TCP_REORDER_STORED);
	/* One segment across all of them. */
	assert_int_equal(store(&f, 1, at + 2), TCP_REORDER_STORED);
	assert_int_equal(f.q.n_ranges, 1);
	fini(&f);
}

static void single_octets_backwards_and_in_combs_end_in_full_chunks(void **state)
{
	struct fixture f;

	(void)state;
	init(&f, ENOUGH, 0);
	for (uint32_t at = SPACE; at > 1; at--)
		store(&f, at - 1, at);
	assert_int_equal(f.q.n_ranges, 1);
	assert_in_range(f.q.n_chunks, SPACE / TCP_CHUNK_ROOM, 2 * (SPACE / TCP_CHUNK_ROOM) + 2);
	tcp_reorder_free(&f.q);
	for (uint32_t at = 1; at < 2 * TCP_REORDER_RANGES; at += 2)
		store(&f, at, at + 1);
	for (uint32_t at = 2; at < 2 * TCP_REORDER_RANGES; at += 2)
		store(&f, at, at + 1);
	assert_int_equal(f.q.n_ranges, 1);
	assert_int_equal(f.q.n_chunks, 1);
	fini(&f);
}

static void what_finds_no_room_is_refused_and_nothing_held_is_lost(void **state)
{
	struct fixture f;
	struct sack_block held, got;

	(void)state;
	init(&f, ENOUGH, 0);
	assert_int_equal(store_within(&f, 100, 100 + 3 * TCP_CHUNK_ROOM, 2, &held), TCP_REORDER_FULL);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 1, &got), 1);
	assert_block(&f, &got, 100, 100 + 2 * TCP_CHUNK_ROOM); /* only what is held is reported */
	assert_int_equal(store_within(&f, 10, 20, 2, &held), TCP_REORDER_FULL);
	assert_int_equal(f.q.n_ranges, 1);
	assert_int_equal(store_within(&f, 150, 160, 2, &held), TCP_REORDER_HELD);
	assert_int_equal(tcp_reorder_report(&f.q, NULL, 1, &got), 1);
	assert_block(&f, &got, 100, 100 + 2 * TCP_CHUNK_ROOM);
	fini(&f);
	init(&f, 1, 0);
	assert_int_equal(store(&f, 1, 2 * TCP_CHUNK_ROOM), TCP_REORDER_FULL);
	assert_int_equal(store(&f, 2 * TCP_CHUNK_ROOM, 2 * TCP_CHUNK_ROOM + 1), TCP_REORDER_FULL);
	fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_segments_are_held_reported_and_taken_as_by_the_model),
		cmocka_unit_test(more_untold_ranges_than_blocks_are_all_told_the_newest_last),
		cmocka_unit_test(the_range_around_a_duplicate_comes_first),
		cmocka_unit_test(the_number_of_ranges_is_bounded),
		cmocka_unit_test(single_octets_backwards_and_in_combs_end_in_full_chunks),
		cmocka_unit_test(what_finds_no_room_is_refused_and_nothing_held_is_lost),
	};

	return cmocka_run_group_tests_name("tcp/tcp_reorder", tests, NULL, NULL);
}
