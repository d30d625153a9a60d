/* Documents: growth, both limits, and what becomes of one that failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/document.h"

enum { MANY = 200000 };

static void grows_and_is_handed_over(void **state)
{
	struct document_budget budget = { .limit = 1 << 20 };
	struct document *d = document_new(&budget, 1 << 20);
	struct span span;

	(void)state;
	assert_non_null(d);
	for (int i = 0; i < MANY; i++)
		document_add(d, &(char){ (char)('a' + i % 26) }, 1);
	assert_true(document_finish(d, &span));
	assert_int_equal(span.len, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(span.data[i], 'a' + i % 26);
	assert_int_equal(budget.in_use, MANY);
	span_owner_unref(span.owner);
	assert_int_equal(budget.in_use, 0);
}

static void numbers_are_decimal(void **state)
{
	struct document_budget budget = { .limit = 1 << 20 };
	struct document *d = document_new(&budget, 1 << 20);
	struct span span;

	(void)state;
	document_add_number(d, 0);
	document_add_text(d, " ");
	document_add_number(d, 10);
	document_add_text(d, " ");
	document_add_number(d, UINT64_MAX);
	assert_true(document_finish(d, &span));
	assert_int_equal(span.len, 25);
	assert_memory_equal(span.data, "0 10 18446744073709551615", 25);
	span_owner_unref(span.owner);
}

/* As many bytes as a limit allows are taken, and one more is not. */
static void limit_is_exact(void **state)
{
	struct document_budget budget = { .limit = 1 << 20 };
	struct document *d;
	struct span span;

	(void)state;
	for (size_t len = 99999; len <= 100001; len++) {
		d = document_new(&budget, 100000);
		for (size_t i = 0; i < len; i++)
			document_add_text(d, "x");
		assert_int_equal(document_left(d), len < 100000 ? 100000 - len : 0);
		assert_int_equal(document_finish(d, &span), len <= 100000);
		if (len <= 100000)
			span_owner_unref(span.owner);
		assert_int_equal(budget.in_use, 0);
	}
}

static void budget_is_for_all_together(void **state)
{
	static const char block[40000];
	struct document_budget budget = { .limit = 100000 };
	struct document *a = document_new(&budget, 1 << 20), *b = document_new(&budget, 1 << 20);
	struct span span;

	(void)state;
	document_add(a, block, sizeof block); /* has room for 65536 */
	document_add(b, block, sizeof block);
	assert_false(document_finish(b, &span));
	assert_true(document_finish(a, &span));
	assert_int_equal(budget.in_use, sizeof block);
	b = document_new(&budget, 1 << 20);
	document_add(b, block, 1000);
	span_owner_unref(span.owner);
	assert_true(document_finish(b, &span));
	span_owner_unref(span.owner);
	assert_int_equal(budget.in_use, 0);
}

static void what_failed_once_stays_failed(void **state)
{
	struct document_budget budget = { .limit = 1 << 20 };
	struct document *d = document_new(&budget, 10);
	struct span span;

	(void)state;
	document_add_text(d, "12345678901");
	document_add_text(d, "1");
	assert_false(document_finish(d, &span));
	d = document_new(&budget, 10);
	assert_false(document_finish(d, &span)); /* nothing is no document */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_is_handed_over),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(limit_is_exact),
		cmocka_unit_test(budget_is_for_all_together),
		cmocka_unit_test(what_failed_once_stays_failed),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
