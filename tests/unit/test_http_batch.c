/* Batches of spans: joined, counted, sent once, given back on failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "common/fake_stream.h"
#include "http/http_batch.h"

static struct fake_stream fake;
static struct http_batch batch;
static struct span_owner owner;

static void owner_release(struct span_owner *o)
{
	(void)o;
}

static int set_up(void **state)
{
	(void)state;
	fake_stream_init(&fake, 1000);
	http_batch_init(&batch, &fake.stream);
	span_owner_init(&owner, owner_release);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake.closed = true;
	fake_stream_fini(&fake);
	assert_int_equal(owner.references, 1);
	return 0;
}

static void spans_leave_in_one_call(void **state)
{
	(void)state;
	http_batch_add(&batch, "head ", 5, NULL);
	http_batch_add(&batch, "body", 4, &owner);
	assert_int_equal(owner.references, 2);
	assert_int_equal(http_batch_room(&batch), 1000 - 9);
	assert_true(http_batch_send(&batch));
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.last_flags, 0);
	assert_string_equal(fake.sent, "head body");
	assert_int_equal(http_batch_room(&batch), 1000 - 9);
}

static void neighbours_of_one_owner_join(void **state)
{
	static const char text[] = "abcdef";

	(void)state;
	http_batch_add(&batch, text, 2, &owner);
	http_batch_add(&batch, text + 2, 2, &owner);
	assert_int_equal(batch.count, 1);
	assert_int_equal(owner.references, 2);
	http_batch_add(&batch, text + 4, 2, NULL);
	http_batch_add(&batch, text, 1, NULL);
	http_batch_add(&batch, text, 0, NULL);
	assert_int_equal(batch.count, 3);
	assert_true(http_batch_send(&batch));
	assert_string_equal(fake.sent, "abcdefa");
}

static void nothing_is_not_sent(void **state)
{
	(void)state;
	assert_true(http_batch_send(&batch));
	assert_int_equal(fake.calls, 0);
}

static void a_full_batch_says_that_more_follows(void **state)
{
	static const char text[] = "xyz";

	(void)state;
	for (int i = 0; i < HTTP_BATCH_SPANS + 1; i++)
		http_batch_add(&batch, text, 1, &owner);
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.last_flags, STREAM_MORE);
	assert_true(http_batch_send(&batch));
	assert_int_equal(fake.calls, 2);
	assert_int_equal(fake.last_flags, 0);
	assert_int_equal(fake.sent_len, HTTP_BATCH_SPANS + 1);
}

static void reserved_spans_fit_without_a_send(void **state)
{
	static const char text[] = "xyz";

	(void)state;
	http_batch_reserve(&batch, 8);
	for (int i = 0; i < HTTP_BATCH_SPANS - 7; i++)
		http_batch_add(&batch, text, 1, NULL);
	assert_int_equal(fake.calls, 0);
	http_batch_reserve(&batch, 7);
	assert_int_equal(fake.calls, 0);
	http_batch_reserve(&batch, 8);
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.last_flags, 0);
}

static void a_failed_send_gives_references_back(void **state)
{
	(void)state;
	fake.send_error = -ENOMEM;
	http_batch_add(&batch, "a", 1, &owner);
	assert_false(http_batch_send(&batch));
	assert_int_equal(owner.references, 1);
	fake.send_error = 0;
	http_batch_add(&batch, "b", 1, &owner);
	assert_int_equal(http_batch_room(&batch), 0);
	assert_false(http_batch_send(&batch));
	assert_int_equal(owner.references, 1);
	assert_int_equal(fake.sent_len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(spans_leave_in_one_call),
		TEST(neighbours_of_one_owner_join),
		TEST(nothing_is_not_sent),
		TEST(a_full_batch_says_that_more_follows),
		TEST(reserved_spans_fit_without_a_send),
		TEST(a_failed_send_gives_references_back),
	};

	return cmocka_run_group_tests_name("http_batch", tests, NULL, NULL);
}
