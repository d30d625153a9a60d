/* Giving up root: each case in a child process, which tells by its exit status. Needs root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/privileges.h"

enum { CHILD_OK = 0, CHILD_FAILED = 1, CHILD_STILL_ROOT = 2, CHILD_WAY_BACK = 3, CHILD_NEW_PRIVILEGES = 4 };

static int become_nobody(void)
{
	struct failure why;

	if (privileges_drop("nobody", &why) != 0)
		return CHILD_FAILED;
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
		return CHILD_STILL_ROOT;
	if (setuid(0) == 0 || setgid(0) == 0)
		return CHILD_WAY_BACK;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? CHILD_OK : CHILD_NEW_PRIVILEGES;
}

/* One who is not root can become nobody else, and is told what to do. */
static int become_root_as_nobody(void)
{
	struct failure why;

	if (setgid(65534) != 0 || setuid(65534) != 0 || privileges_drop("root", &why) != -EPERM)
		return CHILD_FAILED;
	return strcmp(why.text, "cannot become user \"root\": Operation not permitted: start as root") == 0 ?
		       CHILD_OK : CHILD_FAILED;
}

/* Root's capabilities kept by nobody, as systemd's AmbientCapabilities= would have it. */
static int give_up_capabilities(void)
{
	struct failure why;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return CHILD_FAILED;
	if (privileges_drop("", &why) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0)
		return CHILD_FAILED;
	if (setuid(0) == 0)
		return CHILD_WAY_BACK;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? CHILD_OK : CHILD_NEW_PRIVILEGES;
}

static int status_of(int (*body)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void need_root(void)
{
	if (geteuid() != 0)
		fail_msg("this test must run as root");
}

static void test_user_is_become_for_good(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(status_of(become_nobody), CHILD_OK);
}

static void test_capabilities_of_others_are_given_up(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(status_of(give_up_capabilities), CHILD_OK);
}

static void test_without_root_it_says_what_to_do(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(status_of(become_root_as_nobody), CHILD_OK);
}

static void test_no_user_changes_nothing(void **state)
{
	struct failure why;
	uid_t before = geteuid();

	(void)state;
	assert_int_equal(privileges_drop("", &why), 0);
	assert_int_equal(geteuid(), before);
}

static void test_unknown_user_is_named(void **state)
{
	struct failure why;

	(void)state;
	assert_true(privileges_drop("no-such-user", &why) < 0);
	assert_string_equal(why.text, "there is no user \"no-such-user\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_is_become_for_good),
		cmocka_unit_test(test_without_root_it_says_what_to_do),
		cmocka_unit_test(test_capabilities_of_others_are_given_up),
		cmocka_unit_test(test_no_user_changes_nothing),
		cmocka_unit_test(test_unknown_user_is_named),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
