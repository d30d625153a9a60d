/* Turns: work until one is used up, then in order, one turn after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/turns.h"

enum { CLIENTS = 3, TURN = 64 };

static struct world world;
static struct turns turns;
static struct list clients[CLIENTS];
static size_t work; /* of each time that one is resumed */
static char diary[64];

static void resume(struct list *node)
{
	size_t len = strlen(diary);

	diary[len] = (char)('a' + (node - clients));
	if (!turns_has(&turns, node)) {
		diary[len + 1] = '!';
		return;
	}
	turns_count(&turns, work);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(world_init(&world, 1000, 1, NULL), 0);
	turns_init(&turns, &world, TURN, resume);
	for (int i = 0; i < CLIENTS; i++)
		list_init(&clients[i]);
	memset(diary, 0, sizeof diary);
	work = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		list_remove(&clients[i]);
	turns_fini(&turns);
	return 0;
}

static void next_turn(void)
{
	world_advance(&world, world.now_us + TIMER_TICK_US);
}

static void there_is_work_until_a_turn_is_used_up(void **state)
{
	(void)state;
	for (size_t done = 0; done < TURN; done += TURN / 8) {
		assert_true(turns_has(&turns, &clients[0]));
		turns_count(&turns, TURN / 8);
	}
	assert_false(turns_has(&turns, &clients[0]));
	assert_false(turns_has(&turns, &clients[0])); /* waits once */
	assert_string_equal(diary, "");
	next_turn();
	assert_string_equal(diary, "a");
	next_turn();
	assert_string_equal(diary, "a");
}

static void those_who_wait_are_served_in_order(void **state)
{
	(void)state;
	turns_count(&turns, TURN + 1);
	for (int i = 0; i < CLIENTS; i++)
		assert_false(turns_has(&turns, &clients[i]));
	work = TURN / 2;
	next_turn();
	assert_string_equal(diary, "ab");
	assert_false(turns_has(&turns, &clients[0])); /* behind the third, in a new turn as well */
	next_turn();
	assert_string_equal(diary, "abca");
}

static void nobody_overtakes(void **state)
{
	(void)state;
	turns_count(&turns, TURN);
	assert_false(turns_has(&turns, &clients[0]));
	world.now_us++;
	assert_false(turns_has(&turns, &clients[1]));
	next_turn();
	assert_string_equal(diary, "ab");
}

static void one_that_is_gone_is_not_resumed(void **state)
{
	(void)state;
	turns_count(&turns, TURN);
	assert_false(turns_has(&turns, &clients[0]));
	assert_false(turns_has(&turns, &clients[1]));
	list_remove(&clients[0]);
	next_turn();
	assert_string_equal(diary, "b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_is_work_until_a_turn_is_used_up),
		TEST(those_who_wait_are_served_in_order),
		TEST(nobody_overtakes),
		TEST(one_that_is_gone_is_not_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
