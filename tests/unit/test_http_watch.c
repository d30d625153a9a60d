/* Watched directories: who depends on a name is told when it changes, wherever on the way; bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_watch.h"

struct dependent {
	struct http_dependent depends;
	unsigned told;
};

static struct http_fixture fx;
static struct http_watch watch;
static int root;
static struct dependent d, e; /* of the test that runs */

static void on_change(struct http_dependent *x)
{
	CONTAINER_OF(x, struct dependent, depends)->told++;
}

static int set_up(void **state)
{
	(void)state;
	d = e = (struct dependent){ 0 };
	list_init(&d.depends.node);
	list_init(&e.depends.node);
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "top.txt", "x");
	http_fixture_write_text(&fx, "a/b/file.txt", "x");
	http_fixture_write_text(&fx, "a/c/file.txt", "x");
	http_fixture_write_text(&fx, "d/file.txt", "x");
	root = open(fx.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(http_watch_open(&watch, 8, on_change), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_watch_close(&watch);
	assert_int_equal(watch.count, 0);
	close(root);
	http_fixture_fini(&fx);
	return 0;
}

static int add(const char *path)
{
	return http_watch_add(&watch, root, path, strlen(path));
}

static struct http_watched *find(const char *path)
{
	return http_watch_find(&watch, root, path, strlen(path));
}

static void depend_in(struct dependent *x, const char *directory, const char *name)
{
	x->depends.names = http_watch_name(name, strlen(name));
	assert_int_equal(add(directory), 0);
	http_watch_depend(find(directory), &x->depends);
}

/* How often it was told since the last time. */
static unsigned told(struct dependent *x)
{
	unsigned n;

	http_watch_read(&watch);
	n = x->told;
	x->told = 0;
	return n;
}

static const char *in_root(const char *path)
{
	static char names[2][256];
	static int turn;
	char *name = names[turn++ % 2];

	snprintf(name, sizeof names[0], "%s/%s", fx.root, path);
	return name;
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(in_root(from), in_root(to)), 0);
}

static void whatever_happens_to_a_name_is_told(void **state)
{
	int fd;

	(void)state;
	depend_in(&d, "", "new.txt");
	assert_int_equal(told(&d), 0);
	fd = open(in_root("new.txt"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(told(&d) > 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(told(&d) > 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_true(told(&d) > 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_true(told(&d) > 0);
	close(fd);
	assert_int_equal(told(&d), 0);
	move("new.txt", "old.txt");
	assert_true(told(&d) > 0);
	move("top.txt", "new.txt");
	assert_true(told(&d) > 0);
	assert_int_equal(unlink(in_root("new.txt")), 0);
	assert_true(told(&d) > 0);
	assert_int_equal(symlink("a", in_root("new.txt")), 0);
	assert_true(told(&d) > 0);
}

static void other_names_are_not_told(void **state)
{
	(void)state;
	assert_true(http_watch_name("other", 5) != http_watch_name("file.txt", 8));
	depend_in(&d, "a/b/", "file.txt");
	http_fixture_write_text(&fx, "a/b/other", "y");
	http_fixture_write_text(&fx, "a/c/file.txt", "y");
	http_fixture_write_text(&fx, "file.txt", "y");
	assert_int_equal(told(&d), 0);
	assert_true(watch.events > 0);
	http_fixture_write_text(&fx, "a/b/file.txt", "y");
	assert_true(told(&d) > 0);
	list_remove(&d.depends.node);
	http_fixture_write_text(&fx, "a/b/file.txt", "z");
	assert_int_equal(told(&d), 0);
}

static void a_directory_that_moves_takes_all_below_with_it(void **state)
{
	(void)state;
	depend_in(&d, "a/b/", "file.txt");
	depend_in(&e, "d/", "file.txt");
	assert_int_equal(watch.count, 4);
	move("a", "e");
	assert_int_equal(told(&d), 1);
	assert_int_equal(told(&e), 0);
	assert_null(find("a/b/"));
	assert_null(find("a/"));
	assert_non_null(find("d/"));
	assert_int_equal(add("a/b/"), -ENOENT);
	depend_in(&d, "e/b/", "file.txt");
	http_fixture_write_text(&fx, "e/b/file.txt", "y");
	assert_true(told(&d) > 0);
	http_fixture_write_text(&fx, "a/b/file.txt", "x"); /* another directory of the old name */
	told(&d);
	depend_in(&d, "a/b/", "file.txt");
	http_fixture_write_text(&fx, "a/b/file.txt", "y");
	assert_true(told(&d) > 0);
}

static void a_directory_that_goes_is_told_of(void **state)
{
	(void)state;
	depend_in(&d, "d/", "file.txt");
	unlink(in_root("d/file.txt"));
	assert_true(told(&d) > 0);
	assert_int_equal(rmdir(in_root("d")), 0);
	assert_true(told(&d) > 0);
	assert_null(find("d/"));
	assert_false(list_is_linked(&d.depends.node));
	assert_int_equal(watch.count, 1);
}

static void a_mode_on_the_way_is_told_of(void **state)
{
	(void)state;
	depend_in(&d, "a/b/", "file.txt");
	assert_int_equal(chmod(in_root("a"), 0700), 0);
	assert_true(told(&d) > 0);
}

static void symlinks_and_files_are_no_directories_to_watch(void **state)
{
	(void)state;
	assert_int_equal(symlink("a", in_root("link")), 0);
	assert_int_equal(add("link/"), -EXDEV);
	assert_int_equal(add("link/b/"), -EXDEV);
	assert_int_equal(add("top.txt/"), -EXDEV);
	assert_int_equal(add("nothing/"), -ENOENT);
	assert_int_equal(watch.count, 1);
}

static void what_only_seems_to_have_files_is_not_watched(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(http_watch_add(&watch, proc, "", 0), -EXDEV);
	close(proc);
}

static void at_the_limit_those_not_used_for_longest_go(void **state)
{
	char path[32];

	(void)state;
	depend_in(&d, "a/b/", "file.txt");
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof path, "n%d/file.txt", i);
		http_fixture_write_text(&fx, path, "x");
		snprintf(path, sizeof path, "n%d/", i);
		assert_int_equal(add(path), 0);
		assert_non_null(find(path));
		assert_true(watch.count <= 8);
	}
	assert_int_equal(told(&d), 1);
	assert_null(find("a/b/"));
	assert_non_null(find("")); /* on the way to all that are left */
	assert_non_null(find("n19/"));
	assert_int_equal(add("1/2/3/4/5/6/7/8/"), -ENOSPC);
	http_fixture_write_text(&fx, "1/2/3/4/5/6/7/x", "x");
	assert_int_equal(add("1/2/3/4/5/6/7/"), 0);
	assert_int_equal(watch.count, 8);
	assert_non_null(find("1/2/3/"));
}

static void one_directory_may_have_two_roots(void **state)
{
	int other = open(in_root("a"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	depend_in(&d, "a/b/", "file.txt");
	assert_int_equal(http_watch_add(&watch, other, "b/", 2), 0);
	e.depends.names = d.depends.names;
	http_watch_depend(http_watch_find(&watch, other, "b/", 2), &e.depends);
	http_fixture_write_text(&fx, "a/b/file.txt", "y");
	assert_true(told(&d) > 0);
	assert_true(told(&e) > 0);
	move("a", "z"); /* ends the one path, and not the other */
	assert_int_equal(told(&d), 1);
	assert_int_equal(told(&e), 0);
	http_fixture_write_text(&fx, "z/b/file.txt", "z");
	assert_true(told(&e) > 0);
	move("z/b", "z/y");
	assert_int_equal(told(&e), 1);
	close(other);
}

static void when_events_were_lost_all_are_told(void **state)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int most = 0;

	(void)state;
	if (f == NULL || fscanf(f, "%d", &most) != 1 || most > 100000)
		most = 0;
	if (f != NULL)
		fclose(f);
	if (most == 0)
		skip();
	depend_in(&d, "d/", "file.txt");
	for (int i = 0; i < most; i++)
		move(i % 2 == 0 ? "top.txt" : "bottom.txt", i % 2 == 0 ? "bottom.txt" : "top.txt");
	for (int i = 0; i < 1000 && d.told == 0; i++)
		http_watch_read(&watch);
	assert_true(told(&d) > 0);
	assert_non_null(find("d/"));
}

static void a_limit_of_none_watches_nothing(void **state)
{
	struct http_watch none;

	(void)state;
	assert_int_equal(http_watch_open(&none, 0, on_change), 0);
	assert_int_equal(none.fd, -1);
	assert_int_equal(http_watch_add(&none, root, "", 0), -ENOSPC);
	http_watch_close(&none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(whatever_happens_to_a_name_is_told),
		TEST(other_names_are_not_told),
		TEST(a_directory_that_moves_takes_all_below_with_it),
		TEST(a_directory_that_goes_is_told_of),
		TEST(a_mode_on_the_way_is_told_of),
		TEST(symlinks_and_files_are_no_directories_to_watch),
		TEST(what_only_seems_to_have_files_is_not_watched),
		TEST(at_the_limit_those_not_used_for_longest_go),
		TEST(one_directory_may_have_two_roots),
		TEST(when_events_were_lost_all_are_told),
		TEST(a_limit_of_none_watches_nothing),
	};

	return cmocka_run_group_tests_name("http_watch", tests, NULL, NULL);
}
