/* Pools: limits, reuse, alignment, and what the sanitizer and TH_CHECKS watch. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/random.h"

/* AddressSanitizer would end the program at an allocation that cannot be met. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void takes_are_refused_at_the_limit_and_counted(void **state)
{
	void *objects[10];
	struct pool p;

	(void)state;
	pool_init(&p, "test", 24, 10);
	assert_string_equal(p.name, "test");
	assert_int_equal(p.allocated, 0);
	for (size_t i = 0; i < 10; i++) {
		objects[i] = pool_take(&p);
		assert_non_null(objects[i]);
	}
	assert_int_equal(p.in_use, 10);
	assert_int_equal(p.allocated, 10);
	assert_null(pool_take(&p));
	assert_null(pool_take(&p));
	assert_int_equal(p.refused, 2);
	pool_give(&p, objects[3]);
	objects[3] = pool_take(&p);
	assert_non_null(objects[3]);
	for (size_t i = 0; i < 10; i++)
		pool_give(&p, objects[i]);
	assert_int_equal(p.in_use, 0);
	assert_int_equal(p.peak, 10);
	assert_int_equal(p.refused, 2);
	pool_fini(&p);
	assert_int_equal(p.allocated, 0);
}

static void limit_zero_refuses_every_take(void **state)
{
	struct pool p;

	(void)state;
	pool_init(&p, "test", 1, 0);
	assert_null(pool_take(&p));
	assert_int_equal(p.refused, 1);
	pool_fini(&p);
}

static void give_of_null_does_nothing(void **state)
{
	struct pool p;

	(void)state;
	pool_init(&p, "test", 1, 1);
	pool_give(&p, NULL);
	assert_int_equal(p.in_use, 0);
	pool_fini(&p);
}

static void objects_of_any_size_are_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 8, 15, 16, 17, 100, 1500, 32760, 65519, 65520, 65536, 200001 };
	enum { COUNT = 9 };

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		uint8_t *objects[COUNT];
		struct pool p;
		pool_init(&p, "test", sizes[s], COUNT);
		assert_true(p.object_size >= sizes[s] && p.object_size % 16 == 0);
		for (size_t i = 0; i < COUNT; i++) {
			objects[i] = pool_take(&p);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % 16, 0);
			memset(objects[i], (int)i, sizes[s]);
		}
		for (size_t i = 0; i < COUNT; i++)
			for (size_t j = 0; j < sizes[s]; j++)
				assert_true(objects[i][j] == i);
		for (size_t i = 0; i < COUNT; i++)
			pool_give(&p, objects[i]);
		pool_fini(&p);
	}
}

static void memory_grows_by_slabs_and_is_reused(void **state)
{
	enum { COUNT = 1000 };
	void *objects[COUNT];
	struct pool p;
	size_t allocated;

	(void)state;
	pool_init(&p, "test", 1000, 100000);
	pool_give(&p, pool_take(&p));
	assert_in_range(p.allocated, 60, 65);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT; i++)
			objects[i] = pool_take(&p);
		for (size_t i = 0; i < COUNT; i++)
			pool_give(&p, objects[i]);
		if (round == 0)
			allocated = p.allocated;
		assert_int_equal(p.allocated, allocated);
	}
	assert_in_range(allocated, COUNT, COUNT + 65);
	assert_int_equal(p.peak, COUNT);
	pool_fini(&p);
}

static void the_last_given_is_the_first_taken(void **state)
{
	struct pool p;
	void *a, *b;

	(void)state;
	pool_init(&p, "test", 64, 10);
	a = pool_take(&p);
	b = pool_take(&p);
	pool_give(&p, a);
	pool_give(&p, b);
	assert_ptr_equal(pool_take(&p), b);
	assert_ptr_equal(pool_take(&p), a);
	pool_give(&p, a);
	pool_give(&p, b);
	pool_fini(&p);
}

static void memory_that_cannot_be_had_is_a_refusal(void **state)
{
	struct pool p;

	(void)state;
	pool_init(&p, "test", PTRDIFF_MAX / 2, 10);
	assert_null(pool_take(&p));
	assert_null(pool_take(&p));
	assert_int_equal(p.refused, 2);
	assert_int_equal(p.in_use, 0);
	assert_int_equal(p.allocated, 0);
	pool_fini(&p);
}

static void random_takes_and_gives_keep_every_object_apart(void **state)
{
	enum { COUNT = 200 };
	uint32_t *objects[COUNT] = { NULL };
	struct random r;
	struct pool p;
	size_t out = 0;

	(void)state;
	random_init(&r, 6);
	pool_init(&p, "test", 700, COUNT * 2 / 5);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t at = random_below(&r, COUNT);
		if (objects[at] != NULL) {
			assert_int_equal(objects[at][0], at);
			assert_int_equal(objects[at][174], ~at);
			pool_give(&p, objects[at]);
			objects[at] = NULL;
			out--;
		} else if ((objects[at] = pool_take(&p)) != NULL) {
			objects[at][0] = at;
			objects[at][174] = ~at;
			out++;
		} else {
			assert_int_equal(out, p.limit);
		}
		assert_int_equal(p.in_use, out);
	}
	assert_true(p.refused > 0);
	for (size_t i = 0; i < COUNT; i++)
		pool_give(&p, objects[i]);
	pool_fini(&p);
}

static void packed_objects_lie_close_and_have_numbers(void **state)
{
	enum { COUNT = 5000, SIZE = 52 };
	static uint32_t *objects[COUNT];
	uint8_t seen[COUNT + 1] = { 0 };
	struct pool p;

	(void)state;
	pool_init_packed(&p, "test", SIZE, COUNT);
	for (int round = 0; round < 2; round++) {
		memset(seen, 0, sizeof seen);
		for (uint32_t i = 0; i < COUNT; i++) {
			uint32_t number;

			objects[i] = pool_take(&p);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % 4, 0);
			memset(objects[i], 0xee, SIZE);
			number = pool_number(&p, objects[i]);
			assert_in_range(number, 1, COUNT);
			assert_false(seen[number]);
			seen[number] = 1;
			assert_ptr_equal(pool_object(&p, number), objects[i]);
			objects[i][0] = objects[i][SIZE / 4 - 1] = i;
		}
		assert_null(pool_take(&p));
		for (uint32_t i = 0; i < COUNT; i++) {
			assert_int_equal(objects[i][0], i);
			assert_int_equal(objects[i][SIZE / 4 - 1], i);
			pool_give(&p, objects[i]);
		}
	}
	assert_int_equal(p.allocated, COUNT);
	assert_in_range(p.object_size, SIZE, SIZE + 4);
	pool_fini(&p);
	pool_give(&p, pool_take(&p));
	assert_int_equal(pool_number(&p, pool_take(&p)), 1);
	pool_give(&p, pool_object(&p, 1));
	pool_fini(&p);
}

/* How a child ends that does what nobody may do. Its message is not wanted. */
static int wait_status_of(void (*wrong)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		wrong();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#ifdef NDEBUG
enum { HAS_ASSERTS = 0 };
#else
enum { HAS_ASSERTS = 1 };
#endif

#ifdef TH_CHECKS
enum { HAS_CHECKS = HAS_ASSERTS };
#else
enum { HAS_CHECKS = 0 };
#endif

static void give_twice(void)
{
	struct pool p;
	void *object;

	pool_init(&p, "test", 64, 10);
	pool_take(&p);
	object = pool_take(&p);
	pool_give(&p, object);
	pool_give(&p, object);
}

static void giving_twice_is_asserted_with_checks(void **state)
{
	(void)state;
	if (!HAS_CHECKS)
		skip();
	assert_true(WIFSIGNALED(wait_status_of(give_twice)));
}

static void fini_with_objects_out(void)
{
	struct pool p;

	pool_init(&p, "test", 64, 10);
	pool_take(&p);
	pool_fini(&p);
}

static void fini_with_objects_out_is_asserted(void **state)
{
	int status;

	(void)state;
	if (!HAS_ASSERTS)
		skip();
	status = wait_status_of(fini_with_objects_out);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#if defined(__SANITIZE_ADDRESS__)
enum { HAS_ASAN = 1 };
#elif defined(__has_feature)
enum { HAS_ASAN = __has_feature(address_sanitizer) };
#else
enum { HAS_ASAN = 0 };
#endif

static void touch_given_object(void)
{
	struct pool p;
	volatile char *object;

	pool_init(&p, "test", 64, 10);
	object = pool_take(&p);
	pool_give(&p, (void *)(uintptr_t)object);
	object[40] = 1;
}

static void touch_behind_object(void)
{
	struct pool p;
	volatile char *object;

	pool_init(&p, "test", 64, 10);
	object = pool_take(&p);
	pool_take(&p);
	object[64] = 1;
}

static void the_sanitizer_sees_use_after_give_and_overruns(void **state)
{
	(void)state;
	if (!HAS_ASAN)
		skip();
	assert_int_not_equal(wait_status_of(touch_given_object), 0);
	assert_int_not_equal(wait_status_of(touch_behind_object), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_are_refused_at_the_limit_and_counted),
		cmocka_unit_test(limit_zero_refuses_every_take),
		cmocka_unit_test(give_of_null_does_nothing),
		cmocka_unit_test(objects_of_any_size_are_aligned_and_apart),
		cmocka_unit_test(memory_grows_by_slabs_and_is_reused),
		cmocka_unit_test(the_last_given_is_the_first_taken),
		cmocka_unit_test(memory_that_cannot_be_had_is_a_refusal),
		cmocka_unit_test(random_takes_and_gives_keep_every_object_apart),
		cmocka_unit_test(packed_objects_lie_close_and_have_numbers),
		cmocka_unit_test(giving_twice_is_asserted_with_checks),
		cmocka_unit_test(fini_with_objects_out_is_asserted),
		cmocka_unit_test(the_sanitizer_sees_use_after_give_and_overruns),
	};

	return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
