/* Queues whose members may stay equally long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/http_queue.h"

struct member {
	struct http_queue_node node;
	unsigned expired;
	unsigned stay; /* times that it enters again */
};

static struct world world;
static struct http_queue queue;

static void on_expire(struct http_queue_node *n)
{
	struct member *m = CONTAINER_OF(n, struct member, node);

	m->expired++;
	http_queue_leave(&queue, n);
	if (m->stay > 0) {
		m->stay--;
		http_queue_enter(&queue, n);
	}
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(world_init(&world, 1000, 1, NULL), 0);
	http_queue_init(&queue, &world, 1000000, on_expire);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_queue_fini(&queue);
	assert_int_equal(world.timers.armed, 0);
	return 0;
}

static void advance(uint64_t us)
{
	world_advance(&world, world.now_us + us);
}

static void members_expire_in_order_and_on_time(void **state)
{
	struct member m[3] = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		http_queue_enter(&queue, &m[i].node);
		advance(300000);
	}
	assert_ptr_equal(http_queue_first(&queue), &m[0].node);
	advance(100000 - TIMER_TICK_US);
	assert_int_equal(m[0].expired, 0);
	advance(2 * TIMER_TICK_US);
	assert_int_equal(m[0].expired, 1);
	assert_int_equal(m[1].expired, 0);
	assert_int_equal(queue.count, 2);
	advance(300000);
	assert_int_equal(m[1].expired, 1);
	assert_int_equal(m[2].expired, 0);
	advance(300000);
	assert_int_equal(m[2].expired, 1);
	assert_null(http_queue_first(&queue));
}

static void who_leaves_does_not_expire(void **state)
{
	struct member m[2] = { 0 };

	(void)state;
	http_queue_enter(&queue, &m[0].node);
	advance(500000);
	http_queue_enter(&queue, &m[1].node);
	http_queue_leave(&queue, &m[0].node);
	advance(600000);
	assert_int_equal(m[0].expired + m[1].expired, 0);
	advance(500000);
	assert_int_equal(m[1].expired, 1);
	assert_int_equal(m[0].expired, 0);
}

static void entering_again_begins_anew(void **state)
{
	struct member m = { .stay = 2 };

	(void)state;
	http_queue_enter(&queue, &m.node);
	for (unsigned i = 1; i <= 3; i++) {
		advance(900000);
		assert_int_equal(m.expired, i - 1);
		advance(100000 + TIMER_TICK_US);
		assert_int_equal(m.expired, i);
	}
	assert_int_equal(queue.count, 0);
}

static void a_timeout_of_nothing_ends(void **state)
{
	struct member m = { .stay = 1 };

	(void)state;
	http_queue_init(&queue, &world, 0, on_expire);
	http_queue_enter(&queue, &m.node);
	advance(1000);
	advance(1000);
	assert_int_equal(m.expired, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(members_expire_in_order_and_on_time),
		TEST(who_leaves_does_not_expire),
		TEST(entering_again_begins_anew),
		TEST(a_timeout_of_nothing_ends),
	};

	return cmocka_run_group_tests_name("http_queue", tests, NULL, NULL);
}
