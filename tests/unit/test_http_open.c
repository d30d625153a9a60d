/* Opening files below a root: what leads out of it fails, by either way of opening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_open.h"

static struct http_fixture fixture;
static int root;

static int set_up(void **state)
{
	char link[128], target[128];

	(void)state;
	http_fixture_init(&fixture);
	http_fixture_write_text(&fixture, "dir/file", "inside");
	snprintf(target, sizeof target, "%s/secret", fixture.outside);
	close(open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
#define LINK(to, name) \
	snprintf(link, sizeof link, "%s/" name, fixture.root); \
	assert_int_equal(symlink(to, link), 0)
	LINK("dir/file", "inner");
	LINK("dir", "inner_dir");
	LINK("../outside/secret", "outer");
	LINK("../outside", "outer_dir");
	LINK(target, "absolute");
	LINK("/proc/self/root/etc/passwd", "magic");
	LINK("loop", "loop");
	snprintf(link, sizeof link, "%s/fifo", fixture.root);
	assert_int_equal(mkfifo(link, 0644), 0);
	root = http_open_root(fixture.root);
	assert_true(root >= 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(root);
	http_fixture_fini(&fixture);
	return 0;
}

typedef int open_fn(int root, const char *path);

static void assert_opens(open_fn *open_path, const char *path)
{
	int fd = open_path(root, path);

	assert_true(fd >= 0);
	close(fd);
}

static void files_and_directories_open(void **state)
{
	open_fn *const ways[] = { http_open_beneath, http_open_by_steps };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_opens(ways[i], "dir/file");
		assert_opens(ways[i], "dir");
		assert_opens(ways[i], "dir/");
		assert_opens(ways[i], "");
		assert_int_equal(ways[i](root, "nothing"), -ENOENT);
		assert_int_equal(ways[i](root, "dir/file/"), -ENOTDIR);
		assert_int_equal(ways[i](root, "dir/file/more"), -ENOTDIR);
	}
}

static void climbing_fails(void **state)
{
	(void)state;
	assert_int_equal(http_open_beneath(root, "../outside/secret"), -EXDEV);
	assert_int_equal(http_open_beneath(root, "/etc/passwd"), -EXDEV);
	assert_int_equal(http_open_by_steps(root, "../outside/secret"), -EXDEV);
	assert_int_equal(http_open_by_steps(root, "dir/../dir/file"), -EXDEV);
	assert_int_equal(http_open_by_steps(root, "/etc/passwd"), -EXDEV);
}

static void symlinks_inside_are_followed(void **state)
{
	(void)state;
	if (!http_fixture_has_openat2())
		skip();
	assert_opens(http_open_beneath, "inner");
	assert_opens(http_open_beneath, "inner_dir/file");
}

static void symlinks_out_of_the_root_fail(void **state)
{
	(void)state;
	if (!http_fixture_has_openat2())
		skip();
	assert_int_equal(http_open_beneath(root, "outer"), -EXDEV);
	assert_int_equal(http_open_beneath(root, "outer_dir/secret"), -EXDEV);
	assert_int_equal(http_open_beneath(root, "absolute"), -EXDEV);
	assert_int_equal(http_open_beneath(root, "magic"), -EXDEV);
	assert_int_equal(http_open_beneath(root, "loop"), -ELOOP);
}

static void the_fallback_follows_no_symlink(void **state)
{
	(void)state;
	assert_int_equal(http_open_by_steps(root, "inner"), -ELOOP);
	assert_int_equal(http_open_by_steps(root, "outer"), -ELOOP);
	assert_int_equal(http_open_by_steps(root, "inner_dir/file"), -ENOTDIR);
	assert_int_equal(http_open_by_steps(root, "outer_dir/secret"), -ENOTDIR);
}

static void a_fifo_does_not_block(void **state)
{
	(void)state;
	assert_opens(http_open_beneath, "fifo");
	assert_opens(http_open_by_steps, "fifo");
}

static void long_names_fail(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(http_open_beneath(root, name), -ENAMETOOLONG);
	assert_int_equal(http_open_by_steps(root, name), -ENAMETOOLONG);
}

static void a_root_must_be_a_directory(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/dir/file", fixture.root);
	assert_int_equal(http_open_root(path), -ENOTDIR);
	assert_int_equal(http_open_root("/nonexistent"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_and_directories_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(climbing_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(symlinks_inside_are_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(symlinks_out_of_the_root_fail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_fallback_follows_no_symlink, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_fifo_does_not_block, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_names_fail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_root_must_be_a_directory, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("http_open", tests, NULL, NULL);
}
