/* The queue between two threads: order, what happens at the end of the ring and when it is full, and both at
 * work at once. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/spsc.h"

enum { SIZE = 1024, RECORDS = 200000, HEADER = 16 };

static bool put(struct spsc *q, uint8_t mark, size_t len, size_t spare)
{
	uint8_t *record = spsc_reserve(q, len, spare);

	if (record == NULL)
		return false;
	assert_int_equal((uintptr_t)record % 16, 0);
	memset(record, mark, len);
	spsc_commit(q);
	return true;
}

static void expect(struct spsc *q, uint8_t mark, size_t len)
{
	const uint8_t *record = spsc_take(q);

	assert_non_null(record);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(record[i], mark);
}

static void records_come_in_order(void **state)
{
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	assert_true(spsc_is_empty(&q));
	assert_null(spsc_take(&q));
	for (uint8_t i = 1; i <= 5; i++)
		assert_true(put(&q, i, i * 7u, 0));
	assert_false(spsc_is_empty(&q));
	for (uint8_t i = 1; i <= 5; i++)
		expect(&q, i, i * 7u);
	assert_true(spsc_is_empty(&q));
	assert_null(spsc_take(&q));
	spsc_fini(&q);
}

static void what_is_not_committed_has_not_been(void **state)
{
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	assert_non_null(spsc_reserve(&q, 10, 0));
	assert_null(spsc_take(&q));
	assert_true(put(&q, 1, 20, 0));
	expect(&q, 1, 20);
	assert_null(spsc_take(&q));
	spsc_fini(&q);
}

static void what_was_taken_stays_until_it_is_given_back(void **state)
{
	enum { LEN = SIZE / 4 - HEADER };
	const uint8_t *first;
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	for (uint8_t i = 0; i < 4; i++)
		assert_true(put(&q, i, LEN, 0));
	assert_false(put(&q, 9, 1, 0));
	first = spsc_take(&q);
	expect(&q, 1, LEN);
	assert_false(put(&q, 9, 1, 0));
	assert_int_equal(first[0], 0);
	spsc_give_back(&q);
	assert_true(put(&q, 4, LEN, 0));
	assert_true(put(&q, 5, LEN, 0));
	assert_false(put(&q, 9, 1, 0));
	for (uint8_t i = 2; i <= 5; i++)
		expect(&q, i, LEN);
	assert_null(spsc_take(&q));
	spsc_fini(&q);
}

static void spare_bytes_are_left_free(void **state)
{
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	assert_true(put(&q, 0, SIZE / 2 - HEADER, SIZE / 2));
	assert_false(put(&q, 1, 1, SIZE / 2));
	assert_true(put(&q, 1, SIZE / 2 - HEADER, 0));
	expect(&q, 0, SIZE / 2 - HEADER);
	expect(&q, 1, SIZE / 2 - HEADER);
	spsc_give_back(&q);
	assert_true(put(&q, 2, 1, SIZE / 2));
	spsc_fini(&q);
}

/* At each place at which a record can meet the end of the ring. */
static void a_record_lies_in_one_piece(void **state)
{
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	for (unsigned i = 0; i < 5000; i++) {
		size_t len = 1 + i * 37 % (SIZE / 2 - HEADER);

		assert_true(put(&q, (uint8_t)i, len, 0));
		expect(&q, (uint8_t)i, len);
		spsc_give_back(&q);
		assert_null(spsc_take(&q));
	}
	spsc_fini(&q);
}

/* ---- two threads ---- */

static size_t length_of(struct random *r)
{
	return 4 + random_below(r, SIZE / 4);
}

/* Each record holds its number, and that in its last byte too. */
static void *produce(void *context)
{
	struct spsc *q = context;
	struct random r;

	random_init(&r, 1);
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t len = length_of(&r);
		uint8_t *record;

		while ((record = spsc_reserve(q, len, 0)) == NULL)
			sched_yield();
		memset(record, (uint8_t)i, len);
		memcpy(record, &i, sizeof i);
		spsc_commit(q);
	}
	return NULL;
}

static void check(const uint8_t *record, uint32_t number, size_t len)
{
	uint32_t n;

	memcpy(&n, record, sizeof n);
	if (n != number || (len > 4 && record[len - 1] != (uint8_t)number))
		fail_msg("record %u of %zu bytes is not as it was written", number, len);
}

static void consume(struct spsc *q)
{
	struct random r;

	random_init(&r, 1);
	for (uint32_t i = 0; i < RECORDS;) {
		const uint8_t *record = spsc_take(q);

		if (record == NULL)
			sched_yield();
		else
			check(record, i++, length_of(&r));
		if (record == NULL || i % 3 == 0)
			spsc_give_back(q);
	}
}

static void two_threads_lose_nothing(void **state)
{
	pthread_t producer;
	struct spsc q;

	(void)state;
	assert_int_equal(spsc_init(&q, SIZE), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, &q), 0);
	consume(&q);
	assert_int_equal(pthread_join(producer, NULL), 0);
	assert_null(spsc_take(&q));
	spsc_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order),
		cmocka_unit_test(what_is_not_committed_has_not_been),
		cmocka_unit_test(what_was_taken_stays_until_it_is_given_back),
		cmocka_unit_test(spare_bytes_are_left_free),
		cmocka_unit_test(a_record_lies_in_one_piece),
		cmocka_unit_test(two_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
