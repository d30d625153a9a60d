/* The poller: who is told, and that a watch may be removed while others are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/poller.h"

enum { PIPES = 3 };

struct watched {
	struct poll_watch watch;
	int write_end;
	unsigned told;
	uint32_t events;
};

static struct poller poller;
static struct watched all[PIPES];
static struct watched *removed_when_told; /* by whoever is told first */

static void on_ready(struct poll_watch *w, uint32_t events)
{
	struct watched *it = CONTAINER_OF(w, struct watched, watch);

	it->told++;
	it->events = events;
	if (removed_when_told != NULL && removed_when_told != it) {
		poller_remove(&poller, &removed_when_told->watch);
		removed_when_told = NULL;
	}
}

static int set_up(void **state)
{
	struct failure why;
	int ends[2];

	(void)state;
	removed_when_told = NULL;
	assert_int_equal(poller_open(&poller, &why), 0);
	for (size_t i = 0; i < PIPES; i++) {
		assert_int_equal(pipe(ends), 0);
		all[i] = (struct watched){ .watch = { .fd = ends[0], .on_ready = on_ready }, .write_end = ends[1] };
		assert_int_equal(poller_add(&poller, &all[i].watch, EPOLLIN), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < PIPES; i++) {
		close(all[i].watch.fd);
		close(all[i].write_end);
	}
	poller_close(&poller);
	return 0;
}

static void make_ready(const struct watched *it)
{
	assert_int_equal(write(it->write_end, "x", 1), 1);
}

static void those_that_are_ready_are_told_until_they_are_not(void **state)
{
	char c;

	(void)state;
	assert_int_equal(poller_look(&poller), 0);
	make_ready(&all[1]);
	assert_int_equal(poller_look(&poller), 1);
	assert_int_equal(poller_look(&poller), 1);
	assert_int_equal(all[1].told, 2);
	assert_true(all[1].events & EPOLLIN);
	assert_int_equal(all[0].told + all[2].told, 0);
	assert_int_equal(read(all[1].watch.fd, &c, 1), 1);
	assert_int_equal(poller_look(&poller), 0);
}

static void a_watch_removed_by_another_is_not_told(void **state)
{
	(void)state;
	make_ready(&all[0]);
	make_ready(&all[1]);
	removed_when_told = &all[1];
	poller_look(&poller);
	if (all[0].told == 0) /* the other was told first, and none was removed */
		skip();
	assert_int_equal(all[1].told, 0);
	assert_int_equal(poller_look(&poller), 1);
	assert_int_equal(all[1].told, 0);
}

static void a_watch_waits_for_what_it_was_changed_to(void **state)
{
	(void)state;
	make_ready(&all[0]);
	poller_change(&poller, &all[0].watch, 0);
	assert_int_equal(poller_look(&poller), 0);
	close(all[0].write_end);
	assert_int_equal(poller_look(&poller), 1);
	assert_true(all[0].events & EPOLLHUP); /* which is told unasked */
	all[0].write_end = -1;
}

static void a_descriptor_that_cannot_be_watched_is_told(void **state)
{
	struct poll_watch none = { .fd = -1, .on_ready = on_ready };

	(void)state;
	assert_true(poller_add(&poller, &none, EPOLLIN) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(those_that_are_ready_are_told_until_they_are_not),
		TEST(a_watch_removed_by_another_is_not_told),
		TEST(a_watch_waits_for_what_it_was_changed_to),
		TEST(a_descriptor_that_cannot_be_watched_is_told),
	};

	return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
