/* Scripts of applications: which one a path finds, and what is left of the path for it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/fastcgi_script.h"

static const char *const files[] = { "/index.php", "/a.php", "/sub/b.php", "/sub/photo.jpg", "/.git/c.php", "/dir.php/d.php" };
static const char *const directories[] = { "/sub", "/.git", "/dir.php" };
static char root[] = "/tmp/taphouse-scripts-XXXXXX";
static struct fastcgi_script script;

static const char *below(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s%s", root, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		assert_int_equal(mkdir(below(directories[i]), 0700), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		int fd = open(below(files[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		close(fd);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
		unlink(below(files[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		rmdir(below(directories[i]));
	return rmdir(root);
}

static void assert_text(struct bytes found, const char *expected)
{
	assert_int_equal(found.len, strlen(expected));
	assert_memory_equal(found.data, expected, found.len);
}

static struct config_location location(const char *prefix)
{
	struct config_location l = config_location_default(prefix);

	l.fastcgi_root = root;
	return l;
}

static void assert_found(const struct config_location *l, const char *rest, const char *name,
			 const char *path_info, const char *file)
{
	assert_int_equal(fastcgi_script_find(l, rest, &script), 0);
	assert_text(script.cgi.name, name);
	assert_text(script.cgi.path_info, path_info);
	assert_text(script.cgi.file, file);
}

static void a_path_finds_its_script(void **state)
{
	struct config_location l = location("/app/"), other = location("/app");

	(void)state;
	assert_found(&l, "a.php", "/app/a.php", "", below("/a.php"));
	assert_found(&l, "a.php/", "/app/a.php", "/", below("/a.php"));
	assert_found(&l, "a.php/x/y.php", "/app/a.php", "/x/y.php", below("/a.php"));
	assert_found(&l, "sub/b.php/x", "/app/sub/b.php", "/x", below("/sub/b.php"));
	assert_found(&l, "dir.php/d.php", "/app/dir.php/d.php", "", below("/dir.php/d.php"));
	assert_found(&l, "", "/app/index.php", "", below("/index.php"));
	assert_found(&other, "", "/app/index.php", "", below("/index.php"));
	assert_found(&other, "/sub/b.php", "/app/sub/b.php", "", below("/sub/b.php"));
	assert_text(script.cgi.root, root);
	l.fastcgi_index = "b.php";
	assert_found(&l, "sub/", "/app/sub/b.php", "", below("/sub/b.php"));
}

static void what_is_no_script_is_not_found(void **state)
{
	static const char *const paths[] = {
		"none.php", "sub/photo.jpg", "sub/photo.jpg/x.php", "sub", "sub/", "dir.php", "dir.php/", ".git/c.php",
		"x/.git/c.php", ".php", "a.phpx", "a.ph",
	};
	struct config_location l = location("/");

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
		assert_int_equal(fastcgi_script_find(&l, paths[i], &script), 404);
	assert_found(&l, "", "/index.php", "", below("/index.php"));
}

static void one_script_answers_all(void **state)
{
	struct config_location l = location("/app/"), top = location("/");

	(void)state;
	l.fastcgi_root = top.fastcgi_root = "";
	l.fastcgi_script = top.fastcgi_script = "/srv/x/main.php";
	assert_found(&l, "a/b", "/app/main.php", "/a/b", "/srv/x/main.php");
	assert_found(&top, "", "/main.php", "", "/srv/x/main.php");
	assert_found(&top, "a", "/main.php", "/a", "/srv/x/main.php");
}

static void an_application_may_have_no_script(void **state)
{
	struct config_location l = location("/app/"), other = location("/app"), top = location("/");

	(void)state;
	l.fastcgi_root = other.fastcgi_root = top.fastcgi_root = "";
	assert_found(&l, "a/b", "/app", "/a/b", "");
	assert_found(&l, "", "/app", "/", "");
	assert_found(&other, "", "/app", "", "");
	assert_found(&other, "/a", "/app", "/a", "");
	assert_found(&top, "a", "", "/a", "");
	assert_found(&top, "", "", "/", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_script),
		cmocka_unit_test(what_is_no_script_is_not_found),
		cmocka_unit_test(one_script_answers_all),
		cmocka_unit_test(an_application_may_have_no_script),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
