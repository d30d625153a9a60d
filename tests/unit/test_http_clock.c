/* The Date block: written once a second, shared, never changed while somebody points at it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_clock.h"

static struct world world;
static struct http_clock clock_;
static struct span_owner keeper;
static uint64_t wall_us_now;
static unsigned wall_reads;

static uint64_t wall_us(void *context)
{
	(void)context;
	wall_reads++;
	return wall_us_now;
}

static void keeper_release(struct span_owner *owner)
{
	(void)owner;
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(world_init(&world, 777, 1, NULL), 0);
	span_owner_init(&keeper, keeper_release);
	wall_us_now = UINT64_C(784111777) * 1000000 + 400000;
	wall_reads = 0;
	assert_int_equal(http_clock_init(&clock_, &world, wall_us, NULL, true, &keeper), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_clock_close(&clock_);
	assert_int_equal(keeper.references, 1);
	http_clock_fini(&clock_);
	return 0;
}

static void advance(uint64_t us)
{
	wall_us_now += us;
	world_advance(&world, world.now_us + us);
}

static void assert_block(const char *expected)
{
	struct http_date_block *b = http_clock_block(&clock_);

	assert_int_equal(b->len, strlen(expected));
	assert_memory_equal(b->text, expected, b->len);
}

static void a_block_holds_status_server_and_date(void **state)
{
	(void)state;
	assert_block("HTTP/1.1 200 OK\r\nServer: taphouse\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
	assert_int_equal(http_clock_wall_s(&clock_), 784111777);
}

static void the_server_field_can_be_off(void **state)
{
	(void)state;
	http_clock_close(&clock_);
	http_clock_fini(&clock_);
	assert_int_equal(http_clock_init(&clock_, &world, wall_us, NULL, false, &keeper), 0);
	assert_block("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

static void the_clock_is_read_once_a_second(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		advance(100000);
		http_clock_block(&clock_);
	}
	assert_int_equal(wall_reads, 1);
	advance(99999);
	assert_block("HTTP/1.1 200 OK\r\nServer: taphouse\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
	advance(1);
	assert_block("HTTP/1.1 200 OK\r\nServer: taphouse\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
	assert_int_equal(wall_reads, 2);
}

static void a_block_that_is_pointed_at_is_not_touched(void **state)
{
	struct http_date_block *held = http_clock_block(&clock_), *other;

	(void)state;
	span_owner_ref(&held->owner);
	advance(1000000);
	other = http_clock_block(&clock_);
	assert_ptr_not_equal(other, held);
	assert_memory_equal(held->text + held->len - 14, "08:49:37 GMT\r\n", 14);
	span_owner_unref(&held->owner);
	assert_int_equal(clock_.blocks.in_use, 1);
}

static void a_block_that_nobody_needs_is_used_again(void **state)
{
	struct http_date_block *first = http_clock_block(&clock_);

	(void)state;
	advance(1000000);
	assert_ptr_equal(http_clock_block(&clock_), first);
	assert_int_equal(clock_.blocks.in_use, 1);
}

static void without_memory_the_old_date_stays(void **state)
{
	struct http_date_block *held = http_clock_block(&clock_);

	(void)state;
	clock_.blocks.limit = 1;
	span_owner_ref(&held->owner);
	advance(1000000);
	assert_ptr_equal(http_clock_block(&clock_), held);
	span_owner_unref(&held->owner);
	assert_block("HTTP/1.1 200 OK\r\nServer: taphouse\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_block_holds_status_server_and_date),
		TEST(the_server_field_can_be_off),
		TEST(the_clock_is_read_once_a_second),
		TEST(a_block_that_is_pointed_at_is_not_touched),
		TEST(a_block_that_nobody_needs_is_used_again),
		TEST(without_memory_the_old_date_stays),
	};

	return cmocka_run_group_tests_name("http_clock", tests, NULL, NULL);
}
